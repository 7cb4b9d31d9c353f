/**
 * Follows the events of a deployment into a database, through reorganisations and through the end of any process.
 *
 * Each step looks whether the last block that is stored is still the node's. If not, it walks back to the last one that both have; what lies
 * behind that goes, and what the node has instead comes, in one transaction of the database. So at every moment the tables hold one unbroken piece
 * of one chain from the deployment's first block on, with every log of our contracts in it, whenever the process is killed.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Log, toBeHex, zeroPadValue } from "ethers";
import { type ContractName, contractNames, interfaces } from "../contracts.ts";
import type { Deployment } from "../deployment.ts";
import { decodeError, LedgerError } from "../errors.ts";
import { decodeLogs, type LedgerLog } from "../logs.ts";
import { headerOf, headOf, lagging, type Node, readRange } from "./chain.ts";
import { type IndexDatabase, type IndexPlace, openDatabase } from "./database.ts";
import { type Fold, folds, type StateOf } from "./fold.ts";
import { type IndexedBlock, type IndexedLog, IndexTables } from "./tables.ts";

/** How an index is followed. */
export interface IndexOptions {
	readonly place: IndexPlace;
	readonly deployment: Deployment;
	/** connected to a node of the deployment's chain, see `connect` */
	readonly node: Node;
	/** blocks that must lie on a block before it is taken, 0 by default; reorganisations deeper than that are followed too */
	readonly confirmations?: number;
	/** blocks of one request for logs, 1,000 by default; halved for a node that refuses as many */
	readonly span?: number;
}

/** What one step did. */
export interface IndexStep {
	/** the last block that is stored now */
	readonly tip: number | undefined;
	/** the last block that is to be stored */
	readonly target: number;
	/** blocks and logs that came */
	readonly blocks: number;
	readonly logs: number;
	/** blocks of another fork that went */
	readonly orphaned: number;
}

/** How far an index is. */
export interface IndexStatus {
	readonly tip: IndexedBlock | undefined;
	/** the node's latest block */
	readonly head: number;
	readonly blocks: number;
	readonly logs: number;
	/** places where stored blocks do not follow each other: always 0 */
	readonly gaps: number;
}

/** What logs are asked for; everything without a condition. */
export interface LogQuery {
	readonly contract?: ContractName;
	/** name of the event; needs a contract */
	readonly event?: string;
	/** indexed arguments by name; needs contract and event */
	readonly where?: Readonly<Record<string, string | bigint | number | boolean>>;
	readonly fromBlock?: number;
	readonly toBlock?: number;
	readonly limit?: number;
}

/** Logs of one page of a fold. */
const PAGE = 5_000;
/** How often a step is tried before one who does not follow for ever gives up. */
const ATTEMPTS = 8;

/** One index. One step runs at a time. */
export class Indexer {
	readonly #database: IndexDatabase;
	readonly #tables: IndexTables;
	readonly #options: Required<IndexOptions>;
	#span: number;

	private constructor(database: IndexDatabase, tables: IndexTables, options: IndexOptions) {
		this.#database = database;
		this.#tables = tables;
		this.#options = { confirmations: 0, span: 1_000, ...options };
		this.#span = this.#options.span;
	}

	/** @throws LedgerError `index.owned`, `index.database` */
	static async open(options: IndexOptions): Promise<Indexer> {
		const database = await openDatabase(options.place);
		try {
			return new Indexer(database, await IndexTables.open(database, options.deployment), options);
		} catch (error) {
			await database.close();
			throw error;
		}
	}

	close(): Promise<void> {
		return this.#database.close();
	}

	/**
	 * Takes the next range, or undoes what was orphaned, or finds nothing to do.
	 *
	 * @throws LedgerError `node.*`; nothing was changed then
	 */
	async step(): Promise<IndexStep> {
		const { node, deployment, confirmations } = this.#options;
		const tip = await this.#tables.tip();
		const head = await headOf(node).catch(rethrow);
		const ancestor = tip === undefined ? undefined : await this.#ancestor(tip, head);
		const orphaned = (tip?.number ?? deployment.block - 1) - (ancestor?.number ?? deployment.block - 1);
		const target = head - confirmations;
		const first = ancestor === undefined ? deployment.block : ancestor.number + 1;
		const last = Math.min(target, first + this.#span - 1);
		if (last < first && orphaned === 0) return { tip: tip?.number, target, blocks: 0, logs: 0, orphaned };
		const range = last < first ? { blocks: [], logs: [] } : await this.#read(first, last, ancestor);
		const blocks = range.blocks.map(({ number, hash, parent, time }) => ({ number, hash, parent, time }));
		const times = new Map(blocks.map(({ number, time }) => [number, time]));
		const logs = range.logs.map((log) => storable(deployment, log, times.get(log.blockNumber) as number));
		const done = await this.#tables.replace(tip, ancestor, blocks, logs);
		// Another process was faster; the next step goes on from there.
		if (!done) return { tip: (await this.#tables.tip())?.number, target, blocks: 0, logs: 0, orphaned: 0 };
		return { tip: blocks.at(-1)?.number ?? ancestor?.number, target, blocks: blocks.length, logs: logs.length, orphaned };
	}

	/**
	 * Steps until the target is reached (`once`), or for ever.
	 *
	 * @param options.signal stops between two steps; what is stored stays
	 * @param options.pollMs wait for new blocks, 2,000 by default
	 * @param options.onStep told of each step
	 * @param options.onRetry told of each failure of the node; with `once` the eighth in a row is thrown
	 * @throws LedgerError all but `node.*`; those too with `once`
	 */
	async follow(
		options: {
			once?: boolean;
			signal?: AbortSignal;
			pollMs?: number;
			retryMs?: number;
			onStep?: (step: IndexStep) => void;
			onRetry?: (error: LedgerError, attempt: number) => void;
		} = {},
	): Promise<void> {
		const { once = false, signal, pollMs = 2_000, retryMs = 500, onStep, onRetry } = options;
		let attempt = 0;
		while (!signal?.aborted) {
			try {
				const step = await this.step();
				attempt = 0;
				onStep?.(step);
				if ((step.tip ?? -1) < step.target && step.blocks > 0) continue;
				if (once && (step.tip ?? -1) >= step.target) return;
				if (once && step.target < this.#options.deployment.block) return;
				await pause(pollMs, signal);
			} catch (error) {
				const failure = decodeError(error);
				if (!failure.code.startsWith("node.") || failure.code === "node.wrong-chain") throw failure;
				attempt += 1;
				if (once && attempt >= ATTEMPTS) throw failure;
				onRetry?.(failure, attempt);
				await pause(Math.min(retryMs * 2 ** Math.min(attempt - 1, 6), 30_000), signal);
			}
		}
	}

	/** How far the index is, and whether it hangs together. @throws LedgerError `node.*` */
	async status(): Promise<IndexStatus> {
		const [tip, counts, head] = await Promise.all([this.#tables.tip(), this.#tables.counts(), headOf(this.#options.node).catch(rethrow)]);
		const { blocks, logs, gaps } = counts;
		return { tip, head, blocks, logs, gaps };
	}

	/**
	 * Stored logs as they were decoded, in the order of the chain.
	 *
	 * @throws LedgerError `input.invalid` for an event or an indexed argument that the contract does not have
	 */
	async logs(query: LogQuery = {}): Promise<LedgerLog[]> {
		const { contract, event, fromBlock, toBlock, limit } = query;
		const found = await this.#tables.logs({
			...(contract === undefined ? {} : { contract }),
			...(event === undefined ? {} : { event }),
			...(fromBlock === undefined ? {} : { fromBlock }),
			...(toBlock === undefined ? {} : { toBlock }),
			...(limit === undefined ? {} : { limit }),
			topics: topicsOf(query),
		});
		return this.#decode(found);
	}

	/** The state of a contract, folded from stored logs alone. @throws LedgerError `events.incomplete` */
	async state<Name extends ContractName>(contract: Name): Promise<StateOf<Name>> {
		const { from, fold }: Fold = folds[contract];
		const sources = new Set<string | null>(from);
		const logs: LedgerLog[] = [];
		const times = new Map<number, bigint>();
		for (let after: { blockNumber: number; index: number } | undefined; ; ) {
			const page = await this.#tables.logs({ limit: PAGE, ...(after === undefined ? {} : { after }) });
			const sourced = page.filter((log) => sources.has(log.contract));
			for (const { blockNumber, time } of sourced) times.set(blockNumber, BigInt(time));
			logs.push(...this.#decode(sourced));
			after = page.at(-1);
			if (page.length < PAGE) break;
		}
		return fold(logs, { deployment: this.#options.deployment, times }) as StateOf<Name>;
	}

	/** Forgets everything that is stored; the next step begins with the deployment's first block. */
	async clear(): Promise<void> {
		await this.#tables.clear();
	}

	/** The last stored block that the node has too; undefined when there is none. */
	async #ancestor(tip: IndexedBlock, head: number): Promise<IndexedBlock | undefined> {
		const { node, deployment } = this.#options;
		for (let number = Math.min(tip.number, head); number >= deployment.block; number--) {
			const ours = await this.#tables.block(number);
			const theirs = await headerOf(node, number).catch(rethrow);
			if (theirs === undefined) throw lagging(`expected block ${number} of ${head}`);
			if (ours?.hash !== theirs.hash) continue;
			// All that it has is a part of what we have: it is behind, or was set back and has nothing else yet.
			if (number === head && head < tip.number) throw lagging(`expected block ${tip.number}, got ${head} as the latest`);
			return ours;
		}
		if (head < deployment.block) throw lagging(`expected the deployment's block ${deployment.block}, got ${head} as the latest`);
		return undefined;
	}

	async #read(first: number, last: number, before: IndexedBlock | undefined) {
		const { node, deployment } = this.#options;
		try {
			const range = await readRange(node, { first, last, before, addresses: contractNames.map((name) => deployment.contracts[name]) });
			this.#span = Math.min(this.#options.span, this.#span * 2);
			return range;
		} catch (error) {
			const failure = decodeError(error);
			// Public nodes refuse ranges that are too long for them, each in its own words.
			if (failure.code === "node.refused" || failure.code === "node.unreachable") this.#span = Math.max(1, this.#span >> 1);
			throw failure;
		}
	}

	/** From what the node gave, not from what was stored as decoded: the types are exact. */
	#decode(logs: readonly IndexedLog[]): LedgerLog[] {
		const raw = logs.map(({ address, topics, data, blockNumber, index, transaction }) => {
			return { address, topics, data, blockNumber, index, transactionHash: transaction };
		});
		return decodeLogs(this.#options.deployment.contracts, raw as unknown as Log[]);
	}
}

function storable({ contracts }: Deployment, log: Log, time: number): IndexedLog {
	const { blockNumber, blockHash, index, transactionHash: transaction, address, topics, data } = log;
	const [decoded] = decodeLogs(contracts, [log]);
	const args: unknown = decoded === undefined ? null : JSON.parse(JSON.stringify(decoded.args, texts));
	return {
		...{ blockNumber, blockHash, time, index, transaction, address: address.toLowerCase(), topics, data },
		...{ contract: decoded?.contract ?? null, event: decoded?.name ?? null, args },
	};
}

function texts(_key: string, value: unknown): unknown {
	return typeof value === "bigint" ? value.toString() : value;
}

/** The topics that indexed arguments have. */
function topicsOf({ contract, event, where = {} }: LogQuery): Record<number, string> {
	const refuse = (what: string, hint: string): never => {
		throw new LedgerError("input.invalid", `logs: ${what}`, { hint });
	};
	const fragment = contract === undefined || event === undefined ? null : interfaces[contract].getEvent(event);
	if (event !== undefined && fragment === null)
		refuse(`expected an event of ${contract ?? "a contract"}, got ${event}`, "Name the contract too.");
	const indexed = fragment?.inputs.filter((input) => input.indexed) ?? [];
	const topics: Record<number, string> = {};
	for (const [name, value] of Object.entries(where)) {
		const place = indexed.findIndex((input) => input.name === name);
		if (place < 0)
			refuse(
				`expected an indexed argument of ${event ?? "an event"}, got ${name}`,
				`There are: ${indexed.map((input) => input.name).join(", ") || "none"}.`,
			);
		try {
			topics[place + 1] = topicOf(indexed[place]?.type as string, value);
		} catch {
			refuse(
				`expected a value of type ${indexed[place]?.type} as ${name}, got ${value}`,
				"Give numbers in decimal, addresses and digests in hex.",
			);
		}
	}
	return topics;
}

function topicOf(type: string, value: string | bigint | number | boolean): string {
	if (type === "bool") return zeroPadValue(toBeHex(value === true || value === "true" ? 1 : 0), 32);
	if (type === "address" || type.startsWith("bytes")) return zeroPadValue(String(value).toLowerCase(), 32);
	return zeroPadValue(toBeHex(BigInt(value)), 32);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
	await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
