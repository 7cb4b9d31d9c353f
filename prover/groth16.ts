/**
 * `import { groth16 } from "openledger/prover"`: plain Groth16 over BN254 for any circom circuit, with snarkjs' files, arguments and results.
 *
 * Beyond snarkjs: a proof is checked against its key's own verification key before it is handed out, failures have stable codes, and work
 * can be watched and stopped. Nothing keeps a process alive: threads stay for the next proof and end with the process.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Source } from "./engine/sections.ts";
import { groth16Prove } from "./engine.ts";
import { CompileError, KeyError, type ProverError, WitnessError } from "./errors.ts";
import { checkPlain, isValid } from "./plain/equation.ts";
import { type CircuitInputs, parseInputs } from "./plain/inputs.ts";
import { alphaBeta, type Groth16VerificationKey, readPlainKey } from "./plain/key.ts";
import type { ProofWithSignals } from "./plain/proof.ts";
import { checkMade } from "./plain/self-check.ts";
import { openSymbols } from "./plain/violation.ts";
import { readR1csHeader } from "./r1cs.ts";
import { encodeWitness, WitnessProgram } from "./witness.ts";

export type { ProverErrorCode } from "./errors.ts";
export { CompileError, KeyError, ProofInvalid, ProverError, WitnessError } from "./errors.ts";
export type { CircuitInput, CircuitInputs } from "./plain/inputs.ts";
export type { Groth16VerificationKey } from "./plain/key.ts";
export type { Groth16Proof, ProofWithSignals } from "./plain/proof.ts";

/** A file as snarkjs takes it: its path, its content, or either in an object. */
export type BinaryFile =
	| string
	| Uint8Array
	| { readonly type: "mem"; readonly data?: Uint8Array }
	| { readonly type: "file"; readonly fileName: string };

/** What a proof is being done to. */
export interface ProveProgress {
	readonly phase: "witness" | "prove" | "check";
	readonly done: number;
	readonly total: number;
}

export interface ProveOptions {
	/** "one": the calling thread; "all", the default: one thread per core */
	readonly threads?: "one" | "all";
	/** the circuit's constraints: when the proof fails its check, they are searched for the one that the witness violates */
	readonly r1cs?: BinaryFile;
	/** the circuit's symbol table: signals of that constraint are called by their names */
	readonly sym?: BinaryFile;
	/** looked at between parts of the work, which take a fraction of a second at 2^16 constraints */
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: ProveProgress) => void;
}

/**
 * Makes a proof and checks it, as `snarkjs.groth16.prove`.
 * @param zkey proving key of any circom circuit over BN254
 * @param wtns witness of the same circuit
 * @param options a logger in this place, as snarkjs takes one, is not used
 * @returns what snarkjs returns: it verifies there, here and on chain
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`, `key.invalid`, `key.foreign`
 * @throws WitnessError `witness.missing`, `witness.format`, `witness.truncated`, `witness.range`; `witness.unsatisfied` when the proof fails
 *   its check because the witness violates a constraint, which `options.r1cs` names
 * @throws CompileError `r1cs.missing`, `r1cs.format`, `r1cs.truncated`, `r1cs.foreign`, `sym.missing`
 * @throws ProverError `engine.failed`, `pool.crashed`; the signal's reason
 */
async function prove(zkey: BinaryFile, wtns: BinaryFile, options: ProveOptions = {}): Promise<ProofWithSignals> {
	const witness = sourceOf(wtns, "wtns", (message) => new WitnessError("witness.missing", message));
	return proveChecked(keySource(zkey), witness, options);
}

/**
 * Calculates the witness and proves, as `snarkjs.groth16.fullProve`.
 * @param input values by signal name: numbers, decimal strings, bigints, nested arrays; in `(-r, r)`
 * @param wasm the circuit's witness program, of circom 2
 * @param zkey as {@link prove}
 * @returns as {@link prove}
 * @throws WitnessError `witness.program`, `input.format`, `input.range`, `input.unknown`, `input.size`, `input.missing`;
 *   `witness.unsatisfied` with circom's template and line when an assertion fails
 * @throws as {@link prove}
 */
async function fullProve(input: CircuitInputs, wasm: BinaryFile, zkey: BinaryFile, options: ProveOptions = {}): Promise<ProofWithSignals> {
	const { signal, onProgress } = options;
	signal?.throwIfAborted();
	const inputs = parseInputs(input);
	const key = keySource(zkey);
	onProgress?.({ phase: "witness", done: 0, total: 1 });
	const source = sourceOf(wasm, "witness program", programMissing);
	const content = typeof source === "string" ? await readFile(source).catch(unreadable(source)) : source;
	const program = await WitnessProgram.compile(content, typeof source === "string" ? source : "a witness program in memory");
	const witness = encodeWitness(await program.calculateChecked(inputs));
	onProgress?.({ phase: "witness", done: 1, total: 1 });
	return proveChecked(key, witness, options);
}

/**
 * Whether a proof is good, as `snarkjs.groth16.verify`. A number of public signals that is not the key's, where snarkjs takes missing ones for
 * zero, and coordinates at or above q, which snarkjs reduces, are no good here.
 * @param verificationKey parsed JSON of a verification key
 * @param publicSignals parsed JSON of public signals
 * @param proof parsed JSON of a proof
 * @returns false also for public signals at or above r, and for points off the curve or outside the group
 * @throws ProofInvalid `proof.format` for what is no proof or no list of numbers
 * @throws KeyError `vkey.format`, `vkey.invalid`
 */
async function verify(verificationKey: unknown, publicSignals: unknown, proof: unknown): Promise<boolean> {
	return isValid({ key: verificationKey, publicSignals, proof });
}

/**
 * Returns if a proof is good, and says why when it is not.
 * @throws ProofInvalid `proof.public` (number or range of public signals), `proof.point` (off the curve or outside the group),
 *   `proof.equation` (all else), and as {@link verify}
 */
async function check(verificationKey: unknown, publicSignals: unknown, proof: unknown): Promise<void> {
	await checkPlain({ key: verificationKey, publicSignals, proof });
}

/**
 * Reads the verification key out of a proving key, as `snarkjs.zKey.exportVerificationKey`.
 * @param zkey as {@link prove}
 * @returns the JSON that snarkjs writes, `vk_alphabeta_12` included
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`; `key.invalid` when a point is not in the group
 */
async function exportVerificationKey(zkey: BinaryFile): Promise<Groth16VerificationKey> {
	const { key, json } = await readPlainKey(keySource(zkey));
	const { IC, ...others } = json;
	return { ...others, vk_alphabeta_12: alphaBeta(key), IC };
}

/** Plain Groth16 over BN254. */
export const groth16 = { prove, fullProve, verify, check, exportVerificationKey };

async function proveChecked(zkey: Source, wtns: Source, options: ProveOptions): Promise<ProofWithSignals> {
	const { threads = "all", signal, onProgress } = options;
	signal?.throwIfAborted();
	const constraints =
		options.r1cs === undefined ? undefined : sourceOf(options.r1cs, "r1cs", (message) => new CompileError("r1cs.missing", message));
	const symbols =
		options.sym === undefined ? undefined : sourceOf(options.sym, "sym", (message) => new CompileError("sym.missing", message));
	// Both are needed only when the proof fails, but a wrong path should not come to light then.
	if (constraints !== undefined) await readR1csHeader(constraints);
	if (typeof symbols === "string") await (await openSymbols(symbols)).close();

	const made = await groth16Prove(zkey, wtns, threads === "all" ? availableParallelism() : 1, {
		...(signal ? { signal } : {}),
		onProgress: (done, total) => onProgress?.({ phase: "prove", done, total }),
	});
	signal?.throwIfAborted();
	onProgress?.({ phase: "check", done: 0, total: 1 });
	await checkMade(zkey, wtns, made, { constraints, symbols, signal });
	onProgress?.({ phase: "check", done: 1, total: 1 });
	return made;
}

function keySource(zkey: BinaryFile): Source {
	return sourceOf(zkey, "zkey", (message) => new KeyError("key.missing", message));
}

function sourceOf(file: BinaryFile, what: string, missing: (message: string) => ProverError): Source {
	if (typeof file === "string" || file instanceof Uint8Array) return file;
	if (file?.type === "mem" && file.data instanceof Uint8Array) return file.data;
	if (file?.type === "file" && typeof file.fileName === "string") return file.fileName;
	throw missing(`groth16: expected a ${what} as path, Uint8Array or { type: "mem", data }, got ${file === null ? "null" : typeof file}`);
}

function programMissing(message: string, cause?: unknown): WitnessError {
	return new WitnessError("witness.program", message, { cause });
}

function unreadable(path: string): (cause: unknown) => never {
	return (cause) => {
		throw programMissing(`fullProve: expected a witness program at ${path}, got ${(cause as Error).message}`, cause);
	};
}
