/** Jobs, their challenges and what they credited, from the events of ComputeJobs and ComputeDisputes alone. Amounts in wei, times in Unix seconds. */

import type { ChallengeEndedEvent, ChallengeOpenedEvent } from "../verifier-contracts/generated/types/ComputeDisputes.ts";
import type {
	AuditDrawnEvent,
	CollectedEvent,
	JobEndedEvent,
	JobPostedEvent,
	ResultCommittedEvent,
	ResultRevealedEvent,
} from "../verifier-contracts/generated/types/ComputeJobs.ts";
import { type Audit, audits, type ChallengeStatus, challengeStatuses, type JobStatus, jobStatuses, nameOf } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";

/** A job. */
export interface JobState {
	/** from 1 */
	readonly id: bigint;
	readonly status: JobStatus;
	readonly requester: string;
	/** who took it, before that who alone may; the zero address for any */
	readonly operator: string;
	/** wei that arrived */
	readonly price: bigint;
	readonly bond: bigint;
	readonly gain: bigint;
	readonly description: string;
	/** 32 zero bytes when there is none */
	readonly circuit: string;
	readonly attester: string;
	readonly capabilities: bigint;
	readonly segments: bigint;
	readonly deadline: bigint;
	/** version of its policy */
	readonly policy: bigint;
	/** the commitment, and the result once it is revealed; 32 zero bytes before */
	readonly result: string;
	/** of the segments, once they are revealed */
	readonly digests: readonly string[];
	/** end of the challenge window; 0 before the reveal */
	readonly closesAt: bigint;
	readonly drawBlock: bigint;
	readonly audit: Audit;
	/** to be replayed, if the audit is of one */
	readonly segment: bigint;
	/** challenges that are open */
	readonly challenges: bigint;
	/** proven segments */
	readonly proven: readonly bigint[];
	/** number of the vault's case over the operator's bond; undefined without one */
	readonly case: bigint | undefined;
	/** wei that the case took */
	readonly slashed: bigint;
	/** hash of the transaction that posted it */
	readonly transaction: string;
}

/** A challenge. */
export interface ChallengeState {
	/** from 1 */
	readonly id: bigint;
	readonly job: bigint;
	readonly challenger: string;
	readonly segment: bigint;
	/** the operator's digest of the segment */
	readonly asserted: string;
	/** the challenger's */
	readonly claim: string;
	readonly bond: bigint;
	/** end of the present period */
	readonly dueAt: bigint;
	readonly status: ChallengeStatus;
	/** number of the vault's case over the challenger's bond; undefined without one */
	readonly case: bigint | undefined;
	readonly slashed: bigint;
	readonly transaction: string;
}

/** All of it. */
export interface JobHistory {
	readonly jobs: readonly JobState[];
	readonly challenges: readonly ChallengeState[];
	/** address -> wei that nobody withdrew yet */
	readonly credits: ReadonlyMap<string, bigint>;
}

/**
 * Plays the events of both contracts.
 *
 * @param logs all events of ComputeJobs and ComputeDisputes, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayJobs(logs: readonly LedgerLog[]): JobHistory {
	const books: Books = { jobs: [], challenges: [], credits: new Map() };
	for (const log of logs) {
		const play = plays[log.name];
		if (play === undefined) throw incomplete(`expected an event of ComputeJobs or ComputeDisputes, got ${log.name}`);
		play(books, log);
	}
	return books;
}

interface Books {
	readonly jobs: JobState[];
	readonly challenges: ChallengeState[];
	readonly credits: Map<string, bigint>;
}

const ZERO = `0x${"0".repeat(64)}`;

const plays: Readonly<Record<string, (books: Books, log: LedgerLog) => void>> = {
	JobPosted({ jobs }, { args, transaction }) {
		const { job, requester, terms, price, policy, bond } = args as unknown as JobPostedEvent.OutputObject;
		const { description, circuit, operator, attester, gain, deadline, capabilities, segments } = terms;
		append(jobs, {
			...{ id: job, status: "Open", requester, operator, price, bond, gain, description, circuit, attester, capabilities, segments },
			...{ deadline, policy, result: ZERO, digests: [], closesAt: 0n, drawBlock: 0n, audit: "Undrawn", segment: 0n },
			...{ challenges: 0n, proven: [], case: undefined, slashed: 0n, transaction },
		});
	},
	JobTaken({ jobs }, { args }) {
		move(jobs, args.job, ["Open"], () => ({ status: "Taken", operator: args.operator as string }));
	},
	ResultCommitted({ jobs }, { args }) {
		const { job, commitment, drawBlock } = args as unknown as ResultCommittedEvent.OutputObject;
		move(jobs, job, ["Taken"], () => ({ status: "Committed", result: commitment, drawBlock }));
	},
	ResultRevealed({ jobs }, { args }) {
		const { job, result, digests, closesAt } = args as unknown as ResultRevealedEvent.OutputObject;
		move(jobs, job, ["Committed"], () => ({ status: "Revealed", result, digests, closesAt }));
	},
	AuditDrawn({ jobs }, { args }) {
		const { job, audit, segment, closesAt } = args as unknown as AuditDrawnEvent.OutputObject;
		move(jobs, job, ["Committed", "Revealed"], () => ({ audit: nameOf(audits, audit), segment, closesAt }));
	},
	JobEnded({ jobs, credits }, { args }) {
		const { job, status, to, amount, case_, slashed } = args as unknown as JobEndedEvent.OutputObject;
		const end = nameOf(jobStatuses, status);
		move(jobs, job, ["Open", "Taken", "Committed", "Revealed"], ({ price, requester, operator, challenges }) => {
			const expected = end === "Paid" ? operator : requester;
			if (amount !== price || to !== expected) throw incomplete(`expected ${price} wei for ${expected} at the end of job ${job}`);
			// The challenge that was upheld has ended with it.
			return { status: end, challenges: end === "Convicted" ? challenges - 1n : challenges, ...caseOf(case_, slashed) };
		});
		credits.set(to, (credits.get(to) ?? 0n) + amount);
	},
	Collected({ credits }, { args }) {
		const { who, amount } = args as unknown as CollectedEvent.OutputObject;
		if (credits.get(who) !== amount) throw incomplete(`expected ${credits.get(who) ?? 0n} wei to be paid to ${who}, got ${amount}`);
		credits.delete(who);
	},
	ChallengeOpened({ jobs, challenges }, { args, transaction }) {
		const { challenge: id, job, challenger, segment, asserted, claim, bond, dueAt } = args as unknown as ChallengeOpenedEvent.OutputObject;
		move(jobs, job, ["Revealed"], (state) => ({ challenges: state.challenges + 1n }));
		append(challenges, {
			...{ id, job, challenger, segment, asserted, claim, bond, dueAt },
			...{ status: "Pending", case: undefined, slashed: 0n, transaction },
		});
	},
	ChallengeDisputed({ challenges }, { args }) {
		move(challenges, args.challenge, ["Pending"], () => ({ status: "Disputed", dueAt: args.dueAt as bigint }));
	},
	SegmentProven({ jobs }, { args }) {
		move(jobs, args.job, ["Revealed"], ({ proven }) => ({ proven: [...proven, args.segment as bigint] }));
	},
	ChallengeEnded({ jobs, challenges }, { args }) {
		const { challenge, status, case_, slashed } = args as unknown as ChallengeEndedEvent.OutputObject;
		const end = nameOf(challengeStatuses, status);
		const { job } = find(challenges, challenge);
		move(challenges, challenge, ["Pending", "Disputed"], () => ({ status: end, ...caseOf(case_, slashed) }));
		if (end !== "Upheld") change(jobs, job, (state) => ({ challenges: state.challenges - 1n }));
	},
};

/** A slash of nothing opens no case. */
function caseOf(id: bigint, slashed: bigint): { case: bigint | undefined; slashed: bigint } {
	return { case: id === 0n ? undefined : id, slashed };
}

function append<State extends { readonly id: bigint }>(list: State[], state: State): void {
	if (state.id !== BigInt(list.length + 1)) throw incomplete(`expected number ${list.length + 1}, got ${state.id}`);
	list.push(state);
}

function find<State>(list: readonly State[], id: unknown): State {
	const state = list[Number(id) - 1];
	if (state === undefined) throw incomplete(`expected number ${id} to be made before it is named`);
	return state;
}

function change<State>(list: State[], id: unknown, next: (state: State) => Partial<State>): void {
	const state = find(list, id);
	list[Number(id) - 1] = { ...state, ...next(state) };
}

function move<State extends { readonly status: string }>(
	list: State[],
	id: unknown,
	from: readonly State["status"][],
	next: (state: State) => Partial<State>,
): void {
	change(list, id, (state) => {
		if (!from.includes(state.status)) throw incomplete(`expected number ${id} to be ${from.join(" or ")}, it is ${state.status}`);
		return next(state);
	});
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayJobs: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
