/** The part of circomlibjs that is used; the package has no types. */
declare module "circomlibjs" {
	export interface Poseidon {
		(inputs: readonly bigint[]): Uint8Array;
		readonly F: { toObject(element: Uint8Array): bigint };
	}
	export function buildPoseidon(): Promise<Poseidon>;
}
