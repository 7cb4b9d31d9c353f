/** Logs of our contracts, read: by name, with arguments by name. */
import type { Log, ParamType, Provider, Result } from "ethers";
import { type Addresses, type ContractName, contractNames, interfaces } from "./contracts.ts";
import { decodeError } from "./errors.ts";

/** One event of one of our contracts. */
export interface LedgerLog {
	readonly contract: ContractName;
	/** name of the event */
	readonly name: string;
	/** arguments by name: bigint, string, boolean, arrays and objects of them */
	readonly args: Readonly<Record<string, unknown>>;
	readonly blockNumber: number;
	/** place in the block */
	readonly index: number;
	readonly transaction: string;
}

/**
 * Reads logs; those of other contracts (and unknown events of ours) are left out.
 *
 * @param addresses where our contracts are
 * @param logs in any order
 * @returns in the given order
 */
export function decodeLogs(addresses: Addresses, logs: readonly Log[]): LedgerLog[] {
	return logs.flatMap((log) => {
		const contract = contractNames.find((name) => addresses[name].toLowerCase() === log.address.toLowerCase());
		const parsed = contract === undefined ? null : interfaces[contract].parseLog(log);
		if (contract === undefined || parsed === null) return [];
		const args = named(parsed.args, parsed.fragment.inputs);
		return [{ contract, name: parsed.name, args, blockNumber: log.blockNumber, index: log.index, transaction: log.transactionHash }];
	});
}

/**
 * Fetches logs in ranges that public nodes accept.
 *
 * @param options.topics as in eth_getLogs
 * @param options.fromBlock first block
 * @param options.toBlock last block
 * @param options.span blocks per request, 10,000 by default
 * @returns oldest first
 * @throws LedgerError `node.*`
 */
export async function fetchLogs(
	provider: Provider,
	options: { address: string; topics: (string | string[] | null)[]; fromBlock: number; toBlock: number; span?: number },
): Promise<Log[]> {
	const { address, topics, fromBlock, toBlock, span = 10_000 } = options;
	const found: Log[] = [];
	for (let start = fromBlock; start <= toBlock; start += span) {
		const range = { fromBlock: start, toBlock: Math.min(toBlock, start + span - 1) };
		const logs = await provider.getLogs({ address, topics, ...range }).catch((error: unknown) => {
			throw decodeError(error);
		});
		found.push(...logs);
	}
	return found;
}

function named(values: Result, params: readonly ParamType[]): Record<string, unknown> {
	return Object.fromEntries(params.map((param, i) => [param.name, plain(values[i], param)]));
}

/** ethers' Result as plain arrays and objects. */
function plain(value: unknown, param: ParamType): unknown {
	if (param.isTuple()) return named(value as Result, param.components);
	if (param.isArray()) return [...(value as Result)].map((item) => plain(item, param.arrayChildren));
	return value;
}
