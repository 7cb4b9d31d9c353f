/**
 * The order of floats of at least 0, ascending; equal ones stay in the order of their indices. As `ascending` of
 * compute/wasm/ranking.ts does for integers: the bits of such a float, read as an integer, have its order.
 * Source: Knuth, "The Art of Computer Programming", volume 3, 5.2.5 (radix list sort).
 */

/** Bits of a digit: six of them hold the 63 bits, and their counts lie in the first cache. */
const BITS = 11;

/**
 * Indices of the values, that of the lowest first.
 * @param values - finite, at least 0
 */
export function ascendingFloats(values: Float64Array): Uint32Array {
	const n = values.length;
	const words = new Uint32Array(values.buffer, values.byteOffset, 2 * n);
	let [order, next] = [new Uint32Array(n), new Uint32Array(n)];
	for (let i = 0; i < n; i++) order[i] = i;
	const positions = new Uint32Array(2 ** BITS);
	// The lower word of a float comes first.
	for (const word of [0, 1]) {
		for (let shift = 0; shift < 32; shift += BITS) {
			const digitOf = (i: number) => ((words[2 * i + word] as number) >>> shift) & (2 ** BITS - 1);
			positions.fill(0);
			for (let i = 0; i < n; i++) (positions[digitOf(i)] as number)++;
			// Where all have one digit there is nothing to do, as for the low word of small integers.
			if (n === 0 || positions[digitOf(0)] === n) continue;
			for (let digit = 0, start = 0; digit < positions.length; digit++) {
				const count = positions[digit] as number;
				positions[digit] = start;
				start += count;
			}
			for (let r = 0; r < n; r++) {
				const i = order[r] as number;
				const digit = digitOf(i);
				const to = positions[digit] as number;
				positions[digit] = to + 1;
				next[to] = i;
			}
			[order, next] = [next, order];
		}
	}
	return order;
}
