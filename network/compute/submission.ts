/** Compute jobs as the store of jobs keeps them: canonical JSON, in a queue for each kind and device. */
import canonicalize from "canonicalize";
import type { BackendName } from "../../compute/backend.ts";
import { DataError } from "../../compute/errors.ts";
import { BACKENDS } from "../../compute/open.ts";
import { ProverError } from "../../prover/errors.ts";
import type { JobFamily } from "../../prover/jobs/family.ts";
import type { Submission } from "../../prover/jobs/submission.ts";
import { type ComputeJob, type ComputeKind, checkJob, JOB_HINT, refusal } from "./job.ts";

/** What a job may be run on: a backend by name, or any. */
export type JobDevice = BackendName | "any";

export const JOB_DEVICES: readonly JobDevice[] = ["any", ...BACKENDS];

const SCHEMA = "openledger.compute.job.v1";
/** A job holds at most two inputs of 1 MiB as base64. */
const MAX_JOB = 2 ** 22;

/**
 * A job as the store takes it. The same job gives the same octets, and so is the same job.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function computeSubmission(job: ComputeJob, device: JobDevice = "any"): Submission {
	const octets = Buffer.from(canonicalize({ schema: SCHEMA, ...checkJob(job) }) as string);
	return { kind: job.kind, key: queueOf(job.kind, device), octets };
}

/** The queue of a kind of jobs that ask for a device. */
export function queueOf(kind: ComputeKind, device: JobDevice): string {
	return `${kind}/${device}`;
}

/** What a queue's jobs ask for. */
export function deviceOf(queue: string): JobDevice {
	return queue.slice(queue.indexOf("/") + 1) as JobDevice;
}

/**
 * Reads what {@link computeSubmission} wrote.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function parseJob(octets: Uint8Array): ComputeJob {
	let fields: unknown;
	try {
		fields = JSON.parse(Buffer.from(octets).toString());
	} catch (cause) {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `job: expected JSON of ${SCHEMA}, got ${octets.length} other octets`, JOB_HINT, cause);
	}
	const { schema, ...job } = (fields ?? {}) as Record<string, unknown>;
	if (schema === SCHEMA) return checkJob(job);
	throw refusal("schema", SCHEMA, schema);
}

/** The store of compute jobs. */
export const COMPUTE_JOBS: JobFamily = {
	name: "compute jobs",
	schema: "openledger_compute",
	bossSchema: "openledger_compute_boss",
	variable: "OPENLEDGER_COMPUTE_JOBS",
	folder: "compute",
	command: "openledger worker",
	check({ kind, key, octets }) {
		if (octets.length > MAX_JOB) {
			throw new ProverError("jobs.size", `submit: expected a job of at most ${MAX_JOB} octets, got ${octets.length}`, {
				hint: "name large inputs by digest and path",
			});
		}
		try {
			const job = parseJob(octets);
			if (job.kind !== kind) throw refusal("kind", kind, job.kind);
			const device = deviceOf(key);
			if (key !== queueOf(job.kind, device) || !JOB_DEVICES.includes(device)) {
				throw refusal("queue", `${kind}/ and one of ${JOB_DEVICES.join(", ")}`, key);
			}
		} catch (error) {
			if (!(error instanceof DataError)) throw error;
			throw new ProverError("jobs.format", error.message, { hint: error.hint, cause: error });
		}
	},
};
