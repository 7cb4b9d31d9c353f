/** `openledger stake` as stakers, accused and challengers run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, parseEther, type Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contractsAt } from "../../ledger/contracts.ts";
import { DAY, Street } from "../../ledger/testing/street.ts";
import { serviceNames, VaultClient } from "../../ledger/vault.ts";
import { Terminal } from "./program.ts";

let street: Street;
let terminal: Terminal;
/** A key that was registered as a service, so that it can slash. */
let service: Wallet;
let staker: string;
const at = () => ["--rpc", street.devnet.url, "--deployment", "deployment.json"];
const stake = (verb: string, ...args: string[]) => terminal.run(["stake", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("stake", verb, ...at(), ...args);
async function slash(amount: bigint): Promise<void> {
	const { vault } = contractsAt(street.deployment.contracts, service);
	await (await vault.slash(staker, amount, street.stranger.address, hash("evidence"))).wait();
}

beforeAll(async () => {
	street = await Street.build();
	const [, STAKER, , STRANGER] = street.devnet.keys as [string, string, string, string];
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-stake-")), { STAKER, STRANGER });
	await writeFile(join(terminal.folder, "deployment.json"), JSON.stringify(street.deployment));
	staker = street.payer.address;
	service = street.wallets[2] as Wallet;
	const owner = await VaultClient.open({ deployment: street.deployment, signer: street.wallets[0] as Wallet });
	const terms = { unbonding: BigInt(DAY), appealWindow: BigInt(DAY), cap: 10_000n, challengerShare: 5_000n };
	await owner.registerService({ service: service.address, terms });
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(terminal.folder, { recursive: true, force: true });
});

test("stake for contributions goes in and comes out", async () => {
	const deposited = await json("deposit", "--service", "registry", "--amount", "10", "--key", "STAKER");
	expect(deposited).toMatchObject({ dryRun: false, owner: staker, transactions: [{ action: "depositWithPermit" }] });
	expect(await json("unbond", "--service", "registry", "--amount", "3", "--key", "STAKER")).toMatchObject({ unbonding: "0" });
	expect((await json("show", staker, "--service", "registry")).accounts).toMatchObject([{ free: parseEther("7").toString(), locked: "0" }]);
	expect(await json("withdraw", "--service", "registry", "--key", "STAKER")).toMatchObject({ paid: parseEther("7").toString() });
	expect(await street.balance(staker)).toBe(parseEther("1000"));
});

test("stake with an unbonding period waits, and somebody else may have it paid", async () => {
	const to = ["--service", service.address];
	expect(await json("deposit", ...to, "--amount", "5", "--owner", staker, "--key", "STAKER")).toMatchObject({
		transactions: [{ action: "depositWithPermit" }],
	});
	await json("unbond", ...to, "--amount", "5", "--key", "STAKER");
	expect(await stake("withdraw", ...to, "--key", "STAKER")).toMatchObject({ code: 6, stderr: expect.stringContaining("can be from 20") });
	expect(await stake("show", staker, ...to)).toMatchObject({ code: 0, stdout: expect.stringContaining("5.000000") });
	await street.wait(DAY);
	expect(await json("withdraw", ...to, "--owner", staker, "--key", "STRANGER")).toMatchObject({ paid: parseEther("5").toString() });
	expect(await street.balance(staker)).toBe(parseEther("1000"));
});

test.each(Object.entries(serviceNames))("%s is the short name of %s", async (name, contract) => {
	const address = street.deployment.contracts[contract];
	expect(await json("deposit", "--service", name, "--amount", "1", "--owner", street.stranger.address, "--key", "STAKER")).toMatchObject({
		service: address,
	});
	const { accounts } = await json("show", street.stranger.address, "--service", address);
	expect(accounts).toMatchObject([{ service: address, name, free: parseEther("1").toString() }]);
});

test("a verdict is shown, appealed, settled and collected", async () => {
	await json("deposit", "--service", service.address, "--amount", "4", "--key", "STAKER");
	await slash(parseEther("1"));
	await slash(parseEther("2"));
	expect(await stake("cases", "--owner", staker)).toMatchObject({ code: 0, stdout: expect.stringMatching(/Open[^\n]+\(appeal\)/) });
	expect(await json("appeal", "2", "--reason", "not me", "--key", "STAKER")).toMatchObject({ case: "2" });
	expect(await stake("appeal", "1", "--reason", "not me", "--key", "STRANGER")).toMatchObject({
		code: 6,
		stderr: expect.stringContaining("Only the accused"),
	});
	expect(await stake("settle", "1", "--key", "STRANGER")).toMatchObject({ code: 6, stderr: expect.stringContaining("settled from 20") });
	await street.wait(DAY);
	expect(await json("settle", "1", "--key", "STRANGER")).toMatchObject({ status: "Settled", amount: parseEther("1").toString() });
	expect(await stake("show", street.stranger.address)).toMatchObject({
		code: 0,
		stdout: expect.stringContaining("0.500000 OPEN to collect"),
	});
	expect(await json("collect", "--key", "STRANGER")).toMatchObject({ paid: parseEther("0.5").toString() });
	await street.wait(30 * DAY);
	expect(await json("settle", "2", "--key", "STRANGER")).toMatchObject({ status: "Overturned" });
	const { cases } = await json("cases", "--service", service.address);
	expect(cases).toMatchObject([
		{ id: "1", status: "Settled" },
		{ id: "2", status: "Overturned", reason: "not me" },
	]);
	expect(await stake("cases", "--service", "datanets")).toMatchObject({ code: 0, stdout: "no cases\n" });
});

describe("a dry run sends nothing", () => {
	test.each([
		["deposit", ["--service", "registry", "--amount", "1", "--key", "STAKER"]],
		["unbond", ["--service", "SERVICE", "--amount", "1", "--key", "STAKER"]],
	] as const)("%s", async (verb, args) => {
		const block = await street.provider.getBlockNumber();
		const given = args.map((text) => (text === "SERVICE" ? service.address : text));
		expect(await json(verb, ...given, "--dry-run")).toMatchObject({ dryRun: true, transactions: [{ costWei: expect.anything() }] });
		expect(await street.provider.getBlockNumber()).toBe(block);
	});
});

test.each([
	[
		"a service that is none",
		["deposit", "--service", "nobody", "--amount", "1", "--key", "STAKER"],
		3,
		"expected registry, datanets, jobs, disputes",
	],
	["no amount", ["unbond", "--service", "registry", "--key", "STAKER"], 2, "--amount"],
	["no reason", ["appeal", "1", "--key", "STAKER"], 2, "--reason"],
	["a case that is none", ["settle", "99", "--key", "STAKER"], 6, "There is no case 99"],
])("%s is refused", async (_, [verb, ...args], code, message) => {
	expect(await stake(verb as string, ...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
});
