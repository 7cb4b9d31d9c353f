/**
 * What an auditor gets: one folder per run, every file but a backbone's weights JSON, versioned and named by its schema.
 *
 *     bundle.json                    index: SHA-256 of every other file
 *     deployment.json                contracts and verifiers
 *     keys/ROLE.json                 verification keys
 *     report.json                    figures of the run: machine-dependent, nothing is derived from them
 *     epochs/N/policy.json ...       manifests whose digests stand on chain
 *     epochs/N/backbone.weights      of a network, whose digest stands in model.json
 *     epochs/N/screening.json        which rows count nothing, and who is left out, by the policy
 *     epochs/N/proofs/NAME.json      proofs with public signals by name and words
 *     epochs/N/payouts.json          scores, pool, words, root, claims
 *     epochs/N/contributors.json     who was paid and why
 *     epochs/N/transactions.json     what was sent
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Role } from "../../circuits/parameters.ts";
import type { Proof } from "../../prover/proof.ts";
import { EpochError } from "./errors.ts";
import { type Hex, readJson, writeJson } from "./json.ts";

/** A proof with all that is needed to check it. Numbers are decimal strings. */
export interface ProofFile {
	readonly schema: "openledger.proof.v1";
	readonly role: Role;
	readonly circuitId: Hex;
	readonly context: Hex;
	/** By name, in the order of the key. */
	readonly publics: Readonly<Record<string, string>>;
	/** By name, in the order of the key. */
	readonly links: Readonly<Record<string, string>>;
	readonly words: readonly string[];
	/** Digests of all proofs that were made together with this one; empty when it was made alone. */
	readonly transcript: readonly Hex[];
	readonly proof: Proof;
}

export interface DatasetManifest {
	readonly schema: "openledger.dataset.v1";
	readonly contributor: string;
	readonly owner: string;
	/** That count: of the rows that were committed, those that the screening left their weight. */
	readonly rows: number;
	readonly features: readonly string[];
	readonly quantisation: Hex;
	readonly rowsCommit: string;
	readonly licence: string;
}

export interface PayoutsFile {
	readonly schema: "openledger.payouts.v1";
	/** One per contribution, in order. */
	readonly scores: readonly string[];
	/** A score of 1 is this drop of the mean query loss. */
	readonly scoreUnit: number;
	readonly lossBefore: number;
	readonly lossAfter: number;
	readonly pool: string;
	readonly dust: string;
	readonly words: readonly string[];
	/** Words of a payout page, the last one excepted. */
	readonly pageSize: number;
	/** Root of each page's claim tree. */
	readonly roots: readonly Hex[];
	/** Siblings of each word's leaf. */
	readonly claims: readonly (readonly string[])[];
}

export interface ContributorLine {
	readonly index: number;
	readonly address: string;
	readonly owner: string;
	readonly rows: number;
	readonly score: string;
	/** Of the sum of positive scores; negative for a charge. */
	readonly share: number;
	/** wei */
	readonly paid: string;
	readonly charged: string;
	/** What the stake did not cover of the charge. */
	readonly shortfall: string;
	readonly stakeReturned: string;
	readonly claimed: boolean;
	/** Hash of the transaction that settled the word, or null. */
	readonly transaction: string | null;
}

export interface ContributorsFile {
	readonly schema: "openledger.contributors.v1";
	readonly contributors: readonly ContributorLine[];
	/** wei; pool = paid + unclaimed + dustCarried + returned + dust */
	readonly accounting: {
		readonly pool: string;
		readonly paid: string;
		readonly unclaimed: string;
		readonly dust: string;
		readonly dustCarried: string;
		readonly returned: string;
		readonly charged: string;
	};
}

export interface TransactionLine {
	readonly action: string;
	readonly hash: string;
	readonly block: number;
	readonly gasUsed: string;
}

export interface BundleIndex {
	readonly schema: "openledger.bundle.v1";
	readonly chainId: number;
	/** Ids of the epochs, in order. */
	readonly epochs: readonly string[];
	/** SHA-256 of every other file, by its path with forward slashes. */
	readonly files: Readonly<Record<string, string>>;
}

/** Top-level names that belong to a bundle; nothing else in the folder is touched. */
const PARTS = ["bundle.json", "deployment.json", "report.json", "keys", "epochs"];

/** Files of a folder below `PARTS`, as sorted relative paths with forward slashes. */
export async function bundleFiles(folder: string): Promise<string[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
		.filter((path) => PARTS.includes(path.split("/")[0] as string))
		.sort();
}

export async function sha256File(path: string): Promise<string> {
	return createHash("sha256")
		.update(await readFile(path))
		.digest("hex");
}

/** Writes the index of the files in `staging` and moves everything to `folder`, the index last. */
export async function publishBundle(staging: string, folder: string, chainId: number, epochs: readonly string[]): Promise<void> {
	const files: Record<string, string> = {};
	for (const path of await bundleFiles(staging)) {
		files[path] = await sha256File(join(staging, path));
	}
	const index: BundleIndex = { schema: "openledger.bundle.v1", chainId, epochs, files };
	await writeJson(join(staging, "bundle.json"), index);
	for (const part of PARTS) {
		await rm(join(folder, part), { recursive: true, force: true });
	}
	for (const part of PARTS.toReversed()) {
		await rename(join(staging, part), join(folder, part));
	}
	await rm(staging, { recursive: true, force: true });
}

/** Reads the index. @throws EpochError BUNDLE_MISSING, FILE_DAMAGED */
export async function readIndex(folder: string): Promise<BundleIndex> {
	const index = (await readJson(join(folder, "bundle.json"))) as BundleIndex | undefined;
	if (index === undefined || index.schema !== "openledger.bundle.v1") {
		throw new EpochError(
			"BUNDLE_MISSING",
			`${folder}: expected a bundle (bundle.json with schema openledger.bundle.v1), got ${index === undefined ? "none" : String(index.schema)}`,
			"Give the folder that `openledger epoch run --out` wrote; an unfinished run has no bundle yet: run it again to continue.",
		);
	}
	const { epochs, files } = index;
	if (
		!Array.isArray(epochs) ||
		!epochs.every((epoch) => typeof epoch === "string" && /^[1-9]\d*$/.test(epoch)) ||
		typeof files !== "object" ||
		files === null
	) {
		throw new EpochError(
			"FILE_DAMAGED",
			`${join(folder, "bundle.json")}: expected a list of epochs and of files, got others`,
			"Get the whole bundle again.",
		);
	}
	return index;
}

/** Reads a JSON file of a bundle. @throws EpochError BUNDLE_MISSING */
export async function readPart<T>(folder: string, path: string): Promise<T> {
	const value = await readJson(join(folder, path));
	if (value === undefined) {
		throw new EpochError("BUNDLE_MISSING", `${folder}: expected the file ${path}, got none`, "Get the whole bundle again.");
	}
	return value as T;
}
