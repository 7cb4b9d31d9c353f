/** All routes of the VerifierRouter, its owner and its guardian, rebuilt from events alone. */
import { ZeroAddress } from "ethers";
import type {
	GuardianChangedEvent,
	InitialCodeEvent,
	OwnershipTransferredEvent,
	OwnershipTransferStartedEvent,
	VerifierRegisteredEvent,
	VerifierStoppedEvent,
} from "../verifier-contracts/generated/types/VerifierRouter.ts";
import type { RouteStatus } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";

/** The route of a circuit. */
export interface RouteHistory {
	readonly circuitId: string;
	readonly verifier: string;
	/** id of the statement with its parameters */
	readonly statement: string;
	readonly development: boolean;
	readonly status: RouteStatus;
	/** undefined while it is active */
	readonly stopped: { readonly by: string; readonly byProof: boolean; readonly transaction: string } | undefined;
	readonly transaction: string;
}

/** Everything in the VerifierRouter. */
export interface RouterState {
	readonly owner: string;
	/** named as the next owner; zero for nobody */
	readonly pendingOwner: string;
	/** may stop circuits; zero for nobody */
	readonly guardian: string;
	/** code hashes of verifiers that anybody may register */
	readonly initial: readonly string[];
	/** in the order of registration */
	readonly routes: readonly RouteHistory[];
}

/**
 * Plays the events of the VerifierRouter.
 *
 * @param logs all its events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayRouter(logs: readonly LedgerLog[]): RouterState {
	const routes = new Map<string, RouteHistory>();
	let [owner, pendingOwner, guardian] = [ZeroAddress, ZeroAddress, ZeroAddress];
	const initial: string[] = [];
	for (const { contract, name, args, transaction } of logs) {
		if (contract !== "VerifierRouter") continue;
		switch (name) {
			case "VerifierRegistered": {
				const { circuitId, verifier, statement, development } = args as unknown as VerifierRegisteredEvent.OutputObject;
				if (routes.has(circuitId)) throw incomplete(`expected one route of ${circuitId}`);
				routes.set(circuitId, { circuitId, verifier, statement, development, status: "Active", stopped: undefined, transaction });
				break;
			}
			case "VerifierStopped": {
				const { circuitId, by, byProof } = args as unknown as VerifierStoppedEvent.OutputObject;
				const route = routes.get(circuitId);
				if (route?.status !== "Active") throw incomplete(`expected an active route of ${circuitId}`);
				routes.set(circuitId, { ...route, status: "Stopped", stopped: { by, byProof, transaction } });
				break;
			}
			case "InitialCode":
				initial.push((args as unknown as InitialCodeEvent.OutputObject).codeHash);
				break;
			case "GuardianChanged":
				guardian = (args as unknown as GuardianChangedEvent.OutputObject).guardian;
				break;
			case "OwnershipTransferStarted":
				pendingOwner = (args as unknown as OwnershipTransferStartedEvent.OutputObject).newOwner;
				break;
			case "OwnershipTransferred": {
				const { previousOwner, newOwner } = args as unknown as OwnershipTransferredEvent.OutputObject;
				if (previousOwner !== owner) throw incomplete(`expected the owner ${owner}, got ${previousOwner}`);
				[owner, pendingOwner] = [newOwner, ZeroAddress];
				break;
			}
		}
	}
	return { owner, pendingOwner, guardian, initial, routes: [...routes.values()] };
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayRouter: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
