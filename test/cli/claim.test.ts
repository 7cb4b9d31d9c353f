/** `openledger claim` as contributors, helpers and relays run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DELAY, House, POOL } from "../../ledger/testing/house.ts";
import { Terminal } from "./program.ts";

const RECIPIENT = "0x00000000000000000000000000000000000000Be";
const SHARE = POOL / 2n;

let house: House;
let folder: string;
let terminal: Terminal;
let wallets: string[];

const at = () => ["--rpc", house.devnet.url, "--deployment", "deployment.json"];
const claim = (verb: string, ...args: string[]) => terminal.run(["claim", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("claim", verb, ...at(), ...args);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-claim-"));
	house = await House.build(3);
	const [STEWARD, FIRST, SECOND, THIRD] = house.devnet.keys as [string, string, string, string];
	wallets = [FIRST, SECOND, THIRD].map((key) => new Wallet(key).address);
	terminal = new Terminal(folder, { STEWARD, FIRST, SECOND, THIRD });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(house.deployment));
	for (let i = 0; i < 2; i++) {
		const epoch = await house.attributed();
		await house.steward.fund({ epoch, amount: POOL });
		await house.postPayout(epoch);
	}
}, 240_000);
afterAll(async () => {
	await house?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

test("what will be owed is listed before it can be claimed", async () => {
	const listed = await json("list", "--wallet", wallets[0] as string);
	expect(listed).toMatchObject({ wallet: wallets[0], total: "0", open: [] });
	expect(listed.later.map(({ epoch, amount }: { epoch: string; amount: string }) => [epoch, amount])).toEqual([
		["1", String(SHARE)],
		["2", String(SHARE)],
	]);
	expect(await json("send", "--key", "FIRST")).toMatchObject({ total: "0", words: 0, transactions: [] });
});

test("one transaction pays all epochs; a trial sends nothing", async () => {
	await house.wait(DELAY);
	const wallet = wallets[0] as string;
	const before = await house.reader.balance(wallet);
	const trial = await json("send", "--wallet", wallet, "--key", "STEWARD", "--dry-run");
	expect(trial).toMatchObject({ dryRun: true, total: String(2n * SHARE), words: 2, transactions: [{ action: "claim 2 words" }] });
	expect(await house.reader.balance(wallet)).toBe(before);
	const sent = await json("send", "--wallet", wallet, "--key", "STEWARD");
	expect(sent).toMatchObject({ dryRun: false, wallet, to: wallet, total: String(2n * SHARE) });
	expect(sent.transactions).toHaveLength(1);
	expect(await house.reader.balance(wallet)).toBe(before + 2n * SHARE);
	expect(await json("list", "--wallet", wallet)).toMatchObject({ total: "0", open: [], later: [] });
});

test("an order is signed by the wallet and sent by anybody", async () => {
	const elsewhere = await claim("send", "--wallet", wallets[2] as string, "--to", RECIPIENT, "--key", "STEWARD");
	expect(elsewhere).toMatchObject({ code: 3, stderr: expect.stringContaining("claim sign") });
	const { code, stdout } = await claim("sign", "--to", RECIPIENT, "--key", "THIRD");
	expect(code).toBe(0);
	await writeFile(join(folder, "order.json"), stdout);
	const sent = await json("submit", "order.json", "--key", "STEWARD");
	expect(sent).toMatchObject({ wallet: wallets[2], recipient: RECIPIENT, total: String(2n * SHARE), words: 2 });
	expect(await house.reader.balance(RECIPIENT)).toBe(2n * SHARE);
	await writeFile(join(folder, "forged.json"), stdout.replaceAll("00Be", "00Bf"));
	const forged = await claim("submit", "forged.json", "--key", "STEWARD");
	expect(forged.code).not.toBe(0);
});

test("charges are listed as charges and settled among the rest", async () => {
	const listed = await claim("list", "--wallet", wallets[1] as string);
	expect(listed.stdout).toContain("charge");
	const sent = await json("send", "--key", "SECOND", "--to", RECIPIENT);
	expect(sent).toMatchObject({ total: "0", words: 2, to: RECIPIENT });
	expect(await house.reader.isClaimed(1n, 1)).toBe(true);
	expect(await house.reader.balance(RECIPIENT)).toBe(2n * SHARE);
});
