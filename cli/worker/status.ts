/** `openledger worker status`: what waits, runs, is done and was set aside, and who is at work. */
import { Command } from "commander";
import { COMPUTE_STATES, type ComputeStatus, type ComputeView, computeStatus, computeView } from "../../network/compute/view.ts";
import type { CommandContext } from "../command.ts";
import { table } from "../output.ts";
import { type PlaceFlags, withJobs, withPlace } from "../queue/place.ts";
import { WORKER } from "./noun.ts";

export function statusCommand(context: CommandContext): Command {
	return withPlace(WORKER, new Command("status"))
		.description("show the store, or one job")
		.argument("[id]", "a job")
		.action((id: string | undefined, flags: PlaceFlags) =>
			context.run("openledger.worker.status.v1", () =>
				withJobs(WORKER, flags, async (jobs) => {
					if (id === undefined) {
						const status = computeStatus(await jobs.status());
						return { result: status, text: statusText(status) };
					}
					const job = computeView(await jobs.find(id));
					const lines = Object.entries(flat(job)).map(([name, value]) => `${name.padEnd(14)} ${value}`);
					return { result: { job }, text: lines.join("\n") };
				}),
			),
		);
}

function statusText({ counts, priorities, running, poisoned, workers, withoutWorker }: ComputeStatus): string {
	const parts = [table([...COMPUTE_STATES], [COMPUTE_STATES.map((state) => String(counts[state]))])];
	const add = <Row>(header: string[], rows: readonly Row[], cells: (row: Row) => string[]): void => {
		if (rows.length > 0) parts.push(table(header, rows.map(cells)));
	};
	if (priorities.length > 1) add(["priority", "waiting"], priorities, ({ priority, waiting }) => [String(priority), String(waiting)]);
	add(["running", "kind", "phase", "seconds", "attempt", "worker"], running, (job) => [
		...[job.id, job.kind, job.phase ?? "", (job.runningSeconds ?? 0).toFixed(1), String(job.attempts), job.worker ?? ""],
	]);
	add(["set aside", "kind", "attempts", "code", "reason", "remedy"], poisoned, ({ id, kind, attempts, error }) => [
		...[id, kind, String(attempts), error?.code ?? "", error?.message ?? "", error?.hint ?? ""],
	]);
	add(["worker", "takes", "silent s", "state"], workers, ({ name, queues, silentSeconds, draining }) => [
		...[name, queues.join(" "), silentSeconds.toFixed(0), draining ? "draining" : ""],
	]);
	if (workers.length === 0) parts.push("no worker is at work");
	for (const { queue, waiting } of withoutWorker) parts.push(`${waiting} wait for a worker that takes ${queue}`);
	return parts.join("\n\n");
}

function flat({ error, ...job }: ComputeView): Record<string, unknown> {
	return error ? { ...job, error: `${error.code} ${error.message}`, ...(error.hint ? { remedy: error.hint } : {}) } : job;
}
