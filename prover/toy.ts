/**
 * A small circuit with everything that a statement has, for the tests of this room: public inputs, a computed public signal, words,
 * a lookup by logarithmic derivative, a private input that is only there to hide the others.
 */
import type { Circuit } from "../circuits/circuit.ts";
import type { Inputs } from "./witness.ts";

const TABLE = 16;

/**
 * `total = n + sum x_i^2`, every `x_i` in `[0, 16)`, and the words are `x`.
 * @param size number of values, at least 1; about 4 constraints each
 */
export function toyCircuit(size: number): Circuit {
	return {
		statement: "toy",
		id: `toy-n${size}`,
		publics: ["total", "n"],
		links: [],
		hasWords: true,
		source: `pragma circom 2.1.6;
template Toy(k) {
    signal input n;
    signal input evaluation;
    signal input challenge;
    signal input x[k];
    signal input counts[${TABLE}];
    signal input blind;
    signal output total;

    signal sum[k + 1];
    signal horner[k + 1];
    signal inverse[k];
    signal found[${TABLE}];
    sum[0] <== 0;
    horner[k] <== 0;
    var left = 0;
    var right = 0;
    for (var i = 0; i < k; i++) {
        sum[i + 1] <== sum[i] + x[i] * x[i];
        horner[k - 1 - i] <== (horner[k - i] + x[k - 1 - i]) * challenge;
        inverse[i] <-- 1 / (challenge - x[i]);
        inverse[i] * (challenge - x[i]) === 1;
        left += inverse[i];
    }
    for (var j = 0; j < ${TABLE}; j++) {
        found[j] <-- counts[j] / (challenge - j);
        found[j] * (challenge - j) === counts[j];
        right += found[j];
    }
    total <== sum[k] + n;
    left === right;
    horner[0] === evaluation;
    signal hidden;
    hidden <== blind * blind;
}
component main {public [n, evaluation, challenge]} = Toy(${size});
`,
	};
}

/**
 * @param values one per place, in `[0, 16)` for a true statement
 * @param n any public number
 */
export function toyInputs(values: readonly bigint[], n: bigint): Inputs {
	const counts = Array.from({ length: TABLE }, (_, j) => BigInt(values.filter((value) => value === BigInt(j)).length));
	return { n, x: values, counts };
}
