import { expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { byteExamplesOf } from "../byte-examples.ts";
import { relativeLeverage } from "./leverage.ts";
import { D, drawRows, K } from "./testing.ts";

/** The inverse by Gauss and Jordan. */
function inverse(a: number[][]): number[][] {
	const d = a.length;
	const m = a.map((row, i) => [...row, ...row.map((_, l) => (l === i ? 1 : 0))]);
	for (let i = 0; i < d; i++) {
		const pivot = (m[i] as number[])[i] as number;
		m[i] = (m[i] as number[]).map((value) => value / pivot);
		for (let r = 0; r < d; r++) {
			if (r === i) continue;
			const factor = (m[r] as number[])[i] as number;
			m[r] = (m[r] as number[]).map((value, l) => value - factor * ((m[i] as number[])[l] as number));
		}
	}
	return m.map((row) => row.slice(d));
}

test("is the diagonal of the hat matrix over its median, rows of weight 0 outside", () => {
	const rows = drawRows(50, generator(1n));
	const x = rows.x.slice();
	// A row that points elsewhere.
	x.set(
		Uint8Array.from({ length: D - 1 }, (_, i) => (i % 2) * 255),
		7 * D,
	);
	const weight = rows.weight.map((one, row) => (row % 10 === 3 ? 0 : one));
	const lambda = 65;
	const total = weight.reduce((sum, one) => sum + one, 0);
	const at = (row: number) => Array.from(x.subarray(row * D, (row + 1) * D));
	const a = Array.from({ length: D }, (_, i) =>
		Array.from({ length: D }, (_, l) => {
			let sum = i === l ? lambda * total : 0;
			for (let row = 0; row < 50; row++) sum += (weight[row] as number) * (at(row)[i] as number) * (at(row)[l] as number);
			return sum;
		}),
	);
	const h = inverse(a);
	const expected = Array.from({ length: 50 }, (_, row) => {
		const r = at(row);
		return r.reduce(
			(sum, value, i) => sum + value * r.reduce((inner, other, l) => inner + other * ((h[i] as number[])[l] as number), 0),
			0,
		);
	});
	const counted = expected.filter((_, row) => weight[row] !== 0).sort((p, q) => p - q);
	const median = counted[Math.floor(counted.length / 2)] as number;
	const found = relativeLeverage(byteExamplesOf({ ...rows, x, weight }, D, K), lambda);
	found.forEach((value, row) => {
		expect(value).toBeCloseTo((expected[row] as number) / median, 8);
	});
	expect(found[7]).toBeGreaterThan(2);
});
