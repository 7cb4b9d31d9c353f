/** What a thread of helpers.ts runs: one sum for each message. */
import { parentPort } from "node:worker_threads";
import { type PackedError, packError } from "../errors.ts";
import { Machine, type Program } from "./machine.ts";
import type { BitSums } from "./msm.ts";
import { runSum, type SumTask } from "./sums.ts";

/** What a thread is asked. */
export interface HelperQuestion {
	readonly program: Program;
	readonly task: SumTask;
}

/** Its answer. */
export type HelperAnswer = { readonly ok: true; readonly value: BitSums } | { readonly ok: false; readonly error: PackedError };

parentPort?.on("message", async ({ program, task }: HelperQuestion) => {
	let answer: HelperAnswer;
	try {
		answer = { ok: true, value: await runSum(await Machine.of(program), task) };
	} catch (error) {
		answer = { ok: false, error: packError(error, "engine.failed") };
	}
	parentPort?.postMessage(answer);
});
