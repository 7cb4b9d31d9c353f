/** Circuits that others wrote, from npm packages, with inputs that satisfy them. */
import { buildEddsa } from "circomlibjs";
import { R } from "../bn254.ts";
import type { CircuitInputs } from "../plain/inputs.ts";

export interface ForeignCircuit {
	readonly name: string;
	readonly source: string;
	readonly inputs: () => Promise<CircuitInputs>;
	/** public signals that are known without the circuit, in order; undefined for others */
	readonly known?: readonly (string | undefined)[];
}

const main = (file: string, component: string): string => `pragma circom 2.1.6;\ninclude "${file}";\ncomponent main ${component};\n`;

/** At most 2^13 constraints each. */
export const FOREIGN: readonly ForeignCircuit[] = [
	{
		name: "semaphore",
		source: main("@semaphore-protocol/circuits/src/semaphore.circom", "{public [message, scope]} = Semaphore(4)"),
		inputs: async () => ({
			secret: "2736030358979909402780800718157159386076813972158567259200215660948447373040",
			merkleProofLength: 3,
			merkleProofIndex: 5,
			merkleProofSiblings: [11, "22", 33n, 0],
			message: "0x2a",
			scope: -1,
		}),
		known: [undefined, undefined, "42", (R - 1n).toString()],
	},
	{
		name: "eddsa-poseidon",
		source: main("circomlib/circuits/eddsaposeidon.circom", "{public [Ax, Ay, M]} = EdDSAPoseidonVerifier()"),
		inputs: signature,
	},
	{
		name: "poseidon-decrypt",
		source: main("@zk-kit/circuits/circom/poseidon-cipher.circom", "{public [nonce]} = PoseidonDecryptWithoutCheck(3)"),
		inputs: async () => ({ ciphertext: [1, 2, 3, 4], nonce: 5, key: [(R - 1n).toString(), 7] }),
		known: [undefined, undefined, undefined, "5"],
	},
	{
		name: "base64",
		source: main("@zk-email/circuits/lib/base64.circom", "= Base64Decode(6)"),
		inputs: async () => ({ in: [...Buffer.from("Z3JhbnRz")] }),
		known: [...Buffer.from("grants")].map(String),
	},
];

/** Larger ones. */
export const LARGE_FOREIGN: readonly ForeignCircuit[] = [
	{
		name: "sha256",
		source: main("circomlib/circuits/sha256/sha256.circom", "{public [in]} = Sha256(64)"),
		inputs: async () => ({ in: Array.from({ length: 64 }, (_, i) => ((i * i) % 3) & 1) }),
	},
	{
		name: "mimc-sponge",
		source: main("circomlib/circuits/mimcsponge.circom", "{public [ins]} = MiMCSponge(8, 220, 3)"),
		inputs: async () => ({ ins: [1, 2, 3, 4, 5, 6, 7, "8"], k: R - 5n }),
	},
	{
		name: "big-integers",
		source: main("@zk-email/circuits/lib/fp.circom", "= FpMul(121, 9)"),
		inputs: async () => {
			const modulus = 2n ** 1080n + 12345n;
			const limbs = (value: bigint): string[] => Array.from({ length: 9 }, (_, i) => ((value >> BigInt(121 * i)) % 2n ** 121n).toString());
			return { a: limbs(3n ** 600n % modulus), b: limbs(5n ** 400n % modulus), p: limbs(modulus) };
		},
	},
];

async function signature(): Promise<CircuitInputs> {
	const eddsa = await buildEddsa();
	const { F } = eddsa.babyJub;
	const key = Buffer.alloc(32, 7);
	const message = F.e(1234n);
	const { R8, S } = eddsa.signPoseidon(key, message);
	const [Ax, Ay] = eddsa.prv2pub(key);
	const text = (value: Uint8Array): string => F.toObject(value).toString();
	return { enabled: 1, Ax: text(Ax), Ay: text(Ay), S, R8x: text(R8[0]), R8y: text(R8[1]), M: text(message) };
}

/** 16 squarings; `ratio` is a hint that one constraint checks. About 20 constraints. */
export const CHAIN = `pragma circom 2.1.6;
template Square() {
    signal input in;
    signal output out;
    out <== in * in;
}
template Chain(n) {
    signal input x[2][2];
    signal input y;
    signal output end;
    signal output ratio;
    component square[n];
    for (var i = 0; i < n; i++) {
        square[i] = Square();
        square[i].in <== i == 0 ? x[0][0] + x[0][1] * x[1][0] : square[i - 1].out + x[1][1];
    }
    end <== square[n - 1].out;
    ratio <-- end / y;
    ratio * y === end;
}
component main {public [y]} = Chain(16);
`;

/** One squaring. */
export const SQUARE = "pragma circom 2.1.6; template T() { signal input x; signal output y; y <== x * x; } component main = T();";
