/**
 * Databases for tests: a copy of a fresh embedded one, and a PostgreSQL server: the one that `OPENLEDGER_POSTGRES` names, else a cluster
 * of our own from the installed binaries, which is removed in the end.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, globSync } from "node:fs";
import { chown, cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { JobFamily } from "./family.ts";
import { openStore, type Place } from "./open.ts";
import { PROOFS } from "./submission.ts";

/** Makes empty stores, each of its own. */
export interface Databases {
	readonly name: "embedded" | "server";
	place(): Promise<Place>;
	close(): Promise<void>;
}

/** Whether a server can be had: decides whether tests on one are run or reported as skipped. */
export const HAS_SERVER = process.env.OPENLEDGER_POSTGRES !== undefined || binary("postgres") !== undefined;

/** Embedded databases: the first is built, the others are copies. */
export async function embeddedDatabases(family: JobFamily = PROOFS): Promise<Databases> {
	const root = await mkdtemp(join(tmpdir(), "openledger-jobs-"));
	const template = join(root, "template");
	await (await openStore({ directory: template }, { family })).close();
	let count = 0;
	return {
		name: "embedded",
		async place() {
			const directory = join(root, `store-${count++}`);
			await cp(template, directory, { recursive: true });
			return { directory };
		},
		close: () => rm(root, { recursive: true, force: true }),
	};
}

/** Databases of a server. */
export async function serverDatabases(): Promise<Databases> {
	const server = process.env.OPENLEDGER_POSTGRES ? { url: process.env.OPENLEDGER_POSTGRES, close: async () => {} } : await startCluster();
	const made: string[] = [];
	const admin = new pg.Client({ connectionString: server.url });
	await admin.connect();
	return {
		name: "server",
		async place() {
			const name = `openledger_test_${randomBytes(6).toString("hex")}`;
			await admin.query(`CREATE DATABASE ${name}`);
			made.push(name);
			const url = new URL(server.url);
			url.pathname = `/${name}`;
			return { database: url.href };
		},
		async close() {
			for (const name of made) await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
			await admin.end();
			await server.close();
		},
	};
}

/** Starts a cluster on a free port. The server refuses to run as root: it then runs as the user postgres. */
async function startCluster(): Promise<{ url: string; close(): Promise<void> }> {
	const [initdb, postgres] = [binary("initdb"), binary("postgres")] as [string, string];
	const folder = await mkdtemp(join(tmpdir(), "openledger-postgres-"));
	const identity: { uid?: number; gid?: number } = {};
	if (process.getuid?.() === 0) {
		const id = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
		Object.assign(identity, { uid: id("-u"), gid: id("-g") });
		await chown(folder, id("-u"), id("-g"));
	}
	const data = join(folder, "data");
	const options = { ...identity, cwd: folder };
	execFileSync(initdb, ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"], {
		...options,
		stdio: "ignore",
	});
	const port = await freePort();
	const settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", `unix_socket_directories=${folder}`];
	const child = spawn(postgres, ["-D", data, "-p", String(port), ...settings], { ...options, stdio: "ignore" });
	const ended = new Promise((resolve) => child.once("exit", resolve));
	const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
	for (let tries = 0; ; tries++) {
		const client = new pg.Client({ connectionString: url });
		try {
			await client.connect();
			await client.end();
			break;
		} catch (error) {
			if (tries === 100 || child.exitCode !== null) throw error;
			await delay(100);
		}
	}
	return {
		url,
		async close() {
			child.kill("SIGINT");
			await ended;
			await rm(folder, { recursive: true, force: true });
		},
	};
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return port;
}

function binary(name: string): string | undefined {
	const folders = [...(process.env.PATH ?? "").split(delimiter), ...globSync("/usr/lib/postgresql/*/bin")];
	return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}
