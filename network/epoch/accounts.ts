/** The accounts of an epoch, derived again from words, stakes and manifests. */
import { same, sum } from "./broken.ts";
import type { ContributorLine, ContributorsFile, DatasetManifest, PayoutsFile } from "./bundle.ts";
import { shareOf } from "./share.ts";

/** @throws Broken at the first line or sum that is not what it should be */
export function checkAccounts(file: ContributorsFile, payouts: PayoutsFile, datasets: readonly DatasetManifest[], stake: bigint): void {
	const scores = payouts.scores.map(BigInt);
	const positive = scores.reduce((total, score) => (score > 0n ? total + score : total), 0n);
	same("number of contributors", file.contributors.length, datasets.length);
	for (const [index, line] of file.contributors.entries()) {
		const dataset = datasets[index] as DatasetManifest;
		const word = BigInt(payouts.words[index] as string);
		const amount = word & ((1n << 96n) - 1n);
		const isCharge = ((word >> 96n) & 1n) === 1n;
		const charged = isCharge && line.claimed ? min(amount, stake) : 0n;
		const score = scores[index] as bigint;
		const expected: ContributorLine = {
			index,
			address: dataset.contributor,
			owner: dataset.owner,
			rows: dataset.rows,
			score: score.toString(),
			share: positive === 0n ? 0 : shareOf(score, positive),
			paid: (!isCharge && line.claimed ? amount : 0n).toString(),
			charged: charged.toString(),
			shortfall: (isCharge && line.claimed ? amount - charged : 0n).toString(),
			stakeReturned: (BigInt(line.stakeReturned) === 0n ? 0n : stake - charged).toString(),
			claimed: line.claimed,
			transaction: line.transaction,
		};
		same(`line of contribution ${index}`, line, expected);
		same(`transaction of contribution ${index}`, line.transaction !== null, line.claimed);
	}
	const { accounting } = file;
	const owed = BigInt(payouts.pool) - BigInt(payouts.dust);
	same("pool of the accounting", accounting.pool, payouts.pool);
	same("sum of what was paid", accounting.paid, sum(file.contributors.map(({ paid }) => paid)).toString());
	same("sum of what was charged", accounting.charged, sum(file.contributors.map(({ charged }) => charged)).toString());
	same("unclaimed", accounting.unclaimed, (owed - BigInt(accounting.paid)).toString());
	same("dust", sum([accounting.dust, accounting.dustCarried, accounting.returned]).toString(), payouts.dust);
}

function min(one: bigint, other: bigint): bigint {
	return one < other ? one : other;
}
