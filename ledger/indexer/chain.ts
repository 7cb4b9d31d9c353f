/**
 * What an index reads of a node, and what it does not believe.
 *
 * A node may lag, change its mind in the midst of an answer, or be several nodes behind one address that disagree. So a range is taken
 * only as a whole that hangs together: each block's parent is the one before, the first one's parent is the block that we have, and every log
 * names the hash of its block. That a log is *missing* shows in the bloom filter of its block's header: where the filter says that one of our
 * contracts may have logged and the range has no log of it, the block is asked for by its hash, which a node that does not have it refuses.
 */
import { getBytes, keccak256, type Log } from "ethers";
import { LedgerError } from "../errors.ts";
import type { IndexedBlock } from "./tables.ts";

/** Asks a node; what ethers' provider has as `send`. */
export interface Node {
	send(method: string, params: unknown[]): Promise<unknown>;
}

/** A block as a node describes it. */
export interface Header extends IndexedBlock {
	readonly bloom: string;
}

/** A part of the chain that hangs together. */
export interface Range {
	readonly blocks: readonly Header[];
	readonly logs: readonly Log[];
}

interface RawLog {
	readonly address: string;
	readonly topics: readonly string[];
	readonly data: string;
	readonly blockNumber: string;
	readonly blockHash: string;
	readonly transactionHash: string;
	readonly logIndex: string;
	readonly removed?: boolean;
}

/** How many headers are asked for at once. */
const AT_ONCE = 16;

/** The number of the node's latest block. */
export async function headOf(node: Node): Promise<number> {
	return Number(await node.send("eth_blockNumber", []));
}

/** The block with a number as the node has it now, or undefined. */
export async function headerOf(node: Node, number: number): Promise<Header | undefined> {
	const found = (await node.send("eth_getBlockByNumber", [quantity(number), false])) as Record<string, string> | null;
	if (found === null) return undefined;
	const { hash, parentHash, timestamp, logsBloom } = found as Record<"hash" | "parentHash" | "timestamp" | "logsBloom", string>;
	if (Number(found.number) !== number) throw inconsistent(`expected block ${number}, got block ${Number(found.number)}`);
	return { number, hash, parent: parentHash, time: Number(timestamp), bloom: logsBloom };
}

/**
 * Reads blocks and logs of a range.
 *
 * @param before the block before the first one; undefined when there is none that must fit
 * @param addresses of the contracts whose logs count
 * @throws LedgerError `node.inconsistent` when the answers do not hang together, `node.lagging` when a block is not there
 */
export async function readRange(
	node: Node,
	options: { first: number; last: number; before: IndexedBlock | undefined; addresses: readonly string[] },
): Promise<Range> {
	const { first, last, addresses } = options;
	const blocks: Header[] = [];
	for (let start = first; start <= last; start += AT_ONCE) {
		const numbers = Array.from({ length: Math.min(AT_ONCE, last - start + 1) }, (_, i) => start + i);
		blocks.push(...(await Promise.all(numbers.map((number) => needed(node, number)))));
	}
	let before = options.before;
	for (const block of blocks) {
		if (before !== undefined && block.parent !== before.hash) {
			throw inconsistent(`expected block ${block.number} to follow ${before.hash}, got the parent ${block.parent}`);
		}
		before = block;
	}
	const filter = { address: addresses, fromBlock: quantity(first), toBlock: quantity(last) };
	const logs = ((await node.send("eth_getLogs", [filter])) as RawLog[]).map(logOf);
	checkLogs(blocks, logs, addresses);
	await checkNothingIsMissing(node, blocks, logs, addresses);
	return { blocks, logs };
}

async function needed(node: Node, number: number): Promise<Header> {
	const header = await headerOf(node, number);
	if (header === undefined) throw lagging(`expected block ${number}, which the node does not have (any more)`);
	return header;
}

function checkLogs(blocks: readonly Header[], logs: readonly Log[], addresses: readonly string[]): void {
	const byNumber = new Map(blocks.map((block) => [block.number, block]));
	const ours = new Set(addresses.map((address) => address.toLowerCase()));
	const seen = new Set<string>();
	for (const { blockNumber, blockHash, index, removed, address } of logs) {
		const block = byNumber.get(blockNumber);
		const place = `log ${index} of block ${blockNumber}`;
		if (block === undefined) throw inconsistent(`expected logs of the range that was asked for, got ${place}`);
		if (removed || blockHash !== block.hash) throw inconsistent(`expected ${place} to be of ${block.hash}, got ${blockHash}`);
		if (!ours.has(address.toLowerCase())) throw inconsistent(`expected logs of our contracts, got ${place} of ${address}`);
		if (!mayHave(block.bloom, address)) throw inconsistent(`expected ${place} of ${address} to be in the filter of its block`);
		const key = `${blockNumber}/${index}`;
		if (seen.has(key)) throw inconsistent(`expected ${place} once`);
		seen.add(key);
	}
}

async function checkNothingIsMissing(
	node: Node,
	blocks: readonly Header[],
	logs: readonly Log[],
	addresses: readonly string[],
): Promise<void> {
	const found = new Set(logs.map(({ blockNumber, address }) => `${blockNumber}/${address.toLowerCase()}`));
	for (const { number, hash, bloom } of blocks) {
		const doubtful = addresses.filter((address) => mayHave(bloom, address) && !found.has(`${number}/${address.toLowerCase()}`));
		if (doubtful.length === 0) continue;
		const inBlock = (await node.send("eth_getLogs", [{ address: addresses, blockHash: hash }])) as RawLog[];
		const known = logs.filter(({ blockNumber }) => blockNumber === number).length;
		if (inBlock.length !== known) throw inconsistent(`expected ${inBlock.length} logs of block ${number}, got ${known}`);
	}
}

/** Whether a header's filter says that an address may have logged in its block: three bits of its keccak256, of 2,048 (yellow paper, 4.3.1). */
export function mayHave(bloom: string, address: string): boolean {
	const filter = getBytes(bloom);
	const digest = getBytes(keccak256(address));
	return [0, 2, 4].every((at) => {
		const bit = (((digest[at] as number) << 8) | (digest[at + 1] as number)) & 2047;
		return (((filter[255 - (bit >> 3)] as number) >> (bit & 7)) & 1) === 1;
	});
}

function logOf(raw: RawLog): Log {
	const { address, topics, data, blockHash, transactionHash, removed = false } = raw;
	const [blockNumber, index] = [Number(raw.blockNumber), Number(raw.logIndex)];
	return { address, topics, data, blockHash, transactionHash, removed, blockNumber, index } as unknown as Log;
}

function quantity(value: number): string {
	return `0x${value.toString(16)}`;
}

/** The node contradicts itself, or what it said before. */
export function inconsistent(message: string): LedgerError {
	return new LedgerError("node.inconsistent", `the node contradicts itself: ${message}`, {
		hint: "The chain was reorganised in the midst of an answer, or several nodes answer at this address. It is asked again; if that does not help, use another node.",
	});
}

/** The node does not have what it, or another one, had before. */
export function lagging(message: string): LedgerError {
	return new LedgerError("node.lagging", `the node lags: ${message}`, {
		hint: "It is asked again until it has caught up; if it does not, use another node.",
	});
}
