/** Scores of rows added up by contributor. */
import { DataError } from "../compute/errors.ts";

/** Which contributor each row belongs to. */
export interface Groups {
	/** Names, each once, in order of first appearance. */
	readonly names: readonly string[];
	/** For each row the index of its contributor in `names`. */
	readonly of: Uint32Array;
}

/**
 * Groups from a column of names.
 * @throws {DataError} GROUP_EMPTY for an empty name
 */
export function groupsOf(owners: readonly string[]): Groups {
	const names = new Map<string, number>();
	const of = Uint32Array.from(owners, (owner, row) => {
		if (owner === "") throw new DataError("GROUP_EMPTY", `groups: row ${row} belongs to nobody`, "Name the contributor of each row.");
		const known = names.get(owner) ?? names.size;
		names.set(owner, known);
		return known;
	});
	return { names: [...names.keys()], of };
}

/** The rows of each contributor, ascending. @throws {DataError} GROUP_EMPTY if a contributor has none */
export function rowsByGroup({ names, of }: Groups): Uint32Array[] {
	const rows = names.map((): number[] => []);
	of.forEach((group, row) => {
		rows[group]?.push(row);
	});
	return rows.map((own, group) => {
		if (own.length > 0) return Uint32Array.from(own);
		throw new DataError("GROUP_EMPTY", `groups: contributor "${names[group]}" has no row`, "Give each contributor a row, or leave it out.");
	});
}

/** The sum of each contributor's row scores. Right for row-additive methods; a Shapley value over names is not such a sum. */
export function groupSums(scores: ArrayLike<number>, { names, of }: Groups): Float64Array {
	if (scores.length !== of.length) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`groups: expected one score for each of ${of.length} rows, got ${scores.length}`,
			"Pass scores of the same rows.",
		);
	}
	const sums = new Float64Array(names.length);
	of.forEach((group, row) => {
		(sums[group] as number) += scores[row] as number;
	});
	return sums;
}
