import { id as hash, parseEther, Wallet, ZeroAddress } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractsAt } from "./contracts.ts";
import type { LedgerLog } from "./logs.ts";
import { DAY, FUNDS, Street } from "./testing/street.ts";
import { VaultClient } from "./vault.ts";
import { replayVault, vaultHistory } from "./vault-history.ts";
import { VaultReader } from "./vault-reader.ts";

const TEN = parseEther("10");
const EVIDENCE = hash("evidence");
const TERMS = { unbonding: BigInt(7 * DAY), appealWindow: BigInt(3 * DAY), cap: 5_000n, challengerShare: 4_000n };

let street: Street;
let reader: VaultReader;
/** Account 0, owner of the vault and treasury. */
let owner: VaultClient;
/** Account 1, who stakes. */
let staker: VaultClient;
/** Account 2, a key that was registered as a service, so that it can do what a service contract does. */
let service: Wallet;
/** Account 3, who accuses. */
let challenger: VaultClient;
const vaultAs = (wallet: Wallet) => contractsAt(street.deployment.contracts, wallet).vault;

beforeAll(async () => {
	street = await Street.build();
	const { deployment, provider } = street;
	reader = new VaultReader({ deployment, provider });
	[owner, staker, challenger] = (await Promise.all(
		[0, 1, 3].map((i) => VaultClient.open({ deployment, signer: street.wallets[i] as Wallet })),
	)) as [VaultClient, VaultClient, VaultClient];
	service = street.wallets[2] as Wallet;
	await owner.registerService({ service: service.address, terms: TERMS });
}, 120_000);
afterAll(() => street?.devnet.close());

/** Events and chain agree on every service, account, case and credit, and on what the vault holds. */
async function agrees(): Promise<void> {
	const { deployment, provider } = street;
	const history = await vaultHistory({ provider, deployment });
	for (const [address, kept] of history.services) expect(await reader.service(address)).toEqual(kept);
	for (const [address, owners] of history.accounts) {
		for (const [who, account] of owners) expect(await reader.account(address, who), `${address} ${who}`).toEqual(account);
	}
	expect(await reader.caseCount()).toBe(BigInt(history.cases.length));
	for (const { evidence, reason, toChallenger, toTreasury, transaction, ...kept } of history.cases) {
		if (kept.due !== 0n) expect(await reader.case(kept.id)).toEqual(kept);
		else expect(await reader.case(kept.id)).toMatchObject({ id: kept.id, status: "Settled", amount: 0n });
		expect({ evidence, transaction }).toEqual({ evidence: EVIDENCE, transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) });
		if (kept.status === "Settled") expect(toChallenger + toTreasury).toBe(kept.amount);
		if (kept.status !== "Open") expect(reason === undefined).toBe(kept.id !== 2n && kept.id !== 3n);
	}
	for (const who of [owner, staker, challenger]) expect(await reader.credit(who.address)).toBe(history.credits.get(who.address) ?? 0n);
	expect(await street.balance(deployment.contracts.StakeVault)).toBe(history.held);
}

describe("a vault", () => {
	it("has the services of the plan, with their terms", async () => {
		const { ContributionRegistry, Datanets } = street.deployment.contracts;
		expect(await reader.service(ContributionRegistry)).toEqual({
			...{ unbonding: 0n, appealWindow: 0n, cap: 10_000n, challengerShare: 0n, endsAt: 0n },
		});
		expect(await reader.service(Datanets)).toMatchObject({ unbonding: BigInt(7 * DAY), appealWindow: BigInt(3 * DAY) });
		expect(await reader.service(service.address)).toEqual({ ...TERMS, endsAt: 0n });
		expect(await reader.service(staker.address)).toBeUndefined();
	});

	it("takes deposits with an approval, with a permit, and for others", async () => {
		const first = await staker.deposit({ service: service.address, amount: TEN });
		expect(first.approval).toBeDefined();
		await staker.depositWithPermit({ service: service.address, amount: TEN });
		await staker.deposit({ service: service.address, amount: TEN, owner: challenger.address });
		expect(await reader.account(service.address, staker.address)).toMatchObject({ free: 2n * TEN, locked: 0n });
		expect(await reader.account(service.address, challenger.address)).toMatchObject({ free: TEN });
		expect(await street.balance(staker.address)).toBe(FUNDS - 3n * TEN);
		await expect(staker.deposit({ service: staker.address, amount: 1n })).rejects.toMatchObject({ revert: { name: "ServiceUnknown" } });
		await agrees();
	});

	it("locks, unlocks and moves as a service says", async () => {
		const vault = vaultAs(service);
		await (await vault.lock(staker.address, TEN)).wait();
		await (await vault.unlock(staker.address, 4n)).wait();
		await (await vault.move(staker.address, challenger.address, 5n)).wait();
		expect(await reader.account(service.address, staker.address)).toMatchObject({ free: TEN + 4n, locked: TEN - 9n });
		await agrees();
	});

	it("unbonds in its time", async () => {
		await staker.unbond({ service: service.address, amount: 7n });
		await expect(staker.withdraw({ service: service.address })).rejects.toMatchObject({ revert: { name: "NothingUnbonded" } });
		await agrees();
		await street.wait(7 * DAY);
		// More begins anew, and what had unbonded is paid.
		const before = await street.balance(staker.address);
		await staker.unbond({ service: service.address, amount: 3n });
		expect(await street.balance(staker.address)).toBe(before + 7n);
		await agrees();
		await street.wait(7 * DAY);
		await challenger.withdraw({ service: service.address, owner: staker.address });
		expect(await street.balance(staker.address)).toBe(before + 10n);
		await agrees();
	});

	it("pays at once where there is no unbonding period", async () => {
		const { ContributionRegistry } = street.deployment.contracts;
		await staker.depositWithPermit({ service: ContributionRegistry, amount: 9n });
		await staker.unbond({ service: ContributionRegistry, amount: 4n });
		expect(await reader.account(ContributionRegistry, staker.address)).toEqual({ free: 5n, locked: 0n, unbonding: 0n, unbondsAt: 0n });
		await agrees();
	});

	it("settles, decides and overturns cases", async () => {
		const vault = vaultAs(service);
		const slash = async (amount: bigint, by: string) => (await vault.slash(staker.address, amount, by, EVIDENCE)).wait();
		await slash(11n, challenger.address);
		await slash(12n, challenger.address);
		await slash(13n, ZeroAddress);
		await agrees();
		await expect(challenger.settle(1n)).rejects.toMatchObject({ revert: { name: "CaseNotDue" } });
		await staker.appeal({ id: 2n, reason: "the second" });
		await staker.appeal({ id: 3n, reason: "the third" });
		await expect(challenger.appeal({ id: 1n, reason: "" })).rejects.toMatchObject({ revert: { name: "NotAccused" } });
		await expect(staker.decide({ id: 2n, upheld: false })).rejects.toMatchObject({ revert: { name: "NotOwner" } });
		await agrees();
		await owner.decide({ id: 2n, upheld: true });
		await street.wait(3 * DAY);
		await challenger.settle(1n);
		await street.wait(30 * DAY);
		await challenger.settle(3n);
		expect((await reader.cases({ owner: staker.address })).map(({ status, toChallenger }) => [status, toChallenger])).toEqual([
			...[["Settled", 4n] as const, ["Settled", 4n] as const, ["Overturned", 0n] as const],
		]);
		expect(await reader.cases({ owner: challenger.address })).toEqual([]);
		expect(await reader.cases({ service: street.deployment.contracts.Datanets })).toEqual([]);
		await agrees();
	});

	it("pays what was credited, to whomever sends", async () => {
		const before = await street.balance(challenger.address);
		await challenger.collect();
		expect(await street.balance(challenger.address)).toBe(before + 8n);
		await challenger.collect(owner.address);
		await expect(challenger.collect()).rejects.toMatchObject({ revert: { name: "NothingCredited" } });
		await agrees();
	});

	it("pays all once a service has ended", async () => {
		const other = Wallet.createRandom().connect(street.provider);
		await (await (street.wallets[0] as Wallet).sendTransaction({ to: other.address, value: parseEther("1") })).wait();
		const terms = { ...TERMS, unbonding: 0n, appealWindow: 0n, cap: 10_000n };
		await owner.registerService({ service: other.address, terms });
		await staker.depositWithPermit({ service: other.address, amount: 100n });
		const vault = contractsAt(street.deployment.contracts, other).vault;
		await (await vault.lock(staker.address, 60n)).wait();
		await (await vault.release(staker.address, 10n)).wait();
		await (await vault.slash(staker.address, 20n, staker.address, EVIDENCE)).wait();
		await agrees();
		await owner.retireService(other.address);
		await agrees();
		await street.wait(30 * DAY);
		const before = await street.balance(staker.address);
		await challenger.withdraw({ service: other.address, owner: staker.address });
		expect(await street.balance(staker.address)).toBe(before + 70n);
		await agrees();
	});
});

describe("replayVault", () => {
	const log = (name: string, args: Record<string, unknown>): LedgerLog => ({
		...{ contract: "StakeVault", name, args, blockNumber: 1, index: 0, transaction: "0x" },
	});
	const known = log("ServiceRegistered", { service: "s", terms: { ...TERMS } });
	const deposit = log("Deposited", { service: "s", owner: "o", from: "o", amount: 10n });
	const slash = log("Slashed", { id: 1n, service: "s", owner: "o", amount: 4n, challenger: "c", evidence: EVIDENCE, due: 9n });

	it.each<[string, LedgerLog[]]>([
		["a deposit for a service that was never registered", [deposit]],
		["a lock without a deposit", [known, log("Locked", { service: "s", owner: "o", amount: 1n })]],
		["a payment of another amount", [known, deposit, log("Withdrawn", { service: "s", owner: "o", amount: 1n, all: false })]],
		["a case that was left out", [known, deposit, { ...slash, args: { ...slash.args, id: 2n } }]],
		["a case that ended twice", [known, deposit, slash, settled(2n, 2n), settled(2n, 2n)]],
		["a case that credits another sum", [known, deposit, slash, settled(2n, 1n)]],
		["a credit that nobody had", [known, log("Collected", { who: "c", amount: 1n })]],
		["the end of a case that was never opened", [known, log("Appealed", { id: 1n, owner: "o", due: 9n, reason: "" })]],
		["money back to another", [known, deposit, slash, log("CaseOverturned", { id: 1n, service: "s", owner: "p", amount: 4n })]],
	])("refuses %s", (_, logs) => {
		expect(() => replayVault("t", logs)).toThrow(expect.objectContaining({ code: "events.incomplete" }));
	});

	it("takes locked, then free, then unbonding stake", () => {
		const logs = [
			...[known, deposit, log("Locked", { service: "s", owner: "o", amount: 1n })],
			log("Unbonding", { service: "s", owner: "o", amount: 7n, unbondsAt: 5n }),
			...[slash, settled(1n, 3n)],
		];
		const { accounts, credits, held } = replayVault("t", logs);
		expect(accounts.get("s")?.get("o")).toEqual({ free: 0n, locked: 0n, unbonding: 6n, unbondsAt: 5n });
		expect([...credits]).toEqual([
			["c", 1n],
			["t", 3n],
		]);
		expect(held).toBe(10n);
	});

	function settled(toChallenger: bigint, toTreasury: bigint): LedgerLog {
		return log("CaseSettled", { id: 1n, challenger: "c", toChallenger, toTreasury });
	}
});
