/**
 * The guardian: what its member does, and its state and history.
 *
 * Every function throws LedgerError: `transaction.reverted` with the contract's reason, any other `transaction.*`, `node.*`, `events.incomplete`.
 * Times are in seconds.
 */
import { type Provider, ZeroAddress } from "ethers";
import { Actions, type Outcome, rethrow } from "./actions.ts";
import { contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";

/** The actions of the guardian's member, and of its owner where that is a key. */
export class GuardianClient extends Actions {
	/** Pauses intake of all contracts that ask the guardian. @param pause.duration seconds, 1 to 1,209,600 @param pause.reason for people */
	async pause(pause: { duration: number; reason: string }): Promise<Outcome> {
		return this.send(this.contracts.guardian.pause.populateTransaction(pause.duration, pause.reason));
	}

	/** Ends a pause early; as the owner. */
	async resume(): Promise<Outcome> {
		return this.send(this.contracts.guardian.resume.populateTransaction());
	}

	/** Vetoes the posted payout of an epoch before it is active: the pool goes back to its funder. @param veto.reason for people */
	async veto(veto: { epoch: bigint; reason: string }): Promise<Outcome> {
		return this.send(this.contracts.guardian.veto.populateTransaction(veto.epoch, veto.reason));
	}

	/** Stops a circuit for ever. */
	async stopVerifier(circuitId: string): Promise<Outcome> {
		return this.send(this.contracts.guardian.stopVerifier.populateTransaction(circuitId));
	}

	/** Renews the member's term or replaces the member; as the owner. @param appointment.term seconds from now, 1 to 31,622,400 */
	async appoint(appointment: { member: string; term: number }): Promise<Outcome> {
		return this.send(this.contracts.guardian.appoint.populateTransaction(appointment.member, appointment.term));
	}

	/** Ends the member's term; as the owner or the member. */
	async dismiss(): Promise<Outcome> {
		return this.send(this.contracts.guardian.dismiss.populateTransaction());
	}
}

/** The guardian's state. */
export interface GuardianState {
	/** zero address when there is none */
	readonly member: string;
	/** the first second in which the member has no powers */
	readonly expiresAt: bigint;
	/** the first second after the last pause; 0 when there was none */
	readonly pausedUntil: bigint;
}

/** The guardian's state and everything it did, from events. */
export interface GuardianHistory extends GuardianState {
	readonly pauses: readonly { member: string; until: bigint; reason: string; transaction: string }[];
	readonly vetoes: readonly { member: string; epoch: bigint; reason: string; transaction: string }[];
	readonly stops: readonly { member: string; circuitId: string; transaction: string }[];
}

/** The guardian as the chain knows it now. */
export async function guardianState(deployment: Deployment, provider: Provider): Promise<GuardianState> {
	const { guardian } = contractsAt(deployment.contracts, provider);
	const [member, expiresAt, pausedUntil] = await Promise.all([guardian.member(), guardian.expiresAt(), guardian.pausedUntil()]).catch(
		rethrow,
	);
	return { member, expiresAt, pausedUntil };
}

/** The guardian from its events. */
export async function guardianHistory(deployment: Deployment, provider: Provider): Promise<GuardianHistory> {
	const { contracts, block } = deployment;
	const toBlock = await provider.getBlockNumber().catch(rethrow);
	const logs = await fetchLogs(provider, { address: contracts.Guardian, topics: [], fromBlock: block, toBlock });
	return replayGuardian(decodeLogs(contracts, logs));
}

/**
 * Plays the guardian's events.
 *
 * @param logs all of them, oldest first; from `decodeLogs`
 * @throws LedgerError `events.incomplete` when the first appointment is missing
 */
export function replayGuardian(logs: readonly LedgerLog[]): GuardianHistory {
	if (logs[0]?.name !== "MemberAppointed") {
		throw new LedgerError("events.incomplete", `replayGuardian: expected MemberAppointed first, got ${logs[0]?.name ?? "nothing"}`, {
			hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
		});
	}
	let state: GuardianState = { member: ZeroAddress, expiresAt: 0n, pausedUntil: 0n };
	const pauses: GuardianHistory["pauses"][number][] = [];
	const vetoes: GuardianHistory["vetoes"][number][] = [];
	const stops: GuardianHistory["stops"][number][] = [];
	for (const { name, args, transaction } of logs) {
		const member = args.member as string;
		const reason = args.reason as string;
		switch (name) {
			case "MemberAppointed":
				state = { ...state, member, expiresAt: args.expiresAt as bigint };
				break;
			case "MemberDismissed":
				state = { ...state, member: ZeroAddress, expiresAt: 0n };
				break;
			case "IntakePausedBy":
				state = { ...state, pausedUntil: args.until as bigint };
				pauses.push({ member, until: args.until as bigint, reason, transaction });
				break;
			case "IntakeResumed":
				state = { ...state, pausedUntil: args.pausedUntil as bigint };
				break;
			case "PayoutVetoedBy":
				vetoes.push({ member, epoch: args.epoch as bigint, reason, transaction });
				break;
			case "VerifierStoppedBy":
				stops.push({ member, circuitId: args.circuitId as string, transaction });
				break;
		}
	}
	return { ...state, pauses, vetoes, stops };
}
