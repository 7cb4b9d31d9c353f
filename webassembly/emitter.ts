/**
 * A WebAssembly emitter: just enough of the binary format for the kernels of proving and computing.
 *
 * An expression is its code, an array of bytes that leaves one value on the stack; operators put operand code before their opcode.
 * {@link Func} collects statements. Every intermediate value is a local of its own ({@link Func.let}), which costs nothing after the
 * register allocation of whoever runs it.
 */

/** Bytes of an expression or a statement, with parts left as they are: nothing is copied before {@link Func.emit}. */
export type Code = readonly (number | Code)[];

const TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
export type Type = keyof typeof TYPE;

/** Puts operand code before an opcode. */
export type Operator = (...operands: readonly Code[]) => Code;

const operator =
	(...opcode: readonly number[]): Operator =>
	(...operands) => [...operands, ...opcode];
const simd = (opcode: number): Operator => operator(0xfd, ...unsigned(opcode));

/** Which of a module's two memories an instruction works on. */
export type MemoryIndex = 0 | 1;

/** Alignment as a power of two, memory and offset of a load or a store. */
function place(alignment: number, offset: number, memory: MemoryIndex): Code {
	return memory === 0 ? [alignment, ...unsigned(offset)] : [alignment | 0x40, memory, ...unsigned(offset)];
}

export const i32 = {
	const: (value: number): Code => [0x41, ...signed(BigInt(value))],
	load: (address: Code, offset = 0, memory: MemoryIndex = 0): Code => [address, 0x28, place(0, offset, memory)],
	store: (address: Code, value: Code, offset = 0): Code => [address, value, 0x36, place(2, offset, 0)],
	loadByte: (address: Code, memory: MemoryIndex = 0): Code => [address, 0x2d, place(0, 0, memory)],
	storeByte: (address: Code, value: Code, offset = 0, memory: MemoryIndex = 0): Code => [address, value, 0x3a, place(0, offset, memory)],
	eqz: operator(0x45),
	ltU: operator(0x49),
	geU: operator(0x4f),
	add: operator(0x6a),
	sub: operator(0x6b),
	mul: operator(0x6c),
	and: operator(0x71),
	or: operator(0x72),
	xor: operator(0x73),
	shl: operator(0x74),
	shrS: operator(0x75),
	shrU: operator(0x76),
	/** the low half of a 64-bit integer */
	wrap: operator(0xa7),
};

export const i64 = {
	const: (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))],
	load: (address: Code, offset = 0, memory: MemoryIndex = 0): Code => [address, 0x29, place(0, offset, memory)],
	store: (address: Code, value: Code, offset = 0): Code => [address, value, 0x37, place(0, offset, 0)],
	eqz: operator(0x50),
	ltU: operator(0x54),
	clz: operator(0x79),
	add: operator(0x7c),
	sub: operator(0x7d),
	and: operator(0x83),
	or: operator(0x84),
	xor: operator(0x85),
	shl: operator(0x86),
	shrS: operator(0x87),
	shrU: operator(0x88),
	extend: operator(0xad),
	fromFloat: operator(0xb0),
};

export const f64 = {
	fromInteger: operator(0xb9),
};

/** Vectors of two 64-bit lanes, as integers (i), as doubles (f) or as bits. */
export const pair = {
	load: (address: Code, offset = 0): Code => [address, 0xfd, 0x00, 3, ...unsigned(offset)],
	store: (address: Code, value: Code, offset = 0): Code => [address, value, 0xfd, 0x0b, 3, ...unsigned(offset)],
	/** both lanes from one place */
	loadSplat: (address: Code, offset = 0): Code => [address, 0xfd, 0x0a, 3, ...unsigned(offset)],
	/** lane 0 from memory, lane 1 zero */
	loadLow: (address: Code, offset = 0, memory: MemoryIndex = 0): Code => [address, 0xfd, 0x5d, place(3, offset, memory)],
	/** lane 1 of a vector replaced from memory */
	loadHigh: (address: Code, vector: Code, offset = 0, memory: MemoryIndex = 0): Code => [
		address,
		vector,
		0xfd,
		0x57,
		place(3, offset, memory),
		1,
	],
	storeLane: (address: Code, vector: Code, lane: 0 | 1, offset = 0, memory: MemoryIndex = 0): Code => [
		address,
		vector,
		0xfd,
		0x5b,
		place(3, offset, memory),
		lane,
	],
	swap: (vector: Code): Code => [vector, vector, 0xfd, 0x0d, ...[8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]],
	and: simd(0x4e),
	or: simd(0x50),
	xor: simd(0x51),
	anyTrue: simd(0x53),
	/** whether both lanes are non-zero */
	iAllTrue: simd(0xc3),
	iEqual: simd(0xd6),
	/** the highest bit of each lane */
	iBitmask: simd(0xc4),
	iSplat: simd(0x12),
	iReplaceHigh: (vector: Code, value: Code): Code => [vector, value, 0xfd, 0x1e, 1],
	iAdd: simd(0xce),
	iShl: simd(0xcb),
	iShrU: simd(0xcd),
	fSplat: simd(0x14),
	fExtract: (vector: Code, lane: 0 | 1): Code => [vector, 0xfd, 0x21, lane],
	fReplaceHigh: (vector: Code, value: Code): Code => [vector, value, 0xfd, 0x22, 1],
	fAdd: simd(0xf0),
	fSub: simd(0xf1),
	fMul: simd(0xf2),
	/** `a b + c`: rounded once on hardware with FMA, twice on other */
	fRelaxedMadd: simd(0x107),
};

/** Vectors of four 32-bit lanes, as integers (i), as floats (f) or as bits. */
export const quad = {
	load: (address: Code, offset = 0): Code => [address, 0xfd, 0x00, place(2, offset, 0)],
	store: (address: Code, value: Code, offset = 0): Code => [address, value, 0xfd, 0x0b, place(2, offset, 0)],
	/** all lanes from one place */
	loadSplat: (address: Code, offset = 0): Code => [address, 0xfd, 0x09, place(2, offset, 0)],
	/** lanes of two vectors, by index: 0 to 3 of the first, 4 to 7 of the second */
	shuffle: (first: Code, second: Code, lanes: readonly [number, number, number, number]): Code => [
		first,
		second,
		0xfd,
		0x0d,
		...lanes.flatMap((lane) => [4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]),
	],
	and: simd(0x4e),
	or: simd(0x50),
	xor: simd(0x51),
	iSplat: simd(0x11),
	/** lane 0 */
	iFirst: (vector: Code): Code => [vector, 0xfd, 0x1b, 0],
	iAdd: simd(0xae),
	iSub: simd(0xb1),
	iMul: simd(0xb5),
	iShl: simd(0xab),
	iShrU: simd(0xad),
	/** all bits of the lanes where the first is not below the second, without sign */
	iNotBelow: simd(0x40),
	/** `sum + a b` over the four bytes of each lane, a signed, b below 128: what other b give is up to the machine */
	iRelaxedDotBytes: simd(0x113),
	fSplat: simd(0x13),
	/** all bits of the lanes where the first is greater */
	fGreater: simd(0x44),
	fAdd: simd(0xe4),
	fSub: simd(0xe5),
	fMul: simd(0xe6),
	/** `a b + c`: rounded once on hardware with FMA, twice on other */
	fRelaxedMadd: simd(0x105),
};

/** Vectors of eight 16-bit integers. */
export const octet = {
	/** eight bytes from memory, without sign */
	loadBytes: (address: Code, offset = 0): Code => [address, 0xfd, 0x02, place(0, offset, 0)],
	splat: simd(0x10),
	iSub: simd(0x91),
	/** four 32-bit sums of two products each, of signed lanes */
	dot: simd(0xba),
	/** the first four lanes as 32-bit integers, without sign; the last four */
	widenLow: simd(0xa9),
	widenHigh: simd(0xaa),
};

/** Vectors of sixteen bytes. */
export const sixteen = {
	splat: simd(0x0f),
	/** bytes of two vectors, by index: 0 to 15 of the first, 16 to 31 of the second */
	shuffle: (first: Code, second: Code, lanes: readonly number[]): Code => [first, second, 0xfd, 0x0d, ...lanes],
};

/** 64 KiB each: the 4 GB of a 32-bit address. */
export const MAX_PAGES = 65536;

/** One function in the making. */
export class Func {
	readonly params: readonly Type[];
	readonly result: Type | undefined;
	readonly #locals: Type[] = [];
	#statements = new Uint8Array(4096);
	#length = 0;

	constructor(params: readonly Type[], result?: Type) {
		this.params = params;
		this.result = result;
	}

	/** The value of a parameter. */
	param(index: number): Code {
		return [0x20, ...unsigned(index)];
	}

	/** A new local that can be assigned to, zero at first. */
	local(type: Type): Code {
		this.#locals.push(type);
		return [0x20, ...unsigned(this.params.length + this.#locals.length - 1)];
	}

	/** Adds a statement. Hundreds of thousands of bytes go through here whenever a process starts, so no iterators. */
	emit(code: Code): void {
		for (let i = 0; i < code.length; i++) {
			const part = code[i] as number | Code;
			if (typeof part === "number") this.#put(part);
			else this.emit(part);
		}
	}

	/** @param variable a local or a parameter */
	assign(variable: Code, value: Code): void {
		this.emit(value);
		this.#put(0x21);
		for (let i = 1; i < variable.length; i++) this.#put(variable[i] as number);
	}

	/** Evaluates an expression once. */
	let(type: Type, value: Code): Code {
		const variable = this.local(type);
		this.assign(variable, value);
		return variable;
	}

	/** Repeats the body while a condition holds, tested before each turn. */
	while(condition: Code, body: () => void): void {
		this.emit([0x02, 0x40, 0x03, 0x40, i32.eqz(condition), 0x0d, 1]);
		body();
		this.emit([0x0c, 0, 0x0b, 0x0b]);
	}

	/** Runs one body when a condition holds, and the other, if there is one, when it does not. */
	if(condition: Code, body: () => void, otherwise?: () => void): void {
		this.emit([condition, 0x04, 0x40]);
		body();
		if (otherwise) {
			this.emit([0x05]);
			otherwise();
		}
		this.emit([0x0b]);
	}

	/** Leaves the function. */
	return(value: Code = []): void {
		this.emit([value, 0x0f]);
	}

	#put(byte: number): void {
		if (this.#length === this.#statements.length) {
			const larger = new Uint8Array(2 * this.#length);
			larger.set(this.#statements);
			this.#statements = larger;
		}
		this.#statements[this.#length++] = byte;
	}

	/** The entry of the code section. */
	encode(): Uint8Array {
		// Runs of locals of one type.
		const runs: { readonly type: Type; count: number }[] = [];
		for (const type of this.#locals) {
			const last = runs.at(-1);
			if (last?.type === type) last.count++;
			else runs.push({ type, count: 1 });
		}
		const locals = runs.map(({ type, count }) => [...unsigned(count), TYPE[type]]);
		return sized(packed([unsigned(locals.length), ...locals, this.#statements.subarray(0, this.#length), [0x0b]]));
	}
}

/** The values of a function's parameters, to be taken apart: as many as it has, at most nine. */
export function operands(func: Func): readonly [Code, Code, Code, Code, Code, Code, Code, Code, Code] {
	return func.params.map((_, index) => func.param(index)) as unknown as ReturnType<typeof operands>;
}

/** The memories that a module imports, in the order of {@link MemoryIndex}. */
export interface Memories {
	/** Under `env`. */
	readonly names: readonly string[];
	/** Whether threads may share them. */
	readonly shared: boolean;
}

/** Two, which may be the same one. */
const SHARED: Memories = { names: ["memory", "points"], shared: true };

/** A module: functions over imported memories; the first one holds the constants that the functions load from it. */
export class Module {
	readonly #functions: { readonly name: string; readonly func: Func }[] = [];
	readonly #constants = new Map<bigint, Code>();
	readonly #isAddition: boolean;
	readonly #memories: Memories;

	/**
	 * @param constants of another module, which lie in the memory when this one, an addition to it, gets the same: it can have no more
	 * @param memories several need an engine that takes several; default: `memory` and `points`, shared
	 */
	constructor(constants: readonly bigint[] = [], memories: Memories = SHARED) {
		for (const bits of constants) this.#add(bits);
		this.#isAddition = constants.length > 0;
		this.#memories = memories;
	}

	/**
	 * Exports a function.
	 * @returns what calls it, from functions that are exported later too
	 */
	export(name: string, func: Func): Operator {
		return operator(0x10, ...unsigned(this.#functions.push({ name, func }) - 1));
	}

	/** A vector with the same 64 bits in both lanes, from the table of constants at the start of the memory. */
	constant(bits: bigint): Code {
		const key = BigInt.asUintN(64, bits);
		const load = this.#constants.get(key);
		if (load) return load;
		if (this.#isAddition) throw new RangeError(`Module.constant: expected a constant of the module that this one adds to, got ${bits}`);
		return this.#add(key);
	}

	/** The table of constants, 16 bytes each. */
	get constants(): bigint[] {
		return [...this.#constants.keys()];
	}

	#add(bits: bigint): Code {
		const load = pair.load(i32.const(0), 16 * this.#constants.size);
		this.#constants.set(bits, load);
		return load;
	}

	/** The binary. */
	encode(): Uint8Array<ArrayBuffer> {
		const types = this.#functions.map(({ func }) => {
			const results = func.result ? [TYPE[func.result]] : [];
			return [0x60, func.params.length, ...func.params.map((type) => TYPE[type]), results.length, ...results];
		});
		const table = [...this.#constants.keys()].flatMap((bits) => {
			const bytes = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
			return [...bytes, ...bytes];
		});
		const section = (id: number, items: readonly (readonly number[] | Uint8Array)[]): Uint8Array =>
			packed([[id], sized(packed([unsigned(items.length), ...items]))]);
		const { names, shared } = this.#memories;
		const memories = names.map((name) => [...text("env"), ...text(name), 0x02, shared ? 0x03 : 0x01, 1, ...unsigned(MAX_PAGES)]);
		const exported = this.#functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
		const indices = types.map((_, index) => unsigned(index));
		const bodies = this.#functions.map(({ func }) => func.encode());
		const data = this.#isAddition ? [] : [packed([[0x00, 0x41, 0, 0x0b], sized(Uint8Array.from(table))])];
		return packed([
			[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
			section(1, types),
			section(2, memories),
			section(3, indices),
			section(7, exported),
			section(10, bodies),
			section(11, data),
		]);
	}
}

/** Concatenation. */
function packed(parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let position = 0;
	for (const part of parts) {
		bytes.set(part, position);
		position += part.length;
	}
	return bytes;
}

function text(value: string): number[] {
	return [value.length, ...Buffer.from(value, "latin1")];
}

function sized(bytes: Uint8Array): Uint8Array {
	return packed([unsigned(bytes.length), bytes]);
}

function unsigned(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	do {
		const low = rest & 0x7f;
		rest >>>= 7;
		bytes.push(rest > 0 ? low | 0x80 : low);
	} while (rest > 0);
	return bytes;
}

function signed(value: bigint): number[] {
	const bytes: number[] = [];
	let rest = value;
	for (;;) {
		const low = Number(rest & 0x7fn);
		rest >>= 7n;
		const done = (rest === 0n && low < 64) || (rest === -1n && low >= 64);
		bytes.push(done ? low : low | 0x80);
		if (done) return bytes;
	}
}
