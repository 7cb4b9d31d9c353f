import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { type Attribution, type Control, efficiencyError, type Method } from "../method.ts";
import { banzhafMethod } from "./banzhaf.ts";
import { betaShapleyMethod, betaSizes } from "./beta-shapley.ts";
import { renderScore } from "./estimate.ts";
import { exactShapleyMethod } from "./exact-shapley.ts";
import { type Game, gameOf, groupGame } from "./game.ts";
import { leaveOneOutMethod } from "./leave-one-out.ts";
import { allValues, binomialSizes, randomGame, semivalue, uniformSizes } from "./testing.ts";
import { tmcShapleyMethod } from "./tmc-shapley.ts";

const game = (played: Game) => played;
const run = async (method: Method<Game, null>, played: Game, control?: Control): Promise<Attribution> =>
	(await method.cache(played)).attribute(null, control);
const exact = (played: Game, control?: Control) => run(exactShapleyMethod({ game }), played, control);
const draws = { game, seed: 5n, draws: 4000, precision: 0 };
const tmc = (played: Game, changed = {}, control?: Control) => run(tmcShapleyMethod({ ...draws, ...changed }), played, control);
const banzhaf = (played: Game, changed = {}, control?: Control) => run(banzhafMethod({ ...draws, ...changed }), played, control);
const beta = (played: Game, changed = {}, control?: Control) =>
	run(betaShapleyMethod({ ...draws, alpha: 4, beta: 1, ...changed }), played, control);

/** The three that draw. */
const SAMPLED = [
	["tmc-shapley", tmc, (players: number) => uniformSizes(players)],
	["banzhaf", banzhaf, (players: number) => binomialSizes(players)],
	["beta-shapley", beta, (players: number) => Array.from(betaSizes(players, 4, 1))],
] as const;

const CASES = [1, 2, 3, 4, 5, 6].map((players) => [players, randomGame(players, BigInt(players))] as const);

/** Two players are equal, the third adds 0.25 whatever it joins, the fourth nothing. */
const AXIOMS = gameOf(4, ([a, b, c]) => (a || b ? 1 : 0) + (a && b ? 0.5 : 0) + (c ? 0.25 : 0));

/** Three steps are told of, then the work is stopped. */
async function stopped(work: (control: Control) => Promise<unknown>): Promise<void> {
	const stop = new AbortController();
	const seen: number[] = [];
	const progress = (done: number) => {
		seen.push(done);
		if (seen.length === 3) stop.abort(new Error("enough"));
	};
	await expect(work({ signal: stop.signal, progress })).rejects.toThrow("enough");
	expect(seen).toHaveLength(3);
	expect(seen[2]).toBeGreaterThan(seen[0] as number);
}

describe("exact values", () => {
	test.each(CASES)("Shapley over %s players is its definition and adds up", async (players, played) => {
		const result = await exact(played);
		semivalue(played, uniformSizes(players)).forEach((value, i) => {
			expect(result.scores[i]).toBeCloseTo(value, 12);
		});
		expect(efficiencyError(result)).toBeLessThan(1e-12);
	});

	test.each(CASES)("leave-one-out over %s players is its definition", async (players, played) => {
		const { scores, total } = await run(leaveOneOutMethod({ game }), played);
		const worth = allValues(played);
		const all = 2 ** players - 1;
		scores.forEach((score, i) => {
			expect(score).toBeCloseTo((worth[all] as number) - (worth[all - 2 ** i] as number), 12);
		});
		expect(total).toBeNull();
	});

	test("known games: a majority of three, a unanimous four, gloves, an airport", async () => {
		const count = (members: readonly boolean[]) => members.filter(Boolean).length;
		const close = (scores: Float64Array, expected: readonly number[]) => {
			expect(scores).toHaveLength(expected.length);
			for (const [i, value] of expected.entries()) expect(scores[i]).toBeCloseTo(value, 12);
		};
		close((await exact(gameOf(3, (members) => Number(count(members) >= 2)))).scores, [1 / 3, 1 / 3, 1 / 3]);
		close((await exact(gameOf(4, (members) => Number(count(members) === 4)))).scores, [1 / 4, 1 / 4, 1 / 4, 1 / 4]);
		close((await exact(gameOf(3, ([left, ...right]) => Number(left && right.some(Boolean))))).scores, [2 / 3, 1 / 6, 1 / 6]);
		// Costs of runways 1, 2, 4: each stretch is shared by those who need it.
		const runways = [1, 2, 4];
		close((await exact(gameOf(3, (members) => Math.max(0, ...runways.filter((_, i) => members[i]))))).scores, [1 / 3, 5 / 6, 17 / 6]);
	});

	test("are linear, equal for equal players, nothing for one who adds nothing", async () => {
		const [one, other] = [randomGame(4, 1n), randomGame(4, 2n)];
		const [v, w] = [allValues(one), allValues(other)];
		const mask = (members: readonly boolean[]) => members.reduce((sum, isIn, i) => sum + (isIn ? 2 ** i : 0), 0);
		const mixed = await exact(gameOf(4, (members) => 2 * (v[mask(members)] as number) - 3 * (w[mask(members)] as number)));
		const [a, b] = [await exact(one), await exact(other)];
		mixed.scores.forEach((score, i) => {
			expect(score).toBeCloseTo(2 * (a.scores[i] as number) - 3 * (b.scores[i] as number), 12);
		});
		const { scores } = await exact(AXIOMS);
		expect(scores[0]).toBeCloseTo(0.75, 12);
		expect(scores[1]).toBeCloseTo(0.75, 12);
		expect(scores[2]).toBeCloseTo(0.25, 12);
		expect(scores[3]).toBeCloseTo(0, 12);
	});

	test("tell of their progress and stop when asked to", async () => {
		const slow = (players: number) =>
			gameOf(players, (members) => {
				const until = performance.now() + 1;
				while (performance.now() < until);
				return members.length;
			});
		await stopped((control) => exact(slow(16), control));
		await stopped((control) => run(leaveOneOutMethod({ game }), slow(10_000), control));
	});

	test("are refused above 16 players", async () => {
		expect((await exact(gameOf(1, () => 1))).scores).toEqual(Float64Array.of(0));
		expect(await refusal(() => exact(gameOf(17, () => 1)))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "exact-shapley: expected at most 16 players, got 17",
		});
	});
});

describe.each(SAMPLED)("%s", (name, method, sizes) => {
	test.each(CASES)("over %s players is its definition within its error bars", async (players, played) => {
		const { scores, sampling } = await method(played);
		const expected = semivalue(played, sizes(players));
		scores.forEach((score, i) => {
			const error = sampling?.standardErrors[i] as number;
			expect(error).toBeLessThan(0.03);
			// Four standard errors: one in 16,000 misses by chance, and the seed is fixed.
			expect(Math.abs(score - (expected[i] as number))).toBeLessThanOrEqual(4 * error + 1e-12);
		});
	});

	test("error bars are the spread between seeds", async () => {
		const played = randomGame(5, 9n);
		const runs = await Promise.all(Array.from({ length: 60 }, (_, i) => method(played, { seed: BigInt(i), draws: 200 })));
		for (let player = 0; player < 5; player++) {
			const values = runs.map(({ scores }) => scores[player] as number);
			const mean = values.reduce((a, b) => a + b) / 60;
			const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 59);
			const claimed = runs.reduce((sum, { sampling }) => sum + (sampling?.standardErrors[player] as number) / 60, 0);
			expect(claimed / spread).toBeGreaterThan(0.7);
			expect(claimed / spread).toBeLessThan(1.4);
		}
	});

	test("is the same for the same seed and another for another", async () => {
		const played = randomGame(5, 3n);
		const [one, same, other] = [await method(played), await method(played), await method(played, { seed: 6n })];
		expect(same).toEqual(one);
		expect(other.scores).not.toEqual(one.scores);
	});

	test("stops when it is precise enough and says so, and else says that it is not", async () => {
		const { scores, sampling } = await method(AXIOMS, { precision: 0.1, draws: 100_000 });
		expect(sampling).toMatchObject({ converged: true, rule: expect.stringContaining("at most 10 % of the largest |score|") });
		const largest = Math.max(...Array.from(sampling?.standardErrors as Float64Array));
		expect(largest).toBeLessThanOrEqual(0.1 * Math.max(...Array.from(scores)));
		expect(Number.parseInt(sampling?.drawn as string, 10)).toBeLessThan(5000);

		const early = await method(randomGame(6, 1n), { precision: 0.01, draws: 50 });
		expect(early.sampling).toMatchObject({ converged: false, drawn: expect.stringMatching(/^50 /) });
		for (let player = 0; player < 6; player++) expect(renderScore(early, player)).toMatch(/^-?\d\.\d+ \+- \d\.\d+ \(not converged\)$/);
	});

	test("tells of its progress and stops when asked to", async () => {
		await stopped((control) => method(AXIOMS, { draws: 1e7 }, control));
	});

	test.each([
		["one draw", { draws: 1 }, `${name}: expected draws to be an integer of at least 2, got 1`],
		["half a draw", { draws: 2.5 }, "got 2.5"],
		["a negative precision", { precision: -0.1 }, "expected precision in [0, 1), got -0.1"],
	])("refuses %s", async (_, changed, message) => {
		await method(AXIOMS, { draws: 2 });
		expect(await refusal(() => method(AXIOMS, changed))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining(message),
		});
	});
});

describe("tmc-shapley", () => {
	test("every order adds up, so the scores do exactly", async () => {
		expect(efficiencyError(await tmc(randomGame(6, 4n), { draws: 7 }))).toBeLessThan(1e-12);
	});

	test("with truncation values fewer coalitions and misses the total by no more than the tolerance", async () => {
		let valued = 0;
		const saturating = gameOf(12, (members) => {
			valued++;
			return 1 - 0.5 ** members.filter(Boolean).length;
		});
		const whole = await tmc(saturating, { draws: 100 });
		const all = valued;
		valued = 0;
		const cut = await tmc(saturating, { draws: 100, tolerance: 0.05 });
		expect(valued).toBeLessThan(all / 2);
		expect(efficiencyError(whole)).toBeLessThan(1e-12);
		expect(efficiencyError(cut)).toBeGreaterThan(0);
		expect(efficiencyError(cut)).toBeLessThanOrEqual(0.05);
	});

	test("over groups is the Shapley value of the groups, and empty groups are refused", async () => {
		const rows = randomGame(6, 8n);
		const groups = { names: ["a", "b", "c"], of: Uint32Array.of(0, 1, 1, 2, 0, 1) };
		const grouped = groupGame(rows, groups);
		const worth = allValues(rows);
		const bring = [0b010001, 0b100110, 0b001000];
		allValues(grouped).forEach((value, mask) => {
			expect(value).toBe(worth[bring.reduce((sum, own, i) => sum + ((mask >> i) & 1) * own, 0)]);
		});
		const { scores } = await exact(grouped);
		const drawn = await tmc(grouped);
		drawn.scores.forEach((score, i) => {
			expect(Math.abs(score - (scores[i] as number))).toBeLessThan(4 * (drawn.sampling?.standardErrors[i] as number) + 1e-12);
		});
		expect(await refusal(() => groupGame(rows, { ...groups, names: [...groups.names, "d"] }))).toEqual({
			code: "GROUP_EMPTY",
			message: expect.stringContaining('contributor "d" has no row'),
		});
	});

	test("refuses a tolerance of everything", async () => {
		expect(await refusal(() => tmc(AXIOMS, { tolerance: 1 }))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: "tmc-shapley: expected a tolerance in [0, 1), got 1",
		});
	});
});

describe("beta-shapley", () => {
	test("sizes are the beta-binomial law", () => {
		expect(Array.from(betaSizes(5, 1, 1))).toEqual(new Array(5).fill(expect.closeTo(1 / 5, 12)));
		// By its density: p_j = C(n - 1, j) times the integral of t^(j + beta - 1) (1 - t)^(n - 1 - j + alpha - 1) over that of t^(beta - 1) (1 - t)^(alpha - 1).
		const integral = (a: number, b: number) => {
			let sum = 0;
			for (let i = 0; i < 200_000; i++) sum += ((i + 0.5) / 200_000) ** a * (1 - (i + 0.5) / 200_000) ** b;
			return sum;
		};
		const [n, alpha, beta] = [4, 5, 2];
		betaSizes(n, alpha, beta).forEach((p, j) => {
			const choose = [1, 3, 3, 1][j] as number;
			expect(p).toBeCloseTo((choose * integral(j + beta - 1, n - 2 - j + alpha)) / integral(beta - 1, alpha - 1), 6);
		});
		expect(betaSizes(3000, 16, 1).every(Number.isFinite)).toBe(true);
	});

	test("with alpha = beta = 1 is the Shapley value by the same orders", async () => {
		const played = randomGame(6, 2n);
		const [one, other] = [await beta(played, { alpha: 1, beta: 1 }), await tmc(played)];
		one.scores.forEach((score, i) => {
			expect(score).toBeCloseTo(other.scores[i] as number, 12);
		});
	});

	test.each([{ alpha: 0 }, { beta: -1 }, { beta: Number.NaN }])("refuses %s", async (changed) => {
		expect(await refusal(() => beta(AXIOMS, changed))).toEqual({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining(`above 0, got ${Object.values(changed)[0]}`),
		});
	});
});

describe("a score as text", () => {
	const sampling = { drawn: "", rule: "", converged: true };
	const shown = (score: number, error: number, converged = true) =>
		renderScore(
			{
				scores: Float64Array.of(score),
				unit: "",
				positive: "",
				total: null,
				sampling: { ...sampling, converged, standardErrors: Float64Array.of(error) },
			},
			0,
		);

	test("never stands without its error bar if it was drawn", () => {
		expect(shown(0.123456, 0.00123)).toBe("0.1235 +- 0.0012");
		expect(shown(-12.3456, 0.456)).toBe("-12.35 +- 0.46");
		expect(shown(1234.5, 99)).toBe("1235 +- 99");
		expect(shown(0.5, 0)).toBe("0.5000 +- 0.0000");
		expect(shown(0.123456, 0.0123, false)).toBe("0.123 +- 0.012 (not converged)");
		expect(shown(0, Infinity, false)).toBe("unknown, never drawn twice (not converged)");
	});

	test("is bare if it is exact", () => {
		expect(renderScore({ scores: Float64Array.of(0.123456), unit: "", positive: "", total: null }, 0)).toBe("0.1235");
	});
});
