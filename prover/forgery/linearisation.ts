/**
 * A circuit near a witness: which wires its constraints determine, and which relations they leave between its inputs.
 *
 * Rows are peeled: a row with one wire left that is not determined determines it (its pivot). Where no such row is left a wire is torn: taken as known for now.
 * The other rows, carried back through the pivots, are linear equations between the inputs and the torn wires. Elimination says which torn wires they determine;
 * what remains are relations between the inputs alone.
 */
import { FIELD } from "../../circuits/field.ts";
import type { Constraints, Term } from "./constraints.ts";
import { addMultiple, Echelon, invert, type Vector } from "./elimination.ts";

type Gradient = readonly (readonly [wire: number, value: bigint])[];

export interface Pivot {
	readonly row: number;
	readonly wire: number;
}

/** A constraint that determines no wire. */
export interface Relation {
	readonly row: number;
	/** Its derivative with respect to the inputs, public ones included. */
	readonly gradient: Vector;
}

/** Rows in the order in which they determine wires, the other rows, and the wires that were torn. */
interface Peeling {
	readonly pivots: readonly Pivot[];
	readonly rows: readonly number[];
	readonly torn: ReadonlySet<number>;
}

export class Linearisation {
	readonly system: Constraints;
	/** Pivots by peeling, each row after all others that its wires depend on. */
	readonly pivots: readonly Pivot[];
	/** How many wires are determined by the inputs. */
	readonly determined: number;
	/** Wires that can move while all inputs stay: the torn ones that nothing determines, and all that follow them. */
	readonly free: readonly number[];
	readonly relations: readonly Relation[];
	private readonly gradients: readonly Gradient[];
	private readonly slopes: readonly bigint[];
	private readonly removed: number | undefined;

	private constructor(system: Constraints, gradients: readonly Gradient[], removed?: number) {
		this.system = system;
		this.gradients = gradients;
		this.removed = removed;
		const peeling = this.peel();
		this.pivots = peeling.pivots;
		this.slopes = this.pivots.map(({ row, wire }) => -invert(this.gradients[row]?.find(([at]) => at === wire)?.[1] as bigint));

		const { torn } = peeling;
		const core = new Echelon((wire) => torn.has(wire));
		const relations: Relation[] = [];
		for (const row of peeling.rows) {
			const gradient = this.reduce(new Map(this.gradients[row]));
			const rest = core.add(gradient);
			if (rest !== undefined) {
				relations.push({ row, gradient: rest });
			}
		}
		this.relations = relations;
		this.determined = this.pivots.length + core.rank;
		this.free = torn.size === core.rank ? [] : this.moving(core.moving(torn));
	}

	/** @param witness satisfies the system */
	static at(system: Constraints, witness: readonly bigint[]): Linearisation {
		return new Linearisation(
			system,
			system.rows.map((terms, row) => gradientOf(system, terms, row, witness)),
		);
	}

	/** The same without one constraint: what the circuit would be if its source lacked it. */
	without(row: number): Linearisation {
		return new Linearisation(
			this.system,
			this.gradients.map((gradient, at) => (at === row ? [] : gradient)),
			row,
		);
	}

	/**
	 * Rank of all constraints while the challenge stays, and the relations that follow from others, which nothing would miss. A constraint that is left out
	 * lowers the rank unless it follows from others.
	 */
	rank(): { readonly rank: number; readonly dependent: readonly number[] } {
		const challenge = this.system.wire("main.challenge");
		const echelon = new Echelon();
		const dependent = this.relations
			.filter(({ gradient }) => echelon.add(new Map([...gradient].filter(([wire]) => wire !== challenge))) !== undefined)
			.map(({ row }) => row);
		return { rank: this.determined + echelon.rank, dependent };
	}

	/** Peels the rows from what is known: all inputs, and `known`. */
	peel(known: ReadonlySet<number> = new Set()): Peeling {
		const { system, gradients } = this;
		const [, firstComputed] = system.privateInputs;
		const { nOutputs } = system.r1cs;
		const computed = (wire: number): boolean => (wire <= nOutputs || wire >= firstComputed) && !known.has(wire);
		const missing = new Set<number>();
		for (let wire = 1; wire < system.r1cs.nWires; wire++) {
			if (computed(wire)) {
				missing.add(wire);
			}
		}
		const counts = gradients.map((gradient) => gradient.reduce((count, [wire]) => count + (missing.has(wire) ? 1 : 0), 0));
		const rows = new Set(gradients.keys());
		const pivots: Pivot[] = [];
		const queue = [...rows].filter((row) => counts[row] === 1);
		const settle = (wire: number): void => {
			missing.delete(wire);
			for (const use of system.uses[wire] as readonly number[]) {
				if (gradients[use]?.some(([one]) => one === wire)) {
					counts[use] = (counts[use] as number) - 1;
					if (counts[use] === 1) {
						queue.push(use);
					}
				}
			}
		};
		const torn = new Set<number>();
		for (let at = 0; missing.size > 0; at++) {
			if (at >= queue.length) {
				const wire = this.tear(rows, counts, missing);
				torn.add(wire);
				settle(wire);
				at--;
				continue;
			}
			const row = queue[at] as number;
			const wire = gradients[row]?.find(([one]) => missing.has(one))?.[0];
			if (wire !== undefined) {
				pivots.push({ row, wire });
				rows.delete(row);
				settle(wire);
			}
		}
		return { pivots, rows: [...rows].filter((row) => row !== this.removed), torn };
	}

	/** A missing wire of a row with as few of them as there are; any when no row has one. */
	private tear(rows: ReadonlySet<number>, counts: readonly number[], missing: ReadonlySet<number>): number {
		let best: number | undefined;
		for (const row of rows) {
			const count = counts[row] as number;
			if (count > 1 && (best === undefined || count < (counts[best] as number))) {
				best = row;
			}
		}
		const [any] = missing;
		return (best === undefined ? any : this.gradients[best]?.find(([wire]) => missing.has(wire))?.[0]) as number;
	}

	/** The wires that some of the given torn wires move. */
	private moving(torn: readonly number[]): number[] {
		const moving = new Set(torn);
		for (const { row, wire } of this.pivots) {
			if (this.gradients[row]?.some(([one]) => one !== wire && moving.has(one))) {
				moving.add(wire);
			}
		}
		return [...moving];
	}

	/** A derivative with respect to wires as one with respect to inputs (and wires that no peeling determines). */
	reduce(vector: Vector): Vector {
		const rest = new Map(vector);
		for (let at = this.pivots.length - 1; at >= 0; at--) {
			const { row, wire } = this.pivots[at] as Pivot;
			const factor = rest.get(wire);
			if (factor !== undefined) {
				addMultiple(rest, this.gradients[row] as Gradient, factor * (this.slopes[at] as bigint));
			}
		}
		return rest;
	}
}

/** Derivative of <a, w> <b, w> - <c, w>; the constant is left out. */
function gradientOf(system: Constraints, terms: readonly Term[], row: number, witness: readonly bigint[]): Gradient {
	const [a, b] = system.forms(row, witness);
	return terms
		.filter(({ wire }) => wire !== 0)
		.map((term) => [term.wire, (term.a * b + term.b * a - term.c) % FIELD] as const)
		.filter(([, value]) => value !== 0n);
}
