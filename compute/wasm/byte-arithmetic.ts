/**
 * How this machine multiplies bytes: four at a time where an instruction takes bytes without sign times bytes with sign (what WebAssembly
 * leaves open, so it is tried), else two at a time as integers of 16 bits. Both are exact.
 *
 * With bytes x and y, x y = (x - 128) y + 128 y: so the left factor goes in less 128, and 128 times the sum of the right one is added.
 */
import { BYTE_KERNELS, PAIR_KERNELS, type ProductKernel } from "./product-kernels.ts";
import { type Build, isValid, Workspace } from "./workspace.ts";

/** Names of the ways, which threads can be told. */
export type ArithmeticName = "pairwise" | "fourfold";

export interface ByteArithmetic {
	readonly name: ArithmeticName;
	readonly kernels: Build<ProductKernel>;
	/** Bytes of a factor that go into one word. */
	readonly perWord: 2 | 4;
	/** What is subtracted from the left factor. */
	readonly offset: 0 | 128;
}

export const PAIRWISE: ByteArithmetic = { name: "pairwise", kernels: PAIR_KERNELS, perWord: 2, offset: 0 };
export const FOURFOLD: ByteArithmetic = { name: "fourfold", kernels: BYTE_KERNELS, perWord: 4, offset: 128 };

/** All ways. */
export const ARITHMETICS: Readonly<Record<ArithmeticName, ByteArithmetic>> = { pairwise: PAIRWISE, fourfold: FOURFOLD };

let chosen: ByteArithmetic | undefined;

/** The fastest one that gives the right answers here; tried once. */
export function byteArithmetic(): ByteArithmetic {
	chosen ??= isValid(BYTE_KERNELS) && answersAreRight() ? FOURFOLD : PAIRWISE;
	return chosen;
}

/** Every byte with sign times every byte without, and the largest sums of four products. */
export function answersAreRight(): boolean {
	const space = new Workspace();
	const { product } = space.kernels(BYTE_KERNELS);
	// 256 rows of one word times 256 columns in 32 panels.
	const [a, b, c] = [space.allocate(256 * 4), space.allocate(256 * 4), space.allocate(256 * 256 * 4)];
	for (const [first, rest] of [
		[1, 0],
		[1, 1],
	] as const) {
		const word = (value: number) => [value * first, value * rest, value * rest, value * rest];
		space.bytes(a, 1024).set(Array.from({ length: 256 }, (_, value) => word(value)).flat());
		space.bytes(b, 1024).set(Array.from({ length: 256 }, (_, value) => word(value)).flat());
		product(a, 4, b, c, 1024, 256, 32, 1, 1);
		const wrong = space.integers(c, 65536).some((sum, at) => {
			const [x, y] = [((at >> 8) << 24) >> 24, at & 255];
			return sum !== x * y * (first + 3 * rest);
		});
		if (wrong) return false;
	}
	return true;
}
