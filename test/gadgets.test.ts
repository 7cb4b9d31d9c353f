/** Gadgets alone: equal to an independent implementation on random and extreme values, and unsatisfiable where they must be. */
import { buildPoseidon } from "circomlibjs";
import { describe, expect, test } from "vitest";
import type { Circuit, CircuitInputs } from "../circuits/circuit.ts";
import { FIELD, reduce } from "../circuits/field.ts";
import { sponge } from "../circuits/sponge.ts";
import { below, generator } from "../compute/random.ts";
import { Constraints } from "../prover/forgery/constraints.ts";

/** A main circuit around a gadget, with the signals that every circuit has. */
function around(name: string, includes: string[], inputs: string[], body: string): Circuit {
	const lines = [
		"pragma circom 2.1.6;",
		...includes.map((file) => `include "gadgets/${file}.circom";`),
		"template Main() {",
		"signal input challenge; signal input blind; signal hidden <== blind * challenge;",
		...inputs.map((input) => `signal input ${input};`),
		body,
		"}",
		"component main {public [challenge]} = Main();",
	];
	return { statement: "gadget", id: `gadget-${name}`, source: lines.join("\n"), publics: [], links: [], hasWords: false };
}

async function solve(system: Constraints, inputs: CircuitInputs, challenge = 77n): Promise<bigint[]> {
	const witness = await system.witness({ blind: 3n, challenge, ...inputs });
	expect(system.broken(witness)).toEqual([]);
	return witness;
}

const next = generator(3n);
const random = (): bigint =>
	Array.from({ length: 8 }, () => BigInt(below(next, 2 ** 32))).reduce((sum, word) => (sum << 32n) | word, 0n) % FIELD;

describe("Poseidon16", async () => {
	const poseidon = await buildPoseidon();
	const system = await Constraints.of(around("poseidon", ["poseidon"], ["in[16]"], "component p = Poseidon16(); p.in <== in;"));

	test.each([
		["zeros", () => 0n],
		["r - 1", () => FIELD - 1n],
		["random", random],
		["random again", random],
	])("equals circomlib's on %s", async (_, value) => {
		const input = Array.from({ length: 16 }, value);
		const witness = await solve(system, { in: input });
		expect(witness[system.wire("main.p.out")]).toBe(poseidon.F.toObject(poseidon(input)));
	});

	test("costs 609 non-linear constraints and 88 linear ones at most", () => {
		// One of each is the frame's.
		expect(system.compiled.counts.nonLinear - 1).toBe(609);
		expect(system.compiled.counts.linear).toBeLessThanOrEqual(88);
	});
});

describe("Sponge", () => {
	test.each([1, 14, 15, 16, 30, 31])("%s elements", async (n) => {
		const system = await Constraints.of(around(`sponge-${n}`, ["sponge"], [`in[${n}]`], `component s = Sponge(5, ${n}); s.in <== in;`));
		const input = Array.from({ length: n }, random);
		expect((await solve(system, { in: input }))[system.wire("main.s.out")]).toBe(sponge(5n, input));
	});
});

describe("RangeLookup", async () => {
	const body = "component r = RangeLookup(3, 4); r.in <== in; r.multiplicity <== multiplicity; r.challenge <== challenge;";
	const system = await Constraints.of(around("lookup", ["lookup"], ["in[3]", "multiplicity[16]"], body));
	const counts = (...values: number[]): bigint[] =>
		Array.from({ length: 16 }, (_, j) => BigInt(values.filter((value) => value === j).length));

	test("takes every table entry, the first and the last too", async () => {
		await solve(system, { in: [0n, 15n, 15n], multiplicity: counts(0, 15, 15) });
	});

	test.each([
		["a value just outside", [0n, 15n, 16n], counts(0, 15, 15)],
		["minus one", [0n, 15n, FIELD - 1n], counts(0, 15, 15)],
		["a wrong count", [0n, 15n, 15n], counts(0, 0, 15)],
	])("refuses %s", async (_, values, multiplicity) => {
		await expect(solve(system, { in: values, multiplicity })).rejects.toMatchObject({ message: expect.stringContaining("RangeLookup") });
	});
});

describe("SidonPowers", () => {
	test.each([1, 2, 3, 16, 64, 128, 256])("d = %s: all pairwise products are distinct powers below block", async (d) => {
		let p = Math.max(d, 3);
		while (Array.from({ length: p - 2 }, (_, q) => q + 2).some((q) => q * q <= p && p % q === 0)) {
			p++;
		}
		const exponents = Array.from({ length: d }, (_, l) => 2 * p * l + ((l * l) % p));
		const sums = exponents.flatMap((one, i) => exponents.slice(i).map((other) => one + other));
		expect(new Set(sums).size).toBe(sums.length);
		expect(Math.max(...sums)).toBeLessThan(2 ** 20);
		if (d <= 16) {
			const system = await Constraints.of(
				around(`sidon-${d}`, ["projection"], [], `component s = SidonPowers(${d}); s.challenge <== challenge;`),
			);
			const witness = await solve(system, {}, 2n);
			exponents.forEach((exponent, l) => {
				expect(witness[system.wire(`main.s.tau[${l}]`)]).toBe(power(2n, exponent));
			});
			expect(witness[system.wire("main.s.block")]).toBe(power(2n, 2 ** 20));
		}
	});
});

describe("SymmetricProduct", async () => {
	const system = await Constraints.of(
		around("symmetric", ["projection"], ["a[6]", "tau[3]"], "component s = SymmetricProduct(3); s.a <== a; s.tau <== tau;"),
	);

	test("multiplies the whole matrix", async () => {
		const a = Array.from({ length: 6 }, random) as [bigint, bigint, bigint, bigint, bigint, bigint];
		const tau = Array.from({ length: 3 }, random) as [bigint, bigint, bigint];
		const full = [
			[a[0], a[1], a[2]],
			[a[1], a[3], a[4]],
			[a[2], a[4], a[5]],
		] as const;
		const witness = await solve(system, { a, tau });
		full.forEach((row, i) => {
			expect(witness[system.wire(`main.s.out[${i}]`)]).toBe(reduce(row[0] * tau[0] + row[1] * tau[1] + row[2] * tau[2]));
		});
	});
});

describe("FloorDivision", async () => {
	const body = [
		"component d = FloorDivision(); d.numerator <== numerator; d.divisor <== divisor; d.quotient <== quotient; d.remainder <== remainder;",
		"component r = RangeLookup(3, 8); r.in[0] <== quotient; r.in[1] <== remainder; r.in[2] <== d.gap; r.multiplicity <== multiplicity; r.challenge <== challenge;",
	].join("\n");
	const system = await Constraints.of(
		around("division", ["division", "lookup"], ["numerator", "divisor", "quotient", "remainder", "multiplicity[256]"], body),
	);
	const divide = (numerator: bigint, divisor: bigint, quotient: bigint, remainder: bigint): CircuitInputs => {
		const looked = [quotient, remainder, divisor - 1n - remainder];
		return {
			numerator,
			divisor,
			quotient,
			remainder,
			multiplicity: Array.from({ length: 256 }, (_, j) => BigInt(looked.filter((value) => value === BigInt(j)).length)),
		};
	};

	test.each([
		[0n, 1n],
		[7n, 7n],
		[200n, 7n],
		[254n, 255n],
	])("%s / %s", async (numerator, divisor) => {
		await solve(system, divide(numerator, divisor, numerator / divisor, numerator % divisor));
	});

	test.each([
		["a remainder of the divisor (the free remainder of a known bad gadget)", divide(200n, 7n, 27n, 11n), "RangeLookup"],
		["a negative remainder", divide(200n, 7n, 29n, -3n), "RangeLookup"],
		["a wrong quotient", divide(200n, 7n, 27n, 4n), "FloorDivision"],
		["a divisor of zero", divide(200n, 0n, 0n, 200n), "RangeLookup"],
	])("refuses %s", async (_, inputs, where) => {
		await expect(solve(system, inputs)).rejects.toMatchObject({ message: expect.stringContaining(where) });
	});
});

function power(base: bigint, exponent: number): bigint {
	let result = 1n;
	let square = base;
	for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
		if (rest % 2 === 1) {
			result = (result * square) % FIELD;
		}
		square = (square * square) % FIELD;
	}
	return result;
}
