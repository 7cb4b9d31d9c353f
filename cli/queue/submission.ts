/** What all ways to submit jobs share. */
import type { Command } from "commander";
import type { Submission } from "../../prover/jobs/submission.ts";
import { ATTEMPTS, type Submitted, WAITING_LIMIT } from "../../prover/jobs/view.ts";
import type { Outcome, Work } from "../command.ts";
import { integer } from "./options.ts";
import { type JobNoun, type PlaceFlags, withJobs, withPlace } from "./place.ts";
import { awaitResult } from "./wait.ts";

export interface SubmissionFlags extends PlaceFlags {
	id?: string;
	priority: number;
	limit: number;
	attempts: number;
	wait?: boolean;
}

/** Adds the options of a job in the queue. */
export function withSubmission(noun: JobNoun, command: Command): Command {
	return withPlace(noun, command)
		.option("--id <uuid>", "the job's id (default: from its content)")
		.option("--priority <n>", "higher first", integer(-1000, 1000), 0)
		.option("--limit <n>", "refuse when so many jobs wait already", integer(1, 1_000_000), WAITING_LIMIT)
		.option("--attempts <n>", "times that a job is tried before it is set aside", integer(1, 100), ATTEMPTS)
		.option("--wait", `wait until all are ${noun.done}`);
}

/** Submits jobs, and waits for them if asked to. */
export async function submitAll(
	noun: JobNoun,
	flags: SubmissionFlags,
	submissions: readonly Submission[],
	{ progress, signal }: Work,
): Promise<Outcome> {
	const { id, priority, limit, attempts } = flags;
	const submitted: Submitted[] = [];
	await withJobs(noun, flags, async (jobs) => {
		for (const submission of submissions) {
			signal.throwIfAborted();
			submitted.push(await jobs.submit({ ...submission, ...(id === undefined ? {} : { id }), priority, limit, attempts }));
		}
	});
	if (flags.wait) {
		for (const [done, job] of submitted.entries()) {
			progress({ phase: noun.gives, done, total: submitted.length, note: job.id });
			await awaitResult(noun, flags, job.id, signal);
			submitted[done] = { ...job, state: "proven" };
		}
	}
	const jobs = submitted.map(({ state, ...job }) => ({ ...job, state: state === "proven" ? noun.done : state }));
	return {
		result: { jobs },
		text: jobs.map((job) => `${job.id} ${job.state}${job.isNew ? "" : " (known)"}`).join("\n"),
	};
}
