/**
 * Datanets, their submissions and challenges from events alone.
 *
 * Two statuses of a submission: the one that was written down last, which follows from events, and the one that it has at a time, see
 * {@link statusAt}. Amounts are in wei, times in Unix seconds.
 */
import { ZeroAddress } from "ethers";
import type {
	ChallengeDismissedEvent,
	ChallengedEvent,
	ChallengeUpheldEvent,
	DatanetCreatedEvent,
	StewardNamedEvent,
	SubmissionRejectedEvent,
	SubmittedEvent,
} from "../verifier-contracts/generated/types/Datanets.ts";
import { type DatanetMode, datanetModes, nameOf, type RejectReason, type Ruling, rejectReasons, type SubmissionStatus } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";

/** A datanet. */
export interface DatanetState {
	readonly id: bigint;
	readonly mode: DatanetMode;
	/** the zero address when there is none */
	readonly curator: string;
	/** may take over as curator; the zero address for nobody */
	readonly proposed: string;
	readonly bond: bigint;
	readonly maxRows: bigint;
	readonly maxSubmissions: bigint;
	readonly challengeWindow: bigint;
	readonly decisionPeriod: bigint;
	readonly licence: string;
	/** 32 zero bytes when only the owner decides disputes */
	readonly circuit: string;
	readonly closed: boolean;
	readonly listed: boolean;
	/** whose epochs count for reputation, beside the curator's */
	readonly stewards: readonly string[];
	/** hash of the transaction that made it */
	readonly transaction: string;
}

/** A submission. */
export interface SubmissionState {
	readonly id: bigint;
	readonly datanet: bigint;
	readonly contributor: string;
	/** of the Dataset record */
	readonly digest: string;
	/** end of the window, or of the curator's time, or of the withdrawal */
	readonly due: bigint;
	/** as it was written down last; see {@link statusAt} */
	readonly status: SubmissionStatus;
	/** challenges that are open */
	readonly challenges: bigint;
	/** what the curator said no with */
	readonly rejection: { readonly reason: RejectReason; readonly digest: string; readonly uri: string } | undefined;
	readonly transaction: string;
}

/** A challenge. */
export interface ChallengeState {
	readonly id: bigint;
	readonly submission: bigint;
	readonly challenger: string;
	readonly due: bigint;
	readonly ruling: Ruling;
	readonly evidence: string;
	readonly uri: string;
	/** how it was ruled on; undefined while it is open, and for a moot one */
	readonly by: "proof" | "owner" | "time" | undefined;
	/** number of the vault's case over the loser's bond; undefined without one */
	readonly case: bigint | undefined;
	readonly slashed: bigint;
	readonly transaction: string;
}

/** All of it, in the order of numbers. */
export interface DatanetHistory {
	readonly datanets: readonly DatanetState[];
	readonly submissions: readonly SubmissionState[];
	readonly challenges: readonly ChallengeState[];
}

/** The status that a submission has at a time: time accepts (open) or lets lapse (curated). @param time not before its last event */
export function statusAt({ status, due, challenges }: SubmissionState, { mode }: DatanetState, time: bigint): SubmissionStatus {
	if (status !== "Pending" || time < due) return status;
	if (mode === "Curated") return "Lapsed";
	return challenges === 0n ? "Accepted" : status;
}

/** Whether a submission holds a place and a bond. @param status as written down, or at a time */
export function isStanding(status: SubmissionStatus): boolean {
	return status === "Pending" || status === "Accepted" || status === "Lapsed" || status === "Leaving";
}

/**
 * Plays the events of the contract.
 *
 * @param logs all events of Datanets, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayDatanets(logs: readonly LedgerLog[]): DatanetHistory {
	const books: Books = { datanets: [], submissions: [], challenges: [] };
	for (const log of logs) {
		const play = plays[log.name];
		if (play === undefined) throw incomplete(`expected an event of Datanets, got ${log.name}`);
		play(books, log);
	}
	return books;
}

interface Books {
	readonly datanets: DatanetState[];
	readonly submissions: SubmissionState[];
	readonly challenges: ChallengeState[];
}

const plays: Readonly<Record<string, (books: Books, log: LedgerLog) => void>> = {
	DatanetCreated({ datanets }, { args, transaction }) {
		const { datanet, terms } = args as unknown as DatanetCreatedEvent.OutputObject;
		const { curator, bond, mode, maxRows, maxSubmissions, challengeWindow, decisionPeriod, licence, circuit } = terms;
		const limits = { bond, maxRows, maxSubmissions, challengeWindow, decisionPeriod };
		append(datanets, {
			...{ id: datanet, mode: nameOf(datanetModes, mode), curator, proposed: ZeroAddress, ...limits, licence, circuit },
			...{ closed: false, listed: false, stewards: [], transaction },
		});
	},
	CuratorProposed({ datanets }, { args }) {
		change(datanets, args.datanet, () => ({ proposed: args.to as string }));
	},
	CuratorChanged({ datanets }, { args }) {
		change(datanets, args.datanet, ({ curator, proposed }) => {
			if (curator !== args.from || proposed !== args.to) throw incomplete(`expected ${curator} to hand over to ${proposed}`);
			return { curator: args.to as string, proposed: ZeroAddress };
		});
	},
	StewardNamed({ datanets }, { args }) {
		const { steward, named } = args as unknown as StewardNamedEvent.OutputObject;
		change(datanets, args.datanet, ({ stewards }) => {
			const others = stewards.filter((one) => one !== steward);
			return { stewards: named ? [...others, steward] : others };
		});
	},
	DatanetClosed({ datanets }, { args }) {
		change(datanets, args.datanet, () => ({ closed: true }));
	},
	DatanetListed({ datanets }, { args }) {
		change(datanets, args.datanet, () => ({ listed: args.listed as boolean }));
	},
	Submitted({ datanets, submissions }, { args, transaction }) {
		const { submission, datanet, contributor, digest, due } = args as unknown as SubmittedEvent.OutputObject;
		find(datanets, datanet);
		append(submissions, {
			...{ id: submission, datanet, contributor, digest, due, status: "Pending", challenges: 0n },
			...{ rejection: undefined, transaction },
		});
	},
	SubmissionAccepted(books, { args }) {
		move(books, args.submission, ["Pending"], () => ({ status: "Accepted" }));
	},
	SubmissionRejected(books, { args }) {
		const { reason, digest, uri } = args as unknown as SubmissionRejectedEvent.OutputObject;
		const rejection = { reason: nameOf(rejectReasons, reason), digest, uri };
		move(books, args.submission, ["Pending"], () => ({ status: "Rejected", rejection }));
	},
	WithdrawalStarted(books, { args }) {
		move(books, args.submission, ["Pending", "Accepted"], () => ({ status: "Leaving", due: args.due as bigint }));
	},
	SubmissionWithdrawn(books, { args }) {
		// A lapsed one was written down as pending.
		move(books, args.submission, ["Pending", "Leaving"], () => ({ status: "Withdrawn" }));
	},
	Challenged(books, { args, transaction }) {
		const { challenge, submission, challenger, due, evidence, uri } = args as unknown as ChallengedEvent.OutputObject;
		move(books, submission, ["Pending", "Accepted", "Leaving"], ({ challenges }) => ({ challenges: challenges + 1n }));
		append(books.challenges, {
			...{ id: challenge, submission, challenger, due, ruling: "Open", evidence, uri },
			...{ by: undefined, case: undefined, slashed: 0n, transaction },
		});
	},
	ChallengeUpheld(books, { args }) {
		const { challenge, submission, byProof, id, slashed } = args as unknown as ChallengeUpheldEvent.OutputObject;
		rule(books, challenge, { ruling: "Upheld", by: byProof ? "proof" : "owner", ...caseOf(id, slashed) });
		move(books, submission, ["Pending", "Accepted", "Leaving"], ({ challenges }) => ({ status: "Removed", challenges: challenges - 1n }));
	},
	ChallengeDismissed(books, { args }) {
		const { challenge, submission, byTime, id, slashed } = args as unknown as ChallengeDismissedEvent.OutputObject;
		rule(books, challenge, { ruling: "Dismissed", by: byTime ? "time" : "owner", ...caseOf(id, slashed) });
		move(books, submission, ["Pending", "Accepted", "Leaving"], ({ challenges }) => ({ challenges: challenges - 1n }));
	},
	ChallengeMoot(books, { args }) {
		rule(books, args.challenge, { ruling: "Moot" });
		move(books, args.submission, ["Removed"], ({ challenges }) => ({ challenges: challenges - 1n }));
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

function move(
	{ submissions }: Books,
	id: unknown,
	from: readonly SubmissionStatus[],
	next: (state: SubmissionState) => Partial<SubmissionState>,
): void {
	change(submissions, id, (state) => {
		if (!from.includes(state.status)) throw incomplete(`expected submission ${id} to be ${from.join(" or ")}, it is ${state.status}`);
		return next(state);
	});
}

function rule({ challenges }: Books, id: unknown, next: Partial<ChallengeState>): void {
	change(challenges, id, ({ ruling }) => {
		if (ruling !== "Open") throw incomplete(`expected challenge ${id} to be open, it is ${ruling}`);
		return next;
	});
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayDatanets: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
