/** Makes the proofs of an epoch, alone or together, keeps their figures and writes their files. */
import type { Instance } from "../../circuits/circuit.ts";
import type { Role } from "../../circuits/parameters.ts";
import type { ProofCalldata } from "../../ledger/client.ts";
import type { Transcript } from "../../prover/challenge.ts";
import type { ProverPool } from "../../prover/pool/pool.ts";
import { toCalldata } from "../../prover/proof.ts";
import type { ProofFile } from "./bundle.ts";
import type { Journal, ProofRecord } from "./journal.ts";
import type { Hex } from "./json.ts";
import type { EpochKeys } from "./keys.ts";
import type { ProofFigure } from "./report.ts";

/** One proof to be made. */
export interface ProofPlan {
	readonly role: Role;
	/** Name of its file. */
	readonly name: string;
	readonly instance: Instance;
	readonly context: Hex;
}

/** A proof as a transaction takes it. */
export interface MadeProof {
	readonly publics: readonly bigint[];
	readonly links: readonly bigint[];
	readonly words: readonly bigint[];
	readonly proof: ProofCalldata;
	/** Empty when it was made alone. */
	readonly transcript: Transcript;
}

export class EpochProofs {
	readonly figures: ProofFigure[] = [];
	private readonly epoch: bigint;
	private readonly keys: EpochKeys;
	private readonly journal: Journal;
	private readonly pool: ProverPool;
	private readonly signal: AbortSignal | undefined;
	private readonly write: (name: string, file: ProofFile) => Promise<void>;

	constructor(
		epoch: bigint,
		parts: { readonly keys: EpochKeys; readonly journal: Journal; readonly pool: ProverPool; readonly signal: AbortSignal | undefined },
		write: (name: string, file: ProofFile) => Promise<void>,
	) {
		this.epoch = epoch;
		this.keys = parts.keys;
		this.journal = parts.journal;
		this.pool = parts.pool;
		this.signal = parts.signal;
		this.write = write;
	}

	/** One proof with a challenge of its own. */
	async alone(plan: ProofPlan): Promise<MadeProof> {
		const record = await this.journal.prove(this.pool, { ...plan, key: this.keys[plan.role] }, this.signal);
		return this.made(plan, record, []);
	}

	/** Proofs with one challenge, in order. `done` is told how many are finished. */
	async together(plans: readonly ProofPlan[], done: (count: number) => void): Promise<MadeProof[]> {
		const jobs = plans.map((plan) => ({ ...plan, key: this.keys[plan.role] }));
		const { records, transcript } = await this.journal.proveTogether(this.pool, jobs, this.signal, done);
		return Promise.all(plans.map((plan, i) => this.made(plan, records[i] as ProofRecord, transcript)));
	}

	private async made({ role, name, instance, context }: ProofPlan, record: ProofRecord, transcript: Transcript): Promise<MadeProof> {
		const { circuit, key } = this.keys[role];
		const named = (names: readonly string[], values: readonly (bigint | string)[]) =>
			Object.fromEntries(names.map((signal, i) => [signal, String(values[i])]));
		const publics = named(instance.circuit.publics, instance.publics);
		this.figures.push({
			epoch: this.epoch.toString(),
			name,
			statement: instance.circuit.statement,
			parameters: instance.circuit.id,
			constraints: circuit.counts.nonLinear + circuit.counts.linear,
			witnessMs: Math.round(record.witnessMs),
			proveMs: Math.round(record.proveMs),
			publicSignals: publics,
		});
		await this.write(`proofs/${name}.json`, {
			schema: "openledger.proof.v1",
			role,
			circuitId: key.verification.circuitId,
			context,
			publics,
			links: named(instance.circuit.links, record.links),
			words: instance.words.map(String),
			transcript,
			proof: record.proof,
		});
		return {
			publics: instance.publics,
			links: record.links.map(BigInt),
			words: instance.words,
			proof: toCalldata(record.proof),
			transcript,
		};
	}
}
