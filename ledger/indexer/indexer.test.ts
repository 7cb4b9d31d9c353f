import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { id as hash, type JsonRpcProvider, parseEther } from "ethers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { contractNames, contractsAt, interfaces } from "../contracts.ts";
import type { LedgerError } from "../errors.ts";
import { fetchLogs } from "../logs.ts";
import { connect } from "../node.ts";
import { type LyingNode, startProxy } from "../testing/proxy.ts";
import { DAY, Street } from "../testing/street.ts";
import { channelId } from "../voucher.ts";
import { mayHave } from "./chain.ts";
import { Indexer, type IndexOptions, type IndexStep } from "./indexer.ts";

let street: Street;
let proxy: LyingNode;
let folder: string;
let places = 0;
let salts = 0;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-index-"));
	street = await Street.build();
	proxy = await startProxy(street.devnet.url);
	const { OpenToken, PaymentChannels } = street.deployment.contracts;
	await send(OpenToken, interfaces.OpenToken.encodeFunctionData("approve", [PaymentChannels, 2n ** 256n - 1n]));
}, 120_000);
afterAll(async () => {
	await proxy?.close();
	await street?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
	proxy.lie = (_, truth) => truth;
	proxy.calls.clear();
});

const nextPlace = () => ({ directory: join(folder, `index-${++places}`) });

async function withIndex<Value>(work: (index: Indexer) => Promise<Value>, options: Partial<IndexOptions> = {}): Promise<Value> {
	const index = await Indexer.open({ place: nextPlace(), deployment: street.deployment, node: street.provider, ...options });
	try {
		return await work(index);
	} finally {
		await index.close();
	}
}

async function throughProxy(): Promise<JsonRpcProvider> {
	return connect({ url: proxy.url, chainId: street.deployment.chainId });
}

/** Has the node sign and send: it knows its own transaction numbers also after it was set back. */
async function send(to: string, data: string): Promise<void> {
	const from = street.payer.address;
	const sent = (await street.provider.send("eth_sendTransaction", [{ from, to, data, gas: "0x7a120" }])) as string;
	while ((await street.provider.getTransactionReceipt(sent)) === null) await delay(5);
}

/** Opens channels: one transaction, and some events, each. */
async function open(count: number): Promise<string[]> {
	const { contracts } = street.deployment;
	const ids: string[] = [];
	for (let i = 0; i < count; i++) {
		const key = { payer: street.payer.address, payee: street.payee.address, delay: DAY, salt: hash(`salt ${++salts}`) };
		await send(contracts.PaymentChannels, interfaces.PaymentChannels.encodeFunctionData("open", [key.payee, DAY, key.salt, 1n]));
		ids.push(channelId(street.deployment, key));
	}
	return ids;
}

/** What the index holds is, log for log, what the node has now: block, hash, place, transaction and content. */
async function holds(index: Indexer): Promise<number> {
	const { provider, deployment } = street;
	const toBlock = await provider.getBlockNumber();
	const address = contractNames.map((name) => deployment.contracts[name]);
	const truth = await fetchLogs(provider, { address: address as never, topics: [], fromBlock: deployment.block, toBlock });
	const stored = await index.logs();
	const plain = truth.map(({ blockNumber, index: place, transactionHash }) => [blockNumber, place, transactionHash]);
	expect(stored.map(({ blockNumber, index: place, transaction }) => [blockNumber, place, transaction])).toEqual(plain);
	const status = await index.status();
	expect(status).toMatchObject({ gaps: 0, head: toBlock, blocks: toBlock - deployment.block + 1, logs: truth.length });
	expect(status.tip?.hash).toBe((await provider.getBlock(toBlock))?.hash);
	return truth.length;
}

const once = (index: Indexer, steps: IndexStep[] = []) =>
	index.follow({ once: true, retryMs: 5, pollMs: 5, onStep: (step) => steps.push(step) });

describe("following", () => {
	it("takes everything from the deployment's first block on, in ranges", async () => {
		await open(5);
		await withIndex(
			async (index) => {
				const steps: IndexStep[] = [];
				await once(index, steps);
				expect(steps.length).toBeGreaterThan(3);
				expect(steps.every(({ blocks }) => blocks <= 4)).toBe(true);
				await holds(index);
				await open(2);
				await once(index);
				await holds(index);
			},
			{ span: 4 },
		);
	});

	it("waits for confirmations", async () => {
		await withIndex(
			async (index) => {
				await once(index);
				const head = await street.provider.getBlockNumber();
				expect((await index.status()).tip?.number).toBe(head - 3);
				await open(1);
				await once(index);
				expect((await index.status()).tip?.number).toBe((await street.provider.getBlockNumber()) - 3);
			},
			{ confirmations: 3 },
		);
		await withIndex(
			async (index) => {
				await once(index);
				expect(await index.logs()).toEqual([]);
			},
			{ confirmations: 10_000 },
		);
	});

	it("answers by contract, event, indexed argument and range", async () => {
		const [one, two] = await open(2);
		await withIndex(async (index) => {
			await once(index);
			const contract = "PaymentChannels" as const;
			const found = await index.logs({ contract, event: "ChannelOpened", where: { channel: one as string } });
			expect(found).toMatchObject([{ contract, name: "ChannelOpened", args: { channel: one, payer: street.payer.address, amount: 1n } }]);
			const mine = await index.logs({ contract, event: "ChannelOpened", where: { payer: street.payer.address.toLowerCase() } });
			expect(mine.map(({ args }) => args.channel)).toEqual(expect.arrayContaining([one, two]));
			expect(await index.logs({ contract, event: "ChannelOpened", where: { payer: street.payee.address } })).toEqual([]);
			const blockNumber = found[0]?.blockNumber as number;
			const inBlock = await index.logs({ fromBlock: blockNumber, toBlock: blockNumber });
			expect(new Set(inBlock.map((log) => log.contract))).toEqual(new Set(["OpenToken", contract]));
			expect(await index.logs({ fromBlock: blockNumber, limit: 1 })).toHaveLength(1);
			for (const query of [
				{ contract, event: "Nothing" },
				{ event: "ChannelOpened" },
				{ contract, event: "ChannelOpened", where: { amount: 1n } },
				{ contract, event: "ChannelOpened", where: { payer: "0x12zz" } },
			]) {
				await expect(index.logs(query)).rejects.toMatchObject({ code: "input.invalid" });
			}
		});
	});

	it("starts again from nothing when it is asked to", async () => {
		await withIndex(async (index) => {
			await once(index);
			await index.clear();
			expect(await index.status()).toMatchObject({ tip: undefined, blocks: 0, logs: 0 });
			await once(index);
			await holds(index);
		});
	});

	it("is one process's, and another deployment's is another index", async () => {
		const place = nextPlace();
		await withIndex(
			async (index) => {
				await once(index);
				await expect(withIndex(async () => {}, { place })).rejects.toMatchObject({ code: "index.owned" });
			},
			{ place },
		);
		const other = { ...street.deployment, contracts: { ...street.deployment.contracts, OpenToken: street.deployment.contracts.EpochBook } };
		await withIndex(async (index) => expect(await index.logs()).toEqual([]), { place, deployment: other });
		await withIndex((index) => holds(index), { place });
	});
});

describe("reorganisations", () => {
	const snapshot = () => street.provider.send("evm_snapshot", []) as Promise<string>;
	const revert = (state: string) => street.provider.send("evm_revert", [state]);

	it("replace what was orphaned, whether the other fork is longer or shorter", async () => {
		await withIndex(
			async (index) => {
				await once(index);
				for (const [orphans, instead] of [
					[3, 5],
					[5, 2],
					[1, 1],
				] as const) {
					const state = await snapshot();
					const gone = await open(orphans);
					await once(index);
					await holds(index);
					await revert(state);
					// Another second, so the blocks differ even if their transactions do not.
					await street.wait(7);
					const [first] = await open(instead);
					const steps: IndexStep[] = [];
					await once(index, steps);
					expect(steps.reduce((sum, { orphaned }) => sum + orphaned, 0)).toBe(orphans);
					await holds(index);
					const channels = (await index.state("PaymentChannels")).map(({ id }) => id);
					expect(channels).toContain(first);
					for (const one of gone) expect(channels).not.toContain(one);
				}
			},
			{ span: 2 },
		);
	});

	it("of anvil's own making are followed too", async () => {
		await open(4);
		await withIndex(async (index) => {
			await once(index);
			await street.provider.send("anvil_reorg", [3, []]);
			const steps: IndexStep[] = [];
			await once(index, steps);
			expect(steps.some(({ orphaned }) => orphaned === 3)).toBe(true);
			await holds(index);
		});
	});

	it("of the deployment's own block begin anew", async () => {
		const place = nextPlace();
		// What was stored was another chain: every hash is another one.
		const another = await throughProxy();
		const rename = (value: string) => hash(`another ${value}`);
		proxy.lie = ({ method }, truth) => {
			if (method === "eth_getBlockByNumber") return { ...truth, hash: rename(truth.hash), parentHash: rename(truth.parentHash) };
			return method === "eth_getLogs" ? truth.map((log: { blockHash: string }) => ({ ...log, blockHash: rename(log.blockHash) })) : truth;
		};
		await withIndex((index) => once(index), { place, node: another });
		await withIndex(
			async (index) => {
				const steps: IndexStep[] = [];
				const { blocks } = await index.status();
				await once(index, steps);
				expect(steps[0]?.orphaned).toBe(blocks);
				await holds(index);
			},
			{ place },
		);
	});

	it("to a part of what was known are a lag until something else comes", async () => {
		await withIndex(async (index) => {
			const state = await snapshot();
			await open(2);
			await once(index);
			await revert(state);
			await expect(index.step()).rejects.toMatchObject({ code: "node.lagging" });
			await street.wait(3);
			await once(index);
			await holds(index);
		});
	});
});

describe("a node that lies", () => {
	/** Follows through the proxy until it tells the truth again; what it did not believe is returned. */
	async function refusals(lie: LyingNode["lie"], options: Partial<IndexOptions> = {}): Promise<LedgerError[]> {
		return withIndex(
			async (index) => {
				const errors: LedgerError[] = [];
				proxy.lie = lie;
				await index.follow({
					...{ once: true, retryMs: 1, pollMs: 1 },
					onRetry(error) {
						errors.push(error);
						if (errors.length === 3) proxy.lie = (_, truth) => truth;
					},
				});
				await holds(index);
				return errors;
			},
			{ node: await throughProxy(), ...options },
		);
	}
	const other = (value: string) => `0x${value.slice(2).replace(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16))}`;

	it.each<[string, string, LyingNode["lie"]]>([
		[
			"logs of another fork",
			"to be of 0x",
			({ method }, truth) => {
				if (method !== "eth_getLogs") return truth;
				return truth.map((log: { blockHash: string }, i: number) => (i === 2 ? { ...log, blockHash: other(log.blockHash) } : log));
			},
		],
		[
			"logs that were removed",
			"to be of 0x",
			({ method }, truth) => {
				if (method !== "eth_getLogs") return truth;
				return truth.map((log: object, i: number) => (i === 2 ? { ...log, removed: true } : log));
			},
		],
		[
			"a log that is missing",
			"logs of block",
			({ method, params }, truth) => {
				if (method !== "eth_getLogs" || "blockHash" in (params[0] as object)) return truth;
				const [{ blockNumber }] = truth.slice(-1);
				return truth.filter((log: { blockNumber: string }) => log.blockNumber !== blockNumber);
			},
		],
		[
			"no logs at all",
			"logs of block",
			({ method, params }, truth) => (method === "eth_getLogs" && !("blockHash" in (params[0] as object)) ? [] : truth),
		],
		["a log twice", "once", ({ method }, truth) => (method === "eth_getLogs" ? [...truth, truth.at(-1)] : truth)],
		[
			"logs of a stranger",
			"of our contracts",
			({ method }, truth) => {
				if (method !== "eth_getLogs") return truth;
				return [...truth, { ...truth.at(-1), address: `0x${"12".repeat(20)}`, logIndex: "0xff" }];
			},
		],
		[
			"logs of other blocks",
			"of the range",
			({ method }, truth) => (method === "eth_getLogs" ? [...truth, { ...truth.at(-1), blockNumber: "0xffffff" }] : truth),
		],
		[
			"a block of another fork",
			"to follow",
			({ method, params }, truth) =>
				method === "eth_getBlockByNumber" && Number(params[0]) === street.deployment.block + 2
					? { ...truth, parentHash: other(truth.parentHash) }
					: truth,
		],
		[
			"another block",
			"expected block",
			({ method, params }, truth) =>
				method === "eth_getBlockByNumber" && Number(params[0]) === street.deployment.block + 2 ? { ...truth, number: "0x1" } : truth,
		],
	])("with %s is not believed, named, and asked again", async (_, message, lie) => {
		const errors = await refusals(lie);
		expect(errors.map(({ code }) => code)).toEqual(["node.inconsistent", "node.inconsistent", "node.inconsistent"]);
		expect(errors[0]?.message).toContain(message);
	});

	it("lags, and is waited for", async () => {
		const errors = await refusals(({ method, params }, truth) =>
			method === "eth_getBlockByNumber" && Number(params[0]) > street.deployment.block + 4 ? null : truth,
		);
		expect(errors.map(({ code }) => code)).toEqual(["node.lagging", "node.lagging", "node.lagging"]);
	});

	it("falls back behind what it had", async () => {
		await withIndex(
			async (index) => {
				await once(index);
				const before = await index.status();
				proxy.lie = ({ method }, truth) => (method === "eth_blockNumber" ? `0x${(Number(truth) - 3).toString(16)}` : truth);
				await expect(index.step()).rejects.toMatchObject({ code: "node.lagging" });
				proxy.lie = (_, truth) => truth;
				expect(await index.status()).toEqual(before);
			},
			{ node: await throughProxy() },
		);
	});

	it("that goes on lying is an error in the end, and what was stored stays", async () => {
		await withIndex(
			async (index) => {
				proxy.lie = ({ method }, truth) => (method === "eth_getLogs" ? [...truth, truth.at(-1)] : truth);
				await expect(index.follow({ once: true, retryMs: 1 })).rejects.toMatchObject({ code: "node.inconsistent" });
				proxy.lie = (_, truth) => truth;
				expect(await index.status()).toMatchObject({ blocks: 0, logs: 0 });
			},
			{ node: await throughProxy() },
		);
	});

	it("that takes short ranges only is asked for shorter ones", async () => {
		await withIndex(
			async (index) => {
				const widths: number[] = [];
				proxy.lie = ({ method, params }, truth) => {
					if (method !== "eth_getLogs") return truth;
					const { fromBlock, toBlock } = params[0] as { fromBlock: string; toBlock: string };
					const width = Number(toBlock) - Number(fromBlock) + 1;
					if (width > 5) throw new Error("query exceeds max block range 5");
					widths.push(width);
					return truth;
				};
				await once(index);
				expect(Math.max(...widths.filter((width) => width > 0))).toBeLessThanOrEqual(5);
				await holds(index);
			},
			{ node: await throughProxy(), span: 64 },
		);
	});
});

describe("the end of a process", () => {
	it("by kill -9 at any moment leaves neither a gap nor a duplicate", async () => {
		await open(30);
		const place = nextPlace();
		const child = fileURLToPath(new URL("../testing/index-child.ts", import.meta.url));
		let [killed, ended] = [0, false];
		for (let round = 0; round < 40 && !ended; round++) {
			const run = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", child], {
				stdio: ["pipe", "pipe", "inherit"],
			});
			run.stdin.end(JSON.stringify({ url: street.devnet.url, directory: place.directory, deployment: street.deployment }));
			// Killed after a few steps, at another moment of the next step each time.
			let steps = 0;
			run.stdout.on("data", (chunk: Buffer) => {
				steps += chunk.toString().split("\n").length - 1;
				if (steps >= 3 && steps < 1000) {
					steps = 1000;
					setTimeout(() => run.kill("SIGKILL"), (round * 7) % 23);
				}
			});
			const signal = await new Promise<string | null>((resolve) => run.on("close", (_, by) => resolve(by)));
			if (signal === "SIGKILL") killed += 1;
			else ended = true;
		}
		expect(ended).toBe(true);
		expect(killed).toBeGreaterThan(2);
		await withIndex((index) => holds(index), { place });
		// A process for each round: a busy machine starts them slowly.
	}, 400_000);
});

describe("thousands of events", () => {
	it("are followed and folded, and the tables' own copy says the same", async () => {
		const { provider, deployment } = street;
		const { token } = contractsAt(deployment.contracts, provider);
		const from = street.payer.address;
		let nonce = await provider.getTransactionCount(from);
		await provider.send("evm_setAutomine", [false]);
		for (let batch = 0; batch < 6; batch++) {
			const sends = Array.from({ length: 500 }, (_, i) => {
				const to = `0x${(batch * 500 + i + 1).toString(16).padStart(40, "0")}`;
				const numbered = `0x${(nonce++).toString(16)}`;
				return token.transfer.populateTransaction(to, 1n).then(({ data, to: at }) => {
					return provider.send("eth_sendTransaction", [{ from, to: at, data, gas: "0xea60", nonce: numbered }]);
				});
			});
			await Promise.all(sends);
			await provider.send("evm_mine", []);
			await provider.send("evm_mine", []);
		}
		await provider.send("evm_setAutomine", [true]);
		await provider.send("evm_mine", []);
		await withIndex(async (index) => {
			await once(index);
			expect(await holds(index)).toBeGreaterThan(3_000);
			const { balances, supply } = await index.state("OpenToken");
			expect(supply).toBe(parseEther("1000000000"));
			expect(balances[from]).toBe(await street.balance(from));
			expect(Object.values(balances).reduce((sum, amount) => sum + amount, 0n)).toBe(supply);
		});
	});
});

it("reads a header's filter as the yellow paper says", async () => {
	const { provider, deployment } = street;
	const [log] = await provider.getLogs({ address: deployment.contracts.PaymentChannels, fromBlock: deployment.block });
	const block = (await provider.send("eth_getBlockByNumber", [`0x${log?.blockNumber.toString(16)}`, false])) as { logsBloom: string };
	expect(mayHave(block.logsBloom, deployment.contracts.PaymentChannels)).toBe(true);
	expect(mayHave(block.logsBloom, `0x${"12".repeat(20)}`)).toBe(false);
	expect(mayHave(`0x${"00".repeat(256)}`, deployment.contracts.PaymentChannels)).toBe(false);
	expect(mayHave(`0x${"ff".repeat(256)}`, `0x${"12".repeat(20)}`)).toBe(true);
});
