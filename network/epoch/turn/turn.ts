/** What the steps of an epoch share: who acts, and how something is recorded, proven and written. */
import { join } from "node:path";
import { epochStatements, ROLES } from "../../../circuits/parameters.ts";
import { payoutPlaces } from "../../../circuits/statements/payout.ts";
import type { Backend } from "../../../compute/backend.ts";
import type { LedgerClient } from "../../../ledger/client.ts";
import { type EpochStatement, epochContext } from "../../../ledger/context.ts";
import type { RecordKind } from "../../../ledger/enums.ts";
import { recordId } from "../../../ledger/record.ts";
import type { ProverPool } from "../../../prover/pool/pool.ts";
import type { Chain } from "../chain.ts";
import type { EpochConfig } from "../config.ts";
import type { EpochData } from "../data.ts";
import type { Journal } from "../journal.ts";
import { type Hex, jsonDigest, writeJson, writeWhole } from "../json.ts";
import type { EpochKeys } from "../keys.ts";
import type { Progress } from "../progress.ts";
import { EpochProofs, type MadeProof, type ProofPlan } from "../proofs.ts";
import type { Clock } from "../report.ts";
import { FEES } from "./queries.ts";

/** What a run lends to each of its epochs. */
export interface RunParts {
	/** Which epoch of the run, from 0. */
	readonly turn: number;
	readonly config: EpochConfig;
	readonly data: EpochData;
	readonly keys: EpochKeys;
	readonly journal: Journal;
	readonly pool: ProverPool;
	readonly backend: Backend;
	readonly chain: Chain;
	readonly staging: string;
	readonly progress: Progress;
	readonly signal: AbortSignal | undefined;
	readonly clock: Clock;
}

/** Seconds that an epoch stays open for posts. */
const LIFETIME_S = 7n * 86_400n;

/** One epoch that is open on chain. */
export class Turn {
	readonly parts: RunParts;
	readonly epoch: bigint;
	readonly steward: LedgerClient;
	readonly proofs: EpochProofs;

	private constructor(parts: RunParts, epoch: bigint, steward: LedgerClient) {
		this.parts = parts;
		this.epoch = epoch;
		this.steward = steward;
		this.proofs = new EpochProofs(epoch, parts, (name, file) => this.write(name, file));
	}

	/** Opens the epoch, or finds the one that a stopped run has opened. */
	static async open(parts: RunParts): Promise<Turn> {
		const { config, data, keys, journal, chain } = parts;
		const steward = await chain.client(chain.steward);
		const policy = {
			schema: "openledger.policy.v1",
			steward: steward.address,
			parameters: { ...data.set, lambda: data.set.lambda.toString() },
			payout: "linear: amount = floor(pool min(|score|, P) / P), P the sum of positive scores; negative scores are charged to the stake",
			queryLabels: config.queryLabels,
			queryFees: `1 to ${FEES} in turn (simulated)`,
			stake: config.stake.toString(),
			activationDelay: config.activationDelay,
			defence: config.defence,
			screening: jsonDigest(data.screening),
		};
		const name = `epoch-${parts.turn}`;
		const known = chain.embedded ? undefined : ((await journal.recall(name)) as { epoch: string } | undefined);
		let epoch: bigint;
		if (known === undefined) {
			await chain.equip(chain.steward, config.pool);
			const opened = await chain.act("openEpoch", async () =>
				steward.openEpoch({
					circuits: ROLES.map((role) => keys[role].key.verification.circuitId),
					policyDigest: jsonDigest(policy),
					funder: chain.steward.address,
					expiresAt: (await chain.reader.now()) + LIFETIME_S,
					capacity: data.contributors.length,
					datanet: 0n,
					vetoer: chain.steward.address,
					minStake: config.stake,
				}),
			);
			epoch = opened.epoch;
			await journal.keep(name, { epoch: epoch.toString() });
		} else {
			epoch = BigInt(known.epoch);
		}
		const turn = new Turn(parts, epoch, steward);
		await turn.write("policy.json", policy);
		await turn.write("screening.json", data.screening);
		return turn;
	}

	/** Words of a payout page. */
	get pageSize(): number {
		return payoutPlaces(epochStatements(this.parts.data.set).payout);
	}

	/** Registers a manifest unless it is there. */
	async record(client: LedgerClient, kind: RecordKind, manifest: unknown, parent?: string): Promise<{ id: string; digest: Hex }> {
		const { chain } = this.parts;
		const digest = jsonDigest(manifest);
		const id = recordId(client.address, kind, digest);
		if ((await chain.reader.record(id)) === undefined) {
			await chain.act(`register ${kind}`, () => client.registerRecord(parent === undefined ? { kind, digest } : { kind, digest, parent }));
		}
		return { id, digest };
	}

	/** A proof that belongs to the epoch. */
	plan(role: EpochStatement, name: string, instance: ProofPlan["instance"]): ProofPlan {
		return { role, name, instance, context: epochContext(this.parts.chain.deployment, role, this.epoch) as Hex };
	}

	async prove(plan: ProofPlan): Promise<MadeProof> {
		return this.proofs.alone(plan);
	}

	async proveTogether(phase: string, plans: readonly ProofPlan[]): Promise<MadeProof[]> {
		this.report(phase, 0, plans.length, "committing");
		return this.proofs.together(plans, (count) => this.report(phase, count, plans.length, "proofs made"));
	}

	/** Writes a file of the epoch's part of the bundle. */
	async write(name: string, value: unknown): Promise<void> {
		await writeJson(join(this.parts.staging, "epochs", this.epoch.toString(), name), value);
	}

	/** The same for a file that is no JSON. */
	async writeBytes(name: string, bytes: Uint8Array): Promise<void> {
		await writeWhole(join(this.parts.staging, "epochs", this.epoch.toString(), name), bytes);
	}

	report(phase: string, done: number, total: number, note: string): void {
		const { turn, config, progress } = this.parts;
		progress({ phase, done, total, note: config.epochs > 1 ? `epoch ${turn + 1} of ${config.epochs}: ${note}` : note });
	}
}
