/**
 * What the prover needs to know of a circuit. Every circuit has the same shape (docs/design.md, section 1): its public
 * signals are `publics`, `links`, then `evaluation` if it has words, then `challenge`; all its private inputs are committed, one of them is `blind`.
 */
export interface Circuit {
	/** Statement it belongs to: "contribution", "total", "optimum", "score", "attribution", "payout", ... */
	readonly statement: string;
	/** Stable name of statement and parameters, for example "contribution-n64-d16-k4-w1-s24". */
	readonly id: string;
	/** Text of the circom main file; its includes are relative to the folder `circuits/`. */
	readonly source: string;
	/** Names of the public signals in order, without links, evaluation and challenge. */
	readonly publics: readonly string[];
	/** Names of the links in order: evaluations of committed lists at the challenge, compared between proofs that were made together. */
	readonly links: readonly string[];
	/** Whether the statement speaks about a list outside the circuit. */
	readonly hasWords: boolean;
}

/** Values for every input but `blind`, links, `evaluation` and `challenge`; arrays are flat, row-major. */
export type CircuitInputs = Record<string, bigint | readonly bigint[]>;

/** A statement about concrete values, ready for the prover. */
export interface Instance {
	readonly circuit: Circuit;
	readonly inputs: CircuitInputs;
	/** Public signals, in the order of `circuit.publics`. */
	readonly publics: readonly bigint[];
	/** The lists whose evaluations are the links, in the order of `circuit.links`; entries in `[0, r)`. */
	readonly links: readonly (readonly bigint[])[];
	/** The list outside the circuit; empty when the circuit has none. */
	readonly words: readonly bigint[];
}

/** Text of a main file for one template of `statements/`. */
export function mainSource(
	statement: string,
	template: string,
	args: readonly (number | bigint | readonly (number | bigint)[])[],
	{ publics, links, hasWords }: Pick<Circuit, "publics" | "links" | "hasWords">,
): string {
	const literal = (value: number | bigint | readonly (number | bigint)[]): string =>
		Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
	const signals = [...publics, ...links, ...(hasWords ? ["evaluation"] : []), "challenge"];
	return [
		"pragma circom 2.1.6;",
		`include "statements/${statement}.circom";`,
		`component main {public [${signals.join(", ")}]} = ${template}(${args.map(literal).join(", ")});`,
		"",
	].join("\n");
}
