/**
 * Liars about neighbours. `forge` is a second implementation of the statement, which goes on consistently from any lie: keys, gaps, values, scores, commitments
 * and multiplicities fit it, so that only the constraint of the one relation can refuse it. What a known challenge would allow is shown as well: such a forgery
 * is accepted then and under no other challenge, so the commitment before the challenge is what stands in its way.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CircuitInputs } from "../../circuits/circuit.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { Multiplicity } from "../../circuits/limbs.ts";
import { sponge, TAGS } from "../../circuits/sponge.ts";
import { type KnnShapleyParameters, knnShapleyCircuit, knnShapleyInstance } from "../../circuits/statements/knn-shapley.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { inverse, power } from "../../prover/bn254.ts";
import { compileCircuit } from "../../prover/compile.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { setupDevelopment } from "../../prover/setup.ts";
import { verifyProof } from "../../prover/verify.ts";

const CHALLENGE = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn;
const OTHER = 0x7654321fedcba987654321fedcba987654321fedcba987654321fedcba98765n;
const CONTEXT = `0x${"17".repeat(32)}` as const;
const [C, ROWS, D, K, Q, NEIGHBOURS] = [3, 3, 4, 3, 2, 2];
const N = C * ROWS;
const PARAMETERS: KnnShapleyParameters = { places: C, rows: ROWS, d: D, k: K, queries: Q, neighbours: NEIGHBOURS };
const LIMBS = 3;
const ABSENT = 65025n * 3n + 1n;
const UNIT = Array.from({ length: 82 }, (_, i) => BigInt(i + 1)).reduce((a, b) => (a * b) / gcd(a, b), 1n);

function gcd(a: bigint, b: bigint): bigint {
	return b === 0n ? a : gcd(b, a % b);
}

const rowsOf = (features: readonly (readonly number[])[], label: readonly number[], weight: readonly number[]): Rows => ({
	x: Uint8Array.from(features.flatMap((row) => [...row, 255])),
	label: Uint8Array.from(label),
	weight: Uint8Array.from(weight),
	count: features.length,
});

/** Rows 1 and 3 are equal but for their labels, and tie for the second rank. Row 5 is a query that matches, of weight 0. The third place is empty. */
const contributions = [
	{
		rows: rowsOf(
			[
				[10, 200, 30],
				[90, 3, 7],
				[90, 4, 7],
			],
			[0, 2, 1],
			[1, 1, 1],
		),
		salt: 1234n,
	},
	{
		rows: rowsOf(
			[
				[90, 3, 7],
				[1, 5, 255],
				[90, 4, 7],
			],
			[0, 1, 0],
			[1, 1, 0],
		),
		salt: 5678n,
	},
];
const queries = {
	rows: rowsOf(
		[
			[90, 4, 7],
			[200, 10, 20],
		],
		[0, 1],
		[200, 3],
	),
	salt: 9999n,
};
const instance = knnShapleyInstance(PARAMETERS, contributions, queries);

type Changes = Readonly<Record<number, bigint>>;

interface Lie {
	/** Added to features of rows, of queries, to weights, by index. */
	readonly x?: Changes;
	readonly queryX?: Changes;
	readonly queryWeight?: Changes;
	readonly weight?: Changes;
	/** One-hot labels of rows and queries in place of the true ones, by index. */
	readonly target?: Readonly<Record<number, readonly bigint[]>>;
	readonly active?: readonly bigint[];
	/** Added to measures: those of query q stand from N q on. */
	readonly measure?: Changes;
	/** Rows by rank of the first query; one may occur twice. */
	readonly order?: readonly number[];
	/** Added to keys and to matches by rank of the first query. */
	readonly key?: Changes;
	readonly match?: Changes;
	/** Added to values by row, as measures. */
	readonly value?: Changes;
	/** Added to scores. */
	readonly score?: Changes;
}

interface Forged {
	readonly inputs: CircuitInputs;
	readonly words: readonly bigint[];
}

const list = (inputs: CircuitInputs, name: string): readonly bigint[] => inputs[name] as readonly bigint[];
const range = (count: number) => Array.from({ length: count }, (_, i) => i);
const added = (values: readonly bigint[], changes: Changes = {}) => values.map((value, i) => value + (changes[i] ?? 0n));
const total = (values: readonly bigint[]) => values.reduce((sum, value) => sum + value, 0n);

/** Rows in `places` places without the bias. */
function places({ x, label, weight, count }: Rows, size: number) {
	return {
		x: range(size * (D - 1)).map((at) => {
			const i = Math.floor(at / (D - 1));
			return i < count ? BigInt(x[i * D + (at % (D - 1))] as number) : 0n;
		}),
		target: range(size).map((i) => range(K).map((c) => ((i < count ? label[i] : 0) === c ? 1n : 0n))),
		weight: range(size).map((i) => (i < count ? BigInt(weight[i] as number) : 0n)),
	};
}

/** The commitment of rows, packed by arithmetic: bytes outside their range carry over to the next one. */
function commitRows(x: readonly bigint[], target: readonly (readonly bigint[])[], weight: readonly bigint[], bits: bigint, salt: bigint) {
	const bytes = weight.flatMap((w, i) => [
		...x.slice(i * (D - 1), (i + 1) * (D - 1)),
		total((target[i] as readonly bigint[]).map((entry, c) => entry * BigInt(c))),
		w,
	]);
	const packed = range(Math.ceil(bytes.length / 31)).map((at) =>
		reduce(bytes.slice(31 * at, 31 * (at + 1)).reduceRight((element, byte) => (element << 8n) + byte, 0n)),
	);
	const header = BigInt(weight.length) + (BigInt(D) << 32n) + (BigInt(K) << 48n) + (bits << 64n);
	return sponge(TAGS.rows, [header, salt, ...packed]);
}

/** Limbs of a gap; what does not fit them, a sign included, is in the last one. */
function limbsOf(gap: bigint): bigint[] {
	return range(LIMBS).map((s) => (s < LIMBS - 1 ? (gap >> BigInt(8 * s)) & 255n : gap >> BigInt(8 * s)));
}

/** unit / max(K, rank), rounded, by a division of its own. */
function coefficient(rank: number): bigint {
	const divisor = BigInt(Math.max(NEIGHBOURS, rank));
	const floor = UNIT / divisor;
	return 2n * (UNIT - floor * divisor) >= divisor ? floor + 1n : floor;
}

/** All inputs with a lie in them; without one, those of the honest prover. */
function forge(lie: Lie = {}): Forged {
	const parts = range(C).map((c) => places(contributions[c]?.rows ?? rowsOf([], [], []), ROWS));
	const salt = range(C).map((c) => contributions[c]?.salt ?? 0n);
	const active = lie.active ?? range(C).map((c) => (c < contributions.length ? 1n : 0n));
	const x = added(
		parts.flatMap((part) => part.x),
		lie.x,
	);
	const weight = added(
		parts.flatMap((part) => part.weight),
		lie.weight,
	);
	const target = parts.flatMap((part) => part.target).map((entries, i) => lie.target?.[i] ?? entries);
	const asked = places(queries.rows, Q);
	const queryX = added(asked.x, lie.queryX);
	const queryWeight = added(asked.weight, lie.queryWeight);
	const queryTarget = asked.target;

	const measure = added(
		range(Q * N).map((at) => {
			const [q, i] = [Math.floor(at / N), at % N];
			const distance = total(range(D - 1).map((j) => ((x[i * (D - 1) + j] as bigint) - (queryX[q * (D - 1) + j] as bigint)) ** 2n));
			const match = total(range(K).map((c) => (target[i]?.[c] as bigint) * (queryTarget[q]?.[c] as bigint)));
			return 2n * BigInt(N) * (distance + ABSENT * (1n - (weight[i] as bigint))) + match * (weight[i] as bigint);
		}),
		lie.measure,
	);
	const gapLimb: bigint[] = [];
	const match: bigint[] = [];
	const value: bigint[] = [];
	for (let q = 0; q < Q; q++) {
		const place = (i: number) => (measure[N * q + i] as bigint) + 2n * BigInt(i);
		const sorted = range(N).sort((one, other) => (place(one) < place(other) ? -1 : 1));
		const order = q === 0 && lie.order ? lie.order : sorted;
		const keys = added(
			order.map((i) => place(i) >> 1n),
			q === 0 ? lie.key : {},
		);
		const matches = added(
			order.map((i) => place(i) & 1n),
			q === 0 ? lie.match : {},
		);
		keys.forEach((key, r) => {
			gapLimb.push(...limbsOf(key - (r === 0 ? 0n : (keys[r - 1] as bigint) + 1n)));
		});
		const byRank = range(N).map((r) =>
			total(range(N - r).map((s) => coefficient(r + s + 1) * ((matches[r + s] as bigint) - (matches[r + s + 1] ?? 0n)))),
		);
		match.push(...matches);
		value.push(...range(N).map((i) => byRank[order.indexOf(i)] ?? 0n));
	}
	const told = added(value, lie.value);
	const score = added(
		range(C).map((c) =>
			total(range(Q).map((q) => (queryWeight[q] as bigint) * total(told.slice(N * q + ROWS * c, N * q + ROWS * (c + 1))))),
		),
		lie.score,
	);
	const count = total(active);
	const section = <T>(values: readonly T[], c: number, size: number) => values.slice(c * size, (c + 1) * size);
	const inputs = {
		scoreCommit: sponge(TAGS.scores, [count + (BigInt(C) << 32n), 0n, ...score.map(reduce)]),
		queryCommit: commitRows(queryX, queryTarget, queryWeight, 8n, queries.salt),
		active,
		salt,
		x,
		target: target.flat(),
		weight,
		querySalt: queries.salt,
		queryX,
		queryTarget: queryTarget.flat(),
		queryWeight,
		measure,
		gapLimb,
		match,
		value: told.map(reduce),
	};
	const words = range(C)
		.filter((c) => active[c] === 1n)
		.map((c) => commitRows(section(x, c, ROWS * (D - 1)), section(target, c, ROWS), section(weight, c, ROWS), 1n, salt[c] as bigint));
	return { inputs: counted(inputs), words };
}

const looked = (inputs: CircuitInputs) => ["x", "queryX", "queryWeight", "gapLimb"].flatMap((name) => list(inputs, name));

/** The inputs with every lookup of a table entry counted. */
function counted(inputs: CircuitInputs): CircuitInputs {
	const multiplicity = new Multiplicity(8);
	for (const value of looked(inputs)) {
		if (value >= 0n && value < 256n) {
			multiplicity.add(value);
		}
	}
	return { ...inputs, multiplicity: multiplicity.values() };
}

/** The inputs with one multiplicity chosen such that both sides of the lookup agree at a challenge that is known. */
function paid({ inputs, words }: Forged, challenge: bigint): Forged {
	const over = (value: bigint) => inverse(reduce(challenge - value), FIELD);
	const multiplicity = [...list(inputs, "multiplicity")];
	const missing = total(looked(inputs).map(over)) - total(multiplicity.map((times, j) => times * over(BigInt(j))));
	multiplicity[0] = reduce((multiplicity[0] as bigint) + missing * challenge);
	return { inputs: { ...inputs, multiplicity }, words };
}

const under = ({ inputs, words }: Forged, challenge: bigint) => withChallenge({ ...instance, inputs, words }, challenge);

/** With the inputs that are named in place of the forged ones. */
const replaced = (forged: Forged, inputs: CircuitInputs): Forged => ({ ...forged, inputs: { ...forged.inputs, ...inputs } });

/** A forger's order: that of the honest ranking, with the rows of two ranks exchanged. */
function exchanged(one: number, other: number): number[] {
	const [ranking] = instance.rankings as [(typeof instance.rankings)[number]];
	const order = [...ranking.order];
	[order[one], order[other]] = [order[other] as number, order[one] as number];
	return order;
}

const FILES = { KnnShapley: "statements/knn-shapley", OneHot: "statements/knn-shapley", RangeLookup: "gadgets/lookup" } as const;
const LOOKUP = "left[n] === right[SIZE]";
const MEASURED = "weight[i] * shared[i][k] ===";
const PERMUTED = "rows[q].out === ranks[q].out";

describe("knn-shapley", () => {
	let system: Constraints;
	let honest: bigint[];

	beforeAll(async () => {
		system = await Constraints.of(instance.circuit);
		honest = await system.witness(under(instance, CHALLENGE));
	});

	/** Refused at the constraint that begins with `constraint`: everything before it holds. */
	async function refused(forged: Forged, constraint: string, challenge = CHALLENGE): Promise<void> {
		const error = await system.witness(under(forged, challenge)).then(
			() => undefined,
			(reason) => reason,
		);
		expect(error, "a witness").toMatchObject({ code: "witness.unsatisfied" });
		const [, template, line] = /template (\w+?)_\d+ line: (\d+)/.exec(error.message) as RegExpExecArray;
		const file = fileURLToPath(new URL(`../../circuits/${FILES[template as keyof typeof FILES]}.circom`, import.meta.url));
		const text = (await readFile(file, "utf8")).split("\n")[Number(line) - 1] as string;
		expect(text.trim().slice(0, constraint.length)).toBe(constraint);
	}

	async function accepted(forged: Forged, challenge = CHALLENGE): Promise<void> {
		expect(system.broken(await system.witness(under(forged, challenge)))).toEqual([]);
	}

	/** Refused by the range check alone: multiplicities chosen for a known challenge would pass, and only there. */
	async function refusedByLookup(forged: Forged): Promise<void> {
		await refused(forged, LOOKUP);
		await accepted(paid(forged, CHALLENGE));
		await refused(paid(forged, CHALLENGE), LOOKUP, OTHER);
	}

	describe("the honest statement", () => {
		test("satisfies every constraint under every challenge, and circom has no warning", async () => {
			expect(system.broken(honest)).toEqual([]);
			await accepted(instance, OTHER);
			expect(system.compiled.warnings).toEqual([]);
		});

		test("is that of the second implementation", () => {
			expect(forge().inputs).toEqual(instance.inputs);
			expect(forge().words).toEqual(instance.words);
			expect(instance.publics).toEqual(instance.circuit.publics.map((name) => instance.inputs[name]));
		});

		test("has a tie, a gap between matches, charged rows and rows that do not count", () => {
			const [ranking] = instance.rankings as [(typeof instance.rankings)[number]];
			// Row 5 is at distance 0 and would match.
			expect(ranking.order.slice(0, 5)).toEqual([2, 1, 3, 0, 4]);
			expect(ranking.order.slice(5).sort()).toEqual([5, 6, 7, 8]);
			expect(ranking.value.some((value) => value < 0n)).toBe(true);
			expect(instance.scores[0]).not.toBe(instance.scores[1]);
		});

		test.each([1n, FIELD - 1n, 1n << 128n])("has no wire that can be changed alone (by %s)", (delta) => {
			expect(system.freeWires(honest, delta).map((wire) => system.names(wire))).toEqual([]);
		});

		test.each([
			["scoreCommit", "scoreCommit ==="],
			["queryCommit", "queryCommit ==="],
		])("has no other %s", async (signal, constraint) => {
			await refused(replaced(instance, { [signal]: (instance.inputs[signal] as bigint) + 1n }), constraint);
		});

		test.each(Object.keys(instance.inputs).filter((name) => !instance.circuit.publics.includes(name)))("has no other %s", async (input) => {
			const value = instance.inputs[input] as bigint | readonly bigint[];
			const size = typeof value === "bigint" ? 1 : value.length;
			for (const at of new Set([0, Math.floor(size / 2), size - 1])) {
				const moved = typeof value === "bigint" ? value + 1n : value.map((entry, i) => (i === at ? entry + 1n : entry));
				await expect(system.witness(under(replaced(instance, { [input]: moved }), CHALLENGE)), `${input}[${at}]`).rejects.toMatchObject({
					code: "witness.unsatisfied",
				});
			}
		});
	});

	describe("distances", () => {
		test.each([
			["a row that comes nearer", { 0: -2n * BigInt(N) * 100n }],
			["a row that goes away", { 1: 2n * BigInt(N) }],
			["a row for the second query", { [N + 4]: 2n * BigInt(N) }],
			["a row for both queries alike", { 4: 2n * BigInt(N), [N + 4]: 2n * BigInt(N) }],
			["a row for both queries, one up and one down", { 4: 2n * BigInt(N), [N + 4]: -2n * BigInt(N) }],
			["two rows that trade a distance", { 1: 2n * BigInt(N), 4: -2n * BigInt(N) }],
		])("%s", async (_, measure) => {
			await refused(forge({ measure }), MEASURED);
			await refused(forge({ measure }), MEASURED, OTHER);
		});

		test("a key without its index would be the key of another row", async () => {
			// Row 3 takes the key of row 1, at the same distance: nothing is between them then.
			const equal = forge({ measure: { 3: -4n } });
			await refused(equal, LOOKUP);
			await refused(paid(equal, CHALLENGE), MEASURED);
		});

		test("two measures of a row, traded for the challenge", async () => {
			// e_0 + z (e_1 - e_0) = 0, and keys that are no integers any more: their lookups are paid as well.
			const nearer = -2n * BigInt(N) * 1000n;
			const makesUp = reduce(nearer * reduce(1n - inverse(CHALLENGE, FIELD)));
			const traded = forge({ measure: { 0: nearer, [N]: makesUp } });
			await refused(traded, LOOKUP);
			await accepted(paid(traded, CHALLENGE));
			await refused(paid(traded, OTHER), MEASURED, OTHER);
		});
	});

	describe("order", () => {
		test.each([
			["neighbours", 2, 3],
			["the nearest and the farthest", 0, 4],
			["a row that counts and one that does not", 1, 7],
		])("%s exchanged", async (_, one, other) => {
			await refusedByLookup(forge({ order: exchanged(one, other) }));
		});

		test("a tie broken in favour of the later row", async () => {
			const later = forge({ order: exchanged(1, 2) });
			// It would gain: the later row is the one that matches.
			expect(later.inputs.scoreCommit).not.toBe(instance.inputs.scoreCommit);
			await refusedByLookup(later);
		});

		test("matches exchanged with the keys left in order", async () => {
			await refused(forge({ match: { 1: 1n, 2: -1n } }), PERMUTED);
		});

		test("a row twice and another left out", async () => {
			const order = exchanged(0, 0).map((i, r, all) => (r === 1 ? (all[0] as number) : i));
			const twice = forge({ order });
			await refused(twice, LOOKUP);
			// Even with a gap of -1, the rows are not those of the list.
			await refused(paid(twice, CHALLENGE), PERMUTED);
		});

		test("a key of no row in place of one that is left out", async () => {
			await refused(forge({ key: { 3: 1n } }), PERMUTED);
		});

		test("a match worth three, with a key that is one less", async () => {
			// 2 key + match stays what it is.
			await refused(forge({ key: { 3: -1n }, match: { 3: 2n } }), "match[q][r] * (match[q][r] - 1)");
		});
	});

	describe("matches", () => {
		test("of a rank alone", async () => {
			await refused(forge({ match: { 0: 1n } }), PERMUTED);
		});

		test.each([
			["claimed for the first query", { 1: 1n }],
			["denied for the first query", { 3: -1n }],
			["claimed for the second query", { [N + 3]: 1n }],
		])("of a row and its rank, %s", async (_, measure) => {
			await refused(forge({ measure }), MEASURED);
		});

		test("by the label of another class", async () => {
			// Everything follows the label, the commitment included: it is not the one of the list.
			const labelled = forge({ target: { 1: [1n, 0n, 0n] } });
			await accepted(labelled);
			await refused({ ...labelled, words: instance.words }, "evaluation === list.out");
		});

		test.each([
			["two classes that make the label's number", 1, [1n, 0n, 1n], "classes === 1"],
			["no class, which hashes like class 0", 0, [0n, 0n, 0n], "classes === 1"],
			["classes 0 that is 2 and -1 of others", 0, [0n, 2n, -1n], "target[i][c] * (target[i][c] - 1)"],
		])("by %s", async (_, row, target, constraint) => {
			const labelled = forge({ target: { [row]: target } });
			expect(labelled.words).toEqual(instance.words);
			await refused(labelled, constraint);
		});
	});

	describe("the way back", () => {
		const [one, other] = [1, 3];
		const { value } = instance.rankings[0] as (typeof instance.rankings)[number];
		const difference = (value[other] as bigint) - (value[one] as bigint);

		test("the values of two contributors' rows exchanged", async () => {
			expect(difference).toBeGreaterThan(0n);
			const permuted = forge({ value: { [one]: difference, [other]: -difference } });
			await refused(permuted, PERMUTED);
			await refused(permuted, PERMUTED, OTHER);
		});

		test("a value that is another", async () => {
			await refused(forge({ value: { [one]: 1n } }), PERMUTED);
			await refused(forge({ value: { [N + one]: 1n } }), PERMUTED);
		});

		test("a value moved between the queries of a row", async () => {
			await refused(forge({ value: { [one]: 3n, [N + one]: -200n } }), PERMUTED);
		});

		test("two values traded for the challenge", async () => {
			const traded = tradedValues(CHALLENGE);
			await accepted(traded);
			await refused(traded, PERMUTED, OTHER);
		});
	});

	/** The value of row 0 raised, and the one of row 3 such that the product of the pairs stays at this challenge. */
	function tradedValues(challenge: bigint): Forged {
		const { measure, value } = instance.rankings[0] as (typeof instance.rankings)[number];
		const far = power(challenge, 2n ** 20n, FIELD);
		const form = (i: number) => reduce(far - (measure[i] as bigint) - 2n * BigInt(i) - challenge * (value[i] as bigint));
		const raise = UNIT / 2n;
		const wanted = reduce(form(0) * form(3) * inverse(reduce(form(0) - challenge * raise), FIELD));
		return forge({ value: { 0: raise, 3: reduce((form(3) - wanted) * inverse(challenge, FIELD)) } });
	}

	describe("rows that do not count", () => {
		test("made a match, for itself and its rank", async () => {
			await refused(forge({ measure: { 5: 1n } }), MEASURED);
			await refused(forge({ measure: { 8: 1n } }), MEASURED);
		});

		test("ranked at their distance, which for row 5 is 0", async () => {
			const first = forge({ measure: { 5: -2n * BigInt(N) * ABSENT } });
			// Behind row 2, which is at distance 0 too and comes first.
			expect(list(first.inputs, "gapLimb").slice(0, 2 * LIMBS)).toEqual([2n, 0n, 0n, 2n, 0n, 0n]);
			await refused(first, MEASURED);
		});

		test("made rows that count, with all that follows: the commitment is another", async () => {
			const counts = forge({ weight: { 5: 1n } });
			await accepted(counts);
			await refused({ ...counts, words: instance.words }, "evaluation === list.out");
		});

		test("counted twice", async () => {
			await refused(forge({ weight: { 4: 1n } }), "weight[i] * (weight[i] - 1)");
		});

		test("in an empty place are rows that count", async () => {
			await refused(forge({ weight: { 7: 1n } }), "evaluation === list.out");
			await refused(forge({ x: { [8 * (D - 1)]: 1n } }), "evaluation === list.out");
		});

		test("are those of a contribution that is listed: left out, its rows still stand in its place", async () => {
			await refused(forge({ active: [1n, 0n, 0n] }), "evaluation === list.out");
			await refused({ ...forge({ active: [1n, 1n, 1n] }), words: instance.words }, "evaluation === list.out");
			await refused(forge({ active: [1n, 2n, 0n] }), "active[c] * (active[c] - 1)");
		});
	});

	describe("openings", () => {
		test.each<[string, Lie]>([
			["two features of a row", { x: { 3: 256n, 4: -1n } }],
			["features of neighbouring elements of one row", { x: { 1: -256n, 2: 1n } }],
			["two features of a query", { queryX: { 3: 256n, 4: -1n } }],
			["the fee of a query and a feature of the next", { queryWeight: { 0: 256n }, queryX: { 3: -1n } }],
		])("%s traded: the packed bytes are the same", async (_, lie) => {
			const traded = forge(lie);
			expect(traded.words).toEqual(instance.words);
			expect(traded.inputs.queryCommit).toBe(instance.inputs.queryCommit);
			await refusedByLookup(traded);
		});

		test("other queries, other fees: another commitment", async () => {
			for (const lie of [{ queryX: { 0: 1n } }, { queryWeight: { 0: 1n } }]) {
				const asked = forge(lie);
				await accepted(asked);
				await refused(replaced(asked, { queryCommit: instance.inputs.queryCommit as bigint }), "queryCommit ===");
			}
		});

		test("the list in another order, or with another entry", async () => {
			await refused({ ...instance, words: [...instance.words].reverse() }, "evaluation === list.out");
			await refused({ ...instance, words: [...instance.words, 1n] }, "evaluation === list.out");
			await refused({ ...instance, words: instance.words.slice(0, 1) }, "evaluation === list.out");
		});
	});

	describe("scores", () => {
		const scoreCommit = instance.inputs.scoreCommit as bigint;

		test.each<[string, Changes]>([
			["another score", { 0: 1n }],
			["a score moved from one contribution to another", { 0: UNIT, 1: -UNIT }],
			["a score in an empty place", { 2: 1n }],
		])("%s", async (_, score) => {
			const other = forge({ score });
			expect(other.inputs.scoreCommit).not.toBe(scoreCommit);
			await refused(other, "scoreCommit ===");
		});

		test("the right scores as a later page, or with another count", async () => {
			const scores = [...instance.scores.map(reduce), 0n];
			const header = 2n + (BigInt(C) << 32n);
			expect(sponge(TAGS.scores, [header, 0n, ...scores])).toBe(scoreCommit);
			await refused(replaced(instance, { scoreCommit: sponge(TAGS.scores, [header, 1n, ...scores]) }), "scoreCommit ===");
			await refused(replaced(instance, { scoreCommit: sponge(TAGS.scores, [header + 1n, 0n, ...scores]) }), "scoreCommit ===");
		});
	});

	describe("a proof", () => {
		const pool = new ProverPool({ workers: 1 });
		afterAll(() => pool.close());

		test("is accepted with its publics and words and no other, and none is made of a lie that fits another challenge", async () => {
			const circuit = await compileCircuit(instance.circuit);
			const key = await setupDevelopment(circuit);
			const { publics, words, inputs } = instance;
			const { proof, challenge } = await pool.prove({ circuit, key, inputs, context: CONTEXT, words, publics });
			const verify = (changed: object) => verifyProof(key.verification, { context: CONTEXT, publics, words, proof, ...changed });
			verify({});
			publics.forEach((_, at) => {
				const other = publics.map((value, i) => (i === at ? value + 1n : value));
				expect(() => verify({ publics: other }), instance.circuit.publics[at]).toThrow(expect.objectContaining({ code: "proof.equation" }));
			});
			expect(() => verify({ words: [...words].reverse() })).toThrow(expect.objectContaining({ code: "proof.equation" }));

			const lie = tradedValues(challenge);
			await accepted(lie, challenge);
			await expect(pool.prove({ circuit, key, inputs: lie.inputs, context: CONTEXT, words })).rejects.toMatchObject({
				code: "witness.unsatisfied",
				message: expect.stringContaining("KnnShapley"),
			});
		});
	});
});

describe("cost at d = 64, k = 10", () => {
	// 8 and 15 rows fill 19 and 34 elements: one block of 15 apart.
	const counts = async (rows: number, queries: number) =>
		(await compileCircuit(knnShapleyCircuit({ places: 1, rows, d: 64, k: 10, queries, neighbours: 5 }))).counts;

	test("94 for a row and the first query, 10 for each further one, beyond the opening", async () => {
		const [few, many, fewThree, manyThree] = [await counts(8, 2), await counts(15, 2), await counts(8, 3), await counts(15, 3)];
		const opening = 609 + 7 * 63;
		const two = (many.nonLinear - few.nonLinear - opening) / 7;
		const three = (manyThree.nonLinear - fewThree.nonLinear - opening) / 7;
		expect(three - two).toBe(10);
		expect(two - (three - two)).toBe(94);
		// What a query costs once, its own opening included, is less than 30 for each of 8 rows.
		expect(fewThree.nonLinear - few.nonLinear - 8 * 10).toBe(214);
		expect((manyThree.linear - fewThree.linear - (many.linear - few.linear)) / 7).toBe(1);
	});
});
