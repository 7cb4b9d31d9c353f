/** Jobs larger than a call of a backend: rows in blocks, and sums of tensors. */
import type { Backend } from "./backend.ts";
import type { Matrix } from "./matrix.ts";
import type { Tensor } from "./tensor.ts";

/** Long work: how far it is, and whether it shall end. */
export interface Control {
	readonly signal?: AbortSignal | undefined;
	/** Told of the parts that are done, and of all. */
	readonly progress?: ((done: number, of: number) => void) | undefined;
}

/** Bytes of the widest tensor of a block. */
export const BLOCK_BYTES = 2 ** 25;

/** How many rows of so many bytes make a block, at least 1. */
export function blockRows({ limits }: Backend, rowBytes: number): number {
	return Math.max(1, Math.floor(Math.min(BLOCK_BYTES, limits.tensorBytes) / Math.max(1, rowBytes)));
}

/** The blocks of n things: from, and up to but without. */
export function blocksOf(n: number, size: number): (readonly [number, number])[] {
	return Array.from({ length: Math.ceil(n / size) }, (_, i) => [i * size, Math.min(n, (i + 1) * size)] as const);
}

/** Rows of a matrix as a tensor. */
export function uploadRows(backend: Backend, { values, columns }: Matrix<Float32Array>, from: number, to: number): Tensor<"f32"> {
	return backend.upload("f32", values.subarray(from * columns, to * columns), to - from, columns);
}

/** Adds to a tensor in place: a step of SGD with the rate -1. Releases the addend. */
export function addTo(backend: Backend, sum: Tensor<"f32">, addend: Tensor<"f32">): void {
	const state = { values: sum, first: undefined, second: undefined };
	backend.floats.step(state, addend, 1, { kind: "sgd", rate: -1, weightDecay: 0 });
	backend.release(addend);
}

/** Lets others run, and ends if the signal says so. */
export async function pause({ signal }: Control): Promise<void> {
	await new Promise(setImmediate);
	signal?.throwIfAborted();
}
