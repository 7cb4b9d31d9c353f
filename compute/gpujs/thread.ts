/** The thread that a {@link Remote} waits for: gpu.js on WebGPU. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { create, globals } from "webgpu";
import type { DataError } from "../errors.ts";
import { isSoftware } from "../software.ts";
import type { ProductShape } from "../tensor.ts";
import { openMultiplication } from "./multiplication.ts";
import type { Answer, Greeting } from "./remote.ts";

interface Task {
	readonly left: Float32Array;
	readonly right: Float32Array;
	readonly shape: ProductShape;
}

const { port, turn } = workerData as { readonly port: MessagePort; readonly turn: Int32Array };

/** Lets gpu.js find WebGPU where it looks for it, in a browser's place. @returns what adapters say about themselves */
async function offerWebgpu(): Promise<GPUAdapterInfo | undefined> {
	// Dawn ends the process when the object of `create` is collected, so this thread holds it for life.
	const backend = process.env.EGL_PLATFORM === "surfaceless" ? ["backend=opengl"] : [];
	const dawn = create(backend);
	const featureLevel = backend.length > 0 ? "compatibility" : "core";
	const gpu = { requestAdapter: () => dawn.requestAdapter({ featureLevel, powerPreference: "high-performance" }) };
	Object.assign(globalThis, globals, { dawn });
	Object.defineProperty(navigator, "gpu", { value: gpu });
	return (await gpu.requestAdapter())?.info;
}

async function greet(): Promise<Greeting> {
	const info = await offerWebgpu();
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
	const { device = "", vendor = "", architecture = "", description = "" } = info ?? {};
	const name = device || [vendor, architecture].filter(Boolean).join(" ") || "a device without a name";
	return { adapter: { device: name, driver: description || "unknown", software: isSoftware(name, description) } };
}

parentPort?.postMessage(
	await greet().catch(({ message, hint }: DataError): Greeting => ({ refusal: message, hint: hint ?? "Choose another mode." })),
);
