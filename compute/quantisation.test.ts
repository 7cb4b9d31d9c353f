import { describe, expect, test } from "vitest";
import { fitQuantisation, padFeatures, quantisationOf, quantise } from "./quantisation.ts";
import type { Table } from "./table.ts";
import { refusal } from "./testing.ts";

function table(m: number, rows: number[]): Table {
	const n = rows.length / m;
	const columns = Array.from({ length: m }, (_, column) => `c${column}`);
	return { source: "t", columns, rows: Float64Array.from(rows), n, m, labels: new Uint8Array(n), k: 1, classes: ["0"], owners: null };
}
const all = (n: number) => Uint32Array.from({ length: n }, (_, row) => row);

test("the ends of the range become 0 and 255, halves round up, the bias is last", () => {
	const data = table(1, [-1, 1, 0, -0.99]);
	const scale = fitQuantisation(data, all(4));
	expect(scale).toEqual({ schema: "openledger.quantisation.v1", columns: [{ column: 0, name: "c0", min: -1, max: 1 }] });
	expect([...quantise(data, scale)]).toEqual([0, 255, 255, 255, 128, 255, 1, 255]);
});

test("ranges come from the training rows only", () => {
	const { columns } = fitQuantisation(table(1, [1, 2, 100]), all(2));
	expect([columns[0]?.min, columns[0]?.max]).toEqual([1, 2]);
});

test("the smallest and the largest ranges of float64", () => {
	for (const [min, max] of [
		[0, Number.MIN_VALUE],
		[-Number.MAX_VALUE / 2, Number.MAX_VALUE / 2],
	] as const) {
		const data = table(1, [min, max]);
		expect([...quantise(data, fitQuantisation(data, all(2)))]).toEqual([0, 255, 255, 255]);
	}
});

test("one range for all columns, of which some may be constant", () => {
	const data = table(3, [0, 7, 1, 10, 7, 2, 5, 7, 20]);
	const scale = fitQuantisation(data, all(2), { oneRange: true });
	expect(scale.columns.map(({ min, max }) => [min, max])).toEqual([
		[0, 10],
		[0, 10],
		[0, 10],
	]);
	expect([...quantise(data, scale, { clip: true })]).toEqual([0, 179, 26, 255, 255, 179, 51, 255, 128, 179, 255, 255]);
});

test("one range of bytes from 0 to 255 leaves them as they are", () => {
	const data = table(256, [...Array(256).keys()]);
	const scale = fitQuantisation(data, all(1), { oneRange: true });
	expect([...quantise(data, scale)]).toEqual([...Array(256).keys(), 255]);
});

test("one range of all columns, too wide or a single value", async () => {
	const wide = table(2, [0, -Number.MAX_VALUE, Number.MAX_VALUE, 0]);
	expect(await refusal(() => fitQuantisation(wide, all(2), { oneRange: true }))).toEqual({
		code: "VALUE_OUT_OF_RANGE",
		message: `t: all columns span [${-Number.MAX_VALUE}, ${Number.MAX_VALUE}], wider than a float64`,
	});
	expect(await refusal(() => fitQuantisation(table(2, [3, 3]), all(1), { oneRange: true }))).toMatchObject({ code: "COLUMN_CONSTANT" });
});

test("a scale is read again, also from what was made with it", async () => {
	const data = table(1, [1, 2]);
	const scale = fitQuantisation(data, all(2));
	expect(quantisationOf(JSON.parse(JSON.stringify(scale)), "s", data)).toEqual(scale);
	expect(quantisationOf({ schema: "openledger.model.v1", quantisation: scale }, "s", data)).toEqual(scale);
	expect([...quantise(data, quantisationOf({ quantisation: null }, "s", data))]).toEqual([1, 255, 2, 255]);
	const [range] = scale.columns;
	for (const none of [
		null,
		3,
		{},
		{ ...scale, columns: [] },
		{ ...scale, columns: [null] },
		{ ...scale, columns: [{ ...range, max: 1 }] },
		{ quantisation: 7 },
	]) {
		expect(await refusal(() => quantisationOf(none, "s", data))).toEqual({
			code: "VALUE_OUT_OF_RANGE",
			message: "s: expected a scale (openledger.quantisation.v1, with min < max for each column), got none",
		});
	}
});

describe("a value outside the range", () => {
	const data = table(2, [0, 0, 1, 1, 0.5, 1.25]);
	const scale = fitQuantisation(data, all(2));

	test("is refused by row, column and range", async () => {
		expect(await refusal(() => quantise(data, scale))).toEqual({
			code: "VALUE_OUT_OF_RANGE",
			message: 't: row 2, column 1 ("c1"): 1.25 is outside the range [0, 1]',
		});
	});

	test("is clipped on demand", () => {
		expect([...quantise(data, scale, { clip: true })]).toEqual([0, 0, 255, 255, 255, 255, 128, 255, 255]);
	});
});

describe("a constant column", () => {
	const data = table(2, [0, 5, 1, 5]);

	test("is refused", async () => {
		expect(await refusal(() => fitQuantisation(data, all(2)))).toEqual({
			code: "COLUMN_CONSTANT",
			message: 't: column 1 ("c1") is 5 in all 2 training rows',
		});
	});

	test("is dropped on demand", () => {
		const scale = fitQuantisation(data, all(2), { dropConstantColumns: true });
		expect([...quantise(data, scale)]).toEqual([0, 255, 255, 255]);
	});

	test("is refused if no other is left", async () => {
		const constant = table(1, [5, 5]);
		expect(await refusal(() => fitQuantisation(constant, all(2), { dropConstantColumns: true }))).toEqual({
			code: "TOO_FEW_COLUMNS",
			message: "t: all 1 columns are constant",
		});
	});
});

test("a range wider than a float64 is refused", async () => {
	const data = table(1, [-Number.MAX_VALUE, Number.MAX_VALUE]);
	expect(await refusal(() => fitQuantisation(data, all(2)))).toEqual({
		code: "VALUE_OUT_OF_RANGE",
		message: expect.stringContaining('column 0 ("c0") spans'),
	});
});

test("no training rows are refused", async () => {
	expect(await refusal(() => fitQuantisation(table(1, [0, 1]), all(0)))).toEqual({ code: "TOO_FEW_ROWS", message: "t: no training rows" });
});

test("a scale of another data set is refused", async () => {
	const data = table(1, [0, 1]);
	const scale = fitQuantisation(data, all(2));
	expect(await refusal(() => quantise({ ...data, columns: ["other"] }, scale))).toEqual({
		code: "SHAPE_MISMATCH",
		message: 't: column 0 is "other", the scale was made for "c0"',
	});
});

test("padding puts zeros before the bias", async () => {
	const x = Uint8Array.of(1, 2, 255, 3, 4, 255);
	expect([...padFeatures(x, 2, 3, 5)]).toEqual([1, 2, 0, 0, 255, 3, 4, 0, 0, 255]);
	expect(padFeatures(x, 2, 3, 3)).toEqual(x);
	expect(await refusal(() => padFeatures(x, 2, 3, 2))).toEqual({
		code: "TOO_MANY_FEATURES",
		message: "3 features (with the bias), the circuit takes at most 2",
	});
});
