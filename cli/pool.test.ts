import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProverPool } from "../prover/pool/pool.ts";

let root: string;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-cli-pool-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

interface Ended {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** @param stopAt what stderr says when the command is to be stopped */
function openledger(args: readonly string[], stopAt?: string): Promise<Ended> {
	const main = fileURLToPath(new URL("./main.ts", import.meta.url));
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, "pool", "tune", ...args], {
		env: { ...process.env, OPENLEDGER_CACHE: root },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let [stdout, stderr] = ["", ""];
	child.stdout.on("data", (data) => {
		stdout += data;
	});
	child.stderr.on("data", (data) => {
		const isBefore = stopAt !== undefined && !stderr.includes(stopAt);
		stderr += data;
		if (isBefore && stderr.includes(stopAt)) child.kill("SIGINT");
	});
	return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

describe("openledger pool tune", () => {
	it("stops at SIGINT in mid-trial", async () => {
		const ended = await openledger(["--sizes", "5", "--quick"], "at once");
		expect(ended).toMatchObject({ code: 130, stderr: expect.stringContaining("stopped by a signal") });
		await expect(readFile(join(root, "pool", "profile.json"))).rejects.toMatchObject({ code: "ENOENT" });
	});

	it("writes the profile that pools follow, and says what it measured", async () => {
		const { code, stdout, stderr } = await openledger(["--sizes", "5", "--quick", "--json"]);
		expect(code, stderr).toBe(0);
		const { schema, ok, result } = JSON.parse(stdout);
		expect({ schema, ok, path: result.path }).toEqual({
			schema: "openledger.pool.tune.v1",
			ok: true,
			path: join(root, "pool", "profile.json"),
		});
		expect(JSON.parse(await readFile(result.path, "utf8"))).toEqual(result.profile);
		expect(stderr).toMatch(/trials +0\/\d+ 2\^5: circuit and key/);
		const before = process.env.OPENLEDGER_CACHE;
		process.env.OPENLEDGER_CACHE = root;
		try {
			await using pool = new ProverPool();
			expect(pool.statistics().plan).toBe(`profile ${result.path} of ${result.profile.made}`);
			await using asked = new ProverPool({ workers: availableParallelism() });
			expect(asked.statistics().plan).toMatch(/as asked$/);
		} finally {
			if (before === undefined) delete process.env.OPENLEDGER_CACHE;
			else process.env.OPENLEDGER_CACHE = before;
		}
	});

	it.each(["3", "12,x"])("refuses the sizes '%s'", async (sizes) => {
		const { code, stderr } = await openledger(["--sizes", sizes]);
		expect({ code, names: stderr.includes("whole numbers from 4 to 26") }).toEqual({ code: 2, names: true });
	});
});
