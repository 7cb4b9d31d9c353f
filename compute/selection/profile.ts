/**
 * What the backends of this machine are worth, as `openledger compute tune` found it: which are exact on which device and driver, and how fast
 * each kernel is. Figures of another machine, Node.js or source say nothing, so they are not used.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, cpus, totalmem } from "node:os";
import { dirname } from "node:path";
import type { Adapter, BackendName } from "../backend.ts";
import type { Mismatch } from "../conformance.ts";
import type { Deviation } from "../deviation.ts";
import { DataError } from "../errors.ts";
import { writeWhole } from "../whole-file.ts";
import type { Timing } from "./measurement.ts";

/** What a profile was measured on. */
export interface Fingerprint {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGB: number;
	readonly node: string;
	/** SHA-256 of the kernels' sources and of the versions of the packages below them, hex, cut to 16 digits. */
	readonly kernels: string;
}

/** What came out of a backend's trial. The deviation is that of the kernel of floats that is farthest from the reference. */
export type Verdict =
	| { readonly status: "exact"; readonly deviation: Deviation }
	/** The first of its known answers that is wrong, and how many are. */
	| { readonly status: "inexact"; readonly mismatch: Mismatch; readonly wrong: number; readonly deviation: Deviation }
	/** It was opened; no answers were asked. */
	| { readonly status: "unchecked" }
	/** It did not open, it failed later, its process ended, did not end, or said what nobody understands. */
	| { readonly status: "unavailable" | "failed" | "crashed" | "timeout" | "garbled"; readonly message: string; readonly hint: string };

/** A backend on a device. */
export interface Entry {
	readonly name: BackendName;
	/** Undefined if it did not come so far. */
	readonly adapter: Adapter | undefined;
	/** ISO date. */
	readonly made: string;
	readonly verdict: Verdict;
	readonly timings: readonly Timing[];
}

/** The file. */
export interface Profile {
	readonly schema: typeof SCHEMA;
	readonly machine: Fingerprint;
	/** One for each backend, device and driver. */
	readonly entries: readonly Entry[];
}

const SCHEMA = "openledger.compute.profile.v1";
const HINT = "Make it again with `openledger compute tune`.";
/** Folders of kernels, seen from here; what is missing from a package is missing from the digest. */
const SOURCES = ["../", "../reference/", "../wasm/", "../gpujs/", "../webgpu/", "../../webassembly/"];
const PACKAGES = ["gpu.js", "webgpu"];

/** This machine's, with these kernels. */
export function fingerprint(): Fingerprint {
	const digest = createHash("sha256");
	for (const folder of SOURCES.map((path) => new URL(path, import.meta.url))) {
		for (const name of readdirSync(folder).sort()) {
			if (/(?<!\.test|\.d)\.(ts|js)$/.test(name)) digest.update(name).update(readFileSync(new URL(name, folder)));
		}
	}
	const require = createRequire(import.meta.url);
	for (const name of PACKAGES) digest.update(`${name} ${require(`${name}/package.json`).version}`);
	return {
		cpu: cpus()[0]?.model.trim() ?? "unknown",
		cores: availableParallelism(),
		memoryGB: Math.round(totalmem() / 2 ** 30),
		node: process.version,
		kernels: digest.digest("hex").slice(0, 16),
	};
}

/**
 * Read a profile.
 * @returns undefined when there is none
 * @throws {DataError} FILE_DAMAGED when it cannot be read or is not a profile
 */
export function readProfile(path: string): Profile | undefined {
	try {
		return parseProfile(JSON.parse(readFileSync(path, "utf8")));
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw new DataError("FILE_DAMAGED", `${path}: expected a profile of backends, got ${(cause as Error).message}`, HINT, cause);
	}
}

/** A profile, or the reason for doing without one. */
export type Knowledge = { readonly profile: Profile; readonly note: string } | { readonly profile: undefined; readonly note: string };

/** The profile of this machine, if it holds. Never throws: a profile is about speed, and exactness can be asked again. */
export function currentProfile(path: string, here = fingerprint()): Knowledge {
	let reason: string;
	try {
		const profile = readProfile(path);
		const differs = profile && differences(profile.machine, here);
		if (profile && differs?.length === 0) return { profile, note: `profile ${path}` };
		reason = differs ? `${path} was measured with another ${differs.join(", ")}` : "there is no profile";
	} catch (error) {
		reason = (error as Error).message;
	}
	return { profile: undefined, note: `${reason}; \`openledger compute tune\` makes one` };
}

/** Write a profile beside its place and rename it. */
export async function writeProfile(profile: Profile, path: string): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	await writeWhole(path, `${JSON.stringify(profile, null, "\t")}\n`);
}

/**
 * A profile with what was just found: it takes the place of what was known of the same backend on the same device and driver, and of trials that
 * did not come so far as to name a device.
 * @param older - of the same machine, else it is dropped
 */
export function mergeEntries(older: Profile | undefined, entries: readonly Entry[], machine = fingerprint()): Profile {
	const kept = older && differences(older.machine, machine).length === 0 ? older.entries : [];
	const replaced = (entry: Entry) =>
		entries.some(({ name, adapter }) => name === entry.name && (!entry.adapter || !adapter || sameDevice(adapter, entry.adapter)));
	return { schema: SCHEMA, machine, entries: [...kept.filter((entry) => !replaced(entry)), ...entries] };
}

/** Whether two adapters are one device under one driver. */
export function sameDevice(one: Adapter, other: Adapter): boolean {
	return one.device === other.device && one.driver === other.driver;
}

function differences(measured: Fingerprint, here: Fingerprint): string[] {
	return (Object.keys(here) as (keyof Fingerprint)[]).filter((name) => measured[name] !== here[name]);
}

function parseProfile(value: unknown): Profile {
	const profile = value as Profile;
	if (profile?.schema !== SCHEMA) throw new TypeError(`schema ${JSON.stringify(profile?.schema)}`);
	if (typeof profile.machine !== "object" || profile.machine === null) throw new TypeError("no machine");
	if (!Array.isArray(profile.entries)) throw new TypeError("no entries");
	profile.entries.forEach((entry: Entry, at) => {
		const { name, made, verdict, timings } = entry ?? {};
		const sound =
			typeof name === "string" &&
			typeof made === "string" &&
			typeof verdict?.status === "string" &&
			Array.isArray(timings) &&
			timings.every(({ kernel, seconds, work }) => typeof kernel === "string" && seconds > 0 && work > 0);
		if (!sound) throw new TypeError(`an unsound entry at place ${at}`);
	});
	return profile;
}
