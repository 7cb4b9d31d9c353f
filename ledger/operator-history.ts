/** Operators, what was attested of them, and the policies of jobs, from the events of ComputeOperators alone. Amounts in wei, times in Unix seconds. */
import type {
	AttestationRevokedEvent,
	AttestedEvent,
	OperatorRegisteredEvent,
	PolicySetEvent,
} from "../verifier-contracts/generated/types/ComputeOperators.ts";
import type { OperatorStatus } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";
import type { JobPolicy } from "./operators.ts";

/** An attester's last word on an operator. */
export interface Attestation {
	readonly attester: string;
	readonly digest: string;
	/** the first second in which it is not valid any more */
	readonly expiresAt: bigint;
}

/** An operator. */
export interface OperatorState {
	readonly address: string;
	readonly status: Exclude<OperatorStatus, "None">;
	/** bits, see `capabilityNames` */
	readonly capabilities: bigint;
	readonly manifest: string;
	/** in the order of the first word of each attester */
	readonly attestations: readonly Attestation[];
}

/** All of it, in the order of registration, and of versions from 1. */
export interface OperatorHistory {
	readonly operators: readonly OperatorState[];
	readonly policies: readonly JobPolicy[];
}

/**
 * Plays the events of the contract.
 *
 * @param logs all events of ComputeOperators, oldest first; from `decodeLogs`
 * @param timeOf time of a block, which a revoked attestation ends at
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayOperators(logs: readonly LedgerLog[], timeOf: (block: number) => bigint): OperatorHistory {
	const operators = new Map<string, OperatorState>();
	const policies: JobPolicy[] = [];
	const find = (address: string): OperatorState => {
		const found = operators.get(address);
		if (found === undefined) throw incomplete(`expected ${address} to register first`);
		return found;
	};
	const change = (address: string, changes: Partial<OperatorState>) => operators.set(address, { ...find(address), ...changes });
	for (const { name, args, blockNumber } of logs) {
		switch (name) {
			case "OperatorRegistered": {
				const { operator, manifest, capabilities } = args as unknown as OperatorRegisteredEvent.OutputObject;
				const before = operators.get(operator);
				if (before?.status === "Active") throw incomplete(`expected ${operator} to retire before it registers again`);
				const attestations = before?.attestations ?? [];
				operators.set(operator, { address: operator, status: "Active", capabilities, manifest, attestations });
				break;
			}
			case "CapabilitiesChanged": {
				const { operator, manifest, capabilities } = args as unknown as OperatorRegisteredEvent.OutputObject;
				change(operator, { manifest, capabilities });
				break;
			}
			case "OperatorRetired":
				change(args.operator as string, { status: "Retired" });
				break;
			case "Attested": {
				const { operator, attester, digest, expiresAt } = args as unknown as AttestedEvent.OutputObject;
				change(operator, { attestations: said(find(operator), { attester, digest, expiresAt }) });
				break;
			}
			case "AttestationRevoked": {
				const { operator, attester } = args as unknown as AttestationRevokedEvent.OutputObject;
				const state = find(operator);
				const before = state.attestations.find((one) => one.attester === attester);
				if (before === undefined) throw incomplete(`expected ${attester} to attest ${operator} before it takes its word back`);
				change(operator, { attestations: said(state, { ...before, expiresAt: timeOf(blockNumber) }) });
				break;
			}
			case "PolicySet": {
				const { version, policy } = args as unknown as PolicySetEvent.OutputObject;
				if (version !== BigInt(policies.length + 1)) throw incomplete(`expected policy ${policies.length + 1}, got ${version}`);
				policies.push(policy);
				break;
			}
			default:
				throw incomplete(`expected an event of ComputeOperators, got ${name}`);
		}
	}
	return { operators: [...operators.values()], policies };
}

/** The attestations with one replaced, or one more. */
function said({ attestations }: OperatorState, next: Attestation): Attestation[] {
	const known = attestations.some(({ attester }) => attester === next.attester);
	return known ? attestations.map((one) => (one.attester === next.attester ? next : one)) : [...attestations, next];
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayOperators: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
