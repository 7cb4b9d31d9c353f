/** The textbook circuits of the bench are the same statements: they take the values of our instances, with the same commitments, and refuse others. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Counts, compileTextbook, textbookAttribution, textbookOf } from "../bench/textbook.ts";
import type { CircuitInputs, Instance } from "../circuits/circuit.ts";
import { reduce } from "../circuits/field.ts";
import { LIMB_BITS } from "../circuits/page.ts";
import { VALUE_BITS } from "../circuits/path.ts";
import { sponge } from "../circuits/sponge.ts";
import { payoutPlaces } from "../circuits/statements/payout.ts";
import { sampleEpoch } from "../cli/attack/samples.ts";
import type { CompiledCircuit } from "../prover/compile.ts";
import { WitnessProgram } from "../prover/witness.ts";

const TAG_LIST = BigInt(`0x${Buffer.from("openledger.list", "ascii").toString("hex")}`);
const epoch = sampleEpoch(11n);
const { statements } = epoch;

/** An input of an instance, as a list. */
function list(instance: Instance, name: string): readonly bigint[] {
	return [instance.inputs[name] as bigint | readonly bigint[]].flat() as bigint[];
}

/** The values whose limbs an input of an instance holds, `count` limbs each. */
function composed(instance: Instance, name: string, count: number): bigint[] {
	const limbs = list(instance, name);
	return Array.from({ length: limbs.length / count }, (_, i) =>
		limbs.slice(count * i, count * (i + 1)).reduceRight((value, limb) => (value << BigInt(LIMB_BITS)) + limb, 0n),
	);
}

const head = (instance: Instance, name: string): bigint[] =>
	composed(instance, name, VALUE_BITS / LIMB_BITS).map((value) => reduce(value - (1n << BigInt(VALUE_BITS - 1))));

const rowInputs = (instance: Instance, k: number): CircuitInputs => ({
	salt: list(instance, "salt"),
	x: list(instance, "x"),
	weight: list(instance, "weight"),
	onehot: list(instance, "label").flatMap((label) => Array.from({ length: k }, (_, c) => (BigInt(c) === label ? 1n : 0n))),
});

const pageInputs = (instance: Instance, statBits: number): CircuitInputs => ({
	rowCount: list(instance, "rowCount"),
	active: list(instance, "active"),
	entry: composed(instance, "statLimb", Math.ceil(statBits / LIMB_BITS)),
});

const contribution = epoch.contributions[0] as Instance;
const total = epoch.total[1] as Instance;
const score = epoch.score[1] as Instance;
const { optimum, attribution, payout } = epoch;

type Change = readonly [input: string, index: number, delta: bigint];

interface Case {
	readonly instance: Instance;
	/** The private inputs of the textbook circuit. */
	readonly inputs: CircuitInputs;
	/** Words that fit. */
	readonly places: number;
	/** Signals that the statement leaves open up to a rounding, with a value far enough away: only what follows from them is unique. */
	readonly rounded?: Readonly<Record<string, bigint>>;
	/** A lie, the values that it alters (those that must follow it too), and the template whose constraint refuses it. */
	readonly refused: readonly (readonly [what: string, changes: readonly Change[], where: string])[];
}

const cases: Record<string, Case> = {
	contribution: {
		instance: contribution,
		inputs: rowInputs(contribution, statements.contribution.k),
		places: 0,
		refused: [
			["a feature of more than 8 bits", [["x", 0, 256n]], "Num2Bits"],
			["a row of two classes", [["onehot", list(contribution, "label")[0] === 0n ? 1 : 0, 1n]], "Contribution"],
			["a weight of two", [["weight", 0, 1n]], "Num2Bits"],
		],
	},
	total: {
		instance: total,
		inputs: pageInputs(total, statements.total.statBits),
		places: statements.total.places,
		refused: [["an entry of more than 24 bits", [["entry", 0, 1n << 24n]], "Num2Bits"]],
	},
	score: {
		instance: score,
		inputs: { ...pageInputs(score, statements.score.statBits), m: list(score, "m"), n: list(score, "n") },
		places: statements.score.places,
		refused: [["an entry of more than 24 bits", [["entry", 0, 1n << 24n]], "Num2Bits"]],
	},
	optimum: {
		instance: optimum,
		inputs: { total: list(optimum, "total"), value: head(optimum, "valueLimb") },
		places: 0,
		refused: [
			["a head that is not the optimum", [["value", 0, 1n << 20n]], "Num2Bits"],
			["a head of more than 36 bits", [["value", 0, 1n << 36n]], "Num2Bits"],
		],
	},
	attribution: {
		instance: attribution,
		inputs: {
			total: list(attribution, "total"),
			query: list(attribution, "query"),
			quotient: composed(attribution, "scaleLimb", 4).slice(0, 1),
			value: head(attribution, "valueLimb"),
			influence: head(attribution, "influenceLimb"),
		},
		places: 0,
		rounded: { queryRows: 2n * (attribution.publics[1] as bigint) },
		refused: [
			["a scale that is no floor", [["quotient", 0, -1n]], "Num2Bits"],
			["a head that is not the node's", [["value", 0, 1n << 20n]], "Num2Bits"],
			["an influence that is not the node's", [["influence", 0, 1n << 20n]], "Num2Bits"],
		],
	},
	payout: {
		instance: payout,
		inputs: {
			active: list(payout, "active"),
			negative: list(payout, "negative"),
			size: composed(payout, "sizeLimb", 12).map((size, i) => size + (list(payout, "negative")[i] as bigint)),
			amount: composed(payout, "amountLimb", 8),
		},
		places: payoutPlaces(statements.payout),
		rounded: { positive: 2n * (payout.publics[4] as bigint) },
		refused: [
			["an amount that is too large", [["amount", 0, 1n]], "Num2Bits"],
			[
				"an amount that is too small",
				[
					["amount", 0, -1n],
					["words", 0, -1n],
					["paid", 0, list(payout, "negative")[0] === 1n ? 0n : -1n],
				],
				"Payout",
			],
		],
	},
};

describe.each(Object.entries(cases))("%s", (name, { instance, inputs, places, rounded, refused }) => {
	const textbook = textbookOf(instance.circuit);
	let folder: string;
	let counts: Counts;
	let program: WitnessProgram;

	beforeAll(async () => {
		folder = await mkdtemp(join(tmpdir(), "openledger-textbook-"));
		counts = await compileTextbook(textbook, folder, { witness: true });
		const compiled = { circuit: { ...instance.circuit, id: textbook.id }, wasm: join(folder, "main_js", "main.wasm") };
		program = await WitnessProgram.load(compiled as CompiledCircuit);
	});

	afterAll(() => rm(folder, { recursive: true, force: true }));

	/** All inputs: ours are the public ones, and the lists of the links and the words. */
	const publics: Record<string, bigint[]> = {
		...Object.fromEntries(instance.circuit.publics.map((signal, i) => [signal, [instance.publics[i] as bigint]])),
		...Object.fromEntries(
			textbook.links.map((signal, i) => {
				const entries = instance.links[i] as readonly bigint[];
				return [signal, [sponge(TAG_LIST, [BigInt(entries.length), ...entries])]];
			}),
		),
		...(places > 0 ? { words: Array.from({ length: places }, (_, i) => instance.words[i] ?? 0n) } : {}),
	};
	const honest = { ...publics, ...(inputs as Record<string, bigint[]>) };
	const calculate = (values: Record<string, bigint[]>) => program.calculate(new Map(Object.entries(values)));
	const altered = (changes: readonly Change[]) => {
		const values = Object.fromEntries(Object.entries(honest).map(([input, entries]) => [input, [...entries]]));
		for (const [input, index, delta] of changes) {
			const entries = values[input] as bigint[];
			entries[index] = reduce((entries[index] as bigint) + delta);
		}
		return values;
	};

	test("takes the values and commitments of our instance", async () => {
		expect(Object.keys(publics)).toEqual(textbook.publics);
		expect((await calculate(honest)).length).toBeGreaterThan(0);
	});

	test.each(refused)("refuses %s", async (_, changes, where) => {
		await expect(calculate(altered(changes))).rejects.toMatchObject({
			code: "witness.unsatisfied",
			message: expect.stringMatching(new RegExp(`Error in template ${where}_\\d+`)),
		});
	});

	test("refuses any other value of any signal, one at a time", async () => {
		for (const [input, value] of Object.entries(honest)) {
			for (const index of new Set([0, Math.floor(value.length / 2), value.length - 1])) {
				const delta = (rounded?.[input] ?? (value[index] as bigint) + 1n) - (value[index] as bigint);
				await expect(calculate(altered([[input, index, delta]])), `${name}: ${input}[${index}]`).rejects.toMatchObject({
					code: "witness.unsatisfied",
				});
			}
		}
	});

	if (name === "attribution") {
		test("costs what the formula says", () => {
			expect(counts.nonLinear).toBe(textbookAttribution(statements.attribution));
		});
	}
});
