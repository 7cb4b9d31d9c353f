import { getAddress, id as hash, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractsAt, interfaces } from "./contracts.ts";
import { slowCalls } from "./deployment/plan.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { nameOf, proposalStates } from "./enums.ts";
import { GovernanceClient } from "./governance.ts";
import { GovernanceReader, type ProposalHistory, stateOf } from "./governance-reader.ts";
import { GuardianClient, guardianHistory, guardianState } from "./guardian.ts";
import { connect } from "./node.ts";
import { describeCall, type Proposed, parseCall, selectorOf } from "./proposal.ts";
import { toys } from "./testing/simulator.ts";

const DAY = 86_400;
const STRANGER = getAddress("0x00000000000000000000000000000000000064a8");

let devnet: Devnet;
let provider: JsonRpcProvider;
let deployment: Deployment;
let holder: GovernanceClient;
let second: GovernanceClient;
let reader: GovernanceReader;

beforeAll(async () => {
	devnet = await startDevnet({ accounts: 2 });
	provider = await connect({ url: devnet.url });
	const [signer, other] = devnet.keys.map((key) => new Wallet(key, provider)) as [Wallet, Wallet];
	({ deployment } = await deploy({
		...{ signer, owner: "timelock", treasury: signer.address, guardian: other.address, activationDelay: 0 },
		verificationKeys: [toys.payout.key],
	}));
	holder = await GovernanceClient.open({ deployment, signer });
	second = await GovernanceClient.open({ deployment, signer: other });
	reader = new GovernanceReader({ deployment, provider });
	const { token } = contractsAt(deployment.contracts, signer);
	await (await token.transfer(other.address, parseEther("2000000"))).wait();
	await holder.delegate(holder.address);
	await second.delegate(second.address);
	await wait(1);
}, 120_000);
afterAll(() => devnet?.close());

async function wait(seconds: number): Promise<void> {
	await provider.send("evm_increaseTime", [seconds]);
	await provider.send("evm_mine", []);
}

const proposed = (description: string, ...calls: string[]): Proposed => ({
	calls: calls.map((text) => parseCall(deployment.contracts, text)),
	description,
});

/** Holds what the events say against what the chain answers. */
async function hold(): Promise<readonly ProposalHistory[]> {
	const { settings, proposals } = await reader.governance();
	const { governor, timelock } = contractsAt(deployment.contracts, provider);
	expect(settings).toMatchObject({
		votingDelay: await governor.votingDelay(),
		votingPeriod: await governor.votingPeriod(),
		proposalThreshold: await governor.proposalThreshold(),
		quorumNumerator: await governor["quorumNumerator()"](),
		lateQuorumVoteExtension: await governor.lateQuorumVoteExtension(),
		minDelay: await timelock.getMinDelay(),
	});
	for (const call of settings.slow) {
		const [target, selector] = call.split(" ") as [string, string];
		expect(await timelock.isSlow(target, selector), call).toBe(true);
	}
	for (const role of settings.roles) {
		const [name, account] = role.split(" ") as [string, string];
		expect(await timelock.hasRole(name, account), role).toBe(true);
	}
	const now = await reader.now();
	for (const proposal of proposals) {
		const { id, proposer, snapshot, deadline, tally, eta, quorum, operation } = proposal;
		expect(await governor.proposalProposer(id)).toBe(proposer);
		expect(await governor.proposalSnapshot(id)).toBe(snapshot);
		expect(await governor.proposalDeadline(id)).toBe(deadline);
		expect(await governor.proposalEta(id)).toBe(eta);
		const [against, inFavour, abstain] = await governor.proposalVotes(id);
		expect(tally).toEqual({ against, for: inFavour, abstain });
		expect(nameOf(proposalStates, await governor.state(id))).toBe(stateOf(proposal, now));
		if (snapshot < now) expect(await governor.quorum(snapshot)).toBe(quorum);
		if (stateOf(proposal, now) === "Queued") expect(await timelock.isOperationPending(operation)).toBe(true);
	}
	return proposals;
}

const last = async (): Promise<ProposalHistory> => (await hold()).at(-1) as ProposalHistory;

describe("a proposal", () => {
	it("is made, voted on, queued and executed; the events say at each step what the chain says", async () => {
		const made = await holder.propose(proposed("appoint", `Guardian.appoint(${STRANGER}, ${30 * DAY})`));
		const first = await last();
		expect(first).toMatchObject({ id: made.id, proposer: holder.address, description: made.proposed.description, votes: [], eta: 0n });
		expect(first.description).toBe(`appoint#proposer=${holder.address.toLowerCase()}`);
		expect(first.calls.map(({ text }) => text)).toEqual([`Guardian.appoint(${STRANGER}, ${30 * DAY})`]);
		await expect(holder.vote({ id: made.id, support: "for" })).rejects.toMatchObject({
			revert: { name: "GovernorUnexpectedProposalState" },
			hint: "The proposal is Pending; this step needs one that is Active.",
		});
		await wait(DAY + 1);
		await second.vote({ id: made.id, support: "against", reason: "no" });
		expect((await last()).votes).toEqual([{ voter: second.address, support: "against", weight: parseEther("2000000"), reason: "no" }]);
		await wait(4 * DAY);
		// Late: the vote is extended.
		const { deadline } = await last();
		await holder.vote({ id: made.id, support: "for" });
		expect((await last()).deadline).toBeGreaterThan(deadline);
		await expect(second.queue(made.proposed)).rejects.toMatchObject({ revert: { name: "GovernorUnexpectedProposalState" } });
		await wait(2 * DAY + 1);
		expect(stateOf(await last(), await reader.now())).toBe("Succeeded");
		await second.queue(made.proposed);
		const queued = await last();
		expect(queued.eta - (await reader.now())).toBe(BigInt(2 * DAY));
		await expect(second.execute(made.proposed)).rejects.toMatchObject({ revert: { name: "TimelockUnexpectedOperationState" } });
		await wait(2 * DAY);
		await second.execute(made.proposed);
		expect((await last()).end).toBe("Executed");
		expect(await contractsAt(deployment.contracts, provider).guardian.member()).toBe(STRANGER);
	}, 60_000);

	it("with a slow call waits seven days, and may be executed at the timelock", async () => {
		const made = await holder.propose(
			proposed(
				"table",
				`OpenTimelock.setSlow([[OpenToken, ${selectorOf(hash("transfer(address,uint256)"))}]], true)`,
				"OpenGovernor.updateQuorumNumerator(5)",
			),
		);
		await wait(DAY + 1);
		await holder.vote({ id: made.id, support: "for" });
		await wait(5 * DAY);
		await holder.queue(made.proposed);
		const { eta, operation } = await last();
		expect(eta - (await reader.now())).toBe(BigInt(7 * DAY));
		// Made before the quorum changes, its vote begins after it.
		await wait(7 * DAY - 100);
		const later = await holder.propose(proposed("later", "OpenToken.transfer(OpenTimelock, 1)"));
		await wait(100);
		await holder.execute(made.proposed);
		const proposals = await hold();
		expect(proposals.find(({ id }) => id === made.id)).toMatchObject({ end: "Executed", operation, quorum: parseEther("40000000") });
		expect(proposals.find(({ id }) => id === later.id)?.quorum).toBe(parseEther("50000000"));
		expect((await reader.governance()).settings.slow).toHaveLength(slowCalls(deployment.contracts).length + 1);
		await wait(DAY);
		await hold();
	}, 60_000);

	it("is withdrawn by its proposer, also from the timelock", async () => {
		const made = await holder.propose(proposed("withdrawn", "Guardian.resume()"));
		await wait(DAY + 1);
		await holder.vote({ id: made.id, support: "for" });
		await wait(5 * DAY);
		await holder.queue(made.proposed);
		await expect(second.cancel(made.proposed)).rejects.toMatchObject({ revert: { name: "GovernorUnableToCancel" } });
		await holder.cancel(made.proposed);
		expect((await last()).end).toBe("Canceled");
	}, 60_000);

	it("executed beside the governor counts", async () => {
		const made = await holder.propose(proposed("beside", `Guardian.appoint(${second.address}, ${30 * DAY})`));
		await wait(DAY + 1);
		await holder.vote({ id: made.id, support: "for" });
		await wait(5 * DAY);
		await holder.queue(made.proposed);
		await wait(2 * DAY);
		const { calls, description } = made.proposed;
		const signer = new Wallet(devnet.keys[1] as string, provider);
		const { timelock } = contractsAt(deployment.contracts, signer);
		const salt = `0x${(BigInt(hash(description)) ^ (BigInt(deployment.contracts.OpenGovernor) << 96n)).toString(16).padStart(64, "0")}`;
		const [targets, values, payloads] = [calls.map(({ target }) => target), calls.map(({ value }) => value), calls.map(({ data }) => data)];
		await (await timelock.executeBatch(targets, values, payloads, `0x${"0".repeat(64)}`, salt)).wait();
		expect((await last()).end).toBe("Executed");
	}, 60_000);

	it("is unknown when it was never made", async () => {
		await expect(reader.proposal(5n)).rejects.toMatchObject({ code: "input.invalid" });
	});
});

describe("calls in words", () => {
	it.each([
		["VerifierRouter.register(0x00000000000000000000000000000000000064A8)", undefined],
		["OpenToken.transfer(OpenTimelock, 5)", undefined],
		['Guardian.pause(60, "a reason, with a comma")', undefined],
		["OpenTimelock.setSlow([[OpenToken, 0xa9059cbb]], false)", undefined],
		["Guardian.resume()", undefined],
		["0x00000000000000000000000000000000000064A8:0x1234", undefined],
	])("%s is read and written", (text) => {
		const call = parseCall(deployment.contracts, text);
		expect(describeCall(deployment.contracts, call).text.toLowerCase()).toBe(text.toLowerCase());
	});

	it("encodes what it says", () => {
		const call = parseCall(deployment.contracts, "OpenToken.transfer(Guardian, 7)");
		expect(call).toEqual({
			target: deployment.contracts.OpenToken,
			value: 0n,
			data: interfaces.OpenToken.encodeFunctionData("transfer", [deployment.contracts.Guardian, 7n]),
		});
	});

	it("shows data that hides behind the arguments, and coins", () => {
		const call = parseCall(deployment.contracts, "Guardian.resume()");
		expect(describeCall(deployment.contracts, { ...call, data: `${call.data}ff` }).text).toBe("Guardian.resume() and more data");
		expect(describeCall(deployment.contracts, { ...call, value: 3n }).text).toBe("Guardian.resume() with 3 wei");
		expect(describeCall(deployment.contracts, { ...call, data: "0x12345678" })).toMatchObject({ contract: undefined });
	});

	it.each([
		["Router.register(0x1)", "expected a contract of the deployment"],
		["VerifierRouter.registre(0x1)", "no function registre"],
		["VerifierRouter.register()", "with 0 arguments"],
		["VerifierRouter.register(0x12)", "expected arguments of"],
		["VerifierRouter.owner()", "that changes something"],
		["VerifierRouter.register(0x1", "expected Contract.function(arguments)"],
		["OpenToken.transfer([0x1, 2)", "with commas between them"],
	])("%s is refused", (text, message) => {
		expect(() => parseCall(deployment.contracts, text)).toThrow(
			expect.objectContaining({ code: "input.invalid", message: expect.stringContaining(message) }),
		);
	});
});

describe("the guardian", () => {
	it("is the same when rebuilt from events", async () => {
		const member = await GuardianClient.open({ deployment, signer: new Wallet(devnet.keys[1] as string, provider) });
		await member.pause({ duration: DAY, reason: "forged pages" });
		await member.stopVerifier(toys.payout.key.circuitId);
		await expect(member.veto({ epoch: 1n, reason: "none" })).rejects.toMatchObject({ revert: { name: "WrongStatus" } });
		await expect(member.resume()).rejects.toMatchObject({ revert: { name: "NotOwner" } });
		await expect(member.appoint({ member: STRANGER, term: 1 })).rejects.toMatchObject({ revert: { name: "NotOwner" } });
		let history = await guardianHistory(deployment, provider);
		expect(history).toMatchObject(await guardianState(deployment, provider));
		expect(history.pauses).toMatchObject([{ member: second.address, reason: "forged pages" }]);
		expect(history.stops).toMatchObject([{ member: second.address, circuitId: toys.payout.key.circuitId }]);
		await member.dismiss();
		history = await guardianHistory(deployment, provider);
		expect(history).toMatchObject(await guardianState(deployment, provider));
	}, 60_000);
});
