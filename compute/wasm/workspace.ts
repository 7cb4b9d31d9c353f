/**
 * A memory that kernels work in, and the kernels over it, compiled when they are first asked for.
 *
 * Nothing lasts in a workspace that is shared: whoever uses it writes its operands, runs, and copies the result out before anybody else can.
 */
import { Func, MAX_PAGES, Module, quad } from "../../webassembly/emitter.ts";
import { DataError } from "../errors.ts";

const PAGE = 65536;
/** Vectors are read past the end of an operand, never used: that much room is left behind everything. */
const SLACK = 256;

export type Kernel = (...operands: number[]) => number;

/** Kernels by name. */
export type Kernels<Name extends string> = Readonly<Record<Name, Kernel>>;

/** What emits kernels of these names: with multiply-adds in one instruction, or in two. */
export interface Build<Name extends string> {
	readonly names: readonly Name[];
	emit(module: Module, fused: boolean): void;
}

const compiled = new Map<Build<string>, WebAssembly.Module>();

/** A memory and a place to put the next thing in it. */
export class Workspace {
	readonly memory = new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES });
	readonly #kernels = new Map<Build<string>, Kernels<string>>();
	#next = 64;

	/** The kernels of a build. */
	kernels<Name extends string>(build: Build<Name>): Kernels<Name> {
		let kernels = this.#kernels.get(build);
		if (!kernels) {
			const instance = new WebAssembly.Instance(moduleOf(build), { env: { memory: this.memory } });
			kernels = instance.exports as Kernels<string>;
			const missing = build.names.find((name) => typeof instance.exports[name] !== "function");
			if (missing !== undefined) throw new TypeError(`Workspace.kernels: expected a kernel "${missing}", got none`);
			this.#kernels.set(build, kernels);
		}
		return kernels as Kernels<Name>;
	}

	/** Frees everything. */
	clear(): void {
		this.#next = 64;
	}

	/**
	 * Room for some bytes, content undefined. Views of the memory from before are void after it.
	 * @returns its address, a multiple of 64
	 * @throws {DataError} SHAPE_MISMATCH where the system gives no more memory
	 */
	allocate(bytes: number): number {
		const start = this.#next;
		const end = Math.ceil((start + bytes) / 64) * 64;
		const missing = Math.ceil((end + SLACK - this.memory.buffer.byteLength) / PAGE);
		if (missing > 0) {
			try {
				this.memory.grow(missing);
			} catch (cause) {
				throw new DataError(
					"SHAPE_MISMATCH",
					`Workspace.allocate: expected room for ${bytes} bytes beside ${start}, got none`,
					"Work on fewer rows at once.",
					cause,
				);
			}
		}
		this.#next = end;
		return start;
	}

	floats(address: number, length: number): Float32Array<ArrayBuffer> {
		return new Float32Array(this.memory.buffer as ArrayBuffer, address, length);
	}

	doubles(address: number, length: number): Float64Array<ArrayBuffer> {
		return new Float64Array(this.memory.buffer as ArrayBuffer, address, length);
	}

	integers(address: number, length: number): Int32Array<ArrayBuffer> {
		return new Int32Array(this.memory.buffer as ArrayBuffer, address, length);
	}

	bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
		return new Uint8Array(this.memory.buffer as ArrayBuffer, address, length);
	}
}

/** The workspace of products, which leave nothing in it. */
export const workspace = new Workspace();

/** Whether this engine compiles a build. */
export function isValid(build: Build<string>): boolean {
	return WebAssembly.validate(encoded(build));
}

function moduleOf(build: Build<string>): WebAssembly.Module {
	let module = compiled.get(build);
	if (!module) {
		module = new WebAssembly.Module(encoded(build));
		compiled.set(build, module);
	}
	return module;
}

function encoded(build: Build<string>): Uint8Array<ArrayBuffer> {
	const module = singleMemory();
	build.emit(module, hasRelaxedMadd());
	return module.encode();
}

/** Whether this engine compiles the relaxed instructions; without them a product is rounded before it is added. */
function hasRelaxedMadd(): boolean {
	const func = new Func(["v128"], "v128");
	func.emit(quad.fRelaxedMadd(func.param(0), func.param(0), func.param(0)));
	const module = singleMemory();
	module.export("madd", func);
	return WebAssembly.validate(module.encode());
}

/** A module over one memory of its own. */
function singleMemory(): Module {
	return new Module([], { names: ["memory"], shared: false });
}
