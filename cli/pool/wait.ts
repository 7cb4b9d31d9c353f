/** Waiting for a proof that another process makes. */
import { setTimeout as delay } from "node:timers/promises";
import type { JobResult, Jobs } from "../../prover/jobs/view.ts";

const POLL_MS = 300;

/**
 * Asks until there is a proof.
 * @throws ProverError `jobs.poisoned`, `jobs.unknown`; the signal's reason
 */
export async function awaitResult(jobs: Jobs, id: string, signal: AbortSignal): Promise<JobResult> {
	for (;;) {
		const result = await jobs.result(id);
		if (result) return result;
		await delay(POLL_MS, undefined, { signal });
	}
}
