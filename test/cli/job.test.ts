/** `openledger operator` and `openledger job` as requester, operator and challenger run them, on a chain of their own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { id as hash, keccak256, parseEther, toUtf8Bytes } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HOUR, Market } from "../../ledger/testing/market.ts";
import { toys } from "../../ledger/testing/simulator.ts";
import { Terminal } from "./program.ts";

let market: Market;
let folder: string;
let terminal: Terminal;

const at = () => ["--rpc", market.devnet.url, "--deployment", "deployment.json"];
const run = (noun: string, verb: string, ...args: string[]) => terminal.run([noun, verb, ...at(), ...args]);
const job = (verb: string, ...args: string[]) => terminal.json("job", verb, ...at(), ...args);
const operator = (verb: string, ...args: string[]) => terminal.json("operator", verb, ...at(), ...args);
const DESCRIPTION = ["--description", "job.json", "--price", "30", "--gain", "10", "--segments", "3", "--deadline", String(HOUR)];
const post = async (...args: string[]): Promise<string> => (await job("post", ...DESCRIPTION, ...args, "--key", "REQUESTER")).job;
/** Writes the digests of a job's segments to a file. */
async function segments(id: string): Promise<string> {
	await writeFile(join(folder, "segments.json"), JSON.stringify(market.digests(BigInt(id))));
	return "segments.json";
}
/** A job whose result is revealed. */
async function revealed(...args: string[]): Promise<string> {
	const id = await post(...args);
	await job("take", id, "--key", "OPERATOR");
	const { salt } = await job("result", id, "--segments", await segments(id), "--key", "OPERATOR");
	await market.wait(HOUR);
	await job("result", id, "--segments", await segments(id), "--salt", salt, "--key", "STRANGER");
	return id;
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-job-"));
	market = await Market.build();
	const [OWNER, REQUESTER, OPERATOR, CHALLENGER, STRANGER] = market.devnet.keys as [string, string, string, string, string];
	terminal = new Terminal(folder, { OWNER, REQUESTER, OPERATOR, CHALLENGER, STRANGER });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(market.deployment));
	await writeFile(join(folder, "job.json"), "description");
	await writeFile(join(folder, "manifest.json"), "manifest");
	await operator("register", "--manifest", "manifest.json", "--can", "webgpu,prover", "--key", "OPERATOR");
}, 120_000);
afterAll(async () => {
	await market?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

describe("operators", () => {
	test("register, publish again, are attested, retire", async () => {
		const first = ["--manifest", "manifest.json", "--can", "wasm", "--key", "STRANGER"];
		const { stranger, owner } = market;
		expect(await operator("register", ...first)).toMatchObject({
			operator: stranger.address,
			manifest: keccak256(toUtf8Bytes("manifest")),
			capabilities: ["wasm"],
			transactions: [{ action: "register" }],
		});
		expect((await operator("register", ...first)).transactions).toMatchObject([{ action: "setCapabilities" }]);
		const digest = hash("report");
		await operator("attest", stranger.address, "--digest", digest, "--days", "5", "--key", "OWNER");
		expect(await operator("show", stranger.address)).toMatchObject({
			status: "Active",
			capabilities: ["wasm"],
			attestations: [{ attester: owner.address, digest }],
		});
		expect((await run("operator", "show", stranger.address)).stdout).toMatch(/valid/);
		await operator("attest", stranger.address, "--revoke", "--key", "OWNER");
		expect((await run("operator", "show", stranger.address)).stdout).toMatch(/over/);
		await operator("retire", "--key", "STRANGER");
		const listed = ({ operators }: { operators: { address: string }[] }) => operators.map(({ address }) => address);
		expect(listed(await operator("list"))).toEqual([market.operator.address]);
		expect(listed(await operator("list", "--all"))).toEqual([market.operator.address, stranger.address]);
	});

	test("say what is wrong", async () => {
		expect(await run("operator", "register", "--manifest", "manifest.json", "--can", "abacus", "--key", "OWNER")).toMatchObject({
			code: 2,
			stderr: expect.stringContaining("abacus"),
		});
		expect(await run("operator", "attest", market.operator.address, "--key", "OWNER")).toMatchObject({ code: 2 });
		expect(await run("operator", "show", market.requester.address)).toMatchObject({ code: 2 });
	});
});

describe("a job", () => {
	test("is posted, taken, committed, drawn, revealed, settled and paid", async () => {
		const posted = await job("post", ...DESCRIPTION, "--key", "REQUESTER");
		expect(posted).toMatchObject({ price: parseEther("30").toString(), description: hash("description") });
		const id = posted.job;
		expect((await job("list", "--open")).jobs.map((one: { id: string }) => one.id)).toContain(id);
		expect((await job("take", id, "--key", "OPERATOR")).bond).toBe(posted.bond);
		const { salt } = await job("result", id, "--segments", await segments(id), "--key", "OPERATOR");
		await market.mine(64);
		const { audit } = await job("draw", id, "--key", "STRANGER");
		expect(["Spared", "Segment"]).toContain(audit);
		await market.wait(HOUR);
		expect(await run("job", "result", id, "--segments", "segments.json", "--key", "OPERATOR")).toMatchObject({ code: 2 });
		await job("result", id, "--segments", "segments.json", "--salt", salt, "--key", "OPERATOR");
		expect(await run("job", "settle", id, "--key", "STRANGER")).toMatchObject({ code: 6, stderr: expect.stringContaining("from 20") });
		await market.wait(3 * 24 * HOUR);
		expect(await job("settle", id, "--key", "STRANGER")).toMatchObject({ status: "Paid", to: market.operator.address });
		expect(await job("withdraw", market.operator.address, "--key", "STRANGER")).toMatchObject({ amount: parseEther("30").toString() });
		expect(await job("show", id)).toMatchObject({ status: "Paid", challenges: [] });
	});

	test("is challenged and answered: by proof, by the owner, and by conceding", async () => {
		const claim = ["--segment", "1", "--digest", hash("claim"), "--key", "CHALLENGER"];
		const proven = await revealed("--circuit", toys.contribution.key.circuitId);
		const one = await job("challenge", proven, ...claim);
		const { a, b, c, commitment, knowledge } = market.proof(BigInt(proven), 1);
		const strings = ([x, y]: readonly [bigint, bigint]) => [String(x), String(y)];
		// Files have the real part first.
		const proof = {
			...{ a: strings(a), b: b.map(([x, y]) => [String(y), String(x)]), c: strings(c) },
			...{ commitment: strings(commitment), knowledge: strings(knowledge) },
		};
		await writeFile(join(folder, "proof.json"), JSON.stringify({ schema: "openledger.proof.v1", proof }));
		await job("answer", one.challenge, "--proof", "proof.json", "--key", "STRANGER");
		expect((await job("show", proven)).challenges).toMatchObject([{ status: "Lost", segment: "1" }]);

		const decided = await revealed();
		const two = await job("challenge", decided, ...claim);
		await job("answer", two.challenge, "--contest", "--key", "OPERATOR");
		await job("answer", two.challenge, "--uphold", "--key", "OWNER");
		expect(await job("show", decided)).toMatchObject({ status: "Convicted", challenges: [{ status: "Upheld" }] });

		const conceded = await revealed();
		const three = await job("challenge", conceded, ...claim);
		const four = await job("challenge", conceded, ...claim);
		await job("answer", three.challenge, "--concede", "--key", "OPERATOR");
		expect(await job("settle", four.challenge, "--challenge", "--key", "STRANGER")).toMatchObject({ status: "Returned" });
		expect((await run("job", "show", conceded)).stdout).toContain("slashed");
		expect(await run("job", "answer", four.challenge, "--key", "OPERATOR")).toMatchObject({ code: 2 });
	}, 60_000);

	test("is cancelled, and lists know whose it is", async () => {
		const id = await post("--needs", "cuda");
		expect(await run("job", "take", id, "--key", "OPERATOR")).toMatchObject({ code: 6, stderr: expect.stringContaining("0x4") });
		expect(await job("settle", id, "--cancel", "--key", "REQUESTER")).toMatchObject({ status: "Cancelled", to: market.requester.address });
		expect((await job("list", "--requester", market.stranger.address)).jobs).toEqual([]);
		expect((await job("list", "--operator", market.operator.address)).jobs.length).toBeGreaterThan(0);
		expect(await run("job", "show", "999")).toMatchObject({ code: 3 });
	});
});

describe("a dry run sends nothing", () => {
	test("of every verb that can be sent", async () => {
		const id = await post();
		const count = await market.provider.getTransactionCount(market.operator.address);
		const dry = await job("take", id, "--key", "OPERATOR", "--dry-run");
		expect(dry).toMatchObject({ dryRun: true });
		for (const { costWei } of dry.transactions) expect(BigInt(costWei)).toBeGreaterThan(0n);
		await operator("retire", "--key", "OPERATOR", "--dry-run");
		const { job: number, transactions } = await job("post", ...DESCRIPTION, "--price", "0", "--key", "REQUESTER", "--dry-run");
		expect(number).toBeUndefined();
		expect(transactions.at(-1)).toMatchObject({ action: "post" });
		expect(await run("job", "settle", id, "--cancel", "--key", "REQUESTER", "--dry-run")).toMatchObject({
			code: 0,
			stdout: expect.stringContaining("nothing was sent"),
		});
		expect(await market.provider.getTransactionCount(market.operator.address)).toBe(count);
		expect(await job("show", id)).toMatchObject({ status: "Open" });
	});
});
