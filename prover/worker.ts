/**
 * What runs in the pool's threads: making proofs, and multiplying generators for setups.
 *
 * Tasks return `{ ok, value | error }` and never throw: an error that crosses a thread boundary would lose its class and code.
 */
import { randomBytes } from "node:crypto";
import type { MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { fromBytesBE, fromBytesLE, R, WORD } from "./bn254.ts";
import { challengeOf, evaluationOf } from "./challenge.ts";
import { commit } from "./commitment.ts";
import type { CompiledCircuit, InputSignal } from "./compile.ts";
import { Curve, G1, G2 } from "./curve.ts";
import { groth16Prove } from "./engine.ts";
import { KeyError, type PackedError, ProverError, packError, WitnessError } from "./errors.ts";
import { FixedBase } from "./fixed-base.ts";
import { type Proof, parseProof } from "./proof.ts";
import type { ProvingKey } from "./setup.ts";
import { verifyProof } from "./verify.ts";
import { encodeWitness, flattenInputs, type Inputs, WitnessProgram } from "./witness.ts";
import { Zkey } from "./zkey.ts";

/** Outcome of a task. */
export type Outcome<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: PackedError };

/** Steps of a proof, in order. */
export type ProvePhase = "commit" | "witness" | "prove" | "check";

/** What a worker needs for one proof. */
export interface ProveTask {
	readonly circuit: CompiledCircuit;
	readonly key: ProvingKey;
	readonly inputs: Inputs;
	readonly context: `0x${string}`;
	readonly words: readonly bigint[];
	readonly publics?: readonly bigint[];
	readonly threads: "one" | "all";
	/** gets a {@link ProvePhase} at the start of each step */
	readonly port?: MessagePort;
}

/** A proof and what it is about. */
export interface Proved {
	readonly proof: Proof;
	/** in the order of the circuit, without evaluation and challenge */
	readonly publics: bigint[];
	readonly challenge: bigint;
	/** wall milliseconds for commitment and witness */
	readonly witnessMs: number;
	/** wall milliseconds for the proof, without the check */
	readonly proveMs: number;
}

/** Multiples of a generator. */
export interface MultiplyTask {
	readonly group: "g1m" | "g2m";
	/** window width of the table, see fixed-base.ts */
	readonly bits: number;
	/** 32 bytes each, little endian, in `[0, r)` */
	readonly scalars: Uint8Array;
}

/** Signals that the prover sets itself. */
const RESERVED = ["blind", "evaluation", "challenge"];
const KEPT_PROGRAMS = 4;
const programs = new Map<string, Promise<WitnessProgram>>();
const tables = new Map<string, Promise<FixedBase>>();
let commitCurve: Promise<Curve> | undefined;

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

/** Multiplies one chunk. Task of the setup's pool. */
export async function multiply(task: MultiplyTask): Promise<Outcome<Uint8Array>> {
	try {
		const value = await multiplyChunk(task);
		const outcome: Outcome<Uint8Array> = { ok: true, value };
		// Piscina's protocol for handing the points over without a copy.
		return { ...outcome, [Piscina.transferableSymbol]: [value.buffer], [Piscina.valueSymbol]: outcome };
	} catch (error) {
		return { ok: false, error: packError(error, "setup.failed") };
	}
}

/**
 * Multiplies the generator of a group by each scalar.
 * @returns affine points in the layout of keys
 */
export async function multiplyChunk({ group, bits, scalars }: MultiplyTask): Promise<Uint8Array<ArrayBuffer>> {
	const name = `${group}/${bits}`;
	let table = tables.get(name);
	if (!table) {
		table = Curve.open().then((curve) => new FixedBase(curve, group === "g1m" ? G1 : G2, bits));
		tables.set(name, table);
	}
	return (await table).multiply(scalars);
}

async function makeProof(task: ProveTask): Promise<Proved> {
	const { circuit, key, context } = task;
	const words = [...task.words];
	const { verification } = key;
	const start = performance.now();
	task.port?.postMessage("commit" satisfies ProvePhase);
	checkNames(circuit, task.inputs);
	if (!circuit.circuit.hasWords && words.length > 0) {
		throw new WitnessError("input.unknown", `prove: expected no words for ${circuit.circuit.id}, got ${words.length}`);
	}
	const given = circuit.inputs.filter(({ name }) => !RESERVED.includes(name));
	const inputs = flattenInputs(circuit, task.inputs, given);
	inputs.set("blind", [fromBytesBE(randomBytes(48)) % R]);
	const program = await witnessProgram(circuit);
	const publics = await publicSignals(task, program, inputs);

	const zkey = await Zkey.open(key.path);
	let points: Awaited<ReturnType<typeof commit>>;
	try {
		checkKey(circuit, zkey);
		const values = circuit.inputs.filter(({ visibility }) => visibility === "private").flatMap(({ name }) => inputs.get(name) as bigint[]);
		commitCurve ??= Curve.open();
		points = await commit(await commitCurve, zkey, values);
	} finally {
		await zkey.close();
	}
	const challenge = challengeOf({ circuitId: verification.circuitId, context, commitment: points.commitment, publics, words });

	task.port?.postMessage("witness" satisfies ProvePhase);
	setTranscript(circuit, inputs, words, challenge);
	const witness = await program.calculate(inputs);
	checkPublics(circuit, witness, publics);
	const proveStart = performance.now();

	task.port?.postMessage("prove" satisfies ProvePhase);
	const made = await groth16Prove(key.path, encodeWitness(witness), task.threads);
	const { pi_a: a, pi_b: b, pi_c: c } = made.proof;
	const proof = parseProof({ a: a.slice(0, 2), b: b.slice(0, 2), c: c.slice(0, 2), ...points });
	const proveMs = performance.now() - proveStart;

	task.port?.postMessage("check" satisfies ProvePhase);
	try {
		verifyProof(verification, { context, publics, words, proof });
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
	return { proof, publics, challenge, witnessMs: proveStart - start, proveMs };
}

/**
 * The public signals before evaluation and challenge: as the caller says, else from the inputs when all are inputs, else from a first
 * run of the witness program at an arbitrary challenge. In each case the final witness is held against them.
 */
async function publicSignals(task: ProveTask, program: WitnessProgram, inputs: Map<string, bigint[]>): Promise<bigint[]> {
	const { circuit } = task;
	const { publics } = circuit.circuit;
	if (task.publics) return [...task.publics];
	if (circuit.outputs.length === 0) return publics.map((_, index) => publicInput(circuit, inputs, index + 1));
	const trial = new Map(inputs);
	setTranscript(circuit, trial, task.words, fromBytesBE(randomBytes(48)) % R);
	const witness = await program.calculate(trial);
	return publics.map((_, index) => fromBytesLE(witness, (index + 1) * WORD));
}

function publicInput(circuit: CompiledCircuit, inputs: ReadonlyMap<string, readonly bigint[]>, wire: number): bigint {
	const input = circuit.inputs.find((candidate) => wire >= candidate.wire && wire < candidate.wire + candidate.size) as InputSignal;
	return (inputs.get(input.name) as bigint[])[wire - input.wire] as bigint;
}

function setTranscript(circuit: CompiledCircuit, inputs: Map<string, bigint[]>, words: readonly bigint[], challenge: bigint): void {
	inputs.set("challenge", [challenge]);
	if (circuit.circuit.hasWords) inputs.set("evaluation", [evaluationOf(words, challenge)]);
}

function checkNames(circuit: CompiledCircuit, inputs: Inputs): void {
	const names = new Set(circuit.inputs.map(({ name }) => name));
	for (const name of RESERVED) names.delete(name);
	for (const name of Object.keys(inputs)) {
		if (names.has(name)) continue;
		const hint = RESERVED.includes(name) ? "the prover sets this signal itself" : `the signals are ${[...names].join(", ")}`;
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
