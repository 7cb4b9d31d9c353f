/**
 * What the residual bounds of the `attribution` circuit leave open, in money (docs/slack.md).
 *
 * The circuit accepts every integer W_j, V_j whose residuals fit their widths, so whoever proves may choose, for each node,
 *
 *     W = (A + mu)^-1 (s B + R)                        R  in [-2^(residual - 1), 2^(residual - 1))
 *     V = (A + mu)^-1 (t (A_Q W - s B_Q) + R') / 2^8   R' in [-2^(influenceResidual - 1), 2^(influenceResidual - 1))
 *
 * A share S_c / P (P the sum of the positive scores) is linear in (R, R') up to a product of two small terms, so its largest
 * first-order change over the box is the L1 norm of its gradient, and the box's corner that reaches it is known.
 */
import { OMEGA_BITS, SHIFT } from "../circuits/path.ts";
import { type AttributionParameters, attributionPath, type Path, queryScale, widths } from "../circuits/statements/attribution.ts";
import { multiply, symmetricMatrix } from "../compute/product.ts";
import { type Factor, factorise, solve, solveInteger } from "../compute/ridge.ts";
import { type Statistics, sumStatistics } from "../compute/statistics.ts";
import { addNode, product, type ScoreForms, scoreOf } from "./forms.ts";
import { positiveSum } from "./shares.ts";

/** How far the payout of one contribution can be moved, as a part of the pool. */
export interface ShareSlack {
	/** S_c / P without any residual; at most 1, negative for a charge. */
	readonly share: number;
	/** The largest first-order change of `share`, reached in one direction at `corner` and in the other at the opposite one. */
	readonly firstOrder: number;
	/**
	 * No choice inside the bounds changes |share| by more: `firstOrder` with the products of two residuals, the change of P in
	 * the denominator and scores that change their sign. Infinity if P can reach 0.
	 */
	readonly bound: number;
}

export interface Slack {
	/** In the order of the contributions. */
	readonly shares: readonly ShareSlack[];
	/**
	 * The accepted path that moves the share of contribution `index` furthest.
	 * @param direction - 1 to raise the share, -1 to lower it
	 * @returns W and V of all nodes as integers; the residuals keep the distance from their bounds that rounding may take
	 */
	corner(index: number, direction: 1 | -1): Path;
}

/** A node without residuals, in real numbers: W at scale 1, V = (A + mu)^-1 (A_Q W - B_Q). */
interface Node {
	readonly factor: Factor;
	readonly omega: number;
	readonly exponent: number;
	readonly w: Float64Array;
	readonly v: Float64Array;
	/** The bounds of R / s and of R' / (t s). */
	readonly bounds: readonly [number, number];
}

/**
 * Slack of every payout.
 * @param contributions - at most parameters.contributions, with parameters.maxRows rows in all
 * @throws {DataError} SHAPE_MISMATCH, SUM_TOO_LARGE, ILL_CONDITIONED
 * @throws {CircuitError} query-empty
 */
export function slackOf(contributions: readonly Statistics[], query: Statistics, parameters: AttributionParameters): Slack {
	const { d, k } = parameters;
	const train = sumStatistics(contributions);
	const a = symmetricMatrix(train.a, d);
	const aQuery = symmetricMatrix(query.a, d);
	const path = attributionPath(parameters);
	const bits = widths(parameters);
	const t = queryScale(BigInt(train.n), BigInt(query.n));
	const nodes = path.nodes.map((node): Node => {
		const factor = factorise(a, node.k * BigInt(train.n));
		const w = solve(factor, train.b, k);
		const gradient = product(aQuery.values, w, d, k).map((value, i) => value - (query.b[i] as number));
		return {
			factor,
			omega: Number(node.omega) / 2 ** OMEGA_BITS,
			exponent: node.exponent,
			w,
			v: solve(factor, gradient, k),
			bounds: [2 ** (bits.residual - 1 - node.exponent), 2 ** (bits.influenceResidual - 1 - node.exponent) / Number(t)],
		};
	});

	const forms: ScoreForms = { m: new Float64Array(train.a.length), n: new Float64Array(d * k) };
	for (const { omega, w, v } of nodes) addNode(forms, omega, w, v, d, k);
	const scores = Float64Array.from(contributions, (one) => scoreOf(one, forms));
	const positive = positiveSum(scores);
	const gradients = contributions.map((one) => scoreGradient(one, aQuery.values, nodes, k));
	const positiveGradient = new Float64Array(2 * nodes.length * d * k);
	gradients.forEach((gradient, c) => {
		if ((scores[c] as number) > 0) addMultiple(positiveGradient, gradient, 1);
	});
	const shareGradients = gradients.map((gradient, c) => addMultiple(gradient.slice(), positiveGradient, -(scores[c] as number) / positive));

	const remainder = secondOrder(nodes, aQuery.values, d, k);
	const changes = gradients.map((gradient) => norm(gradient) + remainder);
	// A score whose sign is not fixed may join or leave P.
	const unsure = changes.reduce((sum, change, c) => (Math.abs(scores[c] as number) < change ? sum + change : sum), 0);
	const least = positive - norm(positiveGradient) - remainder - unsure;
	return {
		shares: contributions.map((_, c) => {
			const share = (scores[c] as number) / positive;
			const first = norm(shareGradients[c] as Float64Array);
			const rest = Math.max(1, Math.abs(share)) * remainder + Math.abs(share) * unsure;
			return { share, firstOrder: first / positive, bound: least > 0 ? (first + rest) / least : Infinity };
		}),
		corner(index, direction) {
			const gradient = shareGradients[index] as Float64Array;
			const [b, bQuery] = [train.b, query.b].map((values) => Array.from(values, BigInt)) as [bigint[], bigint[]];
			const solved = nodes.map(({ factor, exponent }, j) => {
				const residual = (bound: number, multiplier: bigint, position: number) => {
					const size = BigInt(bound) - multiplier * roundingResidual(factor);
					return (i: number) => size * BigInt(direction * Math.sign(gradient[(2 * j + position) * d * k + i] as number));
				};
				const r = residual(2 ** (bits.residual - 1), 1n, 0);
				const w = solveInteger(
					factor,
					b.map((value, i) => (value << BigInt(exponent)) + r(i)),
				).x;
				const rQuery = residual(2 ** (bits.influenceResidual - 1), 1n << BigInt(SHIFT), 1);
				const rhs = multiply(aQuery, w, k).map((value, i) => t * (value - ((bQuery[i] as bigint) << BigInt(exponent))) + rQuery(i));
				return { w, v: solveInteger(factor, rhs, 1n << BigInt(SHIFT)).x };
			});
			return { w: solved.map(({ w }) => Array.from(w, BigInt)), v: solved.map(({ v }) => Array.from(v, BigInt)) };
		},
	};
}

/**
 * The gradient of S_c with respect to the residuals of all nodes, times their bounds: (node, R or R', feature, class).
 * With H = A + mu and G = A_c W - B_c:  dS_c = omega <H^-1 R', G> + omega <H^-1 R, A_c V + A_Q H^-1 G>.
 */
function scoreGradient(one: Statistics, aQuery: Float64Array, nodes: readonly Node[], k: number): Float64Array {
	const { d, b } = one;
	const a = symmetricMatrix(one.a, d).values;
	const gradient = new Float64Array(2 * nodes.length * d * k);
	nodes.forEach(({ factor, omega, w, v, bounds }, j) => {
		const pull = product(a, w, d, k).map((value, i) => value - (b[i] as number));
		const forV = solve(factor, pull, k);
		const forW = solve(factor, addMultiple(product(a, v, d, k), product(aQuery, forV, d, k), 1), k);
		addMultiple(gradient.subarray(2 * j * d * k, (2 * j + 1) * d * k), forW, omega * bounds[0]);
		addMultiple(gradient.subarray((2 * j + 1) * d * k, (2 * j + 2) * d * k), forV, omega * bounds[1]);
	});
	return gradient;
}

/**
 * A bound on sum_j omega <dV, X dW> for every -A <= X <= A (in the order of quadratic forms), whatever the residuals: with the
 * norm |Z|^2 = <Z, (A + mu) Z>, |dW| <= |R| / sqrt(mu) and |dV| <= |R'| / sqrt(mu) + tr((A + mu)^-1 A_Q) |dW|.
 */
function secondOrder(nodes: readonly Node[], aQuery: Float64Array, d: number, k: number): number {
	return nodes.reduce((sum, { factor, omega, bounds }) => {
		const [r, rQuery] = bounds.map((bound) => bound * Math.sqrt((d * k) / Number(factor.mu))) as [number, number];
		const ratio = solve(factor, aQuery, d);
		let trace = 0;
		for (let i = 0; i < d; i++) trace += ratio[i * d + i] as number;
		return sum + omega * r * (rQuery + trace * r);
	}, 0);
}

/** The largest residual that rounding a solution to integers makes: half the largest row sum of A + mu, and one for float64. */
function roundingResidual({ a: { d, values }, mu }: Factor): bigint {
	let most = 0;
	for (let i = 0; i < d; i++) {
		let sum = 0;
		for (let l = 0; l < d; l++) sum += values[i * d + l] as number;
		most = Math.max(most, sum);
	}
	return (BigInt(most) + mu) / 2n + 1n;
}

function addMultiple(target: Float64Array, source: Float64Array, factor: number): Float64Array {
	source.forEach((value, i) => {
		(target[i] as number) += factor * value;
	});
	return target;
}

function norm(values: Float64Array): number {
	return values.reduce((sum, value) => sum + Math.abs(value), 0);
}
