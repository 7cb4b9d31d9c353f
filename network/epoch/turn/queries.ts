/** Queries: logged and fixed on chain before any score exists. */
import { pagesOf } from "../../../circuits/page.ts";
import { epochStatements } from "../../../circuits/parameters.ts";
import { contributionInstance } from "../../../circuits/statements/contribution.ts";
import type { Rows, Statistics } from "../../../circuits/statistics.ts";
import { predict } from "../../../compute/head.ts";
import { selectRows } from "../../../compute/rows.ts";
import type { Triple } from "../../../ledger/client.ts";
import { recordId } from "../../../ledger/record.ts";
import { jsonDigest, keccakHex } from "../json.ts";
import type { Turn } from "./turn.ts";

/** Fees of the simulated queries, in turn: the weight of a row in the query statistics. */
export const FEES = 5;

/**
 * Logs the queries, fixes them on chain and proves their statistics.
 * @param model id of the checkpoint's record
 * @param head what answers them
 * @returns the queries, and the statistics of each page
 */
export async function postQueries(
	turn: Turn,
	model: string,
	head: Float64Array,
): Promise<{ readonly rows: Rows; readonly statistics: Statistics[] }> {
	const { epoch, steward } = turn;
	const index = turn.parts.turn;
	const { config, data, journal, chain } = turn.parts;
	const { query } = epochStatements(data.set);
	const { d, k } = data.set;
	const asked = data.queries[index] as Rows;
	const rows: Rows = {
		...asked,
		label: config.queryLabels === "served" ? predict(head, asked.x, d, k) : asked.label,
		weight: asked.weight.map((_, i) => 1 + (i % FEES)),
	};
	const instances = pagesOf(
		Array.from({ length: rows.count }, (_, i) => i),
		query.n,
	).map((page, i) => {
		const weight = Uint8Array.from(page, (row) => rows.weight[row] as number);
		return contributionInstance(
			query,
			selectRows(rows.x, rows.label, d, Uint32Array.from(page), weight),
			journal.salt(`queries/${index}/${i}`),
		);
	});
	const log = {
		schema: "openledger.query-log.v1",
		model,
		labels: config.queryLabels,
		rowsCommits: instances.map(({ publics }) => (publics[0] as bigint).toString()),
		entries: Array.from({ length: rows.count }, (_, i) => ({
			row: keccakHex(Buffer.concat([journal.derive(`query/${index}/${i}`), rows.x.subarray(i * d, (i + 1) * d)])),
			label: rows.label[i] as number,
			fee: rows.weight[i] as number,
		})),
	};
	const root = jsonDigest(log);
	const id = recordId(steward.address, "InferenceLog", root);
	turn.report("queries", 0, instances.length, `${rows.count} queries`);
	if ((await chain.reader.record(id)) === undefined) {
		await chain.act("appendLog", () => steward.appendLog({ model, root }));
	}
	if ((await chain.reader.phase(epoch)) === "Checkpointed") {
		await chain.act("commitQueries", () => steward.commitQueries({ epoch, log: id }));
	}
	await turn.write("queries.json", log);
	const made = await Promise.all(instances.map((instance, i) => turn.prove(turn.plan("query", `query-${i}`, instance))));
	if ((await chain.reader.phase(epoch)) === "QueriesCommitted") {
		const { queries: posted } = await chain.reader.book(epoch);
		for (const [i, { publics, proof }] of [...made.entries()].slice(posted)) {
			const last = i === made.length - 1;
			await chain.act("postQueries", () => steward.postQueries({ epoch, publics: publics as unknown as Triple, proof, last }));
		}
	}
	turn.report("queries", made.length, made.length, `${rows.count} queries proven`);
	return { rows, statistics: instances.map(({ statistics }) => statistics) };
}
