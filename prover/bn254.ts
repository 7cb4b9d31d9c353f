/**
 * The two fields of BN254 as far as this room needs them in plain bigint arithmetic: moduli, inverses and the byte
 * layouts of the file formats. Not for inner loops, and not constant time.
 */

/** Order of the groups; the field of witnesses and public signals. */
export const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Field of the coordinates. */
export const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Bytes of one field element in every file format. */
export const WORD = 32;

/**
 * Least non-negative remainder.
 * @param value any integer
 * @param modulus positive
 * @returns in `[0, modulus)`
 */
export function mod(value: bigint, modulus: bigint): bigint {
	const rest = value % modulus;
	return rest < 0n ? rest + modulus : rest;
}

/**
 * @param base any integer
 * @param exponent at least 0
 * @param modulus at least 2
 * @returns `base^exponent` in `[0, modulus)`
 */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
	let result = 1n;
	let square = mod(base, modulus);
	for (let rest = exponent; rest > 0n; rest >>= 1n) {
		if (rest & 1n) result = (result * square) % modulus;
		square = (square * square) % modulus;
	}
	return result;
}

/**
 * Inverse modulo a prime.
 * @param value not a multiple of `prime`
 * @returns in `[1, prime)`
 * @throws RangeError when there is no inverse
 */
export function inverse(value: bigint, prime: bigint): bigint {
	const result = power(value, prime - 2n, prime);
	if (mod(result * value, prime) !== 1n) throw new RangeError(`inverse: expected a unit, got ${value}`);
	return result;
}

/**
 * @param value in `[0, 2^256)`
 * @returns 32 bytes, least significant first
 */
export function toBytesLE(value: bigint): Uint8Array {
	const bytes = new Uint8Array(WORD);
	const view = new DataView(bytes.buffer);
	for (let i = 0; i < 4; i++) view.setBigUint64(8 * i, (value >> BigInt(64 * i)) & 0xffffffffffffffffn, true);
	return bytes;
}

/**
 * @param bytes holds at least 32 bytes from `offset`
 * @returns in `[0, 2^256)`
 */
export function fromBytesLE(bytes: Uint8Array, offset = 0): bigint {
	const view = new DataView(bytes.buffer, bytes.byteOffset + offset, WORD);
	let value = 0n;
	for (let i = 3; i >= 0; i--) value = (value << 64n) | view.getBigUint64(8 * i, true);
	return value;
}

/**
 * @param value in `[0, 2^256)`
 * @returns 32 bytes, most significant first, as the EVM writes words
 */
export function toBytesBE(value: bigint): Uint8Array {
	return toBytesLE(value).reverse();
}

/**
 * @param bytes most significant first, any length
 * @returns the integer
 */
export function fromBytesBE(bytes: Uint8Array): bigint {
	let value = 0n;
	for (const byte of bytes) value = (value << 8n) | BigInt(byte);
	return value;
}

const Q_MONTGOMERY_INVERSE = inverse(1n << 256n, Q);

/**
 * Reads a coordinate as keys store it: 32 bytes little endian, multiplied by `2^256`.
 * @returns in `[0, q)`
 */
export function fromMontgomery(bytes: Uint8Array, offset = 0): bigint {
	return (fromBytesLE(bytes, offset) * Q_MONTGOMERY_INVERSE) % Q;
}
