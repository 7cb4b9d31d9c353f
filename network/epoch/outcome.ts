/** Who was paid, from the chain's events, beside what the proofs said. */

import { positiveSum } from "../../circuits/statements/payout.ts";
import type { EpochHistory } from "../../ledger/events.ts";
import type { ContributorLine, ContributorsFile, DatasetManifest } from "./bundle.ts";
import { shareOf } from "./share.ts";

/**
 * @param last whether the dust of this epoch went back to the funder instead of into the next epoch
 */
export function outcomeOf(
	history: EpochHistory,
	manifests: readonly DatasetManifest[],
	scores: readonly bigint[],
	last: boolean,
): ContributorsFile {
	const positive = positiveSum(scores);
	const contributors = history.contributions.map((contribution, index): ContributorLine => {
		const manifest = manifests[index] as DatasetManifest;
		const score = scores[index] as bigint;
		return {
			index,
			address: contribution.contributor,
			owner: manifest.owner,
			rows: manifest.rows,
			score: score.toString(),
			share: positive === 0n ? 0 : shareOf(score, positive),
			paid: (contribution.paid ?? 0n).toString(),
			charged: contribution.charged.toString(),
			shortfall: contribution.shortfall.toString(),
			stakeReturned: contribution.withdrawn.toString(),
			claimed: contribution.settled !== undefined,
			transaction: contribution.settled ?? null,
		};
	});
	const { money } = history;
	const dustReturned = history.contributions.length > 0 && last ? money.dustOut : 0n;
	return {
		schema: "openledger.contributors.v1",
		contributors,
		accounting: {
			pool: money.pool.toString(),
			paid: money.paid.toString(),
			unclaimed: money.balance.toString(),
			dust: money.dust.toString(),
			dustCarried: (money.dustOut - dustReturned).toString(),
			returned: (money.returned + dustReturned).toString(),
			charged: history.contributions.reduce((sum, { charged }) => sum + charged, 0n).toString(),
		},
	};
}
