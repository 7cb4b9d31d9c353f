/**
 * Solves a circuit again after some wires were given other values: what a prover does who writes a witness by hand. Constraints are used as equations for
 * wires, in the order of a peeling; circom's witness program, which stops at the first broken constraint, is not used.
 */
import { FIELD, reduce } from "../../circuits/field.ts";
import type { Constraints, Term } from "./constraints.ts";
import { invert } from "./elimination.ts";
import type { Linearisation, Pivot } from "./linearisation.ts";

export class Replay {
	private readonly system: Constraints;
	private readonly shape: Linearisation;
	private readonly honest: readonly bigint[];
	private readonly inverses = new Map<bigint, bigint>();

	/** @param honest a witness that satisfies the system, at which `shape` was taken */
	constructor(shape: Linearisation, honest: readonly bigint[]) {
		this.system = shape.system;
		this.shape = shape;
		this.honest = honest;
	}

	/**
	 * The witness with `forced` wires set and all that follows from them solved again, as far as a linear equation gives it. A wire with a quadratic equation of
	 * its own keeps its value.
	 */
	run(forced: ReadonlyMap<number, bigint>): bigint[] {
		const witness = [...this.honest];
		const changed = new Set<number>();
		for (const [wire, value] of forced) {
			witness[wire] = reduce(value);
			if (witness[wire] !== this.honest[wire]) {
				changed.add(wire);
			}
		}
		for (const pivot of this.order(forced)) {
			const terms = this.system.rows[pivot.row] as readonly Term[];
			if (!forced.has(pivot.wire) && terms.some(({ wire }) => changed.has(wire))) {
				const value = this.solve(pivot, witness);
				if (value !== undefined && value !== witness[pivot.wire]) {
					witness[pivot.wire] = value;
					changed.add(pivot.wire);
				}
			}
		}
		return witness;
	}

	/** A computed wire that is forced may free the row that determined it to determine another. */
	private order(forced: ReadonlyMap<number, bigint>): readonly Pivot[] {
		const [, firstComputed] = this.system.privateInputs;
		const { nOutputs } = this.system.r1cs;
		const computed = [...forced.keys()].some((wire) => wire <= nOutputs || wire >= firstComputed);
		return computed ? this.shape.peel(new Set(forced.keys())).pivots : this.shape.pivots;
	}

	/** The value of the pivot's wire that satisfies its row; undefined when the row is quadratic in it, or does not depend on it. */
	private solve({ row, wire }: Pivot, witness: readonly bigint[]): bigint | undefined {
		let [a, b, c] = [0n, 0n, 0n];
		let own: Term | undefined;
		for (const term of this.system.rows[row] as readonly Term[]) {
			if (term.wire === wire) {
				own = term;
				continue;
			}
			const value = witness[term.wire] as bigint;
			a += term.a * value;
			b += term.b * value;
			c += term.c * value;
		}
		if (own === undefined || (own.a !== 0n && own.b !== 0n)) {
			return undefined;
		}
		[a, b] = [a % FIELD, b % FIELD];
		// (a + own.a x) (b + own.b x) = c + own.c x, one of own.a and own.b is 0.
		const slope = reduce(own.a * b + own.b * a - own.c);
		if (slope === 0n) {
			return undefined;
		}
		let inverse = this.inverses.get(slope);
		if (inverse === undefined) {
			inverse = invert(slope);
			this.inverses.set(slope, inverse);
		}
		return reduce((c - a * b) * inverse);
	}
}
