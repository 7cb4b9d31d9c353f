/** `openledger grant` as authors and grantees run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, keccak256, toUtf8Bytes, type Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LedgerClient } from "../../ledger/client.ts";
import { Street } from "../../ledger/testing/street.ts";
import { Terminal } from "./program.ts";

let street: Street;
let terminal: Terminal;
let records: LedgerClient;
let grantee: string;
let licence: string;
let datasets = 0;

beforeAll(async () => {
	street = await Street.build();
	const [, AUTHOR, GRANTEE, STRANGER] = street.devnet.keys as [string, string, string, string];
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-grant-")), { AUTHOR, GRANTEE, STRANGER });
	grantee = street.payee.address;
	await writeFile(join(terminal.folder, "deployment.json"), JSON.stringify(street.deployment));
	await writeFile(join(terminal.folder, "public.key"), "public key");
	await writeFile(join(terminal.folder, "encrypted.key"), "encrypted key");
	records = await LedgerClient.open({ deployment: street.deployment, signer: street.wallets[1] as Wallet });
	licence = (await street.treasury.registerRecord({ kind: "Licence", digest: hash("terms") })).id;
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(terminal.folder, { recursive: true, force: true });
});

const at = () => ["--rpc", street.devnet.url, "--deployment", "deployment.json"];
const grant = (verb: string, ...args: string[]) => terminal.run(["grant", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("grant", verb, ...at(), ...args);
const later = async (days: number) => `${((await street.provider.getBlock("latest"))?.timestamp ?? 0) + days * 86_400}`;

/** A dataset with its licence offered. */
async function offered(): Promise<string> {
	const { id } = await records.registerRecord({ kind: "Dataset", digest: hash(`rows ${++datasets}`) });
	await json("licence", id, "--licence", licence, "--key", "AUTHOR");
	return id;
}
/** A dataset that the grantee has requested. */
async function requested(): Promise<{ dataset: string; acceptance: string }> {
	const dataset = await offered();
	const { acceptance } = await json("request", dataset, "--licence", licence, "--public-key-file", "public.key", "--key", "GRANTEE");
	return { dataset, acceptance };
}

describe("the whole way", () => {
	test("licence, request, give, renew, revoke", async () => {
		const { dataset, acceptance } = await requested();
		const listed = await json("list", "--dataset", dataset);
		expect(listed.offers).toEqual([{ dataset, licence }]);
		expect(listed.accesses).toMatchObject([{ grantee, request: { acceptance, licence }, grant: null }]);
		const until = await later(30);
		const to = ["--grantee", grantee];
		const given = await json(
			"give",
			dataset,
			...to,
			"--acceptance",
			acceptance,
			"--until",
			until,
			"--encrypted-key-file",
			"encrypted.key",
			"--key",
			"AUTHOR",
		);
		expect(given).toMatchObject({ licence, until, keyHash: keccak256(toUtf8Bytes("encrypted key")), transactions: [{ action: "grant" }] });
		expect(await json("show", dataset, ...to)).toMatchObject({
			granted: true,
			grant: { status: "Granted", until, encryptedKey: `0x${Buffer.from("encrypted key").toString("hex")}` },
		});
		expect(await json("renew", dataset, ...to, "--until", await later(60), "--key", "AUTHOR")).toMatchObject({ grantee });
		expect(await grant("show", dataset, ...to)).toMatchObject({ code: 0, stdout: expect.stringMatching(/access +yes, until 20/) });
		await json("revoke", dataset, ...to, "--key", "AUTHOR");
		expect(await grant("show", dataset, ...to)).toMatchObject({ code: 0, stdout: expect.stringMatching(/access +no/) });
		expect(await grant("list", "--grantee", grantee)).toMatchObject({ code: 0, stdout: expect.stringContaining("Revoked") });
	});

	test("offers and requests are taken back", async () => {
		const { dataset } = await requested();
		await json("request", dataset, "--withdraw", "--key", "GRANTEE");
		await json("licence", dataset, "--licence", licence, "--withdraw", "--key", "AUTHOR");
		expect(await json("list", "--dataset", dataset)).toMatchObject({ offers: [], accesses: [{ request: null, grant: null }] });
	});
});

test("several are given access in one transaction, and a damaged list gives none", async () => {
	const { dataset, acceptance } = await requested();
	const own = ["--licence", licence, "--public-key-file", "public.key"];
	const other = await json("request", dataset, ...own, "--key", "STRANGER");
	const until = await later(3);
	const entry = (who: string, key: string, answered: string) => ({ grantee: who, acceptance: answered, until, encryptedKey: key });
	const list = [entry(grantee, "0x12", acceptance), entry(other.grantee, "0x34", other.acceptance)];
	const write = (content: unknown) => writeFile(join(terminal.folder, "grants.json"), JSON.stringify(content));
	const many = () => grant("give-many", dataset, "grants.json", "--key", "AUTHOR");
	for (const [content, message] of [
		[[], "give-many: grants.json: expected a list with at least one grant"],
		[[list[0], 7], "give-many: grants.json, grant 1: expected an object, got 7"],
		[
			[list[0], { ...list[1], until: "soon" }],
			"give-many: grants.json, grant 1: expected Unix seconds or a date such as 2027-01-31, got soon",
		],
		[[list[0], { ...list[1], term: 3 }], "give-many: grants.json, grant 1: expected grantee, acceptance, until, encryptedKey, got term"],
		[[list[0], { ...list[1], acceptance }], `expected a request ${acceptance} of ${other.grantee}, got ${other.acceptance}`],
	] as const) {
		await write(content);
		expect(await many()).toMatchObject({ code: 3, stderr: expect.stringContaining(message) });
	}
	await write(list);
	const { grants, transactions } = await json("give-many", dataset, "grants.json", "--key", "AUTHOR");
	expect(grants.map((one: { granted: boolean }) => one.granted)).toEqual([true, true]);
	expect(transactions).toMatchObject([{ action: "grantMany of 2" }]);
	for (const who of [grantee, other.grantee]) expect((await json("show", dataset, "--grantee", who)).granted).toBe(true);
});

/** An author without coins signs, and a stranger sends. */
test("what an author signed is relayed, once", async () => {
	const { dataset, acceptance } = await requested();
	const to = ["--grantee", grantee];
	const key = ["--acceptance", acceptance, "--until", await later(1), "--encrypted-key", "0x12"];
	const wanted: [string, string[], boolean][] = [
		["grant", [...to, ...key], true],
		["renew", [...to, "--until", await later(2)], true],
		["revoke", to, false],
		["offer", ["--licence", licence, "--withdraw"], false],
	];
	for (const [action, args, granted] of wanted) {
		const { code, stdout } = await grant("sign", dataset, "--action", action, ...args, "--key", "AUTHOR");
		expect(code).toBe(0);
		await writeFile(join(terminal.folder, "signed.json"), stdout);
		expect((await json("relay", "signed.json", "--key", "STRANGER", "--dry-run")).dryRun).toBe(true);
		expect(await json("relay", "signed.json", "--key", "STRANGER")).toMatchObject({ dataset, transactions: [{ action: `${action}For` }] });
		expect(await grant("relay", "signed.json", "--key", "STRANGER")).toMatchObject({ code: 6 });
		expect((await json("show", dataset, ...to)).granted).toBe(granted);
	}
	expect((await json("list", "--dataset", dataset)).offers).toEqual([]);
	expect(await grant("sign", dataset, "--action", "renew", ...to, "--key", "AUTHOR")).toMatchObject({
		code: 2,
		stderr: expect.stringContaining("expected --until"),
	});
});

test("a date is an end too", async () => {
	const { dataset, acceptance } = await requested();
	const year = new Date(Number(await later(400)) * 1000).getUTCFullYear();
	const given = await json(
		"give",
		dataset,
		"--grantee",
		grantee,
		"--acceptance",
		acceptance,
		"--until",
		`${year}-12-31`,
		"--encrypted-key",
		"0x12",
		"--key",
		"AUTHOR",
	);
	expect(given.until).toBe(`${Date.UTC(year, 11, 31) / 1000}`);
});

/** The key was encrypted to the public key of one request; another one is not answered with it. */
test("a request that was changed is not granted", async () => {
	const { dataset, acceptance } = await requested();
	await json("request", dataset, "--licence", licence, "--public-key", "0x1234", "--key", "GRANTEE");
	const args = ["--grantee", grantee, "--acceptance", acceptance, "--until", await later(1), "--encrypted-key", "0x12", "--key", "AUTHOR"];
	expect(await grant("give", dataset, ...args)).toMatchObject({ code: 3, stderr: expect.stringContaining("changed or taken back") });
});

describe("a dry run sends nothing", () => {
	test.each([
		["licence", (dataset: string) => [dataset, "--licence", licence, "--withdraw", "--key", "AUTHOR"]],
		["request", (dataset: string) => [dataset, "--licence", licence, "--public-key", "0x12", "--key", "STRANGER"]],
		["renew", (dataset: string, until: string) => [dataset, "--grantee", grantee, "--until", until, "--key", "AUTHOR"]],
		["revoke", (dataset: string) => [dataset, "--grantee", grantee, "--key", "AUTHOR"]],
		[
			"give",
			(dataset: string, until: string, acceptance: string) => [
				...[dataset, "--grantee", grantee, "--acceptance", acceptance, "--until", until, "--encrypted-key", "0x12", "--key", "AUTHOR"],
			],
		],
	] as const)("%s", async (verb, args) => {
		const { dataset, acceptance } = await requested();
		await json(
			"give",
			dataset,
			"--grantee",
			grantee,
			"--acceptance",
			acceptance,
			"--until",
			await later(1),
			"--encrypted-key",
			"0x12",
			"--key",
			"AUTHOR",
		);
		const block = await street.provider.getBlockNumber();
		const { dryRun, transactions } = await json(verb, ...args(dataset, await later(2), acceptance), "--dry-run");
		expect(dryRun).toBe(true);
		expect(transactions[0]).toMatchObject({ gas: expect.stringMatching(/^\d+$/), costWei: expect.stringMatching(/^\d+$/) });
		expect(await street.provider.getBlockNumber()).toBe(block);
	});
});

describe("what is wrong is said", () => {
	test.each([
		[["request", "--key", "GRANTEE"], 2, "expected --licence"],
		[["request", "--licence", hash("x"), "--key", "GRANTEE"], 2, "one of --public-key and --public-key-file"],
		[["request", "--licence", hash("x"), "--public-key-file", "none.key", "--key", "GRANTEE"], 3, "readable file"],
		[["request", "--licence", hash("x"), "--public-key", "0x123", "--key", "GRANTEE"], 2, "pairs of hex digits"],
		[["request", "--licence", hash("x"), "--public-key", "0x12", "--key", "GRANTEE"], 6, "does not offer the licence"],
		[["licence", "--licence", hash("x"), "--key", "STRANGER"], 6, "from the record's author"],
		[["renew", "--grantee", `0x${"1".repeat(40)}`, "--until", "tomorrow", "--key", "AUTHOR"], 2, "Unix seconds or a date"],
		[["revoke", "--grantee", `0x${"1".repeat(40)}`, "--key", "AUTHOR"], 6, "never granted"],
	] as const)("%j", async ([verb, ...args], code, message) => {
		expect(await grant(verb, await offered(), ...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
	});
});
