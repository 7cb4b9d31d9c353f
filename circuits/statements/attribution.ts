/** `attribution`: scoreCommit holds the ridge-path score of every listed contribution. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { emptyCommit, LIMB_BITS, type ListParameters, openList } from "../contributions.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { applyRidge, residualBits, signedLimbs } from "../head.ts";
import { limbCount, Multiplicity, toLimbs } from "../limbs.ts";
import { type PathNode, type PathParameters, pathParameters, SHIFT, VALUE_BITS } from "../path.ts";
import { sponge, TAGS } from "../sponge.ts";
import { commitStatistics, type Statistics, statisticsLimbs } from "../statistics.ts";

export interface AttributionParameters extends ListParameters {
	/** Nodes of the path. */
	readonly nodes: number;
	/** lambda = lambda * rows. */
	readonly lambda: bigint;
	/** Width of an entry of the query statistics. */
	readonly queryBits: number;
}

/** Heads and influence vectors of all nodes; each d x k integers, feature by feature. */
export interface Path {
	readonly w: readonly (readonly bigint[])[];
	readonly v: readonly (readonly bigint[])[];
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
	const { contributions, d, k, nodes, statBits, queryBits, maxRows, lambda } = parameters;
	const path = attributionPath(parameters);
	const { residual, influenceResidual } = widths(parameters);
	const publics = ["scoreCommit", "queryCommit"];
	return {
		statement: "attribution",
		id: `attribution-c${contributions}-d${d}-k${k}-m${nodes}-s${statBits}-q${queryBits}-r${maxRows}-l${lambda}`,
		source: mainSource(
			"attribution",
			"Attribution",
			[
				contributions,
				d,
				k,
				nodes,
				statBits,
				queryBits,
				residual,
				influenceResidual,
				emptyCommit(parameters),
				path.nodes.map((node) => node.k),
				path.nodes.map((node) => node.exponent),
				path.nodes.map((node) => node.weight),
			],
			publics,
			true,
		),
		publics,
		hasWords: true,
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

/** M (triangle, off-diagonal pairs added) and N (d x k) of a path. */
export function pathForms(path: Path, parameters: PathParameters, d: number, k: number): { m: bigint[]; n: bigint[] } {
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

/** S_c = <M, A_c> - <N, B_c>. */
export function score(stats: Statistics, forms: { m: readonly bigint[]; n: readonly bigint[] }): bigint {
	let sum = 0n;
	stats.a.forEach((value, e) => {
		sum += (forms.m[e] as bigint) * value;
	});
	stats.b.forEach((value, i) => {
		sum -= (forms.n[i] as bigint) * value;
	});
	return sum;
}

/** scoreCommit = H("openledger.scores", count + 2^32 places, scores padded with zeros). */
export function commitScores(scores: readonly bigint[], places: number): bigint {
	const padded = Array.from({ length: places }, (_, i) => reduce(scores[i] ?? 0n));
	return sponge(TAGS.scores, [BigInt(scores.length) + (BigInt(places) << 32n), ...padded]);
}

/**
 * The statement about the scores of `list` for `query` along `path`.
 * @throws CircuitError naming node and entry when a value or a residual is out of bounds
 */
export function attributionInstance(
	parameters: AttributionParameters,
	list: readonly Statistics[],
	query: Statistics,
	path: Path,
): Instance & { readonly scores: readonly bigint[] } {
	const { contributions, d, k, queryBits } = parameters;
	const constants = attributionPath(parameters);
	const bits = widths(parameters);
	const multiplicity = new Multiplicity(LIMB_BITS);
	const opened = openList(parameters, list, multiplicity);
	const { rows } = opened.total;

	const queryShift = limbCount(queryBits, LIMB_BITS) * LIMB_BITS - queryBits;
	const queryLimbs = statisticsLimbs(query, queryBits, LIMB_BITS);
	for (const limbs of queryLimbs) {
		multiplicity.addLimbs(limbs, queryShift);
	}

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
		const residual = applyRidge(opened.total, mu, w, d, k).map(
			(value, i) => value - ((opened.total.b[i] as bigint) << BigInt(node.exponent)),
		);
		const gradient = queryGradient(query, w, node.exponent, d, k);
		const influenceResidual = applyRidge(opened.total, mu, v, d, k).map(
			(value, i) => (value << BigInt(SHIFT)) - t * (gradient[i] as bigint),
		);
		valueLimb.push(...signedLimbs(w, VALUE_BITS, `attribution: W of node ${j}`, multiplicity));
		residualLimb.push(...signedLimbs(residual, bits.residual, `attribution: residual R of node ${j}`, multiplicity));
		influenceLimb.push(...signedLimbs(v, VALUE_BITS, `attribution: V of node ${j}`, multiplicity));
		influenceResidualLimb.push(
			...signedLimbs(influenceResidual, bits.influenceResidual, `attribution: residual R' of node ${j}`, multiplicity),
		);
	});

	const forms = pathForms(path, constants, d, k);
	const scores = list.map((stats) => score(stats, forms));
	const scoreCommit = commitScores(scores, contributions);
	const queryCommit = commitStatistics(query, d, k, queryBits);
	return {
		circuit: attributionCircuit(parameters),
		publics: [scoreCommit, queryCommit],
		words: opened.words,
		scores,
		inputs: {
			scoreCommit,
			queryCommit,
			...opened.inputs,
			queryRows: query.rows,
			queryLimb: queryLimbs.flat(),
			scaleLimb,
			scaleZero: quotient === 0n ? 1n : 0n,
			valueLimb,
			residualLimb,
			influenceLimb,
			influenceResidualLimb,
			product: forms.m.map(reduce),
			multiplicity: multiplicity.values(),
		},
	};
}
