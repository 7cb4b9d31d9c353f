/** Gram statistics of rows: what every statement knows of the data. */
import { CircuitError } from "./errors.ts";
import { limbCount, toLimbs } from "./limbs.ts";
import { pack, sponge, TAGS } from "./sponge.ts";

/** Largest product of two features: 255^2. */
export const FEATURE_SQUARE = 65025n;

/**
 * `a`: upper triangle of sum w x x^T, row by row, d (d + 1) / 2 entries; `b`: sum w x onehot(y)^T, feature by feature,
 * d k entries; `rows`: sum w. All non-negative integers.
 */
export interface Statistics {
	readonly a: readonly bigint[];
	readonly b: readonly bigint[];
	readonly rows: bigint;
}

/** Rows of features in [0, 255], the last feature the constant 255; labels in [0, k); weights in [0, 255]. */
export interface Rows {
	/** count x d, row-major. */
	readonly x: Uint8Array;
	readonly label: Uint8Array;
	readonly weight: Uint8Array;
	readonly count: number;
}

/** Number of entries: the triangle and the d x k block. */
export function entryCount(d: number, k: number): number {
	return (d * (d + 1)) / 2 + d * k;
}

/** Position of A_il in the triangle, for any order of i and l. */
export function triangleIndex(i: number, l: number, d: number): number {
	const [low, high] = i <= l ? [i, l] : [l, i];
	return low * d - (low * (low - 1)) / 2 + (high - low);
}

/** Smallest supported width (24, 32, 40 or 48 bits) of an entry that sums up to `weight` rows' weight. */
export function statBits(weight: number): number {
	for (const bits of [24, 32, 40, 48]) {
		if (BigInt(weight) * FEATURE_SQUARE < 1n << BigInt(bits)) {
			return bits;
		}
	}
	throw new CircuitError("stat-width", `statBits: expected a total weight below 2^32, got ${weight}`, "Split the rows.");
}

/** The reference: statistics of rows by their definition. */
export function statisticsOf(rows: Rows, d: number, k: number): Statistics {
	const a = new Array<bigint>((d * (d + 1)) / 2).fill(0n);
	const b = new Array<bigint>(d * k).fill(0n);
	let total = 0n;
	for (let r = 0; r < rows.count; r++) {
		const weight = BigInt(rows.weight[r] as number);
		total += weight;
		const label = rows.label[r] as number;
		let entry = 0;
		for (let i = 0; i < d; i++) {
			const weighted = weight * BigInt(rows.x[r * d + i] as number);
			for (let l = i; l < d; l++) {
				a[entry] = (a[entry] as bigint) + weighted * BigInt(rows.x[r * d + l] as number);
				entry++;
			}
			b[k * i + label] = (b[k * i + label] as bigint) + weighted;
		}
	}
	return { a, b, rows: total };
}

/** Statistics of no rows. */
export function emptyStatistics(d: number, k: number): Statistics {
	return { a: new Array<bigint>((d * (d + 1)) / 2).fill(0n), b: new Array<bigint>(d * k).fill(0n), rows: 0n };
}

/** Entry-wise sum of statistics of equal dimensions. */
export function sumStatistics(list: readonly Statistics[], d: number, k: number): Statistics {
	return list.reduce<Statistics>(
		(sum, next) => ({
			a: sum.a.map((value, e) => value + (next.a[e] as bigint)),
			b: sum.b.map((value, e) => value + (next.b[e] as bigint)),
			rows: sum.rows + next.rows,
		}),
		emptyStatistics(d, k),
	);
}

/** statsCommit = H("openledger.stats", rows + 2^32 d + 2^48 k + 2^64 width, packed entries). */
export function commitStatistics(stats: Statistics, d: number, k: number, width: number): bigint {
	const header = stats.rows + (BigInt(d) << 32n) + (BigInt(k) << 48n) + (BigInt(width) << 64n);
	return sponge(TAGS.stats, [header, ...pack([...stats.a, ...stats.b], width)]);
}

/** Limbs of every entry (entries x limbs). An entry of `width` bits or more is an error. */
export function statisticsLimbs(stats: Statistics, width: number, limbBits: number): bigint[][] {
	return [...stats.a, ...stats.b].map((value, e) => {
		if (value < 0n || value >= 1n << BigInt(width)) {
			throw new CircuitError(
				"stat-range",
				`statistics: expected entry ${e} in [0, 2^${width}), got ${value}`,
				"Use a parameter set for more rows.",
			);
		}
		return toLimbs(value, limbCount(width, limbBits), limbBits);
	});
}
