import { expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { addNoise } from "../attack/copy.ts";
import { stackEvidence } from "./evidence.ts";
import { measureProximity } from "./proximity.ts";
import { drawEpoch } from "./testing.ts";

test("typical distances and close rows are those of a search through all pairs", async () => {
	const { submissions, context } = drawEpoch(4, 45, 5n);
	const evidence = stackEvidence(submissions, context);
	const { n, d, k, x, label, owner } = evidence;
	const { typical, close } = await measureProximity(evidence, 0.9);
	const distance = (a: number, b: number) => {
		let sum = 0;
		for (let l = 0; l < d; l++) sum += ((x[a * d + l] as number) - (x[b * d + l] as number)) ** 2;
		return Math.sqrt(sum);
	};
	const rows = Array.from({ length: n }, (_, row) => row);
	for (let y = 0; y < k; y++) {
		const nearest = rows
			.filter((row) => label[row] === y)
			.map((row) => Math.min(...rows.filter((other) => owner[other] !== owner[row]).map((other) => distance(row, other))))
			.sort((a, b) => a - b);
		expect(typical[y]).toBeCloseTo(nearest[Math.floor(nearest.length / 2)] as number, 9);
	}
	for (const row of rows) {
		const scale = typical[label[row] as number] as number;
		const expected = rows.filter((other) => other !== row && distance(row, other) <= 0.9 * scale);
		expect(close[row]?.map((one) => one.row)).toEqual(expected);
		for (const one of close[row] ?? []) expect(one.distance).toBeCloseTo(distance(row, one.row) / scale, 9);
	}
});

test("SimHash proposes nearly all close rows, nothing else, and every noisy copy", async () => {
	const { submissions, context } = drawEpoch(10, 90, 6n);
	const copied = addNoise((submissions[4] as (typeof submissions)[number]).rows, 1, generator(1n));
	const evidence = stackEvidence([...submissions, { contributor: "copy", rows: copied, committed: 99 }], context);
	const exact = await measureProximity(evidence, 0.8);
	const hashed = await measureProximity(evidence, 0.8, {}, 0);
	const count = (list: typeof exact.close) => list.reduce((sum, near) => sum + near.length, 0);
	expect(count(exact.close)).toBeGreaterThan(100);
	expect(count(hashed.close) / count(exact.close)).toBeGreaterThan(0.8);
	const found = (list: typeof exact.close) =>
		list.filter((near, row) => evidence.owner[row] === 10 && near.some((one) => evidence.owner[one.row] === 4)).length;
	expect(found(exact.close)).toBeGreaterThan(85);
	expect(found(hashed.close)).toBe(found(exact.close));
	hashed.close.forEach((near, row) => {
		const all = new Set(exact.close[row]?.map((one) => one.row));
		expect(near.every((one) => all.has(one.row))).toBe(true);
	});
	expect(await measureProximity(evidence, 0.8, {}, 0)).toEqual(hashed);
});

test("with nobody to compare with only equal rows are near", async () => {
	const { submissions, context } = drawEpoch(1, 9, 7n);
	const evidence = { ...stackEvidence(submissions, context), owner: new Uint32Array(18) };
	const { typical, close } = await measureProximity(evidence, 2);
	expect(typical).toEqual(new Float64Array(3));
	expect(close.flat()).toEqual([]);
	evidence.x.copyWithin(0, evidence.d, 2 * evidence.d);
	expect((await measureProximity(evidence, 2)).close.flat()).toEqual([
		{ row: 1, distance: 0 },
		{ row: 0, distance: 0 },
	]);
});

test("stops when it is told to", async () => {
	const { submissions, context } = drawEpoch(2, 30, 8n);
	const stopped = AbortSignal.abort(Object.assign(new Error("enough"), { hint: "none" }));
	expect((await refusal(() => measureProximity(stackEvidence(submissions, context), 1, { signal: stopped }))).message).toBe("enough");
});
