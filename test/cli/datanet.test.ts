/** `openledger datanet` as makers, curators, contributors, challengers and the owner run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, parseEther } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { recordId } from "../../ledger/record.ts";
import { BOND, DISPUTE, Nets, WINDOW } from "../../ledger/testing/nets.ts";
import { disputeToy } from "../../ledger/testing/simulator.ts";
import { Terminal } from "./program.ts";

let nets: Nets;
let folder: string;
let terminal: Terminal;

const at = () => ["--rpc", nets.devnet.url, "--deployment", "deployment.json"];
const datanet = (verb: string, ...args: string[]) => terminal.run(["datanet", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("datanet", verb, ...at(), ...args);
const create = (...args: string[]) =>
	json("create", "--bond", "10", "--licence", nets.licence, "--curator", nets.curator.address, "--key", "STRANGER", ...args);
const actions = ({ transactions }: { transactions: { action: string }[] }) => transactions.map(({ action }) => action);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-datanet-"));
	nets = await Nets.build();
	const [OWNER, CURATOR, AUTHOR, CHALLENGER, STRANGER] = nets.devnet.keys as [string, string, string, string, string];
	terminal = new Terminal(folder, { OWNER, CURATOR, AUTHOR, CHALLENGER, STRANGER });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(nets.deployment));
}, 120_000);
afterAll(async () => {
	await nets?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

describe("a curated datanet", () => {
	test("create, submit, accept, challenge, resolve by proof", async () => {
		const made = await create("--curated", "--circuit", disputeToy.key.circuitId);
		expect(made).toMatchObject({ dryRun: false, terms: { mode: "Curated", bond: BOND.toString(), decisionPeriod: 604_800 } });
		const [number, record] = [made.datanet, await nets.record(2, "proven")];
		await nets.record(3, "original");
		const submitted = await json("submit", number, record, "--key", "AUTHOR");
		expect(actions(submitted)).toEqual(["depositWithPermit", "submit"]);
		const { submission } = submitted;
		expect(actions(await json("accept", submission, "--key", "CURATOR"))).toEqual(["accept"]);
		const challenged = await json("challenge", submission, "--evidence", hash("evidence"), "--uri", "ipfs://e", "--key", "CHALLENGER");
		expect(actions(challenged)).toEqual(["depositWithPermit", "challenge"]);
		expect((await json("show", submission)).challenges).toMatchObject([{ ruling: "Open", uri: "ipfs://e" }]);

		const { publics, proof } = nets.dispute(BigInt(submission), "proven");
		const words = (value: unknown): unknown => (Array.isArray(value) ? value.map(words) : String(value));
		const [[x1, x0], [y1, y0]] = proof.b;
		const file = {
			schema: "openledger.proof.v1",
			publics: { submission: "0", original: "0", rows: String(publics[0]) },
			proof: Object.fromEntries(
				Object.entries({
					...proof,
					b: [
						[x0, x1],
						[y0, y1],
					],
				}).map(([name, value]) => [name, words(value)]),
			),
		};
		await writeFile(join(folder, "proof.json"), JSON.stringify(file));
		const challenge = challenged.challenge as string;
		expect(await datanet("resolve", challenge, "--proof", "deployment.json", "--key", "STRANGER")).toMatchObject({
			code: 3,
			stderr: expect.stringContaining("openledger.proof.v1"),
		});
		const original = recordId(nets.challenger.address, "Dataset", hash("original"));
		const wrong = await datanet("resolve", challenge, "--proof", "proof.json", "--original", original, "--key", "STRANGER");
		expect(wrong).toMatchObject({ code: 6, stderr: expect.stringContaining("the contract refused") });
		expect(actions(await json("resolve", challenge, "--proof", "proof.json", "--key", "STRANGER"))).toEqual(["resolve"]);
		expect(await json("show", submission)).toMatchObject({ status: "Removed", challenges: [{ ruling: "Upheld", by: "proof" }] });
		expect(await datanet("show", submission)).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/status +Removed[\s\S]*Upheld +proof/),
		});
	});

	test("reject with a reason, and hand over", async () => {
		const { datanet: number } = await create("--curated");
		const { submission } = await json("submit", number, await nets.record(2, "rejected"), "--key", "AUTHOR");
		expect(await datanet("accept", submission, "--key", "AUTHOR")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining(`Send this from the datanet's curator ${nets.curator.address}`),
		});
		await json("reject", submission, "--reason", "Privacy", "--digest", hash("why"), "--uri", "ipfs://why", "--key", "CURATOR");
		expect(await json("show", submission)).toMatchObject({ status: "Rejected", rejection: { reason: "Privacy", uri: "ipfs://why" } });
		expect(await datanet("reject", submission, "--reason", "Bad", "--key", "CURATOR")).toMatchObject({ code: 2 });
		await json("hand-over", number, "--to", nets.stranger.address, "--key", "CURATOR");
		await json("take-over", number, "--key", "STRANGER");
		await json("steward", number, "--steward", nets.author.address, "--key", "STRANGER");
		await json("close", number, "--key", "STRANGER");
		const { datanets } = await json("list");
		expect(datanets[Number(number) - 1]).toMatchObject({ curator: nets.stranger.address, closed: true, stewards: [nets.author.address] });
		await json("steward", number, "--steward", nets.author.address, "--remove", "--key", "STRANGER");
		expect((await json("list")).datanets[Number(number) - 1].stewards).toEqual([]);
		expect((await datanet("list")).stdout).toContain("closed");
	});
});

describe("an open datanet", () => {
	test("time accepts; the owner and time rule; withdraw twice", async () => {
		const { datanet: number, terms } = await create("--window", String(WINDOW));
		expect(terms.mode).toBe("Open");
		const { submission } = await json("submit", number, await nets.record(2, "timed"), "--key", "AUTHOR");
		const challenge = async () =>
			(await json("challenge", submission, "--evidence", hash("evidence"), "--key", "CHALLENGER")).challenge as string;
		const [first, second, third] = [await challenge(), await challenge(), await challenge()];
		expect(await datanet("resolve", first, "--key", "STRANGER")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("may be proven or decided"),
		});
		expect(await datanet("resolve", first, "--uphold", "--dismiss", "--key", "OWNER")).toMatchObject({ code: 2 });
		expect(actions(await json("resolve", first, "--dismiss", "--key", "OWNER"))).toEqual(["decide"]);
		await nets.wait(WINDOW);
		expect((await json("show", submission)).status).toBe("Pending");
		await nets.wait(DISPUTE - WINDOW);
		for (const id of [second, third]) expect(actions(await json("resolve", id, "--key", "STRANGER"))).toEqual(["closeChallenge"]);
		const { submissions } = await json("list", "--datanet", number, "--contributor", nets.author.address);
		expect(submissions).toMatchObject([{ id: submission, status: "Accepted", challenges: "0" }]);
		expect((await datanet("list", "--datanet", number)).stdout).toContain("Accepted");
		expect(await json("withdraw", submission, "--key", "AUTHOR")).toMatchObject({ status: "Leaving" });
		expect(await datanet("withdraw", submission, "--key", "AUTHOR")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("can be withdrawn from"),
		});
		await nets.wait(WINDOW);
		expect(await json("withdraw", submission, "--key", "STRANGER")).toMatchObject({ status: "Withdrawn" });
		const { free } = await nets.stake(nets.author.address);
		expect(free).toBeGreaterThanOrEqual(BOND);
	});

	test("a dry run sends nothing and says what cannot be known", async () => {
		const planned = await create("--dry-run");
		expect(planned.dryRun).toBe(true);
		expect(planned.datanet).toBeUndefined();
		const { datanet: number } = await create();
		const record = await nets.record(4, "dry");
		expect(await datanet("submit", number, record, "--key", "STRANGER", "--dry-run")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("ERC20InsufficientBalance"),
		});
		await nets.ledger[0]?.transfer({ to: nets.stranger.address, amount: parseEther("10") });
		expect(await datanet("submit", number, record, "--key", "STRANGER", "--dry-run")).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/nothing was sent[\s\S]*the deposit comes first[\s\S]*depositWithPermit/),
		});
		expect((await json("list", "--datanet", number)).submissions).toEqual([]);
	});
});

test("bad input is named", async () => {
	expect(await datanet("show", "999")).toMatchObject({
		code: 3,
		stderr: expect.stringContaining("expected a submission that was made here"),
	});
	expect(await datanet("show", "0")).toMatchObject({ code: 2 });
	expect(await datanet("create", "--bond", "10", "--licence", nets.licence, "--decision", "86400", "--key", "STRANGER")).toMatchObject({
		code: 2,
	});
	expect(await datanet("create", "--bond", "0.5", "--licence", nets.licence, "--key", "STRANGER")).toMatchObject({
		code: 6,
		stderr: expect.stringContaining("Choose Bond from"),
	});
});
