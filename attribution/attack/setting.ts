/** What attacks are tried on: honest contributors and queries of the user's own table, as an epoch would hold them. */
import { pathParameters } from "../../circuits/path.ts";
import { DataError } from "../../compute/errors.ts";
import { fitQuantisation, quantise } from "../../compute/quantisation.ts";
import { generator } from "../../compute/random.ts";
import { selectRows } from "../../compute/rows.ts";
import type { Table } from "../../compute/table.ts";
import { commitQueries, hiddenQueries } from "../defence/query-commitment.ts";
import type { DefenceContext, Submission } from "../defence/submission.ts";

/** An epoch before anybody cheats. */
export interface Setting {
	readonly submissions: readonly Submission[];
	readonly context: DefenceContext;
	/** For each submission the rows of the table that it consists of, counted from 0. */
	readonly origins: readonly Uint32Array[];
}

export interface SettingOptions {
	/** Contributors in round robin, where the table has no owners. */
	readonly contributors?: number;
	/** The share of queries that is hidden. */
	readonly hiddenShare?: number;
	/** Draws the salt and the beacon of the query commitment. */
	readonly seed?: bigint;
	/** Nodes of the ridge path. */
	readonly nodes?: number;
}

/**
 * An honest epoch: contributors commit in the order of their first row, the queries before all of them.
 * @param test - the queries; without it rows with index mod 4 = 3 of `train` are (no row is both)
 * @throws {DataError} TOO_FEW_ROWS, CONTRIBUTOR_EMPTY, SHAPE_MISMATCH, COLUMN_CONSTANT and others of quantisation
 */
export function settingOf(train: Table, test: Table | undefined, options: SettingOptions = {}): Setting {
	const { contributors = 10, hiddenShare = 0.5, seed = 1n, nodes = 12 } = options;
	const all = Uint32Array.from({ length: train.n }, (_, row) => row);
	const rows = test ? all : all.filter((row) => row % 4 !== 3);
	const queryTable = test ?? train;
	const queryRows = test ? Uint32Array.from({ length: test.n }, (_, row) => row) : all.filter((row) => row % 4 === 3);
	if (queryRows.length < 2)
		throw new DataError("TOO_FEW_ROWS", `${queryTable.source}: at least 2 query rows are needed`, "Give more rows.");
	const scale = fitQuantisation(train, rows, { dropConstantColumns: true });
	const d = scale.columns.length + 1;
	const k = Math.max(2, train.k, queryTable.k);
	const x = quantise(train, scale, { clip: true });
	const owners = ownersOf(train, rows, contributors);
	const names = [...new Set(owners)];
	const origins = names.map((name) => rows.filter((_, position) => owners[position] === name));
	const submissions = names.map((contributor, committed): Submission => {
		const own = origins[committed] as Uint32Array;
		return { contributor, rows: selectRows(x, train.labels, d, own), committed: committed + 1 };
	});
	const queries = selectRows(test ? quantise(test, scale, { clip: true }) : x, queryTable.labels, d, queryRows);
	const next = generator(seed);
	const draw = () => Uint8Array.from({ length: 32 }, () => next() & 255);
	const hidden = hiddenQueries(commitQueries(queries, draw()), draw(), hiddenShare);
	return { submissions, context: { d, k, queries: { rows: queries, committed: 0, hidden }, path: pathParameters(d, nodes) }, origins };
}

function ownersOf(train: Table, rows: Uint32Array, contributors: number): string[] {
	if (train.owners) return Array.from(rows, (row) => train.owners?.[row] as string);
	if (!Number.isInteger(contributors) || contributors < 1 || contributors > rows.length) {
		throw new DataError(
			"CONTRIBUTOR_EMPTY",
			`${train.source}: expected 1 to ${rows.length} contributors, got ${contributors}`,
			"Ask for fewer contributors, or name a column of owners.",
		);
	}
	return Array.from(rows, (_, position) => String(position % contributors));
}
