/**
 * The present state of a deployment: what a run that was interrupted needs to know before it goes on.
 *
 * Every function throws LedgerError: `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in
 * Unix seconds, epochs count from 1.
 */
import { AbiCoder, keccak256, type Provider, toBeHex, zeroPadValue } from "ethers";
import type { EpochPolicy } from "./client.ts";
import { type Contracts, contractsAt, interfaces } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import {
	type AccountStatus,
	accountStatuses,
	nameOf,
	type Phase,
	phases,
	type RecordKind,
	type RecordStatus,
	type RouteStatus,
	recordKinds,
	recordStatuses,
	routeStatuses,
	statements,
} from "./enums.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";

/** A provenance record. */
export interface ProvenanceRecord {
	readonly digest: string;
	/** id of the record that it derives from; 32 zero bytes for none */
	readonly parent: string;
	readonly author: string;
	readonly timestamp: bigint;
	readonly kind: RecordKind;
	readonly status: RecordStatus;
}

/** The running state of an epoch. */
export interface EpochState {
	readonly steward: string;
	readonly count: number;
	readonly closed: boolean;
	/** sum of the rows of all contributions */
	readonly rows: bigint;
	/** digest of all statsCommits in order */
	readonly list: string;
}

/** A contribution as it is now. */
export interface ContributionState {
	readonly index: number;
	/** receives payout and stake */
	readonly wallet: string;
	/** wei that are locked for it in the vault */
	readonly stake: bigint;
	/** who contributed; the proof's context holds this address */
	readonly contributor: string;
	readonly datasetDigest: string;
	readonly rowsCommit: bigint;
	readonly statsCommit: bigint;
	readonly n: bigint;
	/** hash of the transaction */
	readonly transaction: string;
}

/** What was posted of an epoch; zero where nothing was. */
export interface BookState {
	readonly phase: Phase;
	/** id of the Checkpoint record */
	readonly model: string;
	/** id of the InferenceLog record */
	readonly log: string;
	readonly modelCommit: bigint;
	/** query proofs that were posted */
	readonly queries: number;
	readonly scoreCommit: bigint;
}

/** How far proofs that were made together are posted. */
export interface JointState {
	/** pages of contributions: of `total` or of `score` */
	readonly pages: number;
	/** pages of queries */
	readonly queryPages: number;
}

/** The money of an epoch. */
export interface AccountState {
	readonly status: AccountStatus;
	/** before the post: the pool; after it: positive words that were not settled */
	readonly balance: bigint;
	/** after the post: left over by the policy and still here */
	readonly dust: bigint;
	/** what the positive words add up to; 0 before the post */
	readonly paid: bigint;
	/** claims open at this time; 0 before the post */
	readonly activatesAt: bigint;
	/** number of words; 0 before the post */
	readonly count: number;
	/** words of a page, the last one excepted; 0 before the post */
	readonly pageSize: number;
	/** root of the tree of each page */
	readonly roots: readonly string[];
}

/** Reads of one deployment. */
export class LedgerReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;
	readonly #contracts: Contracts;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
		this.#contracts = contractsAt(options.deployment.contracts, options.provider);
	}

	/** The record with this id, or undefined. */
	async record(id: string): Promise<ProvenanceRecord | undefined> {
		const record = await this.#contracts.provenance.recordOf(id).catch(rethrow);
		const status = nameOf(recordStatuses, record.status);
		if (status === "None") return undefined;
		const { digest, parent, author, timestamp } = record;
		return { digest, parent, author, timestamp, kind: nameOf(recordKinds, record.kind), status };
	}

	/** The tip of a model's log chain; sequence 0 when nothing was logged. */
	async logHead(model: string): Promise<{ sequence: bigint; head: string }> {
		const { sequence, head } = await this.#contracts.provenance.logHead(model).catch(rethrow);
		return { sequence, head };
	}

	/** The number of epochs, and the id of the latest. */
	async epochCount(): Promise<bigint> {
		return this.#contracts.registry.epochCount().catch(rethrow);
	}

	/** The policy of an epoch, or undefined when it was not opened. */
	async policy(epoch: bigint): Promise<EpochPolicy | undefined> {
		const policy = await this.#contracts.registry.policyOf(epoch).catch(rethrow);
		if (policy.expiresAt === 0n) return undefined;
		const { policyDigest, funder, expiresAt, datanet, vetoer, minStake } = policy;
		const capacity = Number(policy.capacity);
		return { circuits: [...policy.circuits], policyDigest, funder, expiresAt, capacity, datanet, vetoer, minStake };
	}

	/** Count, rows and list of an epoch, or undefined when it was not opened. */
	async epoch(epoch: bigint): Promise<EpochState | undefined> {
		const [phase, state] = await Promise.all([
			this.#contracts.registry.phaseOf(epoch).catch(rethrow),
			this.#contracts.registry.stateOf(epoch).catch(rethrow),
		]);
		if (nameOf(phases, phase) === "Unknown") return undefined;
		const { steward, closed, rows, list } = state;
		return { steward, count: Number(state.count), closed, rows, list };
	}

	/**
	 * The contribution at a place, or undefined when there is none yet.
	 *
	 * @param index from 0
	 * @throws LedgerError `events.incomplete` when the node does not give the event of an accepted contribution
	 */
	async contribution(epoch: bigint, index: number): Promise<ContributionState | undefined> {
		const current = await this.#contracts.registry.contributionOf(epoch, index).catch((error: unknown) => {
			const decoded = decodeError(error);
			if (decoded.revert?.name === "ContributionUnknown") return undefined;
			throw decoded;
		});
		if (current === undefined) return undefined;
		const topic = interfaces.ContributionRegistry.getEvent("Contributed")?.topicHash as string;
		const logs = await fetchLogs(this.#provider, {
			address: this.deployment.contracts.ContributionRegistry,
			topics: [topic, ...[epoch, BigInt(index)].map((value) => zeroPadValue(toBeHex(value), 32))],
			fromBlock: this.deployment.block,
			toBlock: await this.#provider.getBlockNumber().catch(rethrow),
		});
		const log = decodeLogs(this.deployment.contracts, logs)[0];
		if (log === undefined) {
			throw new LedgerError("events.incomplete", `expected the event of contribution ${index} of epoch ${epoch}`, {
				hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
			});
		}
		const args = log.args as { contributor: string; datasetDigest: string; rowsCommit: bigint; statsCommit: bigint; n: bigint };
		const { contributor, datasetDigest, rowsCommit, statsCommit, n } = args;
		const { wallet, stake } = current;
		return { index, wallet, stake, contributor, datasetDigest, rowsCommit, statsCommit, n, transaction: log.transaction };
	}

	/** Whether rows or statistics with this commitment were contributed in the epoch. */
	async isTaken(epoch: bigint, commit: bigint): Promise<boolean> {
		return this.#contracts.registry.isTaken(epoch, commit).catch(rethrow);
	}

	/** The phase of an epoch; `Unknown` when it was not opened. */
	async phase(epoch: bigint): Promise<Phase> {
		return nameOf(phases, await this.#contracts.book.phaseOf(epoch).catch(rethrow));
	}

	/** What was posted of an epoch, with its phase as {@link phase} gives it. */
	async book(epoch: bigint): Promise<BookState> {
		const [phase, book] = await Promise.all([this.phase(epoch), this.#contracts.book.bookOf(epoch).catch(rethrow)]);
		const { model, log, modelCommit, queryCount, scoreCommit } = book;
		return { phase, model, log, modelCommit, queries: Number(queryCount), scoreCommit };
	}

	/**
	 * How far proofs made together are posted.
	 *
	 * @param statement of the proof that joins them
	 * @param transcript digests of all of them
	 */
	async joint(epoch: bigint, statement: "Optimum" | "Attribution", transcript: readonly string[]): Promise<JointState> {
		const joint = await this.#contracts.book.jointOf(epoch, statements.indexOf(statement), [...transcript]).catch(rethrow);
		return { pages: Number(joint.pages), queryPages: Number(joint.queryPages) };
	}

	/** The money of an epoch; all zero before it is funded. */
	async account(epoch: bigint): Promise<AccountState> {
		const account = await this.#contracts.distributor.accountOf(epoch).catch(rethrow);
		const { balance, dust, paid, activatesAt } = account;
		const [count, pageSize] = [Number(account.count), Number(account.pageSize)];
		const pages = count === 0 ? 0 : Math.ceil(count / pageSize);
		const roots = await Promise.all(
			Array.from({ length: pages }, (_, page) => this.#contracts.distributor.rootOf(epoch, page).catch(rethrow)),
		);
		return { status: nameOf(accountStatuses, account.status), balance, dust, paid, activatesAt, count, pageSize, roots };
	}

	/**
	 * The number of pages of a payout that are posted, while it is not complete; 0 from then on.
	 *
	 * @param payout what its pages follow from, beside the scores
	 */
	async payoutPages(epoch: bigint, payout: { pool: bigint; positive: bigint; pageSize: number }): Promise<number> {
		const { pool, positive, pageSize } = payout;
		const values = [epoch, pool, positive, BigInt(pageSize)];
		const id = keccak256(AbiCoder.defaultAbiCoder().encode(["uint256", "uint256", "uint256", "uint256"], values));
		const { count } = await this.#contracts.payouts.payoutOf(id).catch(rethrow);
		return Math.ceil(Number(count) / pageSize);
	}

	/** Whether the word of a contribution was settled. */
	async isClaimed(epoch: bigint, index: number): Promise<boolean> {
		return this.#contracts.distributor.isClaimed(epoch, index).catch(rethrow);
	}

	/** Whether the stake of a contribution may be withdrawn; whether something is left of it says {@link contribution}. */
	async stakeReleased(epoch: bigint, index: number): Promise<boolean> {
		return this.#contracts.distributor.stakeReleased(epoch, index).catch(rethrow);
	}

	/** The route of a circuit. */
	async route(circuitId: string): Promise<{ verifier: string; status: RouteStatus }> {
		const route = await this.#contracts.router.routeOf(circuitId).catch(rethrow);
		return { verifier: route.verifier, status: nameOf(routeStatuses, route.status) };
	}

	/** Wei of OPEN of an address. */
	async balance(address: string): Promise<bigint> {
		return this.#contracts.token.balanceOf(address).catch(rethrow);
	}

	/** The nonce that a wallet signs in its next rotation. */
	async rotationNonce(wallet: string): Promise<bigint> {
		return this.#contracts.registry.nonces(wallet).catch(rethrow);
	}

	/** Seconds from a posted payout to the first claim. */
	async activationDelay(): Promise<bigint> {
		return this.#contracts.distributor.activationDelay().catch(rethrow);
	}

	/** The time of the latest block. */
	async now(): Promise<bigint> {
		const block = await this.#provider.getBlock("latest").catch(rethrow);
		return BigInt(block?.timestamp ?? 0);
	}
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
