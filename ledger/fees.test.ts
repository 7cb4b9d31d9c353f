import { id as hash, parseEther, Wallet, ZeroAddress, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractsAt } from "./contracts.ts";
import { checkDeployment } from "./deployment.ts";
import { inEffect, noFees, replayFees } from "./fee-history.ts";
import { FeeReader } from "./fee-reader.ts";
import { FeeClient } from "./fees.ts";
import type { LedgerLog } from "./logs.ts";
import { recordId } from "./record.ts";
import { signRotation } from "./rotation.ts";
import { DELAY, House, POOL } from "./testing/house.ts";

const OPERATOR = "0x00000000000000000000000000000000000009E7";
const TREASURY = "0x00000000000000000000000000000000000007Ea";
const NOTICE = 259_200;
let house: House;
let reader: FeeReader;
/** The steward is treasury and owner too; the payer is the first contributor. */
let steward: FeeClient;
let payer: FeeClient;
let epoch: bigint;

beforeAll(async () => {
	house = await House.build(4);
	reader = new FeeReader(house);
	const [first, second] = house.devnet.keys.map((key) => new Wallet(key, house.provider)) as [Wallet, Wallet];
	[steward, payer] = (await Promise.all([first, second].map((signer) => FeeClient.open({ deployment: house.deployment, signer })))) as [
		FeeClient,
		FeeClient,
	];
	await house.steward.transfer({ to: payer.address, amount: parseEther("1000") });
	epoch = await house.attributed();
	await house.steward.fund({ epoch, amount: POOL });
	await house.postPayout(epoch);
}, 240_000);
afterAll(() => house?.devnet.close());

const wallet = (index: number) => new Wallet(house.devnet.keys[index] as string, house.provider);

describe("fees", () => {
	it("are deployed with the others", async () => {
		expect((await checkDeployment(house.provider, house.deployment)).filter(({ ok }) => !ok)).toEqual([]);
		expect(await reader.bounds()).toEqual({ treasury: 500, maxTrainer: 2000, maxOperator: 3000 });
		expect(await reader.split(epoch)).toEqual({ contributors: 9500, trainer: 0, operator: 0, treasury: 500 });
	});

	it("are not taken before the payout is active", async () => {
		await expect(payer.pay({ epoch, amount: 5n })).rejects.toMatchObject({ revert: { name: "NotActive" } });
		await expect(payer.pay({ epoch: epoch + 1n, amount: 5n })).rejects.toMatchObject({ revert: { name: "WrongStatus" } });
		await house.wait(DELAY);
	});

	it("are paid, split, claimed and withdrawn", async () => {
		await steward.setSplit({ epoch, trainer: 1500, operator: 2500 });
		await house.wait(NOTICE);
		expect(await reader.split(epoch)).toEqual({ contributors: 5500, trainer: 1500, operator: 2500, treasury: 500 });
		const entry = hash("entry");
		const { logs } = await payer.payWithPermit({ epoch, amount: 10_000n, operator: OPERATOR, entry });
		expect(logs.find(({ name }) => name === "Paid")?.args).toEqual({
			...{ epoch, payer: payer.address, operator: OPERATOR, trainer: steward.address, entry },
			...{ amount: 10_000n, toTrainer: 1500n, toOperator: 2500n, toTreasury: 500n },
		});
		const { approval } = await payer.pay({ epoch, amount: 1000n });
		expect(approval?.gasUsed).toBeGreaterThan(0n);
		await payer.payManyWithPermit([
			{ epoch, amount: 100n },
			{ epoch, amount: 200n, operator: OPERATOR },
		]);
		await payer.payMany([{ epoch, amount: 1n }]);
		const total = 5500n + 800n + 80n + 110n + 1n;
		expect(await reader.pot(epoch)).toEqual({ total, balance: total });
		// The steward is the treasury too.
		expect(await reader.credit(steward.address)).toBe(2000n + 200n + 20n + 40n);
		expect(await reader.credit(OPERATOR)).toBe(2550n);

		const owed = await reader.owed(epoch);
		expect(owed.map(({ index }) => index)).toEqual([0, 2, 3]);
		for (const one of owed) expect(one).toMatchObject({ owed: total / 3n, claimed: 0n, wallet: house.contributors[one.index]?.address });
		const { fees } = contractsAt(house.deployment.contracts, house.provider);
		for (const { claim, owed: due } of owed) expect(await fees.owedOf(epoch, claim.word, [...claim.proof])).toBe(due);
		const before = await house.reader.balance(owed[1]?.wallet as string);
		await steward.claimFees(owed[1]?.claim as never);
		expect(await house.reader.balance(owed[1]?.wallet as string)).toBe(before + total / 3n);
		await expect(steward.claimFees(owed[1]?.claim as never)).rejects.toMatchObject({ revert: { name: "NoFeesOwed" } });
		await payer.withdraw(OPERATOR);
		expect(await house.reader.balance(OPERATOR)).toBe(2550n);
		await expect(payer.withdraw(OPERATOR)).rejects.toMatchObject({ revert: { name: "NoCredit" }, hint: expect.stringContaining(OPERATOR) });
	});

	it("go to the wallet of the moment, and are claimed together", async () => {
		const [from, to] = [wallet(1), wallet(4)];
		const nonce = await house.reader.rotationNonce(from.address);
		const deadline = (await house.reader.now()) + 3600n;
		const rotation = { epoch, index: 0, from: from.address, to: to.address, nonce, deadline };
		const [fromSignature, toSignature] = [
			await signRotation(from, house.deployment, rotation),
			await signRotation(to, house.deployment, rotation),
		];
		await house.steward.rotateWallet({ ...rotation, fromSignature, toSignature });
		await payer.pay({ epoch, amount: 10_000n });
		const owed = await reader.owed(epoch);
		expect(owed[0]?.wallet).toBe(to.address);
		const before = await house.reader.balance(to.address);
		const { logs } = await steward.claimMany(owed.map(({ claim }) => claim));
		expect(logs.filter(({ name }) => name === "FeesClaimed").map(({ args }) => args.amount)).toEqual(owed.map(({ owed: due }) => due));
		// Contributions 0 and 3 are of one wallet now.
		const due = (owed[0]?.owed as bigint) + (owed[2]?.owed as bigint);
		expect(await house.reader.balance(to.address)).toBe(before + due);
		for (const one of await reader.owed(epoch)) expect(one.owed).toBe(0n);
	});

	it("say in words who may do what", async () => {
		await expect(payer.setSplit({ epoch, trainer: 0, operator: 0 })).rejects.toMatchObject({ revert: { name: "NotSteward" } });
		await expect(steward.setSplit({ epoch, trainer: 2001, operator: 0 })).rejects.toMatchObject({
			revert: { name: "TrainerPartTooHigh" },
			hint: expect.stringContaining("2000"),
		});
		await expect(payer.setBounds({ treasury: 0, maxTrainer: 0, maxOperator: 0 })).rejects.toMatchObject({
			revert: { name: "NotOwner" },
			hint: expect.stringContaining(steward.address),
		});
	});

	it("are estimated in a trial run, and nothing is sent", async () => {
		const trial = await FeeClient.open({ deployment: house.deployment, signer: wallet(1), trial: true });
		const before = await reader.pot(epoch);
		expect(await trial.payWithPermit({ epoch, amount: 5n })).toMatchObject({ hash: "", logs: [] });
		expect(await reader.pot(epoch)).toEqual(before);
	});

	it("know the epoch of a model", async () => {
		const model = recordId(house.steward.address, "Checkpoint", hash(`checkpoint ${epoch}`));
		expect(await reader.epochOf(model)).toBe(epoch);
		expect(await reader.epochOf(ZeroHash)).toBeUndefined();
	});
});

describe("history", () => {
	it("rebuilds everything from events alone", async () => {
		// A setting that replaces one that has not taken effect, narrower bounds, and an epoch that nobody pays for.
		await steward.setSplit({ epoch, trainer: 1, operator: 2 });
		await steward.setSplit({ epoch, trainer: 100, operator: 200 });
		await steward.setBounds({ treasury: 400, maxTrainer: 1000, maxOperator: 500 });
		const other = await house.open();
		await steward.setSplit({ epoch: other, trainer: 7, operator: 8 });
		await payer.pay({ epoch, amount: 12_345n, operator: OPERATOR });
		const { bounds, credits, epochs } = await reader.history();
		expect(bounds).toEqual(await reader.bounds());
		expect([...credits.keys()].sort()).toEqual([OPERATOR, steward.address].sort());
		for (const [account, credit] of credits) expect(credit).toBe(await reader.credit(account));
		expect([...epochs.keys()].sort()).toEqual([epoch, other].sort());
		const now = await house.reader.now();
		for (const [id, fees] of epochs) {
			const { total, balance, schedule, claimed, payments } = fees;
			expect({ total, balance }).toEqual(await reader.pot(id));
			expect(schedule).toEqual(await reader.schedule(id));
			expect(total).toBe(balance + [...claimed.values()].reduce((sum, one) => sum + one, 0n));
			expect(total).toBe(payments.reduce((sum, { toContributors }) => sum + toContributors, 0n));
			const { trainer, operator } = inEffect(schedule, now);
			const split = await reader.split(id);
			expect(split).toMatchObject({ trainer: Math.min(trainer, 1000), operator: Math.min(operator, 500), treasury: 400 });
		}
		const fees = epochs.get(epoch);
		expect(fees?.payments).toHaveLength(7);
		expect(fees?.payments[1]).toMatchObject({ operator: undefined, toOperator: 0n, entry: ZeroHash });
		for (const { index, claimed } of await reader.owed(epoch)) expect(fees?.claimed.get(index)).toBe(claimed);
		// What is here is what is owed: pots, with their floors, and credits.
		const pots = [...epochs.values()].reduce((sum, { balance }) => sum + balance, 0n);
		const owed = [...credits.values()].reduce((sum, credit) => sum + credit, pots);
		expect(await house.reader.balance(house.deployment.contracts.InferenceFees)).toBe(owed);
	});

	it("names a gap", () => {
		const log = (name: string, args: Record<string, unknown>): LedgerLog => ({
			...{ contract: "InferenceFees", name, args, blockNumber: 1, index: 0, transaction: "0x" },
		});
		const bounds = log("BoundsSet", { treasury: 1n, maxTrainer: 2n, maxOperator: 3n });
		const paid = log("Paid", {
			...{ epoch: 1n, payer: "0x01", operator: ZeroAddress, trainer: "0x02", entry: ZeroHash },
			...{ amount: 10n, toTrainer: 1n, toOperator: 0n, toTreasury: 2n },
		});
		const claimed = (amount: bigint) => log("FeesClaimed", { epoch: 1n, index: 0n, wallet: "0x", amount });
		const withdrawn = (amount: bigint) => log("CreditWithdrawn", { account: "0x02", amount });
		for (const logs of [
			[],
			[paid],
			[bounds, claimed(1n)],
			[bounds, paid, claimed(8n)],
			[bounds, withdrawn(1n)],
			[bounds, paid, withdrawn(2n)],
		]) {
			expect(() => replayFees(TREASURY, logs)).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		}
		const { epochs, credits } = replayFees(TREASURY.toLowerCase(), [bounds, paid, claimed(7n), withdrawn(1n)]);
		expect(epochs.get(1n)).toMatchObject({ total: 7n, balance: 0n, schedule: noFees.schedule });
		expect([...credits]).toEqual([[TREASURY, 2n]]);
	});
});
