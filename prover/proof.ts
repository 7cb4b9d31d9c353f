/**
 * A committed Groth16 proof: five points, twelve words.
 *
 * Stored with decimal strings and G2 in snarkjs' order; {@link proofWords} and {@link toCalldata} write the EVM's order,
 * imaginary part first.
 */
import { Q } from "./bn254.ts";
import { ProofInvalid } from "./errors.ts";
import type { G1Decimals, G2Decimals } from "./verification-key.ts";

export interface Proof {
	readonly a: G1Decimals;
	/** `[[x.c0, x.c1], [y.c0, y.c1]]` */
	readonly b: G2Decimals;
	readonly c: G1Decimals;
	/** D, commits to all private inputs */
	readonly commitment: G1Decimals;
	/** P = sigma D, shows that D commits to nothing else */
	readonly knowledge: G1Decimals;
}

/** The argument that Solidity's `struct Proof { uint256[2] a; uint256[2][2] b; uint256[2] c; uint256[2] commitment; uint256[2] knowledge; }` takes. */
export interface ProofCalldata {
	readonly a: readonly [bigint, bigint];
	/** `[[x.c1, x.c0], [y.c1, y.c0]]` */
	readonly b: readonly [readonly [bigint, bigint], readonly [bigint, bigint]];
	readonly c: readonly [bigint, bigint];
	readonly commitment: readonly [bigint, bigint];
	readonly knowledge: readonly [bigint, bigint];
}

/**
 * Checks the shape of a proof of unknown origin: words in `[0, q)`. Whether they are points is for the verifier to say.
 * @param value parsed JSON; words as decimal or 0x strings
 * @returns the proof with decimal strings; unknown fields are dropped
 * @throws ProofInvalid `proof.format`
 */
export function parseProof(value: unknown): Proof {
	const fields = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
	const b = fields.b;
	if (!Array.isArray(b) || b.length !== 2) throw misshapen("b", "two pairs", b);
	return {
		a: wordPair("a", fields.a),
		b: [wordPair("b[0]", b[0]), wordPair("b[1]", b[1])],
		c: wordPair("c", fields.c),
		commitment: wordPair("commitment", fields.commitment),
		knowledge: wordPair("knowledge", fields.knowledge),
	};
}

/**
 * The twelve words `A.x A.y B.x1 B.x0 B.y1 B.y0 C.x C.y D.x D.y P.x P.y`.
 */
export function proofWords(proof: Proof): bigint[] {
	const [[x0, x1], [y0, y1]] = proof.b;
	return [...proof.a, x1, x0, y1, y0, ...proof.c, ...proof.commitment, ...proof.knowledge].map(BigInt);
}

/**
 * @returns the proof as a contract takes it
 */
export function toCalldata(proof: Proof): ProofCalldata {
	const point = ([x, y]: G1Decimals): [bigint, bigint] => [BigInt(x), BigInt(y)];
	const [[x0, x1], [y0, y1]] = proof.b;
	return {
		a: point(proof.a),
		b: [point([x1, x0]), point([y1, y0])],
		c: point(proof.c),
		commitment: point(proof.commitment),
		knowledge: point(proof.knowledge),
	};
}

function wordPair(name: string, value: unknown): readonly [string, string] {
	if (!Array.isArray(value) || value.length !== 2) throw misshapen(name, "two words", value);
	return [word(name, value[0]), word(name, value[1])];
}

function word(name: string, value: unknown): string {
	if (typeof value !== "string" || !/^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(value)) {
		throw misshapen(name, "decimal or 0x strings", value);
	}
	const number = BigInt(value);
	if (number >= Q) throw misshapen(name, "words below q", value);
	return number.toString();
}

function misshapen(name: string, expected: string, got: unknown): ProofInvalid {
	return new ProofInvalid("proof.format", `parseProof: expected ${name} to be ${expected}, got ${JSON.stringify(got)}`);
}
