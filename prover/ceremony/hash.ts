/** What a ceremony hashes, as snarkjs does: points as big-endian coordinates, BLAKE2b-512, points of G2 from a hash, factors from a beacon. */
import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import type { Bn128 } from "ffjavascript";
import { fromBytesBE, mod, R, toBytesBE } from "../bn254.ts";
import { loadFfjavascript } from "../engine.ts";
import type { G1Decimals, G2Decimals, G2Point } from "../verification-key.ts";
import { g1Decimals, g2Decimals, g2Point } from "../verification-key.ts";

/** A number that nobody could know before a moment in time. */
export interface Beacon {
	/** 1 to 255 bytes, hex */
	readonly hash: string;
	/** it is hashed `2^iterations` times; in `[10, 30]` */
	readonly iterations: number;
}

/** What follows from a beacon. */
export interface BeaconFactors {
	/** snarkjs' factor of delta, as the point that it multiplies and the product */
	readonly delta: { readonly s: G1Decimals; readonly sx: G1Decimals };
	/** our factor of sigma, in `[1, r)` */
	readonly sigma: bigint;
}

const SIGMA_BEACON = "openledger.sigma.beacon.v1";
const BLOCK = 1 << 16;
let curve: Promise<Bn128> | undefined;
let ChaCha: typeof import("ffjavascript").ChaCha;

/** ffjavascript in this thread. */
async function openCurve(): Promise<Bn128> {
	curve ??= loadFfjavascript().then((module) => {
		ChaCha = module.ChaCha;
		return module.buildBn128(true);
	});
	return curve;
}

/** Coordinates, 32 bytes each, most significant first; G2 with the imaginary parts first. */
export function pointBytes(point: G1Decimals | G2Decimals): Uint8Array {
	const words = point.flatMap((coordinate) => (typeof coordinate === "string" ? [coordinate] : [coordinate[1], coordinate[0]]));
	return Buffer.concat(words.map((word) => toBytesBE(BigInt(word))));
}

/** BLAKE2b-512 of all parts. */
export function blake2b(...parts: readonly (Uint8Array | string)[]): Buffer {
	const hash = createHash("blake2b512");
	for (const part of parts) hash.update(part);
	return hash.digest();
}

/**
 * A point that nobody knows a discrete logarithm of, as snarkjs draws it: ChaCha20 from the first 32 bytes, then the first x that is on the curve.
 * @param hash at least 32 bytes
 */
export async function hashToG2(hash: Uint8Array): Promise<G2Point> {
	const { G2 } = await openCurve();
	return g2Point(g2Decimals(G2.toAffine(G2.fromRng(new ChaCha(seedOf(hash))))));
}

/**
 * Hashes a beacon `2^iterations` times with SHA-256 and draws the factors.
 * @throws the signal's reason
 */
export async function beaconFactors(beacon: Beacon, signal?: AbortSignal): Promise<BeaconFactors> {
	let hash: Uint8Array = Buffer.from(beacon.hash, "hex");
	for (let i = 0; i < 2 ** beacon.iterations; i++) {
		hash = createHash("sha256").update(hash).digest();
		if (i % BLOCK === BLOCK - 1) {
			await breathe();
			signal?.throwIfAborted();
		}
	}
	const { G1, Fr } = await openCurve();
	const rng = new ChaCha(seedOf(hash));
	const factor = Fr.fromRng(rng);
	const s = G1.toAffine(G1.fromRng(rng));
	const sx = G1.toAffine(G1.timesFr(s, factor));
	return { delta: { s: g1Decimals(s), sx: g1Decimals(sx) }, sigma: factorFrom(SIGMA_BEACON, hash) };
}

/** A factor in `[1, r)`, from 512 bits: uniform up to 2^-256. */
export function factorFrom(...parts: readonly (Uint8Array | string)[]): bigint {
	return mod(fromBytesBE(blake2b(...parts)), R - 1n) + 1n;
}

function seedOf(hash: Uint8Array): number[] {
	const view = new DataView(hash.buffer, hash.byteOffset, 32);
	return Array.from({ length: 8 }, (_, i) => view.getUint32(4 * i));
}
