/** A main circuit around a gadget, with the signals that every circuit has. */
import type { Circuit } from "../../circuits/circuit.ts";

export interface Frame {
	/** Becomes part of the circuit's id. */
	readonly name: string;
	/** Files of `gadgets/` without their ending, or other paths with it. */
	readonly includes: readonly string[];
	/** Declarations such as "in[3]". */
	readonly inputs: readonly string[];
	/** What the main template does with them; `challenge` is there. */
	readonly body: string;
	/** Public inputs, element by element: "a[0]". */
	readonly publics?: readonly string[];
	/** Inputs that are links. */
	readonly links?: readonly string[];
}

export function frame({ name, includes, inputs, body, publics = [], links = [] }: Frame): Circuit {
	const bare = (signal: string): string => signal.replace(/\[.*$/, "");
	const named = new Set([...publics, ...links].map(bare));
	const declare = (input: string): string => `signal input ${input};`;
	const lines = [
		"pragma circom 2.1.6;",
		...includes.map((file) => `include "${file.endsWith(".circom") ? file : `gadgets/${file}.circom`}";`),
		"template Main() {",
		...inputs.filter((input) => named.has(bare(input))).map(declare),
		"signal input challenge; signal input blind; signal hidden <== blind * challenge;",
		...inputs.filter((input) => !named.has(bare(input))).map(declare),
		body,
		"}",
		`component main {public [${[...named, "challenge"].join(", ")}]} = Main();`,
	];
	return { statement: "gadget", id: `gadget-${name}`, source: lines.join("\n"), publics, links, hasWords: false };
}
