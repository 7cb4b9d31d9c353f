/**
 * Proofs of statements, as a thread of the pool makes them: inputs, commitment, challenge, witness, proof, check.
 */
import { randomBytes } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import { fromBytesBE, R } from "../bn254.ts";
import { challengeOf, digestOf, type Fixed, type Transcript } from "../challenge.ts";
import { commit } from "../commitment.ts";
import type { CompiledCircuit } from "../compile.ts";
import { groth16Prove } from "../engine.ts";
import { KeyError, ProverError } from "../errors.ts";
import { type Proof, parseProof } from "../proof.ts";
import type { ProvingKey } from "../setup.ts";
import type { G1Decimals } from "../verification-key.ts";
import { Verifier } from "../verifier.ts";
import { encodeWitness, type Inputs } from "../witness.ts";
import { Zkey } from "../zkey.ts";
import { awaitTurn, tellPhase } from "./phase.ts";
import { checkPublics, linksAt, type Prepared, prepare, setChallenge } from "./preparation.ts";

/** What a thread needs to commit to the private inputs of one proof. */
export interface CommitTask {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
	readonly inputs: Inputs;
	readonly context: `0x${string}`;
	readonly words: readonly bigint[];
	/** the lists whose evaluations are the links */
	readonly links: readonly (readonly bigint[])[];
	readonly publics?: readonly bigint[];
	readonly port: MessagePort;
}

/** A commitment to private inputs, and what opens it. Kept secret: `blind` hides the inputs. */
export interface Opening {
	readonly blind: bigint;
	readonly commitment: G1Decimals;
	readonly knowledge: G1Decimals;
	/** the proof's place in a transcript */
	readonly digest: `0x${string}`;
}

/** What a thread needs for one proof. */
export interface ProveTask extends CommitTask {
	/** made before by {@link commitInputs} from the same inputs; left out for a proof made alone */
	readonly opening?: Opening;
	/** empty for a proof made alone */
	readonly transcript: Transcript;
}

/** A proof and what it is about. */
export interface Proved {
	readonly proof: Proof;
	/** in the order of the circuit, without links, evaluation and challenge */
	readonly publics: bigint[];
	readonly links: bigint[];
	readonly challenge: bigint;
	/** wall milliseconds for commitment and witness */
	readonly witnessMs: number;
	/** wall milliseconds for the proof, without the check */
	readonly proveMs: number;
}

let verifier: Promise<Verifier> | undefined;

/** Commits to the private inputs of one proof that will be made together with others. */
export async function commitInputs(task: CommitTask): Promise<Opening> {
	return open(task, await prepare(task));
}

/** Makes one proof and checks it. The witness is computed before the pool says that it is this proof's turn. */
export async function proveStatement(task: ProveTask): Promise<Proved> {
	const { circuit, key, context, transcript } = task;
	const words = [...task.words];
	const { verification } = key;
	const start = performance.now();
	const prepared = await prepare(task);
	const { inputs, program, publics } = prepared;
	const { blind, commitment, knowledge } = task.opening ?? (await open(task, prepared));
	inputs.set("blind", [blind]);
	const fixed: Fixed = { circuitId: verification.circuitId, context, commitment, publics, words };
	const challenge = challengeOf(fixed, transcript);
	const links = linksAt(task, challenge);

	tellPhase(task.port, "witness");
	setChallenge(task, inputs, challenge);
	const witness = await program.calculate(inputs);
	checkPublics(circuit, witness, publics);
	const witnessMs = performance.now() - start;

	const { threads, key: proving } = await awaitTurn(task.port);
	const proveStart = performance.now();
	tellPhase(task.port, "prove");
	const made = await groth16Prove(proving, encodeWitness(witness), threads);
	const { pi_a: a, pi_b: b, pi_c: c } = made.proof;
	const proof = parseProof({ a: a.slice(0, 2), b: b.slice(0, 2), c: c.slice(0, 2), commitment, knowledge });
	const proveMs = performance.now() - proveStart;

	tellPhase(task.port, "check");
	verifier ??= Verifier.open();
	try {
		(await verifier).verify({ key: verification, claim: { context, publics, links, words, proof, transcript } });
	} catch (cause) {
		throw new ProverError(
			"engine.failed",
			`prove: expected a valid proof of ${circuit.circuit.id}, got one that fails: ${(cause as Error).message}`,
			{
				hint: "the witness violates a constraint that no assertion of the circuit checks, or the key file is damaged",
				cause,
			},
		);
	}
	return { proof, publics, links, challenge, witnessMs, proveMs };
}

/** Draws the blinding value and commits. */
async function open(task: CommitTask, { inputs, publics }: Prepared): Promise<Opening> {
	const { circuit, key, context, words } = task;
	const blind = fromBytesBE(randomBytes(48)) % R;
	inputs.set("blind", [blind]);
	const zkey = await Zkey.open(key.path);
	let points: Awaited<ReturnType<typeof commit>>;
	try {
		checkKey(circuit, zkey);
		const values = circuit.inputs.filter(({ visibility }) => visibility === "private").flatMap(({ name }) => inputs.get(name) as bigint[]);
		points = await commit(zkey, values);
	} finally {
		await zkey.close();
	}
	const digest = digestOf({ circuitId: key.verification.circuitId, context, commitment: points.commitment, publics, words });
	return { blind, ...points, digest };
}

function checkKey(circuit: CompiledCircuit, zkey: Zkey): void {
	if (zkey.facts.circuit === circuit.digest && zkey.nInputs === circuit.counts.nPrivateInputs) return;
	throw new KeyError(
		"key.foreign",
		`prove: expected a key of ${circuit.circuit.id} (${circuit.digest}), got one of ${zkey.facts.id} (${zkey.facts.circuit})`,
		{
			hint: "the circuit changed since the key was made, or the key is of another circuit: delete this key file and the .json beside it, and run again",
		},
	);
}
