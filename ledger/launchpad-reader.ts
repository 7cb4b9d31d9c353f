/**
 * Grants, rounds and projects as the chain knows them now, and their histories from events alone.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in Unix
 * seconds, milestones count from 0, rounds from 1.
 */
import type { Provider } from "ethers";
import { rethrow } from "./actions.ts";
import { type Contracts, contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import {
	type FundingStatus,
	fundingStatuses,
	type MilestoneStage,
	milestoneStages,
	nameOf,
	type ProjectStatus,
	projectStatuses,
} from "./enums.ts";
import { type LaunchpadState, replayLaunchpad } from "./launchpad-history.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";
import type { RoundTerms } from "./matching.ts";
import { type MatchingState, replayMatching } from "./matching-history.ts";

/** A grant now; status None when it was never proposed. */
export interface FundingState {
	readonly status: FundingStatus;
	readonly recipient: string;
	readonly digest: string;
	readonly total: bigint;
	/** of milestones that are neither released nor lapsed */
	readonly held: bigint;
	/** what the recipient can withdraw */
	readonly due: bigint;
	/** number of milestones */
	readonly count: number;
}

/** A milestone now. */
export interface MilestoneState {
	readonly amount: bigint;
	readonly deadline: bigint;
	/** zero: it is met by evidence */
	readonly circuit: string;
	readonly place: number;
	readonly fixedPublics: number;
	readonly fixedDigest: string;
	readonly stage: MilestoneStage;
	readonly since: bigint;
	readonly challenger: string;
	readonly bond: bigint;
}

/** A round now. */
export interface RoundState {
	readonly terms: RoundTerms;
	readonly pool: bigint;
	readonly matched: bigint;
	readonly donated: bigint;
	readonly unsettled: number;
	readonly swept: boolean;
}

/** A project now; status None when nobody applied. */
export interface ProjectState {
	readonly status: ProjectStatus;
	readonly round: bigint;
	readonly recipient: string;
	readonly digest: string;
	readonly donated: bigint;
	readonly due: bigint;
	/** at the sums of this moment; final once it is settled */
	readonly match: bigint;
}

/** Reads of launchpad and matching rounds of one deployment. */
export class LaunchpadReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;
	readonly #contracts: Contracts;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
		this.#contracts = contractsAt(options.deployment.contracts, options.provider);
	}

	async grant(id: string): Promise<FundingState> {
		const { status, recipient, digest, total, held, due, count } = await this.#contracts.launchpad.grantOf(id).catch(rethrow);
		return { status: nameOf(fundingStatuses, status), recipient, digest, total, held, due, count: Number(count) };
	}

	/** All zero when there is none. */
	async milestone(grant: string, milestone: number): Promise<MilestoneState> {
		const found = await this.#contracts.launchpad.milestoneOf(grant, milestone).catch(rethrow);
		const { amount, deadline, circuit, fixedDigest, since, challenger, bond } = found;
		return {
			...{ amount, deadline, circuit, place: Number(found.place), fixedPublics: Number(found.fixedPublics), fixedDigest },
			...{ stage: nameOf(milestoneStages, found.stage), since, challenger, bond },
		};
	}

	/** Wei of won bonds that a challenger can withdraw. */
	async bondDue(challenger: string): Promise<bigint> {
		return this.#contracts.launchpad.bondDue(challenger).catch(rethrow);
	}

	/** The number of rounds, and the id of the latest. */
	async roundCount(): Promise<bigint> {
		return this.#contracts.rounds.roundCount().catch(rethrow);
	}

	/** All zero when there is none. */
	async round(round: bigint): Promise<RoundState> {
		const { terms, pool, matched, donated, unsettled, swept } = await this.#contracts.rounds.roundOf(round).catch(rethrow);
		const { startsAt, endsAt, settlesAt, multiple, cap } = terms;
		const fixed = { startsAt, endsAt, settlesAt, multiple: Number(multiple), cap };
		return { terms: fixed, pool, matched, donated, unsettled: Number(unsettled), swept };
	}

	async project(id: string): Promise<ProjectState> {
		const [found, match] = await Promise.all([
			this.#contracts.rounds.projectOf(id).catch(rethrow),
			this.#contracts.rounds.matchOf(id).catch(rethrow),
		]);
		const { status, round, recipient, digest, donated, due } = found;
		return { status: nameOf(projectStatuses, status), round, recipient, digest, donated, due, match };
	}

	/** Wei that a donor gave a project and did not take back. */
	async donation(project: string, donor: string): Promise<bigint> {
		return this.#contracts.rounds.donationOf(project, donor).catch(rethrow);
	}

	/** All grants, from events alone. */
	async grants(): Promise<LaunchpadState> {
		return replayLaunchpad(await this.#logs("OpenCirceLaunchpad"));
	}

	/** All rounds and projects, from events alone. */
	async rounds(): Promise<MatchingState> {
		return replayMatching(await this.#logs("MatchingRounds"));
	}

	async #logs(contract: "OpenCirceLaunchpad" | "MatchingRounds") {
		const { contracts, block } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		const logs = await fetchLogs(this.#provider, { address: contracts[contract], topics: [], fromBlock: block, toBlock });
		return decodeLogs(contracts, logs);
	}
}
