/** `openledger contract`, `govern` and `guardian` as people run them, on a chain of its own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAddress, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contractNames, interfaces } from "../../ledger/contracts.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { toy, toys } from "../../ledger/testing/simulator.ts";
import { Terminal } from "./program.ts";

const DAY = 86_400;
const STRANGER = getAddress("0x00000000000000000000000000000000000064a8");
let devnet: Devnet;
let provider: JsonRpcProvider;
let folder: string;
let terminal: Terminal;
let at: string[];
let deploying: string[];
let holder: string;
let member: string;

async function wait(seconds: number): Promise<void> {
	await provider.send("evm_increaseTime", [seconds]);
	await provider.send("evm_mine", []);
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-govern-"));
	devnet = await startDevnet({ accounts: 2 });
	provider = await connect({ url: devnet.url });
	const [HOLDER, MEMBER] = devnet.keys as [string, string];
	[holder, member] = [new Wallet(HOLDER).address, new Wallet(MEMBER).address];
	terminal = new Terminal(folder, { HOLDER, MEMBER });
	at = ["--rpc", devnet.url, "--deployment", "deployments/31337.json"];
	await writeFile(join(folder, "payout.json"), JSON.stringify(toys.payout.key));
	deploying = [
		"--rpc",
		devnet.url,
		"--key",
		"HOLDER",
		"--guardian",
		member,
		"--owner",
		"timelock",
		"--treasury",
		holder,
		"--vkey",
		"payout.json",
	];
}, 60_000);
afterAll(async () => {
	await devnet?.close();
	await rm(folder, { recursive: true, force: true });
});

describe("contract", () => {
	test("a dry run names addresses, transactions and costs, and sends nothing", async () => {
		const blocks = await provider.getBlockNumber();
		const planned = await terminal.json("contract", "deploy", ...deploying, "--dry-run");
		expect(planned.dryRun).toBe(true);
		expect(planned.transactions).toHaveLength(1 + contractNames.length + 2);
		for (const { gas, costWei } of planned.transactions) expect([BigInt(gas) > 21_000n, BigInt(costWei) > 0n]).toEqual([true, true]);
		expect(await provider.getBlockNumber()).toBe(blocks);
		const { stdout } = await terminal.run(["contract", "deploy", ...deploying, "--dry-run"]);
		expect(stdout).toContain("nothing was sent; this would be:");
		for (const name of contractNames) expect(stdout).toContain(planned.deployment.contracts[name]);
	}, 120_000);

	test("deploys where the dry run said, and has nothing to do the second time", async () => {
		const planned = await terminal.json("contract", "deploy", ...deploying, "--dry-run");
		const { code, stdout } = await terminal.run(["contract", "deploy", ...deploying, "--json"]);
		expect(code).toBe(0);
		const { result } = JSON.parse(stdout);
		expect(result.deployment.contracts).toEqual(planned.deployment.contracts);
		expect(result.transactions.map(({ gasUsed }: { gasUsed: string }) => gasUsed)).toEqual(
			planned.transactions.map(({ gas }: { gas: string }) => gas),
		);
		expect(JSON.parse(await readFile(join(folder, "deployments", "31337.json"), "utf8"))).toEqual(result.deployment);
		const again = await terminal.run(["contract", "deploy", ...deploying]);
		expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining("everything is there already") });
	}, 120_000);

	test("check holds the chain against the file: exit 1 names what differs", async () => {
		const good = await terminal.json("contract", "check", ...at, "--vkey", "payout.json");
		expect(good.ok).toBe(true);
		const deployment = JSON.parse(await readFile(join(folder, "deployments", "31337.json"), "utf8"));
		const owned = contractNames.filter((name) => interfaces[name].getFunction("owner") !== null);
		await writeFile(join(folder, "wrong.json"), JSON.stringify({ ...deployment, terms: { ...deployment.terms, owner: member } }));
		const wrong = await terminal.run(["contract", "check", "--rpc", devnet.url, "--deployment", "wrong.json"]);
		expect(wrong.code).toBe(1);
		expect(wrong.stdout).toContain(`FAILED VerifierRouter.owner: expected ${member}`);
		expect([...wrong.stdout.matchAll(/FAILED (\w+)\.owner: /g)].map(([, name]) => name)).toEqual(owned);
		expect(wrong.stdout).toContain("FAILED salt: ");
		expect(wrong.stdout).toMatch(new RegExp(`^${1 + owned.length} of \\d+ checks failed`, "m"));
	}, 60_000);

	test("a deployment file that was cut is bad input", async () => {
		const text = await readFile(join(folder, "deployments", "31337.json"), "utf8");
		await writeFile(join(folder, "cut.json"), text.slice(0, text.length / 2));
		const cut = await terminal.run(["contract", "check", "--rpc", devnet.url, "--deployment", "cut.json"]);
		expect(cut).toMatchObject({ code: 3, stderr: expect.stringContaining("cut.json") });
	}, 60_000);

	test.each([
		["a guardian that is none", ["--guardian", "0x1"], 2],
		["a delay of a year", ["--activation-delay", "31536000"], 2],
		["a key that is not set", ["--key", "NOBODY"], 2],
		["a key file that is none", ["--vkey", "deployments/31337.json"], 4],
		["a node that is not there", ["--rpc", "http://127.0.0.1:1"], 6],
	])(
		"%s is refused",
		async (_, change, code) => {
			expect((await terminal.run(["contract", "deploy", ...deploying, ...change])).code).toBe(code);
		},
		60_000,
	);
});

describe("govern", () => {
	test("delegate, propose, vote, queue, execute", async () => {
		await terminal.json("govern", "delegate", ...at, "--key", "HOLDER");
		await wait(1);
		const call = `Guardian.appoint(${STRANGER}, ${30 * DAY})`;
		const proposing = [...at, "--key", "HOLDER", "--call", call, "--description", "Another member\nfor a month"];
		const trial = await terminal.json("govern", "propose", ...proposing, "--dry-run");
		expect(trial).toMatchObject({ dryRun: true, calls: [{ text: call }] });
		expect((await terminal.json("govern", "list", ...at)).proposals).toEqual([]);
		const { proposal } = await terminal.json("govern", "propose", ...proposing);
		expect(proposal).toBe(trial.proposal);
		expect(await terminal.json("govern", "show", ...at, proposal)).toMatchObject({ state: "Pending", calls: [{ text: call }] });
		const early = await terminal.run(["govern", "vote", ...at, "--key", "HOLDER", proposal, "--support", "for"]);
		expect(early).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("The proposal is Pending; this step needs one that is Active."),
		});
		await wait(DAY + 1);
		await terminal.json("govern", "vote", ...at, "--key", "HOLDER", proposal, "--support", "for", "--reason", "why not");
		await wait(5 * DAY);
		const queued = await terminal.json("govern", "queue", ...at, "--key", "MEMBER", proposal);
		expect((await terminal.json("govern", "list", ...at, "--state", "queued")).proposals).toHaveLength(1);
		const text = (await terminal.run(["govern", "show", ...at, proposal])).stdout;
		expect(text).toContain("why not");
		expect(text).toContain(new Date(Number(queued.eta) * 1000).toISOString());
		await wait(2 * DAY);
		await terminal.json("govern", "execute", ...at, "--key", "MEMBER", proposal);
		expect(await terminal.json("govern", "show", ...at, proposal)).toMatchObject({
			state: "Executed",
			tally: { for: parseEther("1000000000").toString() },
		});
		expect((await terminal.json("guardian", "show", ...at)).member).toBe(STRANGER);
		const list = await terminal.run(["govern", "list", ...at]);
		expect(list.stdout).toMatch(/Executed .* Another member$/m);
	}, 120_000);

	test("a proposal is withdrawn", async () => {
		const proposing = [...at, "--key", "HOLDER", "--call", "Guardian.resume()", "--description", "mistake"];
		const { proposal } = await terminal.json("govern", "propose", ...proposing);
		expect((await terminal.run(["govern", "cancel", ...at, "--key", "MEMBER", proposal])).code).toBe(6);
		await terminal.json("govern", "cancel", ...at, "--key", "HOLDER", proposal);
		expect(await terminal.json("govern", "show", ...at, proposal)).toMatchObject({ state: "Canceled" });
	}, 60_000);

	test.each([
		["a call of no contract", ["propose", "--call", "Router.register(0x1)", "--description", "x"], 3],
		["a proposal without calls", ["propose", "--description", "x"], 2],
		["a vote of no kind", ["vote", "5", "--support", "maybe"], 2],
		["an id that is none", ["vote", "five", "--support", "for"], 2],
		["a proposal that was never made", ["queue", "5"], 3],
	])(
		"%s is refused",
		async (_, [verb, ...rest], code) => {
			expect((await terminal.run(["govern", verb as string, ...at, "--key", "HOLDER", ...rest])).code).toBe(code);
		},
		60_000,
	);
});

describe("a circuit more", () => {
	const key = toy(
		"payout",
		["previousScores", "scoreCommit", "first", "pool", "positive", "pagePositive", "paid"],
		true,
		[],
		"a-later-payout",
	).key;
	const file = () => readFile(join(folder, "deployments", "31337.json"), "utf8");

	test("has its verifier created by anybody, its route by a proposal, and then its place in the file", async () => {
		await writeFile(join(folder, "later.json"), JSON.stringify(key));
		const before = await file();
		const adding = (...more: string[]) => terminal.json("contract", "verifier", ...at, "--key", "MEMBER", "--vkey", "later.json", ...more);
		const trial = await adding("--dry-run");
		expect(trial.transactions).toMatchObject([{ action: "deploy verifier a-later-payout" }]);
		expect(await provider.getCode(trial.verifiers[0].address)).toBe("0x");
		const { verifiers, calls, transactions } = await adding();
		expect(transactions).toMatchObject([{ action: "deploy verifier a-later-payout" }]);
		expect(verifiers).toEqual(trial.verifiers);
		expect(calls).toEqual([`VerifierRouter.register(${verifiers[0].address})`]);
		expect(await file()).toBe(before);

		const proposing = [...at, "--key", "HOLDER", "--call", calls[0], "--description", "A later payout circuit"];
		const { proposal } = await terminal.json("govern", "propose", ...proposing);
		await wait(DAY + 1);
		await terminal.json("govern", "vote", ...at, "--key", "HOLDER", proposal, "--support", "for");
		await wait(5 * DAY);
		await terminal.json("govern", "queue", ...at, "--key", "MEMBER", proposal);
		await wait(2 * DAY);
		// A route is among the slow calls: seven days.
		expect((await terminal.run(["govern", "execute", ...at, "--key", "MEMBER", proposal])).code).toBe(6);
		await wait(5 * DAY);
		await terminal.json("govern", "execute", ...at, "--key", "MEMBER", proposal);

		expect(await adding()).toMatchObject({ calls: [], transactions: [] });
		expect(JSON.parse(await file()).verifiers[key.circuitId]).toMatchObject({ id: "a-later-payout", address: verifiers[0].address });
		expect((await terminal.json("contract", "check", ...at, "--vkey", "later.json", "payout.json")).ok).toBe(true);
	}, 120_000);
});

describe("guardian", () => {
	test("pause, stop, show; what is not the member's is refused", async () => {
		const own = await mkdtemp(join(folder, "own-"));
		const there = ["--rpc", devnet.url, "--deployment", join(own, "deployment.json")];
		const terms = ["--rpc", devnet.url, "--key", "HOLDER", "--guardian", member, "--treasury", holder, "--vkey", "payout.json"];
		expect((await terminal.run(["contract", "deploy", ...terms, "--label", "own", "--out", join(own, "deployment.json")])).code).toBe(0);
		expect(await terminal.json("guardian", "show", ...there)).toMatchObject({ member, inOffice: true, paused: false });
		const pausing = ["guardian", "pause", ...there, "--duration", String(DAY), "--reason", "forged pages"];
		expect((await terminal.run([...pausing, "--key", "HOLDER"])).code).toBe(6);
		expect(await terminal.run([...pausing, "--key", "MEMBER", "--dry-run"])).toMatchObject({ code: 0 });
		expect(await terminal.json("guardian", "show", ...there)).toMatchObject({ paused: false });
		expect((await terminal.run([...pausing, "--key", "MEMBER"])).code).toBe(0);
		expect(await terminal.json("guardian", "show", ...there)).toMatchObject({ paused: true, pauses: [{ reason: "forged pages" }] });
		expect((await terminal.run(["guardian", "resume", ...there, "--key", "MEMBER"])).code).toBe(6);
		await terminal.json("guardian", "resume", ...there, "--key", "HOLDER");
		await terminal.json("guardian", "stop", ...there, "--key", "MEMBER", toys.payout.key.circuitId);
		const veto = await terminal.run(["guardian", "veto", ...there, "--key", "MEMBER", "--epoch", "1", "--reason", "none"]);
		expect(veto).toMatchObject({ code: 6, stderr: expect.stringContaining("WrongStatus") });
		const { stdout } = await terminal.run(["guardian", "show", ...there]);
		expect(stdout).toContain("intake is open");
		expect(stdout).toContain(toys.payout.key.circuitId);
		const stopped = await terminal.run(["contract", "check", ...there]);
		expect(stopped).toMatchObject({ code: 1, stdout: expect.stringContaining("route") });
	}, 120_000);
});
