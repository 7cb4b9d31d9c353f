import { id as hash, type Result, ZeroAddress, ZeroHash } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractsAt } from "./contracts.ts";
import { replayDatanets, statusAt } from "./datanet-history.ts";
import { bondsOf } from "./datanet-reader.ts";
import { DatanetClient } from "./datanets.ts";
import { rulings, submissionStatuses } from "./enums.ts";
import type { LedgerLog } from "./logs.ts";
import { recordId } from "./record.ts";
import { BOND, DISPUTE, Nets, PERIOD, WINDOW } from "./testing/nets.ts";

let nets: Nets;
beforeAll(async () => {
	nets = await Nets.build();
}, 120_000);
afterAll(async () => nets?.devnet.close());

const statusOf = async (submission: bigint) => {
	const { submissions, status } = await nets.reader.history();
	const found = submissions[Number(submission) - 1];
	return found === undefined ? undefined : status(found);
};
const obstacle = async (datanet: bigint, name: string, rows = 1n) =>
	(await nets.reader.obstacle({ datanet, contributor: nets.author.address, digest: hash(name), rows }))?.revert?.name;

describe("a datanet", () => {
	it("takes a submission with the deposit that its bond lacks, and the curator accepts", async () => {
		const datanet = await nets.create("Curated");
		const record = await nets.record(2, "accepted");
		const { submission, deposit, logs } = await nets.author.submit({ datanet, record });
		expect(deposit?.logs.map(({ name }) => name)).toContain("Deposited");
		expect(logs.map(({ name }) => name)).toEqual(["Submitted", "Locked"]);
		expect(await nets.author.missing(BOND)).toBe(BOND);
		expect(await obstacle(datanet, "accepted")).toBe("SubmissionNotAccepted");
		await nets.curator.accept(submission as bigint);
		expect(await obstacle(datanet, "accepted", 1000n)).toBeUndefined();
		expect(await obstacle(datanet, "accepted", 1001n)).toBe("TooManyRows");
		expect(await statusOf(submission as bigint)).toBe("Accepted");
	});

	it("says in words who may do what", async () => {
		const datanet = await nets.create("Curated");
		const submission = await nets.submit(datanet, "refused");
		await expect(nets.author.accept(submission)).rejects.toMatchObject({
			revert: { name: "NotCurator" },
			hint: expect.stringContaining(nets.curator.address),
		});
		await expect(nets.author.withdraw(submission)).rejects.toMatchObject({
			revert: { name: "WrongSubmissionStatus" },
			hint: expect.stringContaining("waits"),
		});
		await expect(nets.author.submit({ datanet, record: recordId(nets.author.address, "Dataset", hash("refused")) })).rejects.toMatchObject({
			revert: { name: "SubmissionStands" },
		});
		await expect(nets.author.challenge({ submission, evidence: hash("own") })).rejects.toMatchObject({ revert: { name: "OwnSubmission" } });
		await expect(nets.stranger.challenge({ submission, evidence: hash("poor") })).rejects.toMatchObject({
			revert: { name: "ERC20InsufficientBalance" },
		});
		await expect(nets.stranger.list({ datanet, listed: true })).rejects.toMatchObject({ revert: { name: "NotOwner" } });
		await expect(nets.stranger.create({ ...nets.terms("Open"), bond: 1n })).rejects.toMatchObject({
			revert: { name: "DatanetTermOutOfRange" },
			hint: expect.stringContaining("Choose Bond from 1000000000000000000"),
		});
	});

	it("is disputed by a proof, which wins for its maker", async () => {
		const datanet = await nets.create("Curated");
		await nets.record(3, "original");
		// Earlier is earlier by a second at least.
		await nets.wait(1);
		const submission = await nets.submit(datanet, "copy");
		await nets.curator.accept(submission);
		const { challenge, deposit } = await nets.challenger.challenge({ submission, evidence: hash("e"), uri: "ipfs://e" });
		expect(deposit).toBeDefined();
		const original = recordId(nets.challenger.address, "Dataset", hash("original"));
		const given = { challenge: challenge as bigint, original, ...nets.dispute(submission, "copy", "original") };
		await expect(nets.stranger.resolve({ ...given, publics: [8n] })).rejects.toMatchObject({ revert: { name: "ProofRejected" } });
		const before = await nets.stake(nets.author.address);
		const { logs } = await nets.stranger.resolve(given);
		expect(logs.map(({ name }) => name)).toEqual(["Slashed", "ChallengeUpheld", "Unlocked"]);
		expect(await nets.stake(nets.author.address)).toEqual({ ...before, locked: before.locked - BOND });
		expect(await statusOf(submission)).toBe("Removed");
	});

	it("is estimated in a trial run, and nothing is sent", async () => {
		const trial = await DatanetClient.open({ deployment: nets.deployment, signer: nets.devnetWallet(2), trial: true });
		const before = await nets.provider.getTransactionCount(trial.address);
		const { gasUsed, datanet } = await trial.create(nets.terms("Open"));
		expect(gasUsed).toBeGreaterThan(50_000n);
		expect(datanet).toBeUndefined();
		const real = await nets.create("Open");
		const record = await nets.record(2, "trial");
		const { free } = await nets.stake(trial.address);
		const { deposit, gasUsed: ofCall } = await trial.submit({ datanet: real, record });
		// The call is refused until the deposit is made.
		expect(free).toBeLessThan(BOND);
		expect(deposit?.gasUsed).toBeGreaterThan(30_000n);
		expect(ofCall).toBe(0n);
		// The record is the only transaction.
		expect(await nets.provider.getTransactionCount(trial.address)).toBe(before + 1);
	});
});

describe("history", () => {
	it("has every event in it", async () => {
		const open = await nets.create("Open");
		await nets.curator.proposeCurator({ datanet: open, to: nets.stranger.address });
		await nets.stranger.acceptCurator(open);
		await nets.stranger.proposeCurator({ datanet: open, to: nets.author.address });
		await nets.stranger.nameSteward({ datanet: open, steward: nets.owner.address, named: true });
		await nets.stranger.nameSteward({ datanet: open, steward: nets.author.address, named: true });
		await nets.stranger.nameSteward({ datanet: open, steward: nets.owner.address, named: false });
		await nets.owner.list({ datanet: open, listed: true });
		const curated = await nets.create("Curated");

		const rejected = await nets.submit(curated, "rejected");
		await nets.curator.reject({ submission: rejected, reason: "Quality", digest: hash("why"), uri: "ipfs://why" });
		const kept = await nets.submit(open, "kept");
		const left = await nets.submit(open, "left");
		const removed = await nets.submit(open, "removed");
		const lapsed = await nets.submit(curated, "lapsed");
		const challenged = async (submission: bigint) =>
			(await nets.challenger.challenge({ submission, evidence: hash("evidence"), uri: "" })).challenge as bigint;
		const [byOwner, byTime, moot] = [await challenged(kept), await challenged(left), await challenged(removed)];
		await nets.author.startWithdrawal(left);
		await nets.owner.decide({ challenge: byOwner, upheld: false });
		await nets.owner.decide({ challenge: await challenged(removed), upheld: true });
		await nets.stranger.closeChallenge(moot);
		await nets.stranger.closeDatanet(open);
		await nets.wait(PERIOD);
		// Time had accepted it: the challenge writes that down.
		const late = await challenged(kept);
		await nets.stranger.withdraw(lapsed);
		await nets.wait(DISPUTE - PERIOD);
		await nets.stranger.closeChallenge(byTime);
		await nets.stranger.withdraw(left);
		const { challenges } = await nets.reader.history();
		expect([byOwner, byTime, moot, late].map((id) => challenges[Number(id) - 1])).toMatchObject([
			{ ruling: "Dismissed", by: "owner", slashed: BOND },
			{ ruling: "Dismissed", by: "time", slashed: BOND },
			{ ruling: "Moot", by: undefined, case: undefined, slashed: 0n },
			{ ruling: "Open" },
		]);
		await nets.submit(curated, "pending");
		expect(WINDOW).toBeLessThan(PERIOD);
	});

	it("is what the chain answers, field by field", async () => {
		const { contracts } = nets.deployment;
		const { datanets: contract, vault } = contractsAt(contracts, nets.provider);
		const { datanets, submissions, challenges, status } = await nets.reader.history();
		const names = new Set((await logsOfAll()).map(({ name }) => name));
		expect([...names].sort()).toEqual(
			contract.interface.fragments.flatMap((one) => (one.type === "event" ? [(one as never as { name: string }).name] : [])).sort(),
		);

		expect(BigInt(datanets.length)).toBe(await contract.datanetCount());
		for (const { id, mode, curator, proposed, closed, listed, stewards, transaction: _, ...limits } of datanets) {
			const made = await contract.datanetOf(id);
			expect(named(made.terms)).toEqual({ ...limits, curator, mode: BigInt(["None", "Open", "Curated"].indexOf(mode)) });
			expect({ proposed: made.proposed, closed: made.closed, listed: made.listed }).toEqual({ proposed, closed, listed });
			for (const { address } of [nets.owner, nets.curator, nets.author, nets.challenger, nets.stranger]) {
				expect(await contract.isSteward(id, address)).toBe(address === curator || stewards.includes(address));
			}
		}
		expect(BigInt(submissions.length)).toBe(await contract.submissionCount());
		expect(new Set(submissions.map(status))).toEqual(new Set(["Accepted", "Pending", "Removed", "Rejected", "Withdrawn", "Lapsed"]));
		for (const submission of submissions) {
			const { id, datanet, contributor, digest, due, challenges: open } = submission;
			const made = named(await contract.submissionOf(id));
			const expected = {
				contributor,
				due,
				status: BigInt(submissionStatuses.indexOf(status(submission))),
				datanet,
				challenges: open,
				digest,
			};
			expect(made).toEqual(expected);
			const latest = submissions.findLast((one) => one.datanet === datanet && one.contributor === contributor && one.digest === digest);
			expect(await contract.latestOf(datanet, contributor, digest)).toBe(latest?.id);
			const standing = submissions.filter((one) => one.datanet === datanet && one.contributor === contributor && holds(one.status));
			expect(await contract.standingOf(datanet, contributor)).toBe(BigInt(standing.length));
		}
		expect(BigInt(challenges.length)).toBe(await contract.challengeCount());
		for (const { id, challenger, due, ruling, submission, evidence } of challenges) {
			const made = named(await contract.challengeOf(id));
			expect(made).toEqual({ challenger, due, ruling: BigInt(rulings.indexOf(ruling)), submission, evidence });
		}
		for (const { address } of [nets.author, nets.challenger]) {
			const { locked } = await vault.accountOf(contracts.Datanets, address);
			expect(bondsOf({ datanets, submissions, challenges }, address)).toBe(locked);
		}
	});

	it("names a gap", () => {
		const log = (name: string, args: Record<string, unknown>): LedgerLog => ({
			...{ contract: "Datanets", name, blockNumber: 1, index: 0, transaction: "0x" },
			args,
		});
		const terms = { curator: ZeroAddress, bond: 1n, mode: 1n, maxRows: 1n, maxSubmissions: 1n, challengeWindow: 1n, decisionPeriod: 0n };
		const created = log("DatanetCreated", { datanet: 1n, terms: { ...terms, licence: ZeroHash, circuit: ZeroHash } });
		const submitted = log("Submitted", { submission: 1n, datanet: 1n, contributor: "0x", digest: "0x", due: 5n });
		const accepted = log("SubmissionAccepted", { submission: 1n });
		const challenge = log("Challenged", { challenge: 1n, submission: 1n, challenger: "0x", due: 9n, evidence: "0x", uri: "" });
		const dismissed = log("ChallengeDismissed", { challenge: 1n, submission: 1n, byTime: true, id: 1n, slashed: 1n });
		const gaps = [
			[submitted],
			[created, created],
			[created, accepted],
			[created, submitted, accepted, accepted],
			[created, submitted, dismissed],
			[created, submitted, challenge, dismissed, dismissed],
			[created, submitted, log("SubmissionWithdrawn", { submission: 1n }), challenge],
			[created, log("CuratorChanged", { datanet: 1n, from: ZeroAddress, to: "0x1" })],
			[log("Transfer", {})],
		];
		for (const logs of gaps) expect(() => replayDatanets(logs)).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		const { datanets, submissions } = replayDatanets([created, submitted, challenge, dismissed]);
		const [datanet, submission] = [datanets[0], submissions[0]];
		if (datanet === undefined || submission === undefined) throw new Error("expected one of each");
		expect([4n, 5n].map((time) => statusAt(submission, datanet, time))).toEqual(["Pending", "Accepted"]);
		expect(statusAt({ ...submission, challenges: 1n }, datanet, 5n)).toBe("Pending");
		expect(statusAt(submission, { ...datanet, mode: "Curated" }, 5n)).toBe("Lapsed");
	});
});

/** A struct's fields by name. */
const named = (struct: unknown) => (struct as Result).toObject();
const holds = (status: string) => ["Pending", "Accepted", "Leaving"].includes(status);

async function logsOfAll() {
	const { decodeLogs, fetchLogs } = await import("./logs.ts");
	const { contracts, block: fromBlock } = nets.deployment;
	const toBlock = await nets.provider.getBlockNumber();
	return decodeLogs(contracts, await fetchLogs(nets.provider, { address: contracts.Datanets, topics: [], fromBlock, toBlock }));
}
