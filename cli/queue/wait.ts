/** Waiting for a result that another process makes. */
import { setTimeout as delay } from "node:timers/promises";
import { ProverError } from "../../prover/errors.ts";
import type { JobResult } from "../../prover/jobs/view.ts";
import { type JobNoun, type PlaceFlags, withJobs } from "./place.ts";

const POLL_MS = 1000;

/**
 * Asks until there is a result. The store is opened anew each time, so that who runs jobs can become the owner of an embedded one meanwhile, or end.
 * @throws ProverError `jobs.poisoned`, `jobs.unknown`; the signal's reason
 */
export async function awaitResult(noun: JobNoun, flags: PlaceFlags, id: string, signal: AbortSignal): Promise<JobResult> {
	for (;;) {
		signal.throwIfAborted();
		const result = await withJobs(noun, flags, (jobs) => jobs.result(id)).catch((error) => {
			// The owner ended between two answers: the next question finds the next one.
			if (error instanceof ProverError && error.code === "jobs.owned") return undefined;
			throw error;
		});
		if (result) return result;
		await delay(POLL_MS, undefined, { signal });
	}
}
