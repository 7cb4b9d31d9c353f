/** What this room's tests and the slack attack share: an epoch of a table, sized as a run sizes it. */
import { epochStatements, parameterSetFor } from "../circuits/parameters.ts";
import type { AttributionParameters } from "../circuits/statements/attribution.ts";
import type { Rows } from "../circuits/statistics.ts";
import { fitQuantisation, padFeatures, quantise } from "../compute/quantisation.ts";
import { openReference } from "../compute/reference/backend.ts";
import { selectRows } from "../compute/rows.ts";
import { splitRows } from "../compute/split.ts";
import type { Statistics } from "../compute/statistics.ts";
import type { Table } from "../compute/table.ts";

export interface Epoch {
	/** The `attribution` circuit that a run would choose. */
	readonly parameters: AttributionParameters;
	/** Training rows by contributor, padded to the circuit's d features. */
	readonly rows: readonly Rows[];
	/** Their statistics. */
	readonly contributions: readonly Statistics[];
	readonly query: Statistics;
}

/** Split a table over ten contributors round robin, drop constant columns, quantise, pad, and take the statistics. */
export async function epochOf(table: Table): Promise<Epoch> {
	const split = splitRows(table, { contributors: 10 });
	const scale = fitQuantisation(table, split.train, { dropConstantColumns: true });
	const features = scale.columns.length + 1;
	const set = parameterSetFor({
		rows: Math.max(...split.contributors.map((share) => share.rows.length)),
		queries: split.query.length,
		features,
		classes: table.k,
		contributions: split.contributors.length,
		totalRows: split.train.length,
	});
	const x = padFeatures(quantise(table, scale, { clip: true }), table.n, features, set.d);
	const pick = (indices: Uint32Array) => selectRows(x, table.labels, set.d, indices);
	const rows = split.contributors.map((share) => pick(share.rows));
	const contributions = await Promise.all(rows.map((one) => statistics(one, set.d, set.k)));
	const query = await statistics(pick(split.query), set.d, set.k);
	return { parameters: epochStatements(set).attribution, rows, contributions, query };
}

/** Statistics of rows on the reference backend. */
export async function statistics(rows: Rows, d: number, k: number): Promise<Statistics> {
	const backend = openReference();
	const result = await backend.statistics(rows, d, k);
	await backend.close();
	return result;
}
