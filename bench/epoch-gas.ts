/**
 * Gas of an epoch with 1,024 contributors: a contribution, the post of all payouts with their proof, claims. The proofs are made from the secrets of
 * keys, and good under them; what a transaction costs does not depend on that.
 */
import { claimOf } from "../ledger/payout-tree.ts";
import { DELAY, House, POOL } from "../ledger/testing/house.ts";
import { atMost, type Case } from "./bench.ts";

const CONTRIBUTORS = 1024;
/** Claims that are measured; the first of 256 neighbours pays for the bitmap that the others use. */
const CLAIMS = 5;

export async function epochGas(): Promise<Case[]> {
	const house = await House.build(CONTRIBUTORS, CONTRIBUTORS);
	try {
		const epoch = await house.open({ capacity: CONTRIBUTORS });
		const contributions: number[] = [];
		for (const [place, contributor] of house.contributors.entries()) {
			const { gasUsed } = await contributor.contribute(house.contribution(epoch, place, contributor));
			contributions.push(Number(gasUsed));
			if ((place + 1) % 256 === 0) console.error(`epoch: ${place + 1} of ${CONTRIBUTORS} contributions`);
		}
		await house.steward.closeEpoch(epoch);
		await house.postCheckpoint(epoch);
		await house.commitQueries(epoch);
		for (const queries of house.queries(epoch)) await house.steward.postQueries(queries);
		await house.postScores(epoch);
		await house.steward.fund({ epoch, amount: POOL });
		const posts: number[] = [];
		for (const page of house.payout(epoch)) posts.push(Number((await house.steward.postPayout(page)).gasUsed));
		await house.wait(DELAY + 1);
		const { words } = house.payouts();
		const claims: number[] = [];
		// Word 1 is a charge.
		for (const index of [0, ...Array.from({ length: CLAIMS }, (_, i) => i + 2)]) {
			claims.push(Number((await house.steward.claim(claimOf(epoch, words, index, CONTRIBUTORS))).gasUsed));
		}
		const size = `epoch of ${CONTRIBUTORS} contributors`;
		return [
			atMost("contribution accepted", "proof verified, stake locked, record written", "gas", every(contributions, 128), 420_000),
			atMost("post of payouts", `${size}, one page, with proof`, "gas", posts, 1_300_000),
			atMost("claim", `${size}, depth 10, wallet and bitmap in use`, "gas", claims.slice(1), 60_000),
		];
	} finally {
		await house.devnet.close();
	}
}

function every(values: readonly number[], step: number): number[] {
	return values.filter((_, i) => i % step === 0);
}
