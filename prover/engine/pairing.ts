/**
 * Products of pairings: the optimal ate pairing of BN254, `e(P, Q) = f^((q^12 - 1) / r)` raised to the power that the final exponentiation below makes.
 *
 * 1. The left side of each factor is a sum of multiples (multiples.ts).
 * 2. Miller's loop over the digits of 6 x + 2: f is squared once for all factors, and multiplied with their lines. Factors go in pairs, one in each
 *    lane; each lane has its f. Two more lines go through psi(Q) and -psi^2(Q).
 * 3. What T is then tells whether Q is in G2: `(6 x + 2) Q + psi(Q) - psi^2(Q) + psi^3(Q) = 0` for points of the twist if and only if their order is r,
 *    because the norm of that endomorphism and the order of the twist have no divisor in common but r. Where an addition of the loop met a case that
 *    its formula does not cover, Z stays 0, and Q is not in G2.
 * 4. One final exponentiation.
 *
 * @source F. Vercauteren, "Optimal pairings", IEEE Trans. Inf. Theory 2010 (the loop)
 * @source L. Fuentes-Castaneda, E. Knapp, F. Rodriguez-Henriquez, "Faster hashing to G2", SAC 2011, section 5 (the hard part of the final exponentiation)
 * @source Y. Dai, K. Lin, C.-A. Zhao, Z. Zhou, "Fast subgroup membership testings for G1, G2 and GT on pairing-friendly curves", 2022, eprint 2022/348
 */
import { Q } from "../bn254.ts";
import { type AffineG2, type Fq2, multiplyFq2, powerFq2, TRIPLE_B, XI } from "./affine.ts";
import { PAIR_BYTES } from "./field.ts";
import { type Arithmetic, Machine } from "./machine.ts";
import { Multiples, type Term } from "./multiples.ts";
import { ADDEND, buildPairing, CONSTANTS, STATE } from "./pairing-kernels.ts";
import { FQ2_BYTES, FQ12_BYTES, SCRATCH_BYTES } from "./tower.ts";

/** One factor of a product: `e(sum scalar point, right)`. */
export interface Factor {
	/** empty for infinity */
	readonly left: readonly Term[];
	readonly right: AffineG2;
}

/** Coefficients of w^k over Fq2, in `[0, q)`. */
export type Fq12 = readonly Fq2[];

/** What Miller's loop makes. */
export interface MillerValue {
	/** to be multiplied with others and exponentiated */
	readonly value: Fq12;
	/** factors whose right side is not in G2, ascending; when there are any the value means nothing */
	readonly strangers: readonly number[];
}

/** Seed of the curve. */
const SEED = 4965661367192848881n;
const SEED_DIGITS = signedDigits(SEED);
const LOOP_DIGITS = signedDigits(6n * SEED + 2n);
const ONE: Fq12 = Array.from({ length: 6 }, (_, k): Fq2 => [k === 0 ? 1n : 0n, 0n]);

/** Pairings on a machine of their own. Calls run to their end and leave nothing behind. */
export class Pairing {
	readonly #machine: Machine;
	readonly #constants: number;
	readonly #scratch: number;
	readonly #multiples: Multiples;

	private constructor(machine: Machine) {
		this.#machine = machine;
		this.#constants = machine.alloc(CONSTANTS.bytes);
		// A function calls others with the scratch memory behind its own.
		this.#scratch = machine.alloc(2 * SCRATCH_BYTES);
		this.#multiples = new Multiples(machine);
		const root = powerFq2(XI, (Q - 1n) / 6n);
		let power: Fq2 = [1n, 0n];
		for (let k = 0; k < 6; k++) {
			this.#put(this.#constants + CONSTANTS.frobenius + k * FQ2_BYTES, power);
			power = multiplyFq2(power, root);
		}
		this.#put(this.#constants + CONSTANTS.tripleB, TRIPLE_B);
	}

	/** @param arithmetic see {@link Machine.open} */
	static async open(arithmetic?: Arithmetic): Promise<Pairing> {
		return new Pairing(await Machine.open(arithmetic, buildPairing));
	}

	/**
	 * Steps 1 to 3.
	 * @param factors points on their curves
	 */
	miller(factors: readonly Factor[]): MillerValue {
		return this.#released(() => this.#loop(factors));
	}

	#loop(factors: readonly Factor[]): MillerValue {
		const machine = this.#machine;
		// Sums of about the same length share a pair of lanes.
		const order = factors.map((_, index) => index).sort((a, b) => (factors[a] as Factor).left.length - (factors[b] as Factor).left.length);
		const turns = Math.ceil(order.length / 2);
		const states = machine.alloc(turns * STATE.bytes);
		for (let turn = 0; turn < turns; turn++) {
			const low = factors[order[2 * turn] as number] as Factor;
			const high = factors[order[2 * turn + 1] ?? -1] ?? { left: [], right: low.right };
			const state = states + turn * STATE.bytes;
			for (const [i, name] of (["x", "y"] as const).entries())
				this.#putBoth(state + STATE.addends + i * FQ2_BYTES, low.right[name], high.right[name]);
			this.#multiples.sum(state + STATE.point, low.left, high.left);
		}
		machine.kernel("miller_prepare")(states, this.#constants, this.#scratch, turns);
		const f = this.#putValue(ONE);
		const add = (which: keyof typeof ADDEND): void => {
			machine.kernel("miller_add")(states, f, this.#scratch, 2 * FQ2_BYTES * ADDEND[which], turns);
		};
		for (const [i, digit] of LOOP_DIGITS.entries()) {
			if (i > 0) machine.kernel("fq12_square")(f, f, this.#scratch);
			machine.kernel("miller_double")(states, f, this.#scratch, this.#constants, turns);
			if (digit !== 0) add(digit === 1 ? "self" : "negative");
		}
		add("psi");
		add("minusPsi2");
		const flags = machine.alloc(turns);
		machine.kernel("miller_members")(states, flags, 2 * FQ2_BYTES * ADDEND.minusPsi3, turns);
		const strangers = order.filter((_, place) => !(((machine.bytes[flags + (place >> 1)] as number) >> (place & 1)) & 1));
		const swapped = machine.alloc(FQ12_BYTES);
		machine.kernel("fq12_swap")(swapped, f);
		machine.kernel("fq12_multiply")(f, f, swapped, this.#scratch);
		return { value: this.#value(f), strangers: strangers.sort((a, b) => a - b) };
	}

	/** Step 4, for the product of values. */
	exponentiate(values: readonly Fq12[]): Fq12 {
		return this.#released(() => {
			const product = this.#putValue(ONE);
			for (const value of values) {
				this.#released(() => this.#machine.kernel("fq12_multiply")(product, product, this.#putValue(value), this.#scratch));
			}
			return this.#value(this.#hardPart(this.#easyPart(product)));
		});
	}

	/** Gives the memory back that is taken meanwhile. */
	#released<Result>(run: () => Result): Result {
		const mark = this.#machine.mark();
		try {
			return run();
		} finally {
			this.#machine.release(mark);
		}
	}

	/** f^((q^6 - 1) (q^2 + 1)) */
	#easyPart(f: number): number {
		const conjugate = this.#call("conjugate", f);
		// f conjugate(f) is in Fq6, its product h with its own powers q^2 and q^4 in Fq2.
		const norm = this.#multiply(f, conjugate);
		const powers = this.#multiply(this.#frobenius(norm, 2), this.#frobenius(norm, 4));
		const inverse = this.#multiply(this.#multiply(conjugate, powers), this.#inverseOfFq2(this.#multiply(norm, powers)));
		const quotient = this.#multiply(conjugate, inverse);
		return this.#multiply(this.#frobenius(quotient, 2), quotient);
	}

	/** f to a multiple of (q^4 - q^2 + 1) / r, for f as the easy part leaves it: its inverse is its conjugate. */
	#hardPart(f: number): number {
		const seedth = (x: number): number => this.#seedth(x);
		const square = (x: number): number => this.#call("cyclotomicSquare", x, this.#scratch);
		const conjugate = (x: number): number => this.#call("conjugate", x);
		// With x the seed: powers -2 x, -6 x, 6 x^2, -12 x^3.
		const minus2x = conjugate(square(seedth(f)));
		const minus6x = this.#multiply(square(minus2x), minus2x);
		const six = conjugate(seedth(minus6x));
		const minus12 = conjugate(seedth(square(six)));
		const a = this.#multiply(this.#multiply(conjugate(minus12), six), conjugate(minus6x));
		const b = this.#multiply(a, minus2x);
		const parts = [
			this.#multiply(this.#multiply(a, six), f),
			this.#frobenius(b, 1),
			this.#frobenius(a, 2),
			this.#frobenius(this.#multiply(conjugate(f), b), 3),
		];
		return parts.reduce((product, part) => this.#multiply(product, part));
	}

	#seedth(x: number): number {
		const inverse = this.#call("conjugate", x);
		const power = this.#call("conjugate", inverse);
		for (const digit of SEED_DIGITS) {
			this.#machine.kernel("fq12_cyclotomicSquare")(power, power, this.#scratch);
			if (digit !== 0) this.#machine.kernel("fq12_multiply")(power, power, digit === 1 ? x : inverse, this.#scratch);
		}
		return power;
	}

	/** The inverse of a value that lies in Fq2. */
	#inverseOfFq2(x: number): number {
		const machine = this.#machine;
		const norm = machine.alloc(PAIR_BYTES);
		machine.kernel("fq2_norm")(norm, x);
		machine.invertPair(norm, norm);
		const inverse = this.#putValue(ONE);
		machine.kernel("fq2_conjugate")(inverse, x);
		machine.kernel("fq2_scale")(inverse, inverse, norm);
		return inverse;
	}

	#frobenius(x: number, times: number): number {
		let power = x;
		for (let i = 0; i < times; i++) power = this.#call("frobenius", power, this.#constants + CONSTANTS.frobenius);
		return power;
	}

	#multiply(x: number, y: number): number {
		return this.#call("multiply", x, y, this.#scratch);
	}

	/** Runs a function over Fq12 into a fresh place. */
	#call(name: string, ...operands: number[]): number {
		const out = this.#machine.alloc(FQ12_BYTES);
		this.#machine.kernel(`fq12_${name}`)(out, ...operands);
		return out;
	}

	#put(pointer: number, value: Fq2): void {
		this.#putBoth(pointer, value, value);
	}

	#putBoth(pointer: number, low: Fq2, high: Fq2): void {
		for (const i of [0, 1] as const) this.#machine.putPair(pointer + i * PAIR_BYTES, low[i], high[i], Q);
	}

	#putValue(value: Fq12): number {
		const pointer = this.#machine.alloc(FQ12_BYTES);
		for (const [k, coefficient] of value.entries()) this.#put(pointer + k * FQ2_BYTES, coefficient);
		return pointer;
	}

	#value(pointer: number): Fq12 {
		return ONE.map((_, k) => [0, 1].map((i) => this.#machine.pair(pointer + k * FQ2_BYTES + i * PAIR_BYTES, Q)[0]) as unknown as Fq2);
	}
}

/** Whether a value after the final exponentiation is 1. */
export function isOne(value: Fq12): boolean {
	return value.every(([c0, c1], k) => c0 === (k === 0 ? 1n : 0n) && c1 === 0n);
}

/** Digits -1, 0, 1, no two neighbours of which are not 0, after the leading 1, highest first. */
function signedDigits(value: bigint): number[] {
	const digits: number[] = [];
	for (let rest = value; rest > 1n; ) {
		const digit = rest & 1n ? 2n - (rest & 3n) : 0n;
		digits.push(Number(digit));
		rest = (rest - digit) >> 1n;
	}
	return digits.reverse();
}
