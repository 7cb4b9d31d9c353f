import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instance } from "../../circuits/circuit.ts";
import { CircuitError } from "../../circuits/errors.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { Multiplicity, toLimbs } from "../../circuits/limbs.ts";
import {
	type Checkpoint,
	dropLimbs,
	type EvaluationParameters,
	evaluationCircuit,
	evaluationInstance,
	evaluationLoss,
} from "../../circuits/statements/evaluation.ts";
import { commitModel, headExponent, type OptimumParameters } from "../../circuits/statements/optimum.ts";
import { commitStatistics, emptyStatistics, type Rows, type Statistics, statisticsOf, sumStatistics } from "../../circuits/statistics.ts";
import { floatStatistics, randomRows } from "../../cli/attack/samples.ts";
import { below, generator } from "../../compute/random.ts";
import { solveRidge } from "../../compute/ridge.ts";
import { inverse, power } from "../../prover/bn254.ts";
import { compileCircuit } from "../../prover/compile.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { setupDevelopment } from "../../prover/setup.ts";
import { verifyProof } from "../../prover/verify.ts";

const CHALLENGE = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn;
const CONTEXT = `0x${"17".repeat(32)}` as const;
const D = 3;
const K = 3;
const OPTIMUM: OptimumParameters = { d: D, k: K, maxRows: 16, lambda: 65n };
/** 32 bits, so that entries have a top limb that is not full. */
const PARAMETERS: EvaluationParameters = { optimum: OPTIMUM, statBits: 32 };
const SCALE = 1n << BigInt(headExponent(OPTIMUM));
const HALF = 1n << 35n;

const rows = randomRows(3n, 12, D, K, 200);
const set = statisticsOf(rows, D, K);
/** Trained on other rows, and on the evaluation set itself: the second is better on it for certain. */
const previous: Checkpoint = { w: headOf(statisticsOf(randomRows(4n, 8, D, K, 1), D, K)), manifestDigest: 4242n };
const next: Checkpoint = { w: headOf(set), manifestDigest: 4243n };
const drop = evaluationLoss(PARAMETERS, set, previous.w) - evaluationLoss(PARAMETERS, set, next.w);
const instance = evaluationInstance(PARAMETERS, set, previous, next, drop - 12345n);

function headOf(statistics: Statistics): bigint[] {
	const float = floatStatistics(statistics, D, K);
	return Array.from(solveRidge(float, OPTIMUM.lambda * statistics.rows, SCALE).x, BigInt);
}

/** sum_i w_i |W^T x_i - s onehot(y_i)|^2, row by row. */
function lossByRows({ x, label, weight, count }: Rows, w: readonly bigint[]): bigint {
	let loss = 0n;
	for (let r = 0; r < count; r++) {
		for (let c = 0; c < K; c++) {
			let error = label[r] === c ? -SCALE : 0n;
			for (let i = 0; i < D; i++) {
				error += BigInt(x[r * D + i] as number) * (w[K * i + c] as bigint);
			}
			loss += BigInt(weight[r] as number) * error * error;
		}
	}
	return loss;
}

/** The inputs with one entry of one of them moved by `delta`. */
function altered({ inputs }: Instance, name: string, index: number, delta: bigint) {
	const value = inputs[name] as bigint | readonly bigint[];
	const moved = typeof value === "bigint" ? value + delta : value.map((entry, i) => (i === index ? entry + delta : entry));
	return withChallenge({ ...instance, inputs: { ...inputs, [name]: moved } }, CHALLENGE);
}

/** A forged instance whose multiplicities fit it: every lookup of a table entry is counted. */
function refitted(changes: Record<string, readonly bigint[] | bigint>) {
	const inputs = { ...instance.inputs, ...changes };
	const multiplicity = new Multiplicity(12);
	const count = (values: readonly bigint[]) => {
		for (const value of values) {
			if (value >= 0n && value < 4096n) {
				multiplicity.add(value);
			}
		}
	};
	const [stat, row] = [inputs.statLimb, inputs.rowLimb] as [readonly bigint[], readonly bigint[]];
	const tops = stat.filter((_, i) => i % 3 === 2);
	count([...stat, ...tops.map((limb) => limb << 4n), ...row, (row[2] as bigint) << 4n]);
	for (const name of ["oldLimb", "newLimb", "deltaLimb", "slackLimb"]) {
		count(inputs[name] as readonly bigint[]);
	}
	return { ...inputs, multiplicity: multiplicity.values() };
}

/** The inputs of {@link refitted} under the fixed challenge. */
const forged = (changes: Record<string, readonly bigint[] | bigint>) =>
	withChallenge({ ...instance, inputs: refitted(changes) }, CHALLENGE);

function refusal(work: () => unknown): { code: string; message: string } {
	try {
		work();
	} catch (error) {
		if (error instanceof CircuitError) {
			return { code: error.code, message: error.message };
		}
		throw error;
	}
	throw new Error("expected a CircuitError, got none");
}

describe("the loss", () => {
	const next32 = generator(99n);
	const wide = () => BigInt(below(next32, 2 ** 18)) * (1n << 18n) + BigInt(below(next32, 2 ** 18)) - HALF;
	const heads: [string, bigint[]][] = [
		["zero", new Array<bigint>(D * K).fill(0n)],
		["the least", new Array<bigint>(D * K).fill(-HALF)],
		["the greatest", new Array<bigint>(D * K).fill(HALF - 1n)],
		["alternating extremes", Array.from({ length: D * K }, (_, i) => (i % 2 === 0 ? -HALF : HALF - 1n))],
		["trained", [...next.w]],
		...Array.from({ length: 5 }, (_, i): [string, bigint[]] => [`random ${i}`, Array.from({ length: D * K }, wide)]),
	];

	test.each(heads)("of the head %s is that of its rows, in integers and in floating point", (_, w) => {
		const loss = evaluationLoss(PARAMETERS, set, w);
		expect(loss).toBe(lossByRows(rows, w));
		const float = floatStatistics(set, D, K);
		let [quadratic, linear] = [0, 0];
		for (let c = 0; c < K; c++) {
			for (let i = 0; i < D; i++) {
				for (let l = 0; l < D; l++) {
					const at = Math.min(i, l) * D - (Math.min(i, l) * (Math.min(i, l) - 1)) / 2 + Math.abs(i - l);
					quadratic += Number(w[K * i + c]) * (float.a[at] as number) * Number(w[K * l + c]);
				}
				linear += Number(w[K * i + c]) * (float.b[K * i + c] as number);
			}
		}
		const expected = quadratic - 2 * Number(SCALE) * linear + Number(SCALE) ** 2 * float.n;
		// Terms cancel: the rounding is relative to the largest of them.
		const unit = Math.max(Math.abs(quadratic), 2 * Number(SCALE) * Math.abs(linear), Number(SCALE) ** 2 * float.n);
		expect(Math.abs(Number(loss) - expected) / unit).toBeLessThan(1e-12);
	});

	test("of no rows is 0, and no drop of extreme heads and full statistics leaves the limbs", () => {
		const empty = emptyStatistics(D, K);
		expect(evaluationLoss(PARAMETERS, empty, next.w)).toBe(0n);
		const top = (1n << BigInt(PARAMETERS.statBits)) - 1n;
		const full: Statistics = { a: empty.a.map(() => top), b: empty.b.map(() => top), rows: (1n << 32n) - 1n };
		const [least, greatest] = [-HALF, HALF - 1n].map((value) => new Array<bigint>(D * K).fill(value)) as [bigint[], bigint[]];
		const largest = evaluationLoss(PARAMETERS, full, least) - evaluationLoss(PARAMETERS, full, greatest);
		expect(largest).toBeGreaterThan(0n);
		expect(largest).toBeLessThan(1n << BigInt(12 * dropLimbs(PARAMETERS)));
	});
});

describe("evaluation", () => {
	let system: Constraints;
	let honest: bigint[];

	beforeAll(async () => {
		system = await Constraints.of(instance.circuit);
		honest = await system.witness(withChallenge(instance, CHALLENGE));
	});

	test("the honest witness satisfies every constraint, and circom has no warning", () => {
		expect(drop).toBeGreaterThan(12345n);
		expect(system.broken(honest)).toEqual([]);
		expect(system.compiled.warnings).toEqual([]);
	});

	test("commits to heads as `optimum` does", () => {
		expect(instance.publics.slice(0, 2)).toEqual([commitModel(OPTIMUM, previous.w, 4242n), commitModel(OPTIMUM, next.w, 4243n)]);
	});

	test.each([1n, FIELD - 1n, 1n << 128n])("no wire can be changed alone (by %s)", (delta) => {
		expect(system.freeWires(honest, delta).map((wire) => system.names(wire))).toEqual([]);
	});

	test.each(instance.circuit.publics)("%s cannot be another", async (signal) => {
		const inputs = withChallenge(instance, CHALLENGE);
		await expect(system.witness({ ...inputs, [signal]: (inputs[signal] as bigint) + 1n })).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringContaining("LossDrop"),
		});
	});

	test.each(Object.keys(instance.inputs).filter((name) => !instance.circuit.publics.includes(name)))(
		"no entry of %s can be another alone",
		async (input) => {
			const value = instance.inputs[input] as readonly bigint[];
			for (const index of new Set([0, Math.floor(value.length / 2), value.length - 1])) {
				await expect(system.witness(altered(instance, input, index, 1n)), `${input}[${index}]`).rejects.toMatchObject({
					code: "witness.unsatisfied",
				});
			}
		},
	);

	test("a product that raises the drop is no product of the statistics and the heads", async () => {
		expect(system.broken(await system.witness(forged({})))).toEqual([]);
		// The slack follows the product, so that the projection alone can notice.
		const gap = (previous.w[0] as bigint) - (next.w[0] as bigint);
		const product = (instance.inputs.product as readonly bigint[]).map((entry, i) => (i === 0 ? entry + (gap > 0n ? 1n : -1n) : entry));
		const slackLimb = toLimbs(12345n + (gap > 0n ? gap : -gap), dropLimbs(PARAMETERS), 12);
		await expect(system.witness(forged({ product, slackLimb }))).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringContaining("LossDrop"),
		});
	});

	test("the true drop can be claimed, with slack 0", async () => {
		const exact = evaluationInstance(PARAMETERS, set, previous, next, drop);
		expect(exact.inputs.slackLimb).toEqual(new Array(dropLimbs(PARAMETERS)).fill(0n));
		expect(system.broken(await system.witness(withChallenge(exact, CHALLENGE)))).toEqual([]);
	});

	test("equal heads have a drop of 0", async () => {
		const same = evaluationInstance(PARAMETERS, set, next, next, 0n);
		expect(system.broken(await system.witness(withChallenge(same, CHALLENGE)))).toEqual([]);
		expect(refusal(() => evaluationInstance(PARAMETERS, set, next, next, 1n)).code).toBe("delta-unreached");
	});

	describe("a delta one above the true drop", () => {
		test("is refused before any proof is tried", () => {
			expect(refusal(() => evaluationInstance(PARAMETERS, set, previous, next, drop + 1n))).toEqual({
				code: "delta-unreached",
				message: `evaluation: expected a loss that drops by at least ${drop + 1n}, got a drop of ${drop}`,
			});
		});

		const claimed = { delta: drop + 1n, deltaLimb: toLimbs(drop + 1n, dropLimbs(PARAMETERS), 12) };
		const zeros = new Array<bigint>(dropLimbs(PARAMETERS) - 1).fill(0n);
		test.each([
			["-1 in one limb", [-1n, ...zeros], "RangeLookup"],
			["-1 as a borrow", [4095n, -1n, ...zeros.slice(1)], "LossDrop"],
			["0", [0n, ...zeros], "LossDrop"],
			[
				"-1 as r - 1 in the top limb",
				[...toLimbs((FIELD - 1n) % (1n << BigInt(12 * zeros.length)), zeros.length, 12), (FIELD - 1n) >> BigInt(12 * zeros.length)],
				"RangeLookup",
			],
		])("has no witness with slack %s", async (_, slackLimb, where) => {
			await expect(system.witness(forged({ ...claimed, slackLimb }))).rejects.toMatchObject({
				code: "witness.unsatisfied",
				message: expect.stringContaining(where),
			});
		});
	});

	test("a rise is no negative drop: delta = -1 has no limbs", async () => {
		expect(refusal(() => evaluationInstance(PARAMETERS, set, previous, next, -1n)).code).toBe("delta-range");
		const deltaLimb = [-1n, ...new Array<bigint>(dropLimbs(PARAMETERS) - 1).fill(0n)];
		const slackLimb = toLimbs(drop + 1n, dropLimbs(PARAMETERS), 12);
		await expect(system.witness(forged({ delta: -1n, deltaLimb, slackLimb }))).rejects.toMatchObject({
			message: expect.stringContaining("RangeLookup"),
		});
	});

	test("a limb of a head that borrows from the next one is outside the table", async () => {
		const oldLimb = [...(instance.inputs.oldLimb as readonly bigint[])];
		[oldLimb[0], oldLimb[1]] = [(oldLimb[0] as bigint) + 4096n, (oldLimb[1] as bigint) - 1n];
		await expect(system.witness(forged({ oldLimb }))).rejects.toMatchObject({ message: expect.stringContaining("RangeLookup") });
	});

	test("the commitment of statistics opens to no other dimensions", async () => {
		// This header says d + 1 features; with rows that are 2^32 larger it would open to d.
		const wrong = set.rows + (1n << 32n);
		const evaluationStatsCommit = commitStatistics({ ...set, rows: wrong }, D, K, PARAMETERS.statBits);
		await expect(system.witness(forged({ evaluationStatsCommit, rowLimb: toLimbs(wrong, 3, 12) }))).rejects.toMatchObject({
			message: expect.stringContaining("RangeLookup"),
		});
	});
});

describe("values that no witness can be made of", () => {
	const moved = (head: Checkpoint, value: bigint): Checkpoint => ({ ...head, w: [...head.w.slice(0, -1), value] });
	const widened = (value: bigint): Statistics => ({ ...set, a: [value, ...set.a.slice(1)] });
	test.each<[string, string, RegExp, Statistics, Checkpoint, Checkpoint]>([
		[
			"an old head of 37 bits",
			"value-range",
			/old head: expected entry 8 in \[-2\^35, 2\^35\), got 34359738368/,
			set,
			moved(previous, HALF),
			next,
		],
		["a new head of 37 bits", "value-range", /new head: expected entry 8/, set, previous, moved(next, -HALF - 1n)],
		["statistics of 33 bits", "stat-range", /entry 0 in \[0, 2\^32\)/, widened(1n << 32n), previous, next],
		["negative statistics", "stat-range", /entry 0 in/, widened(-1n), previous, next],
		["too many rows", "stat-rows", /got 4294967296/, { ...set, rows: 1n << 32n }, previous, next],
		["statistics of another shape", "stat-shape", /got 5 and 9 entries/, { ...set, a: set.a.slice(1) }, previous, next],
		["a head of another shape", "head-shape", /9 entries of the new head, got 8/, set, previous, { ...next, w: next.w.slice(1) }],
	])("%s", (_, code, message, statistics, before, after) => {
		expect(refusal(() => evaluationInstance(PARAMETERS, statistics, before, after, 0n))).toEqual({
			code,
			message: expect.stringMatching(message),
		});
	});

	test("statistics of several committed sets add up outside the circuit alone", () => {
		const twice = sumStatistics([set, set], D, K);
		expect(evaluationLoss(PARAMETERS, twice, next.w)).toBe(2n * evaluationLoss(PARAMETERS, set, next.w));
		expect(evaluationInstance(PARAMETERS, twice, previous, next, 0n).publics[4]).not.toBe(instance.publics[4]);
	});
});

describe("a proof", () => {
	const pool = new ProverPool({ workers: 1 });
	afterAll(() => pool.close());

	test("is accepted with its publics, and with no other", async () => {
		const circuit = await compileCircuit(evaluationCircuit(PARAMETERS));
		const key = await setupDevelopment(circuit);
		const { publics } = instance;
		const { proof } = await pool.prove({ circuit, key, inputs: instance.inputs, context: CONTEXT, words: [], publics });
		verifyProof(key.verification, { context: CONTEXT, publics, words: [], proof });
		publics.forEach((_, at) => {
			const other = publics.map((value, i) => (i === at ? value + 1n : value));
			expect(
				() => verifyProof(key.verification, { context: CONTEXT, publics: other, words: [], proof }),
				instance.circuit.publics[at],
			).toThrow(expect.objectContaining({ code: "proof.equation" }));
		});
	});

	test("of a product that was chosen after the challenge is not made", async () => {
		const circuit = await compileCircuit(evaluationCircuit(PARAMETERS));
		const key = await setupDevelopment(circuit);
		const { challenge } = await pool.prove({ circuit, key, inputs: instance.inputs, context: CONTEXT, words: [] });

		// product_00 + tau_1 product_10 stays as it is, tau_1 = challenge^7; the drop grows by a million.
		const gap = (at: number) => (previous.w[at] as bigint) - (next.w[at] as bigint);
		const tau = power(challenge, 7n, FIELD);
		const step = reduce(1_000_000n * inverse(reduce(gap(K) - gap(0) * tau), FIELD));
		const product = (instance.inputs.product as readonly bigint[]).map((entry, i) =>
			i === 0 ? reduce(entry - tau * step) : i === K ? reduce(entry + step) : entry,
		);
		const delta = drop + 1_000_000n;
		const [deltaLimb, slackLimb] = [delta, 0n].map((value) => toLimbs(value, dropLimbs(PARAMETERS), 12)) as [bigint[], bigint[]];
		const inputs = refitted({ product, delta, deltaLimb, slackLimb });
		const system = await Constraints.of(instance.circuit);
		// Under the known challenge the constraints take it; the commitment moves with the product, so the challenge does.
		expect(system.broken(await system.witness(withChallenge({ ...instance, inputs }, challenge)))).toEqual([]);
		await expect(pool.prove({ circuit, key, inputs, context: CONTEXT, words: [] })).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringContaining("LossDrop"),
		});
	});
});
