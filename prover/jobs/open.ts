/** Opens a job store by where it is: a server by its URL, an embedded database by its directory. */
import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ProverError } from "../errors.ts";
import { openEmbedded } from "./embedded.ts";
import { openEndpoint, RemoteJobs } from "./endpoint.ts";
import type { JobFamily } from "./family.ts";
import { DirectoryLock, lastOwner, type Owner } from "./lock.ts";
import { openServer } from "./server.ts";
import { JobStore, type StoreOptions } from "./store.ts";
import { PROOFS } from "./submission.ts";
import type { Jobs } from "./view.ts";

/** Where a store is. */
export type Place = { readonly database: string } | { readonly directory: string };

/** How long a directory that another command owns is waited for. */
const PATIENCE_MS = 15_000;

/**
 * Where jobs lie when nothing is said: `OPENLEDGER_DATABASE` (a URL), or the directory that the family's variable names (of proofs:
 * `OPENLEDGER_JOBS`), or the family's folder (`openledger/jobs`) in the user's folder for state (`XDG_STATE_HOME`, `~/.local/state`).
 */
export function defaultPlace(env: NodeJS.ProcessEnv = process.env, { variable, folder }: JobFamily = PROOFS): Place {
	if (env.OPENLEDGER_DATABASE) return { database: env.OPENLEDGER_DATABASE };
	return { directory: env[variable] || join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "openledger", folder) };
}

/**
 * Opens a store to work in it. Of an embedded one this process becomes the owner, and answers others; a command that owns it is waited for.
 * @returns the store; closing it ends the ownership
 * @throws ProverError `jobs.owned` when another prover owns the directory, `jobs.database`
 */
export async function openStore(place: Place, options: StoreOptions = {}): Promise<JobStore> {
	if ("database" in place) return JobStore.open(openServer(place.database), options);
	const directory = resolve(place.directory);
	const { family = PROOFS } = options;
	return patiently(directory, family, async () => {
		const store = await openOwned(directory, options, true);
		if (store) return store;
		const owner = await lastOwner(directory);
		if (owner?.isProver && (await isAnswering(new RemoteJobs(owner)))) throw owned(directory, family, owner);
		return undefined;
	});
}

/**
 * Opens a store to submit and ask. Of an embedded one that has no owner this process is the owner until it closes the store; else the
 * owner answers.
 * @throws ProverError as {@link openStore}
 */
export async function openJobs(place: Place, family: JobFamily = PROOFS): Promise<Jobs> {
	if ("database" in place) return JobStore.open(openServer(place.database), { family });
	const directory = resolve(place.directory);
	return patiently(directory, family, async () => {
		const store = await openOwned(directory, { family }, false);
		if (store) return store;
		const owner = await lastOwner(directory);
		// The last owner may be gone, and the present one not have said yet where it answers. Another command will be done soon.
		const remote = owner?.isProver ? new RemoteJobs(owner) : undefined;
		if (!owner || !remote || !(await isAnswering(remote))) return undefined;
		if ((owner.family ?? PROOFS.name) !== family.name) throw owned(directory, family, owner);
		return remote;
	});
}

/** Tries until there is something. */
async function patiently<Value>(directory: string, family: JobFamily, attempt: () => Promise<Value | undefined>): Promise<Value> {
	const deadline = performance.now() + PATIENCE_MS;
	do {
		const value = await attempt();
		if (value) return value;
		await delay(100);
	} while (performance.now() < deadline);
	throw owned(directory, family, await lastOwner(directory));
}

async function isAnswering(remote: RemoteJobs): Promise<boolean> {
	return remote.status().then(
		() => true,
		(error) => {
			if ((error as ProverError).code === "jobs.owned") return false;
			throw error;
		},
	);
}

/** @returns undefined when another process owns the directory */
async function openOwned(directory: string, options: StoreOptions, isProver: boolean): Promise<JobStore | undefined> {
	await mkdir(directory, { recursive: true });
	const lock = DirectoryLock.take(directory);
	if (!lock) return undefined;
	const token = randomBytes(32).toString("hex");
	const endpoint = await openEndpoint(token);
	try {
		await lock.announce({ port: endpoint.port, token, isProver, family: (options.family ?? PROOFS).name });
		const database = await openEmbedded(directory);
		const store = await JobStore.open(
			{
				...database,
				async close() {
					await endpoint.close();
					await database.close();
					lock.release();
				},
			},
			options,
		);
		endpoint.serve(store);
		return store;
	} catch (error) {
		await endpoint.close();
		lock.release();
		throw error;
	}
}

function owned(directory: string, { command }: JobFamily, owner: Owner | undefined): ProverError {
	const holder = owner ? `process ${owner.pid}, which keeps ${owner.family ?? PROOFS.name} there` : "an unknown process";
	return new ProverError("jobs.owned", `openStore: expected ${directory} to be free, got one in the hands of ${holder}`, {
		hint: `one process at a time: end that one (${command} drain), give another directory with --store, or use a server with --database`,
	});
}
