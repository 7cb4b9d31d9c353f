import { describe, expect, test } from "vitest";
import { FIELD, reduce } from "../../circuits/field.ts";
import { power } from "../bn254.ts";
import { Draws } from "./draws.ts";
import { Echelon, invert, type Vector } from "./elimination.ts";

const draws = new Draws("elimination.test");
const vector = (...values: (bigint | number)[]): Vector =>
	new Map(values.map((value, i) => [i, BigInt(value)] as const).filter(([, value]) => value !== 0n));

describe("invert", () => {
	test.each([1n, 2n, FIELD - 1n, -7n, draws.next(), draws.next()])("%s", (value) => {
		expect(invert(value)).toBe(power(reduce(value), FIELD - 2n, FIELD));
	});

	test.each([0n, FIELD])("%s has none", (value) => {
		expect(() => invert(value)).toThrow(RangeError);
	});
});

describe("Echelon", () => {
	test("counts independent rows and hands back what is left of a dependent one", () => {
		const echelon = new Echelon();
		expect([vector(0, 2, 3), vector(1, 1, 1), vector(1, 3, 4), vector(0, 0, 5)].map((row) => echelon.add(row)?.size)).toEqual([
			undefined,
			undefined,
			0,
			undefined,
		]);
		expect(echelon.rank).toBe(3);
	});

	test("a product of random matrices has the rank of its inner dimension", () => {
		const random = (rows: number, columns: number) =>
			Array.from({ length: rows }, () => Array.from({ length: columns }, () => draws.next()));
		const [left, right] = [random(9, 4), random(4, 7)];
		const echelon = new Echelon();
		for (const row of left) {
			echelon.add(
				vector(
					...Array.from({ length: 7 }, (_, c) => row.reduce((sum, value, i) => (sum + value * (right[i]?.[c] as bigint)) % FIELD, 0n)),
				),
			);
		}
		expect(echelon.rank).toBe(4);
		expect(echelon.moving([0, 1, 2, 3, 4, 5, 6])).toHaveLength(7);
	});

	test("names the columns in which the kernel moves", () => {
		const echelon = new Echelon();
		// x0 = x1, x2 = 0, x3 and x4 in no row.
		echelon.add(vector(1, -1, 0));
		echelon.add(vector(0, 0, 3));
		expect(echelon.moving([0, 1, 2, 3])).toEqual([0, 1, 3]);
	});

	test("takes pivots from eligible columns only", () => {
		const echelon = new Echelon((column) => column >= 2);
		expect(echelon.add(vector(1, 1, 1))).toBeUndefined();
		expect([...(echelon.add(vector(2, 3, 1)) as Vector)].map(([column, value]) => [column, reduce(value)])).toEqual([
			[0, 1n],
			[1, 2n],
		]);
	});
});
