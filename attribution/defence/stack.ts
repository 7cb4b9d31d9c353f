/** Lists of rows as one list. */
import type { Rows } from "../../circuits/statistics.ts";

/** All rows, one list after the other. */
export function joinRows(list: readonly Rows[]): Rows {
	const bytes = (of: (rows: Rows) => Uint8Array) => new Uint8Array(Buffer.concat(list.map(of)));
	const label = bytes((rows) => rows.label);
	return { x: bytes((rows) => rows.x), label, weight: bytes((rows) => rows.weight), count: label.length };
}
