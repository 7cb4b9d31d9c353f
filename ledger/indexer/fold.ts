/** From stored logs to state: one row for each contract of a deployment. */
import { replayChannels } from "../channel-reader.ts";
import { type ContractName, contractNames } from "../contracts.ts";
import type { Deployment } from "../deployment.ts";
import { type EpochHistory, replay } from "../events.ts";
import { replayGuardian } from "../guardian-history.ts";
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

/** @param logs of the contracts that {@link sourcesOf} names, oldest first */
export type Fold = (logs: readonly LedgerLog[], context: FoldContext) => unknown;

/** The state of each contract from the logs of all of them. A contract more is a row more. */
export const folds = {
	OpenToken: replayToken,
	ProvenanceRegistry: replayProvenance,
	VerifierRouter: replayRouter,
	Guardian: replayGuardian,
	ContributionRegistry: replayEpochs,
	EpochBook: replayEpochs,
	RewardDistributor: replayEpochs,
	PaymentChannels: (logs) => replayChannels(logs.filter(({ contract }) => contract === "PaymentChannels")),
	OpenCirceLaunchpad: replayLaunchpad,
	MatchingRounds: replayMatching,
} satisfies Record<ContractName, Fold>;

/** What the row of a contract makes. */
export type StateOf<Name extends ContractName> = ReturnType<(typeof folds)[Name]>;

/** The contracts that the state of one is folded from: those of epochs share theirs. */
export const sourcesOf: Readonly<Record<ContractName, readonly ContractName[]>> = Object.fromEntries(
	contractNames.map((name) => {
		const shared = contractNames.filter((other) => folds[other] === folds[name]);
		return [name, shared];
	}),
) as unknown as Record<ContractName, readonly ContractName[]>;

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
