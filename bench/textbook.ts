/**
 * Our statements beside their textbook versions (bench/textbook): bits for every range check, a product for every entry of a matrix product,
 * the same hashes, no challenge. Both are compiled with the same compiler and flags, and their constraints counted.
 *
 * Non-linear constraints are the figure to compare. Of all constraints, circomlib leaves about 1,500 linear ones a block of the hash, which -O2 would remove.
 * What both sides of a link name is a hashed list in the textbook: an honest cost of proofs without a common challenge, but told apart in the notes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Circuit } from "../circuits/circuit.ts";
import { type AttributionParameters, attributionCircuit, widths } from "../circuits/statements/attribution.ts";
import { contributionCircuit } from "../circuits/statements/contribution.ts";
import { optimumCircuit } from "../circuits/statements/optimum.ts";
import { payoutCircuit } from "../circuits/statements/payout.ts";
import { scoreCircuit } from "../circuits/statements/score.ts";
import { totalCircuit } from "../circuits/statements/total.ts";
import { entryCount } from "../circuits/statistics.ts";
import { compileCircuit } from "../prover/compile.ts";
import { type Case, measure, root } from "./bench.ts";

/** The textbook version of a circuit: the same template with the same arguments, other public signals. */
export interface Textbook {
	readonly id: string;
	/** Text of the main file. */
	readonly source: string;
	/** Public signals in order; those of `links` are commitments to the lists of the circuit's links, `words` is the list itself. */
	readonly publics: readonly string[];
	readonly links: readonly string[];
}

/** Non-linear constraints, and all of them. */
export interface Counts {
	readonly nonLinear: number;
	readonly all: number;
}

/** What takes the place of evaluations at the challenge: `totalAt` becomes `totalCommit`, `evaluation` the words themselves. */
export function textbookOf(circuit: Circuit): Textbook {
	const template = circuit.source.slice(circuit.source.lastIndexOf("} = ") + 4);
	const links = circuit.links.map((name) => name.replace(/At$/, "Commit"));
	const publics = [...circuit.publics, ...links, ...(circuit.hasWords ? ["words"] : [])];
	const source = [
		"pragma circom 2.1.6;",
		`include "${circuit.statement}.circom";`,
		`component main {public [${publics.join(", ")}]} = ${template}`,
	].join("\n");
	return { id: `textbook-${circuit.id}`, source, publics, links };
}

/**
 * Compiles a textbook circuit in `folder`, which prover/compile.ts would refuse: it has no challenge and no blinding value.
 * @param witness whether to write main_js/main.wasm, which calculates witnesses
 * @throws Error with circom's words
 */
export async function compileTextbook({ id, source }: Textbook, folder: string, { witness }: { witness: boolean }): Promise<Counts> {
	const packages = dirname(dirname(createRequire(import.meta.url).resolve("circom2/package.json")));
	const libraries = [join(root, "bench", "textbook"), join(root, "circuits"), packages];
	const main = join(folder, "main.circom");
	await writeFile(main, source);
	const flags = ["--r1cs", ...(witness ? ["--wasm"] : []), "--O1", ...libraries.flatMap((library) => ["-l", library]), "-o", folder];
	const circom = ["--disable-warning=ExperimentalWarning", join(root, "prover", "circom.ts")];
	const { code, stdout } = await measure(process.execPath, [...circom, ...flags, main]);
	const count = (label: string) => Number(new RegExp(`^${label}: (\\d+)`, "m").exec(stdout)?.[1] ?? Number.NaN);
	const [nonLinear, linear] = [count("non-linear constraints"), count("linear constraints")];
	if (code !== 0 || Number.isNaN(nonLinear + linear)) {
		throw new Error(`compileTextbook: expected circom to accept ${id}, got exit code ${code}\n${stdout.trim()}`);
	}
	return { nonLinear, all: nonLinear + linear };
}

/**
 * Non-linear constraints of the textbook's commitment to a list that spans all entries. circomlib spends 612 on a block; our own permutation
 * three less, since the constant that enters the first S-box is folded.
 */
function textbookList({ d, k }: { readonly d: number; readonly k: number }): number {
	return 612 * Math.ceil((1 + entryCount(d, k)) / 15);
}

/** Non-linear constraints of the textbook `attribution`, term by term. */
export function textbookAttribution(parameters: AttributionParameters): number {
	const { d, k, nodes } = parameters;
	const { residual, influenceResidual } = widths(parameters);
	const products = 4 * d * d * k;
	const bits = d * k * (2 * 36 + residual + influenceResidual);
	const gradient = d * k;
	// The scale t: a product, three decompositions of 48 bits, and whether the quotient is zero.
	const scale = 1 + 3 * 48 + 2;
	return nodes * (products + bits + gradient) + 3 * textbookList(parameters) + scale;
}

interface Pair {
	readonly ours: Counts;
	readonly textbook: Counts;
}

async function compileBoth(circuit: Circuit): Promise<Pair> {
	const { counts } = await compileCircuit(circuit);
	const folder = await mkdtemp(join(tmpdir(), "openledger-textbook-"));
	try {
		const textbook = await compileTextbook(textbookOf(circuit), folder, { witness: false });
		return { ours: { nonLinear: counts.nonLinear, all: counts.nonLinear + counts.linear }, textbook };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

const UNITS = { nonLinear: "non-linear constraints", all: "constraints" } as const;

/**
 * One case a unit.
 * @param asked whether fewer than the textbook are asked: not of the fixed part of a statement, which many units share
 * @param lists non-linear constraints of the textbook's commitments to linked lists
 */
function casesOf(name: string, size: string, { ours, textbook }: Pair, { asked, lists }: { asked: boolean; lists: number }): Case[] {
	return (["nonLinear", "all"] as const).map((key) => ({
		name,
		size,
		value: round(ours[key]),
		unit: UNITS[key],
		peer: "textbook",
		peerValue: round(textbook[key]),
		ratio: round(textbook[key] / ours[key]),
		bar: asked ? "fewer than the textbook" : "none",
		holds: !asked || ours[key] < textbook[key],
		runs: [ours[key]],
		note: noteOf(ours[key], textbook[key], key === "nonLinear" ? lists : 0),
	}));
}

function noteOf(ours: number, textbook: number, lists: number): string {
	const part = lists > 0 ? `, ${round((textbook - lists) / ours)} times without the ${lists} of linked lists` : "";
	return `textbook ${round(textbook)}, ${round(textbook / ours)} times as many${part}`;
}

/** Slope and intercept through two sizes. */
async function affine(
	unit: string,
	size: string,
	[few, many]: readonly [number, number],
	circuit: (count: number) => Circuit,
	lists = 0,
): Promise<Case[]> {
	const less = await compileBoth(circuit(few));
	const more = await compileBoth(circuit(many));
	const slopeOf = (low: number, high: number) => (high - low) / (many - few);
	const slope = (kind: keyof Pair): Counts => ({
		nonLinear: slopeOf(less[kind].nonLinear, more[kind].nonLinear),
		all: slopeOf(less[kind].all, more[kind].all),
	});
	const fixed = (kind: keyof Pair): Counts => ({
		nonLinear: less[kind].nonLinear - few * slope(kind).nonLinear,
		all: less[kind].all - few * slope(kind).all,
	});
	const { statement } = circuit(few);
	const between = `${size}; from ${few} and ${many}`;
	return [
		...casesOf(`${statement}, ${unit}`, between, { ours: slope("ours"), textbook: slope("textbook") }, { asked: true, lists: 0 }),
		...casesOf(`${statement}, fixed part`, between, { ours: fixed("ours"), textbook: fixed("textbook") }, { asked: false, lists }),
	];
}

async function whole(size: string, circuit: Circuit, lists: number): Promise<Case[]> {
	return casesOf(`${circuit.statement}, whole`, size, await compileBoth(circuit), { asked: true, lists });
}

/** `attribution` at a size where the textbook does not compile within five minutes: counted by the formula that the smaller sizes confirm. */
async function byFormula(
	size: string,
	parameters: AttributionParameters,
	confirmed: readonly (readonly [AttributionParameters, Case])[],
): Promise<Case> {
	const { counts } = await compileCircuit(attributionCircuit(parameters));
	const textbook = textbookAttribution(parameters);
	return {
		name: "attribution, whole",
		size,
		value: counts.nonLinear,
		unit: UNITS.nonLinear,
		peer: "textbook, by formula",
		peerValue: textbook,
		ratio: round(textbook / counts.nonLinear),
		bar: "fewer than the textbook",
		holds: counts.nonLinear < textbook && confirmed.every(([smaller, { peerValue }]) => textbookAttribution(smaller) === peerValue),
		runs: [counts.nonLinear],
		note: `${noteOf(counts.nonLinear, textbook, 3 * textbookList(parameters))}; by the formula that gives the counts of the compiled sizes`,
	};
}

export async function run(): Promise<Case[]> {
	const wine = { d: 16, k: 3 };
	const digits = { d: 64, k: 10 };
	const sizeOf = ({ d, k }: typeof wine) => `d = ${d}, k = ${k}`;
	const total = (shape: typeof wine) => (places: number) => totalCircuit({ places, ...shape, statBits: 24 });
	const score = (shape: typeof wine) => (places: number) => scoreCircuit({ places, ...shape, statBits: 24 });
	const cases: Case[] = [
		// 6 and 34 rows, 13 and 28 places fill their blocks of the hash.
		...(await affine("a row", sizeOf(digits), [6, 34], (n) => contributionCircuit({ n, ...digits, weightBits: 1 }))),
		...(await affine("a contribution", sizeOf(wine), [13, 28], total(wine), textbookList(wine))),
		...(await affine("a contribution", sizeOf(wine), [13, 28], score(wine), 2 * textbookList(wine))),
		...(await affine("a contribution", sizeOf(digits), [1, 2], score(digits), 2 * textbookList(digits))),
		...(await affine("a contributor", "one page", [13, 28], (places) => payoutCircuit({ pages: 1, places }))),
		...(await whole(sizeOf(wine), optimumCircuit({ ...wine, maxRows: 480, lambda: 65n }), textbookList(wine))),
		...(await whole(sizeOf(digits), optimumCircuit({ ...digits, maxRows: 1376, lambda: 65n }), textbookList(digits))),
	];
	const compiled: (readonly [AttributionParameters, Case])[] = [];
	for (const nodes of [2, 12]) {
		const parameters = { ...wine, nodes, maxRows: 480, lambda: 65n };
		const both = await whole(`${sizeOf(wine)}, ${nodes} nodes`, attributionCircuit(parameters), 3 * textbookList(wine));
		compiled.push([parameters, both[0] as Case]);
		cases.push(...both);
	}
	cases.push(await byFormula(`${sizeOf(digits)}, 12 nodes`, { ...digits, nodes: 12, maxRows: 1376, lambda: 65n }, compiled));
	return cases;
}

/** To a tenth: slopes over blocks of a hash are no integers. */
function round(value: number): number {
	return Math.round(10 * value) / 10;
}
