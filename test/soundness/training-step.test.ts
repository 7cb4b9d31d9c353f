/**
 * A trainer who lies. `forge` is a second implementation of the step, which goes on consistently from any lie: commitments, limbs and everything
 * that follows fit it, so that only the constraint of the one relation can refuse it. Where that is a range check, the multiplicities could still be chosen to
 * fit the lie if the challenge were known: each such forgery is accepted then, which shows that nothing else refuses it, and that the commitment before the
 * challenge is what stands in its way.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Circuit, CircuitInputs } from "../../circuits/circuit.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { Multiplicity, toLimbs } from "../../circuits/limbs.ts";
import { sponge } from "../../circuits/sponge.ts";
import {
	BatchTree,
	batchPosition,
	commitBatch,
	type Perceptron,
	type TrainingStepParameters,
	trainingStepCircuit,
	trainingStepInstance,
} from "../../circuits/statements/training-step.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { inverse } from "../../prover/bn254.ts";
import { compileCircuit } from "../../prover/compile.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { setupDevelopment } from "../../prover/setup.ts";
import { verifyProof } from "../../prover/verify.ts";

const CHALLENGE = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn;
const OTHER = 0x7654321fedcba987654321fedcba987654321fedcba987654321fedcba98765n;
const CONTEXT = `0x${"17".repeat(32)}` as const;
const [N, D, H, K, LEVELS] = [3, 3, 2, 3, 2];
const PARAMETERS: TrainingStepParameters = { n: N, d: D, h: H, k: K, levels: LEVELS, fractionBits: 16, rate: 3000 };
const SEED = 20260101n;
const STEP = 7n;
const MANIFEST = 4242n;
const UNIT = 1n << 16n;
const POSITION = batchPosition(LEVELS, SEED, STEP);

/** Bits and count of each division. */
const DIVISIONS = {
	activationRemainder: [8, N * H],
	errorRemainder: [16, N * K],
	slopeRemainder: [16, N * H],
	firstRemainder: [24, D * H],
	secondRemainder: [32, (H + 1) * K],
} as const;
type Division = keyof typeof DIVISIONS;
const NAMES = Object.keys(DIVISIONS) as Division[];

const rowsOf = (features: readonly (readonly [number, number])[], label: readonly number[], weight: readonly number[]): Rows => ({
	x: Uint8Array.from(features.flatMap((pair) => [...pair, 255])),
	label: Uint8Array.from(label),
	weight: Uint8Array.from(weight),
	count: features.length,
});

// Hidden unit 1 is 255 * 64 (x_0 - 90): negative, zero and positive for the three rows of the batch that the seed names.
const rows = rowsOf(
	[
		[10, 200],
		[90, 3],
		[255, 0],
	],
	[0, 2, 1],
	[1, 1, 1],
);
const batches = [1, 2, 3, 4].map((salt, at) => ({
	rows:
		at === POSITION
			? rows
			: rowsOf(
					[
						[salt, 7 * salt],
						[100, 255],
					],
					[at % K, 1],
					[1, 1],
				),
	salt: BigInt(salt),
}));
const tree = new BatchTree(
	batches.map((batch) => commitBatch(PARAMETERS, batch)),
	LEVELS,
);
const network: Perceptron = {
	first: [30000n, 16320n, -20000n, 0n, 15000n, -5760n],
	second: [50000n, -30000n, 20000n, -40000n, 35000n, 9000n, 12000n, 30000n, -15000n],
};
const checkpoint = { network, step: STEP, manifestDigest: MANIFEST };
const instance = trainingStepInstance(PARAMETERS, checkpoint, SEED, tree, batches[POSITION] as (typeof batches)[number]);
const domain = (name: string) => BigInt(`0x${Buffer.from(name).toString("hex")}`);
const ELEMENT = sponge(domain("openledger.position"), [BigInt(LEVELS), SEED, STEP]);

/** The commitment of a checkpoint, packed by arithmetic: weights outside their range carry over to the next one. */
function commit({ first, second }: Perceptron, step: bigint, manifestDigest = MANIFEST): bigint {
	const offset = [...first, ...second].map((value) => value + (1n << 23n));
	const packed: bigint[] = [];
	for (let start = 0; start < offset.length; start += 10) {
		packed.push(offset.slice(start, start + 10).reduceRight((element, value) => (element << 24n) + value, 0n));
	}
	const header = BigInt(D) + (BigInt(H) << 16n) + (BigInt(K) << 32n) + (16n << 48n);
	return sponge(domain("openledger.checkpoint"), [header, step, manifestDigest, ...packed]);
}

interface Lie {
	/** Added to features, by index. */
	readonly x?: Readonly<Record<number, bigint>>;
	/** Added to weights of the first layer before the step, by index. */
	readonly first?: Readonly<Record<number, bigint>>;
	readonly weight?: readonly bigint[];
	readonly label?: readonly number[];
	/** Added to a quotient; its remainder makes up for it unless `kept`. */
	readonly quotient?: readonly [Division, number, bigint];
	readonly kept?: boolean;
	/** The sign claimed for one pre-activation. */
	readonly active?: readonly [number, bigint];
	/** Leaf that is opened. */
	readonly position?: number;
	/** The integer whose bytes are given for the hash. */
	readonly element?: bigint;
	readonly gap?: bigint;
	readonly borrow?: bigint;
	readonly rate?: bigint;
}

/** Bytes of a value; what does not fit them, a sign included, is in the last one. */
function bytesOf(value: bigint, count: number): bigint[] {
	return Array.from({ length: count }, (_, s) => (s < count - 1 ? (value >> BigInt(8 * s)) & 255n : value >> BigInt(8 * s)));
}

const sum = (count: number, term: (index: number) => bigint) =>
	Array.from({ length: count }, (_, index) => term(index)).reduce((a, b) => a + b, 0n);
const table = (outer: number, inner: number, entry: (i: number, j: number) => bigint) =>
	Array.from({ length: outer * inner }, (_, at) => entry(Math.floor(at / inner), at % inner));

/** All inputs of a step with a lie in it; without one, those of the honest trainer. */
function forge(lie: Lie = {}): CircuitInputs {
	const position = lie.position ?? POSITION;
	const batch = batches[position] as (typeof batches)[number];
	const { count } = batch.rows;
	const x = table(N, D - 1, (i, l) => (i < count ? BigInt(batch.rows.x[i * D + l] as number) : 0n) + (lie.x?.[i * (D - 1) + l] ?? 0n));
	const feature = (i: number, l: number) => (l === D - 1 ? 255n : (x[i * (D - 1) + l] as bigint));
	const weight = lie.weight ?? Array.from({ length: N }, (_, i) => (i < count ? 1n : 0n));
	const label = lie.label ?? Array.from({ length: N }, (_, i) => (i < count ? (batch.rows.label[i] as number) : 0));
	const target = table(N, K, (i, c) => (label[i] === c ? 1n : 0n));
	const first = network.first.map((value, at) => value + (lie.first?.[at] ?? 0n));
	const { second } = network;

	const remainders = Object.fromEntries(NAMES.map((name) => [name, [] as bigint[]])) as Record<Division, bigint[]>;
	const divide = (name: Division, at: number, numerator: bigint): bigint => {
		const half = 1n << BigInt(DIVISIONS[name][0] - 1);
		const added = lie.quotient?.[0] === name && lie.quotient[1] === at ? lie.quotient[2] : 0n;
		const quotient = (numerator + half) >> BigInt(DIVISIONS[name][0]);
		remainders[name][at] = numerator + half - 2n * half * (lie.kept ? quotient : quotient + added);
		return quotient + added;
	};

	const before = table(N, H, (i, j) =>
		divide(
			"activationRemainder",
			i * H + j,
			sum(D, (l) => feature(i, l) * (first[l * H + j] as bigint)),
		),
	);
	const active = before.map((value, at) => (lie.active?.[0] === at ? lie.active[1] : value > 0n ? 1n : 0n));
	const activation = (i: number, j: number) => (j === H ? UNIT : (active[i * H + j] as bigint) * (before[i * H + j] as bigint));
	const error = table(N, K, (i, c) => {
		const output = divide(
			"errorRemainder",
			i * K + c,
			sum(H + 1, (j) => activation(i, j) * (second[j * K + c] as bigint)),
		);
		return output - UNIT * (target[i * K + c] as bigint);
	});
	const counted = error.map((value, at) => value * (weight[Math.floor(at / K)] as bigint));
	const slope = table(N, H, (i, j) =>
		divide(
			"slopeRemainder",
			i * H + j,
			sum(K, (c) => (counted[i * K + c] as bigint) * (second[j * K + c] as bigint)),
		),
	);
	const rate = lie.rate ?? BigInt(PARAMETERS.rate);
	const next = {
		first: table(D, H, (l, j) => {
			const gradient = sum(N, (i) => feature(i, l) * (active[i * H + j] as bigint) * (slope[i * H + j] as bigint));
			return (first[l * H + j] as bigint) - divide("firstRemainder", l * H + j, rate * gradient);
		}),
		second: table(H + 1, K, (j, c) => {
			const gradient = sum(N, (i) => activation(i, j) * (counted[i * K + c] as bigint));
			return (second[j * K + c] as bigint) - divide("secondRemainder", j * K + c, rate * gradient);
		}),
	};

	const half = 1n << 23n;
	const limbs = (values: readonly bigint[], bytes: number) => values.flatMap((value) => bytesOf(value, bytes));
	const offset = (values: readonly bigint[]) =>
		limbs(
			values.map((value) => value + half),
			3,
		);
	const element = lie.element ?? ELEMENT;
	return counted256({
		checkpoint: commit({ first, second }, STEP),
		nextCheckpoint: commit(next, STEP + 1n),
		manifestDigest: MANIFEST,
		seed: SEED,
		step: STEP,
		batchRoot: tree.root,
		loss: sum(N * K, (at) => (counted[at] as bigint) ** 2n),
		salt: batch.salt,
		x,
		target,
		weight,
		firstLimb: offset(first),
		secondLimb: offset(second),
		active,
		magnitudeLimb: limbs(
			before.map((value, at) => (active[at] === 1n ? value - 1n : -value)),
			3,
		),
		errorLimb: offset(error),
		slopeLimb: offset(slope),
		nextFirstLimb: offset(next.first),
		nextSecondLimb: offset(next.second),
		...(Object.fromEntries(NAMES.map((name) => [name, limbs(remainders[name], DIVISIONS[name][0] / 8)])) as Record<Division, bigint[]>),
		positionBit: toLimbs(element & 255n, 8, 1),
		positionByte: bytesOf(element >> 8n, 31),
		gapByte: bytesOf(lie.gap ?? FIELD - 1n - element, 32),
		borrow: lie.borrow ?? (element % (1n << 128n) > (FIELD - 1n) % (1n << 128n) ? 1n : 0n),
		sibling: tree.path(position),
	});
}

/** Where a template's constraints stand, and how the last one of the lookup begins. */
const FILES = {
	TrainingStep: "statements/training-step",
	RangeLookup: "gadgets/lookup",
	CanonicalBytes: "gadgets/canonical",
	Relu: "gadgets/relu",
} as const;
const LOOKUP = "left[n] === right[SIZE]";
/** The constraint that compares the numerators of a division with the product, and its list's width: for an ordinary list and for the last one. */
const COMPARED = {
	activationRemainder: [H, "firstSum[i][d - 1] +", "firstSum[i][d - 1] +"],
	errorRemainder: [K, "secondSum[i][h] +", "secondSum[i][h] +"],
	slopeRemainder: [H, "slopeSum[i][k] ===", "slopeSum[i][k] ==="],
	firstRemainder: [H, "rate * firstGradient[l][n]", "rate * biasGradient"],
	secondRemainder: [K, "rate * secondGradient[j][n]", "rate * unitGradient"],
} as const;

const LOOKED = [
	"x",
	"firstLimb",
	"secondLimb",
	"magnitudeLimb",
	"errorLimb",
	"slopeLimb",
	"nextFirstLimb",
	"nextSecondLimb",
	"positionByte",
	"gapByte",
	...NAMES,
] as const;
const list = (inputs: CircuitInputs, name: string): readonly bigint[] => inputs[name] as readonly bigint[];
const looked = (inputs: CircuitInputs) => LOOKED.flatMap((name) => list(inputs, name));

/** The inputs with every lookup of a table entry counted. */
function counted256(inputs: CircuitInputs): CircuitInputs {
	const multiplicity = new Multiplicity(8);
	for (const value of looked(inputs)) {
		if (value >= 0n && value < 256n) {
			multiplicity.add(value);
		}
	}
	return { ...inputs, multiplicity: multiplicity.values() };
}

/** The inputs with one multiplicity chosen such that both sides of the lookup agree at a challenge that is known. */
function paid(inputs: CircuitInputs, challenge: bigint): CircuitInputs {
	const over = (value: bigint) => inverse(reduce(challenge - value), FIELD);
	const multiplicity = [...list(inputs, "multiplicity")];
	const missing =
		looked(inputs).reduce((total, value) => total + over(value), 0n) - sum(256, (j) => (multiplicity[j] as bigint) * over(BigInt(j)));
	multiplicity[0] = reduce((multiplicity[0] as bigint) + missing * challenge);
	return { ...inputs, multiplicity };
}

const under = (inputs: CircuitInputs, challenge: bigint) => withChallenge({ ...instance, inputs }, challenge);

/** The inputs with entries of one of them moved. */
function moved(inputs: CircuitInputs, name: string, changes: Readonly<Record<number, bigint>>): CircuitInputs {
	const value = inputs[name] as bigint | readonly bigint[];
	const change = (entry: bigint, at: number) => reduce(entry + (changes[at] ?? 0n));
	return { ...inputs, [name]: typeof value === "bigint" ? change(value, 0) : value.map(change) };
}

describe("training-step", () => {
	let system: Constraints;
	let honest: bigint[];

	beforeAll(async () => {
		system = await Constraints.of(instance.circuit);
		honest = await system.witness(under(instance.inputs, CHALLENGE));
	});

	/** Refused at the constraint that begins with `constraint`: everything before it holds. */
	async function refused(inputs: CircuitInputs, constraint: string, challenge = CHALLENGE): Promise<void> {
		const error = await system.witness(under(inputs, challenge)).then(
			() => undefined,
			(reason) => reason,
		);
		expect(error, "a witness").toMatchObject({ code: "witness.unsatisfied" });
		const [, template, line] = /template (\w+?)_\d+ line: (\d+)/.exec(error.message) as RegExpExecArray;
		const file = fileURLToPath(new URL(`../../circuits/${FILES[template as keyof typeof FILES]}.circom`, import.meta.url));
		const text = (await readFile(file, "utf8")).split("\n")[Number(line) - 1] as string;
		expect(text.trim().slice(0, constraint.length)).toBe(constraint);
	}

	/** Accepted under the challenge that the multiplicities were chosen for, and under no other. */
	async function boundByChallenge(inputs: CircuitInputs): Promise<void> {
		const known = paid(inputs, CHALLENGE);
		expect(system.broken(await system.witness(under(known, CHALLENGE)))).toEqual([]);
		await refused(known, LOOKUP, OTHER);
	}

	/** Refused by the range check alone. */
	async function refusedByLookup(inputs: CircuitInputs): Promise<void> {
		await refused(inputs, LOOKUP);
		await boundByChallenge(inputs);
	}

	describe("the honest step", () => {
		test("satisfies every constraint under every challenge, and circom has no warning", async () => {
			expect(system.broken(honest)).toEqual([]);
			expect(system.broken(await system.witness(under(instance.inputs, OTHER)))).toEqual([]);
			expect(system.compiled.warnings).toEqual([]);
		});

		test("is that of the second implementation", () => {
			expect(forge()).toEqual(instance.inputs);
			expect(instance.publics).toEqual(instance.circuit.publics.map((name) => instance.inputs[name]));
		});

		test("has negative, zero and positive pre-activations", () => {
			expect(instance.trace.preActivation[1]).toBeLessThan(0n);
			expect(instance.trace.preActivation[3]).toBe(0n);
			expect(instance.trace.preActivation[5]).toBeGreaterThan(0n);
		});

		test.each([1n, FIELD - 1n, 1n << 128n])("has no wire that can be changed alone (by %s)", (delta) => {
			expect(system.freeWires(honest, delta).map((wire) => system.names(wire))).toEqual([]);
		});

		test.each([
			["checkpoint", "checkpoint ==="],
			["nextCheckpoint", "nextCheckpoint ==="],
			["manifestDigest", "checkpoint ==="],
			["seed", "position.value ==="],
			["step", "position.value ==="],
			["batchRoot", "batchRoot ==="],
			["loss", "loss ==="],
		])("has no other %s", async (signal, constraint) => {
			await refused(moved(instance.inputs, signal, { 0: 1n }), constraint);
		});

		test.each(Object.keys(instance.inputs).filter((name) => !instance.circuit.publics.includes(name)))("has no other %s", async (input) => {
			const value = instance.inputs[input] as bigint | readonly bigint[];
			const size = typeof value === "bigint" ? 1 : value.length;
			for (const at of new Set([0, Math.floor(size / 2), size - 1])) {
				await expect(
					system.witness(under(moved(instance.inputs, input, { [at]: 1n }), CHALLENGE)),
					`${input}[${at}]`,
				).rejects.toMatchObject({
					code: "witness.unsatisfied",
				});
			}
		});
	});

	describe("rounding", () => {
		test.each(NAMES.flatMap((name) => [[name, 1n] as const, [name, -1n] as const]))("%s: a quotient off by %s", async (name, delta) => {
			for (const at of [0, DIVISIONS[name][1] - 1]) {
				await refusedByLookup(forge({ quotient: [name, at, delta] }));
			}
		});

		test.each(NAMES)("%s: a remainder that wraps around the field", async (name) => {
			const inputs = forge({ quotient: [name, 0, 1000n] });
			const bytes = DIVISIONS[name][0] / 8;
			// All of it in its first byte: r less a small number.
			const whole = list(inputs, name)
				.slice(0, bytes)
				.reduce((total, byte, s) => total + (byte << BigInt(8 * s)), 0n);
			const remainder = list(inputs, name).map((byte, at) => (at === 0 ? reduce(whole) : at < bytes ? 0n : byte));
			expect(remainder[0]).toBeGreaterThan(1n << 250n);
			await refusedByLookup(counted256({ ...inputs, [name]: remainder }));
		});

		test("a slope that divides in the field, without a remainder", async () => {
			// Unit 1 is not active in row 0: its slope moves nothing, so nothing else has to follow.
			const at = 1;
			const numerator = (instance.trace.slope[at] as bigint) * UNIT + (instance.trace.remainders.slopeRemainder[at] as bigint) - UNIT / 2n;
			const quotient = reduce((numerator + UNIT / 2n) * inverse(UNIT, FIELD));
			expect(quotient).toBeGreaterThan(1n << 200n);
			const slopeLimb = list(instance.inputs, "slopeLimb").map((byte, i) =>
				i === 3 * at ? reduce(quotient + (1n << 23n)) : i === 3 * at + 1 || i === 3 * at + 2 ? 0n : byte,
			);
			const slopeRemainder = list(instance.inputs, "slopeRemainder").map((byte, i) => (Math.floor(i / 2) === at ? 0n : byte));
			await refusedByLookup(counted256({ ...instance.inputs, slopeLimb, slopeRemainder }));
		});

		test.each(NAMES)("%s: two remainders traded for the challenge", async (name) => {
			// The first list's evaluation stays: one more power of the challenge at the second entry.
			const bytes = DIVISIONS[name][0] / 8;
			const traded = moved(instance.inputs, name, { 0: 5n * CHALLENGE, [bytes]: -5n });
			await refused(counted256(traded), LOOKUP);
			const known = paid(traded, CHALLENGE);
			expect(system.broken(await system.witness(under(known, CHALLENGE)))).toEqual([]);
			// Even with a lookup that fits the other challenge, the product does not.
			await refused(paid(traded, OTHER), COMPARED[name][1], OTHER);
		});

		test.each(NAMES.flatMap((name) => [[name, 0] as const, [name, DIVISIONS[name][1] - COMPARED[name][0]] as const]))(
			"%s: quotient %s off by one with the right remainder, a wrong product",
			async (name, at) => {
				const lie = forge({ quotient: [name, at, 1n], kept: true });
				await refused(lie, COMPARED[name][at === 0 ? 1 : 2]);
				// At a known challenge the next entry's remainder makes up for it.
				const [bits] = DIVISIONS[name];
				const missing = reduce(-(1n << BigInt(bits)) * inverse(CHALLENGE, FIELD));
				await boundByChallenge(counted256(moved(lie, name, { [(bits / 8) * (at + 1)]: missing })));
			},
		);
	});

	describe("ReLU", () => {
		test.each([
			["a negative value that is active: ReLU(-5) = -5", 1, 1n],
			["a zero that is active: another sign of 0", 3, 1n],
			["a positive value that is not: ReLU(5) = 0", 5, 0n],
		])("%s", async (_, at, sign) => {
			expect((instance.trace.preActivation[at] as bigint) > 0n ? 1n : 0n).not.toBe(sign);
			const inputs = forge({ active: [at, sign] });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test.each([
			[1, 1n],
			[3, 1n],
			[5, 0n],
		])("the sign of pre-activation %s changed under its magnitude", async (at, sign) => {
			const lie = forge({ active: [at, sign] });
			await refused(counted256({ ...lie, magnitudeLimb: list(instance.inputs, "magnitudeLimb") }), "firstSum[i][d - 1] +");
		});

		test.each([2n, FIELD - 1n])("a sign of %s", async (sign) => {
			await refused(moved(instance.inputs, "active", { 3: sign }), "active * (active - 1) ===");
		});

		test("the derivative at another sign than the value", async () => {
			// The first layer moves as if unit 1 were active in row 1, where it is 0; the forward pass is the honest one.
			const lie = forge({ active: [3, 1n] });
			const names = ["nextFirstLimb", "firstRemainder", "nextCheckpoint"];
			expect(list(lie, "nextFirstLimb")).not.toEqual(list(instance.inputs, "nextFirstLimb"));
			await refused(
				counted256({ ...instance.inputs, ...Object.fromEntries(names.map((name) => [name, lie[name] as bigint])) }),
				"rate * firstGradient[l][n]",
			);
		});
	});

	describe("the batch", () => {
		const wrong = (POSITION + 1) % 4;
		const ALIAS = ELEMENT + FIELD;

		test("at another position than the seed's, with the hash's bytes", async () => {
			const flipped = (ELEMENT & ~3n) | BigInt(wrong);
			await refused(forge({ position: wrong, element: flipped }), "position.value ===");
		});

		test("at another position, with the bits of the right one", async () => {
			await refused(forge({ position: wrong }), "batchRoot ===");
		});

		test("at the position of the hash plus r", async () => {
			expect(Number(ALIAS & 3n)).toBe(wrong);
			const inputs = forge({ position: wrong, element: ALIAS });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test.each([0n, 1n])("at the position of the hash plus r, with a gap modulo 2^256 (borrow %s)", async (borrow) => {
			const gap = FIELD - 1n - ALIAS + (1n << 256n);
			// Only one borrow fits the low half; the high half then lacks 2^128.
			const fits = ALIAS % (1n << 128n) > (FIELD - 1n) % (1n << 128n) ? 1n : 0n;
			await refused(forge({ position: wrong, element: ALIAS, gap, borrow }), borrow === fits ? "gapHigh ===" : "gapLow ===");
		});

		test("at the position of the hash plus r, with the gap of the hash", async () => {
			await refused(forge({ position: wrong, element: ALIAS, gap: FIELD - 1n - ELEMENT }), "gapLow ===");
		});

		test("at the position of the hash plus r, with a borrow that is no bit", async () => {
			// The borrow that fits the high half; the low half would then need a gap far outside its bytes.
			const borrow = (FIELD - 1n) / (1n << 128n) - ALIAS / (1n << 128n);
			const gap = ((FIELD - 1n) % (1n << 128n)) - (ALIAS % (1n << 128n)) + borrow * (1n << 128n);
			const gapByte = [gap, ...new Array<bigint>(31).fill(0n)];
			const inputs = counted256({ ...forge({ position: wrong, element: ALIAS, borrow }), gapByte });
			await refused(inputs, LOOKUP);
			await refused(paid(inputs, CHALLENGE), "borrow * (borrow - 1) ===");
		});

		test("that is not in the tree, with a bit that is none", async () => {
			// left = below + bit (sibling - below) and right = sibling - bit (sibling - below) are the right pair for the right sibling and bit.
			const leaf = tree.leaf(wrong);
			const [left, right] = [tree.leaf(POSITION & ~1), tree.leaf(POSITION | 1)];
			const sibling = reduce(left + right - leaf);
			const bit = reduce((left - leaf) * inverse(reduce(sibling - leaf), FIELD));
			expect(bit).toBeGreaterThan(1n);
			const inputs = forge({ position: wrong, element: ELEMENT });
			// Bit 2 is in the same byte and on no path of two levels.
			const positionBit = [...list(inputs, "positionBit")];
			positionBit[2] = reduce((positionBit[2] as bigint) + ((positionBit[0] as bigint) - bit) * inverse(4n, FIELD));
			positionBit[0] = bit;
			const path = tree.path(POSITION).map((node, level) => (level === 0 ? sibling : node));
			await refused({ ...inputs, positionBit, sibling: path }, "positionBit[t] * (positionBit[t] - 1) ===");
		});

		test("at another position, with what is missing in the next byte", async () => {
			const flipped = (ELEMENT & ~3n) | BigInt(wrong);
			const missing = reduce((ELEMENT - flipped) * inverse(256n, FIELD));
			const inputs = moved(forge({ position: wrong, element: flipped }), "positionByte", { 0: missing });
			// The gap's low half gives what the byte takes.
			await refusedByLookup(counted256(moved(inputs, "gapByte", { 0: -256n * missing })));
		});

		test.each([0, 1])("on a path with another sibling at level %s", async (level) => {
			await refused(moved(instance.inputs, "sibling", { [level]: 1n }), "batchRoot ===");
		});

		test("on the path of another leaf", async () => {
			await refused({ ...instance.inputs, sibling: tree.path(wrong) }, "batchRoot ===");
		});

		test("under another salt", async () => {
			await refused(moved(instance.inputs, "salt", { 0: 1n }), "batchRoot ===");
		});

		test("with one byte changed, and all that follows", async () => {
			const inputs = forge({ x: { 0: 1n } });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refused(inputs, "batchRoot ===");
		});

		test("with two bytes traded inside their packed element", async () => {
			const inputs = forge({ x: { 0: 256n, 1: -1n } });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test("with a label traded against a feature inside their packed element", async () => {
			// Row 0 becomes class 1; the feature before the label gives 256.
			const inputs = forge({ label: [1, 2, 1], x: { 1: -256n } });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test("with a row forgotten", async () => {
			const inputs = forge({ weight: [1n, 0n, 1n] });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refused(inputs, "batchRoot ===");
		});

		test("with a row forgotten, traded against a feature inside their packed element", async () => {
			const inputs = forge({ weight: [1n, 0n, 1n], x: { 2: 1n << 24n } });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test("with a row counted twice, traded against a feature", async () => {
			const inputs = forge({ weight: [1n, 2n, 1n], x: { 2: -(1n << 24n) } });
			await refused(inputs, LOOKUP);
			await refused(paid(inputs, CHALLENGE), "weight[i] * (weight[i] - 1) ===");
		});

		test("with a row of no class, under the label 0 that it has", async () => {
			const inputs = forge({ label: [-1, 2, 1] });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refused(inputs, "classes === 1");
		});

		test.each<[string, Record<number, bigint>, string]>([
			["two classes", { 1: 1n }, "classes === 1"],
			["2 of class 1 and -1 of class 2, under the label 0 that it has", { 0: -1n, 1: 2n, 2: -1n }, "target[i][c] * (target[i][c] - 1) ==="],
		])("with a row of %s", async (_, changes, constraint) => {
			await refused(moved(instance.inputs, "target", changes), constraint);
		});
	});

	describe("the checkpoints", () => {
		test("a weight before the step traded inside its packed element", async () => {
			const inputs = forge({ first: { 0: 1n << 24n, 1: -1n } });
			expect(inputs.checkpoint).toBe(instance.inputs.checkpoint);
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refusedByLookup(inputs);
		});

		test("another weight before the step", async () => {
			await refused({ ...forge({ first: { 0: 1n } }), checkpoint: instance.inputs.checkpoint as bigint }, "checkpoint ===");
		});

		test("a commitment to a next checkpoint with one weight changed", async () => {
			const { first, second } = instance.trace.next;
			const next = { first, second: second.map((value, at) => (at === 8 ? value + 1n : value)) };
			const nextCheckpoint = commit(next, STEP + 1n);
			await refused({ ...instance.inputs, nextCheckpoint }, "nextCheckpoint ===");
		});

		test.each([STEP, STEP + 2n])("a next checkpoint of step %s", async (step) => {
			const nextCheckpoint = commit(instance.trace.next, step);
			await refused({ ...instance.inputs, nextCheckpoint }, "nextCheckpoint ===");
		});

		test("a next checkpoint under another manifest", async () => {
			const nextCheckpoint = commit(instance.trace.next, STEP + 1n, MANIFEST + 1n);
			await refused({ ...instance.inputs, nextCheckpoint }, "nextCheckpoint ===");
		});

		test.each([1500n, 3001n, 6000n])("another learning rate: %s instead of 3000", async (rate) => {
			const inputs = forge({ rate });
			expect(inputs.nextCheckpoint).not.toBe(instance.inputs.nextCheckpoint);
			await refused(inputs, "rate * firstGradient[l][n]");
		});

		test("another loss", async () => {
			await refused(moved(instance.inputs, "loss", { 0: -1n }), "loss ===");
		});
	});

	describe("every committed limb", () => {
		test.each(LOOKED.filter((name) => name !== "x" && name !== "activationRemainder"))(
			"of %s stays what it was before the challenge",
			async (name) => {
				// 256 from one limb to the next leaves the value as it is: only the lookup sees it.
				await refusedByLookup(counted256(moved(instance.inputs, name, { 0: 256n, 1: -1n })));
			},
		);
	});

	test("costs what its header says", async () => {
		const { counts } = await compileCircuit(trainingStepCircuit({ ...PARAMETERS, n: 8, d: 16, h: 8, k: 3, levels: 10 }));
		const header = await readFile(fileURLToPath(new URL("../../circuits/statements/training-step.circom", import.meta.url)), "utf8");
		expect(header).toContain(`${counts.nonLinear.toLocaleString("en")} non-linear, 966 of them`);
	});

	describe("a proof", () => {
		const pool = new ProverPool({ workers: 1 });
		afterAll(() => pool.close());

		test("is accepted with its publics and no other, and none is made of a lie that fits another challenge", async () => {
			const circuit = await compileCircuit(instance.circuit);
			const key = await setupDevelopment(circuit);
			const { publics } = instance;
			const { proof, challenge } = await pool.prove({ circuit, key, inputs: instance.inputs, context: CONTEXT, words: [], publics });
			verifyProof(key.verification, { context: CONTEXT, publics, words: [], proof });
			publics.forEach((_, at) => {
				const other = publics.map((value, i) => (i === at ? value + 1n : value));
				expect(
					() => verifyProof(key.verification, { context: CONTEXT, publics: other, words: [], proof }),
					instance.circuit.publics[at],
				).toThrow(expect.objectContaining({ code: "proof.equation" }));
			});

			const lie = paid(forge({ active: [1, 1n] }), challenge);
			expect(system.broken(await system.witness(under(lie, challenge)))).toEqual([]);
			await expect(pool.prove({ circuit, key, inputs: lie, context: CONTEXT, words: [] })).rejects.toMatchObject({
				code: "witness.unsatisfied",
				message: expect.stringContaining("RangeLookup"),
			});
		});
	});
});

describe("other shapes", () => {
	const LARGEST = 2n ** 31n - 1n;
	const shape: TrainingStepParameters = { n: 2, d: 2, h: 1, k: 2, levels: 9, fractionBits: 24, rate: 4096 };
	test.each<[string, Perceptron]>([
		["weights of 0", { first: [0n, 0n], second: [0n, 0n, 0n, 0n] }],
		["the largest weights of the first layer", { first: [LARGEST, LARGEST], second: [0n, 0n, 0n, 0n] }],
		["the smallest weights of the first layer", { first: [-LARGEST - 1n, -LARGEST - 1n], second: [0n, 0n, 0n, 0n] }],
		["an error next to the largest", { first: [0n, 0n], second: [0n, 0n, 2n ** 30n, -(2n ** 30n)] }],
	])("24 fraction bits, 9 levels, an empty place and features of 255: %s", async (_, weights) => {
		const batch = { rows: { x: Uint8Array.of(255, 255), label: Uint8Array.of(1), weight: Uint8Array.of(1), count: 1 }, salt: 6n };
		// One batch alone fills every place of its tree.
		const alone = new BatchTree([commitBatch(shape, batch)], shape.levels);
		const step = trainingStepInstance(shape, { network: weights, step: 0n, manifestDigest: 1n }, 2n, alone, batch);
		const system = await Constraints.of(step.circuit);
		expect(system.broken(await system.witness(withChallenge(step, CHALLENGE)))).toEqual([]);
		expect(system.compiled.warnings).toEqual([]);
		const lie = { ...step, inputs: { ...step.inputs, nextCheckpoint: (step.inputs.nextCheckpoint as bigint) + 1n } };
		await expect(system.witness(withChallenge(lie, CHALLENGE))).rejects.toMatchObject({ code: "witness.unsatisfied" });
	});
});

describe("gadgets", () => {
	/** A main circuit around a gadget whose bytes are looked up. */
	function around(name: string, file: string, inputs: readonly string[], body: string): Circuit {
		const lines = [
			"pragma circom 2.1.6;",
			`include "gadgets/${file}.circom";`,
			"template Main() {",
			"signal input challenge; signal input blind; signal hidden <== blind * challenge;",
			...inputs.map((input) => `signal input ${input};`),
			body,
			"}",
			"component main {public [challenge]} = Main();",
		];
		return { statement: "gadget", id: `gadget-${name}`, source: lines.join("\n"), publics: [], links: [], hasWords: false };
	}

	describe("CanonicalBytes", () => {
		const body =
			"component g = CanonicalBytes(); g.byte <== byte; g.gap <== gap; g.borrow <== borrow; signal square <== g.value * g.value;";
		const circuit = around("canonical", "canonical", ["byte[32]", "gap[32]", "borrow"], body);
		const HALF = 1n << 128n;
		const LAST = FIELD - 1n;

		test.each([0n, 1n, LAST % HALF, (LAST % HALF) + 1n, HALF - 1n, HALF, LAST - HALF, LAST - 1n, LAST, ELEMENT])("%s", async (value) => {
			const system = await Constraints.of(circuit);
			const borrow = value % HALF > LAST % HALF ? 1n : 0n;
			const inputs = { byte: toLimbs(value, 32, 8), gap: toLimbs(LAST - value, 32, 8), borrow, blind: 1n, challenge: 2n };
			const witness = await system.witness(inputs);
			expect(system.broken(witness)).toEqual([]);
			expect(witness[system.wire("main.g.value")]).toBe(value);
			// The other borrow needs a gap that is no byte.
			await expect(system.witness({ ...inputs, borrow: 1n - borrow })).rejects.toMatchObject({ code: "witness.unsatisfied" });
			// No gap of bytes makes the alias canonical: what is lacking is negative.
			const alias = value + FIELD;
			for (const gap of [0n, LAST - value, LAST - alias + (1n << 256n)]) {
				for (const bit of [0n, 1n]) {
					await expect(
						system.witness({ ...inputs, byte: toLimbs(alias, 32, 8), gap: toLimbs(gap, 32, 8), borrow: bit }),
					).rejects.toMatchObject({ code: "witness.unsatisfied", message: expect.stringContaining("CanonicalBytes") });
				}
			}
		});
	});

	describe("RoundedEvaluation", () => {
		const body =
			"component g = RoundedEvaluation(2, 2, [1, -3], 5, 2); g.part <== part; g.remainder <== remainder; g.challenge <== challenge;";
		const circuit = around("rounding", "rounding", ["part[2][2]", "remainder[2][2]"], body);

		test.each([
			["small", [9n, 1n, 4n, 2n], [1n, 2n, 3n, 4n]],
			["extreme", [FIELD - 1n, FIELD - 1n, 0n, FIELD - 2n], [255n, 255n, 0n, FIELD - 1n]],
		])("is the evaluation of the numerators: %s", async (_, part, remainder) => {
			const system = await Constraints.of(circuit);
			const witness = await system.witness({ part, remainder, blind: 1n, challenge: CHALLENGE });
			expect(system.broken(witness)).toEqual([]);
			const numerator = (j: number) =>
				65536n * (5n + (part[2 * j] as bigint) - 3n * (part[2 * j + 1] as bigint)) +
				(remainder[2 * j] as bigint) +
				256n * (remainder[2 * j + 1] as bigint) -
				32768n;
			expect(witness[system.wire("main.g.out")]).toBe(reduce(numerator(0) * CHALLENGE + numerator(1) * CHALLENGE ** 2n));
		});
	});

	describe("Relu", () => {
		const circuit = around("relu", "relu", ["active", "limb[3]"], "component g = Relu(3); g.active <== active; g.limb <== limb;");

		test("every value in (-2^24, 2^24] has one sign and magnitude", async () => {
			const system = await Constraints.of(circuit);
			const limit = 1n << 24n;
			for (const value of [1n - limit, -256n, -1n, 0n, 1n, 2n, 256n, 257n, limit]) {
				const active = value > 0n ? 1n : 0n;
				const magnitude = value > 0n ? value - 1n : -value;
				const witness = await system.witness({ active, limb: toLimbs(magnitude, 3, 8), blind: 1n, challenge: 2n });
				expect(system.broken(witness)).toEqual([]);
				const excess = witness[system.wire("main.g.excess")] as bigint;
				expect(active + 2n * excess - magnitude).toBe(value);
				expect(active + excess).toBe(value > 0n ? value : 0n);
				// The other sign would need a magnitude below 0.
				expect(active === 1n ? -value : value - 1n).toBeLessThan(0n);
			}
		});
	});
});
