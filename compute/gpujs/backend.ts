/**
 * gpu.js behind the interface of all backends: matrix products, and what is made of them, on whatever gpu.js finds. For exploration in floats;
 * the exact kernels are exact as far as the device's single precision is one, which `requireExact` decides.
 */
import { createRequire } from "node:module";
import type { Adapter, Backend } from "../backend.ts";
import { openHost } from "../reference/host.ts";
import { isSoftware } from "../software.ts";
import { byteSums } from "./byte-product.ts";
import { type GpujsMode, hasHeadlessGl, type Multiply, openMultiplication, SIDE } from "./multiplication.ts";
import { nearest } from "./neighbours.ts";
import { openRemote, type Remote } from "./remote.ts";
import { gram } from "./statistics.ts";
import { tiledProduct } from "./tiles.ts";

export interface GpujsOptions {
	/** By default headless OpenGL where `gl` is installed, WebGPU where that is a GPU, else WebAssembly. */
	readonly mode?: GpujsMode;
}

/**
 * Open the backend.
 * @throws {DataError} NO_ADAPTER if the mode that is asked for does not run here
 */
export async function openGpujs({ mode }: GpujsOptions = {}): Promise<Backend> {
	const { adapter, multiply, close } = await (mode === undefined ? openBest() : openMode(mode));
	return openHost("gpujs", adapter, {
		integerProduct: (left, right, shape, transposed) => Int32Array.from(byteSums(multiply, left, right, shape, transposed)),
		floatProduct: (left, right, shape, transposed) => Float32Array.from(tiledProduct(multiply, left, right, shape, transposed, SIDE)),
		statistics: async (rows, d, k) => gram(multiply, rows, d, k),
		nearest: async (train, test, count) => nearest(multiply, train, test, count),
		close,
	});
}

async function openBest(): Promise<Remote> {
	if (hasHeadlessGl()) return openMode("headlessgl");
	const remote = await openMode("webgpu").catch(() => undefined);
	// A program that plays a GPU is slower than the same arithmetic in WebAssembly.
	if (remote && !remote.adapter.software) return remote;
	await remote?.close();
	return openMode("webasm");
}

async function openMode(mode: GpujsMode): Promise<Remote> {
	const { version } = createRequire(import.meta.url)("gpu.js/package.json") as { version: string };
	const named = ({ device, driver, software }: Adapter): Adapter => ({
		device: `gpu.js in mode ${mode} on ${device}`,
		driver: `gpu.js ${version}, ${driver}`,
		software,
	});
	if (mode === "webgpu") {
		const remote = await openRemote();
		return { ...remote, adapter: named(remote.adapter) };
	}
	const { multiply, renderer, close } = await openMultiplication(mode);
	const adapter = renderer
		? { device: renderer, driver: "OpenGL", software: isSoftware(renderer) }
		: { device: "one thread of this process", driver: `Node.js ${process.version}`, software: true };
	return { adapter: named(adapter), multiply: multiply as Multiply, close };
}
