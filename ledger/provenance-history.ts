/** All provenance records and log chains, rebuilt from events alone. Ids and heads are computed again, so a gap is an error. */
import { ZeroHash } from "ethers";
import type { LogAppendedEvent, RegisteredEvent, RevokedEvent } from "../verifier-contracts/generated/types/ProvenanceRegistry.ts";
import { nameOf, type RecordKind, type RecordStatus, recordKinds } from "./enums.ts";
import { LedgerError } from "./errors.ts";
import type { LedgerLog } from "./logs.ts";
import { logHeadAfter, recordId } from "./record.ts";

/** A record. */
export interface RecordHistory {
	readonly id: string;
	readonly digest: string;
	/** id of the record that it derives from; 32 zero bytes for none */
	readonly parent: string;
	readonly author: string;
	/** Unix seconds */
	readonly timestamp: bigint;
	readonly kind: RecordKind;
	readonly status: RecordStatus;
	readonly transaction: string;
}

/** The log chain of a model. */
export interface LogChain {
	readonly model: string;
	/** of the last log */
	readonly sequence: bigint;
	readonly head: string;
	/** every log, oldest first */
	readonly logs: readonly { readonly id: string; readonly root: string; readonly transaction: string }[];
}

/** Everything in the ProvenanceRegistry. Numbers of signatures are not part of it: a record says nothing of who relayed it. */
export interface ProvenanceState {
	/** in the order of registration */
	readonly records: readonly RecordHistory[];
	/** one per model with a log */
	readonly chains: readonly LogChain[];
}

/**
 * Plays the events of the ProvenanceRegistry.
 *
 * @param logs all its events, oldest first; from `decodeLogs`. Those of other contracts are left out.
 * @throws LedgerError `events.incomplete` when an event does not follow from those before
 */
export function replayProvenance(logs: readonly LedgerLog[]): ProvenanceState {
	const records = new Map<string, RecordHistory>();
	const chains = new Map<string, LogChain>();
	for (const { contract, name, args, transaction } of logs) {
		if (contract !== "ProvenanceRegistry") continue;
		if (name === "Registered") {
			const { id, author, digest, kind, parent, timestamp } = args as unknown as RegisteredEvent.OutputObject;
			const record = { id, digest, parent, author, timestamp, kind: nameOf(recordKinds, kind), status: "Active" as const, transaction };
			if (records.has(id) || recordId(author, record.kind, digest) !== id) throw incomplete(`expected a new record, got ${id}`);
			if (parent !== ZeroHash && !records.has(parent)) throw incomplete(`expected the parent ${parent} before ${id}`);
			records.set(id, record);
		} else if (name === "Revoked") {
			const { id, author } = args as unknown as RevokedEvent.OutputObject;
			const record = records.get(id);
			if (record?.status !== "Active" || record.author !== author) throw incomplete(`expected an active record of ${author}, got ${id}`);
			records.set(id, { ...record, status: "Revoked" });
		} else if (name === "LogAppended") {
			const { model, id, sequence, root, previous, head } = args as unknown as LogAppendedEvent.OutputObject;
			const chain = chains.get(model) ?? { model, sequence: 0n, head: ZeroHash, logs: [] };
			const follows = sequence === chain.sequence + 1n && previous === chain.head && head === logHeadAfter(previous, sequence, root);
			if (!follows || records.get(id)?.parent !== model)
				throw incomplete(`expected log ${chain.sequence + 1n} of ${model}, got ${sequence}`);
			chains.set(model, { model, sequence, head, logs: [...chain.logs, { id, root, transaction }] });
		}
	}
	return { records: [...records.values()], chains: [...chains.values()] };
}

function incomplete(message: string): LedgerError {
	return new LedgerError("events.incomplete", `replayProvenance: ${message}`, {
		hint: "Use a node that keeps all logs, and the block number of the deployment file as it was written.",
	});
}
