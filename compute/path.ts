/**
 * The ridge path of an epoch (docs/design.md, section 4): for each node mu_j = K_j n the head W_j and the influence vector V_j
 * as integers, with the exact residuals that the circuit bounds:
 *
 *     (A + mu_j) W_j = s_j B + R_j                              s_j = 2^(a_j)
 *     2^8 (A + mu_j) V_j = t (A_Q W_j - s_j B_Q) + R'_j         t = max(1, floor(2^8 n / n_Q))
 */
import { type PathParameters, SHIFT, VALUE_BITS } from "../circuits/path.ts";
import type { Path } from "../circuits/statements/attribution.ts";
import { DataError } from "./errors.ts";
import { multiply, symmetricMatrix } from "./product.ts";
import { factorise, type IntegerSolution, solveInteger } from "./ridge.ts";
import type { Statistics } from "./statistics.ts";

const LIMIT = 2 ** (VALUE_BITS - 1);

/** One node of the path; all matrices d x k, row-major. */
export interface PathNode {
	readonly mu: bigint;
	/** s_j. */
	readonly scale: bigint;
	readonly w: IntegerSolution;
	readonly v: IntegerSolution;
}

export interface RidgePath {
	/** The weight t of the query gradient, about 2^8 training rows per query row. */
	readonly t: bigint;
	/** In the order of the parameters. */
	readonly nodes: readonly PathNode[];
}

/**
 * Compute the path.
 * @param train - the sum of all contributions, n >= 1
 * @param query - the query set's statistics, n_Q >= 1
 * @throws {DataError} SHAPE_MISMATCH; TOO_FEW_ROWS for an empty side; VALUE_OUT_OF_RANGE if a value does not fit into
 *VALUE_BITS bits with its sign; ILL_CONDITIONED
 */
export function ridgePath(train: Statistics, query: Statistics, parameters: PathParameters): RidgePath {
	const { d, k } = train;
	if (query.d !== d || query.k !== k) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`ridgePath: d = ${d}, k = ${k} for training, d = ${query.d}, k = ${query.k} for the queries`,
			"Use one scale and one backbone for both.",
		);
	}
	if (train.n < 1 || query.n < 1) {
		throw new DataError(
			"TOO_FEW_ROWS",
			`ridgePath: weight ${train.n} for training, ${query.n} for the queries, at least 1 is needed`,
			"Give both sets rows with positive weights.",
		);
	}
	const a = symmetricMatrix(train.a, d);
	const aQuery = symmetricMatrix(query.a, d);
	const [b, bQuery] = [train.b, query.b].map((values) => Array.from(values, BigInt)) as [bigint[], bigint[]];
	const n = BigInt(train.n);
	const multiplier = 1n << BigInt(SHIFT);
	const quotient = (multiplier * n) / BigInt(query.n);
	const t = quotient === 0n ? 1n : quotient;
	const nodes = parameters.nodes.map((node, j): PathNode => {
		const mu = node.k * n;
		const scale = 1n << BigInt(node.exponent);
		const factor = factorise(a, mu);
		const w = solveInteger(
			factor,
			b.map((value) => scale * value),
		);
		const gradient = multiply(aQuery, w.x, k).map((product, i) => t * (product - scale * (bQuery[i] as bigint)));
		const v = solveInteger(factor, gradient, multiplier);
		checkRange(`W of node ${j}`, w.x);
		checkRange(`V of node ${j}`, v.x);
		return { mu, scale, w, v };
	});
	return { t, nodes };
}

/** The path as bigints, as the circuits take it. */
export function exactPath({ nodes }: RidgePath): Path {
	return { w: nodes.map(({ w }) => Array.from(w.x, BigInt)), v: nodes.map(({ v }) => Array.from(v.x, BigInt)) };
}

function checkRange(name: string, values: Float64Array): void {
	const bad = values.find((value) => Math.abs(value) >= LIMIT);
	if (bad === undefined) return;
	throw new DataError(
		"VALUE_OUT_OF_RANGE",
		`ridgePath: ${name} holds ${bad}, the range is (-${LIMIT}, ${LIMIT})`,
		"Raise the ridge (epoch run --ridge), or give more training rows: some query lies far outside them.",
	);
}
