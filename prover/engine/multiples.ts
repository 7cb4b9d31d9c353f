/**
 * Sums of multiples of points of G1, two sums side by side, by windows of digits that all points of a sum share.
 *
 * Buckets (msm.ts) have a fixed cost of 6 ms and overtake from about 300 points on: 1,024 multiples of 128 bits take them 15 ms of CPU, and 25 here,
 * while the pairings of as many proofs take 350. Verification has no use for a second machine with the other kernels.
 *
 * @source E. G. Straus, "Addition chains of vectors", American Mathematical Monthly 71, 1964
 */
import { Q } from "../bn254.ts";
import type { AffineG1 } from "./affine.ts";
import { PAIR_BYTES } from "./field.ts";
import type { Machine } from "./machine.ts";
import { G1_BYTES } from "./pairing-kernels.ts";

/** A multiple of a point. */
export interface Term {
	/** of any sign and size; a short one is cheaper */
	readonly scalar: bigint;
	readonly point: AffineG1;
}

const WINDOW = 4;
const ENTRIES = 1 << WINDOW;

/** Sums on a machine with the kernels of the pairing. */
export class Multiples {
	readonly #machine: Machine;
	/** a pair of points at infinity */
	readonly #infinity: number;

	constructor(machine: Machine) {
		this.#machine = machine;
		this.#infinity = machine.alloc(G1_BYTES);
		this.#putPoint(this.#infinity, undefined, undefined);
	}

	/**
	 * Writes a pair of sums, in homogeneous coordinates.
	 * @param low terms of the first sum; none for infinity
	 * @param high terms of the second
	 */
	sum(out: number, low: readonly Term[], high: readonly Term[]): void {
		const machine = this.#machine;
		const mark = machine.mark();
		const length = Math.max(low.length, high.length);
		const lanes = [low, high].map((terms) => terms.map(({ scalar }) => digitsOf(scalar)));
		const tables = machine.alloc(length * ENTRIES * G1_BYTES);
		const putInfinity = (place: number): void => void machine.bytes.copyWithin(place, this.#infinity, this.#infinity + G1_BYTES);
		putInfinity(out);
		let windows = 0;
		for (let i = 0; i < length; i++) {
			const table = tables + i * ENTRIES * G1_BYTES;
			const digits = lanes.map((lane) => lane[i] ?? []);
			windows = Math.max(windows, ...digits.map((lane) => lane.length));
			putInfinity(table);
			this.#putPoint(table + G1_BYTES, low[i], high[i]);
			const largest = digits.flat().reduce((most, digit) => Math.max(most, digit), 0);
			for (let entry = 2; entry <= largest; entry++) {
				const place = table + entry * G1_BYTES;
				machine.kernel("g1_add")(place, place - G1_BYTES, table + G1_BYTES, table + G1_BYTES + 8);
			}
		}
		for (let window = windows - 1; window >= 0; window--) {
			machine.kernel("g1_double")(out, WINDOW);
			for (let i = 0; i < length; i++) {
				const [left, right] = lanes.map((lane) => lane[i]?.[window] ?? 0) as [number, number];
				if (left === 0 && right === 0) continue;
				const table = tables + i * ENTRIES * G1_BYTES;
				machine.kernel("g1_add")(out, out, table + left * G1_BYTES, table + right * G1_BYTES + 8);
			}
		}
		machine.release(mark);
	}

	/** Writes points, or their negatives where scalars are negative; infinity where there is none. */
	#putPoint(pointer: number, low: Term | undefined, high: Term | undefined): void {
		const lanes = [low, high].map((term) => (term ? [term.point.x, term.scalar < 0n ? -term.point.y : term.point.y, 1n] : [0n, 1n, 0n]));
		for (let i = 0; i < 3; i++) this.#machine.putPair(pointer + i * PAIR_BYTES, lanes[0]?.[i] as bigint, lanes[1]?.[i] as bigint, Q);
	}
}

/** Digits of the magnitude, lowest first. */
function digitsOf(scalar: bigint): number[] {
	if (scalar === 0n) return [];
	return [...(scalar < 0n ? -scalar : scalar).toString(ENTRIES)].reverse().map((digit) => Number.parseInt(digit, ENTRIES));
}
