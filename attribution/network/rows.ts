/** What rows must be for a method over networks. */
import { DataError } from "../../compute/errors.ts";
import type { FloatRows } from "../../compute/training/network.ts";

/**
 * The same rows, if there is one and all of their features are finite. Their width and labels are checked against the network when it sees
 * them.
 * @throws {DataError} TOO_FEW_ROWS, VALUE_NOT_NUMERIC
 */
export function checkRows(rows: FloatRows, place: string): FloatRows {
	const { values, rows: n, columns } = rows.x;
	if (n < 1) throw new DataError("TOO_FEW_ROWS", `${place}: no rows, at least 1 is needed`, "Give rows.");
	const bad = values.findIndex((value) => !Number.isFinite(value));
	if (bad < 0) return rows;
	throw new DataError(
		"VALUE_NOT_NUMERIC",
		`${place}: row ${Math.floor(bad / columns)}, feature ${bad % columns}: ${values[bad]} is not a finite number`,
		"Fill in the value or leave the row out; nothing is imputed.",
	);
}
