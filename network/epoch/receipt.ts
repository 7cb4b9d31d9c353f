/** Why a contributor was paid what was paid: rows, score, share, amount, claim, and the files that prove each step. */
import { type ContributorLine, type ContributorsFile, type DatasetManifest, type PayoutsFile, readIndex, readPart } from "./bundle.ts";
import { EpochError } from "./errors.ts";

export interface Receipt {
	readonly epoch: string;
	readonly line: ContributorLine;
	readonly dataset: DatasetManifest;
	/** Drop of the mean query loss that the rows brought about. */
	readonly lossDrop: number;
	/** Positive scores and the pool that they share. */
	readonly pool: string;
	/** One sentence that says why the amount is what it is. */
	readonly reason: string;
	/** What to look at for each step, as paths in the bundle. */
	readonly links: Readonly<Record<"rows" | "model" | "queries" | "score" | "amount" | "claim", string>>;
}

/**
 * Receipts of a contributor in every epoch of a bundle.
 * @param contributor address, or name of the owner
 * @throws EpochError BUNDLE_MISSING, CONTRIBUTOR_UNKNOWN
 */
export async function receiptsOf(folder: string, contributor: string): Promise<Receipt[]> {
	const index = await readIndex(folder);
	const receipts: Receipt[] = [];
	const known: string[] = [];
	for (const epoch of index.epochs) {
		const { contributors } = await readPart<ContributorsFile>(folder, `epochs/${epoch}/contributors.json`);
		const payouts = await readPart<PayoutsFile>(folder, `epochs/${epoch}/payouts.json`);
		const datasets = await readPart<DatasetManifest[]>(folder, `epochs/${epoch}/datasets.json`);
		const { parameters } = await readPart<{ parameters: { places: number } }>(folder, `epochs/${epoch}/policy.json`);
		for (const line of contributors) {
			known.push(line.address);
			if (line.address.toLowerCase() !== contributor.toLowerCase() && line.owner !== contributor) {
				continue;
			}
			receipts.push({
				epoch,
				line,
				dataset: datasets[line.index] as DatasetManifest,
				lossDrop: Number(line.score) * payouts.scoreUnit,
				pool: payouts.pool,
				reason: reasonOf(line, payouts),
				links: {
					rows: `epochs/${epoch}/proofs/contribution-${line.index}.json`,
					model: `epochs/${epoch}/proofs/optimum.json`,
					queries: `epochs/${epoch}/queries.json`,
					score: `epochs/${epoch}/proofs/score-${Math.floor(line.index / parameters.places)}.json`,
					amount: `epochs/${epoch}/proofs/payout-${Math.floor(line.index / payouts.pageSize)}.json`,
					claim: line.transaction ?? `epochs/${epoch}/payouts.json`,
				},
			});
		}
	}
	if (receipts.length === 0) {
		throw new EpochError(
			"CONTRIBUTOR_UNKNOWN",
			`receipt: expected a contributor of ${folder}, got ${contributor}`,
			`Give one of: ${[...new Set(known)].join(", ")}.`,
		);
	}
	return receipts;
}

function reasonOf(line: ContributorLine, payouts: PayoutsFile): string {
	const score = BigInt(line.score);
	if (payouts.scores.every((other) => BigInt(other) <= 0n)) {
		return "Nothing is paid: no contribution of this epoch lowered the query loss, so the whole pool goes back to the funder.";
	}
	if (score > 0n) {
		return `The rows lowered the query loss; the share of ${(100 * line.share).toFixed(4)} % of all positive scores is paid from the pool, rounded down to a wei.`;
	}
	if (score === 0n) {
		return "The rows neither lowered nor raised the query loss: nothing is paid and nothing is charged.";
	}
	const uncovered = BigInt(line.shortfall) > 0n ? " The stake did not cover all of it." : "";
	return `The rows raised the query loss: the policy charges the same rate that it pays, so ${(-100 * line.share).toFixed(4)} % of the pool is taken from the stake (at most the pool).${uncovered}`;
}
