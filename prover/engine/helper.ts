/** What a thread of helpers.ts runs: one task after the other. */
import { parentPort } from "node:worker_threads";
import { type PackedError, packError } from "../errors.ts";
import { collectGarbage } from "./garbage.ts";
import type { Task, TaskResult } from "./helpers.ts";
import { runLoad } from "./key.ts";
import { Machine } from "./machine.ts";
import { runSums } from "./sums.ts";

/** What a thread is asked. */
export interface HelperQuestion {
	readonly id: number;
	readonly task: Task;
}

/** Its answer. */
export type HelperAnswer = { readonly id: number } & (
	| { readonly ok: true; readonly value: TaskResult<Task> }
	| { readonly ok: false; readonly error: PackedError }
);

async function answerTo({ id, task }: HelperQuestion): Promise<HelperAnswer> {
	try {
		return { id, ok: true, value: await run(task) };
	} catch (error) {
		return { id, ok: false, error: packError(error, "engine.failed") };
	}
}

async function run(task: Task): Promise<TaskResult<Task>> {
	if ("collect" in task) {
		await collectGarbage();
		return undefined;
	}
	const machine = await Machine.take(task.program);
	try {
		if ("sums" in task) return await runSums(machine, task.sums);
		await runLoad(machine, task.load);
		return undefined;
	} finally {
		machine.giveBack();
	}
}

let last = Promise.resolve();
parentPort?.on("message", (question: HelperQuestion) => {
	last = last.then(async () => parentPort?.postMessage(await answerTo(question)));
});
