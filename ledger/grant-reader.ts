/**
 * Grants of access as the chain knows them now, and everything from events alone.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Times are Unix seconds.
 */
import { keccak256, type Provider, zeroPadValue } from "ethers";
import type {
	AccessGrantedEvent,
	AccessRenewedEvent,
	AccessRequestedEvent,
	LicenceOfferedEvent,
} from "../verifier-contracts/generated/types/AccessGrants.ts";
import { rethrow } from "./actions.ts";
import { contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { type GrantStatus, grantStatuses, nameOf } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";

/** A grant as the contract keeps it; all zero and None when there was none. */
export interface GrantState {
	/** first second without access */
	readonly until: bigint;
	readonly status: GrantStatus;
	/** what the grantee accepted, see `acceptanceOf` */
	readonly acceptance: string;
	/** keccak256 of the encrypted key */
	readonly keyHash: string;
}

/** A request that stands. */
export interface AccessRequest {
	readonly licence: string;
	readonly acceptance: string;
	/** to which the dataset's key is to be encrypted; bytes, 0x-prefixed */
	readonly publicKey: string;
	readonly transaction: string;
}

/** A grant from its events. */
export interface GrantHistory extends GrantState {
	readonly licence: string;
	/** the dataset's key for the grantee; bytes, 0x-prefixed */
	readonly encryptedKey: string;
	/** hash of the transaction that granted it */
	readonly transaction: string;
}

/** What happened between an author and one grantee. */
export interface AccessHistory {
	readonly dataset: string;
	readonly grantee: string;
	/** undefined when it was taken back, or there was none */
	readonly request: AccessRequest | undefined;
	/** the latest grant */
	readonly grant: GrantHistory | undefined;
}

/** The whole state of the contract, but the numbers of signatures, which are counted by author: `nonces(author)`. */
export interface GrantsHistory {
	/** dataset -> licences that are offered, in the order of their offer */
	readonly offers: ReadonlyMap<string, readonly string[]>;
	/** in the order of their first event */
	readonly accesses: readonly AccessHistory[];
}

/** Reads of the grants of one deployment. */
export class GrantReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** The latest grant of somebody. */
	async grant(dataset: string, grantee: string): Promise<GrantState> {
		const { until, status, acceptance, keyHash } = await this.#grants.grantOf(dataset, grantee).catch(rethrow);
		return { until, status: nameOf(grantStatuses, status), acceptance, keyHash };
	}

	/** Whether somebody has access now. Whoever serves the data asks this. */
	async isGranted(dataset: string, grantee: string): Promise<boolean> {
		return this.#grants.isGranted(dataset, grantee).catch(rethrow);
	}

	/** Whether the author offers a licence. */
	async isOffered(dataset: string, licence: string): Promise<boolean> {
		return this.#grants.isOffered(dataset, licence).catch(rethrow);
	}

	/** What somebody has accepted now; 32 zero bytes for nothing. */
	async acceptance(dataset: string, grantee: string): Promise<string> {
		return this.#grants.requestOf(dataset, grantee).catch(rethrow);
	}

	/** Everything about a dataset, about a grantee, about the two together, or all there is; from events alone. */
	async history(of: { dataset?: string; grantee?: string } = {}): Promise<GrantsHistory> {
		const { contracts, block } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		const topics = of.dataset === undefined ? [] : [null, of.dataset];
		const logs = await fetchLogs(this.#provider, { address: contracts.AccessGrants, topics, fromBlock: block, toBlock });
		// Offers have a licence where the others have the grantee.
		const grantee = of.grantee === undefined ? undefined : zeroPadValue(of.grantee, 32).toLowerCase();
		const events = decodeLogs(contracts, logs);
		const wanted = events.filter(({ name }, i) => name === "LicenceOffered" || grantee === undefined || logs[i]?.topics[2] === grantee);
		return replayGrants(wanted);
	}

	get #grants() {
		return contractsAt(this.deployment.contracts, this.#provider).grants;
	}
}

/**
 * Plays the events of grants.
 *
 * @param logs all events of the datasets or grantees in question, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayGrants(logs: readonly LedgerLog[]): GrantsHistory {
	const offers = new Map<string, readonly string[]>();
	const accesses = new Map<string, AccessHistory>();
	for (const log of logs) {
		const { dataset, grantee } = log.args as { dataset: string; grantee: string };
		if (log.name === "LicenceOffered") {
			const { licence, offered } = log.args as unknown as LicenceOfferedEvent.OutputObject;
			const others = (offers.get(dataset) ?? []).filter((other) => other !== licence);
			offers.set(dataset, offered ? [...others, licence] : others);
			continue;
		}
		const key = `${dataset}/${grantee}`;
		const before = accesses.get(key) ?? { dataset, grantee, request: undefined, grant: undefined };
		// Somebody of a batch who never asked leaves no trace in the contract.
		if (log.name !== "GrantSkipped") accesses.set(key, after(before, log));
	}
	return { offers, accesses: [...accesses.values()] };
}

function after(access: AccessHistory, { name, args, transaction }: LedgerLog): AccessHistory {
	switch (name) {
		case "AccessRequested": {
			const { licence, acceptance, publicKey } = args as unknown as AccessRequestedEvent.OutputObject;
			return { ...access, request: { licence, acceptance, publicKey, transaction } };
		}
		case "RequestWithdrawn":
			if (access.request === undefined) throw incomplete("expected a request before it was taken back");
			return { ...access, request: undefined };
		case "AccessGranted": {
			const { licence, acceptance, until, encryptedKey } = args as unknown as AccessGrantedEvent.OutputObject;
			if (access.request?.acceptance !== acceptance) throw incomplete(`expected the request ${acceptance} before its grant`);
			const keyHash = keccak256(encryptedKey);
			return { ...access, grant: { until, status: "Granted", acceptance, keyHash, licence, encryptedKey, transaction } };
		}
		case "AccessRenewed": {
			const { until } = args as unknown as AccessRenewedEvent.OutputObject;
			return { ...access, grant: { ...granted(access, name), until } };
		}
		case "AccessRevoked":
			return { ...access, grant: { ...granted(access, name), status: "Revoked" } };
		default:
			return access;
	}
}

function granted({ grant }: AccessHistory, event: string): GrantHistory {
	if (grant?.status !== "Granted") throw incomplete(`expected a grant before ${event}`);
	return grant;
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayGrants: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
