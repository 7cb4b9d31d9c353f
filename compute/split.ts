/**
 * Which row is used for what, without a random generator: index mod 8 = 3 are the query rows, index mod 8 = 7 the evaluation
 * rows (together the usual test set, index mod 4 = 3), the rest are training rows and belong to contributors.
 */
import { DataError } from "./errors.ts";
import type { Table } from "./table.ts";

/** A contributor and the indices of its training rows, ascending, at least one. */
export interface Share {
	/** The owner's name in the table, or the contributor's number from 0. */
	readonly owner: string;
	readonly rows: Uint32Array;
}

/** Row indices, ascending; each row of the table is in exactly one of the three. */
export interface Split {
	readonly train: Uint32Array;
	readonly query: Uint32Array;
	readonly evaluation: Uint32Array;
	/** The training rows by contributor: owners in order of first appearance, or round robin. */
	readonly contributors: readonly Share[];
}

export interface SplitOptions {
	/** Number of contributors in round robin; used where the table has no owners. At least 1. */
	readonly contributors: number;
	/** The most classes that the circuit takes. */
	readonly maxClasses?: number | undefined;
}

/**
 * Split a table.
 * @throws {DataError} TOO_FEW_ROWS below 8 rows (a part would be empty) or with fewer training rows than contributors;
 *   CONTRIBUTOR_EMPTY if an owner has no training row or there is no contributor; TOO_MANY_CLASSES
 */
export function splitRows(table: Pick<Table, "source" | "n" | "k" | "owners">, options: SplitOptions): Split {
	const { source, n, k, owners } = table;
	if (options.maxClasses !== undefined && k > options.maxClasses) {
		throw new DataError(
			"TOO_MANY_CLASSES",
			`${source}: ${k} classes, the circuit takes at most ${options.maxClasses}`,
			"Choose parameters with more classes, or another label column.",
		);
	}
	if (n < 8)
		throw new DataError("TOO_FEW_ROWS", `${source}: ${n} rows, at least 8 are needed for a query and an evaluation row`, "Give more rows.");
	const where = (wanted: (residue: number) => boolean) =>
		Uint32Array.from(Array.from({ length: n }, (_, row) => row).filter((row) => wanted(row % 8)));
	const train = where((residue) => residue % 4 !== 3);
	const query = where((residue) => residue === 3);
	const evaluation = where((residue) => residue === 7);
	return {
		train,
		query,
		evaluation,
		contributors: owners ? byOwner(source, owners, train) : roundRobin(source, options.contributors, train),
	};
}

function byOwner(source: string, owners: readonly string[], train: Uint32Array): Share[] {
	const rows = new Map<string, number[]>(owners.map((owner) => [owner, []]));
	for (const row of train) rows.get(owners[row] ?? "")?.push(row);
	return Array.from(rows, ([owner, own]) => {
		if (own.length === 0) {
			throw new DataError(
				"CONTRIBUTOR_EMPTY",
				`${source}: owner "${owner}" has no training row`,
				"Rows with index mod 4 = 3 are held out; give this owner more rows or leave it out.",
			);
		}
		return { owner, rows: Uint32Array.from(own) };
	});
}

function roundRobin(source: string, count: number, train: Uint32Array): Share[] {
	if (!Number.isInteger(count) || count < 1) {
		throw new DataError(
			"CONTRIBUTOR_EMPTY",
			`${source}: ${count} contributors, at least 1 is needed`,
			"Ask for a positive number of contributors.",
		);
	}
	if (train.length < count) {
		throw new DataError(
			"TOO_FEW_ROWS",
			`${source}: ${train.length} training rows for ${count} contributors`,
			"Ask for fewer contributors or give more rows.",
		);
	}
	return Array.from({ length: count }, (_, c) => ({ owner: String(c), rows: train.filter((_, position) => position % count === c) }));
}
