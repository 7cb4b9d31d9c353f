/** Permutation and sortedness alone: valid and invalid lists, random and extreme, and what each of them assumes of its caller. */
import { describe, expect, test } from "vitest";
import type { Circuit, CircuitInputs } from "../../circuits/circuit.ts";
import { FIELD, reduce } from "../../circuits/field.ts";
import { Multiplicity } from "../../circuits/limbs.ts";
import { below, generator } from "../../compute/random.ts";
import { inverse, power } from "../../prover/bn254.ts";
import { Constraints } from "../../prover/forgery/constraints.ts";

const CHALLENGE = 0x1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdn;
const OTHER = 0x7654321fedcba987654321fedcba987654321fedcba987654321fedcba98765n;
const next = generator(23n);
const random = (): bigint =>
	Array.from({ length: 8 }, () => BigInt(below(next, 2 ** 16))).reduce((sum, word) => (sum << 31n) | word, 0n) % FIELD;

/** A main circuit around gadgets, with the signals that every circuit has. */
function around(name: string, includes: readonly string[], inputs: readonly string[], body: string, templates = ""): Circuit {
	const lines = [
		"pragma circom 2.1.6;",
		...includes.map((file) => `include "gadgets/${file}.circom";`),
		templates,
		"template Main() {",
		"signal input challenge; signal input blind; signal hidden <== blind * challenge;",
		...inputs.map((input) => `signal input ${input};`),
		body,
		"}",
		"component main {public [challenge]} = Main();",
	];
	return { statement: "gadget", id: `gadget-${name}`, source: lines.join("\n"), publics: [], links: [], hasWords: false };
}

async function solve(system: Constraints, inputs: CircuitInputs, challenge = CHALLENGE): Promise<bigint[]> {
	const witness = await system.witness({ blind: 3n, challenge, ...inputs });
	expect(system.broken(witness)).toEqual([]);
	return witness;
}

async function refused(system: Constraints, inputs: CircuitInputs, template: string, challenge = CHALLENGE): Promise<void> {
	await expect(system.witness({ blind: 3n, challenge, ...inputs })).rejects.toMatchObject({
		code: "witness.unsatisfied",
		message: expect.stringContaining(`template ${template}_`),
	});
}

describe("GrandProduct", async () => {
	const N = 5;
	type Pair = readonly [bigint, bigint];

	test("is the product of the shifted sums", async () => {
		const body = "component g = GrandProduct(3, 2, [2, -1], [7, 0, -5]); g.part <== part; g.point <== point;";
		const system = await Constraints.of(around("grand-product", ["permutation"], ["part[3][2]", "point"], body));
		const offset = [7n, 0n, -5n];
		for (const draw of [random, () => 0n, () => FIELD - 1n]) {
			const part = Array.from({ length: 6 }, draw);
			const point = draw();
			const witness = await solve(system, { part, point });
			const expected = offset.reduce(
				(product, shift, i) => reduce(product * (point - shift - 2n * (part[2 * i] as bigint) + (part[2 * i + 1] as bigint))),
				1n,
			);
			expect(witness[system.wire("main.g.out")]).toBe(expected);
		}
	});

	test("costs n - 1 non-linear constraints and a linear one", async () => {
		const counts = async (n: number) => {
			const body = `component g = GrandProduct(${n}, 1, [1], [${new Array(n).fill(0).join(", ")}]); g.part <== part; g.point <== challenge;`;
			const system = await Constraints.of(around(`grand-product-${n}`, ["permutation"], [`part[${n}][1]`], body));
			// One non-linear constraint is the frame's.
			return [system.compiled.counts.nonLinear - 1, system.compiled.counts.linear];
		};
		expect(await counts(4)).toEqual([3, 1]);
		expect(await counts(9)).toEqual([8, 1]);
	});

	// Pairs (a_i, b_i) on both sides: a_i + z b_i at the point z^(2^20).
	const body = [
		"signal far[21]; far[0] <== challenge; for (var e = 1; e <= 20; e++) { far[e] <== far[e - 1] * far[e - 1]; }",
		`component one = GrandProduct(${N}, 2, [1, 1], [0, 0, 0, 0, 0]); one.point <== far[20];`,
		`component two = GrandProduct(${N}, 2, [1, 1], [0, 0, 0, 0, 0]); two.point <== far[20];`,
		`signal oneImage[${N}]; signal twoImage[${N}];`,
		`for (var i = 0; i < ${N}; i++) {`,
		"oneImage[i] <== challenge * oneSecond[i]; one.part[i][0] <== oneFirst[i]; one.part[i][1] <== oneImage[i];",
		"twoImage[i] <== challenge * twoSecond[i]; two.part[i][0] <== twoFirst[i]; two.part[i][1] <== twoImage[i];",
		"}",
		"one.out === two.out;",
	].join("\n");
	const inputs = [`oneFirst[${N}]`, `oneSecond[${N}]`, `twoFirst[${N}]`, `twoSecond[${N}]`];
	const system = await Constraints.of(around("permutation", ["permutation"], inputs, body));
	const lists = (one: readonly Pair[], two: readonly Pair[]): CircuitInputs => ({
		oneFirst: one.map(([first]) => first),
		oneSecond: one.map(([, second]) => second),
		twoFirst: two.map(([first]) => first),
		twoSecond: two.map(([, second]) => second),
	});
	const [a, b, c, d, e] = Array.from({ length: N }, (): Pair => [random(), random()]) as [Pair, Pair, Pair, Pair, Pair];
	const honest = [a, b, c, d, e];

	test.each<[string, readonly Pair[], readonly Pair[]]>([
		["the same list", honest, honest],
		["the list reversed", honest, [e, d, c, b, a]],
		["a cycle", honest, [b, c, d, e, a]],
		["repeated pairs, as often on both sides", [a, a, b, b, a], [b, a, a, a, b]],
		["equal firsts with other seconds", [[1n, 2n], [1n, 3n], a, b, c], [c, [1n, 3n], b, [1n, 2n], a]],
		["extremes", [[0n, 0n], [FIELD - 1n, 0n], [0n, FIELD - 1n], a, b], [a, [0n, FIELD - 1n], b, [FIELD - 1n, 0n], [0n, 0n]]],
	])("takes %s", async (_, one, two) => {
		await solve(system, lists(one, two));
		await solve(system, lists(one, two), OTHER);
	});

	test.each<[string, readonly Pair[], readonly Pair[]]>([
		["a first that is another", honest, [e, d, c, b, [a[0] + 1n, a[1]]]],
		["a second that is another", honest, [e, d, c, b, [a[0], a[1] + 1n]]],
		["two seconds that changed places", honest, [[a[0], b[1]], [b[0], a[1]], c, d, e]],
		["a first that is a second", honest, [[a[1], a[0]], b, c, d, e]],
		["one pair twice and another left out", honest, [a, a, c, d, e]],
		["other numbers of the same pairs", [a, a, b, b, b], [a, a, a, b, b]],
		["the same sums of firsts and of seconds", honest, [[a[0] + 1n, a[1]], [b[0] - 1n, b[1]], c, d, e]],
		["the same product of firsts", [[2n, 0n], [6n, 0n], c, d, e], [[3n, 0n], [4n, 0n], c, d, e]],
	])("refuses %s", async (_, one, two) => {
		await refused(system, lists(one, two), "Main");
		await refused(system, lists(one, two), "Main", OTHER);
	});

	test("a second that is chosen when the challenge is known makes up for another: the caller must commit to both", async () => {
		const far = power(CHALLENGE, 2n ** 20n, FIELD);
		const form = ([first, second]: Pair) => reduce(far - first - CHALLENGE * second);
		const moved: Pair = [a[0], a[1] + 1000n];
		const wanted = reduce(form(a) * form(b) * inverse(form(moved), FIELD));
		const traded: Pair = [b[0], reduce((far - b[0] - wanted) * inverse(CHALLENGE, FIELD))];
		await solve(system, lists(honest, [moved, traded, c, d, e]));
		await refused(system, lists(honest, [moved, traded, c, d, e]), "Main", OTHER);
	});
});

describe("StrictlyIncreasing", async () => {
	const [N, LIMBS] = [4, 2];
	const lookup = `component r = RangeLookup(${N * LIMBS}, 8); r.multiplicity <== multiplicity; r.challenge <== challenge; for (var i = 0; i < ${N}; i++) { for (var s = 0; s < ${LIMBS}; s++) { r.in[${LIMBS} * i + s] <== limb[i][s]; } }`;
	// Squares, so that the keys stand in a constraint of the frame.
	const used = `signal square[${N}]; for (var i = 0; i < ${N}; i++) { square[i] <== g.key[i] * g.key[i]; }`;
	const gadget = `component g = StrictlyIncreasing(${N}, ${LIMBS}); g.limb <== limb;`;
	const frame = [`limb[${N}][${LIMBS}]`, "multiplicity[256]"];
	const system = await Constraints.of(around("sortedness", ["sortedness", "lookup"], frame, `${gadget}\n${used}\n${lookup}`));

	/** Limbs of the gaps of a list, least one apart; a negative gap stands in its last limb. */
	function limbsOf(keys: readonly bigint[], apart = 1n): bigint[] {
		return keys.flatMap((key, i) => {
			const gap = i === 0 ? key : key - (keys[i - 1] as bigint) - apart;
			return [gap & 255n, gap >> 8n];
		});
	}

	function counted(limb: readonly bigint[]): CircuitInputs {
		const multiplicity = new Multiplicity(8);
		for (const value of limb) {
			if (value >= 0n && value < 256n) {
				multiplicity.add(value);
			}
		}
		return { limb, multiplicity: multiplicity.values() };
	}

	test.each<[string, readonly bigint[]]>([
		["neighbours from zero", [0n, 1n, 2n, 3n]],
		["the widest gaps", [65535n, 131071n, 196607n, 262143n]],
		["one wide gap", [0n, 65536n, 65537n, 65538n]],
		["random gaps", [300n, 301n, 40000n, 90000n]],
	])("takes %s", async (_, keys) => {
		const witness = await solve(system, counted(limbsOf(keys)));
		expect(keys.map((_, i) => witness[system.wire(`main.g.key[${i}]`)])).toEqual(keys);
	});

	test("has the keys of random gaps", async () => {
		for (let round = 0; round < 20; round++) {
			const limb = Array.from({ length: N * LIMBS }, () => BigInt(below(next, 256)));
			const keys: bigint[] = [];
			for (let i = 0; i < N; i++) {
				keys.push((i === 0 ? -1n : (keys[i - 1] as bigint)) + 1n + (limb[2 * i] as bigint) + 256n * (limb[2 * i + 1] as bigint));
			}
			const witness = await solve(system, counted(limb));
			expect(keys.map((_, i) => witness[system.wire(`main.g.key[${i}]`)])).toEqual(keys);
			expect(limbsOf(keys)).toEqual(limb);
		}
	});

	test.each<[string, readonly bigint[]]>([
		["equal keys", [5n, 5n, 6n, 7n]],
		["a step down", [5n, 4n, 6n, 7n]],
		["a negative first key", [-1n, 0n, 1n, 2n]],
		["a gap wider than its limbs", [0n, 65537n, 65538n, 65539n]],
		["a step down far from zero", [262143n, 0n, 1n, 2n]],
	])("refuses %s", async (_, keys) => {
		await refused(system, counted(limbsOf(keys)), "RangeLookup");
	});

	test("refuses a step down whose gap is given modulo r", async () => {
		const limb = limbsOf([5n, 6n, 7n, 8n]);
		limb[2] = FIELD - 2n;
		await refused(system, counted(limb), "RangeLookup");
	});

	test("without the lookup takes any order: the caller must look the limbs up", async () => {
		const unlooked = await Constraints.of(around("sortedness-bare", ["sortedness"], frame.slice(0, 1), `${gadget}\n${used}`));
		const witness = await solve(unlooked, { limb: limbsOf([9n, 4n, 4n, 0n]) });
		expect([0, 1, 2, 3].map((i) => witness[unlooked.wire(`main.g.key[${i}]`)])).toEqual([9n, 4n, 4n, 0n]);
	});

	test("the known flaw: neighbours compared by >= only let an element occur twice", async () => {
		const flawed = [
			"template Increasing(n, limbs) { signal input limb[n][limbs]; signal output key[n]; for (var i = 0; i < n; i++) {",
			"var sum = i == 0 ? 0 : key[i - 1]; for (var s = 0; s < limbs; s++) { sum += limb[i][s] * (1 << (8 * s)); } key[i] <== sum; } }",
		].join("\n");
		const known = await Constraints.of(
			around(
				"sortedness-known-bad",
				["lookup"],
				frame,
				`${gadget.replace("StrictlyIncreasing", "Increasing")}\n${used}\n${lookup}`,
				flawed,
			),
		);
		await solve(known, counted(limbsOf([5n, 5n, 6n, 7n], 0n)));
		await refused(system, counted(limbsOf([5n, 5n, 6n, 7n])), "RangeLookup");
	});

	test("costs a linear constraint for each key", async () => {
		const counts = async (n: number) => {
			const body = [
				`component g = StrictlyIncreasing(${n}, 2); g.limb <== limb;`,
				`signal square[${n}]; for (var i = 0; i < ${n}; i++) { square[i] <== g.key[i] * g.key[i]; }`,
			].join("\n");
			const { compiled } = await Constraints.of(around(`sortedness-${n}`, ["sortedness"], [`limb[${n}][2]`], body));
			return [compiled.counts.nonLinear - 1 - n, compiled.counts.linear];
		};
		expect(await counts(3)).toEqual([0, 3]);
		expect(await counts(7)).toEqual([0, 7]);
	});
});
