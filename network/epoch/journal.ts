/**
 * The private side of a run: a secret that salts and wallets are derived from, and every finished proof.
 * A run that was stopped finds its proofs here by what they prove, so none is made twice.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import type { Transcript } from "../../prover/challenge.ts";
import type { ProveJob, ProverPool } from "../../prover/pool/pool.ts";
import type { Opening } from "../../prover/pool/statement.ts";
import type { Proof } from "../../prover/proof.ts";
import { verifyProof } from "../../prover/verify.ts";
import { type Hex, readJson, writeJson } from "./json.ts";
import type { CircuitKey } from "./keys.ts";

export interface ProofRecord {
	readonly proof: Proof;
	/** Decimal. */
	readonly links: readonly string[];
	readonly witnessMs: number;
	readonly proveMs: number;
}

/** One proof to be made. */
export interface JournalJob {
	readonly key: CircuitKey;
	readonly instance: Instance;
	readonly context: Hex;
}

/** What a proof is about: two jobs with the same are the same. */
function about({ key, instance, context }: JournalJob): string {
	return [key.key.verification.circuitId, context, ...instance.publics, "words", ...instance.words].join(" ");
}

function proveJob({ key: { circuit, key }, instance, context }: JournalJob, signal: AbortSignal | undefined): ProveJob {
	const { inputs, words, links } = instance;
	return { circuit, key, inputs, context, words, links, ...(signal === undefined ? {} : { signal }) };
}

function sha256(text: string): string {
	return createHash("sha256").update(text).digest("hex");
}

export class Journal {
	private readonly folder: string;
	private readonly secret: Uint8Array;

	private constructor(folder: string, secret: Uint8Array) {
		this.folder = folder;
		this.secret = secret;
	}

	/**
	 * Opens the journal of a run in `folder`, or starts one. A journal of another run (other options, data or circuits, told by `plan`) is cleared.
	 * @returns the journal, and whether it continues a run
	 */
	static async open(folder: string, plan: Hex): Promise<{ journal: Journal; resumed: boolean }> {
		const path = join(folder, "journal.json");
		const found = (await readJson(path)) as { plan: Hex; secret: string } | undefined;
		if (found?.plan === plan) {
			return { journal: new Journal(folder, Buffer.from(found.secret, "hex")), resumed: true };
		}
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true, mode: 0o700 });
		const secret = randomBytes(32);
		await writeJson(path, { schema: "openledger.journal.v1", plan, secret: secret.toString("hex") });
		return { journal: new Journal(folder, secret), resumed: false };
	}

	/** 32 bytes that belong to `name` in this run. */
	derive(name: string): Buffer {
		return createHash("sha512").update(this.secret).update(name).digest().subarray(0, 32);
	}

	/** A random-looking field element that belongs to `name`: the salt of a commitment. */
	salt(name: string): bigint {
		return BigInt(`0x${createHash("sha512").update(this.secret).update(name).digest("hex")}`) % FIELD;
	}

	/** A proof with a challenge of its own: the finished one if there is one that verifies, else a new one, kept. */
	async prove(pool: ProverPool, job: JournalJob, signal: AbortSignal | undefined): Promise<ProofRecord> {
		return this.finished(pool, job, about(job), undefined, signal);
	}

	/**
	 * Proofs with one challenge. The commitments are kept before any proof is made, so a run that was stopped goes on under the same challenge.
	 * @param done is told how many are finished
	 */
	async proveTogether(
		pool: ProverPool,
		jobs: readonly JournalJob[],
		signal: AbortSignal | undefined,
		done: (count: number) => void,
	): Promise<{ records: ProofRecord[]; transcript: Transcript }> {
		const path = join(this.folder, "proofs", `together-${sha256(jobs.map(about).join("\n"))}.json`);
		const kept = (await readJson(path)) as (Omit<Opening, "blind"> & { blind: string })[] | undefined;
		const openings: Opening[] =
			kept?.map((opening) => ({ ...opening, blind: BigInt(opening.blind) })) ??
			(await Promise.all(jobs.map((job) => pool.commit(proveJob(job, signal)))));
		if (kept === undefined) {
			await writeJson(
				path,
				openings.map((opening) => ({ ...opening, blind: opening.blind.toString() })),
			);
		}
		const transcript = openings.map(({ digest }) => digest);
		let count = 0;
		const records = await Promise.all(
			jobs.map(async (job, i) => {
				const opening = openings[i] as Opening;
				const record = await this.finished(pool, job, [opening.digest, ...transcript].join(" "), { opening, transcript }, signal);
				count++;
				done(count);
				return record;
			}),
		);
		return { records, transcript };
	}

	private async finished(
		pool: ProverPool,
		job: JournalJob,
		name: string,
		together: ProveJob["together"],
		signal: AbortSignal | undefined,
	): Promise<ProofRecord> {
		const { key, instance, context } = job;
		const path = join(this.folder, "proofs", `${sha256(name)}.json`);
		const found = (await readJson(path)) as ProofRecord | undefined;
		if (found !== undefined) {
			verifyProof(key.key.verification, {
				context,
				publics: instance.publics,
				links: found.links.map(BigInt),
				words: instance.words,
				transcript: together?.transcript ?? [],
				proof: found.proof,
			});
			return found;
		}
		const made = await pool.prove({ ...proveJob(job, signal), ...(together === undefined ? {} : { together }) });
		const record: ProofRecord = { proof: made.proof, links: made.links.map(String), witnessMs: made.witnessMs, proveMs: made.proveMs };
		await writeJson(path, record);
		return record;
	}

	/** A JSON value of the run, kept under `name`. */
	async keep(name: string, value: unknown): Promise<void> {
		await writeJson(join(this.folder, `${name}.json`), value);
	}

	async recall(name: string): Promise<unknown> {
		return readJson(join(this.folder, `${name}.json`));
	}

	/**
	 * Ends the run: the next one in this folder is a new one. The secret stays as opening.json: contributors open their commitments with it.
	 */
	async finish(): Promise<void> {
		await rename(join(this.folder, "journal.json"), join(this.folder, "opening.json"));
		await rm(join(this.folder, "proofs"), { recursive: true, force: true });
	}
}
