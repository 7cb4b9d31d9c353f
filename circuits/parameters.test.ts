import { describe, expect, test } from "vitest";
import { epochCircuits, parameterSetFor, ROLES } from "./parameters.ts";

describe("parameterSetFor", () => {
	test("one page where one holds everything", () => {
		expect(parameterSetFor({ rows: 60, queries: 80, features: 16, classes: 4, contributions: 8 })).toEqual({
			rows: 64,
			queries: 80,
			d: 16,
			k: 4,
			places: 8,
			queryPlaces: 1,
			payoutPages: 1,
			nodes: 12,
			lambda: 65n,
			totalRows: 512,
		});
	});

	test("equal pages where one does not", () => {
		const set = parameterSetFor({ rows: 24, queries: 3000, features: 13, classes: 3, contributions: 200 });
		expect(set).toMatchObject({ d: 16, places: 67, payoutPages: 3 });
		expect(set.queries * 2).toBeGreaterThanOrEqual(3000);
		expect(set.queryPlaces).toBe(2);
	});

	test("pages as small as asked for", () => {
		const set = parameterSetFor({ rows: 24, queries: 100, features: 13, classes: 3, contributions: 10, page: 3, queryPage: 30 });
		expect(set).toMatchObject({ places: 3, payoutPages: 4, queries: 32 });
	});

	test("from (64, 16, 3) to (2048, 128, 16): every role has a circuit", () => {
		for (const [rows, features, classes] of [
			[64, 16, 3],
			[2048, 128, 16],
		] as const) {
			const circuits = epochCircuits(parameterSetFor({ rows, queries: 100, features, classes, contributions: 500 }));
			expect(Object.keys(circuits)).toEqual([...ROLES]);
			expect(circuits.contribution.id).toBe(`contribution-n${rows}-d${features}-k${classes}-w1`);
		}
	});

	const size = { rows: 8, queries: 8, features: 4, classes: 2, contributions: 2 };
	test.each([
		["feature-count", { features: 129 }, "at most 128 features with the bias, got 129"],
		["class-count", { classes: 17 }, "at most 16 classes, got 17"],
		["row-count", { rows: 2049 }, "at most 2048 rows in a contribution, got 2049"],
		["contribution-count", { contributions: 65_536 }, "at most 65535 contributions, got 65536"],
		["page-count", { contributions: 2000, features: 128, classes: 16 }, "at most 1024 proofs together"],
	])("%s", (code, change, message) => {
		expect(() => parameterSetFor({ ...size, ...change })).toThrow(
			expect.objectContaining({ code, message: expect.stringContaining(message) }),
		);
	});
});
