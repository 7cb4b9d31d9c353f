/** `attribution`: pathAt is the evaluation of the ridge path of the total for the queries. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { applyRidge, checkRows, residualBits, signedLimbs } from "../head.ts";
import { Multiplicity, toLimbs } from "../limbs.ts";
import { entries, LIMB_BITS } from "../page.ts";
import { type PathNode, type PathParameters, pathParameters, SHIFT, VALUE_BITS } from "../path.ts";
import type { Statistics } from "../statistics.ts";

export interface AttributionParameters {
	readonly d: number;
	readonly k: number;
	/** Rows in all that the residual bounds allow for. */
	readonly maxRows: number;
	/** Nodes of the path. */
	readonly nodes: number;
	/** lambda = lambda * rows. */
	readonly lambda: bigint;
}

/** Heads and influence vectors of all nodes; each d x k integers, feature by feature. */
export interface Path {
	readonly w: readonly (readonly bigint[])[];
	readonly v: readonly (readonly bigint[])[];
}

/** What the path means for a contribution's score: M (triangle, off-diagonal pairs added) and N (d x k). */
export interface PathForms {
	readonly m: readonly bigint[];
	readonly n: readonly bigint[];
}

const SCALE_LIMBS = 4;

export function attributionPath(parameters: AttributionParameters): PathParameters {
	return pathParameters(parameters.d, parameters.nodes, parameters.lambda);
}

/** Widths of the residuals R and R' in bits, sign included. */
export function widths(parameters: AttributionParameters) {
	// mu falls along the path.
	const largest = (attributionPath(parameters).nodes[0] as PathNode).k;
	return {
		residual: residualBits(parameters.maxRows, parameters.d, largest),
		influenceResidual: residualBits(parameters.maxRows, parameters.d, largest, SHIFT),
	};
}

export function attributionCircuit(parameters: AttributionParameters): Circuit {
	const { d, k, nodes, maxRows, lambda } = parameters;
	const path = attributionPath(parameters);
	const { residual, influenceResidual } = widths(parameters);
	const signals = { publics: ["rows", "queryRows"], links: ["totalAt", "queryAt", "pathAt"], hasWords: false };
	return {
		statement: "attribution",
		id: `attribution-d${d}-k${k}-m${nodes}-r${maxRows}-l${lambda}`,
		source: mainSource(
			"attribution",
			"Attribution",
			[
				d,
				k,
				nodes,
				residual,
				influenceResidual,
				path.nodes.map((node) => node.k),
				path.nodes.map((node) => node.exponent),
				path.nodes.map((node) => node.weight),
			],
			signals,
		),
		...signals,
	};
}

/** t = max(1, floor(2^SHIFT rows / queryRows)): brings the query loss to the scale of the training rows. */
export function queryScale(rows: bigint, queryRows: bigint): bigint {
	if (queryRows <= 0n) {
		throw new CircuitError(
			"query-empty",
			`attribution: expected a total query weight of at least 1, got ${queryRows}`,
			"Log at least one paid query.",
		);
	}
	const quotient = (rows << BigInt(SHIFT)) / queryRows;
	return quotient === 0n ? 1n : quotient;
}

/** g = A_Q W - s B_Q. */
export function queryGradient(query: Statistics, w: readonly bigint[], exponent: number, d: number, k: number): bigint[] {
	return applyRidge(query, 0n, w, d, k).map((value, i) => value - ((query.b[i] as bigint) << BigInt(exponent)));
}

/** M = sym(sum_j weight_j V_j W_j^T) and N = sum_j weight_j s_j V_j, exactly. */
export function pathForms(path: Path, parameters: PathParameters, d: number, k: number): PathForms {
	const m = new Array<bigint>((d * (d + 1)) / 2).fill(0n);
	const n = new Array<bigint>(d * k).fill(0n);
	parameters.nodes.forEach((node, j) => {
		const w = path.w[j] as readonly bigint[];
		const v = path.v[j] as readonly bigint[];
		const scaled = v.map((value) => value * node.weight);
		let entry = 0;
		for (let i = 0; i < d; i++) {
			for (let l = i; l < d; l++) {
				let sum = 0n;
				for (let c = 0; c < k; c++) {
					sum += (scaled[k * i + c] as bigint) * (w[k * l + c] as bigint);
					if (l > i) {
						sum += (scaled[k * l + c] as bigint) * (w[k * i + c] as bigint);
					}
				}
				m[entry] = (m[entry] as bigint) + sum;
				entry++;
			}
		}
		scaled.forEach((value, i) => {
			n[i] = (n[i] as bigint) + (value << BigInt(node.exponent));
		});
	});
	return { m, n };
}

/**
 * The statement about the path of `total` for `query`.
 * @returns the instance and the forms that the scores follow from
 * @throws CircuitError naming node and entry when a value or a residual is out of bounds; `total-rows`, `query-empty`
 */
export function attributionInstance(
	parameters: AttributionParameters,
	total: Statistics,
	query: Statistics,
	path: Path,
): Instance & { readonly forms: PathForms } {
	const { d, k } = parameters;
	const { rows } = total;
	checkRows("attribution", total, parameters.maxRows);
	const constants = attributionPath(parameters);
	const bits = widths(parameters);
	const multiplicity = new Multiplicity(LIMB_BITS);

	const t = queryScale(rows, query.rows);
	const quotient = (rows << BigInt(SHIFT)) / query.rows;
	const remainder = (rows << BigInt(SHIFT)) % query.rows;
	const scaleLimb = [quotient, remainder, query.rows - 1n - remainder, t - 1n].flatMap((value) => {
		const limbs = toLimbs(value, SCALE_LIMBS, LIMB_BITS);
		multiplicity.addLimbs(limbs);
		return limbs;
	});

	const valueLimb: bigint[] = [];
	const residualLimb: bigint[] = [];
	const influenceLimb: bigint[] = [];
	const influenceResidualLimb: bigint[] = [];
	constants.nodes.forEach((node, j) => {
		const w = path.w[j] as readonly bigint[];
		const v = path.v[j] as readonly bigint[];
		const mu = node.k * rows;
		const residual = applyRidge(total, mu, w, d, k).map((value, i) => value - ((total.b[i] as bigint) << BigInt(node.exponent)));
		const gradient = queryGradient(query, w, node.exponent, d, k);
		const influenceResidual = applyRidge(total, mu, v, d, k).map((value, i) => (value << BigInt(SHIFT)) - t * (gradient[i] as bigint));
		valueLimb.push(...signedLimbs(w, VALUE_BITS, `attribution: W of node ${j}`, multiplicity));
		residualLimb.push(...signedLimbs(residual, bits.residual, `attribution: residual R of node ${j}`, multiplicity));
		influenceLimb.push(...signedLimbs(v, VALUE_BITS, `attribution: V of node ${j}`, multiplicity));
		influenceResidualLimb.push(
			...signedLimbs(influenceResidual, bits.influenceResidual, `attribution: residual R' of node ${j}`, multiplicity),
		);
	});

	const forms = pathForms(path, constants, d, k);
	const product = forms.m.map(reduce);
	return {
		circuit: attributionCircuit(parameters),
		publics: [rows, query.rows],
		links: [entries(total), entries(query), [...product, ...forms.n.map(reduce)]],
		words: [],
		forms,
		inputs: {
			rows,
			queryRows: query.rows,
			total: entries(total),
			query: entries(query),
			scaleLimb,
			scaleZero: quotient === 0n ? 1n : 0n,
			valueLimb,
			residualLimb,
			influenceLimb,
			influenceResidualLimb,
			product,
			multiplicity: multiplicity.values(),
		},
	};
}
