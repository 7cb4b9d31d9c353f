/** Every contributor's records, proof and stake. */
import { epochStatements } from "../../../circuits/parameters.ts";
import { contributionInstance } from "../../../circuits/statements/contribution.ts";
import type { Statistics } from "../../../circuits/statistics.ts";
import type { Triple } from "../../../ledger/client.ts";
import { contributionContext } from "../../../ledger/context.ts";
import type { DatasetManifest } from "../bundle.ts";
import { type Hex, jsonDigest } from "../json.ts";
import type { Turn } from "./turn.ts";

/** A contribution that is on chain. */
export interface Committed {
	readonly manifest: DatasetManifest;
	readonly statistics: Statistics;
}

/** Proves and posts what is not there yet, and closes the intake. */
export async function commitContributions(turn: Turn): Promise<Committed[]> {
	const { epoch, steward } = turn;
	const { config, data, journal, chain } = turn.parts;
	const { contribution } = epochStatements(data.set);
	const total = data.contributors.length;
	const quantisation = jsonDigest(data.quantisation);
	let done = 0;
	turn.report("commit", 0, total, "contributions proven");
	const contributions = await Promise.all(
		data.contributors.map(async ({ owner, rows }, index) => {
			const wallet = chain.wallet(`contributor/${owner}`);
			const instance = contributionInstance(contribution, rows, journal.salt(`rows/${turn.parts.turn}/${owner}`));
			const manifest: DatasetManifest = {
				schema: "openledger.dataset.v1",
				contributor: wallet.address,
				owner,
				rows: rows.weight.reduce((sum, weight) => sum + weight, 0),
				features: data.quantisation.columns.map(({ name }) => name),
				quantisation,
				rowsCommit: (instance.publics[0] as bigint).toString(),
				licence: "UNSPECIFIED",
			};
			const context = contributionContext(chain.deployment, epoch, wallet.address) as Hex;
			const made = await turn.prove({ role: "contribution", name: `contribution-${index}`, instance, context });
			done++;
			turn.report("commit", done, total, "contributions proven");
			return { wallet, manifest, made, statistics: instance.statistics };
		}),
	);
	await turn.write(
		"datasets.json",
		contributions.map(({ manifest }) => manifest),
	);

	const accepted = (await chain.reader.epoch(epoch))?.count ?? 0;
	for (const { wallet, manifest, made } of contributions.slice(accepted)) {
		turn.parts.signal?.throwIfAborted();
		await chain.equip(wallet, config.stake);
		const client = await chain.client(wallet);
		const datasetDigest = await turn.record(client, "Dataset", manifest);
		await chain.act("contribute", () =>
			client.contribute({
				epoch,
				datasetDigest: datasetDigest.digest,
				publics: made.publics as unknown as Triple,
				proof: made.proof,
				stake: config.stake,
			}),
		);
	}
	if ((await chain.reader.phase(epoch)) === "Open") {
		await chain.act("closeEpoch", () => steward.closeEpoch(epoch));
	}
	return contributions;
}
