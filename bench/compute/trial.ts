/**
 * One backend in a process of its own: native code below it may end the process, memory is that of the job alone, and processor seconds are its
 * own with all threads.
 */
import { fileURLToPath } from "node:url";
import type { Adapter, Backend, BackendName } from "../../compute/backend.ts";
import type { DataError } from "../../compute/errors.ts";
import { openBackend } from "../../compute/open.ts";
import type { WasmOptions } from "../../compute/wasm/backend.ts";
import { measure } from "../bench.ts";
import { type Exactness, exactness } from "./exactness.ts";
import { type JobName, type JobRuns, runJob } from "./jobs.ts";
import { type KernelTime, kernelTimes } from "./kernel-times.ts";

/** What a process is asked. */
export interface Trials {
	readonly adapter: { readonly task: undefined; readonly result: Adapter };
	readonly exactness: { readonly task: undefined; readonly result: { readonly adapter: Adapter; readonly kernels: readonly Exactness[] } };
	/** @see kernelTimes: the pattern as text */
	readonly kernels: { readonly task: string; readonly result: { readonly adapter: Adapter; readonly times: readonly KernelTime[] } };
	readonly job: { readonly task: { readonly name: JobName; readonly runs: number }; readonly result: JobRuns };
}

type Kind = keyof Trials;

interface Question<K extends Kind> {
	readonly kind: K;
	readonly backend: BackendName;
	readonly wasm: WasmOptions;
	readonly task: Trials[K]["task"];
}

const DO: { readonly [K in Kind]: (backend: Backend, task: Trials[K]["task"]) => Promise<Trials[K]["result"]> } = {
	adapter: async (backend) => backend.adapter,
	exactness: async (backend) => ({ adapter: backend.adapter, kernels: await exactness(backend) }),
	kernels: async (backend, pattern) => ({ adapter: backend.adapter, times: await kernelTimes(backend, new RegExp(pattern)) }),
	job: (backend, { name, runs }) => runJob(backend, name, runs),
};

/**
 * Asks a process.
 * @param wasm - options of `wasm`
 * @returns its result, or in words why there is none
 */
export async function trial<K extends Kind>(
	kind: K,
	backend: BackendName,
	task: Trials[K]["task"],
	wasm: WasmOptions = {},
): Promise<Trials[K]["result"] | string> {
	const question: Question<K> = { kind, backend, wasm, task };
	const { code, stdout } = await measure(process.execPath, [fileURLToPath(import.meta.url), JSON.stringify(question)]);
	if (code !== 0) return `the process of ${backend} ended with code ${code}`;
	const { result, refusal } = JSON.parse(stdout.trim().split("\n").at(-1) as string) as { result?: Trials[K]["result"]; refusal?: string };
	return result ?? refusal ?? "nothing came back";
}

async function main<K extends Kind>({ kind, backend: name, wasm, task }: Question<K>): Promise<void> {
	const perform = DO[kind] as (backend: Backend, task: Trials[K]["task"]) => Promise<Trials[K]["result"]>;
	try {
		const backend = await openBackend(name, { wasm });
		const result = await perform(backend, task);
		await backend.close();
		console.log(JSON.stringify({ result }));
	} catch (error) {
		console.error(error);
		console.log(JSON.stringify({ refusal: (error as DataError).message }));
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(JSON.parse(process.argv[2] as string) as Question<Kind>);
