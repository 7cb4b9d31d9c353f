/** Opens backends by name; each is loaded when it is asked for, since two of them bring native code. */
import type { Backend, BackendName } from "./backend.ts";
import { DataError } from "./errors.ts";
import type { GpujsOptions } from "./gpujs/backend.ts";
import type { WasmOptions } from "./wasm/backend.ts";
import type { WebgpuOptions } from "./webgpu/backend.ts";

/** All backends, those that need the least of a machine first. */
export const BACKENDS: readonly BackendName[] = ["reference", "wasm", "gpujs", "webgpu"];

export interface OpenOptions {
	readonly wasm?: WasmOptions;
	readonly gpujs?: GpujsOptions;
	readonly webgpu?: WebgpuOptions;
}

const OPEN: Readonly<Record<BackendName, (options: OpenOptions) => Promise<Backend>>> = {
	reference: async () => (await import("./reference/backend.ts")).openReference(),
	wasm: async ({ wasm }) => (await import("./wasm/backend.ts")).openWasm(wasm),
	gpujs: async ({ gpujs }) => (await import("./gpujs/backend.ts")).openGpujs(gpujs),
	webgpu: async ({ webgpu }) => (await import("./webgpu/backend.ts")).openWebgpu(webgpu),
};

/**
 * Open a backend in this process.
 * @throws {DataError} NO_ADAPTER if it cannot run here
 */
export function openBackend(name: BackendName, options: OpenOptions = {}): Promise<Backend> {
	return OPEN[name](options);
}

/**
 * A name that a user gave.
 * @throws {DataError} BACKEND_UNKNOWN
 */
export function backendName(text: string): BackendName {
	const found = BACKENDS.find((name) => name === text);
	if (found) return found;
	throw new DataError("BACKEND_UNKNOWN", `backend: expected one of ${BACKENDS.join(", ")}, got ${text}`, "Choose one of these.");
}
