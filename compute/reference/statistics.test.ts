import { describe, expect, test } from "vitest";
import { type Rows, statisticsOf } from "../../circuits/statistics.ts";
import { below, generator } from "../random.ts";
import { exactStatistics, MAX_WEIGHT, type Statistics, sumStatistics } from "../statistics.ts";
import { refusal } from "../testing.ts";
import { openReference } from "./backend.ts";

const next = generator(11n);
const bytes = (length: number, bound: number) => Uint8Array.from({ length }, () => below(next, bound));
const random = (count: number, d: number, k: number): Rows => ({
	x: bytes(count * d, 256),
	label: bytes(count, k),
	weight: bytes(count, 256),
	count,
});
const filled = (count: number, d: number, value: number): Rows => ({
	x: new Uint8Array(count * d).fill(value),
	label: new Uint8Array(count),
	weight: new Uint8Array(count).fill(value),
	count,
});

describe("statistics equal their definition over bigints", () => {
	test.each([
		["random rows", random(50, 7, 4), 7, 4],
		["random rows, k = 1", random(20, 3, 1), 3, 1],
		["one feature", random(9, 1, 2), 1, 2],
		["no rows", random(0, 5, 3), 5, 3],
		["largest values", filled(300, 6, 255), 6, 2],
		["weight 0", { ...random(8, 4, 2), weight: new Uint8Array(8) }, 4, 2],
	] as const)("%s", async (_, rows, d, k) => {
		expect(exactStatistics(await openReference().statistics(rows, d, k))).toEqual(statisticsOf(rows, d, k));
	});
});

test("the sum of two parts is the statistics of all rows", async () => {
	const backend = openReference();
	const all = random(10, 4, 3);
	const part = (from: number, to: number): Rows => ({
		x: all.x.slice(from * 4, to * 4),
		label: all.label.slice(from, to),
		weight: all.weight.slice(from, to),
		count: to - from,
	});
	const parts = await Promise.all([backend.statistics(part(0, 3), 4, 3), backend.statistics(part(3, 10), 4, 3)]);
	expect(sumStatistics(parts)).toEqual(await backend.statistics(all, 4, 3));
});

describe("refused", () => {
	const rows = random(4, 3, 2);

	test.each([
		["x", { ...rows, x: rows.x.slice(1) }, "expected 12 values in x (count = 4, d = 3), got 11"],
		["label", { ...rows, label: rows.label.slice(1) }, "expected 4 values in label (count = 4, d = 3), got 3"],
		["weight", { ...rows, weight: rows.weight.slice(1) }, "expected 4 values in weight (count = 4, d = 3), got 3"],
		["count", { ...rows, count: 4.5 }, "expected integers count >= 0, d >= 1, k >= 1, got 4.5, 3, 2"],
	])("a wrong length of %s", async (_, wrong, message) => {
		expect(await refusal(() => openReference().statistics(wrong, 3, 2))).toEqual({
			code: "SHAPE_MISMATCH",
			message: `statistics: ${message}`,
		});
	});

	test("a label of another class", async () => {
		const wrong = { ...rows, label: Uint8Array.of(0, 1, 2, 0) };
		expect(await refusal(() => openReference().statistics(wrong, 3, 2))).toEqual({
			code: "LABEL_OUT_OF_RANGE",
			message: "statistics: row 2: label 2 is outside [0, 1]",
		});
	});

	test("sums that would not be exact", async () => {
		const empty: Statistics = { a: new Float64Array(1), b: new Float64Array(1), n: 0, d: 1, k: 1 };
		expect(sumStatistics([empty, { ...empty, n: MAX_WEIGHT }]).n).toBe(MAX_WEIGHT);
		expect(
			await refusal(() =>
				sumStatistics([
					{ ...empty, n: 1 },
					{ ...empty, n: MAX_WEIGHT },
				]),
			),
		).toEqual({
			code: "SUM_TOO_LARGE",
			message: `statistics: sum of weights ${MAX_WEIGHT + 1} is above ${MAX_WEIGHT}, sums would not be exact`,
		});
	});

	test("statistics of another shape, and none", async () => {
		const backend = openReference();
		const mixed = [await backend.statistics(random(2, 3, 2), 3, 2), await backend.statistics(random(2, 4, 2), 4, 2)];
		expect(await refusal(() => sumStatistics(mixed))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "statistics: expected d = 3, k = 2, got d = 4, k = 2",
		});
		expect(await refusal(() => sumStatistics([]))).toEqual({ code: "SHAPE_MISMATCH", message: "statistics: nothing to add" });
	});

	test("a closed backend", async () => {
		const backend = openReference();
		await backend.close();
		await backend.close();
		expect(await refusal(() => backend.statistics(rows, 3, 2))).toEqual({
			code: "BACKEND_CLOSED",
			message: "reference: the backend is closed",
		});
	});
});
