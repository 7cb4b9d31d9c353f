/** Exit codes of the command line, and which error gets which. */

export const EXIT = {
	ok: 0,
	/** A proof or check is invalid: a result, not a crash. */
	invalid: 1,
	usage: 2,
	badInput: 3,
	artefact: 4,
	resources: 5,
	/** A chain or a server does not answer, or refuses. */
	chain: 6,
	internal: 70,
	interrupted: 130,
} as const;

/** An error as a user sees it. */
export interface Failure {
	readonly exit: number;
	readonly code: string;
	readonly message: string;
	readonly hint: string | undefined;
}

const ARTEFACT =
	/^(artefact\.(damaged|missing)|key\.|compile\.|r1cs\.|sym\.|voucher\.damaged|powers\.|ceremony\.missing|FILE_DAMAGED|CHECKPOINT_MISMATCH|BUNDLE_MISSING|LINEAGE_DIGEST_CHANGED|LINEAGE_CONTENT_MISSING)/;
const RESOURCES =
	/^(artefact\.disk-full|DISK_FULL|pool\.(crashed|full|memory|poisoned)|engine\.memory|jobs\.(full|size)|ERR_WORKER_OUT_OF_MEMORY|OUT_OF_DEVICE_MEMORY|NO_ADAPTER|DEVICE_LOST|DEVICE_ERROR|ENOSPC|ENOMEM)/;

/** Sorts an error into the documented exit codes by its class and code. */
export function failureOf(error: unknown, interrupted: boolean): Failure {
	const { name, code, message, hint } = error as { name?: string; code?: unknown; message?: string; hint?: string };
	const failure = (exit: number): Failure => ({
		exit,
		code: typeof code === "string" ? code : (name ?? "Error"),
		message: message ?? String(error),
		hint: hint ?? (code === "ENOSPC" ? "Free some space and run the same command again." : undefined),
	});
	if (interrupted) {
		return {
			exit: EXIT.interrupted,
			code: "INTERRUPTED",
			message: "stopped by a signal",
			hint: "Run the same command again: it continues with what is kept.",
		};
	}
	const label = typeof code === "string" ? code : "";
	if (RESOURCES.test(label)) {
		return failure(EXIT.resources);
	}
	if (label === "jobs.database") {
		return failure(EXIT.chain);
	}
	if (label === "jobs.poisoned") {
		return failure(EXIT.invalid);
	}
	if (label.startsWith("jobs.")) {
		return failure(EXIT.badInput);
	}
	if (ARTEFACT.test(label)) {
		return failure(EXIT.artefact);
	}
	switch (name) {
		case "CommanderError":
		case "UsageError":
			return failure(EXIT.usage);
		case "DataError":
		case "CircuitError":
			return failure(label === "INEXACT_BACKEND" ? EXIT.invalid : EXIT.badInput);
		case "EpochError":
			return failure(label === "LINK_BROKEN" ? EXIT.invalid : EXIT.badInput);
		case "CeremonyError":
			if (label === "ceremony.failed") return failure(EXIT.internal);
			return failure(/exists|format/.test(label) ? EXIT.badInput : EXIT.invalid);
		case "ProofInvalid":
			return failure(label === "proof.format" ? EXIT.badInput : EXIT.invalid);
		case "LedgerError":
			return failure(
				label === "voucher.refused" ? EXIT.invalid : /^(input\.invalid|index\.owned)$/.test(label) ? EXIT.badInput : EXIT.chain,
			);
		case "PlainKeyRefused":
		case "WitnessError":
		case "FileError":
		// A proving key is an artefact, see above; a verification key is what a user brings.
		case "KeyError":
			return failure(EXIT.badInput);
		default:
			return failure(EXIT.internal);
	}
}

/** A wrong command line. */
export class UsageError extends Error {
	override readonly name = "UsageError";
	readonly code = "USAGE";
	readonly hint: string;

	constructor(message: string, hint: string) {
		super(message);
		this.hint = hint;
	}
}
