/**
 * Runs the witness program that circom generates and lays inputs out as the circuit wants them.
 */
import { readFile } from "node:fs/promises";
import { mod, R, WORD } from "./bn254.ts";
import type { CompiledCircuit, InputSignal } from "./compile.ts";
import { WitnessError } from "./errors.ts";

/** A field element or an array of them of any depth; negative numbers stand for `r + v`. */
export type InputValue = bigint | readonly InputValue[];

/** Values by signal name. */
export type Inputs = Readonly<Record<string, InputValue>>;

const WORDS = WORD / 4;

interface WitnessExports {
	init(check: number): void;
	getFieldNumLen32(): number;
	getRawPrime(): void;
	getInputSize(): number;
	getInputSignalSize(hashHigh: number, hashLow: number): number;
	getWitnessSize(): number;
	getMessageChar(): number;
	readSharedRWMemory(index: number): number;
	writeSharedRWMemory(index: number, word: number): void;
	setInputSignal(hashHigh: number, hashLow: number, index: number): void;
	getWitness(index: number): void;
}

/**
 * Flattens inputs, row major, and compares them with the circuit.
 * @param names the signals to take, all of which must be there
 * @returns values in `[0, r)` by name
 * @throws WitnessError `input.missing`, `input.size`, `input.range` (outside `(-r, r)`)
 */
export function flattenInputs(compiled: CompiledCircuit, inputs: Inputs, names: readonly InputSignal[]): Map<string, bigint[]> {
	const { id } = compiled.circuit;
	const flat = new Map<string, bigint[]>();
	for (const { name, size } of names) {
		const value = inputs[name];
		if (value === undefined) throw new WitnessError("input.missing", `prove: expected an input "${name}" for ${id}, got none`);
		const values: bigint[] = [];
		const visit = (item: InputValue): void => {
			if (typeof item !== "bigint") {
				item.forEach(visit);
				return;
			}
			if (item >= R || item <= -R) throw new WitnessError("input.range", `prove: expected "${name}" of ${id} in (-r, r), got ${item}`);
			values.push(mod(item, R));
		};
		visit(value);
		if (values.length !== size) {
			throw new WitnessError("input.size", `prove: expected ${size} values of "${name}" for ${id}, got ${values.length}`);
		}
		flat.set(name, values);
	}
	return flat;
}

/** A circuit's witness program, loaded once. Each calculation runs in a fresh instance, whose memory is then free. */
export class WitnessProgram {
	readonly #module: WebAssembly.Module;
	readonly #id: string;

	private constructor(module: WebAssembly.Module, id: string) {
		this.#module = module;
		this.#id = id;
	}

	static async load(compiled: CompiledCircuit): Promise<WitnessProgram> {
		return WitnessProgram.compile(await readFile(compiled.wasm), compiled.circuit.id);
	}

	/**
	 * Loads the program of any circuit.
	 * @param wasm what circom 2 writes with `--wasm`
	 * @param name what the circuit is called in messages
	 * @throws WitnessError `witness.program` when it is no WebAssembly
	 */
	static async compile(wasm: Uint8Array, name: string): Promise<WitnessProgram> {
		try {
			return new WitnessProgram(await WebAssembly.compile(wasm), name);
		} catch (cause) {
			throw new WitnessError("witness.program", `compile: expected ${name} to be a witness program, got ${(cause as Error).message}`, {
				hint: "it is the .wasm that circom writes with --wasm",
				cause,
			});
		}
	}

	/**
	 * Runs the program on inputs of unknown origin.
	 * @param inputs values by signal name, flat, in `[0, r)`
	 * @returns as {@link calculate}
	 * @throws WitnessError `witness.program` for another compiler's program or another field; `input.unknown`, `input.size`, `input.missing`
	 *   for inputs that are not those of the circuit; `witness.unsatisfied` as {@link calculate}
	 */
	async calculateChecked(inputs: ReadonlyMap<string, readonly bigint[]>): Promise<Uint8Array> {
		const exports = await this.#start();
		this.#checkField(exports);
		let given = 0;
		for (const [name, values] of inputs) {
			// An unknown name has size 0 or -1.
			const size = exports.getInputSignalSize(...signalHash(name));
			if (size <= 0 && values.length > 0)
				throw new WitnessError("input.unknown", `calculate: expected inputs of ${this.#id}, got "${name}"`);
			if (values.length !== size) {
				throw new WitnessError("input.size", `calculate: expected ${size} values of "${name}" for ${this.#id}, got ${values.length}`);
			}
			given += values.length;
		}
		const size = exports.getInputSize();
		if (given < size) {
			throw new WitnessError("input.missing", `calculate: expected ${size} values for the inputs of ${this.#id}, got ${given}`, {
				hint: "an input signal was left out",
			});
		}
		return run(exports, inputs);
	}

	/**
	 * @param inputs all inputs of the circuit, flat, in `[0, r)`
	 * @returns all wires, 32 bytes each, little endian
	 * @throws WitnessError `witness.unsatisfied` with the template and line of the assertion that failed
	 */
	async calculate(inputs: ReadonlyMap<string, readonly bigint[]>): Promise<Uint8Array> {
		return run(await this.#start(), inputs);
	}

	/** A fresh instance. */
	async #start(): Promise<WitnessExports> {
		const messages: string[] = [];
		const instance = await WebAssembly.instantiate(this.#module, {
			runtime: {
				exceptionHandler: (code: number) => {
					throw this.#failure(code, messages);
				},
				printErrorMessage: () => messages.push(readMessage(exports)),
				// log() lines of a circuit go nowhere: a worker has no terminal.
				writeBufferMessage: () => readMessage(exports),
				showSharedRWMemory: () => {},
			},
		}).catch((cause) => {
			throw this.#foreign((cause as Error).message, cause);
		});
		const exports = instance.exports as unknown as WitnessExports;
		return exports;
	}

	#checkField(exports: WitnessExports): void {
		if (typeof exports.getInputSignalSize !== "function" || typeof exports.getRawPrime !== "function") {
			throw this.#foreign("other functions");
		}
		exports.getRawPrime();
		let prime = 0n;
		for (let word = exports.getFieldNumLen32() - 1; word >= 0; word--) {
			prime = (prime << 32n) | BigInt(exports.readSharedRWMemory(word) >>> 0);
		}
		if (prime !== R) throw this.#foreign(`the field of ${prime} elements`);
	}

	#foreign(got: string, cause?: unknown): WitnessError {
		return new WitnessError(
			"witness.program",
			`calculate: expected ${this.#id} to be of circom 2 and over the scalar field of BN254, got ${got}`,
			{
				hint: "compile the circuit with circom 2.0.7 or later, --wasm, for the curve bn128",
				...(cause === undefined ? {} : { cause }),
			},
		);
	}

	#failure(code: number, messages: readonly string[]): WitnessError {
		if (code === 4) {
			const where = messages
				.map((line) => line.trim())
				.filter(Boolean)
				.join(" <- ");
			return new WitnessError("witness.unsatisfied", `prove: expected inputs that satisfy ${this.#id}, got a failed assertion: ${where}`);
		}
		const reasons = [
			"",
			"signal not found",
			"too many signals set",
			"signal already set",
			"",
			"not enough memory",
			"array access out of bounds",
		];
		return new WitnessError(
			"witness.unsatisfied",
			`prove: expected ${this.#id} to take its inputs, got "${reasons[code] ?? `error ${code}`}" ${messages.join(" ")}`,
		);
	}
}

/**
 * @param witness wires as {@link WitnessProgram.calculate} returns them
 * @returns a .wtns file, version 2
 */
export function encodeWitness(witness: Uint8Array): Uint8Array {
	const head = Buffer.alloc(76);
	head.write("wtns", 0, "latin1");
	head.writeUInt32LE(2, 4);
	head.writeUInt32LE(2, 8);
	head.writeUInt32LE(1, 12);
	head.writeBigUInt64LE(40n, 16);
	head.writeUInt32LE(WORD, 24);
	for (let i = 0; i < 4; i++) head.writeBigUInt64LE((R >> BigInt(64 * i)) & 0xffffffffffffffffn, 28 + 8 * i);
	head.writeUInt32LE(witness.length / WORD, 60);
	head.writeUInt32LE(2, 64);
	head.writeBigUInt64LE(BigInt(witness.length), 68);
	const file = new Uint8Array(head.length + witness.length);
	file.set(head);
	file.set(witness, head.length);
	return file;
}

function run(exports: WitnessExports, inputs: ReadonlyMap<string, readonly bigint[]>): Uint8Array {
	// Without the argument the program skips the checks of assertions in some versions of circom.
	exports.init(1);
	for (const [name, values] of inputs) {
		const [high, low] = signalHash(name);
		values.forEach((value, index) => {
			writeElement(exports, value);
			exports.setInputSignal(high, low, index);
		});
	}
	const size = exports.getWitnessSize();
	const witness = new Uint32Array(size * WORDS);
	for (let wire = 0; wire < size; wire++) {
		exports.getWitness(wire);
		for (let word = 0; word < WORDS; word++) witness[wire * WORDS + word] = exports.readSharedRWMemory(word);
	}
	return new Uint8Array(witness.buffer);
}

function readMessage(exports: WitnessExports): string {
	let message = "";
	for (let char = exports.getMessageChar(); char !== 0; char = exports.getMessageChar()) message += String.fromCharCode(char);
	return message;
}

function writeElement(exports: WitnessExports, value: bigint): void {
	let rest = value;
	for (let word = 0; word < WORDS; word++) {
		exports.writeSharedRWMemory(word, Number(rest & 0xffffffffn));
		rest >>= 32n;
	}
}

/** circom knows a signal by the 64-bit FNV-1a hash of its name. */
function signalHash(name: string): [high: number, low: number] {
	let hash = 0xcbf29ce484222325n;
	for (const char of name) hash = ((hash ^ BigInt(char.charCodeAt(0))) * 0x100000001b3n) & 0xffffffffffffffffn;
	return [Number(hash >> 32n), Number(hash & 0xffffffffn)];
}
