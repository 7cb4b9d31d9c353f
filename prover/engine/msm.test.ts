import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it, vi } from "vitest";
import { power, Q, R, toBytesLE } from "../bn254.ts";
import { recode } from "./digits.ts";
import { FixedBase, fixedDigits } from "./fixed-base.ts";
import { hornerG1, hornerG2 } from "./horner.ts";
import type { GroupName } from "./kernels.ts";
import { type Arithmetic, allocateMemory, Machine } from "./machine.ts";
import { convertPoints, KEY_BYTES, loadPoints, sumBits } from "./msm.ts";
import { buildSetupKernels } from "./setup-kernels.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000 });

const GROUPS = [
	["g1", "fma"],
	["g1", "plain"],
	["g2", "fma"],
	["g2", "plain"],
] as const;

const random = (i: number): bigint => power(0x9e3779b97f4a7c15f39cc0605cedc834n, BigInt(i + 3), R);

/** Points in the layout of keys: multiples of the generator, 0 for infinity. */
async function pointsOf(group: GroupName, multiples: readonly bigint[]): Promise<Uint8Array> {
	const base = new FixedBase(await Machine.open(undefined, buildSetupKernels), group, 6);
	return base.multiply(fixedDigits(Uint8Array.from(Buffer.concat(multiples.map(toBytesLE))), base.bits));
}

const wordsOf = (scalars: readonly bigint[]): Uint32Array => new Uint32Array(Uint8Array.from(Buffer.concat(scalars.map(toBytesLE))).buffer);

/** What noble makes of a multiple of the generator. */
const multiple = (group: GroupName, scalar: bigint): unknown =>
	(group === "g1" ? bn254.G1 : bn254.G2).Point.BASE.multiplyUnsafe(scalar).toAffine();

async function sumOf(group: GroupName, arithmetic: Arithmetic, multiples: readonly bigint[], scalars: readonly bigint[]): Promise<unknown> {
	const machine = await Machine.open(arithmetic);
	const points = loadPoints(machine, group, await pointsOf(group, multiples), "test points");
	const bits = sumBits(machine, points, recode(machine, wordsOf(scalars)));
	return (group === "g1" ? hornerG1(bits) : hornerG2(bits)).toAffine();
}

const inner = (multiples: readonly bigint[], scalars: readonly bigint[]): bigint =>
	multiples.reduce((sum, factor, i) => (sum + factor * (scalars[i] as bigint)) % R, 0n);

describe.each(GROUPS)("sums in %s with %s arithmetic", (group, arithmetic) => {
	const extreme = [0n, 1n, 2n, R - 1n, R - 2n, R >> 1n, (R >> 1n) + 1n, 2n ** 253n, 255n, 256n, 2n ** 128n - 1n];
	const many = Array.from({ length: 300 }, (_, i) => random(i));
	const count = 64;
	const repeated = (value: bigint): bigint[] => Array.from({ length: count }, () => value);
	const distinct = many.slice(0, count);

	const cases: [string, readonly bigint[], readonly bigint[]][] = [
		["nothing", [], []],
		["one point", [5n], [R - 1n]],
		["extreme scalars", extreme.map((_, i) => random(i)), extreme],
		["random scalars", many, many.toReversed()],
		["zeros", distinct, repeated(0n)],
		["ones", distinct, repeated(1n)],
		["minus ones", distinct, repeated(R - 1n)],
		["bytes", many, many.map((value) => value & 0xffn)],
		["all-equal scalars", distinct, repeated(random(7))],
		["equal points", repeated(3n), distinct],
		["equal points and scalars, doubled in every round", repeated(3n), repeated(random(3))],
		["opposite points, all sums infinity", distinct.map((_, i) => (i % 2 ? 9n : R - 9n)), repeated(random(5))],
		[
			"opposite points among others",
			distinct.map((value, i) => (i % 3 === 0 ? 9n : i % 3 === 1 ? R - 9n : value)),
			distinct.map((_, i) => BigInt(i % 4)),
		],
		["sums that meet: a + b = c + d", distinct.map((_, i) => BigInt(i + 1)), repeated(1n)],
		["points at infinity", distinct.map((value, i) => (i % 4 === 1 ? value : 0n)), distinct],
		["only infinity", repeated(0n), distinct],
	];

	it.each(cases)("%s", async (_, multiples, scalars) => {
		expect(await sumOf(group, arithmetic, multiples, scalars)).toEqual(multiple(group, inner(multiples, scalars)));
	});

	it("refuses a point off the curve, and names it", async () => {
		const machine = await Machine.open(arithmetic);
		const bytes = await pointsOf(group, many.slice(0, 5));
		bytes[3 * KEY_BYTES[group] + 1] = (bytes[3 * KEY_BYTES[group] + 1] as number) ^ 1;
		expect(() => loadPoints(machine, group, bytes, "test points")).toThrow(expect.objectContaining({ code: "key.invalid" }));
		expect(() => loadPoints(machine, group, bytes, "test points")).toThrow(/test points on the curve, got number 3 outside/);
	});
});

describe("sums", () => {
	it("add up from parts of the windows, and take digits from an offset", async () => {
		const machine = await Machine.open();
		const scalars = Array.from({ length: 100 }, (_, i) => random(i));
		const multiples = scalars.slice(10).map((_, i) => random(i + 200));
		const points = loadPoints(machine, "g1", await pointsOf("g1", multiples), "test points");
		const digits = recode(machine, wordsOf(scalars));
		const mark = machine.mark();
		const cut = 3;
		const windows = Array.from({ length: digits.windows }, (_, window) => window);
		const low = hornerG1(sumBits(machine, points, digits, 10, windows.slice(0, cut)));
		const high = hornerG1(sumBits(machine, points, digits, 10, windows.slice(cut).reverse()));
		expect(low.add(high).toAffine()).toEqual(multiple("g1", inner(multiples, scalars.slice(10))));
		expect(low.is0() || high.is0()).toBe(false);
		expect(machine.mark()).toBe(mark);
	});

	it("read points above 2 GB", async () => {
		const machine = await Machine.open();
		const scalars = Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? random(3) : random(i)));
		const multiples = scalars.map((_, i) => (i % 3 === 0 ? 7n : i % 7 === 0 ? 0n : random(i + 50)));
		// Pages that nobody writes take no memory.
		const pages = 57344;
		const memory = allocateMemory(pages, pages);
		const points = { group: "g1", memory, pointer: 3 * 2 ** 30, count: 30, present: 3.25 * 2 ** 30 } as const;
		convertPoints(machine, points, 0, await pointsOf("g1", multiples), "test points");
		const bits = sumBits(machine, points, recode(machine, wordsOf(scalars)));
		expect(hornerG1(bits).toAffine()).toEqual(multiple("g1", inner(multiples, scalars)));
	});

	it("read coordinates up to the field's last element", async () => {
		// x = -1: y^2 = 2 is no square; so the largest x of a point is found by search.
		let x = Q - 1n;
		const root = (): bigint | undefined => {
			try {
				return bn254.fields.Fp.sqrt((x ** 3n + 3n) % Q);
			} catch {
				return undefined;
			}
		};
		while (root() === undefined) x--;
		const y = root() as bigint;
		const machine = await Machine.open();
		const bytes = Uint8Array.from(Buffer.concat([x, y].map((value) => toBytesLE((value << 256n) % Q))));
		const points = loadPoints(machine, "g1", bytes, "a point");
		expect(machine.coordinates(points.pointer)).toEqual([x, y]);
	});
});
