/** The parts of untyped packages that this room uses. */

declare module "ffjavascript" {
	interface Bn128 {
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
	export const zKey: {
		exportVerificationKey(zkey: BinarySource): Promise<unknown>;
		newZKey(r1cs: string, ptau: BinarySource, zkey: { type: "mem"; data: Uint8Array }): Promise<unknown>;
		exportVerificationKey(zkey: BinarySource): Promise<unknown>;
	};
	export const wtns: {
		calculate(input: unknown, wasm: BinarySource, wtns: string | { type: "mem"; data: Uint8Array }): Promise<void>;
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
