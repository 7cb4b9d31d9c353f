/**
 * Many independent point additions at the price of one inversion.
 *
 * `P + Q` needs the slope `(y_Q - y_P) / (x_Q - x_P)`. Montgomery's trick inverts all denominators of a batch at once for three products each, so
 * an affine addition costs six products. Batches are small enough for their prefixes to stay in the cache.
 *
 * A denominator is zero when P = Q or P = -Q. Then the product of the batch is zero, which is noticed, and the batch is sorted into chords,
 * tangents (P = Q) and sums that are infinity.
 */
import { Q } from "../bn254.ts";
import { ProverError } from "../errors.ts";
import { ELEMENT_BYTES, PAIR_BYTES } from "./field.ts";
import { type GroupName, POINT_BYTES } from "./kernels.ts";
import type { Machine } from "./machine.ts";

const CAPACITY = 4096;
const EQUAL = 0;
const OPPOSITE = 1;
const DIFFERENT = 2;

/** A batch in the making. Points are named by address, plus 1 for the negative of the point that is stored there. */
export class Adder {
	readonly #machine: Machine;
	readonly #group: GroupName;
	readonly #onInfinity: (out: number) => void;
	/** addresses in the machine of the lists below */
	readonly #lists: readonly [left: number, right: number, out: number];
	readonly #left = new Uint32Array(CAPACITY);
	readonly #right = new Uint32Array(CAPACITY);
	readonly #out = new Uint32Array(CAPACITY);
	readonly #prefixes: number;
	/** what {@link #invert} writes */
	readonly #inverse: number;
	/** what fills the last turn, and where its sum goes: the formulas ask for different abscissas, or an ordinate that is not zero */
	readonly #filler: readonly [left: number, right: number, out: number];
	#count = 0;

	/**
	 * Allocates about a megabyte in the machine.
	 * @param onInfinity told the address of each sum that is infinity; nothing is written there
	 */
	constructor(machine: Machine, group: GroupName, onInfinity: (out: number) => void) {
		this.#machine = machine;
		this.#group = group;
		this.#onInfinity = onInfinity;
		this.#lists = [machine.alloc(4 * CAPACITY), machine.alloc(4 * CAPACITY), machine.alloc(4 * CAPACITY)];
		this.#prefixes = machine.alloc((CAPACITY / 2 + 1) * this.#pairBytes);
		this.#inverse = machine.alloc(2 * this.#pairBytes);
		const size = POINT_BYTES[group];
		const filler = machine.alloc(3 * size);
		this.#filler = [filler, filler + size, filler + 2 * size];
		machine.bytes.fill(0, filler, filler + 2 * size);
		machine.putSingle(filler + size / 2, 1n, Q);
		machine.putSingle(filler + size, 1n, Q);
	}

	get #pairBytes(): number {
		return (POINT_BYTES[this.#group] / ELEMENT_BYTES / 2) * PAIR_BYTES;
	}

	/**
	 * Adds two points, not infinity, some time before the end of the next {@link flush}.
	 * @param out may be the address of `left`, then without the sign; no other addition of the batch may use it
	 */
	add(left: number, right: number, out: number): void {
		if (this.#count === CAPACITY) this.flush();
		this.#append(left, right, out);
	}

	/** Completes all additions. */
	flush(): void {
		if (this.#count > 0) this.#run("chord");
	}

	#append(left: number, right: number, out: number): void {
		this.#left[this.#count] = left;
		this.#right[this.#count] = right;
		this.#out[this.#count] = out;
		this.#count++;
	}

	/** Runs the batch, which contains tangents only, or chords and whatever was taken for chords. */
	#run(line: "chord" | "tangent"): void {
		const machine = this.#machine;
		const [left, right, out] = this.#lists;
		const count = this.#count;
		const [filler, other, unused] = this.#filler;
		if (count % 2 === 1) this.#append(filler, line === "chord" ? other : filler, unused);
		const turns = this.#count / 2;
		for (const [i, list] of [this.#left, this.#right, this.#out].entries()) {
			machine.words(this.#lists[i] as number, this.#count).set(list.subarray(0, this.#count));
		}
		this.#count = 0;
		for (const list of [left, right]) machine.kernel(`${this.#group}_touch`)(list, 2 * turns);
		machine.kernel(`${this.#group}_${line}_forward`)(left, right, this.#prefixes, turns);
		const product = this.#prefixes + turns * this.#pairBytes;
		if (machine.kernel(`${this.#group}_hasZero`)(product)) {
			// Neither group has a point of order two, so no tangent is vertical.
			if (line === "tangent") throw new ProverError("engine.failed", "Adder: expected slopes of all tangents, got a vertical one");
			this.#sortOut(count);
			return;
		}
		this.#invert(product);
		const end = 8 * turns;
		machine.kernel(`${this.#group}_${line}_backward`)(left + end, right + end, out + end, product, turns, this.#inverse);
	}

	/** Inverts the product of a batch: a pair in Fq or in Fq2. */
	#invert(product: number): void {
		const machine = this.#machine;
		const out = this.#inverse;
		if (this.#group === "g1") {
			machine.invertPair(out, product);
			return;
		}
		const norm = out + this.#pairBytes;
		const multiply = machine.kernel("fq_multiply");
		machine.kernel("fq2_norm")(norm, product);
		machine.invertPair(norm, norm);
		multiply(out, norm, product, 1);
		multiply(out + PAIR_BYTES, norm, product + PAIR_BYTES, 1);
		const conjugate = machine.doubles(out + PAIR_BYTES, PAIR_BYTES / 8);
		for (let i = 0; i < conjugate.length; i++) conjugate[i] = -(conjugate[i] as number);
	}

	/** Some denominators of the batch are zero: doubles equal points, reports opposite ones, and repeats the rest. */
	#sortOut(count: number): void {
		const differ = this.#machine.kernel(`${this.#group}_differ`);
		const [left, right, out] = [this.#left, this.#right, this.#out].map((list) => list.slice(0, count)) as [
			Uint32Array,
			Uint32Array,
			Uint32Array,
		];
		const relations = Uint8Array.from(left, (pointer, i) => differ(pointer, right[i] as number));
		if (relations.every((relation) => relation === DIFFERENT)) {
			throw new ProverError("engine.failed", "Adder: expected a vertical chord behind a product of zero, got none");
		}
		for (const line of ["chord", "tangent"] as const) {
			for (const [i, relation] of relations.entries()) {
				if (relation === OPPOSITE || (relation === EQUAL) !== (line === "tangent")) continue;
				this.#append(left[i] as number, right[i] as number, out[i] as number);
			}
			if (this.#count > 0) this.#run(line);
		}
		for (const [i, relation] of relations.entries()) if (relation === OPPOSITE) this.#onInfinity(out[i] as number);
	}
}
