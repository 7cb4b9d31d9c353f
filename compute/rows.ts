/**
 * The rows of one part of a data set (a contributor's share, the queries), copied out for a backend or a circuit.
 */
import type { Rows } from "../circuits/statistics.ts";

/**
 * Copy rows.
 * @param x - bytes of all rows, d per row
 * @param labels - labels of all rows
 * @param indices - the rows wanted, in this order
 * @param weight - a weight in [0, 255] per wanted row; 1 each by default
 */
export function selectRows(
	x: Uint8Array,
	labels: Uint8Array,
	d: number,
	indices: Uint32Array,
	weight: Uint8Array = new Uint8Array(indices.length).fill(1),
): Rows {
	const selected = new Uint8Array(indices.length * d);
	indices.forEach((row, position) => {
		selected.set(x.subarray(row * d, (row + 1) * d), position * d);
	});
	return { x: selected, label: Uint8Array.from(indices, (row) => labels[row] as number), weight, count: indices.length };
}
