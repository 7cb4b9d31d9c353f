/**
 * gpu.js behind the interface of all backends: matrix products, and what is made of them, on whatever gpu.js finds. For exploration in floats;
 * the exact kernels are exact as far as the device's single precision is one, which `requireExact` decides.
 */
import { createRequire } from "node:module";
import type { Adapter, Backend } from "../backend.ts";
import { openHost } from "../reference/host.ts";
import { byteSums } from "./byte-product.ts";
import { type GpujsMode, hasHeadlessGl, type Multiply, openMultiplication, SIDE } from "./multiplication.ts";
import { nearest } from "./neighbours.ts";
import { openRemote, type Remote } from "./remote.ts";
import { gram } from "./statistics.ts";
import { tiledProduct } from "./tiles.ts";

export interface GpujsOptions {
	/** By default WebGPU where that is a GPU, headless OpenGL where `gl` is installed, else WebAssembly. */
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
	const remote = await openMode("webgpu").catch(() => undefined);
	// A program that plays a GPU is slower than the same arithmetic in WebAssembly.
	if (remote && !remote.adapter.software) return remote;
	await remote?.close();
	return openMode(hasHeadlessGl() ? "headlessgl" : "webasm");
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
	const { multiply, close } = await openMultiplication(mode);
	// The package gl does not tell which device it draws on, so that may be the processor.
	const device = mode === "headlessgl" ? "OpenGL" : "one thread of this process";
	return { adapter: named({ device, driver: `Node.js ${process.version}`, software: true }), multiply: multiply as Multiply, close };
}
