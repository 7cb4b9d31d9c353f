/**
 * Plain Groth16 proofs from snarkjs' files, as a thread of the pool makes them: proof, then check against the key's own verification key.
 */
import type { MessagePort } from "node:worker_threads";
import { bn254 } from "@noble/curves/bn254.js";
import { R, WORD } from "../bn254.ts";
import type { Groth16Proof } from "../engine/groth16.ts";
import { Sections, type Source } from "../engine/sections.ts";
import { KEY_FORMAT } from "../engine/sums.ts";
import { groth16Prove } from "../engine.ts";
import { ProverError } from "../errors.ts";
import { type G1Decimals, type G1Point, type G2Decimals, g1Decimals, g1Point, g2Decimals, g2Point } from "../verification-key.ts";
import { HEADER_BYTES, SECTION } from "../zkey.ts";
import { awaitTurn, tellPhase } from "./phase.ts";

/** What a thread needs for one proof. */
export interface PlainTask {
	readonly zkey: Source;
	readonly wtns: Source;
	readonly port: MessagePort;
}

/** As snarkjs' `groth16.prove` returns it. */
export interface PlainProof {
	readonly proof: Groth16Proof;
	readonly publicSignals: string[];
}

const OFFSET = { alpha: 84, beta: 212, gamma: 340, delta: 532 } as const;
const G1_BYTES = 2 * WORD;

/**
 * Makes one proof and checks it.
 * @throws KeyError, WitnessError as the engine's `prove`; ProverError `engine.failed` when the proof does not verify
 */
export async function provePlain({ zkey, wtns, port }: PlainTask): Promise<PlainProof> {
	const threads = await awaitTurn(port);
	tellPhase(port, "prove");
	const made = await groth16Prove(zkey, wtns, threads);
	tellPhase(port, "check");
	await checkPlain(zkey, made);
	return made;
}

/** `e(-A, B) e(alpha, beta) e(IC_0 + sum IC_i s_i, gamma) e(C, delta) = 1`, with all points but the proof's from the key. */
async function checkPlain(zkey: Source, { proof, publicSignals }: PlainProof): Promise<void> {
	const key = await Sections.open(zkey, KEY_FORMAT);
	try {
		const header = await key.read(SECTION.header, 0, HEADER_BYTES);
		const ic = await key.read(SECTION.ic, 0, (publicSignals.length + 1) * G1_BYTES);
		const { Fp12 } = bn254.fields;
		const [a, c] = [proof.pi_a, proof.pi_c].map((point) => g1Point(point.slice(0, 2) as unknown as G1Decimals)) as [G1Point, G1Point];
		let publicTerm = g1At(ic, 0);
		publicSignals.forEach((signal, index) => {
			publicTerm = publicTerm.add(g1At(ic, (index + 1) * G1_BYTES).multiplyUnsafe(BigInt(signal) % R));
		});
		const pairs = [
			{ g1: a.negate(), g2: g2Point(proof.pi_b.slice(0, 2) as unknown as G2Decimals) },
			{ g1: g1At(header, OFFSET.alpha), g2: g2Point(g2Decimals(header, OFFSET.beta)) },
			{ g1: publicTerm, g2: g2Point(g2Decimals(header, OFFSET.gamma)) },
			{ g1: c, g2: g2Point(g2Decimals(header, OFFSET.delta)) },
		];
		// A pair with the point at infinity contributes 1.
		if (Fp12.eql(bn254.pairingBatch(pairs.filter(({ g1 }) => !g1.is0())), Fp12.ONE)) return;
		throw new ProverError("engine.failed", `prove: expected a valid proof for ${key.name}, got one that fails the pairing equation`, {
			hint: "the witness violates a constraint of the circuit, the key file is damaged, or it is the key of a statement, which needs a commitment too",
		});
	} finally {
		await key.close();
	}
}

/** A point of a key; infinity, which is all zeros, stands for a public signal that no constraint uses. */
function g1At(bytes: Uint8Array, offset: number): G1Point {
	const point = g1Decimals(bytes, offset);
	return point.every((coordinate) => coordinate === "0") ? bn254.G1.Point.ZERO : g1Point(point);
}
