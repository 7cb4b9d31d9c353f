/** What a thread of helpers.ts runs: one task after the other. */
import { parentPort } from "node:worker_threads";
import { type PackedError, packError } from "../errors.ts";
import type { Task, TaskResult } from "./helpers.ts";
import { runLoad } from "./key.ts";
import { Machine, type Program } from "./machine.ts";
import { runSums } from "./sums.ts";

/** What a thread is asked. */
export interface HelperQuestion {
	readonly id: number;
	readonly program: Program;
	readonly task: Task;
}

/** Its answer. */
export type HelperAnswer = { readonly id: number } & (
	| { readonly ok: true; readonly value: TaskResult<Task> }
	| { readonly ok: false; readonly error: PackedError }
);

async function answerTo({ id, program, task }: HelperQuestion): Promise<HelperAnswer> {
	try {
		const machine = await Machine.take(program);
		try {
			if ("sums" in task) return { id, ok: true, value: await runSums(machine, task.sums) };
			await runLoad(machine, task.load);
			return { id, ok: true, value: undefined };
		} finally {
			machine.giveBack();
		}
	} catch (error) {
		return { id, ok: false, error: packError(error, "engine.failed") };
	}
}

let last = Promise.resolve();
parentPort?.on("message", (question: HelperQuestion) => {
	last = last.then(async () => parentPort?.postMessage(await answerTo(question)));
});
