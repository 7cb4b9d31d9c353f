/**
 * The tables of an index. Each deployment has a schema of its own, named by chain and addresses, so several lie in one database and none is
 * ever mixed with another.
 *
 *     block   every block from the deployment's on: number, hash, parent, time. No gap: each one's parent is the one before.
 *     log     the logs of our contracts: as the node gave them (topics, data) and decoded (event, args). They go with their block.
 */
import { id } from "ethers";
import { contractNames } from "../contracts.ts";
import type { Deployment } from "../deployment.ts";
import { LedgerError } from "../errors.ts";
import type { IndexDatabase, Row, Sql } from "./database.ts";

const VERSION = 1;

/** A block as the index holds it. */
export interface IndexedBlock {
	readonly number: number;
	readonly hash: string;
	readonly parent: string;
	/** Unix seconds */
	readonly time: number;
}

/** A log as the index holds it. */
export interface IndexedLog {
	readonly blockNumber: number;
	readonly blockHash: string;
	/** of the block, Unix seconds */
	readonly time: number;
	/** place in the block */
	readonly index: number;
	readonly transaction: string;
	readonly address: string;
	readonly topics: readonly string[];
	readonly data: string;
	/** what it was decoded to; null for an event that this release does not know */
	readonly contract: string | null;
	readonly event: string | null;
	/** numbers as text */
	readonly args: unknown;
}

/** What a query selects; everything without a condition. */
export interface LogFilter {
	readonly contract?: string;
	readonly event?: string;
	/** topic hashes of indexed arguments by place, 1 to 3 */
	readonly topics?: Readonly<Record<number, string>>;
	readonly fromBlock?: number;
	readonly toBlock?: number;
	readonly limit?: number;
	/** logs behind this one */
	readonly after?: { readonly blockNumber: number; readonly index: number };
}

/** The tables of one deployment in one database. */
export class IndexTables {
	readonly #database: IndexDatabase;
	readonly #schema: string;

	private constructor(database: IndexDatabase, schema: string) {
		this.#database = database;
		this.#schema = schema;
	}

	/**
	 * Builds the tables where there are none.
	 *
	 * @throws LedgerError `index.database` when a later release built them
	 */
	static async open(database: IndexDatabase, deployment: Deployment): Promise<IndexTables> {
		const { chainId, contracts, block } = deployment;
		const parts = [chainId, block, ...contractNames.map((name) => contracts[name].toLowerCase())];
		const schema = `openledger_index_${id(JSON.stringify(parts)).slice(2, 18)}`;
		const tables = new IndexTables(database, schema);
		await database.transaction(async (sql) => {
			await sql.query("SELECT pg_advisory_xact_lock(6174002)");
			for (const statement of build(schema)) await sql.query(statement);
		});
		const [row] = await database.query(`SELECT version FROM ${schema}.version`);
		if (row?.version !== VERSION) {
			throw new LedgerError("index.database", `open: expected tables of version ${VERSION}, got version ${row?.version}`, {
				hint: "This index belongs to another release. Give another directory, or rebuild with that release.",
			});
		}
		return tables;
	}

	/** The last block, or undefined when there is none. */
	async tip(): Promise<IndexedBlock | undefined> {
		return tipOf(this.#database, this.#schema);
	}

	/** The block with a number, or undefined. */
	async block(number: number): Promise<IndexedBlock | undefined> {
		const [row] = await this.#database.query(`SELECT number, hash, parent, time FROM ${this.#schema}.block WHERE number = $1`, [number]);
		return row === undefined ? undefined : blockOf(row);
	}

	/** How many blocks and logs there are, and whether blocks are missing between the first and the last. */
	async counts(): Promise<{ blocks: number; logs: number; first: number | undefined; gaps: number }> {
		const [row] = await this.#database.query(
			`SELECT (SELECT count(*) FROM ${this.#schema}.log)::int AS logs, count(*)::int AS blocks, min(number)::text AS first,
			(count(*) FILTER (WHERE before IS NOT NULL AND before <> parent))::int + coalesce(max(number) - min(number) + 1 - count(*), 0)::int AS gaps
			FROM (SELECT number, parent, lag(hash) OVER (ORDER BY number) AS before FROM ${this.#schema}.block) AS chain`,
		);
		const { blocks, logs, first, gaps } = row as { blocks: number; logs: number; first: string | null; gaps: number };
		return { blocks, logs, first: first === null ? undefined : Number(first), gaps };
	}

	/**
	 * Puts blocks and logs in the place of everything behind an ancestor, all or nothing.
	 *
	 * @param expected the tip that the caller saw
	 * @param ancestor the last block that stays; undefined: none does
	 * @returns false when another process moved the tip meanwhile; nothing is changed then
	 */
	async replace(
		expected: IndexedBlock | undefined,
		ancestor: IndexedBlock | undefined,
		blocks: readonly IndexedBlock[],
		logs: readonly IndexedLog[],
	): Promise<boolean> {
		const schema = this.#schema;
		return this.#database.transaction(async (sql) => {
			// Others wait here: two processes at one index do the same work, one after the other.
			await sql.query(`SELECT version FROM ${schema}.version FOR UPDATE`);
			const tip = await tipOf(sql, schema);
			if (tip?.hash !== expected?.hash) return false;
			await sql.query(`DELETE FROM ${schema}.block WHERE number > $1`, [ancestor?.number ?? -1]);
			await sql.query(
				`INSERT INTO ${schema}.block (number, hash, parent, time)
				SELECT number, hash, parent, time FROM jsonb_to_recordset($1::jsonb) AS x (number bigint, hash text, parent text, time bigint)`,
				[JSON.stringify(blocks)],
			);
			await sql.query(
				`INSERT INTO ${schema}.log (block, index, transaction, address, topic0, topic1, topic2, topic3, data, contract, event, args)
				SELECT block, index, transaction, address, topics->>0, topics->>1, topics->>2, topics->>3, data, contract, event, args
				FROM jsonb_to_recordset($1::jsonb) AS x (block bigint, index int, transaction text, address text, topics jsonb, data text,
				contract text, event text, args jsonb)`,
				[JSON.stringify(logs.map(({ blockNumber, blockHash, time, ...log }) => ({ block: blockNumber, ...log })))],
			);
			return true;
		});
	}

	/** Forgets everything. */
	async clear(): Promise<void> {
		await this.#database.query(`DELETE FROM ${this.#schema}.block`);
	}

	/** Logs in the order of the chain. */
	async logs(filter: LogFilter = {}): Promise<IndexedLog[]> {
		const { contract, event, topics = {}, fromBlock, toBlock, limit, after } = filter;
		const values: unknown[] = [];
		const conditions: string[] = [];
		const hold = (text: string, ...given: unknown[]) => {
			if (given.includes(undefined)) return;
			conditions.push(text.replace(/\?/g, () => `$${values.push(given.shift())}`));
		};
		hold("contract = ?", contract);
		hold("event = ?", event);
		for (const place of [1, 2, 3]) hold(`topic${place} = ?`, topics[place]);
		hold("block >= ?", fromBlock);
		hold("block <= ?", toBlock);
		hold("(block, index) > (?::bigint, ?::int)", after?.blockNumber, after?.index);
		const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
		const most = limit === undefined ? "" : `LIMIT $${values.push(limit)}`;
		const rows = await this.#database.query(
			`SELECT block::text AS block, hash, time::text AS time, index, transaction, address, topic0, topic1, topic2, topic3, data, contract, event, args
			FROM ${this.#schema}.log JOIN ${this.#schema}.block ON block = number ${where} ORDER BY block.number, index ${most}`,
			values,
		);
		return rows.map(logOf);
	}
}

function build(schema: string): string[] {
	return [
		`CREATE SCHEMA IF NOT EXISTS ${schema}`,
		`CREATE TABLE IF NOT EXISTS ${schema}.version (id int PRIMARY KEY DEFAULT 1 CHECK (id = 1), version int NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS ${schema}.block (number bigint PRIMARY KEY, hash text NOT NULL UNIQUE, parent text NOT NULL, time bigint NOT NULL)`,
		`CREATE TABLE IF NOT EXISTS ${schema}.log (
			block bigint NOT NULL REFERENCES ${schema}.block ON DELETE CASCADE,
			index int NOT NULL,
			transaction text NOT NULL,
			address text NOT NULL,
			topic0 text, topic1 text, topic2 text, topic3 text,
			data text NOT NULL,
			contract text, event text, args jsonb,
			PRIMARY KEY (block, index)
		)`,
		`CREATE INDEX IF NOT EXISTS log_event ON ${schema}.log (contract, event, block, index)`,
		...[1, 2, 3].map((place) => `CREATE INDEX IF NOT EXISTS log_topic${place} ON ${schema}.log (topic${place}, block, index)`),
		`INSERT INTO ${schema}.version (version) VALUES (${VERSION}) ON CONFLICT DO NOTHING`,
	];
}

async function tipOf(sql: Sql, schema: string): Promise<IndexedBlock | undefined> {
	const [row] = await sql.query(`SELECT number, hash, parent, time FROM ${schema}.block ORDER BY number DESC LIMIT 1`);
	return row === undefined ? undefined : blockOf(row);
}

function blockOf({ number, hash, parent, time }: Row): IndexedBlock {
	return { number: Number(number), hash: hash as string, parent: parent as string, time: Number(time) };
}

function logOf(row: Row): IndexedLog {
	const { block, hash, time, index, transaction, address, data, contract, event, args } = row as Record<string, string>;
	const topics = [row.topic0, row.topic1, row.topic2, row.topic3].filter((topic) => topic !== null) as string[];
	return {
		...{
			blockNumber: Number(block),
			blockHash: hash as string,
			time: Number(time),
			index: Number(index),
			transaction: transaction as string,
		},
		...{ address: address as string, topics, data: data as string, contract: contract ?? null, event: event ?? null, args },
	};
}
