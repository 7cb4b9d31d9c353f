/** Waiting for a proof that another process makes. */
import { setTimeout as delay } from "node:timers/promises";
import { ProverError } from "../../prover/errors.ts";
import type { JobResult } from "../../prover/jobs/view.ts";
import { type PlaceFlags, withJobs } from "./place.ts";

const POLL_MS = 1000;

/**
 * Asks until there is a proof. The store is opened anew each time, so that a prover can become the owner of an embedded one meanwhile, or end.
 * @throws ProverError `jobs.poisoned`, `jobs.unknown`; the signal's reason
 */
export async function awaitResult(flags: PlaceFlags, id: string, signal: AbortSignal): Promise<JobResult> {
	for (;;) {
		signal.throwIfAborted();
		const result = await withJobs(flags, (jobs) => jobs.result(id)).catch((error) => {
			// The owner ended between two answers: the next question finds the next one.
			if (error instanceof ProverError && error.code === "jobs.owned") return undefined;
			throw error;
		});
		if (result) return result;
		await delay(POLL_MS, undefined, { signal });
	}
}
