/** The thread that a {@link Remote} waits for: gpu.js on WebGPU. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { DataError } from "../errors.ts";
import { findDevice, WAYS } from "../webgpu/adapter.ts";
import { openMultiplication } from "./multiplication.ts";
import type { Answer, Greeting, Task } from "./remote.ts";

const { port, turn } = workerData as { readonly port: MessagePort; readonly turn: Int32Array };

async function greet(): Promise<Greeting> {
	const { device, info } = await findDevice(WAYS);
	// Where gpu.js looks for one, in a browser's place.
	const adapter = { limits: device.limits, requestDevice: async () => device };
	Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => adapter } });
	const { multiply } = await openMultiplication("webgpu");
	// gpu.js prints what a device complains of, and goes on with zeros.
	let complaint: string | undefined;
	device.addEventListener("uncapturederror", ({ error }) => {
		complaint ??= error.message;
	});
	port.on("message", async ({ left, right, shape }: Task) => {
		let answer: Answer;
		try {
			const lines = await multiply(left, right, shape);
			answer = complaint === undefined ? { lines } : { failure: complaint };
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
