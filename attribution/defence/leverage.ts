/**
 * Leverage: how much a row can bend the head by itself, h_i = x_i^T (A + mu I)^-1 x_i with mu = lambda n, in [0, 1). Values lie in [0, 255] by their
 * type, which bounds the norm; leverage bounds the direction, too. It is compared with the median of the rows.
 * Source: Hoaglin and Welsch, "The hat matrix in regression and ANOVA" (1978); Cook and Weisberg (1982), chapter 2.
 */
import { cholesky } from "../../compute/cholesky.ts";
import { matrix, multiply } from "../../compute/matrix.ts";
import type { ByteExamples } from "../byte-examples.ts";

/**
 * The leverage of each row as a multiple of the median.
 * @param train - at least one row with a weight above 0
 * @param lambda - mu per unit of weight, above 0
 */
export function relativeLeverage({ x, weight, n, d }: ByteExamples, lambda: number): Float64Array {
	const rows = matrix(Float64Array.from(x), n, d);
	const weighted = matrix(
		rows.values.map((value, i) => value * (weight[Math.floor(i / d)] as number)),
		n,
		d,
	);
	const total = weight.reduce((sum, one) => sum + one, 0);
	const factor = cholesky(multiply(rows, weighted, { left: true }), lambda * total);
	const inverse = factor.solve(identity(d));
	const solved = multiply(rows, inverse).values;
	const leverage = Float64Array.from({ length: n }, (_, row) => {
		let sum = 0;
		for (let l = 0; l < d; l++) sum += (solved[row * d + l] as number) * (rows.values[row * d + l] as number);
		return sum;
	});
	const counted = leverage.filter((_, row) => weight[row] !== 0).sort();
	const median = counted[Math.floor(counted.length / 2)] as number;
	return leverage.map((value) => value / median);
}

function identity(d: number) {
	return matrix(
		Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0)),
		d,
		d,
	);
}
