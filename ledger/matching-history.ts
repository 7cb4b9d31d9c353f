/** The whole state of the matching rounds, rebuilt from their events alone. What the events say is held against itself, so a gap is an error. */
import type {
	DonatedEvent,
	DonationRefundedEvent,
	PoolFundedEvent,
	PoolSweptEvent,
	ProjectAppliedEvent,
	ProjectRotatedEvent,
	ProjectSettledEvent,
	ProjectWithdrawnEvent,
	RoundOpenedEvent,
} from "../verifier-contracts/generated/types/MatchingRounds.ts";
import type { ProjectStatus } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";
import type { RoundTerms } from "./matching.ts";

/** A round. Amounts in wei. */
export interface RoundHistory {
	/** from 1 */
	readonly round: bigint;
	readonly terms: RoundTerms;
	/** ever came in for matching */
	readonly pool: bigint;
	/** of it, what settled projects have */
	readonly matched: bigint;
	/** what admitted projects have from donors */
	readonly donated: bigint;
	/** admitted projects that are not settled */
	readonly unsettled: number;
	/** whether the rest went to the treasury */
	readonly swept: boolean;
	readonly transaction: string;
}

/** A project. Amounts in wei. */
export interface ProjectHistory {
	readonly id: string;
	readonly round: bigint;
	/** now */
	readonly recipient: string;
	readonly digest: string;
	readonly status: ProjectStatus;
	readonly donated: bigint;
	/** undefined before the settlement */
	readonly matched: bigint | undefined;
	readonly due: bigint;
	readonly withdrawn: bigint;
	/** donor -> wei given and not taken back; without those that are zero */
	readonly donations: Readonly<Record<string, bigint>>;
	readonly transaction: string;
}

/** Everything that the matching rounds hold. */
export interface MatchingState {
	readonly rounds: readonly RoundHistory[];
	/** in the order of application */
	readonly projects: readonly ProjectHistory[];
}

/**
 * The match of a project, as the contract computes it.
 *
 * @param donated to the project
 * @param all to all projects of the round that are not cancelled
 * @returns wei
 */
export function matchOf(round: Pick<RoundHistory, "pool" | "terms">, donated: bigint, all: bigint): bigint {
	if (donated === 0n) return 0n;
	const terms = [(round.pool * donated) / all, round.terms.cap, (donated * BigInt(round.terms.multiple)) / 10_000n];
	return terms.reduce((least, term) => (term < least ? term : least));
}

/**
 * Plays the events of the matching rounds.
 *
 * @param logs all their events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayMatching(logs: readonly LedgerLog[]): MatchingState {
	const rounds: RoundHistory[] = [];
	const projects = new Map<string, ProjectHistory>();
	const change = (round: bigint, next: (before: RoundHistory) => Partial<RoundHistory>) => {
		const before = rounds[Number(round) - 1];
		if (before === undefined) throw incomplete(`expected round ${round} to be opened before`);
		rounds[Number(round) - 1] = { ...before, ...next(before) };
	};
	for (const log of logs) {
		if (log.contract !== "MatchingRounds") continue;
		switch (log.name) {
			case "RoundOpened": {
				const { round, terms, pool } = log.args as unknown as RoundOpenedEvent.OutputObject;
				if (round !== BigInt(rounds.length + 1)) throw incomplete(`expected round ${rounds.length + 1}, got ${round}`);
				const { startsAt, endsAt, settlesAt, multiple, cap } = terms;
				const fixed = { startsAt, endsAt, settlesAt, multiple: Number(multiple), cap };
				rounds.push({
					...{ round, terms: fixed, pool, matched: 0n, donated: 0n, unsettled: 0, swept: false, transaction: log.transaction },
				});
				continue;
			}
			case "PoolFunded": {
				const { round, amount, pool } = log.args as unknown as PoolFundedEvent.OutputObject;
				change(round, (before) => {
					if (before.pool + amount !== pool) throw incomplete(`expected a pool of ${before.pool + amount} wei, got ${pool}`);
					return { pool };
				});
				continue;
			}
			case "PoolSwept": {
				const { round, amount } = log.args as unknown as PoolSweptEvent.OutputObject;
				change(round, ({ pool, matched }) => {
					if (pool - matched !== amount) throw incomplete(`expected ${pool - matched} wei to be swept, got ${amount}`);
					return { swept: true };
				});
				continue;
			}
		}
		const id = log.args.project as string;
		const before = projects.get(id);
		if (before === undefined) {
			if (log.name !== "ProjectApplied") throw incomplete(`expected an application before ${log.name} of project ${id}`);
			projects.set(id, applied(log));
			continue;
		}
		const next = after(before, log);
		projects.set(id, next);
		change(before.round, ({ donated, unsettled, matched }) => ({
			donated: donated + weight(next) - weight(before),
			unsettled: unsettled + waits(next) - waits(before),
			matched: matched + (next.matched ?? 0n) - (before.matched ?? 0n),
		}));
	}
	check(rounds, [...projects.values()]);
	return { rounds, projects: [...projects.values()] };
}

/** What a project's donations count in its round. */
function weight({ status, donated }: ProjectHistory): bigint {
	return status === "Admitted" || status === "Settled" ? donated : 0n;
}

function waits({ status }: ProjectHistory): number {
	return status === "Admitted" ? 1 : 0;
}

function applied({ args, transaction }: LedgerLog): ProjectHistory {
	const { project, round, recipient, digest } = args as unknown as ProjectAppliedEvent.OutputObject;
	return {
		...{ id: project, round, recipient, digest, status: "Applied", donated: 0n, matched: undefined, due: 0n, withdrawn: 0n },
		...{ donations: {}, transaction },
	};
}

function after(project: ProjectHistory, { name, args }: LedgerLog): ProjectHistory {
	switch (name) {
		case "ProjectAdmitted":
			return { ...project, status: "Admitted" };
		case "ProjectCancelled":
			return { ...project, status: "Cancelled" };
		case "Donated": {
			const { donor, amount } = args as unknown as DonatedEvent.OutputObject;
			if (project.status !== "Admitted") throw incomplete(`expected project ${project.id} to be admitted before a donation`);
			if (amount === 0n) return project;
			const donations = { ...project.donations, [donor]: (project.donations[donor] ?? 0n) + amount };
			return { ...project, donated: project.donated + amount, donations };
		}
		case "ProjectSettled": {
			const { donated, matched } = args as unknown as ProjectSettledEvent.OutputObject;
			if (donated !== project.donated) throw incomplete(`expected donations of ${project.donated} wei, got ${donated}`);
			return { ...project, status: "Settled", matched, due: donated + matched };
		}
		case "ProjectWithdrawn": {
			const { amount } = args as unknown as ProjectWithdrawnEvent.OutputObject;
			if (amount !== project.due) throw incomplete(`expected ${project.due} wei to be withdrawn, got ${amount}`);
			return { ...project, due: 0n, withdrawn: project.withdrawn + amount };
		}
		case "DonationRefunded": {
			const { donor, amount } = args as unknown as DonationRefundedEvent.OutputObject;
			const { [donor]: given, ...others } = project.donations;
			if (given !== amount) throw incomplete(`expected a donation of ${given ?? 0n} wei to be refunded, got ${amount}`);
			return { ...project, donations: others };
		}
		case "ProjectRotated": {
			const { from, to } = args as unknown as ProjectRotatedEvent.OutputObject;
			if (project.recipient !== from) throw incomplete(`expected the recipient ${project.recipient}, got ${from}`);
			return { ...project, recipient: to };
		}
		default:
			throw incomplete(`expected project ${project.id} to be applied for once`);
	}
}

/** Holds every match against the documented formula: only the whole shows the sums that it was made of. */
function check(rounds: readonly RoundHistory[], projects: readonly ProjectHistory[]): void {
	for (const { id, round, donated, matched } of projects) {
		const its = rounds[Number(round) - 1];
		if (its === undefined) throw incomplete(`expected round ${round} of project ${id}`);
		if (matched === undefined) continue;
		const expected = matchOf(its, donated, its.donated);
		if (matched !== expected) throw incomplete(`expected a match of ${expected} wei for project ${id}, got ${matched}`);
	}
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayMatching: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
