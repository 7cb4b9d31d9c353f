/** The parts of untyped packages that this room uses. */

declare module "ffjavascript" {
	/** a stream of random numbers from a seed */
	export class ChaCha {
		/** @param seed eight 32-bit words */
		constructor(seed: readonly number[]);
	}
	/** Points as bytes: affine, or Jacobian with one coordinate more; little endian, Montgomery form. */
	interface Group {
		fromRng(rng: ChaCha): Uint8Array;
		toAffine(point: Uint8Array): Uint8Array;
		timesFr(point: Uint8Array, scalar: Uint8Array): Uint8Array;
		/** multiplies point i by `first * step^i` */
		batchApplyKey(points: Uint8Array, first: Uint8Array, step: Uint8Array): Promise<Uint8Array>;
	}
	interface Bn128 {
		readonly G1: Group;
		readonly G2: Group;
		readonly Fr: { fromRng(rng: ChaCha): Uint8Array; e(value: bigint): Uint8Array };
		terminate(): Promise<void>;
	}
	export function buildBn128(singleThread: boolean): Promise<Bn128>;
}

declare module "snarkjs" {
	interface SnarkjsProof {
		readonly pi_a: readonly string[];
		readonly pi_b: readonly (readonly string[])[];
		readonly pi_c: readonly string[];
	}
	type BinarySource = string | Uint8Array | { readonly type: "mem"; readonly data: Uint8Array };
	interface Logger {
		info(line: string): void;
		debug(line: string): void;
		warn(line: string): void;
		error(line: string): void;
	}
	type BinaryTarget = string | { type: "mem"; data: Uint8Array };
	export const curves: { getCurveFromName(name: "bn128"): Promise<import("ffjavascript").Bn128> };
	export const powersOfTau: {
		newAccumulator(curve: import("ffjavascript").Bn128, power: number, ptau: string, logger?: Logger): Promise<unknown>;
		contribute(from: string, to: string, name: string, entropy: string, logger?: Logger): Promise<unknown>;
		beacon(from: string, to: string, name: string, beacon: string, iterations: number, logger?: Logger): Promise<unknown>;
		preparePhase2(from: string, to: string, logger?: Logger): Promise<unknown>;
		verify(ptau: string, logger?: Logger): Promise<boolean>;
	};
	export const zKey: {
		newZKey(r1cs: string, ptau: BinarySource, zkey: BinaryTarget, logger?: Logger): Promise<unknown>;
		contribute(from: string, to: string, name: string, entropy: string, logger?: Logger): Promise<Uint8Array>;
		beacon(from: string, to: string, name: string, beacon: string, iterations: number, logger?: Logger): Promise<Uint8Array | false>;
		verifyFromInit(initial: string, ptau: string, zkey: string, logger?: Logger): Promise<boolean>;
		exportVerificationKey(zkey: BinarySource): Promise<unknown>;
	};
	export const wtns: {
		calculate(input: unknown, wasm: BinarySource, wtns: BinaryTarget): Promise<void>;
	};
	export const groth16: {
		prove(
			zkey: BinarySource,
			witness: BinarySource,
			logger?: undefined,
			options?: { readonly singleThread?: boolean },
		): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
		fullProve(input: unknown, wasm: BinarySource, zkey: BinarySource): Promise<{ proof: SnarkjsProof; publicSignals: string[] }>;
		verify(verificationKey: unknown, publicSignals: readonly string[], proof: unknown): Promise<boolean>;
	};
}
