import { describe, expect, test } from "vitest";
import type { Rows } from "../../circuits/statistics.ts";
import { readTable } from "../dataset.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { selectRows } from "../rows.ts";
import { refusal, sample } from "../testing.ts";
import { openWasm } from "./backend.ts";
import { byteArithmetic, PAIRWISE } from "./byte-arithmetic.ts";
import { squaredDistances } from "./distances.ts";

const next = generator(12n);
const bytes = (length: number, bound: number) => Uint8Array.from({ length }, () => below(next, bound));
const random = (count: number, d: number, k: number, weights = 256): Rows => ({
	x: bytes(count * d, 256),
	label: bytes(count, k),
	weight: bytes(count, weights),
	count,
});
const filled = (count: number, d: number, value: number, weight: number): Rows => ({
	x: new Uint8Array(count * d).fill(value),
	label: new Uint8Array(count),
	weight: new Uint8Array(count).fill(weight),
	count,
});
const alternating = (count: number, d: number): Rows => ({
	...random(count, d, 3, 3),
	x: Uint8Array.from({ length: count * d }, (_, at) => 255 * (at % 2)),
});

// Where a machine has no product of four bytes, both are the same.
const backends = [openWasm({ arithmetic: PAIRWISE }), openWasm({ arithmetic: byteArithmetic() })];

describe("statistics are those of the reference", () => {
	test.each([
		["random rows and weights", random(300, 37, 10), 37, 10],
		["one row", random(1, 5, 2), 5, 2],
		["one feature", random(9, 1, 2), 1, 2],
		["no rows", random(0, 5, 3), 5, 3],
		["all of weight 0", { ...random(8, 4, 2), weight: new Uint8Array(8) }, 4, 2],
		["two weights, one class", random(50, 17, 1, 2), 17, 1],
		["all classes", random(700, 8, 256), 8, 256],
		["more features than in a band", random(60, 203, 4), 203, 4],
		["strides of a power of two", random(40, 256, 4, 4), 256, 4],
		["more rows than in a chunk", random(2051, 19, 5, 3), 19, 5],
		["the largest values", filled(900, 6, 255, 255), 6, 2],
		["the largest values, in more rows than 32 bits hold", filled(66_051, 3, 255, 1), 3, 2],
		["alternating rows", alternating(1500, 33), 33, 3],
	] as const)("%s", async (_, rows, d, k) => {
		const expected = await openReference().statistics(rows, d, k);
		for (const backend of backends) expect(await backend.statistics(rows, d, k)).toEqual(expected);
	});

	const mnist = sample("mnist/train-images-idx3-ubyte.gz");
	test.skipIf(mnist.absent)("handwritten digits", async () => {
		const table = await readTable(mnist.path);
		const rows = selectRows(
			table.rows as Uint8Array,
			table.labels,
			784,
			Uint32Array.from({ length: 1500 }, (_, i) => 7 * i),
		);
		const expected = await openReference().statistics(rows, 784, 10);
		for (const backend of backends) expect(await backend.statistics(rows, 784, 10)).toEqual(expected);
	});
});

test("several calls at once, and other work between them, do not disturb each other", async () => {
	const [first, second] = [random(90, 20, 3), random(80, 30, 3)];
	const [backend, reference] = [openWasm(), openReference()];
	const calls = [backend.statistics(first, 20, 3), backend.statistics(second, 30, 3), backend.statistics(first, 20, 3)];
	const some = { values: bytes(40 * 9, 256), rows: 40, columns: 9 };
	squaredDistances(some, some);
	expect(await Promise.all(calls)).toEqual([
		await reference.statistics(first, 20, 3),
		await reference.statistics(second, 30, 3),
		await reference.statistics(first, 20, 3),
	]);
});

test("refuses what the reference refuses, and everything when it is closed", async () => {
	const rows = random(4, 3, 2);
	const backend = openWasm();
	expect((await backend.statistics(rows, 3, 2)).d).toBe(3);
	for (const [wrong, d, k] of [
		[{ ...rows, x: rows.x.slice(1) }, 3, 2],
		[{ ...rows, label: Uint8Array.of(0, 1, 2, 0) }, 3, 2],
		[rows, 0, 2],
	] as const) {
		expect(await refusal(() => backend.statistics(wrong, d, k))).toEqual(await refusal(() => openReference().statistics(wrong, d, k)));
	}
	await backend.close();
	await backend.close();
	expect(await refusal(() => backend.statistics(rows, 3, 2))).toEqual({ code: "BACKEND_CLOSED", message: "wasm: the backend is closed" });
});
