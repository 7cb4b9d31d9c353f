/** Folders that are written to, and the database of stored jobs. */
import { randomBytes } from "node:crypto";
import { rm, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import pg from "pg";
import { cacheRoot } from "../../prover/artefact.ts";
import { defaultPlace } from "../../prover/jobs/open.ts";
import { type Check, size } from "./check.ts";

/** Keys of the circuits of an epoch of 64 features take about that. */
const LEAST_SPACE = 2e9;
/** Job stores need little. */
const LEAST_STORE = 1e8;
/** The oldest server that stores jobs. */
const OLDEST_SERVER = 13;
const CONNECT_MS = 3000;

export async function storageChecks(): Promise<Check[]> {
	const place = defaultPlace();
	const jobs = "database" in place ? server(place.database) : folder("job store", place.directory, LEAST_STORE, "OPENLEDGER_JOBS");
	return Promise.all([folder("cache folder", cacheRoot(), LEAST_SPACE, "OPENLEDGER_CACHE"), jobs]);
}

async function folder(what: string, path: string, least: number, variable: string): Promise<Check> {
	const [absolute, remedy] = [resolve(path), `Free some space, or set ${variable} to a folder that you can write to.`];
	try {
		const existing = await nearestFolder(absolute);
		const trial = join(existing, `.openledger-doctor-${randomBytes(6).toString("hex")}`);
		await writeFile(trial, "writable");
		await rm(trial);
		const { bavail, bsize } = await statfs(existing);
		const free = bavail * bsize;
		return { what, ok: free >= least, needed: true, found: `${absolute}, ${size(free)} free (at least ${size(least)} wanted)`, remedy };
	} catch (error) {
		return { what, ok: false, needed: true, found: `${absolute}: ${(error as Error).message}`, remedy };
	}
}

/** A folder that is made when it is needed is as writable as what it will be made in. */
async function nearestFolder(path: string): Promise<string> {
	const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT" && dirname(path) !== path) return undefined;
		throw error;
	});
	if (!found) return nearestFolder(dirname(path));
	if (!found.isDirectory()) throw new Error("not a folder");
	return path;
}

/** The server of OPENLEDGER_DATABASE. Without that the store is embedded and no server is needed. */
async function server(url: string): Promise<Check> {
	const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, query_timeout: CONNECT_MS });
	// A connection that breaks says so here too.
	client.on("error", () => {});
	const found = (text: string, ok: boolean): Check => ({
		what: "job store",
		ok,
		needed: true,
		found: `PostgreSQL of OPENLEDGER_DATABASE: ${text}`,
		remedy: `Start the server (${OLDEST_SERVER} or newer) or correct OPENLEDGER_DATABASE; without it jobs are stored in a folder.`,
	});
	try {
		await client.connect();
		const { rows } = await client.query<{ version: string; number: string }>(
			"SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number",
		);
		const { version = "unknown", number = "0" } = rows[0] ?? {};
		return found(`version ${version}`, Number(number) >= 10_000 * OLDEST_SERVER);
	} catch (error) {
		const { message, code } = error as { message: string; code?: string };
		return found(message || code || "no answer", false);
	} finally {
		await client.end().catch(() => {});
	}
}
