/**
 * Many independent point additions at the price of one inversion.
 *
 * `P + Q` needs the slope `(y_Q - y_P) / (x_Q - x_P)`. Montgomery's trick inverts all denominators of a batch at once for three products each, so
 * an affine addition costs six products. Batches are small enough for their prefixes to stay in the cache.
 *
 * A denominator is zero when P = Q or P = -Q. Then the product of the batch is zero, which is noticed, and the batch is sorted into chords,
 * tangents (P = Q) and sums that are infinity.
 */
import { ProverError } from "../errors.ts";
import { ELEMENT_BYTES, PAIR_BYTES } from "./field.ts";
import { type GroupName, POINT_BYTES } from "./kernels.ts";
import type { Kernel, Machine } from "./machine.ts";

const CAPACITY = 4096;
const EQUAL = 0;
const OPPOSITE = 1;
const DIFFERENT = 2;

/** Addresses of lists of pointers: summands and sums. */
type Lists = readonly [left: number, right: number, out: number];

/** A batch in the making. Points are named by address, plus 1 for the negative of the point that is stored there. */
export class Adder {
	readonly #machine: Machine;
	readonly #group: GroupName;
	readonly #onInfinity: (out: number) => void;
	readonly #key: WebAssembly.Memory | undefined;
	/** addresses in the machine of the lists below */
	readonly #lists: Lists;
	readonly #left: Uint32Array;
	readonly #right: Uint32Array;
	readonly #out: Uint32Array;
	readonly #prefixes: number;
	/** what {@link #invert} writes */
	readonly #inverse: number;
	/** where a sum goes that nobody wants */
	readonly #unused: number;
	#count = 0;

	/**
	 * Allocates about half a megabyte in the machine.
	 * @param onInfinity told the address of each sum that is infinity; nothing is written there
	 * @param key memory of the points that are added; default: the machine's own, where sums go in any case
	 */
	constructor(machine: Machine, group: GroupName, onInfinity: (out: number) => void, key?: WebAssembly.Memory) {
		this.#machine = machine;
		this.#group = group;
		this.#onInfinity = onInfinity;
		this.#key = key;
		const bytes = 4 * (CAPACITY + 1);
		this.#lists = [machine.alloc(bytes), machine.alloc(bytes), machine.alloc(bytes)];
		// A shared memory grows without moving, so views stay valid.
		[this.#left, this.#right, this.#out] = this.#lists.map((list) => machine.words(list, CAPACITY)) as [
			Uint32Array,
			Uint32Array,
			Uint32Array,
		];
		this.#prefixes = machine.alloc((CAPACITY / 2 + 1) * this.#pairBytes);
		this.#inverse = machine.alloc(2 * this.#pairBytes);
		this.#unused = machine.alloc(POINT_BYTES[group]);
	}

	get #pairBytes(): number {
		return (POINT_BYTES[this.#group] / ELEMENT_BYTES / 2) * PAIR_BYTES;
	}

	/**
	 * Adds two points, not infinity, some time before the end of the next {@link flush}.
	 * @param out may be the address of `left`, then without the sign, where both are in the machine; no other addition of the batch may use it
	 */
	add(left: number, right: number, out: number): void {
		if (this.#count === CAPACITY) this.flush();
		this.#append(left, right, out);
	}

	/** Completes all additions. */
	flush(): void {
		const count = this.#count;
		this.#count = 0;
		if (count > 0) this.#run("chord", this.#lists, count);
	}

	/**
	 * Adds many points at once.
	 * @param lists addresses of the lists of what {@link add} takes, with room for one more
	 */
	addAll([left, right, out]: Lists, count: number): void {
		for (let from = 0; from < count; from += CAPACITY) {
			this.#run("chord", [left + 4 * from, right + 4 * from, out + 4 * from], Math.min(CAPACITY, count - from));
		}
	}

	#append(left: number, right: number, out: number): void {
		this.#left[this.#count] = left;
		this.#right[this.#count] = right;
		this.#out[this.#count] = out;
		this.#count++;
	}

	/** Runs a batch, which contains tangents only, or chords and whatever was taken for chords. */
	#run(line: "chord" | "tangent", lists: Lists, count: number): void {
		const machine = this.#machine;
		const [left, right, out] = lists;
		if (count % 2 === 1) {
			// Completed by the last one again.
			for (const list of [left, right]) machine.words(list, count + 1).copyWithin(count, count - 1);
			machine.words(out, count + 1)[count] = this.#unused;
		}
		const turns = Math.ceil(count / 2);
		const kernel = (name: string): Kernel => machine.kernel(`${this.#group}_${name}`, this.#key);
		for (const list of [left, right]) kernel("touch")(list, 2 * turns);
		kernel(`${line}_forward`)(left, right, this.#prefixes, turns);
		const product = this.#prefixes + turns * this.#pairBytes;
		if (machine.kernel(`${this.#group}_hasZero`)(product)) {
			// Neither group has a point of order two, so no tangent is vertical.
			if (line === "tangent") throw new ProverError("engine.failed", "Adder: expected slopes of all tangents, got a vertical one");
			this.#sortOut(lists, count);
			return;
		}
		this.#invert(product);
		const end = 8 * turns;
		kernel(`${line}_backward`)(left + end, right + end, out + end, product, turns, this.#inverse);
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
	#sortOut(lists: Lists, count: number): void {
		const differ = this.#machine.kernel(`${this.#group}_differ`, this.#key);
		const [left, right, out] = lists.map((list) => this.#machine.words(list, count).slice()) as [Uint32Array, Uint32Array, Uint32Array];
		const relations = Uint8Array.from(left, (pointer, i) => differ(pointer, right[i] as number));
		if (relations.every((relation) => relation === DIFFERENT)) {
			throw new ProverError("engine.failed", "Adder: expected a vertical chord behind a product of zero, got none");
		}
		for (const line of ["chord", "tangent"] as const) {
			let chosen = 0;
			for (const [i, relation] of relations.entries()) {
				if (relation === OPPOSITE || (relation === EQUAL) !== (line === "tangent")) continue;
				this.#left[chosen] = left[i] as number;
				this.#right[chosen] = right[i] as number;
				this.#out[chosen++] = out[i] as number;
			}
			if (chosen > 0) this.#run(line, this.#lists, chosen);
		}
		for (const [i, relation] of relations.entries()) if (relation === OPPOSITE) this.#onInfinity(out[i] as number);
	}
}
