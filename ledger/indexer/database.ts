/**
 * Where an index lies: PostgreSQL, either a server by its URL or the one that is embedded in this process, by its directory. The same
 * statements run on both.
 *
 * What is committed survives the end of the process, however it ends. The embedded one does not flush to the disk: a power cut can damage
 * its files, and then the index is followed again from the chain.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { PGlite } from "@electric-sql/pglite";
import pg from "pg";
import { LedgerError } from "../errors.ts";

/** A row by column name. */
export type Row = Record<string, unknown>;

/** Runs statements. */
export interface Sql {
	/** @param values of `$1`, `$2`, ... */
	query(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface IndexDatabase extends Sql {
	/** Runs all statements of `work`, or none of them when it throws. */
	transaction<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value>;
	close(): Promise<void>;
}

/** Where an index is. */
export type IndexPlace = { readonly database: string } | { readonly directory: string };

/**
 * Opens the database of an index.
 *
 * @throws LedgerError `index.owned` when another process has the directory, `index.database` when a server does not answer
 */
export async function openDatabase(place: IndexPlace): Promise<IndexDatabase> {
	return "database" in place ? openServer(place.database) : openEmbedded(resolve(place.directory));
}

async function openEmbedded(directory: string): Promise<IndexDatabase> {
	await mkdir(directory, { recursive: true });
	const release = own(directory);
	try {
		const path = join(directory, "postgres");
		if (!existsSync(path)) await create(directory, path);
		const pglite = await PGlite.create(path);
		return {
			query: async (text, values) => (await pglite.query<Row>(text, values as unknown[])).rows,
			transaction: (work) =>
				pglite.transaction((transaction) =>
					work({ query: async (text, values) => (await transaction.query<Row>(text, values as unknown[])).rows }),
				),
			async close() {
				await pglite.close();
				release();
			},
		};
	} catch (error) {
		release();
		throw error;
	}
}

/** Makes this process the owner of a directory: the operating system takes the lock away with the process. @returns gives it back */
function own(directory: string): () => void {
	const file = new DatabaseSync(join(directory, "lock"));
	try {
		file.exec("BEGIN EXCLUSIVE");
		return () => file.close();
	} catch (cause) {
		file.close();
		throw new LedgerError("index.owned", `openDatabase: expected ${directory} to be free, got one in the hands of another process`, {
			hint: "One process at a time: end that one, give another directory, or use a server with --database.",
			cause,
		});
	}
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

function openServer(url: string): IndexDatabase {
	const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 10_000, application_name: "openledger-index" });
	// An idle connection that breaks is replaced by the pool; whoever needs the server next hears of it.
	pool.on("error", () => {});
	const run = async (client: pg.Pool | pg.PoolClient, text: string, values?: readonly unknown[]): Promise<Row[]> =>
		(await client.query(text, values as unknown[]).catch(unanswered)).rows;
	return {
		query: (text, values) => run(pool, text, values),
		async transaction(work) {
			const client = await pool.connect().catch(unanswered);
			let broken: Error | undefined;
			const fail = (error: Error): void => {
				broken = error;
			};
			// A connection that is in use reports its end here, and an event that nobody hears ends the process.
			client.on("error", fail);
			try {
				await run(client, "BEGIN");
				const value = await work({ query: (text, values) => run(client, text, values) });
				await run(client, "COMMIT");
				return value;
			} catch (error) {
				await client.query("ROLLBACK").catch(fail);
				throw error;
			} finally {
				client.off("error", fail);
				client.release(broken);
			}
		},
		close: () => pool.end(),
	};
}

function unanswered(cause: unknown): never {
	throw new LedgerError("index.database", `the index's database refused: ${(cause as Error).message}`, {
		hint: "Check --database, and that the server runs and may be reached from here.",
		cause,
	});
}
