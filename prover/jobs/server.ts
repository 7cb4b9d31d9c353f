/** A PostgreSQL server, 13 or newer, shared by the provers of several machines. */
import pg from "pg";
import { ProverError } from "../errors.ts";
import { type Database, joinTransactions, type Sql } from "./database.ts";

/** Connections of one process. A prover needs one per statement in flight, which are few and short. */
const CONNECTIONS = 6;
const CONNECT_MS = 10_000;

/**
 * Opens a pool of connections. Nothing is sent before the first statement.
 * @param url `postgres://user:password@host:port/database`
 * @returns a database whose statements throw ProverError `jobs.database` when the server does not answer
 */
export function openServer(url: string): Database {
	const pool = new pg.Pool({
		connectionString: url,
		max: CONNECTIONS,
		connectionTimeoutMillis: CONNECT_MS,
		application_name: "openledger",
		keepAlive: true,
	});
	// An idle connection that breaks is replaced by the pool; whoever needs the server next hears of it.
	pool.on("error", () => {});
	const run = async (client: pg.Pool | pg.PoolClient, text: string, values?: unknown[]): Promise<{ rows: pg.QueryResultRow[] }> => {
		try {
			return await (values ? client.query(text, values) : client.query(text));
		} catch (error) {
			throw named(error, url);
		}
	};
	return joinTransactions({
		kind: "server",
		executeSql: (text, values) => run(pool, text, values),
		async transaction<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value> {
			const client = await pool.connect().catch((error) => {
				throw named(error, url);
			});
			let broken: Error | undefined;
			const fail = (error: Error): void => {
				broken = error;
			};
			// A connection that is in use reports its end here, and an event that nobody hears ends the process.
			client.on("error", fail);
			try {
				await run(client, "BEGIN");
				const value = await work({ executeSql: (text, values) => run(client, text, values) });
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
	});
}

/** Gives errors of the connection a name; a statement that the server refused stays as it is. */
function named(error: unknown, url: string): unknown {
	const { code = "", message } = error as { code?: string; message: string };
	const isRefusal = /^[0-9A-Z]{5}$/.test(code) && !/^(08|28|3D|57P|53)/.test(code);
	if (isRefusal || error instanceof ProverError) return error;
	const { host } = URL.canParse(url) ? new URL(url) : { host: "the given URL" };
	return new ProverError("jobs.database", `openServer: expected PostgreSQL to answer at ${host}, got ${message || code}`, {
		hint: "check the URL, that the server runs, and that the user may create schemas in the database",
		cause: error,
	});
}
