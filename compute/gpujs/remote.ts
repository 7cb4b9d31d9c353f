/**
 * A multiplication in a thread of its own, for which this thread waits. WebGPU answers gpu.js with promises; the kernels of a backend give their
 * tensors at once, so somebody has to wait, and a thread cannot wait for a promise of its own.
 */
import { once } from "node:events";
import { MessageChannel, receiveMessageOnPort, SHARE_ENV, Worker } from "node:worker_threads";
import type { Adapter } from "../backend.ts";
import { DataError } from "../errors.ts";
import type { ProductShape } from "../tensor.ts";
import type { Multiply } from "./multiplication.ts";

/** What the thread says first. */
export type Greeting = { readonly adapter: Adapter } | { readonly refusal: string; readonly hint: string };
/** What it is asked. */
export interface Task {
	readonly left: Float32Array;
	readonly right: Float32Array;
	readonly shape: ProductShape;
}
/** What it answers. */
export type Answer = { readonly lines: Float32Array[] } | { readonly failure: string };

/** How long a product of at most 2^31 operations may take; a thread that died cannot say so to one that waits. */
const PATIENCE_MS = 120_000;

export interface Remote {
	readonly adapter: Adapter;
	readonly multiply: Multiply;
	close(): Promise<void>;
}

/**
 * Start the thread.
 * @throws {DataError} NO_ADAPTER
 */
export async function openRemote(): Promise<Remote> {
	const { port1: port, port2 } = new MessageChannel();
	const turn = new Int32Array(new SharedArrayBuffer(4));
	const script = new URL(`./thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
	// Drivers read the process's variables, which a thread sets only if it shares them.
	const worker = new Worker(script, { workerData: { port: port2, turn }, transferList: [port2], env: SHARE_ENV, execArgv: [] });
	const close = async () => {
		port.close();
		await worker.terminate();
	};
	// A thread that ends before it greets has failed, and "error" rejects.
	const ended = once(worker, "exit").then(
		([code]) => ({ refusal: `the end of its thread with code ${code}`, hint: HINT }) satisfies Greeting,
	);
	const greeting: Greeting = await Promise.race([once(worker, "message").then(([message]) => message), ended]).catch((cause) => ({
		refusal: (cause as Error).message,
		hint: HINT,
	}));
	if ("refusal" in greeting) {
		await close();
		throw new DataError("NO_ADAPTER", greeting.refusal, greeting.hint);
	}
	// Neither keeps the process alive when a caller forgets to close.
	worker.unref();
	port.unref();
	let isThere = true;
	worker.once("exit", () => {
		isThere = false;
	});
	const ask = (task: Task): Answer => {
		if (!isThere) return { failure: "the end of its thread" };
		Atomics.store(turn, 0, 0);
		port.postMessage(task);
		// What comes too late would be taken for the next answer, so nothing is asked any more.
		isThere = Atomics.wait(turn, 0, 0, PATIENCE_MS) !== "timed-out";
		return isThere ? receiveMessageOnPort(port)?.message : { failure: `no answer within ${PATIENCE_MS / 1000} s` };
	};
	return {
		adapter: greeting.adapter,
		multiply(left, right, shape) {
			const answer = ask({ left, right, shape });
			if ("lines" in answer) return answer.lines;
			throw new DataError("DEVICE_LOST", `gpujs: expected a product on ${greeting.adapter.device}, got ${answer.failure}`, LOST);
		},
		close,
	};
}

const HINT = "Install the driver of a GPU (docs/compute.md), or choose another mode.";
const LOST = "Open the backend again, or use another one.";
