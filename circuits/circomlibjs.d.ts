/** The part of circomlibjs that is used; the package has no types. */
declare module "circomlibjs" {
	export interface Poseidon {
		(inputs: readonly bigint[]): Uint8Array;
		readonly F: { toObject(element: Uint8Array): bigint };
	}
	export interface Eddsa {
		readonly babyJub: { readonly F: { e(value: bigint): Uint8Array; toObject(element: Uint8Array): bigint } };
		prv2pub(key: Uint8Array): [x: Uint8Array, y: Uint8Array];
		signPoseidon(key: Uint8Array, message: Uint8Array): { readonly R8: [x: Uint8Array, y: Uint8Array]; readonly S: bigint };
	}
	export function buildEddsa(): Promise<Eddsa>;
	export function buildPoseidon(): Promise<Poseidon>;
}
