/**
 * A job as it is stored: its kind, the key that it needs, and the secret octets that it is about.
 *
 * - "groth16": the octets are a .wtns file; the proof is snarkjs' for the same key.
 * - "statement": the octets are JSON of everything that the pool's `prove` takes but the key, bigints as decimal strings.
 *
 * Keys are large and public: a job names its key by the SHA-256 of the .zkey file, and is run by provers that have that file.
 * The id of a job follows from its content, so that the same job submitted twice is one job.
 */
import { createHash } from "node:crypto";
import type { Circuit } from "../../circuits/circuit.ts";
import { ProverError } from "../errors.ts";
import type { ProveJob } from "../pool/pool.ts";
import type { Inputs, InputValue } from "../witness.ts";
import type { JobFamily } from "./family.ts";

/** A job on its way into the store. */
export interface Submission {
	/** of proofs: "groth16" or "statement" */
	readonly kind: string;
	/** what a job needs of whoever runs it, at most 100 letters, digits and `/_.-`; of proofs: the SHA-256 of the .zkey file, 64 hex digits */
	readonly key: string;
	/** at most {@link MAX_OCTETS}; deleted once the result is stored */
	readonly octets: Uint8Array;
}

/** What a statement's proof is about, without circuit files and key, which are the prover's. */
export type StatementJob = Pick<ProveJob, "inputs" | "context" | "words" | "links" | "publics" | "together"> & {
	readonly circuit: Circuit;
	/** digest of the compiled circuit, as in {@link CompiledCircuit} */
	readonly digest: string;
};

/** A witness of 2^22 wires has 134 MB; JSON and the database's protocol double what is sent. */
export const MAX_OCTETS = 2 ** 27 + 2 ** 20;

const SCHEMA = "openledger.jobs.statement.v1";
const DIGEST = /^[0-9a-f]{64}$/;

/**
 * A plain Groth16 proof.
 * @param key SHA-256 of the .zkey file, hex
 * @param witness content of the .wtns file
 */
export function groth16Submission(key: string, witness: Uint8Array): Submission {
	return { kind: "groth16", key, octets: witness };
}

/**
 * A proof of a statement.
 * @param key SHA-256 of the .zkey file, hex
 * @param job as the pool takes it; its key's path does not travel
 */
export function statementSubmission(key: string, job: Omit<ProveJob, "key" | "signal" | "onProgress" | "threads">): Submission {
	const { circuit, inputs, context, words, links, publics, together } = job;
	const statement: StatementJob = {
		circuit: circuit.circuit,
		digest: circuit.digest,
		inputs,
		context,
		words,
		...(links ? { links } : {}),
		...(publics ? { publics } : {}),
		...(together ? { together } : {}),
	};
	const text = JSON.stringify({ schema: SCHEMA, ...statement }, (_name, value) => (typeof value === "bigint" ? value.toString() : value));
	return { kind: "statement", key, octets: Buffer.from(text) };
}

/**
 * Reads what {@link statementSubmission} wrote.
 * @throws ProverError `jobs.format` for another schema or a misshapen field
 */
export function parseStatement(octets: Uint8Array): StatementJob {
	const fields = parseFields(octets);
	if (fields.schema !== SCHEMA) throw misshapen("schema", SCHEMA, fields.schema);
	const text = (name: string, pattern: RegExp): string => {
		const value = fields[name];
		if (typeof value !== "string" || !pattern.test(value)) throw misshapen(name, `a string like ${pattern.source}`, value);
		return value;
	};
	const list = (name: string): bigint[] => integers(name, fields[name]);
	const { circuit, inputs, links, publics, together } = fields;
	if (!isRecord(circuit)) throw misshapen("circuit", "an object", circuit);
	if (!isRecord(inputs)) throw misshapen("inputs", "an object", inputs);
	if (links !== undefined && !Array.isArray(links)) throw misshapen("links", "a list of lists", links);
	return {
		circuit: circuit as unknown as Circuit,
		digest: text("digest", DIGEST),
		inputs: Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, inputValue(name, value)])) as Inputs,
		context: text("context", /^0x[0-9a-f]{64}$/i) as `0x${string}`,
		words: list("words"),
		...(links === undefined ? {} : { links: links.map((entries, index) => integers(`links[${index}]`, entries)) }),
		...(publics === undefined ? {} : { publics: list("publics") }),
		...(together === undefined ? {} : { together: parseTogether(together) }),
	};
}

/** Jobs of proofs: the store of `openledger pool`. */
export const PROOFS: JobFamily = {
	name: "proofs",
	schema: "openledger_jobs",
	bossSchema: "openledger_boss",
	variable: "OPENLEDGER_JOBS",
	folder: "jobs",
	command: "openledger pool",
	check: checkSubmission,
};

/**
 * Checks the submission of a proof before it is stored.
 * @throws ProverError `jobs.format` for an unknown kind, a key that is no digest or no octets; `jobs.size` for more than {@link MAX_OCTETS}
 */
export function checkSubmission({ kind, key, octets }: Submission): void {
	if (kind !== "groth16" && kind !== "statement") throw misshapen("kind", "groth16 or statement", kind);
	if (!DIGEST.test(key)) throw misshapen("key", "the SHA-256 of a .zkey file, 64 lower-case hex digits", key);
	if (octets.length === 0) throw misshapen("octets", "at least one octet", octets.length);
	if (octets.length > MAX_OCTETS) {
		throw new ProverError("jobs.size", `submit: expected at most ${MAX_OCTETS} octets, got ${octets.length}`, {
			hint: "prove a circuit of this size without the store: openledger prove",
		});
	}
	if (kind === "statement") parseStatement(octets);
}

/** What makes two submissions the same job, 32 bytes. */
export function contentDigest({ kind, key, octets }: Submission): Buffer {
	return createHash("sha256").update(`openledger.jobs.content.v1/${kind}/${key}/`).update(octets).digest();
}

/** @returns the id of a job that was submitted without one: a UUID of version 8 from its content */
export function contentId(submission: Submission): string {
	const bytes = contentDigest(submission).subarray(0, 16);
	bytes[6] = 0x80 | ((bytes[6] as number) & 0x0f);
	bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
	return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function parseFields(octets: Uint8Array): Record<string, unknown> {
	try {
		const value: unknown = JSON.parse(Buffer.from(octets).toString());
		if (isRecord(value)) return value;
	} catch {
		// Told below, without the octets: they are secret.
	}
	throw new ProverError("jobs.format", `parseStatement: expected a JSON object of schema ${SCHEMA}, got ${octets.length} other octets`);
}

function parseTogether(value: unknown): NonNullable<StatementJob["together"]> {
	const { opening, transcript } = isRecord(value) ? value : {};
	if (!isRecord(opening) || !Array.isArray(transcript)) throw misshapen("together", "an opening and a transcript", typeof value);
	return { opening: { ...opening, blind: integer("blind", opening.blind) }, transcript } as unknown as NonNullable<
		StatementJob["together"]
	>;
}

function inputValue(name: string, value: unknown): InputValue {
	return Array.isArray(value) ? value.map((item) => inputValue(name, item)) : integer(`input ${name}`, value);
}

function integers(name: string, value: unknown): bigint[] {
	if (!Array.isArray(value)) throw misshapen(name, "a list of decimal strings", typeof value);
	return value.map((item) => integer(name, item));
}

function integer(name: string, value: unknown): bigint {
	if (typeof value !== "string" || !/^-?\d{1,78}$/.test(value)) throw misshapen(name, "a decimal string", typeof value);
	return BigInt(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function misshapen(name: string, expected: string, got: unknown): ProverError {
	return new ProverError("jobs.format", `submit: expected ${name} to be ${expected}, got ${String(got)}`);
}
