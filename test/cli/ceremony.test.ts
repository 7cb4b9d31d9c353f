/** A ceremony as people run it: every command, one participant with snarkjs' own program, exit codes, nothing left behind. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makePowers } from "../../prover/ceremony/testing.ts";
import { toyCircuit } from "../../prover/toy.ts";
import { temporaryFolder } from "../epoch/runs.ts";

const PROGRAM = fileURLToPath(new URL("../../cli/openledger.mjs", import.meta.url));
const SNARKJS = join(dirname(createRequire(import.meta.url).resolve("snarkjs")), "cli.cjs");
const CIRCUIT = toyCircuit(2);

interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let blake2b: string;

function start(args: readonly string[], input = ""): { child: ChildProcess; result: Promise<Result> } {
	const child = spawn("node", [PROGRAM, "setup", "ceremony", ...args], {
		cwd: temporary.folder,
		env: { ...process.env, OPENLEDGER_CACHE: join(temporary.folder, "cache") },
		stdio: ["pipe", "pipe", "pipe"],
	});
	child.stdin?.end(input);
	let [stdout, stderr] = ["", ""];
	child.stdout?.on("data", (chunk: Buffer) => {
		stdout += chunk;
	});
	child.stderr?.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	return { child, result: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}

const own = (): string[] => ["--ptau", "small.ptau", "--blake2b", blake2b];
const ceremony = (...args: string[]): Promise<Result> => start(args).result;
async function result(args: readonly string[], input?: string): Promise<Record<string, unknown>> {
	const { code, stdout, stderr } = await start([...args, "--json"], input).result;
	expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
	return JSON.parse(stdout).result;
}

beforeAll(async () => {
	temporary = await temporaryFolder();
	const powers = join(temporary.folder, "small.ptau");
	await makePowers(powers, 8);
	blake2b = createHash("blake2b512")
		.update(await readFile(powers))
		.digest("hex");
	await writeFile(join(temporary.folder, "toy.json"), JSON.stringify(CIRCUIT));
}, 300_000);
afterAll(() => temporary?.remove());

describe("a ceremony on the command line", () => {
	test("runs from powers of one's own to a verified key", { timeout: 600_000 }, async () => {
		expect(await result(["ptau", ...own()])).toMatchObject({ power: 8, blake2b });
		expect(await result(["init", "--circuit", "toy.json", "--out", "dir", ...own()])).toMatchObject({ id: CIRCUIT.id });
		const alice = await result(["contribute", "dir", "--name", "Alice", "--entropy", ...own()], "seven dice");
		expect(alice).toMatchObject({ number: 1, name: "Alice", delta: expect.stringMatching(/^[0-9a-f]{128}$/) });
		const [from, to] = [1, 2].map((number) => join(temporary.folder, "dir", `000${number}.zkey`)) as [string, string];
		await promisify(execFile)(process.execPath, [SNARKJS, "zkey", "contribute", from, to, "--name=Bob", "-e=dice"]);
		expect(await ceremony("finish", "dir", "--out", "keys", ...own())).toMatchObject({ code: 1, stdout: "" });
		await result(["beacon", "dir", "--hash", "0x0a0b0c", ...own()]);
		const finished = await result(["finish", "dir", "--out", "keys", ...own()]);
		expect((await readdir(join(temporary.folder, "keys"))).toSorted()).toEqual(
			["transcript.json", "vkey.json", "zkey"].map((kind) => `${CIRCUIT.id}.${kind}`).toSorted(),
		);
		const verified = await result(["verify", "dir", "--keys", "keys", ...own()]);
		expect(verified).toMatchObject({ id: CIRCUIT.id, circuitId: finished.circuitId, transcript: finished.transcript });
		const names = (verified.contributions as { to: string; name: string; hash: string }[]).map(
			({ to: secret, name }) => `${secret} ${name}`,
		);
		expect(names).toEqual(["delta Alice", "delta Bob", "delta beacon", "sigma Alice", "sigma beacon"]);
		expect((verified.contributions as { hash: string }[])[0]?.hash).toBe(alice.delta);
		const text = await ceremony("verify", "dir", ...own());
		expect(text.stdout).toContain("every contribution and every point holds");
		expect(text.stdout).toContain(alice.sigma);
	});

	test("says what is wrong with a file, and exits with 1", async () => {
		const path = join(temporary.folder, "dir", "0003.sigma");
		const bytes = await readFile(path);
		await writeFile(path, bytes.with(bytes.length - 1, (bytes.at(-1) as number) ^ 1));
		const refused = await ceremony("verify", "dir", ...own());
		await writeFile(path, bytes);
		expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("sigma K") });
	});

	test("stops at a signal and leaves the folder as it was", { timeout: 600_000 }, async () => {
		await result(["init", "--circuit", "toy.json", "--out", "stopped", ...own()]);
		const before = await readdir(join(temporary.folder, "stopped"));
		const { child, result: stopped } = start(["contribute", "stopped", "--name", "Dave", ...own()]);
		child.stderr?.once("data", () => child.kill("SIGINT"));
		expect((await stopped).code).toBe(130);
		expect(await readdir(join(temporary.folder, "stopped"))).toEqual(before);
	});

	test("refuses what it cannot use", { timeout: 600_000 }, async () => {
		const cases: [string[], number, string][] = [
			[["ptau"], 2, "either --power or --ptau"],
			[["ptau", "--power", "7"], 2, "8 to 28"],
			[["ptau", "--power", "8", "--offline"], 4, "fetching is switched off"],
			[["ptau", "--ptau", "small.ptau"], 4, "to be a published file"],
			[["ptau", "--ptau", "none.ptau"], 4, "got no file"],
			[["init", "--out", "x"], 2, "either a role or --circuit"],
			[["init", "--circuit", "small.ptau", "--out", "x"], 2, "expected JSON"],
			[["init", "--circuit", "toy.json", "--out", "dir", ...own()], 3, "expected an empty folder"],
			[["contribute", "nowhere", "--name", "x"], 4, "expected circuit.json"],
			[["beacon", "dir", "--hash", "xyz"], 2, "bytes in hex"],
			[["contribute", "dir", "--name", "x", ...own()], 1, "its beacon closed"],
			[["finish", "dir", "--out", "keys", ...own()], 3, "expected no file"],
		];
		for (const [args, exit, message] of cases) {
			const refused = await ceremony(...args);
			expect({ args, ...refused }).toEqual({ args, code: exit, stdout: "", stderr: expect.stringContaining(message) });
		}
	});
});
