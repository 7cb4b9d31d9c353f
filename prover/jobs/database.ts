/**
 * What the job store asks of a database: PostgreSQL, either a server or the one that is embedded in this process. The same statements run on both.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Runs statements: what pg-boss calls a database. */
export interface Sql {
	/**
	 * @param text one statement; without values also several, separated by semicolons
	 * @param values of `$1`, `$2`, ...
	 */
	executeSql(text: string, values?: unknown[]): Promise<{ rows: Row[] }>;
}

/** A row by column name. Values are what the driver makes of them. */
// biome-ignore lint/suspicious/noExplicitAny: both drivers and pg-boss say the same
export type Row = Record<string, any>;

export interface Database extends Sql {
	/** "embedded": nobody but this process can be at work in it */
	readonly kind: "embedded" | "server";
	/** Runs all statements of `work`, or none of them when it throws. */
	transaction<Value>(work: (sql: Sql) => Promise<Value>): Promise<Value>;
	close(): Promise<void>;
}

/**
 * Makes statements part of the transaction in whose midst they are run, also those that pg-boss runs on its own account within a call that is part
 * of it. Past it they would wait for a connection while the transaction waits for them: an embedded database has one, a pool can run out.
 */
export function joinTransactions(database: Database): Database {
	const current = new AsyncLocalStorage<Sql>();
	return {
		kind: database.kind,
		executeSql: (text, values) => (current.getStore() ?? database).executeSql(text, values),
		transaction: (work) => database.transaction((sql) => current.run(sql, () => work(sql))),
		close: () => database.close(),
	};
}
