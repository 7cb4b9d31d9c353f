/** What an audit knows of a bundle: its files, the keys that it carries, and whether a proof is what it says. */
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ParameterSet, Role } from "../../../circuits/parameters.ts";
import type { Deployment } from "../../../ledger/deployment.ts";
import type { VerificationKey } from "../../../prover/verification-key.ts";
import { verifyProof } from "../../../prover/verify.ts";
import { Broken, same } from "../broken.ts";
import { type BundleIndex, type ProofFile, readPart } from "../bundle.ts";
import { EpochError } from "../errors.ts";
import type { Hex } from "../json.ts";

export interface Model {
	readonly schema: string;
	/** Its manifest. */
	readonly backbone: unknown;
	readonly quantisation: unknown;
	readonly epoch: string;
	readonly head: { readonly d: number; readonly k: number; readonly features: number; readonly exponent: number; readonly lambda: string };
}

export interface Policy {
	readonly schema: string;
	readonly steward: string;
	readonly parameters: Omit<ParameterSet, "lambda"> & { readonly lambda: string };
	readonly queryLabels: string;
	readonly stake: string;
	readonly defence: unknown;
	/** Digest of screening.json. */
	readonly screening: Hex;
}

export interface Training {
	readonly schema: string;
	readonly model: Hex;
	readonly datasets: readonly Hex[];
	readonly lambda: string;
}

export interface Checkpoint {
	readonly schema: string;
	readonly training: Hex;
	readonly modelCommit: string;
	readonly head: readonly string[];
}

export interface QueryLog {
	readonly schema: string;
	readonly model: string;
	readonly labels: string;
	readonly rowsCommits: readonly string[];
	readonly entries: readonly { readonly fee: number }[];
}

/** An opened bundle. */
export class Evidence {
	readonly index: BundleIndex;
	readonly keys = new Map<Role, VerificationKey>();
	private readonly folder: string;
	private known: Deployment | undefined;

	constructor(folder: string, index: BundleIndex) {
		this.folder = folder;
		this.index = index;
	}

	/** @throws Broken before it was set */
	get deployment(): Deployment {
		return present("the deployment", this.known);
	}

	set deployment(deployment: Deployment) {
		this.known = deployment;
	}

	/** @throws Broken when the bundle has no good one */
	key(role: Role): VerificationKey {
		return present(`the key of ${role}`, this.keys.get(role));
	}

	/** Reads a JSON file of the bundle. @throws EpochError BUNDLE_MISSING */
	async part<T>(path: string): Promise<T> {
		await access(join(this.folder, path)).catch(() => missing(path));
		return readPart<T>(this.folder, path);
	}

	/** Reads a file of the bundle that is no JSON. @throws EpochError BUNDLE_MISSING */
	async bytes(path: string): Promise<Uint8Array> {
		return readFile(join(this.folder, path)).catch(() => missing(path));
	}

	/** @throws Broken when a proof file is of something else; ProofInvalid when its proof does not hold */
	proof(file: ProofFile, role: Role, context: string): void {
		const key = this.key(role);
		same("schema", file.schema, "openledger.proof.v1");
		same("role", file.role, role);
		same("circuit", file.circuitId, key.circuitId);
		same("context", file.context, context);
		same("names of the public signals", Object.keys(file.publics), [...key.publics]);
		same("names of the links", Object.keys(file.links), [...key.links]);
		verifyProof(key, {
			context: context as Hex,
			publics: Object.values(file.publics).map(BigInt),
			links: Object.values(file.links).map(BigInt),
			words: file.words.map(BigInt),
			transcript: file.transcript,
			proof: file.proof,
		});
	}
}

/** Proofs share one transcript, which says that they had one challenge; that each belongs to it is part of its own check. @throws Broken */
export function together(files: readonly ProofFile[]): void {
	const [first] = files as [ProofFile];
	same("proofs of the transcript", first.transcript.length, files.length);
	for (const file of files) {
		same(`transcript of ${file.role}`, file.transcript, first.transcript);
	}
}

function missing(path: string): never {
	throw new EpochError("BUNDLE_MISSING", `expected the file ${path}, got none`, "Get the whole bundle again.");
}

function present<T>(what: string, value: T | undefined): T {
	if (value === undefined) {
		throw new Broken(`${what} is missing or broken`);
	}
	return value;
}
