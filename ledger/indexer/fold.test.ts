/** All contracts' state, folded from the stored events alone, held against what the chain answers. A contract more is a row more. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, keccak256, type Result, ZeroHash } from "ethers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ChannelReader } from "../channel-reader.ts";
import { type ContractName, type Contracts, contractNames, contractsAt } from "../contracts.ts";
import { statusAt } from "../datanet-history.ts";
import { slowCalls } from "../deployment/plan.ts";
import {
	audits,
	challengeStatuses,
	datanetModes,
	jobStatuses,
	nameOf,
	operatorStatuses,
	proposalStates,
	rulings,
	submissionStatuses,
} from "../enums.ts";
import { FeeReader } from "../fee-reader.ts";
import { stateOf } from "../governance-reader.ts";
import { GrantReader } from "../grant-reader.ts";
import { valueAt } from "../half-life.ts";
import { LaunchpadReader } from "../launchpad-reader.ts";
import { House } from "../testing/house.ts";
import { playSeason } from "../testing/season.ts";
import { VaultReader } from "../vault-reader.ts";
import { Indexer } from "./indexer.ts";

let house: House;
let folder: string;
let index: Indexer;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-fold-"));
	house = await House.build(3);
	await playSeason(house);
	index = await Indexer.open({ place: { directory: folder }, deployment: house.deployment, node: house.provider });
	await index.follow({ once: true });
}, 300_000);
afterAll(async () => {
	await index?.close();
	await house?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

/** A struct of a contract by the names of its fields. */
const named = (struct: unknown) => ({ ...(struct as Result).toObject() });

/** Reads of the chain that each contract's folded state must agree with. */
const checks: Readonly<Record<ContractName, (contracts: Contracts) => Promise<void>>> = {
	async OpenToken({ token }) {
		const { balances, supply, delegates, votes } = await index.state("OpenToken");
		expect(await token.totalSupply()).toBe(supply);
		for (const [who, amount] of Object.entries(balances)) expect(await token.balanceOf(who)).toBe(amount);
		for (const [who, to] of Object.entries(delegates)) expect(await token.delegates(who)).toBe(to);
		for (const [who, weight] of Object.entries(votes)) expect(await token.getVotes(who)).toBe(weight);
		expect(Object.keys(votes)).toEqual([house.steward.address]);
		expect(Object.keys(balances).length).toBeGreaterThan(5);
	},
	async OpenTimelock({ timelock }) {
		const { settings, proposals } = await index.state("OpenTimelock");
		expect(settings.minDelay).toBe(await timelock.getMinDelay());
		expect(settings.slow).toHaveLength(slowCalls(house.deployment.contracts).length + 1);
		for (const call of settings.slow) expect(await timelock.isSlow(...(call.split(" ") as [string, string])), call).toBe(true);
		for (const role of settings.roles) expect(await timelock.hasRole(...(role.split(" ") as [string, string])), role).toBe(true);
		const done = await Promise.all(proposals.map(({ operation }) => timelock.isOperationDone(operation)));
		expect(done).toEqual(proposals.map(({ end }) => end === "Executed"));
	},
	async OpenGovernor({ governor }) {
		const { settings, proposals } = await index.state("OpenGovernor");
		expect(settings).toMatchObject({
			votingDelay: await governor.votingDelay(),
			votingPeriod: await governor.votingPeriod(),
			proposalThreshold: await governor.proposalThreshold(),
			quorumNumerator: await governor["quorumNumerator()"](),
			lateQuorumVoteExtension: await governor.lateQuorumVoteExtension(),
		});
		const now = await house.reader.now();
		expect(proposals.map(({ end }) => end)).toEqual(["Executed", undefined]);
		for (const proposal of proposals) {
			const { id, proposer, snapshot, deadline, tally, eta, quorum } = proposal;
			expect(await governor.proposalProposer(id)).toBe(proposer);
			expect([await governor.proposalSnapshot(id), await governor.proposalDeadline(id)]).toEqual([snapshot, deadline]);
			expect([await governor.proposalEta(id), await governor.quorum(snapshot)]).toEqual([eta, quorum]);
			const [against, inFavour, abstain] = await governor.proposalVotes(id);
			expect(tally).toEqual({ against, for: inFavour, abstain });
			expect(nameOf(proposalStates, await governor.state(id))).toBe(stateOf(proposal, now));
		}
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
		const { member, expiresAt, pausedUntil, pauses } = await index.state("Guardian");
		expect([await guardian.member(), await guardian.expiresAt(), await guardian.pausedUntil()]).toEqual([member, expiresAt, pausedUntil]);
		expect(pauses).toMatchObject([{ member, reason: "forged pages" }]);
	},
	async StakeVault({ token, vault }) {
		const reader = new VaultReader(house);
		const { services, accounts, cases, credits, held } = await index.state("StakeVault");
		for (const [service, kept] of services) expect(await reader.service(service)).toEqual(kept);
		for (const [service, owners] of accounts) {
			for (const [owner, account] of owners) expect(await reader.account(service, owner), `${service} ${owner}`).toEqual(account);
		}
		expect(await reader.caseCount()).toBe(BigInt(cases.length));
		expect(new Set(cases.map(({ status }) => status))).toEqual(new Set(["Open", "Settled"]));
		for (const { evidence, reason, toChallenger, toTreasury, transaction, ...kept } of cases) {
			// Of a case that was settled at once the vault keeps the status alone.
			if (kept.due === 0n) expect(await reader.case(kept.id)).toMatchObject({ status: "Settled", amount: 0n });
			else expect(await reader.case(kept.id)).toEqual(kept);
		}
		expect([...accounts.values()].flatMap((owners) => [...owners.values()]).some(({ unbonding }) => unbonding > 0n)).toBe(true);
		expect(credits.size).toBe(1);
		for (const { address } of [house.steward, ...house.contributors]) expect(await reader.credit(address)).toBe(credits.get(address) ?? 0n);
		expect(await token.balanceOf(vault)).toBe(held);
	},
	async Datanets({ datanets: contract }) {
		const { datanets, submissions, challenges } = await index.state("Datanets");
		const counts = [await contract.datanetCount(), await contract.submissionCount(), await contract.challengeCount()];
		expect(counts).toEqual([datanets, submissions, challenges].map(({ length }) => BigInt(length)));
		expect(counts).toEqual([1n, 3n, 2n]);
		for (const { id, mode, curator, proposed, closed, listed, stewards, transaction, ...limits } of datanets) {
			const made = await contract.datanetOf(id);
			expect(named(made.terms)).toEqual({ ...limits, curator, mode: BigInt(datanetModes.indexOf(mode)) });
			expect({ proposed: made.proposed, closed: made.closed, listed: made.listed }).toEqual({ proposed, closed, listed });
			expect(await contract.isSteward(id, curator)).toBe(true);
		}
		const now = await house.reader.now();
		for (const submission of submissions) {
			const { id, rejection, transaction, ...same } = submission;
			const [datanet] = datanets.filter((one) => one.id === same.datanet);
			if (datanet === undefined) throw new Error("expected the datanet of a submission");
			const status = BigInt(submissionStatuses.indexOf(statusAt(submission, datanet, now)));
			expect(named(await contract.submissionOf(id))).toEqual({ ...same, status });
		}
		expect(challenges.map(({ ruling, by }) => [ruling, by])).toEqual([
			["Dismissed", "owner"],
			["Open", undefined],
		]);
		for (const { id, challenger, due, ruling, submission, evidence } of challenges) {
			const kept = { challenger, due, ruling: BigInt(rulings.indexOf(ruling)), submission, evidence };
			expect(named(await contract.challengeOf(id))).toEqual(kept);
		}
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
	async PayoutBook({ payouts }) {
		const logs = await index.logs({ contract: "PayoutBook" });
		const histories = await index.state("PayoutBook");
		expect(logs.map(({ args }) => args.root)).toEqual(histories.flatMap(({ payout }) => payout?.pages.map(({ root }) => root) ?? []));
		for (const { epoch, payout } of histories) {
			const { roots, pageSize } = await house.reader.account(epoch);
			expect({ roots, pageSize }).toEqual({ roots: payout?.pages.map(({ root }) => root) ?? [], pageSize: payout?.pageSize ?? 0 });
		}
		// Of a payout that is complete the book keeps nothing.
		for (const { args } of logs) expect((await payouts.payoutOf(args.payout as string)).count).toBe(0n);
	},
	async Reputation({ reputation }) {
		const standings = await index.state("Reputation");
		expect(standings.map(({ words }) => words.length)).toEqual([1, 1]);
		expect(standings.map(({ net }) => net > 0n)).toEqual([true, false]);
		const now = await house.reader.now();
		for (const { datanet, wallet, net, period, words } of standings) {
			expect(named(await reputation.standingOf(datanet, wallet))).toEqual({ net, period });
			expect(await reputation.reputationOf(datanet, wallet)).toBe(valueAt({ net, period }, now));
			for (const { epoch, index: place } of words) expect(await reputation.isApplied(epoch, place)).toBe(true);
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
	async ComputeOperators({ operators: contract }) {
		const { operators, policies } = await index.state("ComputeOperators");
		expect(operators.map(({ status, attestations }) => [status, attestations.length])).toEqual([
			["Active", 2],
			["Retired", 0],
		]);
		for (const { address, status, capabilities, manifest, attestations } of operators) {
			const kept = { status: BigInt(operatorStatuses.indexOf(status)), capabilities, manifest };
			expect(named(await contract.operatorOf(address))).toEqual(kept);
			for (const { attester, ...said } of attestations) expect(named(await contract.attestationOf(address, attester))).toEqual(said);
		}
		for (const [i, policy] of policies.entries()) expect(named(await contract.policyOf(i + 1))).toEqual(policy);
		expect(await contract.policyCount()).toBe(2n);
	},
	async ComputeJobs({ jobs: contract, disputes }) {
		const { jobs, credits } = await index.state("ComputeJobs");
		expect(await contract.jobCount()).toBe(BigInt(jobs.length));
		expect(jobs.map(({ status }) => status)).toEqual(["Paid", "Convicted", "Revealed", "Cancelled"]);
		for (const { id, gain, digests, proven, slashed, transaction, case: _, status, audit, ...same } of jobs) {
			const numbers = { status: BigInt(jobStatuses.indexOf(status)), audit: BigInt(audits.indexOf(audit)) };
			expect(named(await contract.jobOf(id)), `job ${id}`).toEqual({ ...same, ...numbers });
			expect(await disputes.provenOf(id)).toBe(proven.reduce((bits, segment) => bits | (1n << segment), 0n));
		}
		for (const { address } of [house.steward, ...house.contributors]) {
			expect(await contract.creditOf(address)).toBe(credits.get(address) ?? 0n);
		}
	},
	async ComputeDisputes({ disputes, vault }) {
		const { challenges } = await index.state("ComputeDisputes");
		expect(await disputes.challengeCount()).toBe(BigInt(challenges.length));
		expect(challenges.map(({ status }) => status)).toEqual(["Upheld", "Disputed"]);
		for (const { id, status, slashed, transaction, case: number, ...same } of challenges) {
			const kept = { ...same, status: BigInt(challengeStatuses.indexOf(status)) };
			expect(named(await disputes.challengeOf(id)), `challenge ${id}`).toEqual(kept);
			if (number !== undefined) expect((await vault.caseOf(number)).amount).toBe(slashed);
		}
	},
	async InferenceFees({ token, fees: contract }) {
		const reader = new FeeReader(house);
		const { bounds, credits, epochs } = await index.state("InferenceFees");
		expect(bounds).toEqual(await reader.bounds());
		expect(credits.size).toBe(2);
		for (const [account, credit] of credits) expect(await reader.credit(account)).toBe(credit);
		let sum = [...credits.values()].reduce((total, credit) => total + credit, 0n);
		for (const [epoch, { total, balance, schedule, claimed }] of epochs) {
			expect(await reader.pot(epoch)).toEqual({ total, balance });
			expect(await reader.schedule(epoch)).toEqual(schedule);
			for (const [place, amount] of claimed) expect(await contract.claimedOf(epoch, place)).toBe(amount);
			expect([...claimed.keys()]).toEqual([0]);
			sum += balance;
		}
		expect(await token.balanceOf(contract)).toBe(sum);
	},
	async AccessGrants() {
		const reader = new GrantReader(house);
		const { offers, accesses } = await index.state("AccessGrants");
		expect([...offers.values()].map(({ length }) => length)).toEqual([1]);
		for (const [dataset, licences] of offers) for (const one of licences) expect(await reader.isOffered(dataset, one)).toBe(true);
		expect(accesses.map(({ grant }) => grant?.status)).toEqual(["Granted", "Revoked", undefined]);
		const none = { until: 0n, status: "None", acceptance: ZeroHash, keyHash: ZeroHash };
		for (const { dataset, grantee, request, grant } of accesses) {
			expect(await reader.acceptance(dataset, grantee)).toBe(request?.acceptance ?? ZeroHash);
			const { until, status, acceptance, keyHash } = grant ?? none;
			expect(await reader.grant(dataset, grantee)).toEqual({ until, status, acceptance, keyHash });
			if (grant !== undefined) expect(keccak256(grant.encryptedKey)).toBe(keyHash);
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
