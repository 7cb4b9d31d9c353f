/** What follows from the error of a job: who is to blame decides whether it is tried again. */
import type { Failure } from "../../prover/jobs/prover.ts";
import type { JobError } from "../../prover/jobs/view.ts";

/** The device's: another one, or the same after a reset, may do what this one could not. */
const DEVICE = new Set([
	"NO_ADAPTER",
	"DEVICE_LOST",
	"OUT_OF_DEVICE_MEMORY",
	"INEXACT_BACKEND",
	"TENSOR_TOO_LARGE",
	"BACKEND_CLOSED",
	"BACKEND_UNKNOWN",
]);
/** The machine's: a file that another machine may have. */
const MACHINE = new Set(["FILE_MISSING", "FILE_UNREADABLE"]);
/** The worker's: as long as it lasts, no job can be done here. */
const WORKER = new Set(["DISK_FULL"]);
/** Errors of data: the same bytes would be refused again. */
const DATA = new Set(["DataError", "CircuitError"]);

/** An error as plain data, for the way out of a process. */
export interface PlainError extends JobError {
	/** of its class */
	readonly name: string;
}

export function plainError(error: unknown): PlainError {
	const {
		name = "Error",
		code,
		message = String(error),
		hint,
	} = error as { name?: string; code?: unknown; message?: string; hint?: unknown };
	return {
		name,
		code: typeof code === "string" ? code : name,
		message,
		...(typeof hint === "string" ? { hint } : {}),
	};
}

/** An error of another process, thrown here. */
export class RemoteError extends Error {
	readonly code: string;
	readonly hint: string | undefined;

	constructor({ name, code, message, hint }: PlainError) {
		super(message);
		this.name = name;
		this.code = code;
		this.hint = hint;
	}
}

/** Whether the device failed, and not the job. */
export function isOfDevice(error: unknown): boolean {
	return DEVICE.has((error as { code?: string }).code ?? "");
}

/** Whether a device gave wrong answers: it will give them again. */
export function isInexact(error: unknown): boolean {
	return (error as { code?: string }).code === "INEXACT_BACKEND";
}

/** Whether a worker that met the error should take no more jobs. */
export function isOfWorker(error: unknown): boolean {
	return WORKER.has((error as { code?: string }).code ?? "");
}

/** What becomes of the job. */
export function judge(error: unknown): Failure {
	const { name, ...plain } = plainError(error);
	if (WORKER.has(plain.code)) return { error: plain, end: "release" };
	if (DEVICE.has(plain.code) || MACHINE.has(plain.code) || !DATA.has(name)) return { error: plain, end: "retry" };
	return { error: plain, end: "poison" };
}
