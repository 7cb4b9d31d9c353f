/**
 * What gadgets rely on and do not constrain: every ASSUMED and MUST of a circuit header.
 *
 * Each has two sides. On the bare gadget a forgery that breaks the assumption is accepted, which shows that the assumption is needed and the header tells the truth;
 * and every statement that uses the gadget keeps it, which is looked up in the statement's constraints.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CircuitInputs } from "../../circuits/circuit.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { toLimbs } from "../../circuits/limbs.ts";
import { Constraints } from "../../prover/forgery/constraints.ts";
import { invert } from "../../prover/forgery/elimination.ts";
import { type Frame, frame } from "../../prover/forgery/frame.ts";
import { lookedUp, lookupsOf, widthsOf } from "../../prover/forgery/ranges.ts";
import type { AttackReport } from "../../prover/forgery/target.ts";
import { type Assumption, parseTemplates, readTemplates, sourceLibraries } from "../../prover/forgery/templates.ts";
import { targetOf } from "./targets.ts";

/** A target that keeps an assumption: all values of these signals of its main template are private inputs, hence committed, looked up in a table, or boolean. */
interface Kept {
	readonly target: string;
	readonly signals: readonly string[];
	readonly by: "commitment" | "lookup" | "boolean";
}

interface Broken {
	readonly template: string;
	/** The signals as the header lists them. */
	readonly signals: string;
	/** What the bare gadget is made to accept. */
	readonly claim: string;
	/** Runs the forgery. @returns whether the gadget accepts the false claim */
	readonly accepted: () => Promise<boolean>;
	readonly kept: readonly Kept[];
}

const CHALLENGE = 0x1357_9bdf_0246_8acen ** 4n % FIELD;

/** All wires of a bare gadget; throws when it refuses the inputs. */
async function solve(parts: Frame, inputs: CircuitInputs): Promise<(symbol: string) => bigint> {
	const system = await Constraints.of(frame(parts));
	const witness = await system.witness({ blind: 3n, challenge: CHALLENGE, ...inputs });
	if (system.broken(witness).length > 0) {
		throw new Error(`${parts.name}: circom's witness program accepts what the constraints do not`);
	}
	return (symbol) => witness[system.wire(symbol)] as bigint;
}

const inverseAt = (value: bigint): bigint => invert(CHALLENGE - value);
const LOOKUP: Frame = {
	name: "lookup-2",
	includes: ["lookup"],
	inputs: ["in[2]", "multiplicity[16]"],
	body: "component r = RangeLookup(2, 4); r.in <== in; r.multiplicity <== multiplicity; r.challenge <== challenge;",
};
const DIVISION: Frame = {
	name: "division-bare",
	includes: ["division"],
	inputs: ["numerator", "divisor", "quotient", "remainder"],
	body: [
		"component d = FloorDivision(); d.numerator <== numerator; d.divisor <== divisor; d.quotient <== quotient; d.remainder <== remainder;",
		"signal gap; gap <== d.gap * d.gap;",
	].join("\n"),
};
const COMMIT: Frame = {
	name: "statistics-bare",
	includes: ["statistics"],
	inputs: ["limb[7][3]", "rows", "out"],
	body: "component s = StatisticsCommit(2, 2, 24, 8); s.limb <== limb; s.rows <== rows; signal difference; difference <== s.out * out;",
};
const MODEL: Frame = {
	name: "model-bare",
	includes: ["model"],
	inputs: ["limb[2][2][3]", "manifestDigest", "out"],
	body: "component m = ModelCommit(2, 2, 40); m.limb <== limb; m.manifestDigest <== manifestDigest; signal difference; difference <== m.out * out;",
};
const LIST: Frame = {
	name: "list-bare",
	includes: ["projection"],
	inputs: ["in[2]"],
	body: "component e = Evaluation(2); e.in <== in; e.challenge <== challenge; signal square; square <== e.out * e.out;",
};

const CANONICAL: Frame = {
	name: "canonical-bare",
	includes: ["canonical"],
	inputs: ["byte[32]", "gap[32]", "borrow"],
	body: "component c = CanonicalBytes(); c.byte <== byte; c.gap <== gap; c.borrow <== borrow; signal square; square <== c.value * c.value;",
};
const MERKLE: Frame = {
	name: "merkle-bare",
	includes: ["merkle"],
	inputs: ["leaf", "sibling[1]", "bit[1]"],
	body: "component m = MerkleRoot(1); m.leaf <== leaf; m.sibling <== sibling; m.bit <== bit; signal square; square <== m.root * m.root;",
};
const RELU: Frame = {
	name: "relu-bare",
	includes: ["relu"],
	inputs: ["active", "limb[1]"],
	body: "component u = Relu(1); u.active <== active; u.limb <== limb; signal square; square <== u.excess * u.excess;",
};
const PRODUCT: Frame = {
	name: "product-bare",
	includes: ["permutation"],
	inputs: ["part[2][1]"],
	body: "component g = GrandProduct(2, 1, [1], [0, 0]); g.part <== part; g.point <== challenge; signal square; square <== g.out * g.out;",
};
const AFFINE: Frame = {
	name: "affine-bare",
	includes: ["rounding"],
	inputs: ["part[2][1]"],
	body: "component e = AffineEvaluation(2, 1, [1], 0); e.part <== part; e.challenge <== challenge; signal square; square <== e.out * e.out;",
};
const ROUNDED: Frame = {
	name: "rounded-bare",
	includes: ["rounding"],
	inputs: ["part[1][1]", "remainder[1][1]"],
	body: [
		"component e = RoundedEvaluation(1, 1, [1], 0, 1); e.part <== part; e.remainder <== remainder; e.challenge <== challenge;",
		"signal square; square <== e.out * e.out;",
	].join("\n"),
};
const SORTED: Frame = {
	name: "sorted-bare",
	includes: ["sortedness"],
	inputs: ["limb[2][1]"],
	body: "component s = StrictlyIncreasing(2, 1); s.limb <== limb; signal product; product <== s.key[0] * s.key[1];",
};
const PAGE: Frame = {
	name: "page-bare",
	includes: ["statistics"],
	inputs: ["limb[1][7][2]", "rowCount[1]", "active[1]", "multiplicity[4096]"],
	body: [
		"component p = StatisticsPage(1, 2, 2, 24, 0); p.limb <== limb; p.rowCount <== rowCount; p.active <== active;",
		"p.multiplicity <== multiplicity; p.challenge <== challenge; signal square; square <== p.totalAt * p.evaluation; signal both; both <== p.rows * p.count;",
	].join("\n"),
};

/** Whether two different lists give one output. */
async function collide(parts: Frame, output: string, inputs: CircuitInputs, other: CircuitInputs): Promise<boolean> {
	const [one, two] = [await solve(parts, inputs), await solve(parts, other)];
	return one(output) === two(output);
}

/** `limbs` with the carry of one value taken out of the next: the packed sum stays. */
function carried(limbs: readonly bigint[], top: number, weight: bigint): bigint[] {
	return limbs.map((limb, i) => (i === top ? limb + weight : i === top + 1 ? limb - 1n : limb));
}

const BROKEN: readonly Broken[] = [
	{
		template: "RangeLookup",
		signals: "in",
		claim: "1000 lies in [0, 16): a second value was chosen after the challenge",
		accepted: async () => {
			const second = reduce(CHALLENGE - invert(inverseAt(7n) + inverseAt(9n) - inverseAt(1000n)));
			const multiplicity = Array.from({ length: 16 }, (_, j) => (j === 7 || j === 9 ? 1n : 0n));
			const wires = await solve(LOOKUP, { in: [1000n, second], multiplicity });
			return wires("main.in[0]") === 1000n;
		},
		kept: [
			{ target: "contribution", signals: ["x", "label", "statLimb"], by: "commitment" },
			{ target: "evaluation", signals: ["rowLimb", "statLimb", "oldLimb", "newLimb", "deltaLimb", "slackLimb"], by: "commitment" },
		],
	},
	{
		template: "RangeLookup",
		signals: "multiplicity",
		claim: "1000 lies in [0, 16): a multiplicity was chosen after the challenge",
		accepted: async () => {
			const multiplicity = new Array<bigint>(16).fill(0n).with(0, reduce(CHALLENGE * (inverseAt(1000n) + inverseAt(7n))));
			const wires = await solve(LOOKUP, { in: [1000n, 7n], multiplicity });
			return wires("main.in[0]") === 1000n;
		},
		kept: [
			{ target: "contribution", signals: ["multiplicity"], by: "commitment" },
			{ target: "evaluation", signals: ["multiplicity"], by: "commitment" },
		],
	},
	{
		template: "Evaluation",
		signals: "in",
		claim: "(11 + z, 12) is the list (11, 13): it was chosen after the challenge z",
		accepted: () => collide(LIST, "main.e.out", { in: [11n, 13n] }, { in: [11n + CHALLENGE, 12n] }),
		kept: [{ target: "list", signals: ["in"], by: "commitment" }],
	},
	{
		template: "StatisticsCommit",
		signals: "limb",
		claim: "two lists of entries have one commitment: a limb of 9 bits carries into the next entry",
		accepted: () => {
			const limb = Array.from({ length: 21 }, (_, i) => BigInt(i + 1));
			return collide(COMMIT, "main.s.out", { limb, rows: 2n, out: 1n }, { limb: carried(limb, 2, 256n), rows: 2n, out: 1n });
		},
		kept: [
			{ target: "contribution", signals: ["statLimb"], by: "lookup" },
			{ target: "evaluation", signals: ["statLimb"], by: "lookup" },
			{ target: "statistics", signals: ["limb"], by: "lookup" },
		],
	},
	{
		template: "ModelCommit",
		signals: "limb",
		claim: "two heads have one commitment: a limb of 13 bits carries into the next entry",
		accepted: () => {
			const limb = Array.from({ length: 12 }, (_, i) => BigInt(i + 1));
			const rest = { manifestDigest: 5n, out: 1n };
			return collide(MODEL, "main.m.out", { limb, ...rest }, { limb: carried(limb, 2, 4096n), ...rest });
		},
		kept: [{ target: "evaluation", signals: ["oldLimb", "newLimb"], by: "lookup" }],
	},
	{
		template: "FloorDivision",
		signals: "numerator, divisor, quotient, remainder",
		claim: "200 / 7 is a number of 251 bits, with a remainder below 7: quotient times divisor wraps around r",
		accepted: async () => {
			const [quotient, remainder] = [(200n + FIELD) / 7n, (200n + FIELD) % 7n];
			const wires = await solve(DIVISION, { numerator: 200n, divisor: 7n, quotient, remainder });
			return wires("main.quotient") > 1n << 250n && wires("main.remainder") < 7n;
		},
		kept: [{ target: "division", signals: ["quotient", "remainder"], by: "lookup" }],
	},
	{
		template: "FloorDivision",
		signals: "gap",
		claim: "200 / 7 is 27, remainder 11: the gap of -5 has no range",
		accepted: async () => {
			const wires = await solve(DIVISION, { numerator: 200n, divisor: 7n, quotient: 27n, remainder: 11n });
			return wires("main.quotient") === 27n;
		},
		kept: [{ target: "division", signals: ["d.gap"], by: "lookup" }],
	},
	{
		template: "CanonicalBytes",
		signals: "byte, gap",
		claim: "300 has two lists of bytes: one of them holds 300 itself",
		accepted: () => {
			const gap = toLimbs(FIELD - 1n - 300n, 32, 8);
			const byte = toLimbs(300n, 32, 8);
			return collide(
				CANONICAL,
				"main.c.value",
				{ byte, gap, borrow: 0n },
				{ byte: byte.map((_, i) => (i === 0 ? 300n : 0n)), gap, borrow: 0n },
			);
		},
		kept: [{ target: "training-step", signals: ["positionByte", "gapByte"], by: "lookup" }],
	},
	{
		template: "MerkleRoot",
		signals: "bit",
		claim: "any value is a leaf: the bit mixes it with a sibling",
		accepted: () => {
			const [leaf, sibling, other] = [11n, 23n, 1000n];
			const mixed = leaf + sibling - other;
			const bit = reduce((leaf - other) * invert(mixed - other));
			return collide(MERKLE, "main.m.root", { leaf, sibling: [sibling], bit: [0n] }, { leaf: other, sibling: [mixed], bit: [bit] });
		},
		kept: [{ target: "training-step", signals: ["positionBit"], by: "boolean" }],
	},
	{
		template: "Relu",
		signals: "limb",
		claim: "ReLU(-5) = -5: the magnitude is -6",
		accepted: async () => {
			const wires = await solve(RELU, { active: 1n, limb: [-6n] });
			const excess = wires("main.u.excess");
			return reduce(1n + 2n * excess + 6n) === FIELD - 5n && reduce(1n + excess) === FIELD - 5n;
		},
		kept: [{ target: "training-step", signals: ["magnitudeLimb"], by: "lookup" }],
	},
	{
		template: "GrandProduct",
		signals: "part",
		claim: "(5, b) is a permutation of (1, 2): b was chosen after the challenge",
		accepted: () => {
			const other = reduce(CHALLENGE - (CHALLENGE - 1n) * (CHALLENGE - 2n) * inverseAt(5n));
			return collide(PRODUCT, "main.g.out", { part: [1n, 2n] }, { part: [5n, other] });
		},
		kept: [{ target: "knn-shapley", signals: ["measure", "gapLimb", "match", "value"], by: "commitment" }],
	},
	{
		template: "AffineEvaluation",
		signals: "part",
		claim: "(11 + z, 12) is the list (11, 13): it was chosen after the challenge z",
		accepted: () => collide(AFFINE, "main.e.out", { part: [11n, 13n] }, { part: [11n + CHALLENGE, 12n] }),
		kept: [{ target: "training-step", signals: ["firstLimb", "secondLimb", "magnitudeLimb", "errorLimb", "slopeLimb"], by: "commitment" }],
	},
	{
		template: "RoundedEvaluation",
		signals: "part",
		claim: "7 - 1/256 modulo r, a number of 254 bits, is the rounded quotient",
		accepted: () => collide(ROUNDED, "main.e.out", { part: [7n], remainder: [5n] }, { part: [reduce(7n - invert(256n))], remainder: [6n] }),
		kept: [
			{ target: "training-step", signals: ["magnitudeLimb", "errorLimb", "slopeLimb", "nextFirstLimb", "nextSecondLimb"], by: "lookup" },
		],
	},
	{
		template: "RoundedEvaluation",
		signals: "remainder",
		claim: "6 is the rounded quotient where 7 is: the remainder is 261",
		accepted: () => collide(ROUNDED, "main.e.out", { part: [7n], remainder: [5n] }, { part: [6n], remainder: [261n] }),
		kept: [
			{
				target: "training-step",
				signals: ["activationRemainder", "errorRemainder", "slopeRemainder", "firstRemainder", "secondRemainder"],
				by: "lookup",
			},
		],
	},
	{
		template: "StrictlyIncreasing",
		signals: "limb",
		claim: "(3, 3) is strictly increasing: a gap is -1",
		accepted: async () => {
			const wires = await solve(SORTED, { limb: [3n, -1n] });
			return wires("main.product") === 9n;
		},
		kept: [{ target: "knn-shapley", signals: ["gapLimb"], by: "lookup" }],
	},
	{
		template: "StatisticsPage",
		signals: "limb, rowCount, active, multiplicity",
		claim: "5000 is a limb of 12 bits: a multiplicity was chosen after the challenge",
		accepted: async () => {
			const limb = Array.from({ length: 14 }, (_, i) => (i === 0 ? 5000n : BigInt(i)));
			const counts = new Array<bigint>(4096)
				.fill(0n)
				.fill(1n, 1, 14)
				.with(0, reduce(CHALLENGE * inverseAt(5000n)));
			const wires = await solve(PAGE, { limb, rowCount: [1n], active: [1n], multiplicity: counts });
			return wires("main.limb[0][0][0]") === 5000n;
		},
		kept: [{ target: "total", signals: ["statLimb", "rowCount", "active", "multiplicity"], by: "commitment" }],
	},
];

/** Every duty that the headers of the gadgets put on their callers. */
export async function assumptionsOfGadgets(): Promise<Assumption[]> {
	const folder = join(sourceLibraries()[0] as string, "gadgets");
	const files = (await readdir(folder)).filter((name) => name.endsWith(".circom")).sort();
	const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
	return texts.flatMap(parseTemplates).flatMap(({ assumptions }) => assumptions);
}

/** One report for each duty: `open` when no forgery is known for it, when the bare gadget refuses it, or when a statement does not keep it. */
export async function* attackAssumptions(signal?: AbortSignal): AsyncGenerator<AttackReport> {
	for (const { template, signals } of await assumptionsOfGadgets()) {
		signal?.throwIfAborted();
		const target = `${template}: ${signals}`;
		const broken = BROKEN.find((one) => one.template === template && one.signals === signals);
		if (broken === undefined) {
			yield { attack: "assumed", target, tried: 1, refused: 0, allowed: [], open: ["no forgery shows what breaking it does"], note: "" };
			continue;
		}
		const open: string[] = [];
		if (!(await broken.accepted())) {
			open.push("the bare gadget refuses the forgery: the assumption is not needed, or no longer what is attacked");
		}
		for (const kept of broken.kept) {
			open.push(...(await missing(kept)).map((name) => `${kept.target} does not put ${name} under a ${kept.by}`));
		}
		const tried = broken.kept.length + 1;
		const note = `bare: accepts that ${broken.claim}; kept in ${broken.kept.map(({ target: by }) => by).join(", ")}`;
		yield { attack: "assumed", target, tried, refused: tried - open.length, allowed: [], open, note };
	}
}

/** Signals of a target that are not what they have to be. */
async function missing({ target: name, signals, by }: Kept): Promise<string[]> {
	const { instance } = targetOf(name);
	const system = await Constraints.of(instance.circuit);
	const looked = lookedUp(lookupsOf(system, (await readTemplates(instance.circuit)).get("RangeLookup")));
	const widths = widthsOf(system, []);
	const [from, to] = system.privateInputs;
	const holds = {
		commitment: (wire: number) => wire >= from && wire < to,
		lookup: (wire: number) => looked.has(wire),
		boolean: (wire: number) => widths.get(wire) === 1,
	}[by];
	return signals.filter((signal) => {
		const wires = [...system.symbols].filter(([symbol]) => symbol.replace(/(\[\d+\])+$/, "") === `main.${signal}`).map(([, wire]) => wire);
		return wires.length === 0 || !wires.every(holds);
	});
}
