/**
 * The whole state of the StakeVault from its events alone: every wei that came in is in an account, in a case, credited or paid. What the events
 * say is held against itself, so a gap in a node's logs is an error and not another state.
 */
import { getAddress, type Provider } from "ethers";
import type {
	AppealedEvent,
	CaseOverturnedEvent,
	CaseSettledEvent,
	CollectedEvent,
	DepositedEvent,
	MovedEvent,
	ReleasedEvent,
	ServiceRegisteredEvent,
	ServiceRetiredEvent,
	SlashedEvent,
	UnbondingEvent,
	WithdrawnEvent,
} from "../verifier-contracts/generated/types/StakeVault.ts";
import { rethrow } from "./actions.ts";
import type { ServiceTerms } from "./deployment/plan.ts";
import type { Deployment } from "./deployment.ts";
import type { CaseStatus } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";

/** A service, its terms and its end. */
export interface VaultService extends ServiceTerms {
	/** from when on all stake of a retired service is its owners'; 0 unless it was retired */
	readonly endsAt: bigint;
}

/** An account. Amounts in wei. */
export interface StakeAccount {
	readonly free: bigint;
	readonly locked: bigint;
	readonly unbonding: bigint;
	/** when `unbonding` may be withdrawn; 0 before the first time */
	readonly unbondsAt: bigint;
}

/** A verdict and what became of it. */
export interface StakeCase {
	/** from 1 */
	readonly id: bigint;
	readonly service: string;
	/** the accused */
	readonly owner: string;
	/** wei that were taken */
	readonly amount: bigint;
	/** the zero address when there is none */
	readonly challenger: string;
	/** the service's digest of what the verdict rests on */
	readonly evidence: string;
	readonly status: CaseStatus;
	/** end of the present period; 0 when it was settled at once */
	readonly due: bigint;
	/** the accused's words; undefined unless it was appealed */
	readonly reason: string | undefined;
	/** credited at its end, in wei; 0 before, and when it was overturned */
	readonly toChallenger: bigint;
	readonly toTreasury: bigint;
	/** hash of the transaction that opened it */
	readonly transaction: string;
}

/** What the vault holds for whom. Keys are addresses as events write them. */
export interface VaultHistory {
	readonly services: ReadonlyMap<string, VaultService>;
	/** service -> owner -> account */
	readonly accounts: ReadonlyMap<string, ReadonlyMap<string, StakeAccount>>;
	/** in order: case N is the item N - 1 */
	readonly cases: readonly StakeCase[];
	/** who -> wei that wait to be collected, the treasury's as well */
	readonly credits: ReadonlyMap<string, bigint>;
	/** wei that the vault holds: all accounts, cases without an end and credits */
	readonly held: bigint;
}

/**
 * Rebuilds the vault of a deployment from the logs of a node.
 *
 * @param options.toBlock last block that counts; the latest by default
 * @throws LedgerError `node.*`; `events.incomplete` when an event is missing
 */
export async function vaultHistory(options: {
	readonly provider: Provider;
	readonly deployment: Deployment;
	readonly toBlock?: number;
}): Promise<VaultHistory> {
	const { provider, deployment } = options;
	const toBlock = options.toBlock ?? (await provider.getBlockNumber().catch(rethrow));
	const { contracts, block, terms } = deployment;
	const logs = await fetchLogs(provider, { address: contracts.StakeVault, topics: [], fromBlock: block, toBlock });
	return replayVault(getAddress(terms.treasury), decodeLogs(contracts, logs));
}

/**
 * Plays the events of a vault.
 *
 * @param treasury is credited with what no challenger receives
 * @param logs all events of the vault, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayVault(treasury: string, logs: readonly LedgerLog[]): VaultHistory {
	const books = new Books(treasury);
	for (const log of logs) books.apply(log);
	return books.history();
}

const EMPTY: StakeAccount = { free: 0n, locked: 0n, unbonding: 0n, unbondsAt: 0n };

class Books {
	readonly #treasury: string;
	readonly #services = new Map<string, VaultService>();
	readonly #accounts = new Map<string, Map<string, StakeAccount>>();
	readonly #cases: StakeCase[] = [];
	readonly #credits = new Map<string, bigint>();
	#held = 0n;

	constructor(treasury: string) {
		this.#treasury = treasury;
	}

	apply({ name, args, transaction }: LedgerLog): void {
		const event = args as never;
		switch (name) {
			case "ServiceRegistered": {
				const { service, terms } = event as ServiceRegisteredEvent.OutputObject;
				const { unbonding, appealWindow, cap, challengerShare } = terms;
				this.#services.set(service, { unbonding, appealWindow, cap, challengerShare, endsAt: 0n });
				return;
			}
			case "ServiceRetired": {
				const { service, endsAt } = event as ServiceRetiredEvent.OutputObject;
				this.#services.set(service, { ...this.#service(service), endsAt });
				return;
			}
			case "Deposited": {
				const { service, owner, amount } = event as DepositedEvent.OutputObject;
				this.#service(service);
				this.#change(service, owner, { free: amount });
				this.#held += amount;
				return;
			}
			case "Locked":
			case "Unlocked": {
				const { service, owner, amount } = event as ReleasedEvent.OutputObject;
				const locked = name === "Locked" ? amount : -amount;
				this.#change(service, owner, { free: -locked, locked });
				return;
			}
			case "Moved": {
				const { service, from, to, amount } = event as MovedEvent.OutputObject;
				this.#change(service, from, { locked: -amount });
				this.#change(service, to, { locked: amount });
				return;
			}
			case "Released": {
				const { service, owner, amount } = event as ReleasedEvent.OutputObject;
				this.#change(service, owner, { locked: -amount });
				this.#held -= amount;
				return;
			}
			case "Unbonding": {
				const { service, owner, amount, unbondsAt } = event as UnbondingEvent.OutputObject;
				this.#change(service, owner, { free: -amount, unbonding: amount });
				// Paid at once it leaves no date.
				if (this.#service(service).unbonding !== 0n) this.#change(service, owner, {}, unbondsAt);
				return;
			}
			case "Withdrawn": {
				const { service, owner, amount, all } = event as WithdrawnEvent.OutputObject;
				const { free, locked, unbonding } = this.#account(service, owner);
				const paid = all ? free + locked + unbonding : unbonding;
				if (paid !== amount) throw incomplete(`expected ${paid} wei to be paid to ${owner}, got ${amount}`);
				this.#change(service, owner, all ? { free: -free, locked: -locked, unbonding: -unbonding } : { unbonding: -unbonding });
				this.#held -= amount;
				return;
			}
			case "Slashed": {
				const { id, service, owner, amount, challenger, evidence, due } = event as SlashedEvent.OutputObject;
				if (id !== BigInt(this.#cases.length) + 1n) throw incomplete(`expected case ${this.#cases.length + 1}, got ${id}`);
				const account = this.#account(service, owner);
				const locked = min(amount, account.locked);
				const free = min(amount - locked, account.free);
				this.#change(service, owner, { locked: -locked, free: -free, unbonding: locked + free - amount });
				this.#cases.push({
					...{ id, service, owner, amount, challenger, evidence, status: "Open", due },
					...{ reason: undefined, toChallenger: 0n, toTreasury: 0n, transaction },
				});
				return;
			}
			case "Appealed": {
				const { id, due, reason } = event as AppealedEvent.OutputObject;
				this.#become(id, { status: "Appealed", due, reason });
				return;
			}
			case "CaseSettled": {
				const { id, challenger, toChallenger, toTreasury } = event as CaseSettledEvent.OutputObject;
				const { amount } = this.#become(id, { status: "Settled", toChallenger, toTreasury });
				if (toChallenger + toTreasury !== amount) throw incomplete(`expected case ${id} to credit ${amount} wei`);
				this.#credit(challenger, toChallenger);
				this.#credit(this.#treasury, toTreasury);
				return;
			}
			case "CaseOverturned": {
				const { id, service, owner, amount } = event as CaseOverturnedEvent.OutputObject;
				const found = this.#become(id, { status: "Overturned" });
				if (found.amount !== amount || found.owner !== owner) throw incomplete(`expected case ${id} to go back to ${found.owner}`);
				this.#change(service, owner, { free: amount });
				return;
			}
			case "Collected": {
				const { who, amount } = event as CollectedEvent.OutputObject;
				if (this.#credits.get(who) !== amount) throw incomplete(`expected a credit of ${amount} wei for ${who}`);
				this.#credits.delete(who);
				this.#held -= amount;
				return;
			}
		}
	}

	history(): VaultHistory {
		const accounts = [...this.#accounts.values()].flatMap((owners) => [...owners.values()]);
		const open = this.#cases.filter(({ status }) => status === "Open" || status === "Appealed");
		const parts = [
			...accounts.map(({ free, locked, unbonding }) => free + locked + unbonding),
			...open.map(({ amount }) => amount),
			...this.#credits.values(),
		];
		const sum = parts.reduce((total, part) => total + part, 0n);
		if (sum !== this.#held) throw incomplete(`expected ${this.#held} wei in accounts, cases and credits, got ${sum}`);
		return { services: this.#services, accounts: this.#accounts, cases: this.#cases, credits: this.#credits, held: this.#held };
	}

	#service(service: string): VaultService {
		const found = this.#services.get(service);
		if (found === undefined) throw incomplete(`expected the service ${service} to be registered first`);
		return found;
	}

	#account(service: string, owner: string): StakeAccount {
		return this.#accounts.get(service)?.get(owner) ?? EMPTY;
	}

	#change(
		service: string,
		owner: string,
		by: { readonly free?: bigint; readonly locked?: bigint; readonly unbonding?: bigint },
		unbondsAt?: bigint,
	): void {
		const before = this.#account(service, owner);
		const after: StakeAccount = {
			free: before.free + (by.free ?? 0n),
			locked: before.locked + (by.locked ?? 0n),
			unbonding: before.unbonding + (by.unbonding ?? 0n),
			unbondsAt: unbondsAt ?? before.unbondsAt,
		};
		if (after.free < 0n || after.locked < 0n || after.unbonding < 0n) throw incomplete(`expected more stake of ${owner} for ${service}`);
		const owners = this.#accounts.get(service) ?? new Map<string, StakeAccount>();
		this.#accounts.set(service, owners.set(owner, after));
	}

	/** @returns the case as it was, which must not have ended */
	#become(id: bigint, changes: Partial<StakeCase>): StakeCase {
		const found = this.#cases[Number(id) - 1];
		if (found === undefined || found.status === "Settled" || found.status === "Overturned") {
			throw incomplete(`expected case ${id} to be open`);
		}
		this.#cases[Number(id) - 1] = { ...found, ...changes };
		return found;
	}

	#credit(who: string, amount: bigint): void {
		if (amount !== 0n) this.#credits.set(who, (this.#credits.get(who) ?? 0n) + amount);
	}
}

function min(one: bigint, other: bigint): bigint {
	return one < other ? one : other;
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayVault: ${message}`, {
		hint: "Use a node that keeps all logs, and the deployment file as it was written.",
	});
}
