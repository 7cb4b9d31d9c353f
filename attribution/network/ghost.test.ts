import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { gradients } from "../../compute/training/network.ts";
import { ghostProducts, scaleRows } from "./ghost.ts";
import { dot, farthest, tinyNetwork, tinyRows, written } from "./testing.ts";

const [train, rest] = [tinyRows(9, 1n), tinyRows(5, 2n)];
const networks = [tinyNetwork(3n), tinyNetwork(4n)];
const left = networks.map((network) => gradients(network, train));
const right = networks.map((network) => gradients(network, rest));
const products = (position: number) =>
	written(left[position] ?? []).flatMap((one) => written(right[position] ?? []).map((other) => dot(one, other)));

test("equal inner products of gradients written out", async () => {
	const { values, rows, columns } = await ghostProducts(left[0] ?? [], right[0] ?? []);
	expect([rows, columns]).toEqual([9, 5]);
	expect(farthest(values, products(0))).toBeLessThan(1e-6);
});

test("several networks in one list give the sum", async () => {
	const { values } = await ghostProducts(left.flat(), right.flat());
	const second = products(1);
	expect(
		farthest(
			values,
			products(0).map((value, i) => value + (second[i] as number)),
		),
	).toBeLessThan(1e-6);
});

test("more rows than a block, and told of each block", async () => {
	const many = tinyRows(1300, 5n);
	const network = tinyNetwork(3n);
	const told: number[] = [];
	const { values } = await ghostProducts(gradients(network, many), right[0] ?? [], { progress: (done) => told.push(done) });
	expect(told).toEqual([512, 1024, 1300]);
	const expected = written(gradients(network, many)).flatMap((one) => written(right[0] ?? []).map((other) => dot(one, other)));
	expect(farthest(values, expected)).toBeLessThan(1e-6);
});

test("scaled rows", async () => {
	const factors = Float64Array.from({ length: 9 }, (_, i) => i - 3);
	const { values } = await ghostProducts(scaleRows(left[0] ?? [], factors), right[0] ?? []);
	expect(
		farthest(
			values,
			products(0).map((value, i) => value * (factors[Math.floor(i / 5)] as number)),
		),
	).toBeLessThan(1e-6);
});

describe("refused", () => {
	test("gradients of other networks", async () => {
		const other = gradients(tinyNetwork(3n, [6, 5, 3, 3]), rest);
		expect(await refusal(() => ghostProducts(left[0] ?? [], other))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "ghostProducts: expected layers of 6 x 5, 5 x 4, 4 x 3, got 6 x 5, 5 x 3, 3 x 3",
		});
	});

	test("a signal stops it", async () => {
		await expect(ghostProducts(left[0] ?? [], right[0] ?? [], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
			"enough",
		);
	});
});
