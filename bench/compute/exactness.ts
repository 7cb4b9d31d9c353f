/**
 * Are integer kernels exact on what breaks those that are nearly so? Extremes of each type, alternating signs, sums at the edge of 32 bits: more
 * than 10^9 products, of each kernel that makes them, compared value by value with the reference. The reference does 10^9 in about a second
 * with both factors in order, so nothing is sampled.
 */
import type { Rows } from "../../circuits/statistics.ts";
import type { Backend } from "../../compute/backend.ts";
import type { Transposed } from "../../compute/matrix.ts";
import type { ByteMatrix } from "../../compute/neighbours.ts";
import { generator } from "../../compute/random.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { arrayOf, type Byte, mostTerms } from "../../compute/tensor.ts";

/** What a kernel of integers made of adversarial values. */
export interface Exactness {
	readonly kernel: "product" | "statistics" | "nearest";
	/** Products of bytes that went into the values. */
	readonly products: number;
	readonly values: number;
	/** Values that are not those of the reference. */
	readonly mismatches: number;
	/** Where the first one is. */
	readonly first?: string;
}

type Fill = (at: number) => number;
/** The least and the largest value of each kind. */
const ENDS: Readonly<Record<Byte, readonly [number, number]>> = { u8: [0, 255], i8: [-128, 127] };
const next = generator(31n);

/** Fills that go together: those of the left factor and of the right one. */
const FILLS: readonly (readonly [string, (low: number, high: number) => Fill, (low: number, high: number) => Fill])[] = [
	["random", (low) => () => low + (next() >>> 24), (low) => () => low + (next() >>> 24)],
	["largest", (_, high) => () => high, (_, high) => () => high],
	["smallest by largest", (low) => () => low, (_, high) => () => high],
	["smallest", (low) => () => low, (low) => () => low],
	["alternating", (low, high) => (at) => (at % 2 === 0 ? low : high), (low, high) => (at) => (at % 4 < 2 ? low : high)],
	["alternating by random", (low, high) => (at) => (at % 2 === 0 ? low : high), (low) => () => low + (next() >>> 24)],
];

interface Case {
	readonly name: string;
	readonly products: number;
	run(backend: Backend): Promise<ArrayLike<number>[]>;
}

/** Products of a case. */
const SIZE = 2 ** 26;
const TURNS: readonly Transposed[] = [{ right: true }, {}, { left: true }, { left: true, right: true }];

function* products(): Generator<Case> {
	const pairs = (["u8", "i8"] as const).flatMap((left) => (["u8", "i8"] as const).map((right) => [left, right] as const));
	for (const [p, [left, right]] of pairs.entries()) {
		for (const [f, [name, leftFill, rightFill]] of FILLS.entries()) {
			// The longest sums, and usual ones.
			const inner = f % 2 === 1 ? mostTerms(left, right) : 1021;
			const columns = 61;
			const rows = Math.ceil(SIZE / (inner * columns));
			const turn = TURNS[(p + f) % TURNS.length] as Transposed;
			const [a, b] = [filled(left, rows * inner, leftFill), filled(right, inner * columns, rightFill)];
			yield {
				name: `${left} ${name} x ${right}, ${rows} x ${inner} x ${columns}`,
				products: rows * inner * columns,
				async run(backend) {
					const one = backend.upload(left, a as never, ...turned(rows, inner, turn.left));
					const other = backend.upload(right, b as never, ...turned(inner, columns, turn.right));
					const product = backend.integers.product(one, other, turn);
					const values = await backend.download(product);
					backend.release(one, other, product);
					return [values];
				},
			};
		}
	}
}

function* statistics(): Generator<Case> {
	const [d, k] = [500, 10];
	const count = Math.ceil((16 * SIZE) / FILLS.length / ((d * (d + 1)) / 2));
	for (const [name, fill] of FILLS) {
		const rows: Rows = {
			x: filled("u8", count * d, fill) as Uint8Array,
			label: Uint8Array.from({ length: count }, (_, at) => at % k),
			weight: Uint8Array.from({ length: count }, (_, at) => [1, 255, 0, 128][(at >> 3) % 4] as number),
			count,
		};
		yield {
			name: `${name}, ${count} x ${d}`,
			products: (count * d * (d + 1)) / 2,
			async run(backend) {
				const { a, b, n } = await backend.statistics(rows, d, k);
				return [a, b, [n]];
			},
		};
	}
}

function* nearest(): Generator<Case> {
	const [train, columns, count] = [2000, 1021, 7];
	const test = Math.ceil((16 * SIZE) / FILLS.length / (train * columns));
	for (const [name, trainFill, testFill] of FILLS) {
		const side = (rows: number, fill: typeof trainFill): ByteMatrix => ({
			values: filled("u8", rows * columns, fill) as Uint8Array,
			rows,
			columns,
		});
		const [one, other] = [side(train, trainFill), side(test, testFill)];
		yield {
			name: `${name}, ${test} x ${train} x ${columns}`,
			products: test * train * columns,
			async run(backend) {
				const { indices, distances } = await backend.nearest(one, other, count);
				return [indices, distances];
			},
		};
	}
}

/** Compares a backend with the reference. */
export async function exactness(backend: Backend): Promise<Exactness[]> {
	const reference = openReference();
	const result: Exactness[] = [];
	for (const [kernel, cases] of Object.entries({ product: products, statistics, nearest })) {
		const sums = { products: 0, values: 0, mismatches: 0 };
		let first: string | undefined;
		for (const { name, products, run } of cases()) {
			const [expected, got] = [await run(reference), await run(backend)];
			sums.products += products;
			expected.forEach((values, part) => {
				for (let at = 0; at < values.length; at++) {
					if (values[at] === got[part]?.[at]) continue;
					sums.mismatches++;
					first ??= `${name}: expected ${values[at]} at ${at}, got ${got[part]?.[at]}`;
				}
				sums.values += values.length;
			});
		}
		result.push({ kernel: kernel as Exactness["kernel"], ...sums, ...(first === undefined ? {} : { first }) });
	}
	return result;
}

function turned(rows: number, columns: number, isTurned = false): readonly [number, number] {
	return isTurned ? [columns, rows] : [rows, columns];
}

function filled(element: Byte, length: number, fill: (low: number, high: number) => Fill): Uint8Array | Int8Array {
	const values = arrayOf(element, length);
	const value = fill(...ENDS[element]);
	for (let at = 0; at < length; at++) values[at] = value(at);
	return values;
}
