/**
 * Inference fees from events alone: what every epoch was paid, what was claimed of it, who is credited what, and how payments are split.
 *
 * Amounts are in wei, parts in basis points, times in Unix seconds.
 */
import { getAddress, ZeroAddress } from "ethers";
import type {
	BoundsSetEvent,
	CreditWithdrawnEvent,
	FeesClaimedEvent,
	PaidEvent,
	SplitSetEvent,
} from "../verifier-contracts/generated/types/InferenceFees.ts";
import { LedgerError } from "./errors.ts";
import type { FeeBounds, StewardSplit } from "./fees.ts";
import type { LedgerLog } from "./logs.ts";

/** Seconds from a steward's setting to its effect. */
export const NOTICE = 259_200n;

/** A payment, as it was split. */
export interface FeePaid {
	readonly payer: string;
	/** undefined for nobody */
	readonly operator: string | undefined;
	readonly trainer: string;
	/** digest of the inference log's entry; 32 zero bytes for none */
	readonly entry: string;
	readonly amount: bigint;
	readonly toContributors: bigint;
	readonly toTrainer: bigint;
	readonly toOperator: bigint;
	readonly toTreasury: bigint;
	readonly transaction: string;
}

/** What a steward set: `next` counts from `nextAt` on (never while that is 0), the first two before. */
export interface SplitSchedule extends StewardSplit {
	readonly nextTrainer: number;
	readonly nextOperator: number;
	readonly nextAt: bigint;
}

/** The fees of an epoch. At every moment: total = balance + everything claimed. */
export interface EpochFees {
	/** wei that contributors were ever paid */
	readonly total: bigint;
	/** what of it was not claimed yet */
	readonly balance: bigint;
	/** index of a contribution -> wei that it claimed */
	readonly claimed: ReadonlyMap<number, bigint>;
	readonly schedule: SplitSchedule;
	/** oldest first */
	readonly payments: readonly FeePaid[];
}

/** The whole state of the contract. */
export interface FeeHistory {
	readonly bounds: FeeBounds;
	/** account -> wei that it may withdraw; accounts with nothing are left out */
	readonly credits: ReadonlyMap<string, bigint>;
	readonly epochs: ReadonlyMap<bigint, EpochFees>;
}

/** An epoch that nobody paid for and whose steward set nothing. */
export const noFees: EpochFees = {
	total: 0n,
	balance: 0n,
	claimed: new Map(),
	schedule: { trainer: 0, operator: 0, nextTrainer: 0, nextOperator: 0, nextAt: 0n },
	payments: [],
};

/**
 * Plays the events of the fees.
 *
 * @param treasury that the contract was created with, in any case of letters
 * @param logs all events of InferenceFees since its creation, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayFees(treasury: string, logs: readonly LedgerLog[]): FeeHistory {
	let bounds: FeeBounds | undefined;
	const credits = new Map<string, bigint>();
	const epochs = new Map<bigint, EpochFees>();
	const credit = (account: string, amount: bigint): void => {
		if (amount !== 0n) credits.set(account, (credits.get(account) ?? 0n) + amount);
	};
	for (const log of logs) {
		if (log.name === "BoundsSet") bounds = boundsOf(log);
		if (bounds === undefined) throw incomplete(`expected the first bounds before ${log.name}`);
		switch (log.name) {
			case "Paid": {
				const { epoch, payment } = paymentOf(log);
				const before = epochs.get(epoch) ?? noFees;
				const { toContributors, toTrainer, toOperator, toTreasury, trainer, operator } = payment;
				const [total, balance] = [before.total + toContributors, before.balance + toContributors];
				epochs.set(epoch, { ...before, total, balance, payments: [...before.payments, payment] });
				credit(trainer, toTrainer);
				if (operator !== undefined) credit(operator, toOperator);
				credit(getAddress(treasury), toTreasury);
				break;
			}
			case "FeesClaimed": {
				const { epoch, index, amount } = log.args as unknown as FeesClaimedEvent.OutputObject;
				const before = epochs.get(epoch) ?? noFees;
				if (amount > before.balance) throw incomplete(`expected at most ${before.balance} wei to be claimed of epoch ${epoch}`);
				const claimed = new Map(before.claimed).set(Number(index), (before.claimed.get(Number(index)) ?? 0n) + amount);
				epochs.set(epoch, { ...before, balance: before.balance - amount, claimed });
				break;
			}
			case "CreditWithdrawn": {
				const { account, amount } = log.args as unknown as CreditWithdrawnEvent.OutputObject;
				if (credits.get(account) !== amount) throw incomplete(`expected a credit of ${credits.get(account) ?? 0n} wei to be withdrawn`);
				credits.delete(account);
				break;
			}
			case "SplitSet": {
				const { epoch } = log.args as unknown as SplitSetEvent.OutputObject;
				const before = epochs.get(epoch) ?? noFees;
				epochs.set(epoch, { ...before, schedule: after(before.schedule, log) });
				break;
			}
		}
	}
	if (bounds === undefined) throw incomplete("expected the first bounds");
	return { bounds, credits, epochs };
}

/** Trainer's and operators' part that are in effect at a time, before the bounds cut them. */
export function inEffect({ trainer, operator, nextTrainer, nextOperator, nextAt }: SplitSchedule, time: bigint): StewardSplit {
	return nextAt !== 0n && time >= nextAt ? { trainer: nextTrainer, operator: nextOperator } : { trainer, operator };
}

function after(schedule: SplitSchedule, { args }: LedgerLog): SplitSchedule {
	const { trainer, operator, effectiveAt } = args as unknown as SplitSetEvent.OutputObject;
	// It was set a notice before its effect.
	const current = inEffect(schedule, effectiveAt - NOTICE);
	return { ...current, nextTrainer: Number(trainer), nextOperator: Number(operator), nextAt: effectiveAt };
}

function boundsOf({ args }: LedgerLog): FeeBounds {
	const { treasury, maxTrainer, maxOperator } = args as unknown as BoundsSetEvent.OutputObject;
	return { treasury: Number(treasury), maxTrainer: Number(maxTrainer), maxOperator: Number(maxOperator) };
}

function paymentOf({ args, transaction }: LedgerLog): { epoch: bigint; payment: FeePaid } {
	const { epoch, payer, operator, trainer, entry, amount, toTrainer, toOperator, toTreasury } = args as unknown as PaidEvent.OutputObject;
	const toContributors = amount - toTrainer - toOperator - toTreasury;
	const named = operator === ZeroAddress ? undefined : operator;
	return {
		epoch,
		payment: { payer, operator: named, trainer, entry, amount, toContributors, toTrainer, toOperator, toTreasury, transaction },
	};
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayFees: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
