/** Heads, residuals and their ranges: the integer side of "solve in floating point, check in integers". */
import { CircuitError } from "./errors.ts";
import { limbCount, type Multiplicity, toLimbs } from "./limbs.ts";
import { LIMB_BITS } from "./page.ts";
import { VALUE_BITS } from "./path.ts";
import { type Statistics, triangleIndex } from "./statistics.ts";

/**
 * (A + mu I) W, exactly: `w` has d x k entries, feature by feature.
 * @returns d x k entries
 */
export function applyRidge(stats: Statistics, mu: bigint, w: readonly bigint[], d: number, k: number): bigint[] {
	const out = new Array<bigint>(d * k).fill(0n);
	for (let i = 0; i < d; i++) {
		for (let l = 0; l < d; l++) {
			const a = (stats.a[triangleIndex(i, l, d)] as bigint) + (i === l ? mu : 0n);
			if (a !== 0n) {
				for (let c = 0; c < k; c++) {
					out[k * i + c] = (out[k * i + c] as bigint) + a * (w[k * l + c] as bigint);
				}
			}
		}
	}
	return out;
}

/**
 * Bits (sign included) that hold every residual of a head rounded to integers, 2^shift ((A + mu I) W - Y):
 * half the largest row sum of |A + mu I|, at most rows (255^2 d + K) / 2. No more than that: a spare bit doubles what a prover may choose.
 */
export function residualBits(maxRows: number, d: number, k: bigint, shift = 0): number {
	const bound = ((BigInt(maxRows) * (65025n * BigInt(d) + k)) / 2n) << BigInt(shift);
	return bound.toString(2).length + 1;
}

/**
 * Limbs of signed values in [-2^(bits-1), 2^(bits-1)), offset to be non-negative and shifted so that they fill their top limb: whole limbs
 * then bound the value by its exact width. Counts their lookups.
 * @param what names the values in the error, with the index of the one out of range
 */
export function signedLimbs(values: readonly bigint[], bits: number, what: string, multiplicity: Multiplicity): bigint[] {
	const half = 1n << BigInt(bits - 1);
	const count = limbCount(bits, LIMB_BITS);
	const shift = BigInt(count * LIMB_BITS - bits);
	return values.flatMap((value, i) => {
		if (value < -half || value >= half) {
			throw new CircuitError(
				"value-range",
				`${what}: expected entry ${i} in [-2^${bits - 1}, 2^${bits - 1}), got ${value}`,
				"Solve more exactly, raise the ridge, or use a parameter set for more rows.",
			);
		}
		const limbs = toLimbs((value + half) << shift, count, LIMB_BITS);
		multiplicity.addLimbs(limbs);
		return limbs;
	});
}

/** @throws CircuitError `total-rows` when there are more rows than the residual bounds of the parameter set allow for */
export function checkRows(statement: string, total: Statistics, maxRows: number): void {
	if (total.rows > BigInt(maxRows)) {
		throw new CircuitError(
			"total-rows",
			`${statement}: expected at most ${maxRows} rows in all, got ${total.rows}`,
			"Use a parameter set for more rows.",
		);
	}
}

/** W as non-negative values of VALUE_BITS bits. */
export function offsetHead(w: readonly bigint[]): bigint[] {
	return w.map((value) => value + (1n << BigInt(VALUE_BITS - 1)));
}
