/**
 * What makers, curators, contributors, challengers and the owner of datanets do: one function per action, each one transaction (or a deposit
 * and one) and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in seconds; datanets, submissions and challenges are numbers from 1.
 */
import { type ContractTransaction, ZeroAddress, ZeroHash } from "ethers";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { type ProofCalldata, proofStruct } from "./client.ts";
import { type DatanetMode, datanetModes, type RejectReason, rejectReasons } from "./enums.ts";

/** What the maker of a datanet fixes for ever; only the curator can hand over. */
export interface DatanetTerms {
	readonly mode: Exclude<DatanetMode, "None">;
	/** accepts and rejects (curated), names stewards, closes; an open datanet may have none */
	readonly curator?: string;
	/** wei of each submission and of each challenge, at least 10^18 */
	readonly bond: bigint;
	/** of one contribution, 1 to 2^32 - 1 */
	readonly maxRows: number;
	/** that may stand at a time, per contributor, 1 to 2^32 - 1 */
	readonly maxSubmissions: number;
	/** seconds, 86,400 to 2,592,000 */
	readonly challengeWindow: number;
	/** seconds that the curator has, 86,400 to 2,592,000; left out for an open datanet */
	readonly decisionPeriod?: number;
	/** id of an active Licence record */
	readonly licence: string;
	/** id of a circuit that decides disputes; left out when only the owner decides them */
	readonly circuit?: string;
}

/** A transaction that locks a bond, and the deposit before it if free stake was missing. `gasUsed` is 0 in a trial run with a deposit: the call is refused until that is made. */
export type Bonded = Outcome & { readonly deposit: Outcome | undefined };

/** The actions of one key at the datanets. Any number may run at once. */
export class DatanetClient extends Actions {
	/** Makes a datanet. */
	async create(terms: DatanetTerms): Promise<Outcome & { datanet: bigint | undefined }> {
		const { curator = ZeroAddress, decisionPeriod = 0, circuit = ZeroHash, mode, ...rest } = terms;
		const given = { ...rest, curator, decisionPeriod, circuit, mode: datanetModes.indexOf(mode) };
		const outcome = await this.send(this.contracts.datanets.create.populateTransaction(given));
		return { ...outcome, datanet: numberIn(outcome, "DatanetCreated", "datanet") };
	}

	/** Offers the curator's place; left out: takes the offer back. By the curator. */
	async proposeCurator(offer: { datanet: bigint; to?: string }): Promise<Outcome> {
		return this.send(this.contracts.datanets.proposeCurator.populateTransaction(offer.datanet, offer.to ?? ZeroAddress));
	}

	/** Takes the curator's place that was offered to us. */
	async acceptCurator(datanet: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.acceptCurator.populateTransaction(datanet));
	}

	/** Has a steward's epochs count for reputation, or count no more. By the curator. */
	async nameSteward(naming: { datanet: bigint; steward: string; named: boolean }): Promise<Outcome> {
		const { datanet, steward, named } = naming;
		return this.send(this.contracts.datanets.nameSteward.populateTransaction(datanet, steward, named));
	}

	/** Ends submissions to a datanet, for ever. By the curator. */
	async closeDatanet(datanet: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.closeDatanet.populateTransaction(datanet));
	}

	/** Lists a datanet for reputation, or unlists it. By the owner. */
	async list(listing: { datanet: bigint; listed: boolean }): Promise<Outcome> {
		return this.send(this.contracts.datanets.list.populateTransaction(listing.datanet, listing.listed));
	}

	/** Submits a dataset of ours. Deposits what is missing to the bond first, with a signed permit. @param submission.record id of our Dataset record */
	async submit(submission: { datanet: bigint; record: string }): Promise<Bonded & { submission: bigint | undefined }> {
		const { datanet, record } = submission;
		const { terms } = await this.contracts.datanets.datanetOf(datanet).catch(rethrow);
		const outcome = await this.#bonded(terms.bond, () => this.contracts.datanets.submit.populateTransaction(datanet, record));
		return { ...outcome, submission: numberIn(outcome, "Submitted", "submission") };
	}

	/** Accepts a submission. By the curator. */
	async accept(submission: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.accept.populateTransaction(submission));
	}

	/** Rejects a submission and frees its bond. By the curator. @param rejection.digest of what explains the reason, to be found at `uri` */
	async reject(rejection: { submission: bigint; reason: RejectReason; digest?: string; uri?: string }): Promise<Outcome> {
		const { submission, reason, digest = ZeroHash, uri = "" } = rejection;
		const code = rejectReasons.indexOf(reason);
		return this.send(this.contracts.datanets.reject.populateTransaction(submission, code, digest, uri));
	}

	/** Begins to take a submission of ours out: no contributions from now on, the bond after a challenge window. */
	async startWithdrawal(submission: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.startWithdrawal.populateTransaction(submission));
	}

	/** Frees the bond of a submission that has left or lapsed. Anybody may send it; the stake is its contributor's. */
	async withdraw(submission: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.withdraw.populateTransaction(submission));
	}

	/** Challenges somebody else's submission. Deposits what is missing to the bond first. @param charge.evidence digest of what supports it, to be found at `uri` */
	async challenge(charge: { submission: bigint; evidence: string; uri?: string }): Promise<Bonded & { challenge: bigint | undefined }> {
		const { submission, evidence, uri = "" } = charge;
		const { datanets } = this.contracts;
		const { datanet } = await datanets.submissionOf(submission).catch(rethrow);
		const { terms } = await datanets.datanetOf(datanet).catch(rethrow);
		const outcome = await this.#bonded(terms.bond, () => datanets.challenge.populateTransaction(submission, evidence, uri));
		return { ...outcome, challenge: numberIn(outcome, "Challenged", "challenge") };
	}

	/**
	 * Has a challenge upheld by a proof. Anybody may send it; it wins for the challenger.
	 *
	 * @param dispute.original id of an earlier Dataset record that the dispute is about; left out for none
	 * @param dispute.publics after the first two, which follow from the submission and the original
	 * @param dispute.proof made in `disputeContext` of submission and challenger
	 */
	async resolve(dispute: { challenge: bigint; original?: string; publics: readonly bigint[]; proof: ProofCalldata }): Promise<Outcome> {
		const { challenge, original = ZeroHash, publics, proof } = dispute;
		return this.send(this.contracts.datanets.resolve.populateTransaction(challenge, original, [...publics], proofStruct(proof)));
	}

	/** Decides a challenge that no proof decides. By the owner. */
	async decide(decision: { challenge: bigint; upheld: boolean }): Promise<Outcome> {
		return this.send(this.contracts.datanets.decide.populateTransaction(decision.challenge, decision.upheld));
	}

	/** Ends a challenge that nobody upheld in time, or whose submission was removed by another one. Anybody may send it. */
	async closeChallenge(challenge: bigint): Promise<Outcome> {
		return this.send(this.contracts.datanets.closeChallenge.populateTransaction(challenge));
	}

	/** Wei that a bond would still need to be deposited for. */
	async missing(bond: bigint): Promise<bigint> {
		const { free } = await this.contracts.vault.accountOf(this.deployment.contracts.Datanets, this.address).catch(rethrow);
		return free >= bond ? 0n : bond - free;
	}

	/** Deposits what the bond lacks, then sends the call. */
	async #bonded(bond: bigint, call: () => Promise<ContractTransaction>): Promise<Bonded> {
		const missing = await this.missing(bond);
		if (missing === 0n) return { ...(await this.send(call())), deposit: undefined };
		const { StakeVault, Datanets } = this.deployment.contracts;
		const deposit = await this.permitted(StakeVault, missing, ({ deadline, v, r, s }) =>
			this.contracts.vault.depositWithPermit.populateTransaction(Datanets, missing, deadline, v, r, s),
		);
		if (this.trial) return { hash: "", blockNumber: 0, gasUsed: 0n, logs: [], deposit };
		return { ...(await this.send(call())), deposit };
	}
}

/** A number that an event of the outcome names; undefined in a trial run. */
function numberIn({ logs }: Outcome, event: string, argument: string): bigint | undefined {
	return logs.find(({ contract, name }) => contract === "Datanets" && name === event)?.args[argument] as bigint | undefined;
}
