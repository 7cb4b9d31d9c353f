/** `openledger pool status`: what waits, runs, is done and was set aside, and who is at work. */
import { Command } from "commander";
import { JOB_STATES, type JobView, type Status } from "../../prover/jobs/view.ts";
import type { CommandContext } from "../command.ts";
import { table } from "../output.ts";
import { type PlaceFlags, withJobs, withPlace } from "../queue/place.ts";
import { POOL } from "./noun.ts";

export function statusCommand(context: CommandContext): Command {
	return withPlace(POOL, new Command("status"))
		.description("show the store, or one job")
		.argument("[id]", "a job")
		.action(async (id: string | undefined, flags: PlaceFlags) => {
			await context.run("openledger.pool.status.v1", async () =>
				withJobs(POOL, flags, async (jobs) => {
					if (id !== undefined) {
						const job = await jobs.find(id);
						return {
							result: { job },
							text: Object.entries(flat(job))
								.map(([name, value]) => `${name.padEnd(14)} ${value}`)
								.join("\n"),
						};
					}
					const status = await jobs.status();
					return { result: status, text: statusText(status) };
				}),
			);
		});
}

function statusText({ counts, priorities, running, poisoned, provers, keysWithoutProver }: Status): string {
	const parts = [table([...JOB_STATES], [JOB_STATES.map((state) => String(counts[state]))])];
	if (priorities.length > 1) {
		parts.push(
			table(
				["priority", "waiting"],
				priorities.map(({ priority, waiting }) => [String(priority), String(waiting)]),
			),
		);
	}
	if (running.length > 0) {
		const rows = running.map((job) => [
			job.id,
			job.phase ?? "",
			(job.runningSeconds ?? 0).toFixed(1),
			String(job.attempts),
			job.prover ?? "",
		]);
		parts.push(table(["running", "phase", "seconds", "attempt", "prover"], rows));
	}
	if (poisoned.length > 0) {
		const rows = poisoned.map((job) => [job.id, String(job.attempts), job.error?.code ?? "", job.error?.message ?? ""]);
		parts.push(table(["set aside", "attempts", "code", "reason"], rows));
	}
	if (provers.length > 0) {
		const rows = provers.map((prover) => [
			prover.name,
			String(prover.workers),
			String(prover.keys.length),
			prover.silentSeconds.toFixed(0),
			prover.draining ? "draining" : "",
		]);
		parts.push(table(["prover", "workers", "keys", "silent s", "state"], rows));
	}
	if (provers.length === 0) parts.push("no prover is at work");
	for (const { key, waiting } of keysWithoutProver) parts.push(`${waiting} wait for a prover with the key ${key}`);
	return parts.join("\n\n");
}

function flat({ error, ...job }: JobView): Record<string, unknown> {
	return error ? { ...job, error: `${error.code} ${error.message}` } : job;
}
