import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Devnet, startDevnet } from "./devnet.ts";
import { connect } from "./node.ts";
import { senderOf } from "./sender.ts";

/** What the proxy does to a request: nothing, lose it, or lose its answer. */
type Fault = "pass" | "lose-request" | "lose-answer";

let devnet: Devnet;
let proxy: Server;
let url: string;
let fault: (method: string) => Fault;
let seen: string[];

beforeAll(async () => {
	devnet = await startDevnet({ accounts: 3 });
	proxy = createServer(async (request, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const body = Buffer.concat(chunks).toString();
		const { method } = JSON.parse(body) as { method: string };
		seen.push(method);
		const what = fault(method);
		if (what === "lose-request") return void request.socket.destroy();
		const answer = await fetch(devnet.url, { method: "POST", body, headers: { "content-type": "application/json" } });
		const text = await answer.text();
		if (what === "lose-answer") return void request.socket.destroy();
		response.setHeader("content-type", "application/json");
		response.end(text);
	}).listen(0, "127.0.0.1");
	await once(proxy, "listening");
	url = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
});
afterEach(() => {
	fault = () => "pass";
});
afterAll(async () => {
	proxy?.closeAllConnections();
	proxy?.close();
	await devnet?.close();
});

/** A sender through the proxy, with the first `count` sends going wrong. */
async function through(kind: Fault, count: number) {
	let left = count;
	fault = (method) => (method === "eth_sendRawTransaction" && left-- > 0 ? kind : "pass");
	seen = [];
	const provider = await connect({ url });
	const wallet = new Wallet(devnet.keys[0] as string, provider);
	const to = Wallet.createRandom().address;
	const sender = await senderOf(wallet);
	const nonce = await provider.getTransactionCount(wallet.address);
	const used = async () => (await provider.getTransactionCount(wallet.address)) - nonce;
	return { provider, sender, request: { to, value: 1n }, balance: () => provider.getBalance(to), used };
}

describe("a sender", () => {
	it("sends the same bytes again when the request was lost", async () => {
		const { sender, request, balance, used } = await through("lose-request", 2);
		await sender.send(request);
		expect(await balance()).toBe(1n);
		expect(await used()).toBe(1);
	});

	it("does not send twice when only the answer was lost", async () => {
		const { sender, request, balance, used } = await through("lose-answer", 1);
		await sender.send(request);
		expect(await balance()).toBe(1n);
		expect(await used()).toBe(1);
		expect(seen.filter((method) => method === "eth_sendRawTransaction")).toHaveLength(1);
	});

	it("gives up with the hash when the node stays away, and the key stays usable", async () => {
		const { sender, request, used } = await through("lose-request", 4);
		await expect(sender.send(request)).rejects.toMatchObject({
			code: "transaction.timeout",
			transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
		});
		await sender.send(request);
		expect(await used()).toBe(1);
	});

	it("takes another number when another program used it", async () => {
		const { sender, request, provider, used } = await through("pass", 0);
		const direct = new Wallet(devnet.keys[0] as string, await connect({ url: devnet.url }));
		// The other program comes between our look at the number and our send.
		let come = true;
		fault = () => "pass";
		const original = provider.broadcastTransaction.bind(provider);
		provider.broadcastTransaction = async (raw) => {
			if (come) {
				come = false;
				await (await direct.sendTransaction({ to: direct.address, value: 2n })).wait();
			}
			return original(raw);
		};
		await sender.send(request);
		expect(await used()).toBe(2);
	});

	it("stops waiting at the deadline", async () => {
		const { sender, request, provider } = await through("pass", 0);
		await provider.send("evm_setAutomine", [false]);
		const begun = Date.now();
		await expect(sender.send(request, 400)).rejects.toMatchObject({ code: "transaction.timeout", transaction: expect.any(String) });
		expect(Date.now() - begun).toBeLessThan(3_000);
		await provider.send("evm_setAutomine", [true]);
		await provider.send("evm_mine", []);
	});

	it("says that the key cannot pay", async () => {
		const provider = await connect({ url: devnet.url });
		const sender = await senderOf(Wallet.createRandom(provider));
		await expect(sender.send({ to: sender.address, value: 1n })).rejects.toMatchObject({ code: "transaction.funds" });
	});

	it("needs a provider", async () => {
		await expect(senderOf(Wallet.createRandom())).rejects.toMatchObject({ code: "input.invalid" });
	});
});
