/**
 * The private side of a run: a secret that salts and wallets are derived from, and every finished proof.
 * A run that was stopped finds its proofs here by what they prove, so none is made twice.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import type { ProverPool } from "../../prover/pool.ts";
import type { Proof } from "../../prover/proof.ts";
import { verifyProof } from "../../prover/verify.ts";
import { type Hex, readJson, writeJson } from "./json.ts";
import type { CircuitKey } from "./keys.ts";

export interface ProofRecord {
	readonly proof: Proof;
	readonly witnessMs: number;
	readonly proveMs: number;
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

	/** The proof of `instance` in `context`: the finished one if there is one that verifies, else a new one, kept. */
	async prove(
		pool: ProverPool,
		{ circuit, key }: CircuitKey,
		instance: Instance,
		context: Hex,
		signal: AbortSignal | undefined,
	): Promise<ProofRecord> {
		const about = [key.verification.circuitId, context, ...instance.publics, "words", ...instance.words].join(" ");
		const path = join(this.folder, "proofs", `${createHash("sha256").update(about).digest("hex")}.json`);
		const found = (await readJson(path)) as ProofRecord | undefined;
		if (found !== undefined) {
			verifyProof(key.verification, { context, publics: instance.publics, words: instance.words, proof: found.proof });
			return found;
		}
		const { proof, witnessMs, proveMs } = await pool.prove({
			circuit,
			key,
			inputs: instance.inputs,
			context,
			words: instance.words,
			...(signal === undefined ? {} : { signal }),
		});
		const record = { proof, witnessMs, proveMs };
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
