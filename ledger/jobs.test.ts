import { id as hash, hexlify, parseEther, type Result, randomBytes } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BOND_FACTOR, requiredBond } from "./bond.ts";
import { contractsAt } from "./contracts.ts";
import { jobPolicy } from "./deployment/plan.ts";
import { audits, challengeStatuses, jobStatuses, operatorStatuses } from "./enums.ts";
import { replayJobs } from "./job-history.ts";
import { drawOf } from "./job-result.ts";
import { JobClient } from "./jobs.ts";
import { capabilityBits, capabilityNames } from "./operators.ts";
import { DAY, HOUR, Market, PRICE, SALT } from "./testing/market.ts";
import { toys } from "./testing/simulator.ts";

let market: Market;
beforeAll(async () => {
	market = await Market.build();
	await market.operators[2]?.register({ manifest: hash("manifest"), capabilities: capabilityBits(["webgpu", "prover"]) });
}, 120_000);
afterAll(async () => market?.devnet.close());

const contracts = () => contractsAt(market.deployment.contracts, market.provider);
const jobOf = async (job: bigint) => (await market.reader.jobs()).jobs[Number(job) - 1];
/** A struct of a contract by the names of its fields. */
const named = (struct: unknown) => ({ ...(struct as Result).toObject() });
const names = ({ logs }: { logs: readonly { name: string }[] }) => logs.map(({ name }) => name);

describe("requiredBond", () => {
	it("is the contract's, bit for bit", async () => {
		const { operators } = contracts();
		const minimum = jobPolicy.minBond;
		const sizes = [0n, 1n, 2n ** 32n, parseEther("1"), parseEther("12345.678"), 2n ** 90n];
		const random = () => BigInt(hexlify(randomBytes(12))) >> BigInt(Math.floor(Math.random() * 96));
		const cases = sizes.flatMap((gain) =>
			sizes.map((price) => ({ gain, price, margin: sizes[3] as bigint, detectionProbability: 50_000n })),
		);
		for (let i = 0; i < 60; i += 1) {
			const detectionProbability = 1n + (random() % 1_000_000n);
			cases.push({ gain: random(), price: random(), margin: random(), detectionProbability });
		}
		for (const { gain, margin, price, detectionProbability } of cases) {
			const answer = await operators.requiredBond(gain, margin, price, detectionProbability).catch(() => "refused");
			let expected: bigint | string;
			try {
				expected = requiredBond({ gain, margin, price, detectionProbability, minimum });
			} catch {
				expected = "refused";
			}
			expect(answer, `${gain} ${margin} ${price} ${detectionProbability}`).toBe(expected);
		}
	});

	it("is what a job is held to, twice", async () => {
		const { bond } = await market.reader.terms({ gain: parseEther("10"), price: PRICE });
		const { margin, auditRate: detectionProbability, minBond: minimum } = jobPolicy;
		expect(bond).toBe(BOND_FACTOR * requiredBond({ gain: parseEther("10"), price: PRICE, margin, detectionProbability, minimum }));
	});

	it.each([0n, 1_000_001n])("has no probability of %d", (detectionProbability) => {
		const job = { gain: 1n, margin: 0n, price: 0n, detectionProbability, minimum: 1n };
		expect(() => requiredBond(job)).toThrow(RangeError);
	});
});

describe("a job", () => {
	it("is taken with the deposit that its bond lacks, and paid when its result stands", async () => {
		const job = await market.posted();
		const { bond } = (await jobOf(job)) as { bond: bigint };
		const before = await market.stake("ComputeJobs", market.operator.address);
		const taken = await market.operator.take(job);
		expect(taken.deposit).toBeDefined();
		expect(names(taken)).toEqual(["JobTaken", "Locked"]);
		expect(await market.stake("ComputeJobs", market.operator.address)).toEqual({ free: 0n, locked: before.locked + bond });
		await market.operator.commit({ job, digests: market.digests(job), salt: SALT });
		await expect(market.stranger.draw(job)).rejects.toMatchObject({ revert: { name: "DrawTooEarly" } });
		await market.mine(64);
		await market.stranger.draw(job);
		const drawn = await jobOf(job);
		const block = await market.provider.getBlock(Number(drawn?.drawBlock));
		const { audit, segment } = drawOf(market.deployment, job, block?.hash as string, { auditRate: jobPolicy.auditRate, segments: 3n });
		expect(drawn).toMatchObject({ audit, segment });
		await market.wait(HOUR);
		await market.stranger.reveal({ job, digests: market.digests(job), salt: SALT });
		await market.wait(3 * DAY);
		await market.stranger.settle(job);
		expect(await market.reader.credit(market.operator.address)).toBe(PRICE);
		await market.stranger.withdraw(market.operator.address);
		expect(await market.reader.credit(market.operator.address)).toBe(0n);
		expect(await jobOf(job)).toMatchObject({ status: "Paid", digests: market.digests(job) });
	});

	it("is challenged, and answered by a proof", async () => {
		const job = await market.revealed({ circuit: toys.contribution.key.circuitId });
		const challenge = await market.challenged(job);
		await expect(market.operator.contest(challenge)).rejects.toMatchObject({
			revert: { name: "ProofRequired" },
			hint: expect.stringContaining(toys.contribution.key.circuitId),
		});
		await expect(market.stranger.answer({ challenge, proof: market.proof(job, 2) })).rejects.toMatchObject({
			revert: { name: "ProofRejected" },
		});
		const outcome = await market.stranger.answer({ challenge, proof: market.proof(job, 1) });
		expect(names(outcome)).toEqual(["SegmentProven", "Slashed", "ChallengeEnded"]);
		expect(await jobOf(job)).toMatchObject({ proven: [1n], challenges: 0n });
	});

	it("says in words what is wrong", async () => {
		const job = await market.posted({ operator: market.stranger.address });
		await expect(market.operator.take(job)).rejects.toMatchObject({
			revert: { name: "NotOperator" },
			hint: expect.stringContaining(market.stranger.address),
		});
		await expect(market.operator.commit({ job, digests: [hash("x")], salt: SALT })).rejects.toMatchObject({
			hint: expect.stringContaining(`Job ${job}: nobody has taken it`),
		});
		await expect(market.requester.post(await market.terms({ deadline: 1n }))).rejects.toMatchObject({
			revert: { name: "JobDeadlineOutOfRange" },
		});
		const other = await market.posted({ capabilities: capabilityBits(["cuda"]) });
		await expect(market.operator.take(other)).rejects.toMatchObject({ hint: expect.stringContaining("0x4") });
	});

	it("is estimated in a trial run, and nothing is sent", async () => {
		const trial = await JobClient.open({ deployment: market.deployment, signer: market.wallets[1] as never, trial: true });
		const count = await market.provider.getTransactionCount(trial.address);
		const { gasUsed, job } = await trial.post(await market.terms({ price: 0n }));
		expect(gasUsed).toBeGreaterThan(100_000n);
		expect(job).toBeUndefined();
		expect(await market.provider.getTransactionCount(trial.address)).toBe(count);
	});
});

describe("capabilities", () => {
	it("are bits with names", () => {
		expect(capabilityBits([])).toBe(0);
		expect(capabilityBits(["webgpu", "trusted-execution"])).toBe(0x81);
		expect(capabilityNames(0x80000081n)).toEqual(["webgpu", "trusted-execution", "31"]);
		expect(() => capabilityBits(["abacus"])).toThrow(/abacus/);
	});
});

describe("history", () => {
	it("has every event in it, and says what the chain says", async () => {
		// Every end of a job, and of a challenge.
		const cancelled = await market.posted();
		await market.requester.cancel(cancelled);
		const expired = await market.posted();
		const late = await market.taken();
		const withheld = await market.committed();
		const convicted = await market.revealed();
		const conceded = await market.challenged(convicted, 0);
		const returned = await market.challenged(convicted, 2);
		await market.operator.concede(conceded);
		await market.stranger.settleChallenge(returned);
		const disputed = await market.revealed();
		const lost = await market.challenged(disputed, 1);
		await market.operator.contest(lost);
		await market.owner.decide({ challenge: lost, upheld: false });
		await market.mine(400);
		await market.stranger.draw(disputed);
		await market.wait(DAY);
		for (const job of [expired, late, withheld]) await market.stranger.settle(job);
		await market.revealed();
		await market.posted({ attester: market.owner.address, capabilities: 1 });
		await market.stranger.withdraw(market.requester.address);

		const { jobs, challenges, credits } = await market.reader.jobs();
		const chain = contracts();
		expect(await chain.jobs.jobCount()).toBe(BigInt(jobs.length));
		expect(await chain.disputes.challengeCount()).toBe(BigInt(challenges.length));
		for (const job of jobs) {
			const { id, gain, digests, proven, slashed, transaction, case: _, status, audit, ...same } = job;
			const kept = named(await chain.jobs.jobOf(id));
			const numbers = { status: BigInt(jobStatuses.indexOf(status)), audit: BigInt(audits.indexOf(audit)) };
			expect(kept, `job ${id}`).toEqual({ ...same, ...numbers });
			const bits = proven.reduce((sum, segment) => sum | (1n << segment), 0n);
			expect(await chain.disputes.provenOf(id)).toBe(bits);
		}
		for (const challenge of challenges) {
			const { id, status, slashed, transaction, case: number, ...same } = challenge;
			const kept = named(await chain.disputes.challengeOf(id));
			expect(kept, `challenge ${id}`).toEqual({ ...same, status: BigInt(challengeStatuses.indexOf(status)) });
			if (number !== undefined) expect((await chain.vault.caseOf(number)).amount).toBe(slashed);
		}
		for (const { address } of market.wallets) expect(await chain.jobs.creditOf(address)).toBe(credits.get(address) ?? 0n);
		const ends = jobs.map(({ status }) => status);
		expect(new Set(ends)).toEqual(new Set(["Open", "Revealed", "Paid", "Cancelled", "Expired", "Late", "Withheld", "Convicted"]));
		expect(new Set(challenges.map(({ status }) => status))).toEqual(new Set(["Upheld", "Lost", "Returned"]));
		for (const { status, case: number, slashed } of jobs) {
			if (["Late", "Withheld", "Convicted"].includes(status)) expect((await chain.vault.caseOf(number as bigint)).amount).toBe(slashed);
		}
	}, 60_000);

	it("knows operators, attestations and policies", async () => {
		const [owner, , operator, , stranger] = market.operators as typeof market.operators & { readonly length: 5 };
		const now = await market.now();
		await stranger?.register({ manifest: hash("one"), capabilities: 1 });
		await stranger?.setCapabilities({ manifest: hash("two"), capabilities: 3 });
		const word = { operator: stranger?.address as string, digest: hash("report"), expiresAt: now + BigInt(30 * DAY) };
		await owner?.attest(word);
		await operator?.attest({ ...word, digest: hash("other") });
		await owner?.attest({ ...word, digest: hash("renewed"), expiresAt: word.expiresAt + 1n });
		await operator?.revokeAttestation(word.operator);
		await stranger?.retire();
		await stranger?.register({ manifest: hash("three"), capabilities: 7 });
		await stranger?.retire();
		await owner?.setPolicy({ ...jobPolicy, auditRate: 70_000n });

		const { operators, policies } = await market.reader.operators();
		const chain = contracts();
		for (const { address, status, capabilities, manifest, attestations } of operators) {
			const kept = await chain.operators.operatorOf(address);
			expect(named(kept)).toEqual({ status: BigInt(operatorStatuses.indexOf(status)), capabilities, manifest });
			for (const { attester, digest, expiresAt } of attestations) {
				expect(named(await chain.operators.attestationOf(address, attester))).toEqual({ digest, expiresAt });
			}
		}
		expect(operators.map(({ status }) => status)).toEqual(["Active", "Retired"]);
		expect(operators[1]?.attestations.map(({ digest }) => digest)).toEqual([hash("renewed"), hash("other")]);
		for (const [i, policy] of policies.entries()) {
			expect(named(await chain.operators.policyOf(i + 1))).toEqual(policy);
		}
		expect(policies).toHaveLength(2);
	});

	it("refuses a history with a gap", async () => {
		const taken = { contract: "ComputeJobs", name: "JobTaken", args: { job: 1n }, blockNumber: 1, index: 0, transaction: "0x" } as const;
		expect(() => replayJobs([taken])).toThrow(/expected number 1 to be made/);
		expect(() => replayJobs([{ ...taken, name: "Transfer" }])).toThrow(/Transfer/);
	});
});
