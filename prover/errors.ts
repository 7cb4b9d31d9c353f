/**
 * What can go wrong when a proof is made or checked.
 *
 * Every error of this room is a {@link ProverError}: a stable `code` for programs, a message of the form
 * "function: expected X, got Y" for people, and where there is one a `hint` that says what to do about it.
 */

/** Stable names of all failures of this room. */
export type ProverErrorCode =
	| "artefact.damaged"
	| "artefact.disk-full"
	| "compile.failed"
	| "compile.interface"
	| "compile.input-dropped"
	| "setup.failed"
	| "key.missing"
	| "key.truncated"
	| "key.format"
	| "key.foreign"
	| "key.invalid"
	| "vkey.format"
	| "vkey.invalid"
	| "r1cs.missing"
	| "r1cs.format"
	| "r1cs.truncated"
	| "r1cs.foreign"
	| "sym.missing"
	| "input.missing"
	| "input.unknown"
	| "input.size"
	| "input.range"
	| "input.format"
	| "witness.missing"
	| "witness.format"
	| "witness.truncated"
	| "witness.range"
	| "witness.program"
	| "witness.unsatisfied"
	| "witness.output"
	| "engine.failed"
	| "engine.memory"
	| "proof.format"
	| "proof.point"
	| "proof.public"
	| "proof.transcript"
	| "proof.knowledge"
	| "proof.equation"
	| "proof.batch"
	| "powers.missing"
	| "powers.hash"
	| "powers.format"
	| "ceremony.missing"
	| "ceremony.exists"
	| "ceremony.format"
	| "ceremony.initial"
	| "ceremony.circuit"
	| "ceremony.leak"
	| "ceremony.point"
	| "ceremony.transcript"
	| "ceremony.knowledge"
	| "ceremony.ratio"
	| "ceremony.unchanged"
	| "ceremony.beacon"
	| "ceremony.secret"
	| "ceremony.key"
	| "ceremony.failed"
	| "pool.closed"
	| "pool.crashed"
	| "pool.full"
	| "pool.memory"
	| "pool.poisoned"
	| "pool.profile"
	| "jobs.conflict"
	| "jobs.database"
	| "jobs.format"
	| "jobs.full"
	| "jobs.lost"
	| "jobs.owned"
	| "jobs.poisoned"
	| "jobs.size"
	| "jobs.state"
	| "jobs.unknown";

/** Base of all errors of this room. */
export class ProverError extends Error {
	readonly code: ProverErrorCode;
	readonly hint: string | undefined;

	/**
	 * @param code stable name
	 * @param message "function: expected X, got Y"
	 * @param options.hint what the reader can do
	 * @param options.cause the error underneath
	 */
	constructor(code: ProverErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.name = "ProverError";
		this.code = code;
		this.hint = options.hint;
	}
}

/** A cached file is missing, damaged, or could not be written. */
export class ArtefactError extends ProverError {
	override readonly name = "ArtefactError";
}

/** circom refused a circuit, a circuit does not have the shape that a committed proof needs, or a file of constraints cannot be used. */
export class CompileError extends ProverError {
	override readonly name = "CompileError";
}

/** A proving or verification key is missing, truncated, malformed or of another circuit. */
export class KeyError extends ProverError {
	override readonly name = "KeyError";
}

/** The inputs, or a file with a witness, do not fit the circuit or do not satisfy it. */
export class WitnessError extends ProverError {
	override readonly name = "WitnessError";
}

/** A proof that must not be accepted. `code` says which check refused it. */
export class ProofInvalid extends ProverError {
	override readonly name = "ProofInvalid";
}

/** A proof of a batch that must not be accepted, by its place in the batch. */
export interface BatchFailure {
	readonly index: number;
	/** what this one alone is refused with */
	readonly error: ProverError;
}

/** A batch with proofs that must not be accepted. All others are good. */
export class BatchInvalid extends ProofInvalid {
	/** ascending, at least one */
	readonly failures: readonly BatchFailure[];

	constructor(message: string, failures: readonly BatchFailure[]) {
		super("proof.batch", message);
		this.failures = failures;
	}
}

/** A file of a ceremony, or of powers of tau, that must not be used. `code` says which check refused it. */
export class CeremonyError extends ProverError {
	override readonly name = "CeremonyError";
}

/** An error as plain data, so that it survives the way out of a worker thread. */
export interface PackedError {
	readonly name: string;
	readonly code: ProverErrorCode;
	readonly message: string;
	readonly hint?: string;
}

/**
 * Flattens any failure for the way out of a worker.
 * @param error what was thrown
 * @param fallback code for errors that are not of this room
 * @returns plain data, structured-cloneable
 */
export function packError(error: unknown, fallback: ProverErrorCode): PackedError {
	if (error instanceof ProverError) {
		return {
			name: error.name,
			code: error.code,
			message: error.message,
			...(error.hint === undefined ? {} : { hint: error.hint }),
		};
	}
	return { name: "ProverError", code: fallback, message: error instanceof Error ? error.message : String(error) };
}

/**
 * Rebuilds the error that {@link packError} flattened.
 * @param packed plain data from a worker
 * @returns an error of the class that was thrown
 */
export function unpackError(packed: PackedError): ProverError {
	const options = packed.hint === undefined ? {} : { hint: packed.hint };
	const Class = { ArtefactError, CeremonyError, CompileError, KeyError, WitnessError, ProofInvalid }[packed.name] ?? ProverError;
	return new Class(packed.code, packed.message, options);
}
