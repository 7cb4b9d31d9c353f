import { afterAll, describe, expect, test } from "vitest";
import type { Rows } from "../../circuits/statistics.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { openForTests } from "./testing.ts";

const reference = openReference();
const backend = await openForTests();
/** One that cuts jobs into parts: four tiles of statistics, a few rows of a matrix. */
const narrow = await openForTests({ tensorBytes: 2 ** 17 });
afterAll(() => Promise.all([backend?.close(), narrow?.close()]));
const needsDevice = test.skipIf(!backend);

const next = generator(3n);
const bytes = (length: number, bound = 256) => Uint8Array.from({ length }, () => below(next, bound));

describe("statistics are those of the reference", () => {
	const random = (count: number, d: number, k: number, weights = 256): Rows => ({
		x: bytes(count * d),
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
	const cases: [string, Rows, number, number][] = [
		["random rows and weights", random(300, 37, 10), 37, 10],
		["one row", random(1, 5, 2), 5, 2],
		["one feature", random(9, 1, 2), 1, 2],
		["no rows", random(0, 5, 3), 5, 3],
		["all of weight 0", { ...random(8, 4, 2), weight: new Uint8Array(8) }, 4, 2],
		["weights 0 and 1", random(500, 17, 3, 2), 17, 3],
		["all classes", random(700, 8, 256), 8, 256],
		["classes in a tile of their own", random(40, 64, 3), 64, 3],
		["more tiles than share memory", random(1000, 203, 4), 203, 4],
		["more rows than are sent at once", random(7001, 33, 5), 33, 5],
		["the largest values", filled(900, 6, 255, 255), 6, 2],
		["the largest values, in as many rows as 32 bits hold and more", filled(65_536 * 12, 1, 255, 255), 1, 2],
		["the largest values of weight 1, in more rows than 32 bits hold", filled(65_536 * 8 + 77, 1, 255, 1), 1, 2],
	];
	needsDevice.each(cases)("%s", async (_, rows, d, k) => {
		const expected = await reference.statistics(rows, d, k);
		expect(await backend!.statistics(rows, d, k)).toEqual(expected);
		expect(await narrow!.statistics(rows, d, k)).toEqual(expected);
	});
});

describe("the nearest rows are those of the reference", () => {
	const matrix = (rows: number, columns: number, bound = 256) => ({ values: bytes(rows * columns, bound), rows, columns });
	const cases: [string, ReturnType<typeof matrix>, ReturnType<typeof matrix>, number][] = [
		["one of one", matrix(1, 3), matrix(2, 3), 1],
		["all equal", matrix(300, 2, 1), matrix(3, 2, 1), 5],
		["many ties", matrix(5000, 3, 2), matrix(4, 3, 2), 64],
		["as many as the device keeps", matrix(4500, 7), matrix(3, 7), 256],
		["more than the device keeps", matrix(4500, 7), matrix(3, 7), 257],
		["the order of all", matrix(300, 5, 4), matrix(3, 5, 4), 300],
		["many test rows", matrix(12, 4, 9), matrix(2100, 4, 9), 3],
		["the largest distances", { values: new Uint8Array(3 * 33_025).fill(255), rows: 3, columns: 33_025 }, matrix(1, 33_025, 1), 3],
	];
	needsDevice.each(cases)("%s", async (_, train, testRows, count) => {
		const expected = await reference.nearest(train, testRows, count);
		expect(await backend!.nearest(train, testRows, count)).toEqual(expected);
		expect(await narrow!.nearest(train, testRows, count)).toEqual(expected);
	});
});

describe("a job ends with the reason of its signal", () => {
	const train = { values: bytes(9000 * 40), rows: 9000, columns: 40 };
	const others = { values: bytes(30 * 40), rows: 30, columns: 40 };
	const rows: Rows = { x: train.values, label: bytes(9000, 3), weight: bytes(9000), count: 9000 };
	const jobs: [string, (signal: AbortSignal) => Promise<unknown>][] = [
		["statistics", (signal) => narrow!.statistics(rows, 40, 3, signal)],
		["nearest, kept on the device", (signal) => narrow!.nearest(train, others, 5, signal)],
		["nearest, ranked here", (signal) => narrow!.nearest(train, others, 300, signal)],
	];
	needsDevice.each(jobs)("%s", async (_, job) => {
		for (const late of [false, true]) {
			const abort = new AbortController();
			if (late) setImmediate(() => abort.abort(new Error("enough")));
			else abort.abort(new Error("enough"));
			await expect(job(abort.signal)).rejects.toThrow("enough");
		}
		await expect(job(new AbortController().signal)).resolves.toBeDefined();
	});
});
