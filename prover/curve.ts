/**
 * BN254 arithmetic in WebAssembly with manual memory: the wasm module that ffjavascript builds, in an instance of its own.
 *
 * Every operation takes pointers into the instance's memory. Field elements are 32 bytes little endian in Montgomery form;
 * affine points are two, Jacobian points three coordinates (G2: of 64 bytes); infinity is all zeros.
 * Memory is a stack: take a {@link Curve.mark}, allocate, {@link Curve.release}.
 */
import { loadFfjavascript } from "./engine.ts";

/** Bytes and exports of one of the two groups. */
export interface GroupLayout {
	readonly prefix: "g1m" | "g2m";
	readonly affineBytes: number;
	readonly jacobianBytes: number;
}

export const G1: GroupLayout = { prefix: "g1m", affineBytes: 64, jacobianBytes: 96 };
export const G2: GroupLayout = { prefix: "g2m", affineBytes: 128, jacobianBytes: 192 };

type WasmFunction = (...pointers: number[]) => number;

interface CurveModule {
	readonly module: WebAssembly.Module;
	readonly g1Generator: number;
	readonly g2Generator: number;
}

const PAGE = 65536;
let shared: Promise<CurveModule> | undefined;

/** One wasm instance with its memory. Not shared between threads. */
export class Curve {
	readonly #memory: WebAssembly.Memory;
	readonly #exports: Record<string, WasmFunction>;
	readonly #generators: { readonly g1m: number; readonly g2m: number };
	/** the whole memory; replaced when it grows, so never keep it across an {@link alloc} */
	bytes: Uint8Array;

	private constructor(memory: WebAssembly.Memory, instance: WebAssembly.Instance, module: CurveModule) {
		this.#memory = memory;
		this.#exports = instance.exports as unknown as Record<string, WasmFunction>;
		this.#generators = { g1m: module.g1Generator, g2m: module.g2Generator };
		this.bytes = new Uint8Array(memory.buffer);
	}

	/** Builds the module once per thread and a fresh instance per call. */
	static async open(): Promise<Curve> {
		shared ??= buildModule();
		const module = await shared;
		const memory = new WebAssembly.Memory({ initial: 32 });
		return new Curve(memory, await WebAssembly.instantiate(module.module, { env: { memory } }), module);
	}

	/**
	 * @param name export of the wasm module, such as "frm_mul"
	 * @returns the raw function over pointers
	 */
	operation(name: string): WasmFunction {
		const found = this.#exports[name];
		if (!found) throw new TypeError(`operation: expected an export of the curve module, got "${name}"`);
		return found;
	}

	/** Pointer to the affine generator of a group. */
	generator(group: GroupLayout): number {
		return this.#generators[group.prefix];
	}

	/** Pointer to the first free byte. */
	mark(): number {
		return new Uint32Array(this.#memory.buffer, 0, 1)[0] as number;
	}

	/** Frees everything allocated after `mark`. */
	release(mark: number): void {
		new Uint32Array(this.#memory.buffer, 0, 1)[0] = mark;
	}

	/**
	 * @param size bytes
	 * @param slack bytes that stay free behind the block, as scratch of batch operations
	 * @returns pointer to `size` bytes, 8-byte aligned, content undefined
	 * @throws RangeError when the 4 GB of a wasm memory are used up
	 */
	alloc(size: number, slack = 0): number {
		const start = Math.ceil(this.mark() / 8) * 8;
		const end = start + size;
		const missing = end + slack + PAGE - this.#memory.buffer.byteLength;
		if (missing > 0) {
			this.#memory.grow(Math.ceil(missing / PAGE));
			this.bytes = new Uint8Array(this.#memory.buffer);
		}
		this.release(end);
		return start;
	}

	/** Allocates and fills a block. */
	put(bytes: Uint8Array): number {
		const pointer = this.alloc(bytes.length);
		this.bytes.set(bytes, pointer);
		return pointer;
	}

	/** Copies `size` bytes out of the memory. */
	get(pointer: number, size: number): Uint8Array<ArrayBuffer> {
		return this.bytes.slice(pointer, pointer + size) as Uint8Array<ArrayBuffer>;
	}
}

async function buildModule(): Promise<CurveModule> {
	const { buildBn128 } = await loadFfjavascript();
	const { tm } = await buildBn128(true);
	return { module: await WebAssembly.compile(tm.code), g1Generator: tm.pG1gen, g2Generator: tm.pG2gen };
}
