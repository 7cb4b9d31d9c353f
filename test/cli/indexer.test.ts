/** `openledger index` as a user runs it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DAY, Street } from "../../ledger/testing/street.ts";
import { Terminal } from "./program.ts";

let street: Street;
let folder: string;
let terminal: Terminal;
let channel: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-index-cli-"));
	street = await Street.build();
	terminal = new Terminal(folder, { XDG_STATE_HOME: join(folder, "state") });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(street.deployment));
	channel = (await street.payer.openWithPermit({ payee: street.payee.address, delay: DAY, salt: id("salt"), amount: 7n })).id;
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

const at = () => ["--rpc", street.devnet.url, "--deployment", "deployment.json"];
const index = (verb: string, ...args: string[]) => terminal.run(["index", verb, ...at(), ...args]);
async function json(verb: string, ...args: string[]) {
	const { code, stdout } = await index(verb, ...args, "--json");
	expect(code).toBe(0);
	return JSON.parse(stdout).result;
}

test("runs once, says how far it is, answers and folds", async () => {
	const head = await street.provider.getBlockNumber();
	expect(await json("status")).toMatchObject({ tip: null, blocks: 0 });
	const run = await json("run", "--once");
	expect(run).toMatchObject({ head, gaps: 0, orphaned: 0, tip: { number: head }, blocks: head - street.deployment.block + 1 });
	expect((await index("run", "--once")).stdout).toContain("0 behind");
	const where = ["--contract", "paymentchannels", "--event", "ChannelOpened", "--where", `payer=${street.payer.address}`];
	expect((await json("query", ...where)).logs).toMatchObject([{ name: "ChannelOpened", args: { channel, amount: "7" } }]);
	expect((await index("query", ...where)).stdout).toContain("PaymentChannels.ChannelOpened");
	expect((await json("query", "--from", `${head}`, "--limit", "1")).logs).toHaveLength(1);
	expect(await json("state", "--contract", "PaymentChannels")).toMatchObject({ state: [{ id: channel, deposited: "7", status: "Open" }] });
	const { services } = (await json("state", "--contract", "StakeVault")).state;
	expect(services[street.deployment.contracts.Datanets]).toMatchObject({ cap: "10000", endsAt: "0" });
	expect(await json("rebuild", "--yes")).toMatchObject({ tip: { number: head }, gaps: 0 });
});

test("follows until it is stopped, and goes on from there", async () => {
	await street.payer.topUp({ key: { payer: street.payer.address, payee: street.payee.address, delay: DAY, salt: id("salt") }, amount: 1n });
	const stopped = await terminal.run(["index", "run", ...at()], "", 6_000);
	expect(stopped).toMatchObject({ code: 130, stderr: expect.stringContaining("at block") });
	expect(await json("status")).toMatchObject({ tip: { number: await street.provider.getBlockNumber() }, gaps: 0 });
});

test.each([
	[["query", "--event", "Nothing"], 3],
	[["query", "--contract", "Nothing"], 2],
	[["query", "--where", "payer"], 2],
	[["rebuild"], 2],
	[["status", "--store", "x", "--database", "postgres://127.0.0.1:1/x"], 2],
	[["status", "--database", "postgres://127.0.0.1:1/x"], 6],
])("%j ends with %i", async (args, code) => {
	expect((await index(args[0] as string, ...args.slice(1))).code).toBe(code);
});
