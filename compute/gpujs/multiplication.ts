/** gpu.js's kernel of matrix products, in those of its modes that exist in Node.js. */
import { GPU, type IKernelRunShortcut, Input } from "gpu.js";
import { DataError } from "../errors.ts";
import type { ProductShape } from "../tensor.ts";

/**
 * Modes of gpu.js, best first: headless OpenGL where the package `gl` is installed, WebGPU, WebAssembly. The first and the last answer at once,
 * WebGPU with a promise. Its mode of plain JavaScript is left out: it keeps the sizes of the first call for all later ones.
 */
export const GPUJS_MODES = ["headlessgl", "webgpu", "webasm"] as const;
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

export interface Multiplication<Rows = Float32Array[] | Promise<Float32Array[]>> {
	readonly multiply: Multiply<Rows>;
	/** What OpenGL calls its device. */
	readonly renderer: string | undefined;
	close(): Promise<void>;
}

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
 * @throws {DataError} NO_ADAPTER if gpu.js cannot run in the mode, or would silently take another
 */
export async function openMultiplication(mode: GpujsMode): Promise<Multiplication> {
	let gpu: GPU | undefined;
	try {
		gpu = new GPU({ mode });
		const kernel: IKernelRunShortcut = gpu.createKernel(SOURCE, {
			output: [1, 1],
			dynamicOutput: true,
			dynamicArguments: true,
			precision: "single",
		});
		kernel.setLoopMaxIterations(SIDE);
		const multiply: Multiplication["multiply"] = (left, right, { rows, inner, columns }) => {
			kernel.setOutput([columns, rows]);
			return kernel(matrixOf(left, inner, rows), matrixOf(right, columns, inner), inner) as Float32Array[];
		};
		const [[product]] = (await multiply(Float32Array.of(3), Float32Array.of(5), { rows: 1, inner: 1, columns: 1 })) as [Float32Array];
		const { mode: actual } = kernel.kernel.constructor as unknown as { mode: string };
		if (actual !== mode) throw new Error(`it fell back to ${actual} (${kernel.kernel.fallbackReason})`);
		if (product !== 15) throw new Error(`3 times 5 is ${product} there`);
		return { multiply, renderer: mode === "headlessgl" ? rendererOf(kernel) : undefined, close: gpu.destroy.bind(gpu) };
	} catch (cause) {
		await gpu?.destroy();
		const { message } = cause as Error;
		throw new DataError("NO_ADAPTER", `gpujs: expected gpu.js to run in mode ${mode}, got: ${message}`, HINTS[mode], cause);
	}
}

/** Its types want lists, its code wants anything with an index. */
function matrixOf(values: Float32Array, width: number, height: number): Input {
	return new Input(values as unknown as number[], [width, height]);
}

function rendererOf({ context: gl }: IKernelRunShortcut): string {
	const names = gl.getExtension("WEBGL_debug_renderer_info");
	return gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}
