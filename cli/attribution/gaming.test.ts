import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ATTACKS } from "../../attribution/attack/suite.ts";
import { DEFAULT_POLICY } from "../../attribution/defence/policy.ts";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { CommandContext } from "../command.ts";
import { auditCommand } from "./audit.ts";
import { explainCommand } from "./explain.ts";

let folder: string;
let train: string;
let queries: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-gaming-"));
	const { rows, labels, n, m, columns } = drawGlyphs({ n: 240, seed: 1n });
	const header = [...columns, "owner", "label"].join();
	const lines = Array.from({ length: n }, (_, row) => [...rows.subarray(row * m, (row + 1) * m), `person-${row % 3}`, labels[row]].join());
	[train, queries] = [join(folder, "train.csv"), join(folder, "queries.csv")];
	await writeFile(train, [header, ...lines.slice(0, 180)].join("\n"));
	await writeFile(queries, [header, ...lines.slice(180)].join("\n"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

async function run(...args: string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
	let [stdout, stderr] = ["", ""];
	vi.spyOn(process.stdout, "write").mockImplementation((text) => {
		stdout += text;
		return true;
	});
	vi.spyOn(process.stderr, "write").mockImplementation((text) => {
		stderr += text;
		return true;
	});
	const context = new CommandContext();
	context.json = args.includes("--json");
	const command = new Command("attribute").addCommand(auditCommand(context)).addCommand(explainCommand(context)).exitOverride();
	await command.parseAsync(
		args.filter((arg) => arg !== "--json"),
		{ from: "user" },
	);
	return { exit: context.exitCode, stdout, stderr };
}

describe("attribute audit", () => {
	test("prints a line per attack on stdout, progress on stderr, and draws them", async () => {
		const plot = join(folder, "plots", "audit.svg");
		const { exit, stdout, stderr } = await run("audit", "--train", train, "--test", queries, "--groups", "owner", "--plot", plot);
		expect(exit).toBe(0);
		for (const { title } of ATTACKS) expect(stdout).toContain(title);
		expect(stdout).toContain("3 contributors, 180 rows, 60 queries");
		expect(stdout).toContain("person-0");
		expect(stderr).toContain(`attacks     ${ATTACKS.length}/${ATTACKS.length}`);
		expect(await readFile(plot, "utf8")).toContain("<svg");
	});

	test("prints one object with --json, under a policy of one's own", async () => {
		const policy = join(folder, "policy.json");
		await writeFile(
			policy,
			JSON.stringify({
				...DEFAULT_POLICY,
				duplicates: { on: false },
				nearDuplicates: { on: false, radius: 0.3 },
				copies: { ...DEFAULT_POLICY.copies, on: false },
			}),
		);
		const own = JSON.parse((await run("audit", "--train", train, "--groups", "owner", "--policy", policy, "--json")).stdout);
		const usual = JSON.parse((await run("audit", "--train", train, "--groups", "owner", "--json")).stdout);
		expect(own).toMatchObject({ schema: "openledger.attribute.audit.v1", ok: true, result: { contributors: 3, rows: 135, queries: 45 } });
		const repeat = (audit: typeof own) =>
			audit.result.lines.find(({ attack }: { attack: string }) => attack === "repeat").defended.attacker;
		expect(repeat(own).after / repeat(own).before).toBeGreaterThan(1.5);
		expect(repeat(usual).after / repeat(usual).before).toBeLessThan(1.005);
		expect(own.result.policy).not.toBe(usual.result.policy);
	});
});

describe("attribute explain", () => {
	test("prints rows by their number in the file, neighbours, and the share with and without each defence", async () => {
		const { exit, stdout } = await run("explain", "person-1", "--train", train, "--test", queries, "--groups", "owner", "--rows", "2");
		expect(exit).toBe(0);
		expect(stdout).toMatch(/^person-1: \d+\.\d\d% of the pool/);
		expect(stdout).toContain("without neighbourLeg");
		const json = JSON.parse((await run("explain", "person-1", "--train", train, "--test", queries, "--groups", "owner", "--json")).stdout);
		expect(json.result.fileRows[json.result.earned[0].row] % 3).toBe(1);
	});
});

describe("refused", () => {
	test.each([
		["an unknown contributor", ["explain", "nobody", "--groups", "owner"], 3, 'expected one of person-0, person-1, person-2, got "nobody"'],
		["a policy that is none", ["audit", "--policy", "{train}"], 3, "expected a defence policy at"],
		["no such policy", ["audit", "--policy", "/nowhere.json"], 3, "expected a defence policy at /nowhere.json"],
		["an unknown column", ["audit", "--groups", "nobody"], 3, 'no column "nobody"'],
	])("%s", async (_, args, code, message) => {
		const { exit, stderr } = await run(...args.map((arg) => arg.replace("{train}", train)), "--train", train);
		expect(exit).toBe(code);
		expect(stderr).toContain(message);
	});
});
