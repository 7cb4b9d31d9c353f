/** The Guardian's member, term, pause and acts, rebuilt from events alone. */
import { ZeroAddress } from "ethers";
import type {
	IntakePausedByEvent,
	MemberAppointedEvent,
	PayoutVetoedByEvent,
	VerifierStoppedByEvent,
} from "../verifier-contracts/generated/types/Guardian.ts";
import type { LedgerLog } from "./logs.ts";

/** Everything in the Guardian. Times in Unix seconds. */
export interface GuardianState {
	/** zero for nobody */
	readonly member: string;
	readonly expiresAt: bigint;
	/** first second after the last pause; 0 when there was none */
	readonly pausedUntil: bigint;
	/** oldest first */
	readonly pauses: readonly { readonly member: string; readonly until: bigint; readonly reason: string; readonly transaction: string }[];
	readonly vetoes: readonly { readonly member: string; readonly epoch: bigint; readonly reason: string; readonly transaction: string }[];
	readonly stops: readonly { readonly member: string; readonly circuitId: string; readonly transaction: string }[];
}

/**
 * Plays the events of the Guardian.
 *
 * @param logs all its events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 */
export function replayGuardian(logs: readonly LedgerLog[]): GuardianState {
	let [member, expiresAt, pausedUntil] = [ZeroAddress, 0n, 0n];
	const pauses: GuardianState["pauses"][number][] = [];
	const vetoes: GuardianState["vetoes"][number][] = [];
	const stops: GuardianState["stops"][number][] = [];
	for (const { contract, name, args, transaction } of logs) {
		if (contract !== "Guardian") continue;
		switch (name) {
			case "MemberAppointed":
				({ member, expiresAt } = args as unknown as MemberAppointedEvent.OutputObject);
				break;
			case "MemberDismissed":
				[member, expiresAt] = [ZeroAddress, 0n];
				break;
			case "IntakePausedBy": {
				const { member: by, until, reason } = args as unknown as IntakePausedByEvent.OutputObject;
				pausedUntil = until;
				pauses.push({ member: by, until, reason, transaction });
				break;
			}
			case "IntakeResumed":
				pausedUntil = args.at as bigint;
				break;
			case "PayoutVetoedBy": {
				const { member: by, epoch, reason } = args as unknown as PayoutVetoedByEvent.OutputObject;
				vetoes.push({ member: by, epoch, reason, transaction });
				break;
			}
			case "VerifierStoppedBy": {
				const { member: by, circuitId } = args as unknown as VerifierStoppedByEvent.OutputObject;
				stops.push({ member: by, circuitId, transaction });
				break;
			}
		}
	}
	return { member, expiresAt, pausedUntil, pauses, vetoes, stops };
}
