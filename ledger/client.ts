/**
 * What a user does with the contracts: one function per action, each one transaction (or an approval and one) and a receipt.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `input.invalid`.
 * Amounts are in wei of OPEN, times in Unix seconds, digests and ids 32 bytes 0x-prefixed, epochs count from 1.
 */
import type { BigNumberish, ContractTransaction } from "ethers";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { type RecordKind, recordKinds } from "./enums.ts";
import { decodeError, LedgerError } from "./errors.ts";
import type { Claim } from "./payout-tree.ts";
import { signPermit } from "./permit.ts";
import { logHeadAfter, recordId } from "./record.ts";

type Pair = readonly [bigint, bigint];
/** Three public signals. */
export type Triple = readonly [bigint, bigint, bigint];

/** A committed Groth16 proof as contracts take it: G2 with imaginary parts first. */
export interface ProofCalldata {
	readonly a: Pair;
	readonly b: readonly [Pair, Pair];
	readonly c: Pair;
	readonly commitment: Pair;
	readonly knowledge: Pair;
}

/** A proof made together with others, as a transaction takes it. */
export interface JointProof {
	readonly epoch: bigint;
	/** digests of all proofs made together, in the order in which they are posted */
	readonly transcript: readonly string[];
	readonly publics: readonly bigint[];
	/** evaluations of committed lists at the common challenge */
	readonly links: readonly bigint[];
	readonly proof: ProofCalldata;
}

/** A page of a list, see {@link JointProof}. */
export interface PageProof extends JointProof {
	/** the next statsCommits of the list */
	readonly words: readonly bigint[];
}

/** What a steward fixes when an epoch opens. */
export interface EpochPolicy {
	/** circuit ids, one for each of {@link statements} in that order */
	readonly circuits: readonly string[];
	/** keccak256 of the canonical JSON with everything else */
	readonly policyDigest: string;
	/** pays the pool and alone receives what is returned of it */
	readonly funder: string;
	/** from this second on nothing more can be posted */
	readonly expiresAt: bigint;
	/** the most contributions, 1 to 65,535 */
	readonly capacity: number;
	/** whose accepted submissions alone may be contributed; 0 for none */
	readonly datanet: bigint;
	/** may veto a payout before it is active; the zero address for nobody */
	readonly vetoer: string;
	/** wei */
	readonly minStake: bigint;
}

/** The actions of one key on one deployment. Any number may run at once. */
export class LedgerClient extends Actions {
	/** Publishes a record of content. Inference logs go through {@link appendLog}. @param record.parent id of the record that it derives from */
	async registerRecord(record: { kind: RecordKind; digest: string; parent?: string }): Promise<Outcome & { id: string }> {
		const { kind, digest, parent = ZERO } = record;
		const call = this.contracts.provenance.register.populateTransaction(recordKinds.indexOf(kind), digest, parent);
		return { ...(await this.send(call)), id: recordId(this.address, kind, digest) };
	}

	/** Marks a record of ours as revoked. */
	async revokeRecord(id: string): Promise<Outcome> {
		return this.send(this.contracts.provenance.revoke.populateTransaction(id));
	}

	/**
	 * Appends the root of an inference log to the chain of a model of ours.
	 *
	 * @param log.model id of a manifest, checkpoint or fine-tune record
	 * @returns id of the log's record, its number from 1 and the new head
	 */
	async appendLog(log: { model: string; root: string }): Promise<Outcome & { id: string; sequence: bigint; head: string }> {
		const { model, root } = log;
		return this.sender.alone(async () => {
			const tip = await this.contracts.provenance.logHead(model).catch(rethrow);
			const sequence = tip.sequence + 1n;
			const outcome = await this.send(this.contracts.provenance.appendLog.populateTransaction(model, sequence, tip.head, root));
			return { ...outcome, id: recordId(this.address, "InferenceLog", root), sequence, head: logHeadAfter(tip.head, sequence, root) };
		});
	}

	/** Opens an epoch with us as its steward. */
	async openEpoch(policy: EpochPolicy): Promise<Outcome & { epoch: bigint }> {
		const struct = { ...policy, circuits: fixed<8, string>("openEpoch", "circuits", policy.circuits, 8) };
		const outcome = await this.send(this.contracts.registry.openEpoch.populateTransaction(struct));
		return { ...outcome, epoch: argument(outcome, "EpochOpened", "epoch") };
	}

	/**
	 * Contributes. What our account in the vault lacks of the stake is deposited first, with a signed permit as the approval; nothing is
	 * deposited for a contribution that would be refused.
	 *
	 * @param contribution.datasetDigest digest of the dataset's record
	 * @param contribution.publics rowsCommit, statsCommit, n
	 * @param contribution.proof made in {@link contributionContext} of our address
	 * @param contribution.stake wei, below 2^96
	 * @returns place of the contribution in the epoch, from 0; the deposit unless the stake was there
	 */
	async contribute(contribution: {
		epoch: bigint;
		datasetDigest: string;
		publics: Triple;
		proof: ProofCalldata;
		stake: bigint;
	}): Promise<Outcome & { index: number; deposit: Outcome | undefined }> {
		const { epoch, datasetDigest, publics, proof, stake } = contribution;
		const { registry } = this.contracts;
		const call = registry.contribute.populateTransaction(epoch, datasetDigest, [...publics], proofStruct(proof), stake);
		return this.sender.alone(async () => {
			const deposit = await this.#depositMissing(call, stake);
			const outcome = await this.send(call);
			return { ...outcome, index: Number(argument(outcome, "Contributed", "index")), deposit };
		});
	}

	/** @param call the contribution that needs the stake */
	async #depositMissing(call: Promise<ContractTransaction>, stake: bigint): Promise<Outcome | undefined> {
		const { vault, token } = this.contracts;
		const { ContributionRegistry: service, StakeVault: spender } = this.deployment.contracts;
		const { free } = await vault.accountOf(service, this.address).catch(rethrow);
		if (free >= stake) return undefined;
		// The registry locks the stake last: when only that fails, all else is in order.
		await this.signer.call(await call.catch(rethrow)).catch((error: unknown) => {
			const decoded = decodeError(error);
			if (decoded.revert?.name !== "FreeStakeTooLow") throw decoded;
		});
		const { deadline, v, r, s } = await signPermit(this.signer, { token, spender, value: stake - free });
		return this.send(vault.depositWithPermit.populateTransaction(service, stake - free, deadline, v, r, s));
	}

	/** Ends the intake. By the steward. */
	async closeEpoch(epoch: bigint): Promise<Outcome> {
		return this.send(this.contracts.registry.closeEpoch.populateTransaction(epoch));
	}

	/** Posts a page of the sum of all contributions. @param page.publics n @param page.links totalAt @param page.words the next statsCommits */
	async postTotal(page: PageProof): Promise<Outcome> {
		const { epoch, transcript, publics, links, words, proof } = page;
		return this.send(
			this.contracts.book.postTotal.populateTransaction(
				epoch,
				[...transcript],
				fixed<1>("postTotal", "publics", publics, 1),
				fixed<1>("postTotal", "links", links, 1),
				[...words],
				proofStruct(proof),
			),
		);
	}

	/**
	 * Posts the proven optimum of all contributions, after its pages.
	 *
	 * @param checkpoint.manifest id of the ModelManifest record
	 * @param checkpoint.model id of the Checkpoint record, child of the manifest
	 * @param checkpoint.publics modelCommit, manifest digest mod r, n
	 * @param checkpoint.links totalAt
	 */
	async postCheckpoint(checkpoint: JointProof & { readonly manifest: string; readonly model: string }): Promise<Outcome> {
		const { epoch, manifest, model, transcript, publics, links, proof } = checkpoint;
		return this.send(
			this.contracts.book.postCheckpoint.populateTransaction(
				epoch,
				manifest,
				model,
				[...transcript],
				fixed<3>("postCheckpoint", "publics", publics, 3),
				fixed<1>("postCheckpoint", "links", links, 1),
				proofStruct(proof),
			),
		);
	}

	/** Fixes the queries that will be scored. By the steward. @param queries.log id of an InferenceLog record of the posted model */
	async commitQueries(queries: { epoch: bigint; log: string }): Promise<Outcome> {
		return this.send(this.contracts.book.commitQueries.populateTransaction(queries.epoch, queries.log));
	}

	/**
	 * Posts the proven statistics of some of the queries. By the steward.
	 *
	 * @param queries.publics rowsCommit, statsCommit, sum of the fee weights
	 * @param queries.last whether no more follow
	 */
	async postQueries(queries: { epoch: bigint; publics: Triple; proof: ProofCalldata; last: boolean }): Promise<Outcome> {
		const { epoch, publics, proof, last } = queries;
		return this.send(this.contracts.book.postQueries.populateTransaction(epoch, [...publics], proofStruct(proof), last));
	}

	/** Posts a page of the sum of the queries. @param page.publics n @param page.links totalAt @param page.words the next statsCommits of queries */
	async postQueryTotal(page: PageProof): Promise<Outcome> {
		const { epoch, transcript, publics, links, words, proof } = page;
		return this.send(
			this.contracts.book.postQueryTotal.populateTransaction(
				epoch,
				[...transcript],
				fixed<1>("postQueryTotal", "publics", publics, 1),
				fixed<1>("postQueryTotal", "links", links, 1),
				[...words],
				proofStruct(proof),
			),
		);
	}

	/** Posts the scores of a page. @param page.publics previousScores, scoreCommit, n @param page.links totalAt, pathAt @param page.words the next statsCommits */
	async postScores(page: PageProof): Promise<Outcome> {
		const { epoch, transcript, publics, links, words, proof } = page;
		return this.send(
			this.contracts.book.postScores.populateTransaction(
				epoch,
				[...transcript],
				fixed<3>("postScores", "publics", publics, 3),
				fixed<2>("postScores", "links", links, 2),
				[...words],
				proofStruct(proof),
			),
		);
	}

	/** Posts the proven path, after queries and scores. @param path.publics n, n of the queries @param path.links totalAt, queryAt, pathAt */
	async postAttribution(path: JointProof): Promise<Outcome> {
		const { epoch, transcript, publics, links, proof } = path;
		return this.send(
			this.contracts.book.postAttribution.populateTransaction(
				epoch,
				[...transcript],
				fixed<2>("postAttribution", "publics", publics, 2),
				fixed<3>("postAttribution", "links", links, 3),
				proofStruct(proof),
			),
		);
	}

	/** Approves and adds to the pool of an epoch. By its funder, before the payout is posted. */
	async fund(funding: { epoch: bigint; amount: bigint }): Promise<Outcome & { approval: Outcome | undefined }> {
		const { epoch, amount } = funding;
		return this.spending(this.deployment.contracts.RewardDistributor, amount, () =>
			this.send(this.contracts.distributor.fund.populateTransaction(epoch, amount)),
		);
	}

	/**
	 * Posts a page of the proven payout.
	 *
	 * @param page.pageSize words of a page, the last one excepted
	 * @param page.publics previousScores, scoreCommit, first, pool, positive, pagePositive, paid
	 * @param page.words one per contribution in order, from `first` on
	 */
	async postPayout(page: {
		epoch: bigint;
		pageSize: number;
		publics: readonly bigint[];
		words: readonly bigint[];
		proof: ProofCalldata;
	}): Promise<Outcome> {
		const { epoch, pageSize, publics, words, proof } = page;
		return this.send(
			this.contracts.payouts.post.populateTransaction(
				epoch,
				pageSize,
				fixed<7>("postPayout", "publics", publics, 7),
				[...words],
				proofStruct(proof),
			),
		);
	}

	/** Settles one word, for whomever it belongs to. @param claim see {@link claimOf} */
	async claim({ epoch, word, proof }: Claim): Promise<Outcome> {
		return this.send(this.contracts.distributor.claim.populateTransaction(epoch, word, [...proof]));
	}

	/** Moves the dust of one epoch into the pool of another. By the steward of both. */
	async carryDust(epochs: { from: bigint; to: bigint }): Promise<Outcome> {
		return this.send(this.contracts.distributor.carry.populateTransaction(epochs.from, epochs.to));
	}

	/** Pays the dust of an epoch back to its funder. By funder or steward. */
	async returnDust(epoch: bigint): Promise<Outcome> {
		return this.send(this.contracts.distributor.returnDust.populateTransaction(epoch));
	}

	/** Cancels a payout that is not active yet. By the vetoer. */
	async veto(cancelled: { epoch: bigint; reason: string }): Promise<Outcome> {
		return this.send(this.contracts.distributor.veto.populateTransaction(cancelled.epoch, cancelled.reason));
	}

	/** Pays the pool of a vetoed or expired epoch back to its funder. */
	async refund(epoch: bigint): Promise<Outcome> {
		return this.send(this.contracts.distributor.refund.populateTransaction(epoch));
	}

	/** Pays what nobody claimed in 180 days back to the funder. */
	async sweep(epoch: bigint): Promise<Outcome> {
		return this.send(this.contracts.distributor.sweep.populateTransaction(epoch));
	}

	/** Pays a free stake out of the vault to the contribution's wallet. Anybody may send it. */
	async withdrawStake(contribution: { epoch: bigint; index: number }): Promise<Outcome> {
		return this.send(this.contracts.registry.withdrawStake.populateTransaction(contribution.epoch, contribution.index));
	}

	/** Moves a contribution to another wallet. Anybody may send it. @param rotation both signatures from {@link signRotation} */
	async rotateWallet(rotation: {
		epoch: bigint;
		index: number;
		to: string;
		deadline: bigint;
		fromSignature: string;
		toSignature: string;
	}): Promise<Outcome> {
		const { epoch, index, to, deadline, fromSignature, toSignature } = rotation;
		return this.send(this.contracts.registry.rotateWallet.populateTransaction(epoch, index, to, deadline, fromSignature, toSignature));
	}

	/** Sends OPEN to an address. */
	async transfer(transfer: { to: string; amount: bigint }): Promise<Outcome> {
		return this.send(this.contracts.token.transfer.populateTransaction(transfer.to, transfer.amount));
	}
}

const ZERO = `0x${"0".repeat(64)}`;

/** A list of the length that a contract takes. */
type Fixed<Length extends number, Item, List extends Item[] = []> = List["length"] extends Length
	? List
	: Fixed<Length, Item, [...List, Item]>;

/** @throws LedgerError `input.invalid` when the length is another */
function fixed<Length extends number, Item = bigint>(
	action: string,
	name: string,
	list: readonly Item[],
	length: Length,
): Fixed<Length, Item> {
	if (list.length !== length) {
		throw new LedgerError("input.invalid", `${action}: expected ${length} ${name}, got ${list.length}`, {
			hint: "Give them in the order of the statement.",
		});
	}
	return [...list] as Fixed<Length, Item>;
}

/** The same proof as the mutable tuples that generated types ask for. */
export function proofStruct({ a, b, c, commitment, knowledge }: ProofCalldata) {
	const pair = ([x, y]: Pair): [BigNumberish, BigNumberish] => [x, y];
	const g2: [[BigNumberish, BigNumberish], [BigNumberish, BigNumberish]] = [pair(b[0]), pair(b[1])];
	return { a: pair(a), b: g2, c: pair(c), commitment: pair(commitment), knowledge: pair(knowledge) };
}

function argument(outcome: Outcome, event: string, name: string): bigint {
	const log = outcome.logs.find((one) => one.name === event);
	if (log === undefined) {
		throw new LedgerError("deployment.invalid", `expected the event ${event} in transaction ${outcome.hash}`, {
			hint: "The contracts at these addresses are of another version.",
			transaction: outcome.hash,
		});
	}
	return log.args[name] as bigint;
}
