/** Balances, allowances and delegations of the token, rebuilt from events alone. */
import { ZeroAddress } from "ethers";
import type { ApprovalEvent, DelegateChangedEvent, TransferEvent } from "../verifier-contracts/generated/types/OpenToken.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";

/** What the token knows of everybody. Amounts in wei; those that are zero are left out. */
export interface TokenState {
	readonly supply: bigint;
	readonly balances: Readonly<Record<string, bigint>>;
	/** account -> who votes for it; without those who name nobody */
	readonly delegates: Readonly<Record<string, string>>;
	/** delegate -> votes */
	readonly votes: Readonly<Record<string, bigint>>;
	/** owner -> spender -> what its last approval said. What was spent of it since is not in an event. */
	readonly approvals: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
}

/**
 * Plays the events of the token.
 *
 * @param logs all its events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 * @throws LedgerError `events.incomplete` when somebody spends more than came in
 */
export function replayToken(logs: readonly LedgerLog[]): TokenState {
	const balances = new Map<string, bigint>();
	const delegates = new Map<string, string>();
	const approvals: Record<string, Record<string, bigint>> = {};
	let supply = 0n;
	const add = (who: string, amount: bigint) => {
		const next = (balances.get(who) ?? 0n) + amount;
		if (next < 0n) throw incomplete(`expected ${who} to hold ${-amount} wei`);
		balances.set(who, next);
	};
	for (const { contract, name, args } of logs) {
		if (contract !== "OpenToken") continue;
		if (name === "Transfer") {
			const { from, to, value } = args as unknown as TransferEvent.OutputObject;
			if (from === ZeroAddress) supply += value;
			else add(from, -value);
			if (to === ZeroAddress) supply -= value;
			else add(to, value);
		} else if (name === "Approval") {
			const { owner, spender, value } = args as unknown as ApprovalEvent.OutputObject;
			approvals[owner] = { ...approvals[owner], [spender]: value };
		} else if (name === "DelegateChanged") {
			const { delegator, toDelegate } = args as unknown as DelegateChangedEvent.OutputObject;
			delegates.set(delegator, toDelegate);
		}
	}
	const votes: Record<string, bigint> = {};
	for (const [delegator, to] of delegates) {
		const weight = balances.get(delegator) ?? 0n;
		if (to !== ZeroAddress && weight > 0n) votes[to] = (votes[to] ?? 0n) + weight;
	}
	return {
		supply,
		balances: Object.fromEntries([...balances].filter(([, amount]) => amount > 0n)),
		delegates: Object.fromEntries([...delegates].filter(([, to]) => to !== ZeroAddress)),
		votes,
		approvals,
	};
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayToken: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
