/**
 * What requesters, operators and challengers do with compute jobs: one function per action, each one transaction (or an approval or a deposit
 * and one) and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in Unix seconds, digests 32 bytes 0x-prefixed; jobs and challenges are numbers from 1, segments from 0.
 */
import { ZeroAddress, ZeroHash } from "ethers";
import { Actions, type Bonded, type Outcome, rethrow } from "./actions.ts";
import { type ProofCalldata, proofStruct } from "./client.ts";
import { resultCommitment, resultDigest } from "./job-result.ts";

/** What a requester fixes when a job is posted. */
export interface JobTerms {
	/** keccak256 of the canonical job description */
	readonly description: string;
	/** id of the circuit that proves a segment; left out when none does */
	readonly circuit?: string;
	/** who alone may take it; left out for any operator */
	readonly operator?: string;
	/** whose attestation the operator needs through the deadline; left out for none */
	readonly attester?: string;
	/** wei that a wrong result is worth to an operator that is not found */
	readonly gain: bigint;
	/** wei to escrow */
	readonly price: bigint;
	/** the result is committed before this second, at most 90 days ahead */
	readonly deadline: bigint;
	/** bits that the operator needs; 0 by default */
	readonly capabilities?: number;
	/** 1 to 256 */
	readonly segments: number;
}

/** The actions of one key in compute jobs. Any number may run at once. */
export class JobClient extends Actions {
	/** Approves the price and posts a job of ours. */
	async post(terms: JobTerms): Promise<Outcome & { approval: Outcome | undefined; job: bigint | undefined }> {
		const { circuit = ZeroHash, operator = ZeroAddress, attester = ZeroAddress, capabilities = 0, ...rest } = terms;
		const given = { ...rest, circuit, operator, attester, capabilities };
		const outcome = await this.spending(this.deployment.contracts.ComputeJobs, terms.price, () =>
			this.send(this.contracts.jobs.post.populateTransaction(given)),
		);
		return { ...outcome, job: numberIn(outcome, "JobPosted", "job") };
	}

	/** Takes a job of ours back that nobody has taken. */
	async cancel(job: bigint): Promise<Outcome> {
		return this.send(this.contracts.jobs.cancel.populateTransaction(job));
	}

	/** Takes a job. Deposits what its bond lacks first, with a signed permit. */
	async take(job: bigint): Promise<Bonded> {
		const { bond } = await this.contracts.jobs.jobOf(job).catch(rethrow);
		return this.bonded(this.deployment.contracts.ComputeJobs, bond, () => this.contracts.jobs.take.populateTransaction(job));
	}

	/** Commits to the result of a job that we took, before its deadline. @param result.salt 32 random bytes; keep them and the digests for the reveal */
	async commit(result: { readonly job: bigint; readonly digests: readonly string[]; readonly salt: string }): Promise<Outcome> {
		const { job, digests, salt } = result;
		const commitment = resultCommitment(this.deployment, job, this.address, resultDigest(digests), salt);
		return this.send(this.contracts.jobs.commit.populateTransaction(job, commitment));
	}

	/** Reveals a committed result, within a day from the deadline on. Anybody who knows the salt may send it. */
	async reveal(result: { readonly job: bigint; readonly digests: readonly string[]; readonly salt: string }): Promise<Outcome> {
		return this.send(this.contracts.jobs.reveal.populateTransaction(result.job, [...result.digests], result.salt));
	}

	/** Draws the audit of a committed job. Anybody may send it; 257 blocks after the draw block it audits everything. */
	async draw(job: bigint): Promise<Outcome> {
		return this.send(this.contracts.jobs.draw.populateTransaction(job));
	}

	/** Ends a job that is due. Anybody may send it. */
	async settle(job: bigint): Promise<Outcome> {
		return this.send(this.contracts.jobs.settle.populateTransaction(job));
	}

	/** Has paid what ended jobs credited. Anybody may send it. @param who us by default */
	async withdraw(who: string = this.address): Promise<Outcome> {
		return this.send(this.contracts.jobs.withdraw.populateTransaction(who));
	}

	/** Challenges a segment of a revealed result. Deposits what the challenger's bond lacks first. @param charge.digests as they were revealed @param charge.claim our own digest of the segment */
	async challenge(charge: {
		readonly job: bigint;
		readonly segment: number;
		readonly digests: readonly string[];
		readonly claim: string;
	}): Promise<Bonded & { challenge: bigint | undefined }> {
		const { job, segment, digests, claim } = charge;
		const { jobs, operators, disputes } = this.contracts;
		const { policy } = await jobs.jobOf(job).catch(rethrow);
		const { challengeBond } = await operators.policyOf(policy).catch(rethrow);
		const outcome = await this.bonded(this.deployment.contracts.ComputeDisputes, challengeBond, () =>
			disputes.challenge.populateTransaction(job, segment, [...digests], claim),
		);
		return { ...outcome, challenge: numberIn(outcome, "ChallengeOpened", "challenge") };
	}

	/** Answers a challenge by a proof of its segment. Anybody may send it. @param answer.proof made in `segmentContext` for this challenger */
	async answer(answer: { readonly challenge: bigint; readonly proof: ProofCalldata }): Promise<Outcome> {
		return this.send(this.contracts.disputes.answer.populateTransaction(answer.challenge, proofStruct(answer.proof)));
	}

	/** Stands by our result where no proof can: the owner decides. */
	async contest(challenge: bigint): Promise<Outcome> {
		return this.send(this.contracts.disputes.contest.populateTransaction(challenge));
	}

	/** Admits that a challenge is right. */
	async concede(challenge: bigint): Promise<Outcome> {
		return this.send(this.contracts.disputes.concede.populateTransaction(challenge));
	}

	/** Decides a dispute. By the owner. @param decision.upheld whether the challenger is right */
	async decide(decision: { readonly challenge: bigint; readonly upheld: boolean }): Promise<Outcome> {
		return this.send(this.contracts.disputes.decide.populateTransaction(decision.challenge, decision.upheld));
	}

	/** Brings a challenge on that is due. Anybody may send it. */
	async settleChallenge(challenge: bigint): Promise<Outcome> {
		return this.send(this.contracts.disputes.settleChallenge.populateTransaction(challenge));
	}
}

/** A number that an event of the outcome names; undefined in a trial run. */
function numberIn({ logs }: Outcome, event: string, argument: string): bigint | undefined {
	return logs.find(({ name }) => name === event)?.args[argument] as bigint | undefined;
}
