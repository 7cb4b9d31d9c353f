/** `openledger channel` as payer and payee run it, on a chain of its own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Street } from "../../ledger/testing/street.ts";
import { Terminal } from "./program.ts";

let street: Street;
let folder: string;
let terminal: Terminal;

const openledger = (args: readonly string[], input = "") => terminal.run(args, input);
const at = () => ["--rpc", street.devnet.url, "--deployment", "deployment.json"];
const channel = (verb: string, ...args: string[]) => openledger(["channel", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("channel", verb, ...at(), ...args);
const openOne = async (amount = "10"): Promise<string> =>
	(await json("open", "--payee", street.payee.address, "--amount", amount, "--key", "PAYER")).channel;
/** Signs a voucher and writes it to a file. */
async function voucher(id: string, amount: string): Promise<string> {
	const { code, stdout } = await channel("voucher", id, "--amount", amount, "--key", "PAYER");
	expect(code).toBe(0);
	await writeFile(join(folder, "voucher.json"), stdout);
	return "voucher.json";
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-channel-"));
	street = await Street.build();
	const [, PAYER, PAYEE, STRANGER] = street.devnet.keys as [string, string, string, string];
	terminal = new Terminal(folder, { PAYER, PAYEE, STRANGER });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(street.deployment));
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

describe("the whole way", () => {
	test("open, voucher, accept, redeem, top up, close", async () => {
		const opened = await json("open", "--payee", street.payee.address, "--amount", "10", "--key", "PAYER");
		expect(opened).toMatchObject({ dryRun: false, payer: street.payer.address, payee: street.payee.address, delay: 86_400 });
		expect(opened.transactions).toMatchObject([{ action: "open", transaction: expect.stringMatching(/^0x/) }]);
		const id = opened.channel;
		const low = await json("accept", await voucher(id, "1.5"), "--book", "book");
		expect(low).toMatchObject({ channel: id, due: parseEther("1.5").toString(), best: true, signedBy: "key" });
		const first = await readFile(join(folder, "voucher.json"), "utf8");
		await voucher(id, "4");
		const second = await openledger(
			["channel", "accept", ...at(), "-", "--book", "book"],
			await readFile(join(folder, "voucher.json"), "utf8"),
		);
		expect(second).toMatchObject({ code: 0, stdout: "good for 4.000000 OPEN now (4.000000 in total); kept\n" });
		await writeFile(join(folder, "first.json"), first);
		expect((await json("accept", "first.json", "--book", "book")).best).toBe(false);

		expect(await json("redeem", "--book", "book", "--key", "PAYEE")).toMatchObject({ due: parseEther("4").toString(), skipped: [] });
		expect(await street.balance(street.payee.address)).toBe(parseEther("4"));
		expect(await json("redeem", id, "--book", "book", "--key", "PAYEE")).toMatchObject({
			due: "0",
			transactions: [],
			skipped: [{ channel: id }],
		});

		expect(await json("topup", id, "--amount", "5", "--key", "PAYER")).toMatchObject({ added: parseEther("5").toString() });
		await json("accept", await voucher(id, "12"), "--book", "book");
		const closed = await json("close", id, "--book", "book", "--key", "PAYEE");
		expect(closed.transactions.map(({ action }: { action: string }) => action)).toEqual(["redeem", "close"]);
		expect(await street.balance(street.payee.address)).toBe(parseEther("12"));
		expect(await street.balance(street.payer.address)).toBe(parseEther("988"));
		expect(await json("show", id, "--book", "book")).toMatchObject({
			status: "Closed",
			redeemed: parseEther("12").toString(),
			remainder: parseEther("3").toString(),
			voucher: { amount: parseEther("12").toString() },
		});
		expect(await channel("show", id)).toMatchObject({ code: 0, stdout: expect.stringContaining("12.000000 OPEN in 2 payments") });
	});

	test("the payer closes alone and withdraws after the delay", async () => {
		const id = await openOne();
		const before = await street.balance(street.payer.address);
		expect(await json("close", id, "--key", "PAYER")).toMatchObject({ by: "payer", delay: 86_400 });
		expect(await channel("accept", await voucher(id, "1"), "--book", "late")).toMatchObject({
			code: 0,
			stdout: expect.stringContaining("the payer is closing: redeem before 20"),
		});
		expect(await channel("withdraw", id, "--key", "PAYER")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("can be withdrawn from 20"),
		});
		await street.wait(86_400);
		expect(await json("withdraw", id, "--key", "STRANGER")).toMatchObject({ remainder: parseEther("10").toString() });
		expect(await street.balance(street.payer.address)).toBe(before + parseEther("10"));
	});

	test("several channels are redeemed in one transaction, and listed", async () => {
		const ids = [await openOne("1"), await openOne("2")];
		for (const id of ids) await json("accept", await voucher(id, "0.5"), "--book", "batch");
		const { transactions, due } = await json("redeem", "--book", "batch", "--key", "PAYEE");
		expect(transactions).toMatchObject([{ action: "redeemMany of 2" }]);
		expect(due).toBe(parseEther("1").toString());
		const { channels } = await json("list", "--payee", street.payee.address);
		expect(channels.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(ids));
		expect((await json("list", "--payer", street.payee.address)).channels).toEqual([]);
	});
});

describe("a dry run sends nothing", () => {
	test.each([
		["open", () => ["--payee", street.payee.address, "--amount", "10", "--key", "PAYER"]],
		["topup", (id: string) => [id, "--amount", "1", "--key", "PAYER"]],
		["redeem", () => ["--voucher", "voucher.json", "--key", "STRANGER"]],
		["close", (id: string) => [id, "--key", "PAYER"]],
		["close", (id: string) => [id, "--key", "PAYEE"]],
	] as const)("%s", async (verb, args) => {
		const id = await openOne();
		await voucher(id, "1");
		const block = await street.provider.getBlockNumber();
		const { dryRun, transactions } = await json(verb, ...args(id), "--dry-run");
		expect(dryRun).toBe(true);
		expect(transactions).toHaveLength(1);
		for (const { gas, costWei } of transactions) {
			expect(Number(gas)).toBeGreaterThan(21_000);
			expect(BigInt(costWei)).toBeGreaterThan(BigInt(gas));
		}
		expect(await channel(verb, ...args(id), "--dry-run")).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing was sent") });
		expect(await street.provider.getBlockNumber()).toBe(block);
	});
});

describe("what is refused", () => {
	test("a voucher that is worth nothing: exit 1, and it is not kept", async () => {
		const id = await openOne();
		const text = await readFile(join(folder, await voucher(id, "1")), "utf8");
		await writeFile(join(folder, "altered.json"), text.replace(parseEther("1").toString(), parseEther("2").toString()));
		expect(await channel("accept", "altered.json", "--book", "refused")).toMatchObject({
			code: 1,
			stderr: expect.stringContaining("SignatureInvalid"),
		});
		expect(await channel("voucher", id, "--amount", "10.1", "--key", "PAYER")).toMatchObject({
			code: 1,
			stderr: expect.stringContaining("DepositExceeded"),
		});
		expect((await json("redeem", "--book", "refused", "--key", "PAYEE")).redeemed).toEqual([]);
	});

	test.each([
		["a channel that was never opened", 3, () => ["show", `0x${"1".repeat(64)}`], "expected a channel that was opened here"],
		["no voucher file", 3, () => ["accept", "none.json", "--book", "b"], "expected a readable file at none.json"],
		["a damaged voucher file", 3, () => ["accept", "deployment.json", "--book", "b"], "expected schema openledger.voucher.v1"],
		["neither book nor voucher", 2, () => ["redeem", "--key", "PAYEE"], "expected --book DIR or --voucher FILE"],
		["a key that is not set", 2, () => ["withdraw", `0x${"1".repeat(64)}`, "--key", "NOBODY"], "NOBODY, which is not set"],
		["an id that is none", 2, () => ["show", "0x12"], "expected 0x and 64 hex digits"],
		["a payee that is none", 2, () => ["open", "--payee", "0x12", "--amount", "1", "--key", "PAYER"], "expected an address"],
		[
			"a delay of an hour",
			2,
			() => ["open", "--payee", street.payee.address, "--amount", "1", "--delay", "3600", "--key", "PAYER"],
			"from 86400 to 7776000",
		],
		[
			"a payer without OPEN",
			6,
			() => ["open", "--payee", street.payee.address, "--amount", "1", "--key", "STRANGER"],
			"holds 0 wei of OPEN",
		],
	] as const)("%s: exit %i", async (_, code, args, message) => {
		const [verb, ...rest] = args() as [string, ...string[]];
		const result = await channel(verb, ...rest);
		expect({ code: result.code, stdout: result.stdout, stderr: result.stderr }).toEqual({
			code,
			stdout: "",
			stderr: expect.stringContaining(message),
		});
	});

	test("a stranger's key, and no key is ever printed", async () => {
		const id = await openOne();
		const result = await channel("close", id, "--key", "STRANGER", "--json");
		expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining("Only payer and payee end a channel") });
		for (const key of street.devnet.keys) expect(result.stdout + result.stderr).not.toContain(key.slice(2));
	});

	test("another chain's node, and no node", async () => {
		const { code, stderr } = await openledger(["channel", "list", "--rpc", "http://127.0.0.1:1", "--deployment", "deployment.json"]);
		expect({ code, stderr }).toEqual({ code: 6, stderr: expect.stringContaining("127.0.0.1:1") });
		await writeFile(join(folder, "elsewhere.json"), JSON.stringify({ ...street.deployment, chainId: 1 }));
		expect(await openledger(["channel", "list", "--rpc", street.devnet.url, "--deployment", "elsewhere.json"])).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("expected chain 1, got 31337"),
		});
	});
});
