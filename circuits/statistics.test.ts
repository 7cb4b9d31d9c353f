import { describe, expect, test } from "vitest";
import { applyRidge, residualBits } from "./head.ts";
import { limbCount, Multiplicity, toLimbs } from "./limbs.ts";
import { pack, packedPer, sponge, TAGS } from "./sponge.ts";
import { commitStatistics, emptyStatistics, statBits, statisticsLimbs, statisticsOf, sumStatistics, triangleIndex } from "./statistics.ts";

const rows = { x: Uint8Array.of(1, 2, 255, 3, 0, 255), label: Uint8Array.of(0, 1), weight: Uint8Array.of(1, 2), count: 2 };

describe("statistics", () => {
	test("by hand", () => {
		const stats = statisticsOf(rows, 3, 2);
		expect(stats.rows).toBe(3n);
		expect(stats.a).toEqual([1n + 18n, 2n, 255n + 1530n, 4n, 510n, 65025n * 3n]);
		expect(stats.b).toEqual([1n, 6n, 2n, 0n, 255n, 510n]);
	});

	test("empty places add nothing", () => {
		const stats = statisticsOf(rows, 3, 2);
		expect(sumStatistics([stats, emptyStatistics(3, 2)], 3, 2)).toEqual(stats);
	});

	test("the triangle holds each pair once", () => {
		const seen = new Set<number>();
		for (let i = 0; i < 5; i++) {
			for (let l = i; l < 5; l++) {
				expect(triangleIndex(l, i, 5)).toBe(triangleIndex(i, l, 5));
				seen.add(triangleIndex(i, l, 5));
			}
		}
		expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, e) => e));
	});

	test("the commitment holds rows, dimensions and width", () => {
		const stats = statisticsOf(rows, 3, 2);
		const commits = [
			commitStatistics(stats, 3, 2, 24),
			commitStatistics(stats, 3, 2, 32),
			commitStatistics({ ...stats, rows: 4n }, 3, 2, 24),
			commitStatistics({ ...stats, b: [2n, ...stats.b.slice(1)] }, 3, 2, 24),
		];
		expect(new Set(commits).size).toBe(commits.length);
	});

	test("an entry of its width is refused", () => {
		const stats = { ...emptyStatistics(3, 2), a: [1n << 24n, 0n, 0n, 0n, 0n, 0n] };
		expect(() => statisticsLimbs(stats, 24, 8)).toThrow(expect.objectContaining({ code: "stat-range" }));
	});

	test("widths hold the largest sums", () => {
		expect([258, 259, 66_051, 66_052].map(statBits)).toEqual([24, 32, 32, 40]);
	});
});

describe("packing and limbs", () => {
	test("limbs recompose, and a value that does not fit is refused", () => {
		const value = 0x123456789n;
		expect(toLimbs(value, 3, 12).reduceRight((sum, limb) => (sum << 12n) + limb, 0n)).toBe(value);
		expect(() => toLimbs(1n << 36n, 3, 12)).toThrow(RangeError);
		expect(() => toLimbs(-1n, 3, 12)).toThrow(RangeError);
		expect(limbCount(32, 12)).toBe(3);
	});

	test("a shifted top limb is counted twice", () => {
		const counts = new Multiplicity(12);
		counts.addLimbs([5n, 6n, 7n], 4);
		expect([5, 6, 7, 112].map((entry) => counts.values()[entry])).toEqual([1n, 1n, 1n, 1n]);
		expect(() => counts.add(4096n)).toThrow(RangeError);
	});

	test("packs 252 bits, little end first", () => {
		expect(packedPer(24)).toBe(10);
		expect(pack([1n, 2n], 8)).toEqual([513n]);
		expect(
			pack(
				Array.from({ length: 32 }, () => 1n),
				8,
			),
		).toHaveLength(2);
	});

	test("blocks of 15 and the tag matter", () => {
		const elements = Array.from({ length: 15 }, (_, i) => BigInt(i));
		expect(sponge(TAGS.rows, elements)).not.toBe(sponge(TAGS.stats, elements));
		expect(sponge(TAGS.rows, elements)).not.toBe(sponge(TAGS.rows, [...elements, 1n]));
		expect(() => sponge(TAGS.rows, [])).toThrow(RangeError);
	});
});

describe("heads", () => {
	test("(A + mu I) W by hand", () => {
		const stats = { a: [2n, 3n, 5n], b: [0n, 0n], rows: 1n };
		expect(applyRidge(stats, 10n, [1n, -1n], 2, 1)).toEqual([12n - 3n, 3n - 15n]);
	});

	test("residual widths hold half the largest row sum", () => {
		for (const [maxRows, d] of [
			[512, 16],
			[1360, 64],
		] as const) {
			const bound = (BigInt(maxRows) * (65025n * BigInt(d) + 8_386_087n)) / 2n;
			const bits = residualBits(maxRows, d, 8_386_087n);
			expect(bound).toBeLessThan(1n << BigInt(bits - 1));
			expect(bound).toBeGreaterThanOrEqual(1n << BigInt(bits - 2));
		}
	});
});
