/** From stored logs to state: one row for each contract of a deployment. */
import { replayChannels } from "../channel-reader.ts";
import type { ContractName } from "../contracts.ts";
import type { Deployment } from "../deployment.ts";
import { type EpochHistory, replay } from "../events.ts";
import { replayGuardian } from "../guardian.ts";
import { replayLaunchpad } from "../launchpad-history.ts";
import type { LedgerLog } from "../logs.ts";
import { replayMatching } from "../matching-history.ts";
import { replayProvenance } from "../provenance-history.ts";
import { replayRouter } from "../router-history.ts";
import { replayToken } from "../token-history.ts";

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

const epochs = { from: ["ContributionRegistry", "EpochBook", "RewardDistributor"], fold: replayEpochs } as const;

/** The state of each contract from logs. A contract more is a row more. */
export const folds = {
	OpenToken: { from: ["OpenToken"], fold: replayToken },
	ProvenanceRegistry: { from: ["ProvenanceRegistry"], fold: replayProvenance },
	VerifierRouter: { from: ["VerifierRouter"], fold: replayRouter },
	Guardian: { from: ["Guardian"], fold: replayGuardian },
	ContributionRegistry: epochs,
	EpochBook: epochs,
	RewardDistributor: epochs,
	PaymentChannels: { from: ["PaymentChannels"], fold: replayChannels },
	OpenCirceLaunchpad: { from: ["OpenCirceLaunchpad"], fold: replayLaunchpad },
	MatchingRounds: { from: ["MatchingRounds"], fold: replayMatching },
} as const satisfies Record<ContractName, Fold>;

/** What the row of a contract makes. */
export type StateOf<Name extends ContractName> = ReturnType<(typeof folds)[Name]["fold"]>;

/**
 * Plays the events of all epochs.
 *
 * @param logs of registry, book and distributor, oldest first
 * @returns in the order of opening
 * @throws LedgerError `events.incomplete`
 */
export function replayEpochs(logs: readonly LedgerLog[]): EpochHistory[] {
	const epochs = logs.filter(({ name }) => name === "EpochOpened").map(({ args }) => args.epoch as bigint);
	return epochs.map((epoch) =>
		replay(
			epoch,
			logs.filter(({ args }) => args.epoch === epoch || args.fromEpoch === epoch || args.toEpoch === epoch),
		),
	);
}
