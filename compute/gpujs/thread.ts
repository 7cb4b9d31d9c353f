/** The thread that a {@link Remote} waits for: gpu.js on WebGPU. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { DataError } from "../errors.ts";
import type { ProductShape } from "../tensor.ts";
import { findAdapter, WAYS } from "../webgpu/adapter.ts";
import { openMultiplication } from "./multiplication.ts";
import type { Answer, Greeting } from "./remote.ts";

interface Task {
	readonly left: Float32Array;
	readonly right: Float32Array;
	readonly shape: ProductShape;
}

const { port, turn } = workerData as { readonly port: MessagePort; readonly turn: Int32Array };

async function greet(): Promise<Greeting> {
	const { info } = await findAdapter(WAYS);
	// Where gpu.js looks for it, in a browser's place.
	Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => (await findAdapter(WAYS)).adapter } });
	const { multiply } = await openMultiplication("webgpu");
	port.on("message", async ({ left, right, shape }: Task) => {
		let answer: Answer;
		try {
			answer = { lines: await multiply(left, right, shape) };
		} catch (error) {
			answer = { failure: (error as Error).message };
		}
		port.postMessage(answer);
		Atomics.store(turn, 0, 1);
		Atomics.notify(turn, 0);
	});
	return { adapter: info };
}

parentPort?.postMessage(
	await greet().catch(({ message, hint }: DataError): Greeting => ({ refusal: message, hint: hint ?? "Choose another mode." })),
);
