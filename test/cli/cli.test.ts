/** The command line as a user runs it: system Node, exit codes, one clear error with its remedy, nothing left behind. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { temporaryFolder, tinyCsv } from "../epoch/runs.ts";

const PROGRAM = fileURLToPath(new URL("../../cli/openledger.mjs", import.meta.url));

interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let cache: string;
let first: Result;

function start(args: readonly string[], env: Record<string, string> = {}): { child: ChildProcess; result: Promise<Result> } {
	const child = spawn("node", [PROGRAM, ...args], {
		cwd: temporary.folder,
		env: { ...process.env, OPENLEDGER_CACHE: cache, ...env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let [stdout, stderr] = ["", ""];
	child.stdout?.on("data", (chunk: Buffer) => {
		stdout += chunk;
	});
	child.stderr?.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	return { child, result: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}
const openledger = (args: readonly string[], env?: Record<string, string>): Promise<Result> => start(args, env).result;
const run = (...args: string[]): Promise<Result> => openledger(["epoch", "run", "--out", "refused", ...args]);

/** Writes a data file and returns its name. */
async function file(name: string, content: string): Promise<string> {
	await writeFile(join(temporary.folder, name), content);
	return name;
}

/** One error, one remedy, and nothing on stdout. */
function expectRefusal({ code, stdout, stderr }: Result, exit: number, message: string): void {
	expect({ code, stderr }).toEqual({ code: exit, stderr: expect.stringContaining(message) });
	expect(stdout).toBe("");
	const lines = stderr.trimEnd().split("\n");
	const at = lines.findIndex((line) => line.startsWith("openledger: "));
	expect(lines.filter((line) => line.startsWith("openledger: "))).toHaveLength(1);
	expect(lines.slice(at + 1), "a remedy of one line, indented").toEqual([expect.stringMatching(/^ {2}\S/)]);
}

beforeAll(async () => {
	temporary = await temporaryFolder();
	cache = join(temporary.folder, "cache");
	first = await openledger(["epoch", "run", "--data", await file("tiny.csv", tinyCsv()), "--owner", "owner", "--out", "bundle", "--json"]);
}, 300_000);
afterAll(() => temporary?.remove());

describe("a run", () => {
	test("prints one JSON object with what happened, and progress on stderr", () => {
		expect(first.code).toBe(0);
		const { schema, ok, result } = JSON.parse(first.stdout);
		expect({ schema, ok }).toEqual({ schema: "openledger.epoch.v1", ok: true });
		expect(result.contributors.map(({ owner }: { owner: string }) => owner)).toEqual(["ann", "bob", "cleo", "dave"]);
		expect(result.contributors[0]).toMatchObject({
			address: expect.stringMatching(/^0x/),
			rows: 11,
			claimed: true,
			paid: expect.stringMatching(/^\d+$/),
		});
		// One of her twelve rows lies next to another of them.
		expect(result.screening.find(({ owner }: { owner: string }) => owner === "ann")).toMatchObject({
			rows: 12,
			clamped: [{ defence: "nearDuplicates" }],
			isLeftOut: false,
		});
		expect(result.resumed).toBe(false);
		expect(result.proofs).toHaveLength(11);
		expect(result.proofs[0]).toMatchObject({
			statement: "attribution",
			constraints: expect.any(Number),
			witnessMs: expect.any(Number),
			proveMs: expect.any(Number),
		});
		expect(result.gas.postPayout).toBeGreaterThan(100_000);
		expect(result.peakMemoryMB).toBeGreaterThan(0);
		for (const phase of ["data", "keys", "chain", "commit", "train", "queries", "attribution", "payout", "claims", "bundle"]) {
			expect(first.stderr).toMatch(new RegExp(`^${phase} +\\d+/\\d+ `, "m"));
		}
	});

	test("its bundle verifies: 0, or 1 with the first broken link named", async () => {
		const good = await openledger(["verify", "bundle"]);
		expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/all \d+ links hold/) });
		await cp(join(temporary.folder, "bundle"), join(temporary.folder, "altered"), { recursive: true });
		await file("altered/epochs/1/payouts.json", "{}");
		expect(await openledger(["verify", "altered"])).toMatchObject({
			code: 1,
			stdout: expect.stringContaining("first broken link: bundle, files: SHA-256 of epochs/1/payouts.json"),
		});
		const json = await openledger(["--json", "verify", "altered"]);
		expect(json.code).toBe(1);
		expect(JSON.parse(json.stdout)).toMatchObject({ schema: "openledger.verify.v1", ok: true, result: { firstBroken: { name: "files" } } });
	});

	test("a receipt says why somebody was paid and somebody else charged", async () => {
		expect(await openledger(["receipt", "bundle", "--contributor", "ann"])).toMatchObject({
			code: 0,
			stdout: expect.stringContaining("is paid from the pool"),
		});
		expect(await openledger(["receipt", "bundle", "--contributor", "dave"])).toMatchObject({
			code: 0,
			stdout: expect.stringContaining("taken from the stake"),
		});
	});
});

describe("bad data: exit 3", () => {
	test.each([
		["a line with a column less", (csv: string) => csv.replace(/^(bob.*),\d$/m, "$1"), [], "line 6, column 4"],
		["a label that is no integer", (csv: string) => csv.replace(/^(bob.*),\d$/m, "$1,0.5"), [], 'line 6, column 4 ("label"): label "0.5"'],
		["a constant column", (csv: string) => csv.replace(/^(\w+,)[\d.]+(,.*)$/gm, "$17$2"), [], 'column 0 ("a") is 7 in all'],
		["a cell that is NaN", (csv: string) => csv.replace(/^(bob,)\d+/m, "$1NaN"), [], 'line 6, column 1 ("a"): the cell is "NaN"'],
		["a held-out value outside the range", (csv: string) => csv.replace(/^(ann,)\d+(.*\nbob)/m, "$1999$2"), [], "999 is outside the range"],
		["17 classes", (csv: string) => csv.replace(/^(bob.*),\d$/m, "$1,16"), [], "17 classes, the circuit takes at most 16"],
		["no such label column", (csv: string) => csv, ["--label", "nobody"], 'no column "nobody"'],
	])("%s", async (name, change, flags, message) => {
		const data = await file(`${name.replace(/\W/g, "-")}.csv`, change(tinyCsv()));
		expectRefusal(await run("--data", data, "--owner", "owner", ...flags), 3, message);
	});

	test("a missing file", async () => {
		expectRefusal(await run("--data", "none.csv"), 3, "none.csv: no such file");
	});

	test("fewer rows than contributors", async () => {
		const data = await file("few.csv", "a,b,y\n1,2,0\n2,3,1\n3,1,0\n2,2,1\n1,3,0\n3,3,1\n2,1,0\n1,1,1\n");
		expectRefusal(await run("--data", data, "--contributors", "7"), 3, "6 training rows for 7 contributors");
	});

	test("a pool above 96 bits", async () => {
		expectRefusal(await run("--pool", "79228162515"), 3, "expected a pool in (0, 2^96) wei");
	});

	test("the error as JSON", async () => {
		const { code, stdout } = await run("--data", "none.csv", "--json");
		expect(code).toBe(3);
		expect(JSON.parse(stdout)).toMatchObject({
			schema: "openledger.epoch.v1",
			ok: false,
			error: { code: "FILE_MISSING", message: expect.stringContaining("none.csv"), hint: expect.stringMatching(/./) },
		});
	});

	test("a receipt for somebody who is not in the bundle", async () => {
		expectRefusal(await openledger(["receipt", "bundle", "--contributor", "eve"]), 3, "expected a contributor of");
	});
});

describe("a wrong command line: exit 2", () => {
	test.each([
		["an unknown flag", ["epoch", "run", "--unknown"], "unknown option '--unknown'"],
		["an unknown command", ["epoch", "walk"], "unknown command 'walk'"],
		["a pool that is no amount", ["epoch", "run", "--pool", "12,5"], "expected an amount of OPEN such as 1000 or 0.5, got 12,5"],
		["no contributors", ["epoch", "run", "--contributors", "0"], "expected an integer from 1 to 65535, got 0"],
		["a receipt for nobody", ["receipt", "bundle"], "required option '--contributor <address>'"],
		["a node without a key", ["epoch", "run", "--rpc", "http://127.0.0.1:1"], "--key: expected the name of an environment variable"],
		["a key variable that is not set", ["epoch", "run", "--rpc", "http://127.0.0.1:1", "--key", "OPENLEDGER_NOWHERE"], "which is not set"],
		["a config that is no JSON", ["epoch", "run", "--config", "tiny.csv"], "--config: expected a JSON file"],
		[
			"a seed that is no number",
			["epoch", "run", "--random-features", "8", "--seed", "x"],
			"expected an integer from 0 to 2^64 - 1, got x",
		],
	])("%s", async (_, args, message) => {
		const { code, stderr, stdout } = await openledger(args);
		expect({ code, stderr, stdout }).toEqual({ code: 2, stderr: expect.stringContaining(message), stdout: "" });
	});
});

describe("the chain: exit 6", () => {
	const key = { STEWARD: `0x${"11".repeat(32)}` };
	const rpc = (url: string) =>
		openledger(["epoch", "run", "--data", "tiny.csv", "--owner", "owner", "--out", "refused", "--rpc", url, "--key", "STEWARD"], key);

	test("a node that does not answer", async () => {
		expectRefusal(await rpc("http://127.0.0.1:1"), 6, "127.0.0.1:1");
	});

	test("a node of another chain", async () => {
		const devnet: Devnet = await startDevnet({ chainId: 1, accounts: 1 });
		try {
			expectRefusal(await rpc(devnet.url), 6, "expected chain 31337, got 1");
		} finally {
			await devnet.close();
		}
	});
});

describe("damaged files: exit 4", () => {
	const args = ["epoch", "run", "--data", "tiny.csv", "--owner", "owner", "--out", "refused"];
	/** A copy of the cache, and its key files from the smallest. */
	async function copiedCache(name: string): Promise<{ env: { OPENLEDGER_CACHE: string }; keys: string[] }> {
		const folder = join(temporary.folder, name);
		await cp(cache, folder, { recursive: true });
		const paths = (await readdir(join(folder, "zkey")))
			.filter((entry) => entry.endsWith(".zkey"))
			.map((entry) => join(folder, "zkey", entry));
		const sizes = new Map(await Promise.all(paths.map(async (path): Promise<[string, number]> => [path, (await stat(path)).size])));
		return {
			env: { OPENLEDGER_CACHE: folder },
			keys: paths.sort((one, other) => (sizes.get(one) as number) - (sizes.get(other) as number)),
		};
	}

	test("a truncated key", async () => {
		const { env, keys } = await copiedCache("truncated");
		const path = keys[0] as string;
		await truncate(path, (await stat(path)).size - 1);
		expectRefusal(await openledger(args, env), 4, path);
	});

	test("a truncated key with a record that says so", async () => {
		const { env, keys } = await copiedCache("shortened");
		const path = keys[0] as string;
		const bytes = (await stat(path)).size >> 1;
		await truncate(path, bytes);
		await writeFile(`${path}.json`, JSON.stringify({ ...JSON.parse(await readFile(`${path}.json`, "utf8")), bytes }));
		expectRefusal(await openledger(args, env), 4, path);
	});

	test("the key of another circuit under this one's name", async () => {
		const { env, keys } = await copiedCache("foreign");
		const [path, other] = keys as [string, string];
		await cp(other, path);
		await cp(`${other}.json`, `${path}.json`);
		expectRefusal(await openledger(args, env), 4, path);
	});

	test("no bundle", async () => {
		expectRefusal(await openledger(["verify", "nowhere"]), 4, "expected a bundle");
		expectRefusal(await openledger(["receipt", "nowhere", "--contributor", "ann"]), 4, "expected a bundle");
	});
});

describe.skipIf(process.platform === "win32")("Ctrl-C", () => {
	/** Stops a run as soon as it reports a phase, and looks at what is left. */
	async function stopIn(phase: string, args: readonly string[], env?: Record<string, string>): Promise<void> {
		const { child, result } = start(args, env);
		let members: number[] = [];
		child.stderr?.on("data", async (chunk: Buffer) => {
			if (members.length === 0 && new RegExp(`^${phase} `, "m").test(chunk.toString())) {
				members = [child.pid as number];
				members = await descendants(child.pid as number);
				child.kill("SIGINT");
			}
		});
		const { code, stdout, stderr } = await result;
		expect({ code, stderr }).toEqual({
			code: 130,
			stderr: expect.stringContaining("openledger: stopped by a signal\n  Run the same command again"),
		});
		expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: "INTERRUPTED" } });
		expect(members.length).toBeGreaterThanOrEqual(2);
		await expect.poll(() => members.filter(alive), { timeout: 5000 }).toEqual([]);
	}

	test("while it commits, and again while it attributes: 130, nothing runs on, and the next run continues", async () => {
		const args = ["epoch", "run", "--data", "tiny.csv", "--owner", "owner", "--out", "stopped", "--json"];
		for (const phase of ["commit", "attribution"]) {
			await stopIn(phase, args);
			expect(await readdir(join(temporary.folder, "stopped"))).toEqual([".private"]);
			expect((await readdir(join(temporary.folder, "stopped"), { recursive: true })).filter((name) => name.endsWith(".tmp"))).toEqual([]);
		}
		const continued = await openledger(args);
		expect(continued.code).toBe(0);
		expect(JSON.parse(continued.stdout).result.resumed).toBe(true);
		expect((await openledger(["verify", "stopped"])).code).toBe(0);
	}, 240_000);

	test("while it makes keys: 130, and no half-written file in the cache", async () => {
		const empty = join(temporary.folder, "empty-cache");
		await stopIn("keys", ["--json", "epoch", "run", "--data", "tiny.csv", "--owner", "owner", "--out", "stopped-keys"], {
			OPENLEDGER_CACHE: empty,
		});
		const files = await readdir(empty, { recursive: true });
		expect(files.filter((name) => /tmp|compile-/.test(name))).toEqual([]);
		for (const name of files.filter((path) => path.endsWith(".zkey"))) {
			expect(files).toContain(`${name}.json`);
		}
	}, 60_000);
});

/** A process and all below it. */
async function descendants(root: number): Promise<number[]> {
	const listing = await new Promise<string>((resolve, reject) => {
		execFile("ps", ["-A", "-o", "pid=,ppid="], (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
	});
	const rows = listing
		.trim()
		.split("\n")
		.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
	const found = [root];
	for (const parent of found) {
		found.push(...rows.filter(([, above]) => above === parent).map(([pid]) => pid));
	}
	return found;
}

function alive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}
