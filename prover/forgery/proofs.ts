/** Attacks on proofs instead of witnesses: what a verifier is asked to believe differs from what was proven. One small circuit with real keys. */
import type { Instance } from "../../circuits/circuit.ts";
import { toBytesLE } from "../bn254.ts";
import { evaluationOf } from "../challenge.ts";
import { commit } from "../commitment.ts";
import { compileCircuit } from "../compile.ts";
import { groth16Prove } from "../engine.ts";
import { ProofInvalid, ProverError } from "../errors.ts";
import { ProverPool } from "../pool/pool.ts";
import { type Proof, parseProof } from "../proof.ts";
import { type ProvingKey, setupDevelopment } from "../setup.ts";
import { type Claim, checkEquation, verifyProof } from "../verify.ts";
import { encodeWitness } from "../witness.ts";
import { Zkey } from "../zkey.ts";
import { Binding } from "./binding.ts";
import { Constraints, withChallenge } from "./constraints.ts";
import type { Draws } from "./draws.ts";
import { Linearisation } from "./linearisation.ts";
import { Replay } from "./replay.ts";
import { type AttackReport, report, type Target } from "./target.ts";

const CONTEXT = `0x${"a5".repeat(32)}` as const;
const ELSEWHERE = `0x${"a6".repeat(32)}` as const;

/**
 * Proves the statement and has every alteration of it verified; then moves one value after the challenge is known, lets others follow until every
 * constraint holds, and proves that.
 * @param moved the private input whose first value is moved
 * @throws ProverError when the honest proof is not made; Error when the forgery cannot be made, so that nothing would be shown
 */
export async function attackProofs(target: Target, moved: string, draws: Draws, signal?: AbortSignal): Promise<AttackReport> {
	const { circuit, inputs, publics, words } = target.instance;
	const abort = signal ? { signal } : {};
	const compiled = await compileCircuit(circuit, abort);
	const key = await setupDevelopment(compiled, abort);
	const pool = new ProverPool({ workers: 1 });
	try {
		const { proof, challenge } = await pool.prove({ circuit: compiled, key, inputs, context: CONTEXT, words, publics, ...abort });
		const honest: Claim = { context: CONTEXT, publics, words, proof };
		verifyProof(key.verification, honest);
		const forged = await forgedProofs(target, moved, key, proof, challenge, draws);
		const claims: [string, Claim][] = [
			...circuit.publics.map((name, at): [string, Claim] => [name, { ...honest, publics: plusOne(publics, at) }]),
			...words.map((_, at): [string, Claim] => [`word ${at}`, { ...honest, words: plusOne(words, at) }]),
			["context", { ...honest, context: ELSEWHERE }],
			["forged values under the honest commitment", { ...honest, proof: forged.old }],
			["forged values under their own commitment", { ...honest, proof: forged.own }],
		];
		const findings = claims.filter(([, claim]) => !refuses(key, claim)).map(([name]) => name);
		const note = `every public signal, every word, the context; two proofs of ${moved} moved after the challenge, which the equation alone accepts`;
		return { ...report(target, "control", claims.length, findings, note), attack: "proofs" };
	} finally {
		await pool.close();
	}
}

/** Two proofs of a witness that was completed after the honest challenge was known: with the honest commitment, and with the one that fits. */
async function forgedProofs(
	target: Target,
	moved: string,
	key: ProvingKey,
	honestProof: Proof,
	challenge: bigint,
	draws: Draws,
): Promise<{ old: Proof; own: Proof }> {
	const { instance } = target;
	const system = await Constraints.of(instance.circuit);
	const honest = await system.witness(withChallenge(instance, challenge));
	const shape = Linearisation.at(system, honest);
	const binding = new Binding(target, shape, new Replay(shape, honest), honest, draws);
	const at = system.compiled.inputs.find(({ name }) => name === moved)?.wire ?? 0;
	const forgery = binding.forge(at, (honest[at] as bigint) + 1n);
	if (forgery === undefined) {
		throw new Error(`attackProofs: expected ${moved} of ${instance.circuit.id} to be forgeable under a known challenge, got a refusal`);
	}
	const [from, to] = system.privateInputs;
	const bytes = Buffer.concat(forgery.witness.map(toBytesLE));
	const { pi_a: a, pi_b: b, pi_c: c } = (await groth16Prove(key.path, encodeWitness(bytes), 1)).proof;
	const points = { a: a.slice(0, 2), b: b.slice(0, 2), c: c.slice(0, 2) };
	const zkey = await Zkey.open(key.path);
	try {
		const opened = await commit(zkey, forgery.witness.slice(from, to));
		const own = parseProof({ ...points, ...opened });
		const { commitment, knowledge } = honestProof;
		// Under the challenge that was known first the pairing equation takes it: the transcript alone is what refuses it.
		checkEquation(key.verification, signalsOf(instance, challenge), own);
		return { old: parseProof({ ...points, commitment, knowledge }), own };
	} finally {
		await zkey.close();
	}
}

function signalsOf({ circuit, publics, words }: Instance, challenge: bigint): bigint[] {
	return [...publics, ...(circuit.hasWords ? [evaluationOf(words, challenge)] : []), challenge];
}

function refuses(key: ProvingKey, claim: Claim): boolean {
	try {
		verifyProof(key.verification, claim);
		return false;
	} catch (error) {
		if (error instanceof ProofInvalid && error.code === "proof.equation") {
			return true;
		}
		throw error instanceof ProverError ? error : new Error("verifyProof failed for another reason", { cause: error });
	}
}

function plusOne(values: readonly bigint[], at: number): bigint[] {
	return values.map((value, i) => (i === at ? value + 1n : value));
}
