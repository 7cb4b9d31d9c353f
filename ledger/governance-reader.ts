/**
 * Proposals, settings and the timelock's table, from events alone.
 *
 * Every function throws LedgerError `node.*`, or `events.incomplete`. Votes are in wei of OPEN, times in Unix seconds.
 */
import type { Provider } from "ethers";
import type {
	ProposalCreatedEvent,
	ProposalExtendedEvent,
	ProposalQueuedEvent,
	QuorumNumeratorUpdatedEvent,
	VoteCastEvent,
} from "../verifier-contracts/generated/types/OpenGovernor.ts";
import type { MinDelayChangeEvent, RoleGrantedEvent, SlowCallSetEvent } from "../verifier-contracts/generated/types/OpenTimelock.ts";
import { rethrow } from "./actions.ts";
import type { Addresses } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { nameOf, type ProposalState, type VoteKind, voteKinds } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";
import { type DescribedCall, describeCall, operationId } from "./proposal.ts";

/** One vote. */
export interface CastVote {
	readonly voter: string;
	readonly support: VoteKind;
	readonly weight: bigint;
	readonly reason: string;
}

/** A proposal from its events. */
export interface ProposalHistory {
	readonly id: bigint;
	readonly proposer: string;
	readonly description: string;
	readonly calls: readonly DescribedCall[];
	/** the vote begins after this second */
	readonly snapshot: bigint;
	/** the last second of the vote, extended if need be */
	readonly deadline: bigint;
	/** votes for and abstentions that it takes */
	readonly quorum: bigint;
	readonly votes: readonly CastVote[];
	readonly tally: Readonly<Record<VoteKind, bigint>>;
	/** id of its operation at the timelock */
	readonly operation: string;
	/** when it can be executed; 0 before it is queued */
	readonly eta: bigint;
	readonly end: "Executed" | "Canceled" | undefined;
	/** hash of the transaction that made it */
	readonly transaction: string;
}

/** What governs proposals from now on. */
export interface GovernanceSettings {
	readonly votingDelay: bigint;
	readonly votingPeriod: bigint;
	readonly proposalThreshold: bigint;
	/** percent of the supply */
	readonly quorumNumerator: bigint;
	readonly lateQuorumVoteExtension: bigint;
	/** seconds that a call waits which is not slow */
	readonly minDelay: bigint;
	/** "target selector" in lower case, of the functions in the table */
	readonly slow: readonly string[];
	/** "role account" of every role that is held at the timelock */
	readonly roles: readonly string[];
}

export interface Governance {
	readonly settings: GovernanceSettings;
	/** oldest first */
	readonly proposals: readonly ProposalHistory[];
}

/** OPEN has a fixed supply. */
const SUPPLY = 10n ** 27n;

/** Reads the governance of one deployment. */
export class GovernanceReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** Everything, from events. */
	async governance(): Promise<Governance> {
		const { contracts, block } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		const range = { topics: [], fromBlock: block, toBlock };
		const logs = await Promise.all(
			[contracts.OpenGovernor, contracts.OpenTimelock].map((address) => fetchLogs(this.#provider, { address, ...range })),
		);
		const decoded = decodeLogs(contracts, logs.flat());
		decoded.sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index);
		const blocks = new Set(decoded.filter(({ name }) => name === "QuorumNumeratorUpdated").map(({ blockNumber }) => blockNumber));
		const times = new Map<number, bigint>();
		for (const number of blocks) times.set(number, await this.#timeOf(number));
		return replayGovernance(contracts, decoded, times);
	}

	/** One proposal. @throws LedgerError `input.invalid` when it was never made here */
	async proposal(id: bigint): Promise<ProposalHistory> {
		const found = (await this.governance()).proposals.find((proposal) => proposal.id === id);
		if (found !== undefined) return found;
		throw new LedgerError("input.invalid", `proposal: expected a proposal that was made here, got ${id}`, {
			hint: "See `govern list`, and check the deployment file.",
		});
	}

	/** The second of the latest block. */
	async now(): Promise<bigint> {
		return this.#timeOf("latest");
	}

	async #timeOf(block: number | "latest"): Promise<bigint> {
		return BigInt((await this.#provider.getBlock(block).catch(rethrow))?.timestamp ?? 0);
	}
}

/** The state of a proposal at a time, as the governor says it. @param now second of the block */
export function stateOf(proposal: ProposalHistory, now: bigint): ProposalState {
	const { end, eta, snapshot, deadline, tally, quorum } = proposal;
	if (end !== undefined) return end;
	if (eta !== 0n) return "Queued";
	if (now <= snapshot) return "Pending";
	if (now <= deadline) return "Active";
	return tally.for + tally.abstain >= quorum && tally.for > tally.against ? "Succeeded" : "Defeated";
}

/**
 * Plays the events of governor and timelock.
 *
 * @param logs all events of both, oldest first; from `decodeLogs`
 * @param times second of each block in which the quorum changed: a proposal's quorum is that of the moment in which its vote begins
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayGovernance(at: Addresses, logs: readonly LedgerLog[], times: ReadonlyMap<number, bigint>): Governance {
	const proposals = new Map<bigint, ProposalHistory>();
	const operations = new Map<string, bigint>();
	const settings: Record<string, bigint> = {};
	const quorums: { from: bigint; numerator: bigint }[] = [];
	const slow = new Set<string>();
	const roles = new Set<string>();
	const change = (id: bigint, name: string, next: (old: ProposalHistory) => Partial<ProposalHistory>): void => {
		const old = proposals.get(id);
		if (old === undefined || old.end === "Canceled") throw incomplete(`expected a proposal before ${name} of ${id}`);
		proposals.set(id, { ...old, ...next(old) });
	};
	for (const { name, args, transaction, blockNumber } of logs) {
		const id = args.proposalId as bigint;
		switch (name) {
			case "ProposalCreated": {
				const made = created(at, args, transaction);
				proposals.set(made.id, made);
				operations.set(made.operation, made.id);
				break;
			}
			case "VoteCast":
			case "VoteCastWithParams": {
				const { voter, support, weight, reason } = args as unknown as VoteCastEvent.OutputObject;
				const kind = nameOf(voteKinds, support);
				change(id, name, ({ votes, tally }) => ({
					votes: [...votes, { voter, support: kind, weight, reason }],
					tally: { ...tally, [kind]: tally[kind] + weight },
				}));
				break;
			}
			case "ProposalExtended": {
				const { extendedDeadline } = args as unknown as ProposalExtendedEvent.OutputObject;
				change(id, name, () => ({ deadline: extendedDeadline }));
				break;
			}
			case "ProposalQueued": {
				const { etaSeconds } = args as unknown as ProposalQueuedEvent.OutputObject;
				change(id, name, () => ({ eta: etaSeconds }));
				break;
			}
			case "ProposalExecuted":
				change(id, name, () => ({ end: "Executed" }));
				break;
			case "ProposalCanceled":
				change(id, name, () => ({ end: "Canceled" }));
				break;
			// The timelock executes for anybody, also beside the governor.
			case "CallExecuted": {
				const known = operations.get(args.id as string);
				if (known !== undefined) change(known, name, () => ({ end: "Executed" }));
				break;
			}
			case "QuorumNumeratorUpdated": {
				const { newQuorumNumerator } = args as unknown as QuorumNumeratorUpdatedEvent.OutputObject;
				const from = times.get(blockNumber);
				if (from === undefined) throw incomplete(`expected the time of block ${blockNumber}`);
				quorums.push({ from, numerator: newQuorumNumerator });
				break;
			}
			case "VotingDelaySet":
				settings.votingDelay = args.newVotingDelay as bigint;
				break;
			case "VotingPeriodSet":
				settings.votingPeriod = args.newVotingPeriod as bigint;
				break;
			case "ProposalThresholdSet":
				settings.proposalThreshold = args.newProposalThreshold as bigint;
				break;
			case "LateQuorumVoteExtensionSet":
				settings.lateQuorumVoteExtension = args.newVoteExtension as bigint;
				break;
			case "MinDelayChange":
				settings.minDelay = (args as unknown as MinDelayChangeEvent.OutputObject).newDuration;
				break;
			case "SlowCallSet": {
				const call = args as unknown as SlowCallSetEvent.OutputObject;
				const key = `${call.target} ${call.selector}`.toLowerCase();
				if (call.slow) slow.add(key);
				else slow.delete(key);
				break;
			}
			case "RoleGranted":
			case "RoleRevoked": {
				const { role, account } = args as unknown as RoleGrantedEvent.OutputObject;
				if (name === "RoleGranted") roles.add(`${role} ${account}`);
				else roles.delete(`${role} ${account}`);
				break;
			}
		}
	}
	const { votingDelay, votingPeriod, proposalThreshold, lateQuorumVoteExtension, minDelay } = settings;
	const quorumNumerator = quorums.at(-1)?.numerator;
	if (
		votingDelay === undefined ||
		votingPeriod === undefined ||
		proposalThreshold === undefined ||
		lateQuorumVoteExtension === undefined ||
		minDelay === undefined ||
		quorumNumerator === undefined
	) {
		throw incomplete("expected the settings of the construction");
	}
	return {
		settings: {
			...{ votingDelay, votingPeriod, proposalThreshold, quorumNumerator, lateQuorumVoteExtension, minDelay },
			...{ slow: [...slow].sort(), roles: [...roles].sort() },
		},
		proposals: [...proposals.values()].map((proposal) => {
			const numerator = quorums.findLast(({ from }) => from <= proposal.snapshot)?.numerator ?? 0n;
			return { ...proposal, quorum: (SUPPLY * numerator) / 100n };
		}),
	};
}

function created(at: Addresses, args: LedgerLog["args"], transaction: string): ProposalHistory {
	const event = args as unknown as ProposalCreatedEvent.OutputObject;
	const { proposalId: id, proposer, description, targets, values, calldatas, voteStart, voteEnd } = event;
	const calls = targets.map((target, i) => describeCall(at, { target, value: values[i] as bigint, data: calldatas[i] as string }));
	return {
		...{ id, proposer, description, calls, snapshot: voteStart, deadline: voteEnd, quorum: 0n },
		...{ votes: [], tally: { against: 0n, for: 0n, abstain: 0n }, operation: operationId(at.OpenGovernor, { calls, description }) },
		...{ eta: 0n, end: undefined, transaction },
	};
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayGovernance: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
