/** Sparse Gaussian elimination modulo r. A vector is a map from column to value; values lie in (-r, r) and zeros are left out. */
import { FIELD, reduce } from "../../circuits/field.ts";

export type Vector = Map<number, bigint>;

/** Inverse modulo r by Euclid's algorithm: ten times as fast as a power. */
export function invert(value: bigint): bigint {
	let [low, high] = [reduce(value), FIELD];
	let [x, y] = [1n, 0n];
	while (low > 1n) {
		const quotient = high / low;
		[low, high] = [high - quotient * low, low];
		[x, y] = [y - quotient * x, x];
	}
	if (low === 0n) {
		throw new RangeError("invert: expected a unit, got 0");
	}
	return reduce(x);
}

/** vector += factor * other. */
export function addMultiple(vector: Vector, other: Iterable<readonly [column: number, value: bigint]>, factor: bigint): void {
	for (const [column, value] of other) {
		const sum = ((vector.get(column) ?? 0n) + factor * value) % FIELD;
		if (sum === 0n) {
			vector.delete(column);
		} else {
			vector.set(column, sum);
		}
	}
}

/** Rows in echelon form, added one at a time. */
export class Echelon {
	/** Rows with a 1 in their own pivot column and nothing in the pivot columns before them. */
	private readonly rows: { readonly pivot: number; readonly vector: Vector }[] = [];
	private readonly eligible: (column: number) => boolean;

	/** @param eligible columns that may become pivots; default: all */
	constructor(eligible: (column: number) => boolean = () => true) {
		this.eligible = eligible;
	}

	get rank(): number {
		return this.rows.length;
	}

	/**
	 * Adds a row, unless what is left of it has no eligible column.
	 * @returns undefined when it was added, else what is left of it
	 */
	add(row: Vector): Vector | undefined {
		const rest = new Map(row);
		for (const { pivot, vector } of this.rows) {
			const factor = rest.get(pivot);
			if (factor !== undefined) {
				addMultiple(rest, vector, -factor);
			}
		}
		for (const [column, value] of rest) {
			if (this.eligible(column)) {
				const scale = invert(value);
				for (const [at, entry] of rest) {
					rest.set(at, (entry * scale) % FIELD);
				}
				this.rows.push({ pivot: column, vector: rest });
				return undefined;
			}
		}
		return rest;
	}

	/** The columns, among `columns`, in which some vector of the kernel is not 0. */
	moving(columns: Iterable<number>): number[] {
		for (let at = this.rows.length - 1; at >= 0; at--) {
			const { pivot, vector } = this.rows[at] as { pivot: number; vector: Vector };
			for (const row of this.rows.slice(0, at)) {
				const factor = row.vector.get(pivot);
				if (factor !== undefined) {
					addMultiple(row.vector, vector, -factor);
				}
			}
		}
		const pivots = new Map(this.rows.map(({ pivot, vector }) => [pivot, vector]));
		return [...columns].filter((column) => {
			const vector = pivots.get(column);
			return vector === undefined || [...vector.keys()].some((other) => other !== column && !pivots.has(other));
		});
	}
}
