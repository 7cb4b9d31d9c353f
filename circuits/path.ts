/**
 * The ridge path as public constants (docs/design.md, section 4).
 *
 * The integral over log mu from lambda to infinity is taken in t, mu = c / (e^t - 1), by Gauss-Legendre nodes on [0, ln(1 + c / lambda)];
 * d log mu = e^t / (e^t - 1) dt. All quantities scale with the number of rows n: mu_j = K_j n, lambda = K_lambda n.
 */

/** Bits of W and V with their sign. */
export const VALUE_BITS = 36;
/** Fractional bits of the quadrature weights. */
export const OMEGA_BITS = 16;
/** 2^SHIFT (A + mu) V = t g + R'. */
export const SHIFT = 8;

export interface PathNode {
	/** mu_j = k * rows. */
	readonly k: bigint;
	/** Quadrature weight times 2^OMEGA_BITS. */
	readonly omega: bigint;
	/** log2 of the scale s_j of W_j. */
	readonly exponent: number;
	/** omega 2^(scoreExponent - 2 exponent): brings every node to one unit. */
	readonly weight: bigint;
}

export interface PathParameters {
	/** lambda = lambda * rows. */
	readonly lambda: bigint;
	/** log2 of the scale of the head at lambda. */
	readonly lambdaExponent: number;
	readonly nodes: readonly PathNode[];
	/** Twice the largest node exponent. Scores are in units of 2^-(scoreExponent + OMEGA_BITS). */
	readonly scoreExponent: number;
}

/**
 * The path for d features (with the bias), m nodes and lambda = `lambda` * rows.
 * `lambda` is at least 1; PROTOCOL's 1/1000 of the largest square is 65.
 */
export function pathParameters(d: number, m: number, lambda = 65n): PathParameters {
	const ratio = (3 * 65025 * d) / 16;
	const span = Math.log1p(ratio / Number(lambda));
	const raw = gaussLegendre(m).map(({ x, weight }) => {
		const t = ((x + 1) / 2) * span;
		const k = BigInt(Math.round(ratio / Math.expm1(t)));
		const omega = ((weight / 2) * span * Math.exp(t)) / Math.expm1(t);
		return { k, omega: BigInt(Math.round(omega * 2 ** OMEGA_BITS)), exponent: valueExponent(k) };
	});
	const scoreExponent = 2 * Math.max(...raw.map((node) => node.exponent));
	const nodes = raw.map((node) => ({ ...node, weight: node.omega << BigInt(scoreExponent - 2 * node.exponent) }));
	return { lambda, lambdaExponent: valueExponent(lambda), nodes, scoreExponent };
}

/**
 * The largest scale at which a ridge solution always fits: |W| <= |y| / (2 sqrt(mu)), so with |y| = sqrt(n) and mu = k n
 * it is s / (2 sqrt(k)), which stays below 2^(VALUE_BITS - 1).
 */
function valueExponent(k: bigint): number {
	return Math.floor(VALUE_BITS - 1 + 1 + Math.log2(Math.sqrt(Number(k))));
}

/** Nodes and weights of the Gauss-Legendre rule on [-1, 1], by Newton's method from Tricomi's estimate. */
function gaussLegendre(m: number): { x: number; weight: number }[] {
	return Array.from({ length: m }, (_, i) => {
		let x = Math.cos((Math.PI * (m - i - 0.25)) / (m + 0.5));
		let slope = 0;
		for (let pass = 0; pass < 100; pass++) {
			let before = 1;
			let value = x;
			for (let n = 2; n <= m; n++) {
				[before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
			}
			slope = (m * (x * value - before)) / (x * x - 1);
			const step = value / slope;
			x -= step;
			if (Math.abs(step) < 1e-15) {
				break;
			}
		}
		return { x, weight: 2 / ((1 - x * x) * slope * slope) };
	});
}
