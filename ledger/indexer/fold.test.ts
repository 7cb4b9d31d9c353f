/** All contracts' state, folded from the stored events alone, held against what the chain answers. A contract more is a row more. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ChannelReader } from "../channel-reader.ts";
import { ChannelClient } from "../channels.ts";
import { type ContractName, type Contracts, contractNames, contractsAt } from "../contracts.ts";
import { LaunchpadClient } from "../launchpad.ts";
import { LaunchpadReader } from "../launchpad-reader.ts";
import { MatchingClient } from "../matching.ts";
import { DELAY, House, POOL } from "../testing/house.ts";
import { signVoucher } from "../voucher.ts";
import { Indexer } from "./indexer.ts";

const DAY = 86_400;
let house: House;
let folder: string;
let index: Indexer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-fold-"));
	house = await House.build(3);
	await epochs();
	await payments();
	await funding();
	index = await Indexer.open({ place: { directory: folder }, deployment: house.deployment, node: house.provider });
	await index.follow({ once: true });
}, 240_000);
afterAll(async () => {
	await index?.close();
	await house?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

/** Two epochs: one to its payout with claims, one that stays open. */
async function epochs(): Promise<void> {
	const epoch = await house.open();
	await house.steward.fund({ epoch, amount: POOL });
	await house.contributeAll(epoch);
	await house.steward.closeEpoch(epoch);
	await house.postCheckpoint(epoch);
	await house.commitQueries(epoch);
	for (const queries of house.queries(epoch)) await house.steward.postQueries(queries);
	await house.postScores(epoch);
	await house.postPayout(epoch);
	await house.wait(DELAY);
	const other = await house.open();
	const [first] = house.contributors;
	if (first !== undefined) await first.contribute(house.contribution(other, 0, first));
	const record = await house.steward.registerRecord({ kind: "Dataset", digest: hash("revoked") });
	await house.steward.revokeRecord(record.id);
}

/** A channel that was redeemed, and one that is closing. */
async function payments(): Promise<void> {
	const signer = new Wallet(house.devnet.keys[0] as string, house.provider);
	const payee = (house.contributors[0] as { address: string }).address;
	const payer = await ChannelClient.open({ deployment: house.deployment, signer });
	const opened = await payer.openWithPermit({ payee, delay: DAY, salt: hash("one"), amount: 10n });
	await payer.redeem(await signVoucher(signer, house.deployment, opened.key, 4n));
	const closing = await payer.openWithPermit({ payee, delay: DAY, salt: hash("two"), amount: 5n });
	await payer.startClose(closing.key);
}

/** A grant with a claimed milestone, and a settled round. */
async function funding(): Promise<void> {
	const signer = new Wallet(house.devnet.keys[0] as string, house.provider);
	const launchpad = await LaunchpadClient.open({ deployment: house.deployment, signer });
	const matching = await MatchingClient.open({ deployment: house.deployment, signer });
	const now = await house.reader.now();
	const milestones = [1, 2].map((i) => ({ amount: parseEther(`${i}`), deadline: now + BigInt(40 * DAY), proof: undefined }));
	const { id: grant } = await launchpad.propose({ recipient: signer.address, digest: hash("grant"), milestones });
	await launchpad.approve(grant);
	await launchpad.postEvidence({ grant, milestone: 0, evidence: hash("evidence") });
	await launchpad.challenge({ grant, milestone: 0, reason: hash("reason") });
	const terms = { startsAt: now + 100n, endsAt: now + 200n, settlesAt: now + 200n, multiple: 10_000, cap: parseEther("1") };
	const { round } = await matching.openRound({ terms, pool: parseEther("3") });
	const { id: project } = await matching.apply({ round: round as bigint, recipient: signer.address, digest: hash("project") });
	await matching.admit(project);
	await house.wait(100);
	await matching.donate({ project, amount: 77n });
	await house.wait(100);
	await matching.withdraw(project);
}

/** Reads of the chain that each contract's folded state must agree with. */
const checks: Readonly<Record<ContractName, (contracts: Contracts) => Promise<void>>> = {
	async OpenToken({ token }) {
		const { balances, supply } = await index.state("OpenToken");
		expect(await token.totalSupply()).toBe(supply);
		for (const [who, amount] of Object.entries(balances)) expect(await token.balanceOf(who)).toBe(amount);
		expect(Object.keys(balances).length).toBeGreaterThan(5);
	},
	async ProvenanceRegistry({ provenance }) {
		const { records, chains } = await index.state("ProvenanceRegistry");
		expect(records.map(({ status }) => status)).toContain("Revoked");
		for (const { id, transaction, ...record } of records) expect(await house.reader.record(id)).toEqual(record);
		for (const { model, sequence, head } of chains) expect(await house.reader.logHead(model)).toEqual({ sequence, head });
		expect(chains).toHaveLength(1);
		expect((await provenance.recordOf(hash("none"))).status).toBe(0n);
	},
	async VerifierRouter({ router }) {
		const { owner, pendingOwner, guardian, routes, initial } = await index.state("VerifierRouter");
		expect([await router.owner(), await router.pendingOwner(), await router.guardian()]).toEqual([owner, pendingOwner, guardian]);
		expect(routes).toHaveLength(8);
		for (const { circuitId, verifier, status } of routes) expect(await house.reader.route(circuitId)).toEqual({ verifier, status });
		for (const codeHash of initial) expect(await router.isInitial(codeHash)).toBe(true);
	},
	async Guardian({ guardian }) {
		const { member, expiresAt, pausedUntil } = await index.state("Guardian");
		expect([await guardian.member(), await guardian.expiresAt(), await guardian.pausedUntil()]).toEqual([member, expiresAt, pausedUntil]);
	},
	async ContributionRegistry({ registry }) {
		const histories = await index.state("ContributionRegistry");
		expect(await registry.epochCount()).toBe(BigInt(histories.length));
		for (const { epoch, steward, policy, contributions, closed } of histories) {
			expect(await house.reader.policy(epoch)).toEqual(policy);
			expect(await house.reader.epoch(epoch)).toMatchObject({ steward, count: contributions.length, closed: closed !== undefined });
			for (const { index: place, wallet, stake, contributor, n } of contributions) {
				expect(await house.reader.contribution(epoch, place)).toMatchObject({ wallet, stake, contributor, n });
			}
		}
	},
	async EpochBook() {
		for (const { epoch, checkpoint, log, queries, attribution } of await index.state("EpochBook")) {
			expect(await house.reader.book(epoch)).toMatchObject({
				...{ modelCommit: checkpoint?.modelCommit ?? 0n, queries: queries.length, scoreCommit: attribution?.scoreCommit ?? 0n },
				...{ model: checkpoint?.model ?? `0x${"0".repeat(64)}`, log: log?.id ?? `0x${"0".repeat(64)}` },
			});
		}
	},
	async RewardDistributor() {
		for (const { epoch, money, payout } of await index.state("RewardDistributor")) {
			const { balance, dust, activatesAt, roots } = await house.reader.account(epoch);
			expect({ balance, dust }).toEqual({ balance: money.balance, dust: money.dust });
			expect(roots).toEqual(payout?.pages.map(({ root }) => root) ?? []);
			expect(activatesAt).toBe(payout?.activatesAt ?? 0n);
		}
	},
	async PaymentChannels() {
		const reader = new ChannelReader({ deployment: house.deployment, provider: house.provider });
		const histories = await index.state("PaymentChannels");
		expect(histories.map(({ status }) => status)).toEqual(["Open", "Closing"]);
		for (const { id, status, deposited, redeemed, closesAt } of histories) {
			expect(await reader.state(id)).toEqual({ status, deposited, redeemed, closesAt });
		}
	},
	async OpenCirceLaunchpad() {
		const reader = new LaunchpadReader({ deployment: house.deployment, provider: house.provider });
		const { grants } = await index.state("OpenCirceLaunchpad");
		expect(grants).toHaveLength(1);
		for (const { id, status, recipient, digest, total, held, due, milestones } of grants) {
			expect(await reader.grant(id)).toEqual({ status, recipient, digest, total, held, due, count: milestones.length });
			for (const [i, { evidence, reasons, settled, ...milestone }] of milestones.entries()) {
				expect(await reader.milestone(id, i)).toEqual(milestone);
			}
		}
	},
	async MatchingRounds() {
		const reader = new LaunchpadReader({ deployment: house.deployment, provider: house.provider });
		const { rounds, projects } = await index.state("MatchingRounds");
		expect(projects.map(({ matched }) => matched)).toEqual([77n]);
		for (const { round, transaction, ...fields } of rounds) expect(await reader.round(round)).toEqual(fields);
		for (const { id, status, donated, due } of projects) expect(await reader.project(id)).toMatchObject({ status, donated, due });
	},
};

it.each(contractNames)("%s: the chain answers what its events say", async (name) => {
	const logs = await index.logs({ contract: name });
	expect(logs.length).toBeGreaterThan(0);
	await checks[name](contractsAt(house.deployment.contracts, house.provider));
});
