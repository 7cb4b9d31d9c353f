/**
 * The commitment to all private inputs: `D = sum v_i K_i` and `P = sum v_i sigma K_i` over sections 100 and 101 of a key.
 *
 * A bucket multi-exponentiation with signed digits, both sums in one pass. Most private inputs are bytes or small limbs: a value
 * costs one addition per non-zero digit of itself or of its negative, whichever is smaller, so a byte costs one.
 */
import { fromMontgomery, R } from "./bn254.ts";
import { type Curve, G1 } from "./curve.ts";
import { digitAt } from "./fixed-base.ts";
import type { G1Decimals } from "./verification-key.ts";
import { SECTION, type Zkey } from "./zkey.ts";

const CHUNK = 16384;
/** Digits in [-2^8, 2^8]: a byte is a single digit. */
const BITS = 9;
const HALF = 2 ** (BITS - 1);
const WINDOWS = Math.ceil(255 / BITS);

/** One of the two sums in the making. */
interface Buckets {
	readonly section: number;
	/** WINDOWS x HALF Jacobian points */
	readonly points: number;
}

/**
 * @param values one per committed wire, in wire order, in `[0, r)`
 * @returns D and P, decimal
 */
export async function commit(
	curve: Curve,
	key: Zkey,
	values: readonly bigint[],
): Promise<{ commitment: G1Decimals; knowledge: G1Decimals }> {
	const mark = curve.mark();
	const addMixed = curve.operation("g1m_addMixed");
	const subMixed = curve.operation("g1m_subMixed");
	const bucketBytes = WINDOWS * HALF * G1.jacobianBytes;
	const sums = [SECTION.commitment, SECTION.knowledge].map((section): Buckets => {
		const points = curve.alloc(bucketBytes);
		curve.bytes.fill(0, points, points + bucketBytes);
		return { section, points };
	}) as [Buckets, Buckets];
	const bases = curve.alloc(CHUNK * G1.affineBytes);
	const words = new Uint32Array(8);
	let highest = 0;

	for (let from = 0; from < values.length; from += CHUNK) {
		const size = Math.min(CHUNK, values.length - from);
		for (const { section, points } of sums) {
			curve.bytes.set(await key.read(section, from * G1.affineBytes, size * G1.affineBytes), bases);
			for (let i = 0; i < size; i++) {
				const value = values[from + i] as bigint;
				const negative = value > R / 2n;
				const windows = Math.ceil((writeWords(negative ? R - value : value, words) + 1) / BITS);
				let carry = 0;
				for (let window = 0; window < windows; window++) {
					let digit = digitAt(words, 0, window * BITS, BITS) + carry;
					carry = digit > HALF ? 1 : 0;
					if (carry) digit -= 2 * HALF;
					if (digit === 0) continue;
					const bucket = points + (window * HALF + Math.abs(digit) - 1) * G1.jacobianBytes;
					const operation = digit < 0 === negative ? addMixed : subMixed;
					operation(bucket, bases + i * G1.affineBytes, bucket);
				}
				highest = Math.max(highest, windows);
			}
		}
	}
	const [commitment, knowledge] = sums.map(({ points }) => sumOfBuckets(curve, points, highest)) as [G1Decimals, G1Decimals];
	curve.release(mark);
	return { commitment, knowledge };
}

/** `sum over windows w and digits d of d 2^(BITS w) bucket[w][d]`, affine. */
function sumOfBuckets(curve: Curve, points: number, windows: number): G1Decimals {
	const add = curve.operation("g1m_add");
	const double = curve.operation("g1m_double");
	const zero = curve.operation("g1m_zero");
	const isZero = curve.operation("g1m_isZero");
	const total = curve.alloc(G1.jacobianBytes);
	const running = curve.alloc(G1.jacobianBytes);
	zero(total);
	for (let window = windows - 1; window >= 0; window--) {
		for (let i = 0; i < BITS; i++) double(total, total);
		zero(running);
		for (let digit = HALF; digit >= 1; digit--) {
			const bucket = points + (window * HALF + digit - 1) * G1.jacobianBytes;
			if (!isZero(bucket)) add(running, bucket, running);
			if (!isZero(running)) add(total, running, total);
		}
	}
	curve.operation("g1m_toAffine")(total, total);
	const bytes = curve.get(total, G1.affineBytes);
	return [fromMontgomery(bytes, 0).toString(), fromMontgomery(bytes, 32).toString()];
}

/** Spreads a value over eight words. Returns its length in bits. */
function writeWords(value: bigint, words: Uint32Array): number {
	words.fill(0);
	let index = 0;
	for (let rest = value; rest > 0n; rest >>= 32n) words[index++] = Number(rest & 0xffffffffn);
	return index === 0 ? 0 : 32 * index - Math.clz32(words[index - 1] as number);
}
