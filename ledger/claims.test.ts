import { parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owedTo } from "./claim-reader.ts";
import { ClaimClient, claimDigest, formatClaimOrder, parseClaimOrder, signClaim } from "./claims.ts";
import { contractsAt } from "./contracts.ts";
import type { LedgerError } from "./errors.ts";
import { claimOf } from "./payout-tree.ts";
import { signRotation } from "./rotation.ts";
import { DELAY, House, PLACES, POOL } from "./testing/house.ts";

const RECIPIENT = "0x00000000000000000000000000000000000000Be";

describe("claims", () => {
	let house: House;
	let epochs: bigint[];
	let wallets: Wallet[];
	const clients: ClaimClient[] = [];
	const place = () => ({ provider: house.provider, deployment: house.deployment });
	const owed = async (wallet: string) => (await owedTo({ ...place(), wallet })).owed;

	beforeAll(async () => {
		house = await House.build(3);
		wallets = house.devnet.keys.slice(1).map((key) => new Wallet(key, house.provider));
		for (const signer of wallets) clients.push(await ClaimClient.open({ deployment: house.deployment, signer }));
		epochs = [await posted(house), await posted(house)];
	}, 240_000);
	afterAll(() => house?.devnet.close());

	it("lists what a wallet is owed over all epochs before and after it can be claimed", async () => {
		const mine = await owed(wallets[0]?.address as string);
		expect(mine.map(({ epoch, index, amount, isCharge }) => ({ epoch, index, amount, isCharge }))).toEqual(
			epochs.map((epoch) => ({ epoch, index: 0, amount: POOL / 2n, isCharge: false })),
		);
		const { words } = house.payouts();
		expect(mine.map(({ claim }) => claim)).toEqual(epochs.map((epoch) => claimOf(epoch, words, 0, PLACES)));
		expect(mine[0]?.activatesAt).toBe((await house.reader.account(epochs[0] as bigint)).activatesAt);
		const charges = await owed(wallets[1]?.address as string);
		expect(charges.map(({ amount, isCharge }) => [amount, isCharge])).toEqual(epochs.map(() => [parseEther("2"), true]));
		expect(await owed(RECIPIENT)).toEqual([]);
	});

	it("pays all of it in one transaction, by anybody", async () => {
		await house.wait(DELAY);
		const wallet = wallets[0]?.address as string;
		const claims = (await owed(wallet)).map(({ claim }) => claim);
		const before = await house.reader.balance(wallet);
		const outcomes = await (clients[1] as ClaimClient).claimAll(wallet, claims);
		expect(outcomes).toHaveLength(1);
		expect(outcomes[0]?.logs.filter(({ name }) => name === "Transfer")).toHaveLength(1);
		expect(await house.reader.balance(wallet)).toBe(before + 2n * (POOL / 2n));
		expect(await owed(wallet)).toEqual([]);
		const again = await (clients[0] as ClaimClient).claimAll(wallet, claims);
		expect(again[0]?.logs.map(({ name }) => name)).toEqual(["ClaimSkipped", "ClaimSkipped"]);
	});

	it("pays an order to its recipient, and takes no other", async () => {
		const [, , third] = wallets as [Wallet, Wallet, Wallet];
		const claims = (await owed(third.address)).map(({ claim }) => claim);
		const deadline = (await house.reader.now()) + 3600n;
		const order = await signClaim(third, house.deployment, { recipient: RECIPIENT, claims, deadline });
		const { distributor } = contractsAt(house.deployment.contracts, house.provider);
		const structs = claims.map((claim) => ({ ...claim, proof: [...claim.proof] }));
		expect(claimDigest(house.deployment, order)).toBe(await distributor.claimToDigest(third.address, RECIPIENT, structs, deadline));
		const forged = await (clients[0] as ClaimClient)
			.submit({ ...order, recipient: clients[0]?.address as string })
			.catch((e: LedgerError) => e.revert);
		expect(forged).toMatchObject({ name: "SignatureInvalid", args: { signer: third.address } });
		const read = parseClaimOrder(house.deployment, formatClaimOrder(house.deployment, order));
		expect(read).toEqual(order);
		const outcome = await (clients[0] as ClaimClient).submit(read);
		expect(outcome.logs.filter(({ name }) => name === "ClaimedTo")).toHaveLength(2);
		expect(await house.reader.balance(RECIPIENT)).toBe(2n * (POOL / 2n));
		expect(await owed(third.address)).toEqual([]);
	});

	it("refuses orders that are damaged or of another deployment", async () => {
		const claims = [claimOf(1n, house.payouts().words, 0, PLACES)];
		const order = await signClaim(wallets[0] as Wallet, house.deployment, { recipient: RECIPIENT, claims, deadline: 1n });
		const text = formatClaimOrder(house.deployment, order);
		const fault = expect.objectContaining({ code: "input.invalid" });
		expect(() => parseClaimOrder({ ...house.deployment, chainId: 1 }, text)).toThrow(fault);
		expect(() => parseClaimOrder(house.deployment, text.slice(1))).toThrow(fault);
		expect(() => parseClaimOrder(house.deployment, text.replace('"0x', '"0y'))).toThrow(fault);
		const none = signClaim(wallets[0] as Wallet, house.deployment, { recipient: RECIPIENT, claims: [], deadline: 1n });
		await expect(none).rejects.toEqual(fault);
		const many = signClaim(wallets[0] as Wallet, house.deployment, {
			recipient: RECIPIENT,
			claims: Array(129).fill(claims[0]),
			deadline: 1n,
		});
		await expect(many).rejects.toEqual(fault);
	});

	it("follows a rotation, settles the charges, and sends the own rewards elsewhere without a signature", async () => {
		const [first, second] = wallets as [Wallet, Wallet];
		const epoch = epochs[0] as bigint;
		const nonce = await house.reader.rotationNonce(second.address);
		const deadline = (await house.reader.now()) + 600n;
		const rotation = { epoch, index: 1, from: second.address, to: first.address, nonce, deadline };
		const fromSignature = await signRotation(second, house.deployment, rotation);
		const toSignature = await signRotation(first, house.deployment, rotation);
		await house.steward.rotateWallet({ epoch, index: 1, to: first.address, deadline, fromSignature, toSignature });
		const mine = await owed(first.address);
		expect(mine.map((one) => [one.epoch, one.index])).toEqual([[epoch, 1]]);
		expect((await owed(second.address)).map((one) => one.epoch)).toEqual([epochs[1]]);
		await (clients[0] as ClaimClient).claimTo(
			RECIPIENT,
			mine.map(({ claim }) => claim),
		);
		expect(await house.reader.isClaimed(epoch, 1)).toBe(true);
		expect(await owed(first.address)).toEqual([]);
	});

	it("says why words of another wallet are refused", async () => {
		const wallet = wallets[0]?.address as string;
		const claims = (await owed(wallets[1]?.address as string)).map(({ claim }) => claim);
		const refused = await (clients[0] as ClaimClient).claimAll(wallet, claims).catch((error: LedgerError) => error);
		expect(refused).toMatchObject({ revert: { name: "NotWallet", args: { epoch: epochs[1], index: 1n, wallet: wallets[1]?.address } } });
	});
});

/** An epoch of three contributions, funded and posted; see House.payouts. */
async function posted(house: House): Promise<bigint> {
	const epoch = await house.attributed();
	await house.steward.fund({ epoch, amount: POOL });
	for (const page of house.payout(epoch)) await house.steward.postPayout(page);
	return epoch;
}
