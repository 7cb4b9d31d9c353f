/** Which wires are known to be small integers, and which sums of them write a number in digits. */
import { FIELD, reduce } from "../../circuits/field.ts";
import type { Constraints, Term } from "./constraints.ts";
import { invert, type Vector } from "./elimination.ts";
import { componentsOf, type Template } from "./templates.ts";

/** A linear form: a constant and a factor for each wire. */
export interface Form {
	readonly constant: bigint;
	readonly vector: Vector;
}

/** A component of RangeLookup under the circuit's own challenge. */
export interface Lookup {
	/** What is looked up. */
	readonly values: readonly Form[];
	/** Wire of the multiplicity of each table entry. */
	readonly counts: readonly number[];
	/** The rows of both sums. */
	readonly rows: readonly number[];
}

export interface Digit {
	readonly wire: number;
	/** The digit lies in [0, 2^width) and weighs 2^exponent. */
	readonly exponent: number;
	readonly width: number;
}

/**
 * The lookups whose challenge is the circuit's: what they range over is committed before it. Any other lookup proves nothing and is left out.
 *
 * circom's symbol table does not say what an eliminated signal was replaced by, so values and multiplicities are read from the constraints themselves:
 * (left_{i+1} - left_i) (challenge - in_i) = 1 and (right_{j+1} - right_j) (challenge - j) = multiplicity_j.
 */
export function lookupsOf(system: Constraints, template: Template | undefined): Lookup[] {
	if (template === undefined) {
		return [];
	}
	const found: Lookup[] = [];
	for (const path of componentsOf(template, system.symbols.keys())) {
		const size = (signal: string): number => {
			let count = 0;
			while (system.symbols.has(`${path}.${signal}[${count}]`)) {
				count++;
			}
			return count;
		};
		const [n, table] = [size("in"), size("multiplicity")];
		const at = (signal: string, i: number): number => system.symbols.get(`${path}.${signal}[${i}]`) as number;
		// The two sums are equal, so one of their last wires was eliminated.
		const last = Math.max(at("left", n), at("right", table));
		const step = (signal: "left" | "right", i: number, count: number) =>
			stepOf(system, i === 0 ? undefined : at(signal, i), i + 1 === count ? last : at(signal, i + 1));
		const left = Array.from({ length: n }, (_, i) => step("left", i, n));
		const right = Array.from({ length: table }, (_, j) => step("right", j, table));
		const counts = right.map((one) => one?.product);
		if (left.every((one) => one !== undefined) && right.every((one) => one !== undefined) && counts.every((wire) => wire !== undefined)) {
			found.push({ values: left.map(({ value }) => value), counts, rows: [...left, ...right].map(({ row }) => row) });
		}
	}
	return found;
}

/** The row (after - before) (challenge - value) = product; product is undefined when it is no bare wire. */
function stepOf(
	system: Constraints,
	before: number | undefined,
	after: number,
): { readonly row: number; readonly value: Form; readonly product: number | undefined } | undefined {
	const challenge = system.wire("main.challenge");
	for (const row of system.uses[after] ?? []) {
		const terms = system.rows[row] as readonly Term[];
		for (const [form, other] of [
			["a", "b"],
			["b", "a"],
		] as const) {
			const difference = terms.filter((term) => term[form] !== 0n).map(({ wire }) => wire);
			const scale = terms.find(({ wire }) => wire === challenge)?.[other] ?? 0n;
			const wanted = before === undefined ? [after] : [before, after];
			if (scale === 0n || difference.length !== wanted.length || !wanted.every((wire) => difference.includes(wire))) {
				continue;
			}
			const inverse = invert(-scale);
			const vector: Vector = new Map();
			let constant = 0n;
			for (const term of terms) {
				const factor = reduce(term[other] * inverse);
				if (term.wire === 0) {
					constant = factor;
				} else if (term.wire !== challenge && factor !== 0n) {
					vector.set(term.wire, factor);
				}
			}
			const products = terms.filter((term) => term.c !== 0n);
			return { row, value: { constant, vector }, product: products.length === 1 ? products[0]?.wire : undefined };
		}
	}
	return undefined;
}

/** Wires that are looked up as they are, so that they lie in the table. */
export function lookedUp(lookups: readonly Lookup[]): Set<number> {
	const bare = lookups.flatMap(({ values }) => values).filter(({ constant, vector }) => constant === 0n && vector.size === 1);
	return new Set(bare.flatMap(({ vector }) => [...vector].filter(([, factor]) => factor === 1n).map(([wire]) => wire)));
}

/** The value of a form at a witness. */
export function formValue({ constant, vector }: Form, witness: readonly bigint[]): bigint {
	let sum = constant;
	for (const [wire, factor] of vector) {
		sum += factor * (witness[wire] as bigint);
	}
	return reduce(sum);
}

/** Bits of each wire that is a boolean, or is looked up; fewer when a shifted copy of it is looked up too. */
export function widthsOf(system: Constraints, lookups: readonly Lookup[]): Map<number, number> {
	const widths = new Map<number, number>();
	const shifted: { readonly wire: number; readonly width: number }[] = [];
	for (const { values, counts } of lookups) {
		const bits = Math.log2(counts.length);
		for (const { constant, vector } of values) {
			const [[wire, factor] = [0, 0n]] = vector;
			if (constant !== 0n || vector.size !== 1) {
				continue;
			}
			if (factor === 1n) {
				widths.set(wire, Math.min(widths.get(wire) ?? bits, bits));
				for (const row of system.uses[wire] as readonly number[]) {
					const multiple = multipleOf(system.rows[row] as readonly Term[], wire);
					if (multiple !== undefined) {
						shifted.push({ wire: multiple.wire, width: bits - multiple.shift });
					}
				}
			} else {
				shifted.push({ wire, width: bits - (EXPONENTS.get(factor) ?? 0) });
			}
		}
	}
	for (const { wire, width } of shifted) {
		const own = widths.get(wire);
		if (own !== undefined && width > 0) {
			widths.set(wire, Math.min(own, width));
		}
	}
	for (const terms of system.rows) {
		const wire = booleanOf(terms);
		if (wire !== undefined) {
			widths.set(wire, 1);
		}
	}
	return widths;
}

/** Sums that write a number: digits of known width whose weights are powers of two that leave neither gap nor overlap. */
export function decompositionsOf(system: Constraints, ranges: ReadonlyMap<number, number>): Digit[][] {
	const found = new Map<string, Digit[]>();
	const written = writtenWires(system, ranges);
	const widths = new Map([...[...written].map(([wire, digits]) => [wire, spanOf(digits)] as const), ...ranges]);
	for (const terms of system.rows) {
		for (const form of ["a", "b", "c"] as const) {
			const ranged = terms.filter((term) => term[form] !== 0n && widths.has(term.wire));
			const bases = new Set(ranged.map((term) => term[form]));
			for (const base of bases) {
				const digits = digitsFrom(ranged, form, base, widths).flatMap(
					(digit) => written.get(digit.wire)?.map((part) => ({ ...part, exponent: digit.exponent + part.exponent })) ?? [digit],
				);
				if (digits.length > 1) {
					const key = digits.map(({ wire }) => wire).join();
					found.set(key, digits);
				}
			}
		}
	}
	// A number without its lowest digits is written by the others: only the longest says how large it gets.
	const longest = new Map<number, Digit[]>();
	for (const digits of [...found.values()].sort((one, other) => one.length - other.length)) {
		longest.set((digits.at(-1) as Digit).wire, digits);
	}
	return [...longest.values()];
}

/** Bits that a decomposition writes. */
export function spanOf(digits: readonly Digit[]): number {
	const { exponent, width } = digits.at(-1) as Digit;
	return exponent + width;
}

/**
 * Other digits for the same field element: those of the number plus or minus a multiple of r, where they fit.
 * @param witness gives the digits that are there, each in its range
 */
export function aliasesOf(digits: readonly Digit[], witness: readonly bigint[]): Map<number, bigint>[] {
	const span = BigInt(spanOf(digits));
	const value = digits.reduce((sum, { wire, exponent }) => sum + ((witness[wire] as bigint) << BigInt(exponent)), 0n);
	const others: bigint[] = [];
	for (let other = value % FIELD; other < 1n << span && others.length < 4; other += FIELD) {
		if (other !== value) {
			others.push(other);
		}
	}
	return others.map(
		(other) => new Map(digits.map(({ wire, exponent, width }) => [wire, (other >> BigInt(exponent)) & ((1n << BigInt(width)) - 1n)])),
	);
}

/** Wires that a linear row writes in digits, such as a byte by its bits. */
function writtenWires(system: Constraints, widths: ReadonlyMap<number, number>): Map<number, Digit[]> {
	const written = new Map<number, Digit[]>();
	for (const terms of system.rows) {
		const unknown = terms.filter(({ wire }) => !widths.has(wire));
		const [own] = unknown;
		if (unknown.length === 1 && own !== undefined && own.wire !== 0 && terms.every(({ a, b }) => a === 0n && b === 0n)) {
			const others = terms.filter((term) => term !== own);
			const digits = digitsFrom(others, "c", reduce(-own.c), widths);
			if (digits.length === others.length) {
				written.set(own.wire, digits);
			}
		}
	}
	return written;
}

const EXPONENTS: ReadonlyMap<bigint, number> = new Map(Array.from({ length: 254 }, (_, e) => [(1n << BigInt(e)) % FIELD, e]));

function digitsFrom(ranged: readonly Term[], form: "a" | "b" | "c", base: bigint, widths: ReadonlyMap<number, number>): Digit[] {
	const scale = invert(base);
	const digits = ranged
		.map((term) => ({ wire: term.wire, exponent: EXPONENTS.get((term[form] * scale) % FIELD), width: widths.get(term.wire) as number }))
		.filter((digit): digit is Digit => digit.exponent !== undefined)
		.sort((one, other) => one.exponent - other.exponent);
	const chain: Digit[] = [];
	for (const digit of digits) {
		if (digit.exponent === (chain.length === 0 ? 0 : spanOf(chain))) {
			chain.push(digit);
		}
	}
	return chain;
}

/** The wire w and the shift s of a linear row that says shifted = 2^s w. */
function multipleOf(terms: readonly Term[], shifted: number): { wire: number; shift: number } | undefined {
	const own = terms.find(({ wire }) => wire === shifted);
	const other = terms.find(({ wire }) => wire !== shifted);
	if (terms.length !== 2 || own === undefined || other === undefined || other.wire === 0) {
		return undefined;
	}
	const linear = terms.every(({ a, b }) => a === 0n && b === 0n);
	const shift = linear ? EXPONENTS.get(reduce(-other.c * invert(own.c))) : undefined;
	return shift === undefined ? undefined : { wire: other.wire, shift };
}

/** The wire of a row that says w (w - 1) = 0, in any of the forms that circom writes. */
function booleanOf(terms: readonly Term[]): number | undefined {
	const own = terms.find(({ wire }) => wire !== 0);
	if (own === undefined || terms.length > 2 || terms.some(({ wire }) => wire !== 0 && wire !== own.wire)) {
		return undefined;
	}
	const one = terms.find(({ wire }) => wire === 0) ?? { a: 0n, b: 0n, c: 0n };
	const at = (value: bigint): bigint => ((one.a + own.a * value) * (one.b + own.b * value) - one.c - own.c * value) % FIELD;
	return own.a !== 0n && own.b !== 0n && at(0n) === 0n && at(1n) === 0n ? own.wire : undefined;
}
