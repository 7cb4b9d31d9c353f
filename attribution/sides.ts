/** The two sides of an attribution, in every form that a method takes: bytes as they are committed, floats, and rows without a bias. */
import type { Rows } from "../circuits/statistics.ts";
import { matrix } from "../compute/matrix.ts";
import type { FloatRows } from "../compute/training/network.ts";
import type { Setting } from "./attack/setting.ts";
import { type ByteExamples, byteExamplesOf } from "./byte-examples.ts";
import type { Examples } from "./examples.ts";
import type { Groups } from "./groups.ts";

export interface Sides {
	readonly train: ByteExamples;
	readonly test: ByteExamples;
	/** The contributor of each training row. */
	readonly groups: Groups;
	/** For each training row its place in the file, from 0. */
	readonly origin: Uint32Array;
}

/** All contributors' rows, one contributor after the other, and the queries. */
export function sidesOf({ submissions, context, origins }: Setting): Sides {
	const { d, k, queries } = context;
	const names = submissions.map(({ contributor }) => contributor);
	const of = submissions.flatMap(({ rows }, group) => Array.from({ length: rows.count }, () => group));
	return {
		train: byteExamplesOf(
			joined(
				submissions.map(({ rows }) => rows),
				d,
			),
			d,
			k,
		),
		test: byteExamplesOf(queries.rows, d, k),
		groups: { names, of: Uint32Array.from(of) },
		origin: Uint32Array.from(origins.flatMap((rows) => Array.from(rows))),
	};
}

/** Bytes as floats in [0, 1]: the bias becomes 1. Weights are left out: every row counts once. */
export function floatsOf({ x, label, n, d, k }: ByteExamples): Examples {
	return { x: Float64Array.from(x, (byte) => byte / 255), label, n, d, k };
}

/** Bytes as floats in [0, 1] without the bias, which a network has of its own. */
export function networkRowsOf({ x, label, n, d }: ByteExamples): FloatRows {
	const values = new Float32Array(n * (d - 1));
	for (let row = 0; row < n; row++) {
		for (let l = 0; l < d - 1; l++) values[row * (d - 1) + l] = (x[row * d + l] as number) / 255;
	}
	return { x: matrix(values, n, d - 1), label };
}

function joined(parts: readonly Rows[], d: number): Rows {
	const count = parts.reduce((sum, one) => sum + one.count, 0);
	const all = { x: new Uint8Array(count * d), label: new Uint8Array(count), weight: new Uint8Array(count), count };
	let at = 0;
	for (const { x, label, weight, count: own } of parts) {
		all.x.set(x, at * d);
		all.label.set(label, at);
		all.weight.set(weight, at);
		at += own;
	}
	return all;
}
