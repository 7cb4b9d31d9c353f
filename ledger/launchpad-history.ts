/** The launchpad's whole state, rebuilt from its events alone. What the events say is held against itself, so a gap is an error. */
import { ZeroAddress, ZeroHash } from "ethers";
import type {
	BondWithdrawnEvent,
	ChallengeDecidedEvent,
	EvidenceChallengedEvent,
	EvidencePostedEvent,
	GrantApprovedEvent,
	GrantProposedEvent,
	GrantRotatedEvent,
	GrantWithdrawnEvent,
	MilestoneLapsedEvent,
	MilestoneReleasedEvent,
} from "../verifier-contracts/generated/types/OpenCirceLaunchpad.ts";
import type { FundingStatus, MilestoneStage } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";
import { CHALLENGE_WINDOW, DECISION_PERIOD } from "./milestone.ts";

/** A milestone and what became of it. Amounts in wei, times in Unix seconds. */
export interface MilestoneHistory {
	readonly amount: bigint;
	readonly deadline: bigint;
	/** zero: it is met by evidence */
	readonly circuit: string;
	readonly place: number;
	readonly fixedPublics: number;
	readonly fixedDigest: string;
	readonly stage: MilestoneStage;
	/** when it was claimed, or challenged; 0 before */
	readonly since: bigint;
	/** of the challenge that waits or was dismissed; zero when there is none */
	readonly challenger: string;
	readonly bond: bigint;
	/** digests of all evidence and all challenges, oldest first */
	readonly evidence: readonly string[];
	readonly reasons: readonly string[];
	/** hash of the transaction that released or returned its amount */
	readonly settled: string | undefined;
}

/** A grant and what became of it. Amounts in wei. */
export interface FundingHistory {
	readonly id: string;
	readonly proposer: string;
	/** now */
	readonly recipient: string;
	readonly digest: string;
	readonly status: FundingStatus;
	readonly total: bigint;
	/** of milestones that are neither released nor lapsed */
	readonly held: bigint;
	readonly due: bigint;
	readonly withdrawn: bigint;
	readonly lapsed: bigint;
	/** bonds that its recipient won */
	readonly bonds: bigint;
	readonly milestones: readonly MilestoneHistory[];
	/** hash of the transaction that proposed it */
	readonly transaction: string;
}

/** Everything that the launchpad holds. */
export interface LaunchpadState {
	/** in the order of proposal */
	readonly grants: readonly FundingHistory[];
	/** challenger -> wei of won bonds that were not withdrawn; without those that are zero */
	readonly bondsDue: Readonly<Record<string, bigint>>;
}

/**
 * Plays the events of the launchpad.
 *
 * @param logs all its events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayLaunchpad(logs: readonly LedgerLog[]): LaunchpadState {
	const grants = new Map<string, FundingHistory>();
	const bonds = new Map<string, bigint>();
	for (const log of logs) {
		if (log.contract !== "OpenCirceLaunchpad") continue;
		if (log.name === "BondWithdrawn") {
			const { challenger, amount } = log.args as unknown as BondWithdrawnEvent.OutputObject;
			if (bonds.get(challenger) !== amount) throw incomplete(`expected bonds of ${bonds.get(challenger) ?? 0n} wei, got ${amount}`);
			bonds.delete(challenger);
			continue;
		}
		const id = log.args.grant as string;
		const before = grants.get(id);
		if (log.name === "GrantProposed") {
			if (before !== undefined) throw incomplete(`expected grant ${id} to be proposed once`);
			grants.set(id, proposed(log));
			continue;
		}
		if (before === undefined) throw incomplete(`expected a proposal before ${log.name} of grant ${id}`);
		if (log.name === "ChallengeDecided") {
			const { challenger, milestone, upheld } = log.args as unknown as ChallengeDecidedEvent.OutputObject;
			if (upheld) bonds.set(challenger, (bonds.get(challenger) ?? 0n) + at(before, milestone).bond);
		}
		grants.set(id, after(before, log));
	}
	return { grants: [...grants.values()], bondsDue: Object.fromEntries(bonds) };
}

function proposed({ args, transaction }: LedgerLog): FundingHistory {
	const { grant, proposer, recipient, digest, milestones } = args as unknown as GrantProposedEvent.OutputObject;
	const listed = milestones.map(({ amount, deadline, circuit, ...proof }) => ({
		...{ amount, deadline, circuit, stage: "Pending" as const },
		// Without a circuit the rest is nothing but a part of the id.
		...(circuit === ZeroHash
			? { place: 0, fixedPublics: 0, fixedDigest: ZeroHash }
			: { place: Number(proof.place), fixedPublics: Number(proof.fixedPublics), fixedDigest: proof.fixedDigest }),
		...{ since: 0n, challenger: ZeroAddress, bond: 0n, evidence: [], reasons: [], settled: undefined },
	}));
	const total = listed.reduce((sum, { amount }) => sum + amount, 0n);
	return {
		...{ id: grant, proposer, recipient, digest, status: "Proposed", total, held: 0n, due: 0n, withdrawn: 0n, lapsed: 0n, bonds: 0n },
		...{ milestones: listed, transaction },
	};
}

function after(grant: FundingHistory, { name, args, transaction }: LedgerLog): FundingHistory {
	switch (name) {
		case "GrantApproved": {
			const { total } = args as unknown as GrantApprovedEvent.OutputObject;
			if (grant.status !== "Proposed" || total !== grant.total) throw incomplete(`expected a proposal of ${total} wei`);
			return { ...grant, status: "Approved", held: total };
		}
		case "GrantCancelled":
			if (grant.status !== (args.approved === true ? "Approved" : "Proposed")) throw incomplete(`expected grant ${grant.id} to be open`);
			return { ...grant, status: args.approved === true ? "Cancelled" : "Rejected" };
		case "EvidencePosted": {
			const { milestone, evidence, until } = args as unknown as EvidencePostedEvent.OutputObject;
			if (grant.status !== "Approved") throw incomplete(`expected grant ${grant.id} to be approved before evidence`);
			const before = at(grant, milestone, "Pending");
			const since = until - CHALLENGE_WINDOW;
			return put(grant, milestone, { ...before, stage: "Claimed", since, evidence: [...before.evidence, evidence] });
		}
		case "EvidenceChallenged": {
			const { milestone, challenger, reason, bond, until } = args as unknown as EvidenceChallengedEvent.OutputObject;
			const before = at(grant, milestone, "Claimed");
			const since = until - DECISION_PERIOD;
			return put(grant, milestone, { ...before, stage: "Challenged", since, challenger, bond, reasons: [...before.reasons, reason] });
		}
		case "ChallengeDecided": {
			const { milestone, upheld } = args as unknown as ChallengeDecidedEvent.OutputObject;
			const before = at(grant, milestone, "Challenged");
			if (!upheld) return grant;
			return put(grant, milestone, { ...before, stage: "Pending", since: 0n, challenger: ZeroAddress, bond: 0n });
		}
		case "MilestoneReleased": {
			const { milestone, amount, bond } = args as unknown as MilestoneReleasedEvent.OutputObject;
			const before = at(grant, milestone);
			if (before.amount !== amount || before.bond !== bond || grant.held < amount)
				throw incomplete(`expected ${before.amount} and ${before.bond} wei`);
			const paid = { held: grant.held - amount, due: grant.due + amount + bond, bonds: grant.bonds + bond };
			return put({ ...grant, ...paid }, milestone, { ...before, stage: "Released", settled: transaction });
		}
		case "MilestoneLapsed": {
			const { milestone, amount } = args as unknown as MilestoneLapsedEvent.OutputObject;
			const before = at(grant, milestone, "Pending");
			if (before.amount !== amount || grant.held < amount) throw incomplete(`expected ${before.amount} wei to lapse, got ${amount}`);
			const returned = { held: grant.held - amount, lapsed: grant.lapsed + amount };
			return put({ ...grant, ...returned }, milestone, { ...before, stage: "Lapsed", settled: transaction });
		}
		case "GrantWithdrawn": {
			const { recipient, amount } = args as unknown as GrantWithdrawnEvent.OutputObject;
			if (grant.recipient !== recipient) throw incomplete(`expected the recipient ${grant.recipient}, got ${recipient}`);
			if (grant.due !== amount) throw incomplete(`expected ${grant.due} wei to be withdrawn, got ${amount}`);
			return { ...grant, due: 0n, withdrawn: grant.withdrawn + amount };
		}
		case "GrantRotated": {
			const { from, to } = args as unknown as GrantRotatedEvent.OutputObject;
			if (grant.recipient !== from) throw incomplete(`expected the recipient ${grant.recipient}, got ${from}`);
			return { ...grant, recipient: to };
		}
		default:
			// MilestoneProven comes with the release.
			return grant;
	}
}

function at(grant: FundingHistory, milestone: bigint, stage?: MilestoneStage): MilestoneHistory {
	const found = grant.milestones[Number(milestone)];
	if (found === undefined || (stage !== undefined && found.stage !== stage)) {
		throw incomplete(`expected milestone ${milestone} of grant ${grant.id} to be ${stage ?? "there"}, got ${found?.stage ?? "none"}`);
	}
	return found;
}

function put(grant: FundingHistory, milestone: bigint, next: MilestoneHistory): FundingHistory {
	return { ...grant, milestones: grant.milestones.map((old, i) => (BigInt(i) === milestone ? next : old)) };
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayLaunchpad: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
