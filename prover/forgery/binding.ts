/**
 * What a prover can do who knows the challenge first: move a value and let others follow until every constraint holds again. The commitment to all private
 * inputs is what stops it: the moved values have another commitment, hence another challenge, at which the constraints do not hold.
 *
 * The commitment here has keys of known logarithms, k_i = sum over rows of (beta a + alpha b + c) l_row with random alpha, beta and l: an input that is in no
 * constraint has k_i = 0 and is not bound, as in a key of Groth16.
 */
import { bn254 } from "@noble/curves/bn254.js";
import { FIELD, reduce } from "../../circuits/field.ts";
import { challengeOf, evaluationOf } from "../challenge.ts";
import type { Constraints } from "./constraints.ts";
import type { Draws } from "./draws.ts";
import { invert } from "./elimination.ts";
import type { Linearisation, Relation } from "./linearisation.ts";
import type { Replay } from "./replay.ts";
import type { Target } from "./target.ts";

/** Values that satisfy every constraint under a challenge that was known before them. */
export interface Forgery {
	/** Inputs that were moved, the first one by choice. */
	readonly moved: readonly number[];
	readonly witness: readonly bigint[];
}

/** The most relations that one forgery repairs. */
const STEPS = 12;
/** Inputs that are tried to repair one relation. */
const CANDIDATES = 4;

export class Binding {
	private readonly target: Target;
	private readonly system: Constraints;
	private readonly replay: Replay;
	private readonly honest: readonly bigint[];
	private readonly keys: readonly bigint[];
	private readonly relations: ReadonlyMap<number, Relation>;
	/** Number of relations that each input is in. */
	private readonly degree = new Map<number, number>();

	/** @param honest the witness under the challenge that the forger knows */
	constructor(target: Target, shape: Linearisation, replay: Replay, honest: readonly bigint[], draws: Draws) {
		this.target = target;
		this.system = shape.system;
		this.replay = replay;
		this.honest = honest;
		this.relations = new Map(shape.relations.map((relation) => [relation.row, relation]));
		for (const { gradient } of shape.relations) {
			for (const wire of gradient.keys()) {
				this.degree.set(wire, (this.degree.get(wire) ?? 0) + 1);
			}
		}
		const [from, to] = this.system.privateInputs;
		const [alpha, beta] = [draws.next(), draws.next()];
		const keys = new Array<bigint>(to - from).fill(0n);
		for (const terms of this.system.rows) {
			const at = draws.next();
			for (const { wire, a, b, c } of terms) {
				if (wire >= from && wire < to) {
					keys[wire - from] = ((keys[wire - from] as bigint) + (beta * a + alpha * b + c) * at) % FIELD;
				}
			}
		}
		this.keys = keys;
	}

	/** The logarithm of the commitment to the private inputs of a witness. */
	commit(witness: readonly bigint[]): bigint {
		const [from] = this.system.privateInputs;
		return this.keys.reduce((sum, key, i) => (sum + key * (witness[from + i] as bigint)) % FIELD, 0n);
	}

	/**
	 * Moves one input and lets others follow: for each relation that breaks, an input in which it is affine is moved so that it holds.
	 * @returns undefined when some constraint refuses the value whatever else moves
	 */
	forge(wire: number, value: bigint): Forgery | undefined {
		const forced = new Map([[wire, value]]);
		const banned = new Set([wire, this.system.wire("main.challenge")]);
		for (let step = 0; step < STEPS; step++) {
			const witness = this.replay.run(forced);
			const broken = this.system.broken(witness);
			if (broken.length === 0) {
				return { moved: [...forced.keys()], witness };
			}
			const relations = broken.map((row) => this.relations.get(row));
			if (relations.includes(undefined)) {
				return undefined;
			}
			const repairs = (relations as Relation[]).map((relation) => ({ relation, candidates: this.candidates(relation, banned) }));
			// The relation whose repair disturbs the most others comes first.
			repairs.sort((one, other) => (this.disturbance(other.candidates) ?? Infinity) - (this.disturbance(one.candidates) ?? Infinity));
			const [first] = repairs;
			const repaired = first?.candidates.find((candidate) => this.repair(first.relation.row, candidate, forced, witness));
			if (repaired === undefined) {
				return undefined;
			}
			banned.add(repaired);
		}
		return undefined;
	}

	/**
	 * The witness of forged inputs under the challenge that follows from their own commitment; words and lists are those that fit the forgery under the old one.
	 * @returns undefined when the commitment does not notice the forgery
	 */
	rechallenge({ witness }: Pick<Forgery, "witness">): readonly bigint[] | undefined {
		const commitment = this.commit(witness);
		if (commitment === this.commit(this.honest)) {
			return undefined;
		}
		const { circuit, links, words } = this.target.instance;
		const old = this.honest[this.system.wire("main.challenge")] as bigint;
		const at = (name: string): bigint => witness[this.system.wire(`main.${name}`)] as bigint;
		const fitted = circuit.hasWords ? refit(words, at("evaluation"), old) : words;
		const point = bn254.G1.Point.BASE.multiplyUnsafe(commitment).toAffine();
		const zero = `0x${"00".repeat(32)}` as const;
		const challenge = challengeOf({
			circuitId: zero,
			context: zero,
			commitment: [point.x.toString(), point.y.toString()],
			publics: circuit.publics.map(at),
			words: fitted,
		});
		const forced = new Map<number, bigint>();
		const [, to] = this.system.privateInputs;
		for (let wire = 1 + this.system.r1cs.nOutputs; wire < to; wire++) {
			forced.set(wire, witness[wire] as bigint);
		}
		forced.set(this.system.wire("main.challenge"), challenge);
		circuit.links.forEach((name, i) => {
			forced.set(this.system.wire(`main.${name}`), evaluationOf(refit(links[i] ?? [], at(name), old), challenge));
		});
		if (circuit.hasWords) {
			forced.set(this.system.wire("main.evaluation"), evaluationOf(fitted, challenge));
		}
		return this.replay.run(forced);
	}

	/** Inputs that a relation depends on, those in the fewest relations first and of different names. */
	private candidates(relation: Relation, banned: ReadonlySet<number>): number[] {
		const names = new Map<string, number>();
		const wires = [...relation.gradient.keys()].filter((wire) => !banned.has(wire));
		for (const wire of wires.sort((one, other) => (this.degree.get(one) as number) - (this.degree.get(other) as number))) {
			const name = this.system.name(wire).replace(/\[.*$/, "");
			if (!names.has(name)) {
				names.set(name, wire);
			}
		}
		return [...names.values()].slice(0, CANDIDATES);
	}

	private disturbance([first]: readonly number[]): number | undefined {
		return first === undefined ? undefined : this.degree.get(first);
	}

	/** Sets `forced` so that the row holds, if the row is affine in the candidate. */
	private repair(row: number, candidate: number, forced: Map<number, bigint>, witness: readonly bigint[]): boolean {
		const value = witness[candidate] as bigint;
		const rest = this.residual(row, witness);
		const slope = reduce(this.residual(row, this.replay.run(new Map([...forced, [candidate, value + 1n]]))) - rest);
		if (slope === 0n) {
			return false;
		}
		const repaired = reduce(value - rest * invert(slope));
		const trial = new Map([...forced, [candidate, repaired]]);
		if (this.residual(row, this.replay.run(trial)) !== 0n) {
			return false;
		}
		forced.set(candidate, repaired);
		return true;
	}

	private residual(row: number, witness: readonly bigint[]): bigint {
		const [a, b, c] = this.system.forms(row, witness);
		return reduce(a * b - c);
	}
}

/** The list with its last entry moved so that its evaluation at a known challenge is `value`. */
function refit(list: readonly bigint[], value: bigint, challenge: bigint): bigint[] {
	const fitted = list.length === 0 ? [0n] : [...list];
	const gap = reduce(value - evaluationOf(fitted, challenge));
	let weight = 1n;
	for (let i = 0; i < fitted.length; i++) {
		weight = (weight * challenge) % FIELD;
	}
	fitted[fitted.length - 1] = reduce((fitted.at(-1) as bigint) + gap * invert(weight));
	return fitted;
}
