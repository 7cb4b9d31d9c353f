import { id as hash, parseEther, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractsAt } from "./contracts.ts";
import { checkDeployment } from "./deployment.ts";
import { LaunchpadClient } from "./launchpad.ts";
import { approveGrantCalls, openRoundCalls } from "./launchpad-calls.ts";
import { replayLaunchpad } from "./launchpad-history.ts";
import type { LedgerLog } from "./logs.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";
import { replayMatching } from "./matching-history.ts";
import { bondOf, fixPublics, fundingId, milestoneContext, milestoneStruct, projectId } from "./milestone.ts";
import { DAY, Foundation } from "./testing/foundation.ts";

const OPEN = parseEther("1");
let foundation: Foundation;

beforeAll(async () => {
	foundation = await Foundation.build();
}, 120_000);
afterAll(() => foundation?.devnet.close());

const contracts = () => contractsAt(foundation.deployment.contracts, foundation.provider);

/** A round that opens now, for ten days, with two admitted projects and a pool of 300 OPEN. */
async function round(name: string) {
	const startsAt = (await foundation.now()) + 5n;
	const endsAt = startsAt + BigInt(10 * DAY);
	const terms = { startsAt, endsAt, settlesAt: endsAt + BigInt(DAY), multiple: 30_000, cap: 200n * OPEN };
	const { round: number } = await foundation.owner.matching.openRound({ terms, pool: 300n * OPEN });
	const apply = async (who: string, recipient: string) => {
		const { id } = await foundation.stranger.matching.apply({ round: number as bigint, recipient, digest: hash(`${name} ${who}`) });
		return id;
	};
	const projects = [await apply("one", foundation.recipient.address), await apply("two", foundation.stranger.address)] as const;
	for (const project of projects) await foundation.owner.matching.admit(project);
	await foundation.wait(5);
	return { number: number as bigint, projects, terms, apply };
}

describe("ids and contexts", () => {
	it("are those of the contracts", async () => {
		const proposal = await foundation.proposal("ids");
		const id = fundingId(foundation.deployment, proposal);
		const { launchpad, rounds } = contracts();
		expect(await launchpad.grantId(proposal.recipient, proposal.digest, proposal.milestones.map(milestoneStruct))).toBe(id);
		expect(await launchpad.contextOf(id, 2)).toBe(milestoneContext(foundation.deployment, id, 2));
		const project = { round: 3n, recipient: proposal.recipient, digest: proposal.digest };
		expect(await rounds.projectId(3n, project.recipient, project.digest)).toBe(projectId(foundation.deployment, project));
		for (const amount of [1n, 100n * OPEN, 100n * OPEN + 10n, 2n ** 96n - 1n]) expect(await launchpad.bondOf(amount)).toBe(bondOf(amount));
	});

	it("fix public signals in their order, whatever the order of the map", () => {
		const one = fixPublics(
			new Map([
				[2, 5n],
				[0, 9n],
			]),
		);
		expect(one).toEqual(
			fixPublics(
				new Map([
					[0, 9n],
					[2, 5n],
				]),
			),
		);
		expect(one.fixedPublics).toBe(5);
		expect(fixPublics(new Map())).toEqual({ fixedPublics: 0, fixedDigest: ZeroHash });
		for (const place of [-1, 16, 0.5]) {
			expect(() => fixPublics(new Map([[place, 1n]]))).toThrow(expect.objectContaining({ code: "input.invalid" }));
		}
	});
});

describe("a grant", () => {
	it("is deployed with the others", async () => {
		const failed = (await checkDeployment(foundation.provider, foundation.deployment)).filter(({ ok }) => !ok);
		expect(failed).toEqual([]);
	});

	it("is approved by calls that a proposal can hold", async () => {
		const proposal = await foundation.proposal("calls");
		const { id } = await foundation.recipient.launchpad.propose(proposal);
		const calls = approveGrantCalls(foundation.deployment, id, (await foundation.reader.grant(id)).total);
		expect(calls.map(({ what }) => what)).toEqual([expect.stringContaining("approve 567"), `approve grant ${id}`]);
		const [owner] = foundation.wallets;
		for (const { target, data } of calls) await (await owner?.sendTransaction({ to: target, data }))?.wait();
		expect(await foundation.reader.grant(id)).toMatchObject({ status: "Approved", held: 567n * OPEN + 3n });
		const { terms } = await round("calls");
		expect(openRoundCalls(foundation.deployment, terms, 0n)).toHaveLength(1);
		expect(openRoundCalls(foundation.deployment, terms, 1n)).toHaveLength(2);
	});

	it("says in words who may do what", async () => {
		const { grant } = await foundation.approved("words");
		await expect(foundation.stranger.launchpad.postEvidence({ grant, milestone: 0, evidence: hash("e") })).rejects.toMatchObject({
			revert: { name: "NotRecipient" },
			hint: expect.stringContaining(foundation.recipient.address),
		});
		await expect(foundation.stranger.launchpad.approve(grant)).rejects.toMatchObject({ revert: { name: "NotOwner" } });
		await expect(foundation.recipient.launchpad.release({ grant, milestone: 0 })).rejects.toMatchObject({
			revert: { name: "MilestoneStage" },
			hint: expect.stringContaining("posts evidence"),
		});
		await expect(foundation.recipient.launchpad.postEvidence({ grant, milestone: 2, evidence: hash("e") })).rejects.toMatchObject({
			revert: { name: "MilestoneMeans" },
			hint: expect.stringContaining("by a proof"),
		});
	});

	it("is estimated in a trial run, and nothing is sent", async () => {
		const [, signer] = foundation.wallets;
		const trial = await LaunchpadClient.open({ deployment: foundation.deployment, signer: signer as never, trial: true });
		const proposal = await foundation.proposal("trial");
		const { id, gasUsed, hash: sent } = await trial.propose(proposal);
		expect(gasUsed).toBeGreaterThan(100_000n);
		expect(sent).toBe("");
		expect((await foundation.reader.grant(id)).status).toBe("None");
	});
});

describe("histories", () => {
	it("of grants are the contract's state, field by field, after every event", async () => {
		const { owner, recipient, donor, stranger } = foundation;
		const first = await foundation.approved("first");
		const { grant } = first;
		await recipient.launchpad.postEvidence({ grant, milestone: 0, evidence: hash("one") });
		await recipient.launchpad.postEvidence({ grant, milestone: 1, evidence: hash("two") });
		expect(await donor.launchpad.challenge({ grant, milestone: 0, reason: hash("no") })).toMatchObject({ bond: 10n * OPEN });
		await donor.launchpad.challenge({ grant, milestone: 1, reason: hash("no") });
		await stranger.launchpad.prove(foundation.proven(grant, first.proposal.digest));
		const challengedAt = async (milestone: number) => (await foundation.reader.milestone(grant, milestone)).since;
		await owner.launchpad.decide({ grant, milestone: 0, challengedAt: await challengedAt(0), upheld: true });
		await owner.launchpad.decide({ grant, milestone: 1, challengedAt: await challengedAt(1), upheld: false });
		await stranger.launchpad.withdraw(grant);
		await recipient.launchpad.postEvidence({ grant, milestone: 0, evidence: hash("one again") });
		await recipient.launchpad.rotateRecipient({ grant, to: stranger.address });
		const second = await foundation.approved("second");
		await recipient.launchpad.postEvidence({ grant: second.grant, milestone: 0, evidence: hash("three") });
		await donor.launchpad.challenge({ grant: second.grant, milestone: 0, reason: hash("no") });
		await recipient.launchpad.postEvidence({ grant: second.grant, milestone: 1, evidence: hash("four") });
		const rejected = await recipient.launchpad.propose(await foundation.proposal("rejected"));
		await owner.launchpad.cancel(rejected.id);
		await recipient.launchpad.propose(await foundation.proposal("waiting"));
		await foundation.wait(8 * DAY);
		await stranger.launchpad.release({ grant, milestone: 0 });
		await owner.launchpad.cancel(second.grant);
		await stranger.launchpad.lapse({ grant: second.grant, milestone: 2 });
		await holds();
		await donor.launchpad.withdrawBond(donor.address);
		await foundation.wait(30 * DAY);
		await stranger.launchpad.release({ grant: second.grant, milestone: 0 });
		const { grants, bondsDue } = await holds();
		expect(bondsDue).toEqual({});
		expect(grants.find(({ id }) => id === grant)).toMatchObject({
			...{ recipient: stranger.address, withdrawn: 557n * OPEN + 3n, due: 60n * OPEN, held: 0n, bonds: 50n * OPEN },
			milestones: [{ evidence: [hash("one"), hash("one again")], reasons: [hash("no")] }, { stage: "Released" }, { stage: "Released" }],
		});
		const seen = new Set((await logsOf("OpenCirceLaunchpad")).map(({ name }) => name));
		expect(seen).toEqual(eventsOf("OpenCirceLaunchpad"));
	});

	it("of matching rounds are the contract's state, field by field, after every event", async () => {
		const { owner, recipient, donor, stranger } = foundation;
		const { number, projects, apply } = await round("history");
		const [one, two] = projects;
		const [three, four] = [await apply("three", recipient.address), await apply("four", recipient.address)];
		await owner.matching.admit(three);
		await owner.matching.cancel(four);
		await stranger.matching.fundPool({ round: number, amount: 7n });
		await donor.matching.donate({ project: one, amount: 10n * OPEN });
		await donor.matching.donate({ project: one, amount: 5n * OPEN });
		await stranger.matching.donate({ project: one, amount: 1n });
		await stranger.matching.donate({ project: two, amount: 100n * OPEN });
		await donor.matching.donate({ project: three, amount: 9n * OPEN });
		await stranger.matching.donate({ project: three, amount: 8n * OPEN });
		await owner.matching.cancel(three);
		await donor.matching.refund({ project: three });
		await recipient.matching.rotateRecipient({ project: one, to: stranger.address });
		await holds();
		await foundation.wait(11 * DAY);
		await donor.matching.settle(one);
		await donor.matching.withdraw(two);
		await donor.matching.withdraw(one);
		await donor.matching.sweep(number);
		const { rounds, projects: found } = (await holds()).matching;
		expect(rounds.at(-1)).toMatchObject({ swept: true, unsettled: 0, pool: 300n * OPEN + 7n });
		expect(found.find(({ id }) => id === one)).toMatchObject({ matched: ((300n * OPEN + 7n) * (15n * OPEN + 1n)) / (115n * OPEN + 1n) });
		expect(found.find(({ id }) => id === two)).toMatchObject({ matched: 200n * OPEN, due: 0n, withdrawn: 300n * OPEN });
		expect(found.find(({ id }) => id === three)).toMatchObject({ donations: { [stranger.address]: 8n * OPEN } });
		const seen = new Set((await logsOf("MatchingRounds")).map(({ name }) => name));
		expect(seen).toEqual(eventsOf("MatchingRounds"));
	});

	it("with a gap are an error", async () => {
		const required = {
			OpenCirceLaunchpad: ["GrantProposed", "GrantApproved", "EvidencePosted", "EvidenceChallenged", "MilestoneReleased"],
			MatchingRounds: ["RoundOpened", "ProjectApplied", "ProjectAdmitted", "Donated", "PoolFunded", "ProjectSettled"],
		} as const;
		for (const contract of ["OpenCirceLaunchpad", "MatchingRounds"] as const) {
			const logs = await logsOf(contract);
			const replay = contract === "MatchingRounds" ? replayMatching : replayLaunchpad;
			expect(() => replay(logs)).not.toThrow();
			for (const name of required[contract]) {
				const places = logs.flatMap((log, i) => (log.name === name ? [i] : []));
				const gaps = places.map((place) => logs.filter((_, i) => i !== place));
				const noticed = gaps.filter((gap) => threw(() => replay(gap)));
				expect(noticed.length, `${contract}.${name}`).toBeGreaterThan(0);
			}
		}
	});
});

function threw(work: () => unknown): boolean {
	try {
		work();
		return false;
	} catch (error) {
		expect(error).toMatchObject({ code: "events.incomplete" });
		return true;
	}
}

async function logsOf(contract: "OpenCirceLaunchpad" | "MatchingRounds"): Promise<LedgerLog[]> {
	const { provider, deployment } = foundation;
	const range = { fromBlock: deployment.block, toBlock: await provider.getBlockNumber() };
	return decodeLogs(deployment.contracts, await fetchLogs(provider, { address: deployment.contracts[contract], topics: [], ...range }));
}

function eventsOf(contract: "OpenCirceLaunchpad" | "MatchingRounds"): Set<string> {
	const names: string[] = [];
	const { launchpad, rounds } = contracts();
	(contract === "MatchingRounds" ? rounds : launchpad).interface.forEachEvent(({ name }) => names.push(name));
	return new Set(names);
}

/** Holds both replays against the chain. */
async function holds() {
	const { reader } = foundation;
	const state = await reader.grants();
	for (const { id, status, recipient, digest, total, held, due, milestones } of state.grants) {
		expect(await reader.grant(id)).toEqual({ status, recipient, digest, total, held, due, count: milestones.length });
		for (const [i, { evidence, reasons, settled, ...milestone }] of milestones.entries()) {
			expect(await reader.milestone(id, i)).toEqual(milestone);
		}
	}
	for (const { address } of [foundation.donor, foundation.recipient, foundation.stranger]) {
		expect(await reader.bondDue(address)).toBe(state.bondsDue[address] ?? 0n);
	}
	const matching = await reader.rounds();
	expect(await reader.roundCount()).toBe(BigInt(matching.rounds.length));
	for (const { round: number, transaction, ...fields } of matching.rounds) expect(await reader.round(number)).toEqual(fields);
	for (const { id, matched, withdrawn, donations, transaction, ...fields } of matching.projects) {
		const { match, ...found } = await reader.project(id);
		expect(found).toEqual(fields);
		if (matched !== undefined) expect(match).toBe(matched);
		for (const { address } of [foundation.donor, foundation.recipient, foundation.stranger]) {
			expect(await reader.donation(id, address)).toBe(donations[address] ?? 0n);
		}
	}
	return { ...state, matching };
}
