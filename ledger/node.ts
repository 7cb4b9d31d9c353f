/** The connection to a chain. */
import { FetchRequest, JsonRpcProvider, Network } from "ethers";
import { decodeError, LedgerError } from "./errors.ts";

/** The chain id of local test chains, where blocks come at once. */
export const DEVNET_CHAIN = 31337;

/**
 * Connects to a node and asks it for its chain before anything else: ethers alone would ask for ever.
 *
 * @param options.url http or https
 * @param options.chainId the chain that is expected; any by default
 * @param options.timeoutMs longest wait for one answer, 30,000 by default
 * @returns a provider that knows its chain, never answers from a cache and polls every 50 ms on a devnet, else every 2 s.
 *   It holds no timer; nothing needs to be closed.
 * @throws LedgerError `node.unreachable`, `node.wrong-chain`
 */
export async function connect(options: { url: string; chainId?: number; timeoutMs?: number }): Promise<JsonRpcProvider> {
	const request = requestTo(options.url);
	request.timeout = options.timeoutMs ?? 30_000;
	const chainId = await askChainId(request);
	if (options.chainId !== undefined && chainId !== options.chainId) {
		throw new LedgerError("node.wrong-chain", `connect: expected chain ${options.chainId}, got ${chainId}`, {
			hint: "Give the URL of a node of the right chain, or the deployment file of this one.",
		});
	}
	return new JsonRpcProvider(request, Network.from(chainId), {
		staticNetwork: true,
		// Answers must be those of this moment: a cached transaction count sends two transactions with one number.
		cacheTimeout: -1,
		// One request per call: a lost answer then concerns one call only.
		batchMaxCount: 1,
		pollingInterval: chainId === DEVNET_CHAIN ? 50 : 2_000,
	});
}

function requestTo(url: string): FetchRequest {
	if (!/^https?:\/\/[^/]/.test(url)) {
		throw new LedgerError("node.unreachable", `connect: expected an http(s) URL, got ${JSON.stringify(url)}`, {
			hint: "Write it like http://127.0.0.1:8545.",
		});
	}
	return new FetchRequest(url);
}

async function askChainId(request: FetchRequest): Promise<number> {
	const ask = request.clone();
	ask.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
	const answer = await ask.send().catch((error: unknown) => {
		throw decodeError(error);
	});
	try {
		answer.assertOk();
		const chainId = Number((answer.bodyJson as { result: string }).result);
		if (Number.isSafeInteger(chainId) && chainId > 0) return chainId;
	} catch (cause) {
		throw unfit(request.url, cause);
	}
	throw unfit(request.url, undefined);
}

function unfit(url: string, cause: unknown): LedgerError {
	return new LedgerError("node.unreachable", `connect: expected ${new URL(url).host} to answer eth_chainId, got something else`, {
		hint: "Check that the URL is the JSON-RPC address of an Ethereum node.",
		cause,
	});
}
