/** `openledger fees` as payers, stewards and contributors run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordId } from "../../ledger/record.ts";
import { DELAY, House, POOL } from "../../ledger/testing/house.ts";
import { Terminal } from "./program.ts";

const OPERATOR = "0x00000000000000000000000000000000000009E7";
let house: House;
let terminal: Terminal;
let epoch: string;
let model: string;

beforeAll(async () => {
	house = await House.build(3);
	const [STEWARD, PAYER] = house.devnet.keys as [string, string];
	terminal = new Terminal(await mkdtemp(join(tmpdir(), "openledger-fees-")), { STEWARD, PAYER });
	await writeFile(join(terminal.folder, "deployment.json"), JSON.stringify(house.deployment));
	const number = await house.attributed();
	epoch = `${number}`;
	model = recordId(house.steward.address, "Checkpoint", hash(`checkpoint ${epoch}`));
	await house.steward.fund({ epoch: number, amount: POOL });
	await house.postPayout(number);
	await house.wait(DELAY);
}, 240_000);
afterAll(async () => {
	await house?.devnet.close();
	await rm(terminal.folder, { recursive: true, force: true });
});

const at = () => ["--rpc", house.devnet.url, "--deployment", "deployment.json"];
const fees = (verb: string, ...args: string[]) => terminal.run(["fees", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("fees", verb, ...at(), ...args);

describe("the whole way", () => {
	test("split, pay, claim, withdraw, show", async () => {
		const set = await json("split", epoch, "--trainer", "1500", "--operator", "2500", "--key", "STEWARD");
		expect(set).toMatchObject({ epoch, trainer: 1500, operator: 2500, transactions: [{ action: "setSplit" }] });
		await house.wait(259_200);
		const paid = await json("pay", "--epoch", epoch, "--amount", "10", "--operator", OPERATOR, "--entry", hash("entry"), "--key", "PAYER");
		expect(paid).toMatchObject({ epoch, operator: OPERATOR, split: { contributors: 5500, trainer: 1500, operator: 2500, treasury: 500 } });
		const plain = await fees("pay", "--model", model, "--amount", "1", "--key", "PAYER");
		expect(plain).toMatchObject({ code: 0, stdout: expect.stringContaining("contributors 0.800000 OPEN, trainer 0.150000 OPEN") });

		const shown = await json("show", epoch);
		const total = parseEther("6.3");
		expect(shown).toMatchObject({ total: `${total}`, balance: `${total}`, payments: [{ entry: hash("entry") }, { toOperator: "0" }] });
		expect(shown.contributions.map(({ owed }: { owed: string }) => owed)).toEqual([`${total / 2n}`, `${total / 2n}`]);
		expect(await fees("show", epoch)).toMatchObject({ code: 0, stdout: expect.stringContaining("trainer 15%, operator 25%, treasury 5%") });
		expect((await json("show")).credits).toEqual(
			expect.arrayContaining([
				{ account: OPERATOR, amount: `${parseEther("2.5")}` },
				{ account: house.steward.address, amount: `${parseEther("2.2")}` },
			]),
		);
		expect(await json("show", "--account", OPERATOR)).toEqual({ account: OPERATOR, credit: `${parseEther("2.5")}` });

		const [first, last] = [house.contributors[0], house.contributors[2]].map((one) => one?.address as string) as [string, string];
		const before = await house.reader.balance(last);
		expect(await json("claim", epoch, "--wallet", first, "--key", "PAYER")).toMatchObject({ due: `${total / 2n}`, paid: [{ index: 0 }] });
		expect(await json("claim", epoch, "--key", "PAYER")).toMatchObject({
			paid: [{ index: 2, wallet: last }],
			transactions: [{ action: "claimMany of 1" }],
		});
		expect(await house.reader.balance(last)).toBe(before + total / 2n);
		expect(await json("claim", epoch, "--key", "PAYER")).toMatchObject({ due: "0", transactions: [] });
		expect(await json("withdraw", "--account", OPERATOR, "--key", "PAYER")).toMatchObject({ amount: `${parseEther("2.5")}` });
		expect(await json("withdraw", "--key", "STEWARD")).toMatchObject({ account: house.steward.address, amount: `${parseEther("2.2")}` });
		expect(await house.reader.balance(OPERATOR)).toBe(parseEther("2.5"));
		expect(await house.reader.balance(house.deployment.contracts.InferenceFees)).toBe(0n);
	});

	test("many payments of a file go in one transaction, and none of a file with a fault", async () => {
		const payment = { epoch: Number(epoch), amount: "0.25" };
		const file = (list: unknown) => writeFile(join(terminal.folder, "payments.json"), JSON.stringify(list));
		await file([payment, { ...payment, amount: "0.5", operator: house.contributors[1]?.address, entry: hash("many") }]);
		const paid = await json("pay-many", "payments.json", "--key", "PAYER");
		expect(paid).toMatchObject({ amount: `${parseEther("0.75")}`, transactions: [{ action: "payMany of 2" }] });
		const { payments } = await json("show", epoch);
		expect(payments.slice(-2)).toMatchObject([{ toOperator: "0" }, { entry: hash("many"), toOperator: `${parseEther("0.125")}` }]);

		for (const [change, message] of [
			[{ amount: "1e3" }, "payment 1: expected an amount of OPEN such as 1000 or 0.5, got 1e3"],
			[{ epoch: 0 }, "payment 1: expected an integer from 1"],
			[{ operator: "0x1" }, "payment 1: expected an address, got 0x1"],
			[{ payee: OPERATOR }, "payment 1: expected epoch, amount, operator, entry, got payee"],
		] as const) {
			await file([payment, { ...payment, ...change }]);
			expect(await fees("pay-many", "payments.json", "--key", "PAYER")).toMatchObject({
				code: 3,
				stderr: expect.stringContaining(message),
			});
		}
		await file([]);
		expect(await fees("pay-many", "payments.json", "--key", "PAYER")).toMatchObject({ code: 3 });
		expect((await json("show", epoch)).payments).toHaveLength(payments.length);
	});

	test("an epoch without a payout shows its split", async () => {
		const other = await house.open();
		await json("split", `${other}`, "--trainer", "100", "--operator", "0", "--key", "STEWARD");
		expect(await json("show", `${other}`)).toMatchObject({ total: "0", schedule: { nextTrainer: 100 }, contributions: [] });
		expect(await fees("show")).toMatchObject({ code: 0, stdout: expect.stringContaining("trainers at most 20%, operators at most 30%") });
	});
});

describe("a dry run sends nothing", () => {
	test.each([
		["pay", () => ["--epoch", epoch, "--amount", "10", "--key", "PAYER"]],
		["split", () => [epoch, "--trainer", "1", "--operator", "2", "--key", "STEWARD"]],
		["claim", () => [epoch, "--key", "PAYER"]],
		["withdraw", () => ["--key", "STEWARD"]],
	] as const)("%s", async (verb, args) => {
		await json("pay", "--epoch", epoch, "--amount", "1", "--key", "PAYER");
		const block = await house.provider.getBlockNumber();
		const { dryRun, transactions } = await json(verb, ...args(), "--dry-run");
		expect(dryRun).toBe(true);
		expect(transactions[0]).toMatchObject({ gas: expect.stringMatching(/^\d+$/), costWei: expect.stringMatching(/^\d+$/) });
		expect(await house.provider.getBlockNumber()).toBe(block);
	});
});

describe("what is wrong is said", () => {
	test.each([
		[["pay", "--amount", "1", "--key", "PAYER"], 2, "one of --epoch and --model"],
		[["pay", "--epoch", "1", "--model", hash("x"), "--amount", "1", "--key", "PAYER"], 2, "one of --epoch and --model"],
		[["pay", "--model", hash("x"), "--amount", "1", "--key", "PAYER"], 3, "expected the checkpoint of an epoch"],
		[["pay", "--epoch", "99", "--amount", "1", "--key", "PAYER"], 6, "WrongStatus"],
		[["pay", "--epoch", "1", "--amount", "0", "--key", "PAYER"], 6, "more than nothing"],
		[["claim", "0", "--key", "PAYER"], 2, "expected the number of an epoch"],
		[["split", "1", "--trainer", "1", "--operator", "3001", "--key", "STEWARD"], 6, "at most 3000 basis points"],
		[["split", "1", "--trainer", "1", "--operator", "1", "--key", "PAYER"], 6, "from the steward"],
		[["withdraw", "--account", OPERATOR, "--key", "PAYER"], 6, "Nothing is credited"],
	] as const)("%j", async ([verb, ...args], code, message) => {
		expect(await fees(verb, ...args)).toMatchObject({ code, stderr: expect.stringContaining(message) });
	});
});
