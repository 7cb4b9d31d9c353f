/**
 * Is a backend exact? Known answers of every kernel of integers on values that break what is nearly right: extremes of each type, alternating
 * signs, sums at the edge of 32 bits, odd shapes, ties of rounding. A backend that fails one must not make committed values.
 */
import type { Backend, IntegerKernels, IntegerRule, Scaled } from "./backend.ts";
import { DataError } from "./errors.ts";
import type { Geometry } from "./geometry.ts";
import type { Transposed } from "./matrix.ts";
import { below, generator } from "./random.ts";
import { openReference } from "./reference/backend.ts";
import { arrayOf, type Byte, type Element, mostTerms, type Tensor } from "./tensor.ts";

/** What a kernel gave and should have given. */
export interface Mismatch {
	/** Kernel and case. */
	readonly name: string;
	/** Position of the first wrong value. */
	readonly at: number;
	readonly expected: number;
	readonly got: number;
	/** Wrong values of all of the case. */
	readonly wrong: number;
	readonly of: number;
}

interface Case {
	readonly name: string;
	/** Runs on any backend; the values of all tensors that it returns must be the same. */
	run(backend: Backend): Promise<readonly ArrayLike<number>[]>;
}

/** Values of a test: position to value. */
type Fill = (at: number, random: () => number) => number;

const BYTES: Readonly<Record<Byte, readonly [number, number]>> = { u8: [0, 255], i8: [-128, 127] };

/** Fills of bytes by name, the ends of the range taken from the type. */
function byteFills(element: Byte): readonly (readonly [string, Fill])[] {
	const [low, high] = BYTES[element];
	return [
		["random", (_, random) => low + (random() >>> 24)],
		["largest", () => high],
		["smallest", () => low],
		["alternating", (at) => (at % 2 === 0 ? low : high)],
		["alternating in pairs", (at) => (at % 4 < 2 ? low : high)],
	];
}

/** Fills of 32-bit integers. */
const WORDS: readonly (readonly [string, Fill])[] = [
	["random", (_, random) => random() | 0],
	["small", (_, random) => (random() % 4096) - 2048],
	["largest", () => 2 ** 31 - 1],
	["smallest", () => -(2 ** 31)],
	["alternating", (at) => (at % 2 === 0 ? -(2 ** 31) : 2 ** 31 - 1)],
	["ties of rounding", (at) => (at % 2 === 0 ? 1 : -1) * (at * 64 + 32)],
];

function tensorOf<E extends Element>(backend: Backend, element: E, rows: number, columns: number, fill: Fill, seed: bigint): Tensor<E> {
	const random = generator(seed);
	const values = arrayOf<Element>(element, rows * columns);
	for (let at = 0; at < values.length; at++) values[at] = fill(at, random);
	return backend.upload<Element>(element, values, rows, columns) as Tensor<E>;
}

/** Shapes of products: single values, odd sizes, more than any tile. */
const PRODUCTS: readonly (readonly [number, number, number])[] = [
	[1, 1, 1],
	[3, 5, 2],
	[17, 33, 19],
	[64, 64, 64],
	[65, 130, 67],
];
const TRANSPOSES: readonly Transposed[] = [{}, { left: true }, { right: true }, { left: true, right: true }];

function products(): Case[] {
	const cases: Case[] = [];
	const add = (left: Byte, right: Byte, shape: readonly [number, number, number], transposed: Transposed, fills: [string, Fill][]) => {
		const [rows, inner, columns] = shape;
		const [[leftName, leftFill], [rightName, rightFill]] = fills as [[string, Fill], [string, Fill]];
		const turned = `${transposed.left ? "T" : ""}${transposed.right ? " right T" : ""}`;
		cases.push({
			name: `product ${left} ${leftName} ${turned} x ${right} ${rightName}, ${shape.join(" x ")}`,
			async run(backend) {
				const a = tensorOf(backend, left, ...(transposed.left ? ([inner, rows] as const) : ([rows, inner] as const)), leftFill, 1n);
				const b = tensorOf(
					backend,
					right,
					...(transposed.right ? ([columns, inner] as const) : ([inner, columns] as const)),
					rightFill,
					2n,
				);
				return [await backend.download(backend.integers.product(a, b, transposed))];
			},
		});
	};
	for (const left of ["u8", "i8"] as const) {
		for (const right of ["u8", "i8"] as const) {
			const [lefts, rights] = [byteFills(left), byteFills(right)];
			PRODUCTS.forEach((shape, s) => {
				TRANSPOSES.forEach((transposed, t) => {
					add(left, right, shape, transposed, [[...lefts[0]!], [...rights[0]!]]);
					const [one, other] = [lefts[1 + ((s + t) % 4)]!, rights[1 + ((s + 2 * t) % 4)]!];
					add(left, right, shape, transposed, [[...one], [...other]]);
				});
			});
			const longest = mostTerms(left, right);
			for (const [l, r] of [
				[1, 1],
				[2, 1],
				[2, 2],
			] as const) {
				add(left, right, [2, longest, 3], { right: true }, [[...lefts[l]!], [...rights[r]!]]);
				add(left, right, [3, longest, 2], { left: true }, [[...lefts[l]!], [...rights[r]!]]);
			}
		}
	}
	return cases;
}

const RANGES = [
	{ element: "i8", low: 0, high: 127 },
	{ element: "i8", low: -127, high: 127 },
	{ element: "u8", low: 0, high: 255 },
	{ element: "i32", low: -(2 ** 31), high: 2 ** 31 - 1 },
] as const;
const SHIFTS = [0, 1, 7, 16, 30, 31];

/** Kernels between products, on every fill of words. */
function elementwise(): Case[] {
	const [rows, columns] = [7, 13];
	return WORDS.flatMap(([name, fill]): Case[] => {
		const z = (backend: Backend) => tensorOf(backend, "i32", rows, columns, fill, 3n);
		const each = (backend: Backend, kernel: (kernels: IntegerKernels) => readonly Tensor[]) =>
			Promise.all(kernel(backend.integers).map((tensor) => backend.download(tensor)));
		return [
			{
				name: `requantise ${name}`,
				run: (backend) => {
					const bias = tensorOf(backend, "i32", 1, columns, fill, 4n);
					return each(backend, (kernels) =>
						RANGES.flatMap((range) =>
							SHIFTS.flatMap((shift) => [
								kernels.requantise(z(backend), undefined, shift, range),
								kernels.requantise(z(backend), bias, shift, range),
							]),
						),
					);
				},
			},
			{
				name: `softmaxErrors ${name}`,
				run: (backend) => {
					const bias = tensorOf(backend, "i32", 1, columns, fill, 5n);
					const labels = tensorOf(backend, "u8", rows, 1, (at) => (at * 5) % columns, 0n);
					return each(backend, (kernels) =>
						SHIFTS.flatMap((shift) => [
							kernels.softmaxErrors(z(backend), undefined, shift, labels),
							kernels.softmaxErrors(z(backend), bias, shift, labels),
						]),
					);
				},
			},
			{
				name: `normalise ${name}`,
				run: (backend) => {
					const mask = tensorOf(backend, "i8", rows, columns, (at) => (at % 3) - 1, 0n);
					const list = ({ values, exponent }: Scaled) => [values, exponent];
					return each(backend, (kernels) => [...list(kernels.normalise(z(backend))), ...list(kernels.normalise(z(backend), mask))]);
				},
			},
			{
				name: `step ${name}`,
				run: (backend) => {
					const exponent = (value: number) => tensorOf(backend, "i32", 1, 1, () => value, 0n);
					return each(backend, (kernels) => {
						const result: Tensor[] = [];
						const rules: readonly (readonly [IntegerRule, readonly number[]])[] = [
							[{ rate: 0, momentum: 0, bound: 2 ** 30 }, []],
							[{ rate: 12, momentum: 3, bound: 127 * 2 ** 16 }, [0]],
							[{ rate: 5, momentum: 4, bound: 1000 }, [3, 9]],
							[{ rate: 0, momentum: 1, bound: 2 ** 30 }, [25, 25, 25]],
							[{ rate: 62, momentum: 15, bound: 1 }, [7, 8]],
						];
						for (const [rule, exponents] of rules) {
							const state = {
								master: tensorOf(backend, "i32", rows, columns, (_, random) => (random() >> 2) % (rule.bound + 1), 6n),
								velocity: tensorOf(backend, "i32", rows, columns, (_, random) => random() >> 6, 7n),
							};
							// Twice: what the first leaves is what the second takes.
							for (let i = 0; i < 2; i++) kernels.step(state, z(backend), exponents.map(exponent), rule);
							result.push(state.master, state.velocity);
						}
						return result;
					});
				},
			},
			{
				name: `unpatches ${name}`,
				run: (backend) =>
					each(backend, (kernels) =>
						GEOMETRIES.map((geometry) => {
							const images = tensorOf(backend, "i8", 3, geometry.height * geometry.width * geometry.channels, () => 0, 0n);
							const { rows: places, columns: values } = kernels.patches(images, geometry);
							return kernels.unpatches(tensorOf(backend, "i32", places, values, fill, 8n), geometry);
						}),
					),
			},
		];
	});
}

const GEOMETRIES: readonly Geometry[] = [
	{ height: 5, width: 4, channels: 1, kernel: 3, stride: 1, padding: 1 },
	{ height: 6, width: 6, channels: 3, kernel: 3, stride: 2, padding: 0 },
	{ height: 7, width: 5, channels: 2, kernel: 2, stride: 2, padding: 1 },
	{ height: 3, width: 3, channels: 5, kernel: 1, stride: 1, padding: 0 },
];

/** Kernels that move or add bytes. */
function bytes(): Case[] {
	return (["u8", "i8"] as const).flatMap((element) =>
		byteFills(element).flatMap(([name, fill]): Case[] => [
			{
				name: `patches of ${element} ${name}`,
				run: (backend) =>
					Promise.all(
						GEOMETRIES.map((geometry) => {
							const images = tensorOf(backend, element, 3, geometry.height * geometry.width * geometry.channels, fill, 9n);
							return backend.download(backend.integers.patches(images, geometry));
						}),
					),
			},
			{
				name: `gather and reshape of ${element} ${name}`,
				run: async (backend) => {
					const table = tensorOf(backend, element, 9, 7, fill, 10n);
					const rows = backend.gather(table, Uint32Array.of(8, 0, 3, 3, 5, 1));
					return [await backend.download(backend.reshape(rows, 7, 6))];
				},
			},
			...(element === "i8"
				? [
						{
							name: `columnSums ${name}`,
							run: async (backend: Backend) => {
								const values = tensorOf(backend, "i8", 301, 11, fill, 11n);
								return [await backend.download(backend.integers.columnSums(values))];
							},
						},
					]
				: []),
		]),
	);
}

/** Whole jobs on bytes. */
function jobs(): Case[] {
	const fills = byteFills("u8");
	return fills.flatMap(([name, fill], f): Case[] => {
		const random = generator(BigInt(12 + f));
		const bytesOf = (length: number) => Uint8Array.from({ length }, (_, at) => fill(at, random));
		const [count, d, k] = [133, 21, 4];
		const rows = {
			x: bytesOf(count * d),
			label: Uint8Array.from({ length: count }, () => below(random, k)),
			weight: Uint8Array.from({ length: count }, (_, at) => (f === 0 ? below(random, 256) : (at % 3) * 127 + ((at % 3) >> 1))),
			count,
		};
		const train = { values: bytesOf(150 * 9), rows: 150, columns: 9 };
		const test = { values: bytesOf(20 * 9), rows: 20, columns: 9 };
		return [
			{
				name: `statistics ${name}`,
				run: async (backend) => {
					const { a, b, n } = await backend.statistics(rows, d, k);
					return [a, b, [n]];
				},
			},
			{
				name: `nearest ${name}`,
				run: async (backend) => {
					const { indices, distances } = await backend.nearest(train, test, 7);
					return [indices, distances];
				},
			},
		];
	});
}

const KINDS = { product: products, elementwise, bytes, jobs } as const;

/** Kinds of known answers. */
export const CONFORMANCE_KINDS = Object.keys(KINDS) as readonly (keyof typeof KINDS)[];

/**
 * Runs known answers of a kind, all kinds by default.
 * @returns what differs from the reference, a line for each case; [] if the backend is exact
 */
export async function mismatches(backend: Backend, kinds: readonly (keyof typeof KINDS)[] = CONFORMANCE_KINDS): Promise<Mismatch[]> {
	const reference = openReference();
	const found: Mismatch[] = [];
	for (const { name, run } of kinds.flatMap((kind) => KINDS[kind]())) {
		const [expected, got] = [await flatten(run(reference)), await flatten(run(backend))];
		const mismatch = compare(name, expected, got);
		if (mismatch) found.push(mismatch);
	}
	return found;
}

/**
 * Refuse a backend that is not exact.
 * @throws {DataError} INEXACT_BACKEND, with the first mismatch
 */
export async function requireExact(backend: Backend): Promise<void> {
	const [first, ...others] = await mismatches(backend);
	if (!first) return;
	throw new DataError(
		"INEXACT_BACKEND",
		`${backend.name} on ${backend.adapter.device}: ${first.name}: expected ${first.expected} at position ${first.at}, got ${first.got}; ${first.wrong} of ${first.of} values and ${others.length} more cases are wrong`,
		"Use another backend for values that are committed, and report the device and its driver.",
	);
}

async function flatten(values: Promise<readonly ArrayLike<number>[]>): Promise<number[]> {
	return (await values).flatMap((array) => Array.from(array));
}

function compare(name: string, expected: readonly number[], got: readonly number[]): Mismatch | undefined {
	const wrong = expected.flatMap((value, at) => (value === got[at] ? [] : [at]));
	const [at] = wrong;
	if (at === undefined && expected.length === got.length) return undefined;
	const position = at ?? expected.length;
	return {
		name,
		at: position,
		expected: expected[position] ?? Number.NaN,
		got: got[position] ?? Number.NaN,
		wrong: Math.max(wrong.length, Math.abs(got.length - expected.length)),
		of: expected.length,
	};
}
