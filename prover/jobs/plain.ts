/** A thread that makes plain Groth16 proofs from snarkjs' files and checks them against the key's own verification key. */
import { bn254 } from "@noble/curves/bn254.js";
import { fromMontgomery, WORD } from "../bn254.ts";
import { type Groth16Proof, prove } from "../engine/groth16.ts";
import { Sections } from "../engine/sections.ts";
import { KEY_FORMAT } from "../engine/sums.ts";
import { packError, WitnessError } from "../errors.ts";
import type { G1Decimals, G1Point, G2Decimals, G2Point } from "../verification-key.ts";
import { g1Point, g2Point } from "../verification-key.ts";
import type { Outcome } from "../worker.ts";
import { SECTION } from "../zkey.ts";

export interface PlainTask {
	readonly zkey: string;
	/** content of the .wtns */
	readonly wtns: Uint8Array;
}

/** As snarkjs' `groth16.prove` returns it. */
export interface PlainProof {
	readonly proof: Groth16Proof;
	readonly publicSignals: string[];
}

const OFFSET = { alpha: 84, beta: 212, gamma: 340, delta: 532 } as const;

/** Task of the pool. */
export default async function provePlain({ zkey, wtns }: PlainTask): Promise<Outcome<PlainProof>> {
	try {
		const made = await prove(zkey, wtns);
		await check(zkey, made);
		return { ok: true, value: made };
	} catch (error) {
		return { ok: false, error: packError(error, "engine.failed") };
	}
}

/** `e(-A, B) e(alpha, beta) e(IC_0 + sum IC_i s_i, gamma) e(C, delta) = 1` */
async function check(zkey: string, { proof, publicSignals }: PlainProof): Promise<void> {
	const key = await Sections.open(zkey, KEY_FORMAT);
	try {
		const header = await key.read(SECTION.header);
		const ic = await key.read(SECTION.ic);
		let inputs = g1At(ic, 0);
		publicSignals.forEach((signal, index) => {
			inputs = inputs.add(g1At(ic, (index + 1) * 2 * WORD).multiplyUnsafe(BigInt(signal)));
		});
		const pairs = [
			{
				g1: g1Point(proof.pi_a.slice(0, 2) as unknown as G1Decimals).negate(),
				g2: g2Point(proof.pi_b.slice(0, 2) as unknown as G2Decimals),
			},
			{ g1: g1At(header, OFFSET.alpha), g2: g2At(header, OFFSET.beta) },
			{ g1: inputs, g2: g2At(header, OFFSET.gamma) },
			{ g1: g1Point(proof.pi_c.slice(0, 2) as unknown as G1Decimals), g2: g2At(header, OFFSET.delta) },
		].filter(({ g1 }) => !g1.is0());
		const { Fp12 } = bn254.fields;
		if (Fp12.eql(bn254.pairingBatch(pairs), Fp12.ONE)) return;
		throw new WitnessError(
			"witness.unsatisfied",
			"prove: expected a witness that satisfies the circuit, got a proof that does not verify",
			{
				hint: "the witness violates a constraint, or it belongs to another circuit of the same size",
			},
		);
	} finally {
		await key.close();
	}
}

/** Infinity is all zeros: a public signal that no constraint uses. */
function g1At(bytes: Uint8Array, offset: number): G1Point {
	const [x, y] = pair(bytes, offset);
	return x === "0" && y === "0" ? bn254.G1.Point.ZERO : g1Point([x, y]);
}

function g2At(bytes: Uint8Array, offset: number): G2Point {
	return g2Point([pair(bytes, offset), pair(bytes, offset + 2 * WORD)]);
}

function pair(bytes: Uint8Array, offset: number): G1Decimals {
	return [fromMontgomery(bytes, offset).toString(), fromMontgomery(bytes, offset + WORD).toString()];
}
