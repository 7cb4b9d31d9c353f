/**
 * A seeded generator of 32-bit integers, identical on every machine: xoshiro128** with its state filled by SplitMix64.
 * For data and weights that anybody must be able to draw again; never for secrets.
 * Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021), and https://prng.di.unimi.it.
 */

const MASK = (1n << 64n) - 1n;

/** Draws integers, uniform in [0, 2^32). */
export type Generator = () => number;

/** SplitMix64: draws uniform 64-bit integers; used to fill the state of a larger generator. */
export function splitmix64(seed: bigint): () => bigint {
	let state = seed & MASK;
	return () => {
		state = (state + 0x9e3779b97f4a7c15n) & MASK;
		let z = state;
		z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
		z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
		return z ^ (z >> 31n);
	};
}

/** xoshiro128** from its four 32-bit words of state, not all zero. */
export function xoshiro128(state: readonly [number, number, number, number]): Generator {
	let [a, b, c, d] = state;
	return () => {
		const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
		const shifted = b << 9;
		c ^= a;
		d ^= b;
		b ^= c;
		a ^= d;
		c ^= shifted;
		d = rotate(d, 11);
		return result;
	};
}

/** The generator of a seed in [0, 2^64): the low and high halves of two SplitMix64 draws are the state. */
export function generator(seed: bigint): Generator {
	const draw = splitmix64(seed);
	const [first, second] = [draw(), draw()];
	const low = (word: bigint) => Number(word & 0xffffffffn);
	return xoshiro128([low(first), low(first >> 32n), low(second), low(second >> 32n)]);
}

/**
 * An integer in [0, bound): the high part of a 32 x 20-bit product, exact in float64. Its bias is below bound / 2^32.
 * @param bound - in [1, 2^20]
 */
export function below(next: Generator, bound: number): number {
	return Math.floor((next() * bound) / 2 ** 32);
}

function rotate(word: number, by: number): number {
	return (word << by) | (word >>> (32 - by));
}
