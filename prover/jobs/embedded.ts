/**
 * PostgreSQL in WebAssembly with its files in a directory: no server to install, one process at a time.
 *
 * What is committed survives the end of the process, however it ends: it is in the operating system's hands by then. It does not flush to the
 * disk, so a power cut can lose the last seconds or damage the files; who cannot bear that takes a server.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { fromPglite } from "pg-boss";
import { type Database, joinTransactions, type Sql } from "./database.ts";

/**
 * Opens the database in a directory, which is made on the first use: some seconds.
 * @param directory exists, and its lock is held
 */
export async function openEmbedded(directory: string): Promise<Database> {
	const path = join(directory, "postgres");
	if (!existsSync(path)) await create(directory, path);
	const pglite = await PGlite.create(path);
	return joinTransactions({
		kind: "embedded",
		executeSql: fromPglite(pglite).executeSql,
		transaction: <Value>(work: (sql: Sql) => Promise<Value>) =>
			pglite.transaction((transaction) => work({ executeSql: (text, values) => transaction.query(text, values) })),
		close: () => pglite.close(),
	});
}

/** Builds the files beside and renames them: a process that is killed here leaves no half of a database. */
async function create(directory: string, path: string): Promise<void> {
	for (const name of await readdir(directory)) {
		if (/^postgres\..*\.tmp$/.test(name)) await rm(join(directory, name), { recursive: true });
	}
	const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
	await (await PGlite.create(temporary)).close();
	await rename(temporary, path);
}
