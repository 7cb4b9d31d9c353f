/**
 * Code for the fields of point coordinates: Fq for G1, and Fq2 = Fq[i] / (i^2 + 1) for G2.
 *
 * A value is one element of Fq or two, `x_0 + x_1 i`. Bounds are those of field.ts, for each component: in Fq2 a product may be multiplied with a value that
 * is reduced, or a sum of two such, but not with another product.
 */

import { type Code, type MemoryIndex, pair } from "../../webassembly/emitter.ts";
import type { Element, FieldCode } from "./field.ts";
import { ELEMENT_BYTES, PAIR_BYTES } from "./field.ts";

/** Components, two lanes each. */
export type Value = readonly Element[];

/** What the curve formulas need of a field. */
export class Coordinates {
	readonly #field: FieldCode;
	/** 1 for Fq, 2 for Fq2 */
	readonly components: 1 | 2;

	constructor(field: FieldCode, components: 1 | 2) {
		this.#field = field;
		this.components = components;
	}

	/** Bytes of one value in memory. */
	get bytes(): number {
		return this.components * ELEMENT_BYTES;
	}

	/** Bytes of two values in memory, as a pair. */
	get pairBytes(): number {
		return this.components * PAIR_BYTES;
	}

	constant(value: readonly bigint[]): Value {
		return this.#each((i) => this.#field.constant(value[i] as bigint));
	}

	/** Lanes from two places. */
	load(low: Code, high: Code, offset = 0, memory: MemoryIndex = 0): Value {
		return this.#each((i) => this.#field.load(low, high, offset + i * ELEMENT_BYTES, 8, memory));
	}

	loadPair(address: Code, offset = 0): Value {
		return this.#each((i) => this.#field.loadPair(address, offset + i * PAIR_BYTES));
	}

	store(low: Code, high: Code, x: Value, offset = 0, memory: MemoryIndex = 0): void {
		for (const [i, component] of x.entries()) this.#field.store(low, high, component, offset + i * ELEMENT_BYTES, 8, memory);
	}

	storePair(address: Code, x: Value, offset = 0): void {
		for (const [i, component] of x.entries()) this.#field.storePair(address, component, offset + i * PAIR_BYTES);
	}

	variables(): Value {
		return this.#each(() => this.#field.variables());
	}

	assign(variables: Value, x: Value): void {
		for (const [i, component] of x.entries()) this.#field.assign(variables[i] as Element, component);
	}

	add(x: Value, y: Value): Value {
		return this.#each((i) => this.#field.add(x[i] as Element, y[i] as Element));
	}

	sub(x: Value, y: Value): Value {
		return this.#each((i) => this.#field.sub(x[i] as Element, y[i] as Element));
	}

	flip(x: Value, signs: Code): Value {
		return this.#each((i) => this.#field.flip(x[i] as Element, signs));
	}

	reduce(x: Value): Value {
		return this.#each((i) => this.#field.reduce(x[i] as Element));
	}

	/** A product, so that it may be multiplied with another. */
	factor(x: Value): Value {
		return this.components === 1 ? x : this.reduce(x);
	}

	/** A vector whose lanes are zero where a reduced value is. */
	nonZero(x: Value): Code {
		return x.map((component) => this.#field.nonZero(component)).reduce((all, bits) => pair.or(all, bits));
	}

	mul(x: Value, y: Value): Value {
		const field = this.#field;
		const [x0, x1] = x as [Element, Element?];
		const [y0, y1] = y as [Element, Element?];
		if (!x1 || !y1) return [field.mul(x0, y0)];
		const minus = field.negate(x1);
		return [field.mulAdd(x0, y0, minus, y1), field.mulAdd(x0, y1, x1, y0)];
	}

	square(x: Value): Value {
		const field = this.#field;
		const [x0, x1] = x as [Element, Element?];
		if (!x1) return [field.square(x0)];
		// Both factors are sums, which only reduced values allow.
		const [y0, y1] = this.reduce(x) as [Element, Element];
		return [field.mul(field.add(y0, y1), field.sub(y0, y1)), field.mul(field.add(y0, y0), y1)];
	}

	#each(component: (index: number) => Element): Value {
		return Array.from({ length: this.components }, (_, index) => component(index));
	}
}
