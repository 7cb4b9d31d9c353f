/** A circuit for measurements: a chain of squarings. Every wire but the first few is a full-size value, and no point of its key's long sections is infinity. */
import type { Circuit } from "../circuits/circuit.ts";

/** @param log at least 4: the chain fills a domain of 2^log points */
export function chainCircuit(log: number): Circuit {
	return {
		statement: "chain",
		id: `chain-${log}`,
		publics: ["end"],
		links: [],
		hasWords: false,
		source: `pragma circom 2.1.6;
template Chain(k) {
    signal input start;
    signal input blind;
    signal input challenge;
    signal output end;
    signal x[k + 1];
    x[0] <== start * challenge;
    for (var i = 0; i < k; i++) {
        x[i + 1] <== x[i] * x[i] + challenge;
    }
    end <== x[k] * start;
    signal hidden;
    hidden <== blind * blind;
}
component main {public [challenge]} = Chain(${2 ** log - 8});
`,
	};
}
