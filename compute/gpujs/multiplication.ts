/** gpu.js's kernel of matrix products, in those of its modes that exist in Node.js. */
import { GPU, type IKernelRunShortcut, Input } from "gpu.js";
import { DataError } from "../errors.ts";
import type { ProductShape } from "../tensor.ts";

/**
 * Modes of gpu.js, best first: WebGPU, headless OpenGL where the package `gl` is installed, WebAssembly. WebGPU answers with a promise, the others
 * at once. Its mode of plain JavaScript is left out: the reference is that.
 */
export const GPUJS_MODES = ["webgpu", "headlessgl", "webasm"] as const;
export type GpujsMode = (typeof GPUJS_MODES)[number];

/** The most rows, columns and terms of a product in one call: 4 MiB a matrix, and a bound of the loop, which OpenGL wants. */
export const SIDE = 1024;

/** gpu.js translates this text; a function's own text would depend on whatever changed it on its way here. */
const SOURCE = `function (left, right, inner) {
	let sum = 0;
	for (let l = 0; l < inner; l++) {
		sum += left[this.thread.y][l] * right[l][this.thread.x];
	}
	return sum;
}`;

/** Row-major factors of at most SIDE rows, terms and columns to the rows of their product. */
export type Multiply<Rows = Float32Array[]> = (left: Float32Array, right: Float32Array, shape: ProductShape) => Rows;

export interface Multiplication {
	/** @returns a promise in mode webgpu */
	readonly multiply: Multiply<Float32Array[] | Promise<Float32Array[]>>;
	close(): Promise<void>;
}

/** Kernels that are kept, the latest ones: each holds memory of the device for its factors. */
const KEPT = 32;

const HINTS: Readonly<Record<GpujsMode, string>> = {
	headlessgl: "Install the package gl (docs/compute.md), or choose another mode.",
	webgpu: "Install the driver of a GPU (docs/compute.md), or choose another mode.",
	webasm: "Install the package gpu.js again.",
};

/** Whether headless OpenGL is installed and gives a context. */
export function hasHeadlessGl(): boolean {
	return GPU.isHeadlessGLSupported;
}

/**
 * The kernel in a mode, after a first product in it.
 * @throws {DataError} NO_ADAPTER if gpu.js cannot run in the mode, or would silently take its slowest
 */
export async function openMultiplication(mode: GpujsMode): Promise<Multiplication> {
	let gpu: GPU | undefined;
	try {
		gpu = new GPU({ mode });
		const kernels = new Kernels(gpu);
		const multiply: Multiplication["multiply"] = (left, right, shape) => {
			const { rows, inner, columns } = shape;
			return kernels.of(shape)(matrixOf(left, inner, rows), matrixOf(right, columns, inner), inner) as Float32Array[];
		};
		const shape = { rows: 1, inner: 1, columns: 1 };
		const [[product]] = (await multiply(Float32Array.of(3), Float32Array.of(5), shape)) as [Float32Array];
		const { kernel } = kernels.of(shape);
		if ((kernel.constructor as unknown as { mode: string }).mode === "cpu") throw new Error(`plain JavaScript: ${kernel.fallbackReason}`);
		if (product !== 15) throw new Error(`3 times 5 is ${product} there`);
		return { multiply, close: gpu.destroy.bind(gpu) };
	} catch (cause) {
		await gpu?.destroy();
		const { message } = cause as Error;
		throw new DataError("NO_ADAPTER", `gpujs: expected gpu.js to run in mode ${mode}, got: ${message}`, HINTS[mode], cause);
	}
}

/** A kernel for each shape: one for all shapes gives stale sizes in the modes of OpenGL and of plain JavaScript. */
class Kernels {
	readonly #gpu: GPU;
	readonly #known = new Map<string, IKernelRunShortcut>();

	constructor(gpu: GPU) {
		this.#gpu = gpu;
	}

	of({ rows, inner, columns }: ProductShape): IKernelRunShortcut {
		const key = `${rows} x ${inner} x ${columns}`;
		let kernel = this.#known.get(key);
		if (kernel) this.#known.delete(key);
		else {
			kernel = this.#gpu.createKernel(SOURCE, { output: [columns, rows], precision: "single" });
			kernel.setLoopMaxIterations(SIDE);
		}
		// The last one of the map is the latest.
		this.#known.set(key, kernel);
		const [[oldest, forgotten]] = this.#known as unknown as [[string, IKernelRunShortcut]];
		if (this.#known.size > KEPT) {
			this.#known.delete(oldest);
			forgotten.destroy();
		}
		return kernel;
	}
}

/** Its types want lists, its code wants anything with an index. */
function matrixOf(values: Float32Array, width: number, height: number): Input {
	return new Input(values as unknown as number[], [width, height]);
}
