/**
 * The kernels with a memory to work in, and what is too small for a kernel: constants, inverses, single products.
 *
 * Memory is a stack: take a {@link Machine.mark}, allocate, {@link Machine.release}. Addresses and views stay valid when the memory grows.
 * Points of a key may lie in a memory of their own, which other machines in other threads read too.
 */

import { Func, MAX_PAGES, Module, pair } from "../../webassembly/emitter.ts";
import { fromBytesLE, inverse, mod, Q, R, WORD } from "../bn254.ts";
import { ProverError } from "../errors.ts";
import { FACTOR, limbsOf, PAIR_BYTES } from "./field.ts";
import { collectGarbage } from "./garbage.ts";
import { type Binary, buildKernels, buildTangents } from "./kernels.ts";

export type Kernel = (...operands: number[]) => number;

type Kernels = Readonly<Record<string, Kernel>>;

/** Which of the two multiplications runs: exact multiply-add, or plain IEEE arithmetic. */
export type Arithmetic = "fma" | "plain";

const PAGE = 65536;
/** Digits of the exponent when inverting. */
const WINDOW = 4n;
/** Bytes of the largest memory that a thread keeps for its next task: that of a proof of 2^18 constraints. */
const KEPT_BYTES = 2 ** 28;

/** The compiled kernels. Plain data: it can be sent to a thread, which then need not compile them again. */
export interface Program {
	readonly arithmetic: Arithmetic;
	readonly module: WebAssembly.Module;
	/** at the start of the memory, twice 8 bytes each */
	readonly constants: readonly bigint[];
	/** first byte behind the constants */
	readonly heap: number;
}

/** What emits a module: that of kernels.ts, or another with `fr_multiply` and `fq_multiply`. */
export type Build = (fma: boolean) => Binary;

const programs = new Map<Build, Map<Arithmetic, Promise<Program>>>();
/** what doubles points, compiled by the first thread that must, for each module that cannot */
const tangents = new WeakMap<WebAssembly.Module, WebAssembly.Module>();
let kept: Machine | undefined;

/** A memory that threads can share. Its pages are taken from the system when they are first written, and returned when nothing refers to it. */
export function allocateMemory(pages: number, maximum: number): WebAssembly.Memory {
	try {
		return new WebAssembly.Memory({ initial: pages, maximum, shared: true });
	} catch (cause) {
		throw outOfMemory(`allocateMemory: expected room for ${pages * PAGE} bytes, got none`, cause);
	}
}

/** Pages that hold a number of bytes. */
export function pagesOf(bytes: number): number {
	return Math.ceil(bytes / PAGE);
}

function outOfMemory(message: string, cause: unknown): ProverError {
	return new ProverError("engine.memory", message, {
		hint: "use fewer threads or proofs at once, close other programs, or prove a smaller circuit; a memory has at most 4 GB",
		cause,
	});
}

/** Instances of the kernels over one memory to work in. */
export class Machine {
	readonly program: Program;
	readonly memory: WebAssembly.Memory;
	readonly #maximum: number;
	readonly #instances = new WeakMap<WebAssembly.Memory, Kernels>();
	readonly #doublings = new WeakMap<WebAssembly.Memory, Kernels>();
	readonly #own: Kernels;
	#next: number;
	#bytes: Uint8Array;

	private constructor(program: Program, memory: WebAssembly.Memory, maximum: number) {
		this.program = program;
		this.memory = memory;
		this.#maximum = maximum;
		this.#own = this.#instance(memory);
		this.#next = program.heap;
		this.#bytes = new Uint8Array(memory.buffer);
	}

	/**
	 * A fresh machine, with the fastest arithmetic that gives the right answers here.
	 * @param arithmetic to ask for one of them; default: FMA where the engine has it and it passes the test
	 * @param build whose kernels; default: those of kernels.ts
	 * @throws ProverError `engine.failed` when the arithmetic gives wrong answers, `engine.memory`
	 */
	static async open(arithmetic?: Arithmetic, build: Build = buildKernels): Promise<Machine> {
		const wanted = arithmetic ?? (hasRelaxedMadd() ? "fma" : "plain");
		const built = programs.get(build) ?? new Map<Arithmetic, Promise<Program>>();
		programs.set(build, built);
		let program = built.get(wanted);
		if (!program) {
			program = Machine.#compile(wanted, build);
			built.set(wanted, program);
		}
		const machine = Machine.of(await program);
		if (machine.#answersAreRight()) return machine;
		// Without FMA in the hardware a relaxed multiply-add rounds twice.
		if (arithmetic === undefined && wanted === "fma") return Machine.open("plain", build);
		throw new ProverError("engine.failed", `Machine.open: expected ${wanted} arithmetic to pass its known answers, got other products`);
	}

	/**
	 * A fresh machine of what has been compiled and tested, here or in another thread.
	 * @param maximum pages of its memory, at most 65,536
	 */
	static of(program: Program, maximum = MAX_PAGES): Machine {
		return new Machine(program, allocateMemory(pagesOf(program.heap), maximum), maximum);
	}

	static async #compile(arithmetic: Arithmetic, build: Build): Promise<Program> {
		const { binary, constants } = build(arithmetic === "fma");
		const module = await WebAssembly.compile(binary).catch((cause) => {
			throw new ProverError("engine.failed", `Machine.open: expected WebAssembly with several memories, got ${(cause as Error).message}`, {
				hint: "the engine needs Node 22 or newer",
				cause,
			});
		});
		return { arithmetic, module, constants, heap: Math.ceil((16 * constants.length) / 64) * 64 };
	}

	/**
	 * The machine with the kernels of kernels.ts that this thread has kept, or a fresh one. Whoever takes it gives it back.
	 * @param program from another thread; default: as {@link open}
	 */
	static async take(program?: Program): Promise<Machine> {
		const machine = kept;
		kept = undefined;
		if (machine && (!program || program.arithmetic === machine.program.arithmetic)) return machine;
		return program ? Machine.of(program) : Machine.open();
	}

	/** Keeps the machine for the next {@link take}, unless its memory is large: that goes back to the system. */
	giveBack(): void {
		this.release(this.program.heap);
		if (this.#bytes.length <= KEPT_BYTES) kept = this;
		else void collectGarbage();
	}

	/**
	 * A kernel by name, see what built the module.
	 * @param key the memory of points and terms; default: the machine's own
	 */
	kernel(name: string, key?: WebAssembly.Memory): Kernel {
		const found = (key ? this.#instance(key) : this.#own)[name] ?? this.#tangents(key ?? this.memory)[name];
		if (!found) throw new TypeError(`Machine.kernel: expected a kernel's name, got "${name}"`);
		return found;
	}

	/** All kernels, with points and terms in a memory. */
	#instance(key: WebAssembly.Memory): Kernels {
		let kernels = this.#instances.get(key);
		if (!kernels) {
			kernels = this.#instantiate(this.program.module, key);
			this.#instances.set(key, kernels);
		}
		return kernels;
	}

	/** The kernels that few proofs need. */
	#tangents(key: WebAssembly.Memory): Kernels {
		const { arithmetic, constants, module } = this.program;
		let kernels = this.#doublings.get(key);
		if (!kernels) {
			const addition = tangents.get(module) ?? new WebAssembly.Module(buildTangents(arithmetic === "fma", constants));
			tangents.set(module, addition);
			kernels = this.#instantiate(addition, key);
			this.#doublings.set(key, kernels);
		}
		return kernels;
	}

	#instantiate(module: WebAssembly.Module, key: WebAssembly.Memory): Kernels {
		return new WebAssembly.Instance(module, { env: { memory: this.memory, points: key } }).exports as unknown as Kernels;
	}

	/** The whole memory as it is before the next {@link alloc}. */
	get bytes(): Uint8Array {
		return this.#bytes;
	}

	/** A view of 64-bit floats. */
	doubles(pointer: number, length: number): Float64Array {
		return new Float64Array(this.memory.buffer, pointer, length);
	}

	/** A view of 32-bit integers. */
	words(pointer: number, length: number): Uint32Array {
		return new Uint32Array(this.memory.buffer, pointer, length);
	}

	/** The first free byte. */
	mark(): number {
		return this.#next;
	}

	/** Frees everything allocated after `mark`. */
	release(mark: number): void {
		this.#next = mark;
	}

	/**
	 * @param size bytes
	 * @returns address of `size` bytes, 64-byte aligned, content undefined
	 * @throws ProverError `engine.memory` when the system gives no more, or the memory has its largest size
	 */
	alloc(size: number): number {
		const start = this.#next;
		const end = Math.ceil((start + size) / 64) * 64;
		const missing = pagesOf(end - this.#bytes.length);
		if (missing > 0) {
			try {
				this.memory.grow(missing);
			} catch (cause) {
				throw outOfMemory(`Machine.alloc: expected room for ${size} bytes, got only ${this.#maximum * PAGE - start}`, cause);
			}
			this.#bytes = new Uint8Array(this.memory.buffer);
		}
		this.#next = end;
		return start;
	}

	/** Writes a field element, a single one. */
	putSingle(pointer: number, value: bigint, modulus: bigint): void {
		this.doubles(pointer, 5).set(stored(value, modulus));
	}

	/** Writes two field elements as a pair. */
	putPair(pointer: number, low: bigint, high: bigint, modulus: bigint): void {
		const view = this.doubles(pointer, 10);
		for (const [lane, value] of [low, high].entries()) for (const [i, limb] of stored(value, modulus).entries()) view[2 * i + lane] = limb;
	}

	/** Reads the elements of a pair. */
	pair(pointer: number, modulus: bigint): [bigint, bigint] {
		const view = this.doubles(pointer, 10);
		const lane = (which: 0 | 1): bigint =>
			restored(
				[0, 1, 2, 3, 4].map((i) => view[2 * i + which] as number),
				modulus,
			);
		return [lane(0), lane(1)];
	}

	/** Reads two consecutive elements: in `[0, q)`. */
	coordinates(pointer: number): [bigint, bigint] {
		const mark = this.mark();
		const bytes = this.alloc(2 * WORD);
		this.kernel("fq_toBytes")(bytes, pointer);
		const result: [bigint, bigint] = [fromBytesLE(this.#bytes, bytes), fromBytesLE(this.#bytes, bytes + WORD)];
		this.release(mark);
		return result;
	}

	/**
	 * Inverts both elements of a pair modulo q, by Fermat. Zero gives zero.
	 * @param out may be `x`
	 */
	invertPair(out: number, x: number): void {
		const mark = this.mark();
		const multiply = this.kernel("fq_multiply");
		const size = 1 << Number(WINDOW);
		const powers = this.alloc(size * PAIR_BYTES);
		this.putPair(powers, 1n, 1n, Q);
		for (let i = 1; i < size; i++) multiply(powers + i * PAIR_BYTES, powers + (i - 1) * PAIR_BYTES, x, 1);
		const result = this.alloc(PAIR_BYTES);
		this.putPair(result, 1n, 1n, Q);
		for (const digit of INVERSION) {
			for (let i = 0n; i < WINDOW; i++) multiply(result, result, result, 1);
			if (digit > 0) multiply(result, result, powers + digit * PAIR_BYTES, 1);
		}
		this.#bytes.copyWithin(out, result, result + PAIR_BYTES);
		this.release(mark);
	}

	/** Products of random-looking and of extreme factors. */
	#answersAreRight(): boolean {
		const mark = this.mark();
		const out = this.alloc(3 * PAIR_BYTES);
		const right = (["fr", "fq"] as const).every((name) => {
			const modulus = name === "fr" ? R : Q;
			const back = inverse(FACTOR, modulus);
			let x = modulus - 2n;
			let y = (1n << 253n) - 1n;
			return Array.from({ length: 32 }).every(() => {
				this.putPair(out + PAIR_BYTES, x, y, modulus);
				this.putPair(out + 2 * PAIR_BYTES, y, modulus - x, modulus);
				this.kernel(`${name}_multiply`)(out, out + PAIR_BYTES, out + 2 * PAIR_BYTES, 1);
				const [low, high] = this.pair(out, modulus);
				const expected = [mod(x * y, modulus), mod(y * (modulus - x), modulus)];
				[x, y] = [mod(x * y * back, modulus), mod(y * y + 1n, modulus)];
				return low === expected[0] && high === expected[1];
			});
		});
		this.release(mark);
		return right;
	}
}

/** Digits of q - 2, highest first. */
const INVERSION = [...(Q - 2n).toString(2 ** Number(WINDOW))].map((digit) => Number.parseInt(digit, 2 ** Number(WINDOW)));

function stored(value: bigint, modulus: bigint): number[] {
	const rest = mod(value * FACTOR, modulus);
	return limbsOf(2n * rest > modulus ? rest - modulus : rest).map(Number);
}

function restored(limbs: readonly number[], modulus: bigint): bigint {
	const value = limbs.reduceRight((high, limb) => (high << 51n) + BigInt(limb), 0n);
	return mod(value * inverseFactor(modulus), modulus);
}

function inverseFactor(modulus: bigint): bigint {
	return modulus === Q ? INVERSE_FACTOR_Q : INVERSE_FACTOR_R;
}

const INVERSE_FACTOR_Q = inverse(FACTOR, Q);
const INVERSE_FACTOR_R = inverse(FACTOR, R);

/** Whether this engine compiles the relaxed instructions. */
function hasRelaxedMadd(): boolean {
	const func = new Func(["v128"], "v128");
	func.emit(pair.fRelaxedMadd(func.param(0), func.param(0), func.param(0)));
	const module = new Module();
	module.export("madd", func);
	return WebAssembly.validate(module.encode());
}
