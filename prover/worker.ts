/**
 * What runs in the pool's threads: making proofs.
 *
 * Tasks return `{ ok, value | error }` and never throw: an error that crosses a thread boundary would lose its class and code.
 */
import { randomBytes } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import { fromBytesBE, fromBytesLE, R, WORD } from "./bn254.ts";
import { challengeOf, digestOf, evaluationOf, type Fixed, type Transcript } from "./challenge.ts";
import { commit } from "./commitment.ts";
import type { CompiledCircuit, InputSignal } from "./compile.ts";
import { groth16Prove } from "./engine.ts";
import { KeyError, type PackedError, ProverError, packError, WitnessError } from "./errors.ts";
import { type Proof, parseProof } from "./proof.ts";
import type { ProvingKey } from "./setup.ts";
import type { G1Decimals } from "./verification-key.ts";
import { verifyProof } from "./verify.ts";
import { encodeWitness, flattenInputs, type Inputs, WitnessProgram } from "./witness.ts";
import { Zkey } from "./zkey.ts";

/** Outcome of a task. */
export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: PackedError };

/** Steps of a proof, in order. */
export type ProvePhase = "commit" | "witness" | "prove" | "check";

/** What a worker needs to commit to the private inputs of one proof. */
export interface CommitTask {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
	readonly inputs: Inputs;
	readonly context: `0x${string}`;
	readonly words: readonly bigint[];
	/** the lists whose evaluations are the links */
	readonly links: readonly (readonly bigint[])[];
	readonly publics?: readonly bigint[];
	/** gets a {@link ProvePhase} at the start of each step */
	readonly port?: MessagePort;
}

/** A commitment to private inputs, and what opens it. Kept secret: `blind` hides the inputs. */
export interface Opening {
	readonly blind: bigint;
	readonly commitment: G1Decimals;
	readonly knowledge: G1Decimals;
	/** the proof's place in a transcript */
	readonly digest: `0x${string}`;
}

/** What a worker needs for one proof. */
export interface ProveTask extends CommitTask {
	/** made before by {@link commitInputs} from the same inputs; left out for a proof made alone */
	readonly opening?: Opening;
	/** empty for a proof made alone */
	readonly transcript: Transcript;
	readonly threads: "one" | "all";
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

const KEPT_PROGRAMS = 4;
const programs = new Map<string, Promise<WitnessProgram>>();

/** Commits to the private inputs of one proof that will be made together with others. Task of the pool. */
export async function commitInputs(task: CommitTask): Promise<Outcome<Opening>> {
	try {
		const prepared = await prepare(task);
		return { ok: true, value: await open(task, prepared) };
	} catch (error) {
		return { ok: false, error: packError(error, "engine.failed") };
	} finally {
		task.port?.close();
	}
}

/** Makes one proof. Task of the pool. */
export async function prove(task: ProveTask): Promise<Outcome<Proved>> {
	try {
		return { ok: true, value: await makeProof(task) };
	} catch (error) {
		return { ok: false, error: packError(error, "engine.failed") };
	} finally {
		task.port?.close();
	}
}

/** Inputs by name without blind, links, evaluation and challenge, and what they prove. */
interface Prepared {
	readonly inputs: Map<string, bigint[]>;
	readonly program: WitnessProgram;
	readonly publics: bigint[];
}

async function prepare(task: CommitTask): Promise<Prepared> {
	const { circuit } = task;
	task.port?.postMessage("commit" satisfies ProvePhase);
	checkNames(circuit, task.inputs);
	if (!circuit.circuit.hasWords && task.words.length > 0) {
		throw new WitnessError("input.unknown", `prove: expected no words for ${circuit.circuit.id}, got ${task.words.length}`);
	}
	const reserved = reservedNames(circuit);
	const given = circuit.inputs.filter(({ name }) => !reserved.includes(name));
	const inputs = flattenInputs(circuit, task.inputs, given);
	const program = await witnessProgram(circuit);
	return { inputs, program, publics: await publicSignals(task, program, inputs) };
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

async function makeProof(task: ProveTask): Promise<Proved> {
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

	task.port?.postMessage("witness" satisfies ProvePhase);
	setChallenge(task, inputs, challenge);
	const witness = await program.calculate(inputs);
	checkPublics(circuit, witness, publics);
	const proveStart = performance.now();

	task.port?.postMessage("prove" satisfies ProvePhase);
	const made = await groth16Prove(key.path, encodeWitness(witness), task.threads);
	const { pi_a: a, pi_b: b, pi_c: c } = made.proof;
	const proof = parseProof({ a: a.slice(0, 2), b: b.slice(0, 2), c: c.slice(0, 2), commitment, knowledge });
	const proveMs = performance.now() - proveStart;

	task.port?.postMessage("check" satisfies ProvePhase);
	try {
		verifyProof(verification, { context, publics, links, words, proof, transcript });
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
	return { proof, publics, links, challenge, witnessMs: proveStart - start, proveMs };
}

/**
 * The public signals before evaluation and challenge: as the caller says, else from the inputs when all are inputs, else from a first
 * run of the witness program at an arbitrary challenge. In each case the final witness is held against them.
 */
async function publicSignals(task: CommitTask, program: WitnessProgram, inputs: Map<string, bigint[]>): Promise<bigint[]> {
	const { circuit } = task;
	const { publics } = circuit.circuit;
	if (task.publics) return [...task.publics];
	if (circuit.outputs.length === 0) return publics.map((_, index) => publicInput(circuit, inputs, index + 1));
	const trial = new Map(inputs);
	trial.set("blind", [0n]);
	setChallenge(task, trial, fromBytesBE(randomBytes(48)) % R);
	const witness = await program.calculate(trial);
	return publics.map((_, index) => fromBytesLE(witness, (index + 1) * WORD));
}

function publicInput(circuit: CompiledCircuit, inputs: ReadonlyMap<string, readonly bigint[]>, wire: number): bigint {
	const input = circuit.inputs.find((candidate) => wire >= candidate.wire && wire < candidate.wire + candidate.size) as InputSignal;
	return (inputs.get(input.name) as bigint[])[wire - input.wire] as bigint;
}

/** Sets what follows from the challenge. */
function setChallenge(task: CommitTask, inputs: Map<string, bigint[]>, challenge: bigint): void {
	const { hasWords, links } = task.circuit.circuit;
	inputs.set("challenge", [challenge]);
	if (hasWords) inputs.set("evaluation", [evaluationOf(task.words, challenge)]);
	const values = linksAt(task, challenge);
	links.forEach((name, index) => {
		inputs.set(name, [values[index] as bigint]);
	});
}

function linksAt(task: CommitTask, challenge: bigint): bigint[] {
	const { id, links } = task.circuit.circuit;
	if (task.links.length !== links.length) {
		throw new WitnessError("input.unknown", `prove: expected ${links.length} lists for the links of ${id}, got ${task.links.length}`);
	}
	return task.links.map((list) => evaluationOf(list, challenge));
}

/** Signals that the prover sets itself. */
function reservedNames({ circuit }: CompiledCircuit): string[] {
	return ["blind", ...circuit.links, "evaluation", "challenge"];
}

function checkNames(circuit: CompiledCircuit, inputs: Inputs): void {
	const names = new Set(circuit.inputs.map(({ name }) => name));
	const reserved = reservedNames(circuit);
	for (const name of reserved) names.delete(name);
	for (const name of Object.keys(inputs)) {
		if (names.has(name)) continue;
		const hint = reserved.includes(name) ? "the prover sets this signal itself" : `the signals are ${[...names].join(", ")}`;
		throw new WitnessError("input.unknown", `prove: expected inputs of ${circuit.circuit.id}, got "${name}"`, { hint });
	}
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

function checkPublics(circuit: CompiledCircuit, witness: Uint8Array, publics: readonly bigint[]): void {
	circuit.circuit.publics.forEach((name, index) => {
		const value = fromBytesLE(witness, (index + 1) * WORD);
		if (value === publics[index]) return;
		throw new WitnessError("witness.output", `prove: expected ${name} of ${circuit.circuit.id} to be ${publics[index]}, got ${value}`, {
			hint: "the public signals that were given do not follow from the inputs, or a computed one depends on the challenge",
		});
	});
}

function witnessProgram(circuit: CompiledCircuit): Promise<WitnessProgram> {
	let program = programs.get(circuit.digest);
	if (!program) {
		// The oldest makes room, so that a worker that serves many circuits does not keep them all.
		if (programs.size >= KEPT_PROGRAMS) programs.delete(programs.keys().next().value as string);
		program = WitnessProgram.load(circuit);
		programs.set(circuit.digest, program);
		program.catch(() => programs.delete(circuit.digest));
	}
	return program;
}
