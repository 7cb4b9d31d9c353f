/**
 * Sums as 10,000 proofs need them, four in G1 and one in G2 each, of points with known discrete logarithms: `sum s_i (k_i G) = (sum s_i k_i) G`,
 * and the right side is noble's. Points and scalars are of every kind that a key or a witness may hold, drawn with a seed that is printed.
 */
import { bn254 } from "@noble/curves/bn254.js";
import { beforeAll, describe, expect, it } from "vitest";
import { R, toBytesLE } from "../bn254.ts";
import { multiplyGenerators } from "../setup/worker.ts";
import { recode } from "./digits.ts";
import { type G1Point, hornerG1, hornerG2 } from "./horner.ts";
import type { GroupName } from "./kernels.ts";
import { type Arithmetic, allocateMemory, Machine, pagesOf } from "./machine.ts";
import { convertPoints, KEY_BYTES, loadPoints, type Points, sumBits } from "./msm.ts";

const PROOFS = 10_000;
const SEED = BigInt(process.env.OPENLEDGER_SEED ?? "20250117");
/** Different points to draw from. */
const POOL = 2000;

/** Draws from a seed: xorshift. */
class Draw {
	#state: bigint;

	constructor(seed: bigint) {
		this.#state = BigInt.asUintN(64, seed * 0x9e3779b97f4a7c15n) | 1n;
	}

	word(): bigint {
		this.#state ^= BigInt.asUintN(64, this.#state << 13n);
		this.#state ^= this.#state >> 7n;
		this.#state ^= BigInt.asUintN(64, this.#state << 17n);
		return this.#state;
	}

	below(limit: number): number {
		return Number((this.word() >> 8n) % BigInt(limit));
	}

	bits(count: number): bigint {
		let value = 0n;
		for (let i = 0; i < count; i += 64) value = (value << 64n) | this.word();
		return BigInt.asUintN(count, value);
	}

	scalar(): bigint {
		return this.bits(320) % R;
	}

	one<T>(choices: readonly T[]): T {
		return choices[this.below(choices.length)] as T;
	}
}

/** Kinds of scalars. */
const SCALARS: Record<string, (draw: Draw) => () => bigint> = {
	random: (draw) => () => draw.scalar(),
	small: (draw) => {
		const bits = 1 + draw.below(64);
		return () => (draw.below(2) ? draw.bits(bits) : (R - draw.bits(bits)) % R);
	},
	"zero, one, minus one": (draw) => () => draw.one([0n, 1n, R - 1n]),
	equal: (draw) => {
		const value = draw.one([draw.scalar(), draw.bits(8), 1n, R - 1n, R >> 1n]);
		return () => value;
	},
	// Digits at the ends of their range, for some width of window.
	digits: (draw) => {
		const bits = 2 + draw.below(15);
		const half = 1n << BigInt(bits - 1);
		return () => {
			let value = 0n;
			for (let at = 0; at < 254; at += bits) value += draw.one([0n, half, half - 1n, half + 1n, 2n * half - 1n]) << BigInt(at);
			return BigInt.asUintN(1 + draw.below(254), value) % R;
		};
	},
	"near a bound": (draw) => () => (draw.one([0n, R >> 1n, R, 1n << 253n, 1n << 128n, 1n << 64n]) + draw.bits(3) + R - 4n) % R,
	sparse: (draw) => () => (draw.below(20) === 0 ? draw.scalar() : 0n),
};

/** Kinds of points, as numbers in the pool; -1 is infinity. */
const POINTS: Record<string, (draw: Draw) => (i: number) => number> = {
	different: (draw) => {
		const first = draw.below(POOL);
		return (i) => (first + i) % POOL;
	},
	equal: (draw) => {
		const one = draw.below(POOL);
		return () => one;
	},
	// Number 2 i + 1 of the pool is the negative of number 2 i.
	opposite: (draw) => {
		const one = draw.below(POOL / 2);
		return () => 2 * one + draw.below(2);
	},
	"few, with infinity": (draw) => {
		const some = [-1, draw.below(POOL), draw.below(POOL), draw.below(POOL)];
		return () => draw.one(some);
	},
	"mostly infinity": (draw) => () => (draw.below(5) ? -1 : draw.below(POOL)),
	// The first ones are small multiples, so that sums meet.
	meeting: (draw) => () => draw.below(16),
};

let multiples: bigint[];
let pools: Record<GroupName, Uint8Array>;

beforeAll(async () => {
	const draw = new Draw(SEED);
	multiples = Array.from({ length: POOL / 2 }, (_, i) => (i < 8 ? BigInt(i + 1) : draw.scalar())).flatMap((value) => [value, R - value]);
	const bytes = Uint8Array.from(Buffer.concat(multiples.map(toBytesLE)));
	const [g1, g2] = (await multiplyGenerators({ groups: ["g1", "g2"], bits: 8, scalars: bytes })) as [Uint8Array, Uint8Array];
	pools = { g1, g2 };
});

function bytesOf(group: GroupName, numbers: readonly number[]): Uint8Array {
	const size = KEY_BYTES[group];
	const bytes = new Uint8Array(numbers.length * size);
	for (const [i, number] of numbers.entries())
		if (number >= 0) bytes.set(pools[group].subarray(number * size, (number + 1) * size), i * size);
	return bytes;
}

/** Points in a memory of their own, as those of a loaded key. */
function shared(machine: Machine, group: GroupName, bytes: Uint8Array): Points {
	const count = bytes.length / KEY_BYTES[group];
	const flags = 64 + (count + 1) * 160;
	const pages = pagesOf(flags + count + 1);
	const points = { group, memory: allocateMemory(pages, pages), pointer: 64, count, present: flags };
	convertPoints(machine, points, 0, bytes, "test points");
	return points;
}

/** One sum; throws when it is wrong. */
function check(machine: Machine, group: GroupName, draw: Draw): void {
	const [scalarKind, pointKind] = [draw.one(Object.keys(SCALARS)), draw.one(Object.keys(POINTS))];
	const length = draw.one([draw.below(4), draw.below(40), draw.below(40), draw.below(200), draw.below(10) === 0 ? draw.below(1500) : 7]);
	const nextScalar = (SCALARS[scalarKind] as (typeof SCALARS)[string])(draw);
	const nextPoint = (POINTS[pointKind] as (typeof POINTS)[string])(draw);
	const [skipped, bits] = [draw.below(3), draw.below(3) === 0 ? 2 + draw.below(8) : undefined];
	const scalars = Array.from({ length: length + skipped }, nextScalar);
	const numbers = Array.from({ length }, (_, i) => nextPoint(i));
	const mark = machine.mark();
	const bytes = bytesOf(group, numbers);
	const points = draw.below(2) ? loadPoints(machine, group, bytes, "test points") : shared(machine, group, bytes);
	const digits = recode(machine, new Uint32Array(Uint8Array.from(Buffer.concat(scalars.map(toBytesLE))).buffer), bits);
	const windows = Array.from({ length: digits.windows }, (_, window) => window);
	const cut = draw.below(windows.length + 1);
	const parts = [windows.slice(0, cut), windows.slice(cut).reverse()].map((part) => sumBits(machine, points, digits, skipped, part));
	machine.release(mark);
	const expected =
		numbers.reduce((sum, number, i) => (number < 0 ? sum : sum + (multiples[number] as bigint) * (scalars[i + skipped] as bigint)), 0n) % R;
	// The arithmetic of points is the same for the types of both groups.
	const [low, high] = parts.map((part) => (group === "g1" ? hornerG1(part) : hornerG2(part)) as G1Point) as [G1Point, G1Point];
	const base = (group === "g1" ? bn254.G1 : bn254.G2).Point.BASE as G1Point;
	const isRight = low.add(high).equals(expected === 0n ? base.subtract(base) : base.multiply(expected));
	if (!isRight)
		expect.fail(`seed ${SEED}, ${group}, ${length} points, ${pointKind}, scalars ${scalarKind}, windows of ${bits ?? "any"} bits`);
}

describe.each<Arithmetic>(["fma", "plain"])("sums with %s arithmetic", (arithmetic) => {
	const count = arithmetic === "fma" ? PROOFS : PROOFS / 10;

	it(`are right ${count} proofs long`, async () => {
		const machine = await Machine.open(arithmetic);
		const draw = new Draw(SEED + (arithmetic === "fma" ? 0n : 1n));
		const started = performance.now();
		for (let proof = 0; proof < count; proof++) {
			for (const group of ["g1", "g1", "g1", "g1", "g2"] as const) check(machine, group, draw);
			if (proof % 1000 === 999)
				console.error(`${arithmetic}: ${proof + 1} of ${count}, ${Math.round((performance.now() - started) / 1000)} s, seed ${SEED}`);
		}
		expect(machine.bytes.length).toBeLessThan(2 ** 28);
	});
});
