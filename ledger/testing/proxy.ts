/** A node in front of a node that answers as a test wants: it lags, lies or breaks off. For tests of who reads nodes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One call as JSON-RPC sends it. */
export interface Call {
	readonly method: string;
	readonly params: readonly unknown[];
}

/** Changes an answer. @returns the answer instead of the true one @throws Error whose message becomes the node's refusal */
// biome-ignore lint/suspicious/noExplicitAny: answers of a node have any form
export type Lie = (call: Call, truth: any) => unknown;

/** A proxy that runs. */
export interface LyingNode {
	readonly url: string;
	/** what it does with answers; nothing at first */
	lie: Lie;
	/** how many calls of each method went through */
	readonly calls: Map<string, number>;
	close(): Promise<void>;
}

/** Starts a proxy on a free port. @param target url of the true node */
export async function startProxy(target: string): Promise<LyingNode> {
	const calls = new Map<string, number>();
	const server = createServer(async (request, response) => {
		let body = "";
		for await (const chunk of request) body += chunk;
		const call = JSON.parse(body) as Call & { id: number };
		calls.set(call.method, (calls.get(call.method) ?? 0) + 1);
		const answer = (await (await fetch(target, { method: "POST", body, headers: { "content-type": "application/json" } })).json()) as {
			result?: unknown;
		};
		response.setHeader("content-type", "application/json");
		try {
			if ("result" in answer) answer.result = proxy.lie(call, answer.result);
			response.end(JSON.stringify(answer));
		} catch (error) {
			response.end(JSON.stringify({ jsonrpc: "2.0", id: call.id, error: { code: -32005, message: (error as Error).message } }));
		}
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const proxy: LyingNode = {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		lie: (_, truth) => truth,
		calls,
		close: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			}),
	};
	return proxy;
}
