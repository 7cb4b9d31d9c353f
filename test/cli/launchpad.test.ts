/** `openledger launchpad` as owner, recipient, challenger and donors run it, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keccak256, parseEther, toUtf8Bytes } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DAY, Foundation } from "../../ledger/testing/foundation.ts";
import { toys } from "../../ledger/testing/simulator.ts";
import { Terminal } from "./program.ts";

const wei = (open: string) => parseEther(open).toString();
let foundation: Foundation;
let folder: string;
let terminal: Terminal;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-launchpad-"));
	foundation = await Foundation.build();
	const [OWNER, RECIPIENT, DONOR, STRANGER] = foundation.devnet.keys as [string, string, string, string];
	terminal = new Terminal(folder, { OWNER, RECIPIENT, DONOR, STRANGER });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(foundation.deployment));
}, 120_000);
afterAll(async () => {
	await foundation?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

const at = () => ["--rpc", foundation.devnet.url, "--deployment", "deployment.json"];
const launchpad = (verb: string, ...args: string[]) => terminal.run(["launchpad", verb, ...at(), ...args]);
const json = (verb: string, ...args: string[]) => terminal.json("launchpad", verb, ...at(), ...args);

async function proposal(title: string, proof = false): Promise<string> {
	const now = await foundation.now();
	const deadline = new Date(Number(now + BigInt(60 * DAY)) * 1000).toISOString();
	const byProof = {
		amount: "7",
		deadline,
		proof: { circuit: toys.contribution.key.circuitId, place: 1, fixed: { 0: "8005351", 2: "40" } },
	};
	const milestones = [{ amount: "60", deadline }, { amount: "500.5", deadline }, ...(proof ? [byProof] : [])];
	await writeFile(join(folder, `${title}.json`), JSON.stringify({ title, recipient: foundation.recipient.address, milestones }));
	return `${title}.json`;
}

describe("a grant", () => {
	test("propose, approve, evidence, challenge, decide, release, withdraw", async () => {
		const { grant, total } = await json("propose", await proposal("way"), "--key", "STRANGER");
		expect(total).toBe(wei("560.5"));
		const { calls } = await json("approve", grant);
		expect(calls).toMatchObject([{ target: foundation.deployment.contracts.OpenToken }, { what: `approve grant ${grant}` }]);
		expect((await launchpad("approve", grant)).stdout).toContain("a proposal needs these calls, in this order:");
		const { transactions } = await json("approve", grant, "--key", "OWNER");
		expect(transactions.map(({ action }: { action: string }) => action)).toEqual(["approve", "approve grant"]);
		await writeFile(join(folder, "report.txt"), "it works");
		const { evidence } = await json("evidence", grant, "0", "--evidence", "report.txt", "--key", "RECIPIENT");
		expect(evidence).toBe(keccak256(toUtf8Bytes("it works")));
		await json("evidence", grant, "1", "--evidence", evidence, "--key", "RECIPIENT");
		expect(await json("challenge", grant, "1", "--reason", evidence, "--key", "DONOR")).toMatchObject({ bond: wei("50.05") });
		expect(await launchpad("decide", grant, "1", "--key", "OWNER")).toMatchObject({ code: 2 });
		await json("decide", grant, "1", "--uphold", "--key", "OWNER");
		expect(await json("bond", foundation.donor.address, "--key", "STRANGER")).toMatchObject({ due: wei("50.05") });
		expect(await launchpad("release", grant, "0", "--key", "STRANGER")).toMatchObject({
			code: 6,
			stderr: expect.stringContaining("can be released from 20"),
		});
		await foundation.wait(7 * DAY);
		await json("release", grant, "0", "--key", "STRANGER");
		await json("rotate", grant, "--to", foundation.stranger.address, "--key", "RECIPIENT");
		expect(await json("withdraw", grant, "--key", "DONOR")).toMatchObject({ due: wei("60"), recipient: foundation.stranger.address });
		await json("cancel", grant, "--key", "OWNER");
		await json("lapse", grant, "1", "--key", "DONOR");
		expect(await json("show", grant)).toMatchObject({ status: "Cancelled", withdrawn: wei("60"), lapsed: wei("500.5"), held: "0" });
		expect((await launchpad("list")).stdout).toContain(grant);
		expect((await launchpad("show", grant)).stdout).toContain("60.000000 withdrawn, 500.500000 lapsed");
	});

	test("is proven", async () => {
		const { grant, digest } = await json("propose", await proposal("proven", true), "--key", "STRANGER");
		await json("approve", grant, "--key", "OWNER");
		const { publics, proof } = foundation.proven(grant, digest);
		const [[x1, x0], [y1, y0]] = proof.b;
		const texts = {
			...proof,
			b: [
				[x0, x1],
				[y0, y1],
			],
		};
		const body = JSON.stringify({ proof: texts, publics }, (_, value) => (typeof value === "bigint" ? `${value}` : value));
		await writeFile(join(folder, "proof.json"), body);
		expect((await json("context", grant, "2")).context).toMatch(/^0x[0-9a-f]{64}$/);
		await json("prove", grant, "2", "proof.json", "--key", "DONOR");
		expect((await json("show", grant)).due).toBe(wei("7"));
		await writeFile(join(folder, "proof.json"), "{}");
		expect(await launchpad("prove", grant, "2", "proof.json", "--key", "DONOR")).toMatchObject({ code: 3 });
	});

	test("a dry run sends nothing", async () => {
		const before = await foundation.provider.getBlockNumber();
		const { grant, dryRun, transactions } = await json("propose", await proposal("dry"), "--key", "STRANGER", "--dry-run");
		expect(dryRun).toBe(true);
		expect(transactions).toMatchObject([{ action: "propose", costWei: expect.any(String) }]);
		expect(await foundation.provider.getBlockNumber()).toBe(before);
		expect(await launchpad("show", grant)).toMatchObject({ code: 3 });
	});

	test.each([
		["no recipient", { recipient: "0x12" }, "an address as recipient"],
		["no milestones", { milestones: [] }, "1 to 16 milestones"],
		["a number as amount", { milestones: [{ amount: 5, deadline: "2030-01-01" }] }, "milestones[0].amount"],
		["no date", { milestones: [{ amount: "5", deadline: "soon" }] }, "milestones[0].deadline"],
		["no circuit", { milestones: [{ amount: "5", deadline: "2030-01-01", proof: { place: 1 } }] }, "milestones[0].proof.circuit"],
	])("a proposal with %s is bad input", async (_, change, message) => {
		const file = await proposal("bad");
		const good = { recipient: foundation.recipient.address, milestones: [{ amount: "5", deadline: "2030-01-01" }] };
		await writeFile(join(folder, file), JSON.stringify({ ...good, ...change }));
		expect(await launchpad("propose", file, "--key", "STRANGER")).toMatchObject({ code: 3, stderr: expect.stringContaining(message) });
	});
});

describe("a matching round", () => {
	test("open, apply, admit, donate, match, refund, sweep", async () => {
		const now = await foundation.now();
		const times = ["--starts", `${now + 60n}`, "--ends", `${now + 1000n}`, "--settles", `${now + 2000n}`];
		const terms = ["--pool", "300", "--cap", "200", "--multiple", "30000", ...times];
		expect((await json("open", ...terms)).calls).toHaveLength(2);
		const { round } = await json("open", ...terms, "--key", "OWNER");
		const apply = async (name: string, recipient: string) =>
			(await json("apply", round, "--recipient", recipient, "--application", keccak256(toUtf8Bytes(name)), "--key", "STRANGER")).project;
		const [one, two] = [await apply("one", foundation.recipient.address), await apply("two", foundation.stranger.address)];
		for (const project of [one, two]) await json("admit", project, "--key", "OWNER");
		await foundation.wait(60);
		await json("donate", one, "--amount", "10", "--key", "DONOR");
		await json("donate", two, "--amount", "5", "--key", "DONOR");
		await json("fund", round, "--amount", "1", "--key", "STRANGER");
		expect((await json("round", round)).projects).toMatchObject([{ match: wei("30") }, { match: wei("15") }]);
		await json("cancel-project", two, "--key", "OWNER");
		expect(await json("refund", two, "--key", "DONOR")).toMatchObject({ refunded: wei("5") });
		await json("rotate-project", one, "--to", foundation.stranger.address, "--key", "RECIPIENT");
		expect(await launchpad("match", one, "--key", "DONOR")).toMatchObject({ code: 6, stderr: expect.stringContaining("settles at 20") });
		await foundation.wait(2000);
		await json("settle", one, "--key", "DONOR");
		expect(await json("match", one, "--key", "DONOR")).toMatchObject({ donated: wei("10"), matched: wei("30"), paid: wei("40") });
		expect(await json("sweep", round, "--key", "DONOR")).toMatchObject({ swept: wei("271") });
		expect((await launchpad("rounds")).stdout).toContain("301.000000");
		expect((await launchpad("round", round)).stdout).toContain("the rest of the pool went back");
	});
});
