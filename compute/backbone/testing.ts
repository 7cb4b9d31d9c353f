/** What tests of backbones share: rows that break what is nearly right. */
import { BIAS } from "../quantisation.ts";
import { below, generator } from "../random.ts";

/** Rows of `inputs` bytes with the bias: random ones, and among them all 0, all 255, alternating. */
export function rowsOf(n: number, inputs: number, seed: bigint): Uint8Array {
	const next = generator(seed);
	return Uint8Array.from({ length: n * inputs }, (_, at) => {
		const [row, column] = [Math.floor(at / inputs), at % inputs];
		if (column === inputs - 1) return BIAS;
		const extremes = [0, 255, column % 2 === 0 ? 255 : 0, column % 2 === 0 ? 0 : 255];
		return extremes[row] ?? below(next, 256);
	});
}

/** clamp(floor(z / 2^shift + 1/2), low, high). */
export function rounded(z: bigint, shift: number, low: bigint, high: bigint): bigint {
	const value = shift === 0 ? z : (z + (1n << BigInt(shift - 1))) >> BigInt(shift);
	return value < low ? low : value > high ? high : value;
}
