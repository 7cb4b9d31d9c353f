import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContractFactory, id as hash, Interface, parseEther, Signature, type Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Artifact, compile } from "../verifier-contracts/solc.ts";
import { replayChannels } from "./channel-reader.ts";
import { ChannelClient } from "./channels.ts";
import { contractsAt } from "./contracts.ts";
import { checkDeployment } from "./deployment.ts";
import { voucherFaults } from "./enums.ts";
import { DAY, FUNDS, Street } from "./testing/street.ts";
import {
	type ChannelKey,
	channelId,
	formatVoucher,
	isKeySigned,
	parseVoucher,
	signVoucher,
	type Voucher,
	voucherDigest,
} from "./voucher.ts";
import { VoucherBook } from "./voucher-book.ts";

const TEN = parseEther("10");
let street: Street;
let folder: string;
let salts = 0;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-channels-"));
	street = await Street.build();
}, 120_000);
afterAll(async () => {
	await street?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

const nextSalt = () => hash(`salt ${++salts}`);
const wallet = (index: number) => street.wallets[index] as Wallet;

/** A channel of the payer with 10 OPEN, and a way to sign its vouchers. */
async function open() {
	const opening = { payee: street.payee.address, delay: DAY, salt: nextSalt(), amount: TEN };
	const opened = await street.payer.openWithPermit(opening);
	const sign = (amount: bigint) => signVoucher(wallet(1), street.deployment, opened.key, amount);
	return { ...opened, sign };
}

describe("vouchers", () => {
	const key = (): ChannelKey => ({ payer: street.payer.address, payee: street.payee.address, delay: DAY, salt: nextSalt() });

	it("have the ids and digests of the contract", async () => {
		const { channels } = contractsAt(street.deployment.contracts, street.provider);
		const one = key();
		const id = channelId(street.deployment, one);
		expect(await channels.channelId({ ...one })).toBe(id);
		for (const amount of [0n, 1n, 2n ** 96n - 1n]) {
			expect(await channels.voucherDigest(id, amount)).toBe(voucherDigest(street.deployment, one, amount));
		}
	});

	it("are signed by the payer alone", async () => {
		const one = key();
		const voucher = await signVoucher(wallet(1), street.deployment, one, 5n);
		expect(isKeySigned(street.deployment, voucher)).toBe(true);
		expect(isKeySigned(street.deployment, { ...voucher, amount: 6n })).toBe(false);
		expect(isKeySigned(street.deployment, { ...voucher, key: key() })).toBe(false);
		expect(isKeySigned({ ...street.deployment, chainId: 1 }, voucher)).toBe(false);
		expect(isKeySigned(street.deployment, { ...voucher, signature: "0x" })).toBe(false);
		await expect(signVoucher(wallet(2), street.deployment, one, 5n)).rejects.toMatchObject({ code: "input.invalid" });
		await expect(signVoucher(wallet(1), street.deployment, one, 2n ** 96n)).rejects.toMatchObject({ code: "input.invalid" });
	});

	it("are read back as they were handed over", async () => {
		const voucher = await signVoucher(wallet(1), street.deployment, key(), 2n ** 96n - 1n);
		expect(parseVoucher(street.deployment, formatVoucher(street.deployment, voucher))).toEqual(voucher);
	});

	it.each([
		["schema", "openledger.voucher.v2", "schema"],
		["chainId", 1, "chain 31337"],
		["contract", `0x${"1".repeat(40)}`, "contract 0x"],
		["payer", "0x12", "an address as payer"],
		["payee", `0x${"1".repeat(40)}`, "channel 0x"],
		["delay", -1, "a delay"],
		["salt", "0x00", "a salt of 32 bytes"],
		["amount", 5, "an amount"],
		["amount", (2n ** 96n).toString(), "an amount"],
		["signature", "0x123", "a signature in hex"],
		["channel", `0x${"2".repeat(64)}`, "which the fields make"],
	])("refuses another %s (%j)", async (field, value, message) => {
		const voucher = await signVoucher(wallet(1), street.deployment, key(), 5n);
		const text = JSON.stringify({ ...JSON.parse(formatVoucher(street.deployment, voucher)), [field]: value });
		expect(() => parseVoucher(street.deployment, text)).toThrow(
			expect.objectContaining({ code: "input.invalid", message: expect.stringContaining(message) }),
		);
	});

	it("refuses what is no JSON", () => {
		expect(() => parseVoucher(street.deployment, "{")).toThrow(expect.objectContaining({ code: "input.invalid" }));
	});
});

describe("a channel", () => {
	it("is deployed with the others", async () => {
		const failed = (await checkDeployment(street.provider, street.deployment)).filter(({ ok }) => !ok);
		expect(failed).toEqual([]);
		const { contracts } = street.deployment;
		const altered = { ...street.deployment, contracts: { ...contracts, PaymentChannels: contracts.EpochBook } };
		expect((await checkDeployment(street.provider, altered)).filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([
			"PaymentChannels: address",
			"PaymentChannels: code",
			"PaymentChannels.token",
		]);
	});

	it("opens with an approval, is topped up, redeemed twice and closed by the payee", async () => {
		const before = await street.balance(street.payer.address);
		const opening = { payee: street.payee.address, delay: DAY, salt: nextSalt(), amount: TEN };
		const { id, key, approval } = await street.payer.openChannel(opening);
		expect(approval?.gasUsed).toBeGreaterThan(0n);
		await street.payer.topUp({ key, amount: TEN - 1n });
		await street.payer.topUpWithPermit({ key, amount: 1n });
		expect(await street.reader.state(id)).toEqual({ status: "Open", deposited: 2n * TEN, redeemed: 0n, closesAt: 0n });
		const [low, high] = await Promise.all([3n, 7n].map((amount) => signVoucher(wallet(1), street.deployment, key, amount)));
		await street.stranger.redeem(low as Voucher);
		const { logs } = await street.payee.redeem(high as Voucher);
		expect(logs.map(({ name }) => name)).toEqual(["Redeemed", "Transfer"]);
		expect(logs[0]?.args).toEqual({ channel: id, amount: 4n, redeemed: 7n });
		await street.payee.close(key);
		expect(await street.reader.state(id)).toEqual({ status: "Closed", deposited: 2n * TEN, redeemed: 7n, closesAt: 0n });
		expect(await street.balance(street.payer.address)).toBe(before - 7n);
		expect(await street.reader.channel(id)).toMatchObject({ key, remainder: 2n * TEN - 7n, payments: [{ amount: 3n }, { amount: 4n }] });
	});

	it("ends by the payer after the delay", async () => {
		const { key, id, sign } = await open();
		await street.payer.startClose(key);
		await expect(street.payer.withdraw(key)).rejects.toMatchObject({
			revert: { name: "StillClosing" },
			hint: expect.stringMatching(/from 20/),
		});
		await street.payee.redeem(await sign(1n));
		await street.wait(DAY);
		await expect(street.payee.redeem(await sign(2n))).rejects.toMatchObject({
			revert: { name: "VoucherRefused" },
			hint: expect.stringContaining("has ended"),
		});
		const before = await street.balance(street.payer.address);
		await street.stranger.withdraw(key);
		expect(await street.balance(street.payer.address)).toBe(before + TEN - 1n);
		expect((await street.reader.state(id)).status).toBe("Closed");
	});

	it("says in words who may do what", async () => {
		const { key } = await open();
		await expect(street.payer.close(key)).rejects.toMatchObject({
			revert: { name: "NotPayee" },
			hint: expect.stringContaining(street.payee.address),
		});
		await expect(street.payee.startClose(key)).rejects.toMatchObject({ revert: { name: "NotPayer" } });
		await expect(street.payer.openWithPermit({ payee: key.payee, delay: DAY, salt: key.salt, amount: 1n })).rejects.toMatchObject({
			revert: { name: "ChannelTaken" },
		});
		await expect(street.payer.openWithPermit({ payee: key.payee, delay: DAY - 1, salt: nextSalt(), amount: 1n })).rejects.toMatchObject({
			revert: { name: "DelayOutOfRange" },
		});
		await expect(street.stranger.openChannel({ payee: key.payee, delay: DAY, salt: nextSalt(), amount: 1n })).rejects.toMatchObject({
			revert: { name: "ERC20InsufficientBalance" },
		});
	});

	it("opens although its permit was sent before by somebody else", async () => {
		const opening = { payee: street.payee.address, delay: DAY, salt: nextSalt(), amount: TEN };
		const { channels, token } = contractsAt(street.deployment.contracts, street.provider);
		// The permit of the payer's pending transaction, as anybody can read it.
		let seen: string | undefined;
		const spy = new Proxy(wallet(1), {
			get: (target, name) => {
				const value = Reflect.get(target, name);
				if (name !== "signTypedData") return typeof value === "function" ? value.bind(target) : value;
				return async (...args: Parameters<Wallet["signTypedData"]>) => {
					seen = await target.signTypedData(...args);
					const {
						owner,
						spender,
						value: amount,
						deadline,
					} = args[2] as { owner: string; spender: string; value: bigint; deadline: bigint };
					const { v, r, s } = Signature.from(seen);
					const thief = wallet(3);
					await (await thief.sendTransaction(await token.permit.populateTransaction(owner, spender, amount, deadline, v, r, s))).wait();
					return seen;
				};
			},
		});
		const client = await ChannelClient.open({ deployment: street.deployment, signer: spy });
		const { id } = await client.openWithPermit(opening);
		expect(seen).toBeDefined();
		expect((await channels.channelOf(id)).deposited).toBe(TEN);
	});

	it("is estimated in a trial run, and nothing is sent", async () => {
		const trial = await ChannelClient.open({ deployment: street.deployment, signer: wallet(1), trial: true });
		const nonce = await street.provider.getTransactionCount(trial.address);
		const salt = nextSalt();
		const { id, gasUsed, hash: sent } = await trial.openWithPermit({ payee: street.payee.address, delay: DAY, salt, amount: TEN });
		expect(gasUsed).toBeGreaterThan(50_000n);
		expect(sent).toBe("");
		expect((await street.reader.state(id)).status).toBe("None");
		expect(await street.provider.getTransactionCount(trial.address)).toBe(nonce);
	});

	it("redeems a batch, and a batch has one payee", async () => {
		const [one, other] = [await open(), await open()];
		const vouchers = [await one.sign(5n), await other.sign(6n)];
		await street.stranger.redeem(vouchers[0] as Voucher);
		const before = await street.balance(street.payee.address);
		const { logs } = await street.payee.redeemMany(vouchers);
		expect(await street.balance(street.payee.address)).toBe(before + 6n);
		expect(logs.map(({ name, args }) => [name, args.channel])).toEqual([
			["VoucherSkipped", one.id],
			["Redeemed", other.id],
			["Transfer", undefined],
		]);
		const foreign = { ...(vouchers[0] as Voucher), key: { ...one.key, payee: street.stranger.address } };
		await expect(street.payee.redeemMany([...vouchers, foreign])).rejects.toMatchObject({ code: "input.invalid" });
		await expect(street.payee.redeemMany([])).rejects.toMatchObject({ code: "input.invalid" });
	});
});

describe("checkVoucher", () => {
	const fault = async (voucher: Voucher) => {
		const found = await street.reader.checkVoucher(voucher).then(
			() => "None",
			({ code, message }: { code: string; message: string }) => (code === "voucher.refused" ? /\((\w+)\)$/.exec(message)?.[1] : code),
		);
		// The contract says the same of a redeem.
		const { channels } = contractsAt(street.deployment.contracts, street.provider);
		const said = await channels.redeem.staticCall({ ...voucher.key }, voucher.amount, voucher.signature).then(
			() => "None",
			(error: { revert?: { args: bigint[] } }) => voucherFaults[Number(error.revert?.args[1])],
		);
		expect(found).toBe(said);
		return found;
	};

	it("finds what the contract finds, changed by one thing from a good voucher", async () => {
		const { key, sign } = await open();
		const good = await sign(5n);
		expect(await fault(good)).toBe("None");
		expect(await street.reader.checkVoucher(good)).toMatchObject({ due: 5n, signedBy: "key", state: { status: "Open", deposited: TEN } });
		expect(await fault({ ...good, key: { ...key, salt: nextSalt() } })).toBe("ChannelUnknown");
		expect(await fault({ ...good, amount: 6n })).toBe("SignatureInvalid");
		expect(await fault(await sign(0n))).toBe("NothingNew");
		expect(await fault(await sign(TEN))).toBe("None");
		expect(await fault(await sign(TEN + 1n))).toBe("DepositExceeded");
		await street.payee.redeem(good);
		expect(await fault(good)).toBe("NothingNew");
		const next = await sign(9n);
		expect(await street.reader.checkVoucher(next)).toMatchObject({ due: 4n });
		await street.payer.startClose(key);
		expect(await fault(next)).toBe("None");
		await street.wait(DAY);
		expect(await fault(next)).toBe("ChannelClosed");
		await street.payee.close(key);
		expect(await fault(next)).toBe("ChannelClosed");
	});

	it("asks a contract wallet, and believes only the right answer", async () => {
		const { key } = await open();
		const source = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
contract Answers {
	bytes public answer;
	bool public broken;
	function set(bytes calldata answer_, bool broken_) external { (answer, broken) = (answer_, broken_); }
	function isValidSignature(bytes32, bytes memory) external view {
		if (broken) { assembly { invalid() } }
		bytes memory said = answer;
		assembly { return(add(said, 32), mload(said)) }
	}
	function run(address to, bytes calldata data) external { (bool ok, ) = to.call(data); require(ok); }
}`;
		const artifact = (await compile({ "Answers.sol": source }))["Answers.sol"]?.Answers as Artifact;
		const contract = await new ContractFactory(artifact.abi as never, artifact.bytecode, wallet(0)).deploy();
		const address = await contract.getAddress();
		await street.treasury.transfer({ to: address, amount: TEN });
		const abi = new Interface(artifact.abi as never);
		const act = async (name: string, args: unknown[]) => {
			await (await wallet(0).sendTransaction({ to: address, data: abi.encodeFunctionData(name, args) })).wait();
		};
		const { channels, token } = contractsAt(street.deployment.contracts, street.provider);
		await act("run", [await token.getAddress(), token.interface.encodeFunctionData("approve", [await channels.getAddress(), TEN])]);
		await act("run", [await channels.getAddress(), channels.interface.encodeFunctionData("open", [key.payee, DAY, key.salt, TEN])]);
		const voucher = { key: { ...key, payer: address }, amount: 5n, signature: "0x" };
		const yes = `0x1626ba7e${"0".repeat(56)}`;
		for (const [answer, broken, expected] of [
			[yes, false, "None"],
			[yes, true, "SignatureInvalid"],
			["0x", false, "SignatureInvalid"],
			["0x1626ba7e", false, "SignatureInvalid"],
			[`${yes.slice(0, -1)}1`, false, "SignatureInvalid"],
			[`0x${"f".repeat(64)}`, false, "SignatureInvalid"],
		] as const) {
			await act("set", [answer, broken]);
			expect(await fault(voucher), answer).toBe(expected);
		}
		await act("set", [yes, false]);
		expect((await street.reader.checkVoucher(voucher)).signedBy).toBe("contract");
	});
});

describe("history", () => {
	it("rebuilds every channel from events alone", async () => {
		const all = await street.reader.channels();
		expect(all.length).toBeGreaterThan(4);
		for (const { id, key, status, deposited, redeemed, closesAt } of all) {
			expect(channelId(street.deployment, key)).toBe(id);
			expect(await street.reader.state(id)).toEqual({ status, deposited, redeemed, closesAt });
		}
		const mine = await street.reader.channels({ payer: street.payer.address, payee: street.payee.address });
		expect(mine).toEqual(all.filter(({ key }) => key.payer === street.payer.address));
		expect(mine.length).toBeLessThan(all.length);
		expect(await street.reader.channels({ payee: street.stranger.address })).toEqual([]);
		expect(await street.reader.channel(nextSalt())).toBeUndefined();
	});

	it("names a gap", () => {
		const log = (name: string, args: Record<string, unknown>) => ({
			...{ contract: "PaymentChannels" as const, name, blockNumber: 1, index: 0, transaction: "0x" },
			args: { channel: "0x01", ...args },
		});
		const opened = log("ChannelOpened", { payer: "0x", payee: "0x", delay: 1n, salt: "0x", amount: 10n });
		const gaps = [
			[log("Redeemed", { amount: 1n, redeemed: 1n })],
			[opened, log("Redeemed", { amount: 1n, redeemed: 2n })],
			[opened, log("ToppedUp", { amount: 1n, deposited: 12n })],
			[opened, log("ChannelClosed", { remainder: 9n })],
			[opened, log("ChannelClosed", { remainder: 10n }), log("Redeemed", { amount: 1n, redeemed: 1n })],
		];
		for (const logs of gaps) expect(() => replayChannels(logs)).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		expect(replayChannels([opened, log("Redeemed", { amount: 1n, redeemed: 1n })])).toMatchObject([{ redeemed: 1n }]);
	});
});

describe("VoucherBook", () => {
	const book = (name: string) => new VoucherBook({ folder: join(folder, name), place: street.deployment });
	const voucher = (amount: bigint, salt = hash("book")) =>
		signVoucher(wallet(1), street.deployment, { payer: street.payer.address, payee: street.payee.address, delay: DAY, salt }, amount);

	it("keeps the best voucher of each channel, also for the next process", async () => {
		const [low, high, other] = [await voucher(9n), await voucher(10n), await voucher(1n, nextSalt())];
		const id = channelId(street.deployment, low.key);
		expect(await book("kept").best(id)).toBeUndefined();
		expect(await book("kept").channels()).toEqual([]);
		expect(await book("kept").keep(low)).toBe(true);
		expect(await book("kept").keep(high)).toBe(true);
		expect(await book("kept").keep(low)).toBe(false);
		expect(await book("kept").best(id)).toEqual(high);
		expect(await readdir(join(folder, "kept", id))).toEqual([`${"10".padStart(29, "0")}.json`]);
		await book("kept").keep(other);
		expect(await book("kept").channels()).toEqual([id, channelId(street.deployment, other.key)].sort());
	});

	it("keeps the best of many at once", async () => {
		const vouchers = await Promise.all(Array.from({ length: 20 }, (_, i) => voucher(BigInt((i * 7) % 20) + 1n)));
		await Promise.all(vouchers.map((one) => book("many").keep(one)));
		expect((await book("many").best(channelId(street.deployment, (vouchers[0] as Voucher).key)))?.amount).toBe(20n);
	});

	it("says that a file is damaged", async () => {
		const one = await voucher(5n);
		const id = channelId(street.deployment, one.key);
		await book("damaged").keep(one);
		const path = join(folder, "damaged", id, `${"5".padStart(29, "0")}.json`);
		for (const content of [
			"{",
			formatVoucher(street.deployment, await voucher(6n)),
			formatVoucher(street.deployment, await voucher(5n, nextSalt())),
		]) {
			await writeFile(path, content);
			await expect(book("damaged").best(id)).rejects.toMatchObject({ code: "voucher.damaged", message: expect.stringContaining(path) });
		}
	});
});

it("has spent no more than it held", async () => {
	const { PaymentChannels } = street.deployment.contracts;
	const here = (await street.reader.channels()).reduce(
		(sum, { status, deposited, redeemed }) => (status === "Closed" ? sum : sum + deposited - redeemed),
		0n,
	);
	expect(await street.balance(PaymentChannels)).toBe(here);
	expect(await street.balance(street.payer.address)).toBeLessThan(FUNDS);
});
