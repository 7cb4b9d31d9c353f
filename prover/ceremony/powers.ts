/**
 * Files of powers of tau (.ptau): fetched by power, and held against their BLAKE2b-512.
 *
 * A download goes to `NAME.part` and is hashed as it comes. A part that is left over is continued by a range request, at the next mirror if
 * need be. Only a file with the right hash gets its name.
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheRoot } from "../artefact.ts";
import { Q } from "../bn254.ts";
import { readField, Sections } from "../engine/sections.ts";
import { CeremonyError } from "../errors.ts";
import { MIRRORS, PUBLISHED_POWERS, type PublishedPowers } from "./published.ts";

/** A file of powers of tau whose hash is known to be right. */
export interface PowersFile {
	readonly path: string;
	readonly power: number;
	/** BLAKE2b-512, hex */
	readonly blake2b: string;
	/** name under which it is published; absent for a ceremony of one's own */
	readonly published?: string;
}

export interface PowersProgress {
	/** bytes */
	readonly done: number;
	/** bytes; `done` while it is not known */
	readonly total: number;
	readonly note: string;
}

export interface PowersOptions {
	/** published files; default: {@link PUBLISHED_POWERS} */
	readonly table?: readonly PublishedPowers[];
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: PowersProgress) => void;
}

export interface FetchOptions extends PowersOptions {
	/** where the file goes; default: `ptau/NAME` in the cache */
	readonly out?: string;
	/** folders to fetch from, in turn; default: {@link MIRRORS} */
	readonly mirrors?: readonly string[];
	/** take what is there and fetch nothing */
	readonly offline?: boolean;
	/** milliseconds without a byte after which a mirror is given up; default: 30 s */
	readonly patience?: number;
}

const ROUNDS = 3;
const PATIENCE_MS = 30_000;
const HEADER = 1;
const POWER_OFFSET = 36;
/** Sections of snarkjs' `powersoftau prepare phase2`: Lagrange polynomials at tau. */
const PREPARED = [12, 13, 14, 15];

/**
 * Fetches a published file, or takes the one that is there.
 * @param power in `[8, 28]`
 * @returns the file, whose hash was compared in full
 * @throws CeremonyError `powers.missing` (no such power, no mirror answered, or offline), `powers.hash` (a file is there, or was served by every
 *   mirror, with another hash; nothing is kept); the signal's reason (the part is kept)
 */
export async function fetchPowers(power: number, options: FetchOptions = {}): Promise<PowersFile> {
	const { table = PUBLISHED_POWERS, mirrors = MIRRORS, offline = false } = options;
	const entry = table.find((one) => one.power === power);
	if (!entry) {
		throw new CeremonyError(
			"powers.missing",
			`fetchPowers: expected a power from ${table[0]?.power} to ${table.at(-1)?.power}, got ${power}`,
		);
	}
	const path = options.out ?? join(cacheRoot(), "ptau", entry.name);
	if (await exists(path)) return checkPowers(path, { ...options, blake2b: entry.blake2b });
	if (offline) {
		throw new CeremonyError("powers.missing", `fetchPowers: expected ${path}, got no file, and fetching is switched off`, {
			hint: `put ${entry.name} there, or run without --offline`,
		});
	}
	await mkdir(dirname(path), { recursive: true });
	await download(entry, path, mirrors, options);
	return { path, power, blake2b: entry.blake2b, published: entry.name };
}

/**
 * Reads a file in full and holds its hash against the published table, or against the one that the caller got from the ceremony's people.
 * @param options.blake2b 128 hex digits; default: any published hash
 * @throws CeremonyError `powers.missing`, `powers.hash`, `powers.format` (not prepared for phase 2, or not over BN254)
 */
export async function checkPowers(path: string, options: PowersOptions & { readonly blake2b?: string } = {}): Promise<PowersFile> {
	const { table = PUBLISHED_POWERS, signal } = options;
	if (!(await exists(path))) throw new CeremonyError("powers.missing", `checkPowers: expected powers of tau at ${path}, got no file`);
	const hash = createHash("blake2b512");
	const total = (await stat(path)).size;
	await hashPart(path, hash, signal, (done) => options.onProgress?.({ done, total, note: `hash of ${path}` }));
	const blake2b = hash.digest("hex");
	const entry = table.find((one) => one.blake2b === blake2b);
	if (options.blake2b === undefined ? !entry : options.blake2b.toLowerCase() !== blake2b) {
		const expected = options.blake2b === undefined ? "a published file" : `BLAKE2b-512 ${options.blake2b}`;
		throw new CeremonyError("powers.hash", `checkPowers: expected ${path} to be ${expected}, got BLAKE2b-512 ${blake2b}`, {
			hint: "delete the file and fetch it again; powers of a ceremony of your own need --blake2b HASH",
		});
	}
	return { path, power: await readPower(path), blake2b, ...(entry ? { published: entry.name } : {}) };
}

/** Reads the power, and sees to it that the file is prepared for phase 2. */
async function readPower(path: string): Promise<number> {
	const wrong = (message: string): CeremonyError => new CeremonyError("powers.format", message);
	const file = await Sections.open(path, { letters: "ptau", versions: [1], missing: wrong, malformed: wrong, truncated: wrong });
	try {
		const header = await file.read(HEADER);
		if (readField(header, 0) !== Q) throw wrong(`checkPowers: expected ${path} to be over BN254, got another curve`);
		if (PREPARED.some((section) => file.bytes(section) === 0)) {
			throw new CeremonyError("powers.format", `checkPowers: expected ${path} to be prepared for phase 2, got powers alone`, {
				hint: "run `snarkjs powersoftau prepare phase2` first",
			});
		}
		return header.readUInt32LE(POWER_OFFSET);
	} finally {
		await file.close();
	}
}

/** What came of one request: the hash of the whole file, or why there is none. */
type Attempt = { readonly blake2b: string } | { readonly why: string };

async function download(entry: PublishedPowers, path: string, mirrors: readonly string[], options: FetchOptions): Promise<void> {
	const part = `${path}.part`;
	const failures: string[] = [];
	let good = [...mirrors];
	// Who gave the bytes of the part: a wrong file is blamed on a mirror only when all of it came from there. After a wrong file of several
	// mirrors none continues what another began.
	let alone = false;
	let givers = new Set<string>((await exists(part)) ? ["an earlier run"] : []);
	for (let round = 0; round < ROUNDS && good.length > 0; round++) {
		for (const mirror of [...good]) {
			options.signal?.throwIfAborted();
			if (alone && !(givers.size === 1 && givers.has(mirror))) await rm(part, { force: true });
			const hash = createHash("blake2b512");
			const had = (await exists(part)) ? await hashPart(part, hash, options.signal) : 0;
			if (had === 0) givers = new Set();
			const url = new URL(entry.name, mirror.endsWith("/") ? mirror : `${mirror}/`);
			const outcome = await request(url, part, { hash, bytes: had }, options, (from) => {
				if (from === 0) givers = new Set();
				givers.add(mirror);
			});
			if ("why" in outcome) {
				failures.push(`${url}: ${outcome.why}`);
				continue;
			}
			if (outcome.blake2b === entry.blake2b) {
				await rename(part, path);
				return;
			}
			await rm(part, { force: true });
			failures.push(`${url}: a file with another hash`);
			alone = true;
			if (givers.size === 1 && givers.has(mirror)) good = good.filter((one) => one !== mirror);
		}
	}
	const wrong = good.length === 0;
	throw new CeremonyError(
		wrong ? "powers.hash" : "powers.missing",
		`fetchPowers: expected ${entry.name} from one of ${mirrors.length} mirrors, got ${failures.join("; ")}`,
		{
			hint: wrong
				? "the mirrors serve something else under this name; name another with --mirror"
				: "run again, the download continues; or name another --mirror",
		},
	);
}

/** Asks a mirror for what the part lacks and appends it. */
async function request(
	url: URL,
	part: string,
	had: { readonly hash: Hash; readonly bytes: number },
	options: FetchOptions,
	onBytes: (from: number) => void,
): Promise<Attempt> {
	const patience = new AbortController();
	const timer = setTimeout(() => patience.abort(new Error("no answer in time")), options.patience ?? PATIENCE_MS);
	const signals = options.signal ? [patience.signal, options.signal] : [patience.signal];
	try {
		const headers = { "accept-encoding": "identity", ...(had.bytes > 0 ? { range: `bytes=${had.bytes}-` } : {}) };
		const response = await fetch(url, { headers, signal: AbortSignal.any(signals) });
		// Nothing beyond what is there: complete, or longer than the file; the hash tells.
		if (response.status === 416 && had.bytes > 0) return { blake2b: had.hash.digest("hex") };
		const resumed = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${had.bytes}-`) === true;
		if (!resumed && response.status !== 200) return { why: `status ${response.status}` };
		const start = resumed ? had.bytes : 0;
		const hash = resumed ? had.hash : createHash("blake2b512");
		const length = Number(response.headers.get("content-length") ?? Number.NaN);
		const file = await open(part, resumed ? "a" : "w");
		try {
			let done = start;
			for await (const chunk of response.body ?? []) {
				timer.refresh();
				onBytes(done);
				await file.writeFile(chunk);
				hash.update(chunk);
				done += chunk.length;
				options.onProgress?.({ done, total: Number.isNaN(length) ? done : start + length, note: url.href });
			}
			await file.sync();
			return { blake2b: hash.digest("hex") };
		} finally {
			await file.close();
		}
	} catch (error) {
		options.signal?.throwIfAborted();
		const { code, message, cause } = error as NodeJS.ErrnoException;
		if (code === "ENOSPC" || code === "EDQUOT") {
			throw new CeremonyError("artefact.disk-full", `fetchPowers: expected space for ${part}, got ${code}`, {
				hint: "free some space and run again: the download continues",
				cause: error,
			});
		}
		return { why: cause instanceof Error ? `${message} (${cause.message})` : message };
	} finally {
		clearTimeout(timer);
	}
}

/** @returns bytes read */
async function hashPart(path: string, hash: Hash, signal?: AbortSignal, report?: (done: number) => void): Promise<number> {
	let done = 0;
	for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) {
		signal?.throwIfAborted();
		hash.update(block);
		done += block.length;
		report?.(done);
	}
	return done;
}

async function exists(path: string): Promise<boolean> {
	return stat(path).then(
		(found) => found.isFile(),
		() => false,
	);
}
