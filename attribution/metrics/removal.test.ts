import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import type { Examples } from "../examples.ts";
import { removalCurves, ridgeRetraining } from "./removal.ts";

/** Two classes around +-1 with a bias; the first `wrong` labels are turned. */
function rows(n: number, wrong: number, seed: bigint): Examples {
	const next = generator(seed);
	const truth = Array.from({ length: n }, () => below(next, 2));
	const x = Float64Array.from({ length: n * 3 }, (_, at) =>
		at % 3 === 2 ? 1 : 2 * (truth[Math.floor(at / 3)] as number) - 1 + below(next, 1000) / 500 - 1,
	);
	return { x, label: Uint8Array.from(truth, (y, row) => (row < wrong ? 1 - y : y)), n, d: 3, k: 2 };
}

describe("removal", () => {
	const [train, held] = [rows(100, 40, 1n), rows(200, 0, 2n)];
	const scores = Float64Array.from({ length: 100 }, (_, row) => (row < 40 ? -1 : 1) + row / 1e4);
	const retrain = ridgeRetraining(held, 1e-3);

	test("keeps the rows that it says, in their order", async () => {
		const seen: number[][] = [];
		const small = rows(7, 0, 3n);
		const known = { ...small, x: Float64Array.from(small.x, (_, at) => Math.floor(at / 3)) };
		const { removeHighest, addLowest } = await removalCurves({
			train: known,
			scores: [5, 1, 4, 1, 3, 9, 2],
			points: 3,
			retrain: (some) => {
				seen.push(Array.from({ length: some.n }, (_, i) => some.x[3 * i] as number));
				return { loss: some.n, accuracy: 0 };
			},
		});
		expect(seen).toEqual([
			[0, 1, 2, 3, 4, 5, 6],
			[1, 2, 3, 4, 6],
			[1, 3],
			[0, 1, 2, 3, 4, 5, 6],
			[0, 2, 4, 5, 6],
			[0, 5],
		]);
		expect(removeHighest.map(({ kept, loss }) => [kept, loss])).toEqual([
			[1, 7],
			[5 / 7, 5],
			[2 / 7, 2],
		]);
		expect(addLowest).toEqual(removeHighest.toReversed());
	});

	test("without the mislabelled rows the head is better, without the others worse", async () => {
		const { removeHighest, removeLowest, addHighest } = await removalCurves({ train, scores, retrain, points: 5 });
		const [all, cleaned] = [removeLowest[0], removeLowest[2]];
		expect(all).toEqual({ kept: 1, ...retrain(train) });
		expect(cleaned?.kept).toBe(0.6);
		expect(cleaned?.loss).toBeLessThan((all?.loss as number) - 0.05);
		expect(cleaned?.accuracy).toBeGreaterThan(0.95);
		expect(removeHighest[2]?.accuracy).toBeLessThan(0.5);
		expect(addHighest[0]?.accuracy).toBeGreaterThan(0.9);
	});

	test("the ridge head is the solution of its equations", () => {
		const { loss, accuracy } = ridgeRetraining(held, 0.1)(train);
		// One weight per class by gradient descent on the definition.
		const w = new Float64Array(6);
		for (let step = 0; step < 3000; step++) {
			const slope = w.map((value) => 0.1 * value);
			for (let i = 0; i < 100; i++) {
				for (let c = 0; c < 2; c++) {
					let off = -Number(train.label[i] === c);
					for (let l = 0; l < 3; l++) off += (train.x[3 * i + l] as number) * (w[2 * l + c] as number);
					for (let l = 0; l < 3; l++) (slope[2 * l + c] as number) += (off * (train.x[3 * i + l] as number)) / 100;
				}
			}
			slope.forEach((value, i) => {
				(w[i] as number) -= 0.2 * value;
			});
		}
		let [squares, right] = [0, 0];
		for (let q = 0; q < 200; q++) {
			const logits = [0, 1].map((c) => [0, 1, 2].reduce((sum, l) => sum + (held.x[3 * q + l] as number) * (w[2 * l + c] as number), 0));
			squares += logits.reduce((sum, value, c) => sum + (value - Number(held.label[q] === c)) ** 2, 0);
			right += Number(Number((logits[1] as number) > (logits[0] as number)) === held.label[q]);
		}
		expect(loss).toBeCloseTo(squares / 400, 9);
		expect(accuracy).toBe(right / 200);
	});

	test("tells of its progress and stops when asked to", async () => {
		const stop = new AbortController();
		const seen: number[][] = [];
		const work = removalCurves(
			{ train, scores, retrain },
			{
				signal: stop.signal,
				progress: (done, of) => {
					seen.push([done, of]);
					if (done === 3) stop.abort(new Error("enough"));
				},
			},
		);
		await expect(work).rejects.toThrow("enough");
		expect(seen).toEqual([
			[1, 42],
			[2, 42],
			[3, 42],
		]);
	});

	test.each([
		["scores of other rows", { scores: scores.subarray(1) }, "SHAPE_MISMATCH", "each of 100 rows, got 99"],
		["one point", { points: 1 }, "PARAMETER_OUT_OF_RANGE", "integer in [2, 100], got 1"],
		["more points than rows", { points: 101 }, "PARAMETER_OUT_OF_RANGE", "got 101"],
	])("refuses %s", async (_, changed, code, message) => {
		await removalCurves({ train, scores, retrain, points: 2 });
		expect(await refusal(() => removalCurves({ train, scores, retrain, ...changed }))).toEqual({
			code,
			message: expect.stringContaining(message),
		});
	});
});
