import { getAddress, type JsonRpcProvider, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contractNames, contractsAt } from "./contracts.ts";
import { CREATE2_PROXY, create3Address, DEPLOYER } from "./deployment/create3.ts";
import { checkDeployment, type DeployOptions, deploy, planDeployment } from "./deployment.ts";
import { type Devnet, startDevnet } from "./devnet.ts";
import { connect } from "./node.ts";
import { toys } from "./testing/simulator.ts";

const ELSEWHERE = getAddress("0x00000000000000000000000000000000000064a8");
/** No transaction takes more (EIP-7825). */
const GAS_CAP = 2n ** 24n;

let devnet: Devnet;
let provider: JsonRpcProvider;
let signer: Wallet;

beforeAll(async () => {
	devnet = await startDevnet({ accounts: 2 });
	provider = await connect({ url: devnet.url });
	signer = new Wallet(devnet.keys[0] as string, provider);
}, 60_000);
afterAll(() => devnet?.close());

const asked = (changes: Partial<DeployOptions> = {}): DeployOptions => ({
	...{ signer, treasury: signer.address, guardian: ELSEWHERE, activationDelay: 60, verificationKeys: [] },
	...changes,
});

describe("deploy", () => {
	it("says beforehand where everything will be, and keeps every transaction below the cap", async () => {
		const planned = await planDeployment(asked());
		expect(planned.tasks.map(({ name }) => name)).toEqual(["Deployer", ...contractNames].map((name) => `deploy ${name}`));
		const { deployment, steps } = await deploy(asked());
		expect(deployment).toEqual({ ...planned.deployment, block: deployment.block });
		expect(await provider.getTransactionReceipt(steps[1]?.hash as string)).toMatchObject({ blockNumber: deployment.block, to: DEPLOYER });
		expect(steps.map(({ name }) => name)).toEqual(planned.tasks.map(({ name }) => name));
		for (const { name, gasUsed } of steps) expect(gasUsed, name).toBeLessThan(GAS_CAP);
		for (const name of contractNames) expect(deployment.contracts[name]).toBe(create3Address(signer.address, name, deployment.salt));
		expect((await checkDeployment(provider, deployment)).filter(({ ok }) => !ok)).toEqual([]);
	}, 60_000);

	it("has nothing to do the second time", async () => {
		const first = await deploy(asked());
		const second = await deploy(asked());
		expect(second).toEqual({ deployment: first.deployment, steps: [] });
	}, 60_000);

	it("continues where it was stopped, at verifiers too", async () => {
		const options = asked({ label: "stopped", verificationKeys: [toys.payout.key, toys.total.key] });
		const { tasks, deployment } = await planDeployment(options);
		const count = contractNames.length;
		expect(tasks).toHaveLength(count + 4);
		for (const stop of [2, count + 1, count + 3]) {
			const left = (await planDeployment(options)).tasks;
			for (const { request } of left.slice(0, left.length - tasks.length + stop)) await (await signer.sendTransaction(request)).wait();
		}
		const done = await deploy(options);
		expect(done.steps.map(({ name }) => name)).toEqual(tasks.slice(count + 3).map(({ name }) => name));
		expect(done.deployment).toEqual({ ...deployment, block: done.deployment.block });
		const checks = await checkDeployment(provider, done.deployment, options.verificationKeys);
		expect(checks.filter(({ ok }) => !ok)).toEqual([]);
	}, 60_000);

	it("registers the first routes for an owner who is elsewhere", async () => {
		const options = asked({ owner: ELSEWHERE, verificationKeys: [toys.payout.key] });
		const { deployment } = await deploy(options);
		const { router, guardian } = contractsAt(deployment.contracts, provider);
		expect([await router.owner(), await guardian.owner()]).toEqual([ELSEWHERE, ELSEWHERE]);
		expect(await router.verifierOf(toys.payout.key.circuitId)).toBe(deployment.verifiers[toys.payout.key.circuitId]?.address);
		expect(deployment.terms).toMatchObject({ owner: ELSEWHERE, treasury: signer.address, activationDelay: 60, guardianTerm: 31_622_400 });
	}, 60_000);

	it("goes elsewhere with other terms, another label or another key", async () => {
		const other = new Wallet(devnet.keys[1] as string, provider);
		const changes = [
			...[{}, { label: "x" }, { treasury: ELSEWHERE }, { guardian: signer.address }, { guardianTerm: 5 }, { activationDelay: 61 }],
			...[{ owner: ELSEWHERE }, { delegate: ELSEWHERE }, { verificationKeys: [toys.payout.key] }, { signer: other }],
		];
		const plans = [];
		for (const change of changes) plans.push(await planDeployment(asked(change)));
		expect(new Set(plans.map(({ deployment }) => deployment.contracts.EpochBook)).size).toBe(changes.length);
	}, 60_000);

	it("makes the timelock owner and treasury of a real chain, with votes from the first block on", async () => {
		const real = await startDevnet({ accounts: 1, chainId: 4242 });
		try {
			const there = await connect({ url: real.url });
			const options = { signer: signer.connect(there), guardian: ELSEWHERE, activationDelay: 60, verificationKeys: [] };
			await expect(planDeployment(options)).rejects.toMatchObject({ code: "input.invalid", message: expect.stringContaining("delegate") });
			const { deployment } = await deploy({ ...options, delegate: signer.address });
			const { OpenTimelock } = deployment.contracts;
			expect(deployment.terms).toMatchObject({ owner: OpenTimelock, treasury: OpenTimelock });
			expect((await checkDeployment(there, deployment)).filter(({ ok }) => !ok)).toEqual([]);
			const { token, router, vault } = contractsAt(deployment.contracts, there);
			expect(await router.owner()).toBe(OpenTimelock);
			expect(await vault.treasury()).toBe(OpenTimelock);
			expect(await token.balanceOf(OpenTimelock)).toBe(10n ** 27n);
			expect(await token.getVotes(signer.address)).toBe(10n ** 27n);
		} finally {
			await real.close();
		}
	}, 60_000);

	it("refuses to build on other code", async () => {
		const options = asked({ label: "squatted" });
		const { deployment } = await planDeployment(options);
		await provider.send("anvil_setCode", [deployment.contracts.EpochBook, "0x600160015500"]);
		await expect(deploy(options)).rejects.toMatchObject({ code: "deployment.invalid", message: expect.stringContaining("EpochBook") });
	}, 60_000);

	it("puts the CREATE2 proxy on a test chain that lacks it", async () => {
		const code = await provider.getCode(CREATE2_PROXY);
		const bare = await startDevnet({ accounts: 1 });
		try {
			const there = await connect({ url: bare.url });
			await there.send("anvil_setCode", [CREATE2_PROXY, "0x"]);
			const { deployment } = await deploy(asked({ signer: signer.connect(there) }));
			expect(await there.getCode(CREATE2_PROXY)).toBe(code);
			expect(deployment.contracts).toEqual((await planDeployment(asked())).deployment.contracts);
		} finally {
			await bare.close();
		}
	}, 60_000);

	it("asks for the CREATE2 proxy on any other chain", async () => {
		const bare = await startDevnet({ accounts: 1, chainId: 4242 });
		try {
			const there = await connect({ url: bare.url });
			await there.send("anvil_setCode", [CREATE2_PROXY, "0x"]);
			await expect(deploy(asked({ signer: signer.connect(there) }))).rejects.toMatchObject({
				code: "deployment.invalid",
				message: expect.stringContaining("CREATE2 proxy"),
			});
		} finally {
			await bare.close();
		}
	}, 60_000);
});

describe("checkDeployment", () => {
	/** The names of the failed checks after the code of a contract was changed. */
	const failedWith = async (change: (code: string) => string): Promise<{ name: string; detail: string }[]> => {
		const { deployment } = await deploy(asked());
		const at = deployment.contracts.PaymentChannels;
		const code = await provider.getCode(at);
		await provider.send("anvil_setCode", [at, change(code)]);
		try {
			const failed = (await checkDeployment(provider, deployment)).filter(({ ok }) => !ok);
			return failed.map(({ name, detail }) => ({ name, detail }));
		} finally {
			await provider.send("anvil_setCode", [at, code]);
		}
	};

	it("sees one byte of another contract", async () => {
		const found = await failedWith((code) => code.replace(/..$/, (byte) => (byte === "00" ? "01" : "00")));
		expect(found.map(({ name }) => name)).toEqual(["PaymentChannels: code"]);
		expect(found[0]?.detail).toMatch(/another byte at \d+$/);
	}, 60_000);

	it("sees a byte too many and no code at all", async () => {
		expect(await failedWith((code) => `${code}00`)).toEqual([
			{ name: "PaymentChannels: code", detail: expect.stringMatching(/got \d+ bytes instead of \d+$/) },
		]);
		expect((await failedWith(() => "0x")).map(({ detail }) => detail)).toEqual([
			"expected same, got no code",
			expect.stringContaining("no answer"),
		]);
	}, 60_000);

	it("sees an immutable that is not the same everywhere", async () => {
		const token = (await planDeployment(asked())).deployment.contracts.OpenToken.slice(2).toLowerCase();
		const found = await failedWith((code) => code.replace(token, ELSEWHERE.slice(2).toLowerCase()));
		expect(found.find(({ name }) => name === "PaymentChannels: code")?.detail).toContain("an immutable with several values");
	}, 60_000);

	it("holds the terms against what the contracts show", async () => {
		const { deployment } = await deploy(asked());
		const terms = { ...deployment.terms, owner: ELSEWHERE, treasury: ELSEWHERE, activationDelay: 61 };
		const failed = (await checkDeployment(provider, { ...deployment, terms })).filter(({ ok }) => !ok).map(({ name }) => name);
		expect(failed).toEqual([
			"salt",
			"VerifierRouter.owner",
			"Guardian.owner",
			"StakeVault.owner",
			"StakeVault.treasury",
			"Datanets.owner",
			"RewardDistributor.activationDelay",
			"ComputeOperators.owner",
			"ComputeDisputes.owner",
			"InferenceFees.treasury",
			"InferenceFees.owner",
			"OpenCirceLaunchpad.owner",
			"OpenCirceLaunchpad.treasury",
			"MatchingRounds.owner",
			"MatchingRounds.treasury",
		]);
	}, 60_000);

	it("sees terms that no contract shows, and a sender who is another", async () => {
		const { deployment } = await deploy(asked({ verificationKeys: [toys.payout.key], label: "derived" }));
		const { terms } = deployment;
		const failed = async (change: Partial<typeof deployment>) =>
			(await checkDeployment(provider, { ...deployment, ...change })).filter(({ ok }) => !ok).map(({ name }) => name);
		expect(await failed({})).toEqual([]);
		expect(await failed({ label: "other" })).toEqual(["salt"]);
		for (const change of [{ guardian: signer.address }, { guardianTerm: 5 }, { delegate: ELSEWHERE }, { initial: [] }]) {
			expect(await failed({ terms: { ...terms, ...change } })).toEqual(["salt"]);
		}
		expect(await failed({ sender: ELSEWHERE })).toEqual(contractNames.map((name) => `${name}: address`));
	}, 60_000);
});
