/** The known-bad gadgets as targets. Each has a sound sibling that differs from it in one place, so that what the kit finds is that place. */
import { fileURLToPath } from "node:url";
import { type Frame, frame } from "../../../prover/forgery/frame.ts";
import type { Target } from "../../../prover/forgery/target.ts";
import { sourceLibraries } from "../../../prover/forgery/templates.ts";

const libraries = [fileURLToPath(new URL(".", import.meta.url)), ...sourceLibraries()];

function bad(parts: Frame, inputs: Target["instance"]["inputs"], publics: readonly bigint[], relations: number, projected = 0): Target {
	const instance = { circuit: frame(parts), inputs, publics, links: [], words: [] };
	const [finding, reason] = [/^main\.(numerator|divisor|value|a|b)\b/, "what the gadget is asked about"];
	return { name: parts.name, libraries, relations, projected, instance, allowed: [{ attack: "rigidity", finding, reason }] };
}

/** 200 / 7 with a quotient that may be anything. */
export function freeRemainder(): Target {
	const body =
		"component d = FreeRemainder(); d.numerator <== numerator; d.divisor <== divisor; signal square; square <== d.quotient * d.quotient;";
	return bad(
		{
			name: "free-remainder",
			includes: ["free-remainder.circom"],
			inputs: ["numerator", "divisor"],
			body,
			publics: ["numerator", "divisor"],
		},
		{ numerator: 200n, divisor: 7n },
		[200n, 7n],
		0,
	);
}

/** ReLU(5). @param bits 254, which has room for 5 + r, or `strict`: circomlib's check that the bits are below r */
export function aliasedBits(bits: "aliased" | "strict"): Target {
	const body =
		bits === "aliased"
			? "component relu = AliasedRelu(); relu.in <== value;"
			: "component strict = Num2Bits_strict(); strict.in <== value; signal out; out <== value * (1 - strict.out[253]);";
	return bad(
		{ name: `${bits}-bits`, includes: ["aliased-bits.circom"], inputs: ["value"], body, publics: ["value"] },
		{ value: 5n },
		[5n],
		1,
	);
}

/** A B = C, checked at s. */
export function projectedProduct(s: "2" | "challenge"): Target {
	const publics = ["a", "b"].flatMap((name) => ["[0][0]", "[0][1]", "[1][0]", "[1][1]"].map((index) => name + index));
	const [a, b] = [
		[1n, 2n, 3n, 4n],
		[5n, 6n, 7n, 8n],
	];
	const body = `component p = ProjectedProduct(); p.a <== a; p.b <== b; p.c <== c; p.s <== ${s};`;
	return bad(
		{ name: `product-at-${s}`, includes: ["fixed-challenge.circom"], inputs: ["a[2][2]", "b[2][2]", "c[2][2]"], body, publics },
		{ a, b, c: [19n, 22n, 43n, 50n] },
		[...a, ...b],
		2,
		4,
	);
}

/** Two bytes under a lookup whose challenge hashes their packed sum only. */
export function packedTranscript(): Target {
	const body = "component p = PackedTranscript(); p.byte <== byte; p.multiplicity <== multiplicity;";
	return bad(
		{ name: "packed-transcript", includes: ["packed-transcript.circom"], inputs: ["byte[2]", "multiplicity[256]"], body },
		{ byte: [7n, 200n], multiplicity: Array.from({ length: 256 }, (_, j) => (j === 7 || j === 200 ? 1n : 0n)) },
		[],
		1,
	);
}
