import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { gradients } from "../../compute/training/network.ts";
import { type Checkpoint, train as trainNetwork } from "../../compute/training/train.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";
import { gradDotMethod, tracInMethod } from "./tracin.ts";

const [train, rest] = [tinyRows(12, 1n), tinyRows(5, 2n)];
const { checkpoints } = await trainNetwork(train, 3, { sizes: [5, 4], epochs: 6, batch: 4, rate: 0.1, seed: 3n, checkpoints: [1, 3, 6] });
const pairsOf = async (points: readonly Checkpoint[]) => (await tracInMethod({ checkpoints: points }).cache(train)).pairs?.(rest);
const expected = (points: readonly Checkpoint[]) => {
	const sum: number[] = new Array(60).fill(0);
	for (const { network, rate } of points) {
		const right = written(gradients(network, rest));
		written(gradients(network, train)).forEach((one, i) => {
			right.forEach((other, j) => {
				(sum[i * 5 + j] as number) += rate * dot(one, other);
			});
		});
	}
	return sum;
};

test("equals gradients written out, with each checkpoint's own rate", async () => {
	const decayed = checkpoints.map((one, c) => ({ ...one, rate: 0.1 / (c + 1) }));
	const pairs = await pairsOf(decayed);
	expect([pairs?.entries, pairs?.tests]).toEqual([12, 5]);
	expect(farthest(pairs?.scores ?? [], expected(decayed))).toBeLessThan(1e-5);
});

test("is linear in the checkpoints", async () => {
	const all = await pairsOf(checkpoints);
	const parts = await Promise.all(checkpoints.map((one) => pairsOf([one])));
	const sum = Array.from({ length: 60 }, (_, i) => parts.reduce((total, part) => total + (part?.scores[i] as number), 0));
	expect(farthest(all?.scores ?? [], sum)).toBeLessThan(1e-5);
});

test("is symmetric: of a row and itself the squared norm, which is positive", async () => {
	const pairs = await (await tracInMethod({ checkpoints }).cache(rest)).pairs?.(rest);
	const score = (i: number, j: number) => pairs?.scores[i * 5 + j] as number;
	for (let i = 0; i < 5; i++) {
		expect(score(i, i)).toBeGreaterThan(0);
		for (let j = 0; j < i; j++) expect(score(i, j)).toBeCloseTo(score(j, i), 6);
	}
});

test("grad-dot is one checkpoint of rate 1; a step along a row's gradient lowers the loss by it", async () => {
	const network = tinyNetwork(3n);
	const one = await (await gradDotMethod({ network }).cache(train)).pairs?.(rest);
	expect(one?.scores).toEqual((await pairsOf([{ epoch: 0, network, rate: 1 }]))?.scores);
	expect(one?.positive).toBe("lowers the test loss");
});

test("attribute is the mean over test examples", async () => {
	const cached = await tracInMethod({ checkpoints }).cache(train);
	const { scores, total } = await cached.attribute(rest);
	const pairs = await pairsOf(checkpoints);
	expect(total).toBe(null);
	scores.forEach((score, i) => {
		const own = Array.from(pairs?.scores.subarray(i * 5, i * 5 + 5) ?? []);
		expect(score).toBeCloseTo(own.reduce((sum, value) => sum + value, 0) / 5, 6);
	});
});

describe("refused", () => {
	const [first, second, third] = checkpoints as [Checkpoint, Checkpoint, Checkpoint];
	const attempt = (points: readonly Checkpoint[]) => refusal(() => tracInMethod({ checkpoints: points }));

	test.each([
		["in the wrong order", [second, first, third], "3, 1, 6"],
		["twice the same", [first, first, third], "1, 1, 6"],
		["none", [], ""],
	])("checkpoints %s", async (_, points, epochs) => {
		expect(await attempt(points)).toEqual({
			code: "CHECKPOINT_ORDER",
			message: `tracin: expected checkpoints in ascending order of epochs, got [${epochs}]`,
		});
	});

	test("a network of other sizes", async () => {
		expect(await attempt([first, { ...second, network: tinyNetwork(1n, [6, 5, 5, 3]) }])).toEqual({
			code: "SHAPE_MISMATCH",
			message: "tracin: expected networks of 6 x 5, 5 x 4, 4 x 3, got 6 x 5, 5 x 5, 5 x 3 at 1",
		});
	});

	test("a rate of 0", async () => {
		expect(await attempt([first, { ...second, rate: 0 }])).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "tracin: expected rates above 0, got 0 at epoch 3",
		});
	});

	test("rows of another width, and labels of another class", async () => {
		const cached = await tracInMethod({ checkpoints }).cache(train);
		expect(await refusal(() => cached.pairs?.(tinyRows(5, 2n, 7)))).toMatchObject({ code: "SHAPE_MISMATCH" });
		expect(await refusal(() => cached.attribute({ ...rest, label: Uint8Array.of(0, 1, 2, 3, 0) }))).toMatchObject({
			code: "LABEL_OUT_OF_RANGE",
		});
	});
});
