/** From stored logs to state: one row for each contract of a deployment. */
import { getAddress } from "ethers";
import { replayChannels } from "../channel-reader.ts";
import type { ContractName } from "../contracts.ts";
import { replayDatanets } from "../datanet-history.ts";
import type { Deployment } from "../deployment.ts";
import { LedgerError } from "../errors.ts";
import { type EpochHistory, replay } from "../events.ts";
import { type FeeHistory, replayFees } from "../fee-history.ts";
import { type Governance, replayGovernance } from "../governance-reader.ts";
import { replayGrants } from "../grant-reader.ts";
import { replayGuardian } from "../guardian.ts";
import { replayJobs } from "../job-history.ts";
import { replayLaunchpad } from "../launchpad-history.ts";
import type { LedgerLog } from "../logs.ts";
import { replayMatching } from "../matching-history.ts";
import { type OperatorHistory, replayOperators } from "../operator-history.ts";
import { replayProvenance } from "../provenance-history.ts";
import { replayReputation } from "../reputation.ts";
import { replayRouter } from "../router-history.ts";
import { replayToken } from "../token-history.ts";
import { replayVault, type VaultHistory } from "../vault-history.ts";

/** What a fold may know beside the logs. */
export interface FoldContext {
	readonly deployment: Deployment;
	/** Unix seconds of each block with a log among those that are folded */
	readonly times: ReadonlyMap<number, bigint>;
}

/** How the state of a contract follows from logs. */
export interface Fold {
	/** whose logs it takes */
	readonly from: readonly ContractName[];
	/** @param logs of `from` alone, oldest first */
	readonly fold: (logs: readonly LedgerLog[], context: FoldContext) => unknown;
}

const governance = { from: ["OpenTimelock", "OpenGovernor"], fold: foldGovernance } as const;
const epochs = { from: ["StakeVault", "ContributionRegistry", "EpochBook", "RewardDistributor", "PayoutBook"], fold: foldEpochs } as const;
const jobs = { from: ["ComputeJobs", "ComputeDisputes"], fold: replayJobs } as const;

/** The state of each contract from logs. A contract more is a row more. */
export const folds = {
	OpenToken: { from: ["OpenToken"], fold: replayToken },
	OpenTimelock: governance,
	OpenGovernor: governance,
	ProvenanceRegistry: { from: ["ProvenanceRegistry"], fold: replayProvenance },
	VerifierRouter: { from: ["VerifierRouter"], fold: replayRouter },
	Guardian: { from: ["Guardian"], fold: replayGuardian },
	StakeVault: { from: ["StakeVault"], fold: foldVault },
	Datanets: { from: ["Datanets"], fold: replayDatanets },
	ContributionRegistry: epochs,
	EpochBook: epochs,
	RewardDistributor: epochs,
	PayoutBook: epochs,
	Reputation: { from: ["Reputation"], fold: replayReputation },
	PaymentChannels: { from: ["PaymentChannels"], fold: replayChannels },
	ComputeOperators: { from: ["ComputeOperators"], fold: foldOperators },
	ComputeJobs: jobs,
	ComputeDisputes: jobs,
	InferenceFees: { from: ["InferenceFees"], fold: foldFees },
	AccessGrants: { from: ["AccessGrants"], fold: replayGrants },
	OpenCirceLaunchpad: { from: ["OpenCirceLaunchpad"], fold: replayLaunchpad },
	MatchingRounds: { from: ["MatchingRounds"], fold: replayMatching },
} as const satisfies Record<ContractName, Fold>;

/** What the row of a contract makes. */
export type StateOf<Name extends ContractName> = ReturnType<(typeof folds)[Name]["fold"]>;

/** All epochs, in the order of opening. */
function foldEpochs(logs: readonly LedgerLog[], { deployment }: FoldContext): EpochHistory[] {
	const registry = getAddress(deployment.contracts.ContributionRegistry);
	// Other services' stakes are not of epochs.
	const ofStake = ({ contract, args }: LedgerLog) => contract === "StakeVault" && args.service === registry;
	const opened = logs.filter(({ name }) => name === "EpochOpened").map(({ args }) => args.epoch as bigint);
	return opened.map((epoch) => {
		const named = ({ args }: LedgerLog) => args.epoch === epoch || args.fromEpoch === epoch || args.toEpoch === epoch;
		return replay(
			epoch,
			logs.filter((log) => named(log) || ofStake(log)),
		);
	});
}

function foldGovernance(logs: readonly LedgerLog[], { deployment, times }: FoldContext): Governance {
	return replayGovernance(deployment.contracts, logs, times);
}

function foldVault(logs: readonly LedgerLog[], { deployment }: FoldContext): VaultHistory {
	return replayVault(getAddress(deployment.terms.treasury), logs);
}

function foldFees(logs: readonly LedgerLog[], { deployment }: FoldContext): FeeHistory {
	return replayFees(deployment.terms.treasury, logs);
}

function foldOperators(logs: readonly LedgerLog[], { times }: FoldContext): OperatorHistory {
	return replayOperators(logs, (block) => {
		const time = times.get(block);
		if (time !== undefined) return time;
		throw new LedgerError("events.incomplete", `replayOperators: expected the time of block ${block}`, {
			hint: "Give the second of each block with a log.",
		});
	});
}
