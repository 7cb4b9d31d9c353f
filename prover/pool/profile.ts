/**
 * What this machine does best, as `openledger pool tune` measured it, and how the pool follows it.
 *
 * A profile is about speed alone, so a pool never fails for it: without one, with one that cannot be read or with one of another machine it uses
 * defaults, and {@link Plan.note} says why.
 */
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { cacheRoot } from "../artefact.ts";
import { ProverError } from "../errors.ts";

/** What a profile was measured on. Figures of another machine, Node or engine say nothing. */
export interface Fingerprint {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGB: number;
	readonly node: string;
	/** SHA-256 of the engine's files, hex, cut to 16 digits */
	readonly engine: string;
}

/** One measured way to prove. */
export interface Trial {
	/** proofs at once */
	readonly proofs: number;
	/** threads of the engine for each */
	readonly threads: number;
	/** wall seconds for each proof that comes out; with two at once half of what one takes */
	readonly secondsPerProof: number;
	readonly cpuSecondsPerProof: number;
	/** largest memory of the whole process */
	readonly peakBytes: number;
}

/** The best of the trials for one size of circuit. */
export interface SizeProfile {
	/** log2 of the domain */
	readonly log: number;
	/** threads for a job that is alone */
	readonly single: number;
	/** for jobs that are not alone */
	readonly batch: { readonly proofs: number; readonly threads: number };
	readonly trials: readonly Trial[];
}

/** The file. */
export interface Profile {
	readonly schema: "openledger.pool.profile.v1";
	readonly machine: Fingerprint;
	/** ISO date */
	readonly made: string;
	/** by size, ascending, at least one */
	readonly sizes: readonly SizeProfile[];
}

/** What a pool does with a job of a given size. */
export interface Plan {
	/** where the plan comes from, in words */
	readonly note: string;
	/** @param log log2 of the domain */
	choose(log: number): Pick<SizeProfile, "single" | "batch">;
}

const SCHEMA = "openledger.pool.profile.v1";
const HINT = "make it again with `openledger pool tune`";

/** Where the profile lies. */
export function profilePath(root = cacheRoot()): string {
	return join(root, "pool", "profile.json");
}

/** @returns this machine's, with this engine */
export function fingerprint(): Fingerprint {
	const folder = new URL("../engine/", import.meta.url);
	const digest = createHash("sha256");
	for (const name of readdirSync(folder).sort()) {
		if (/(?<!\.test|\.slow\.test|\.d)\.(ts|js)$/.test(name)) digest.update(name).update(readFileSync(new URL(name, folder)));
	}
	return {
		cpu: cpus()[0]?.model.trim() ?? "unknown",
		cores: availableParallelism(),
		memoryGB: Math.round(totalmem() / 2 ** 30),
		node: process.version,
		engine: digest.digest("hex").slice(0, 16),
	};
}

/**
 * Reads a profile.
 * @returns undefined when there is none
 * @throws ProverError `pool.profile` when it cannot be read or is not a profile
 */
export function readProfile(path = profilePath()): Profile | undefined {
	try {
		return parseProfile(JSON.parse(readFileSync(path, "utf8")));
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw new ProverError("pool.profile", `readProfile: expected a profile at ${path}, got ${(cause as Error).message}`, {
			hint: HINT,
			cause,
		});
	}
}

/** Writes a profile beside its place and renames it. */
export async function writeProfile(profile: Profile, path = profilePath()): Promise<void> {
	const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
	try {
		await mkdir(dirname(path), { recursive: true });
		await writeFile(temporary, `${JSON.stringify(profile, null, "\t")}\n`);
		await rename(temporary, path);
	} catch (error) {
		await rm(temporary, { force: true });
		throw error;
	}
}

/** The plan of a machine with a profile, or without. Never throws. */
export function planFor(path = profilePath()): Plan {
	let reason: string;
	try {
		const profile = readProfile(path);
		const differs = profile && differences(profile.machine, fingerprint());
		if (profile && differs?.length === 0) {
			return { note: `profile ${path} of ${profile.made}`, choose: (log) => sizeFor(profile, log) };
		}
		reason = differs ? `${path} was measured on another ${differs.join(", ")}` : "there is no profile";
	} catch (error) {
		reason = (error as Error).message;
	}
	return defaultPlan(availableParallelism(), `defaults: ${reason}; \`openledger pool tune\` makes one`);
}

/**
 * A plan without measurements: the cores are shared by `proofs` proofs, a job alone has them all.
 * @param proofs at once, at least 1
 */
export function defaultPlan(proofs: number, note: string): Plan {
	const cores = availableParallelism();
	const size = { single: cores, batch: { proofs, threads: Math.max(1, Math.floor(cores / proofs)) } };
	return { note, choose: () => size };
}

/** The smallest measured size that is not below; for larger circuits the largest. */
function sizeFor({ sizes }: Profile, log: number): SizeProfile {
	return (sizes.find((size) => size.log >= log) ?? sizes.at(-1)) as SizeProfile;
}

function differences(measured: Fingerprint, here: Fingerprint): string[] {
	return (Object.keys(here) as (keyof Fingerprint)[]).filter((name) => measured[name] !== here[name]);
}

function parseProfile(value: unknown): Profile {
	const profile = value as Profile;
	const isCount = (count: unknown): boolean => Number.isInteger(count) && (count as number) >= 1;
	if (profile?.schema !== SCHEMA) throw new TypeError(`schema ${JSON.stringify(profile?.schema)}`);
	if (typeof profile.machine !== "object" || typeof profile.made !== "string") throw new TypeError("no machine or date");
	const { sizes } = profile;
	if (!Array.isArray(sizes) || sizes.length === 0) throw new TypeError("no sizes");
	sizes.forEach((size: SizeProfile, index) => {
		const before = index === 0 ? 0 : (sizes[index - 1] as SizeProfile).log;
		if (isCount(size?.log) && size.log > before && isCount(size.single) && isCount(size.batch?.proofs) && isCount(size.batch.threads))
			return;
		throw new TypeError(`a size without sound counts at place ${index}`);
	});
	return profile;
}
