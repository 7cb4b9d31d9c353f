/** What the defences look at: each contributor's rows with the time of their commitment, and the queries with theirs. */
import type { Rows } from "../../circuits/statistics.ts";
import { DataError } from "../../compute/errors.ts";
import { checkRows } from "../../compute/statistics.ts";
import type { RidgePathParameters } from "../ridge-path.ts";

/** One contributor's rows in an epoch. */
export interface Submission {
	/** Name or address; each once. */
	readonly contributor: string;
	/** At least one row; weights as committed. */
	readonly rows: Rows;
	/** When the rows were committed (block or second): the lower number wins, in a tie the order of the list. */
	readonly committed: number;
	/** Where the rows are said to come from; names with one source are one cluster. */
	readonly source?: string;
	/** The cluster of its wallet (funding, common control), as found outside; names with one wallet cluster are one cluster. */
	readonly wallet?: string;
	/** What can be charged, as a share of the pool, at least 0; unlimited when absent. */
	readonly stake?: number;
	/** The weight of its reputation, above 0; 1 when absent. */
	readonly reputation?: number;
}

/** The queries that scores are taken on. */
export interface QuerySet {
	readonly rows: Rows;
	/** When their root was committed, in the unit of `Submission.committed`. */
	readonly committed: number;
	/** Which of them were hidden until the scores were committed, ascending (`hiddenQueries`). Without it all of them pay. */
	readonly hidden?: Uint32Array;
}

/** What the policy is applied in. */
export interface DefenceContext {
	/** Features with the bias. */
	readonly d: number;
	/** Classes. */
	readonly k: number;
	readonly queries: QuerySet;
	/** The path that pays. */
	readonly path: RidgePathParameters;
}

/**
 * @throws {DataError} GROUP_EMPTY without contributors, without a name or without rows; DUPLICATE_ID; TOO_FEW_ROWS without queries;
 *   SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, SUM_TOO_LARGE for rows; PARAMETER_OUT_OF_RANGE for times, stakes, reputations and hidden queries
 */
export function checkSubmissions(submissions: readonly Submission[], { d, k, queries }: DefenceContext): void {
	if (submissions.length === 0) throw new DataError("GROUP_EMPTY", "defence: no contributor, at least 1 is needed", "Give submissions.");
	const seen = new Set<string>();
	for (const { contributor, rows, committed, stake = 0, reputation = 1 } of submissions) {
		const place = `defence: contributor "${contributor}"`;
		if (contributor === "") throw new DataError("GROUP_EMPTY", "defence: a contributor has no name", "Name each contributor.");
		if (seen.has(contributor)) throw new DataError("DUPLICATE_ID", `${place} is listed twice`, "Give all rows of a contributor at once.");
		seen.add(contributor);
		if (rows.count === 0) throw new DataError("GROUP_EMPTY", `${place} has no row`, "Give each contributor a row, or leave it out.");
		checkRows(rows, d, k);
		range(place, "committed", committed, Number.isFinite(committed), "a finite number");
		range(place, "stake", stake, stake >= 0, "a number of at least 0");
		range(place, "reputation", reputation, reputation > 0 && reputation < Infinity, "a finite number above 0");
	}
	const { rows, committed, hidden } = queries;
	if (rows.count === 0) throw new DataError("TOO_FEW_ROWS", "defence: no query, at least 1 is needed", "Give queries.");
	checkRows(rows, d, k);
	range("defence: queries", "committed", committed, Number.isFinite(committed), "a finite number");
	if (hidden === undefined) return;
	if (hidden.length === 0) throw new DataError("TOO_FEW_ROWS", "defence: no hidden query, at least 1 is needed", "Hide a query, or none.");
	hidden.forEach((query, i) => {
		const least = i === 0 ? 0 : (hidden[i - 1] as number) + 1;
		range("defence: queries", `hidden[${i}]`, query, query >= least && query < rows.count, `in [${least}, ${rows.count - 1}]`);
	});
}

function range(place: string, name: string, value: number, holds: boolean, expected: string): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `${place}: ${name}: expected ${expected}, got ${value}`, "Correct the value.");
}
