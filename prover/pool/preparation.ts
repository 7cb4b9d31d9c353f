/**
 * Witnesses of statements: inputs by name become wires, before and after the challenge is known.
 */
import { randomBytes } from "node:crypto";
import { fromBytesBE, fromBytesLE, R, WORD } from "../bn254.ts";
import { evaluationOf } from "../challenge.ts";
import type { CompiledCircuit, InputSignal } from "../compile.ts";
import { WitnessError } from "../errors.ts";
import { flattenInputs, type Inputs, WitnessProgram } from "../witness.ts";
import { tellPhase } from "./phase.ts";
import type { CommitTask } from "./statement.ts";

const KEPT_PROGRAMS = 4;
const programs = new Map<string, Promise<WitnessProgram>>();

/** Inputs by name without blind, links, evaluation and challenge, and what they prove. */
export interface Prepared {
	readonly inputs: Map<string, bigint[]>;
	readonly program: WitnessProgram;
	readonly publics: bigint[];
}

/**
 * Checks the inputs and finds the public signals.
 * @throws WitnessError `input.*`, `witness.unsatisfied`
 */
export async function prepare(task: CommitTask): Promise<Prepared> {
	const { circuit } = task;
	tellPhase(task.port, "commit");
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
export function setChallenge(task: CommitTask, inputs: Map<string, bigint[]>, challenge: bigint): void {
	const { hasWords, links } = task.circuit.circuit;
	inputs.set("challenge", [challenge]);
	if (hasWords) inputs.set("evaluation", [evaluationOf(task.words, challenge)]);
	const values = linksAt(task, challenge);
	links.forEach((name, index) => {
		inputs.set(name, [values[index] as bigint]);
	});
}

/** The links: evaluations of the lists at the challenge. */
export function linksAt(task: CommitTask, challenge: bigint): bigint[] {
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

/** Holds a witness against the public signals that were promised. */
export function checkPublics(circuit: CompiledCircuit, witness: Uint8Array, publics: readonly bigint[]): void {
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
