/** `openledger compute` and `openledger doctor` as a user runs them. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Terminal } from "./program.ts";

let folder: string;
let terminal: Terminal;
let path: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-compute-"));
	terminal = new Terminal(folder, {
		OPENLEDGER_CACHE: join(folder, "cache"),
		OPENLEDGER_JOBS: join(folder, "jobs"),
		OPENLEDGER_DATABASE: "",
	});
	path = join(folder, "cache", "compute", "profile.json");
});
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

const profile = async () => JSON.parse(await readFile(path, "utf8"));

describe("openledger compute", () => {
	test("list says that there is no profile, and what is used without one", async () => {
		const result = await terminal.json("compute", "list");
		expect(result).toMatchObject({ path, profile: null, isCurrent: false, committed: { name: "wasm" }, floats: { name: "wasm" } });
		const { code, stdout } = await terminal.run(["compute", "list"]);
		expect({ code, stdout }).toEqual({ code: 0, stdout: `no profile at ${path}: wasm is used\n` });
	});

	test("tune stops at SIGINT, says so and writes nothing", async () => {
		const { code, stdout, stderr } = await terminal.run(["compute", "tune", "--backend", "reference"], "", "opening");
		expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
		expect(stderr).toContain("openledger: stopped by a signal");
		await expect(profile()).rejects.toMatchObject({ code: "ENOENT" });
	});

	test("tune measures a backend by kernel and shape, and stores what it found", async () => {
		const { code, stdout, stderr } = await terminal.run(["compute", "tune", "--backend", "wasm", "--json"]);
		expect(code, stderr).toBe(0);
		expect(stderr).toMatch(/^trials +0\/1 wasm: opening\n/);
		const { schema, ok, result } = JSON.parse(stdout);
		expect({ schema, ok, path: result.path }).toEqual({ schema: "openledger.compute.tune.v1", ok: true, path });
		expect(await profile()).toEqual(result.profile);
		const [entry] = result.tried;
		expect(entry).toMatchObject({ name: "wasm", adapter: { software: true }, verdict: { status: "exact" } });
		for (const kernel of ["statistics", "nearest", "integers.product", "floats.product", "floats.step"]) {
			const times = entry.timings.filter((one: { kernel: string }) => one.kernel === kernel);
			expect(times.length, kernel).toBeGreaterThanOrEqual(2);
			expect(times.every(({ seconds }: { seconds: number }) => seconds > 0 && seconds < 60)).toBe(true);
		}
		const shown = await terminal.run(["compute", "list"]);
		expect(shown.stdout).toMatch(/^wasm +exact +\S+ +processor +SIMD of /m);
		expect(shown.stdout).toMatch(/^integers\.product +64 x 64 x 64 +\d+\.\d{3}$/m);
		expect(shown.stdout).toContain("committed values: wasm");
	});

	test("tune ends a backend that takes too long, and its exit code says that it was asked for and refused", async () => {
		const { code, stdout } = await terminal.run(["compute", "tune", "--backend", "reference", "--timeout", "1"]);
		expect(code).toBe(1);
		expect(stdout).toMatch(/^reference +timeout /m);
		expect(stdout).toMatch(/^reference: expected an end of ".+" within 1 s, got none\n {2}Give it more time with --timeout/m);
		// What was known of the other one is still there.
		expect((await profile()).entries.map(({ name }: { name: string }) => name)).toEqual(["wasm", "reference"]);
	});

	test("a profile of another machine is shown and not used", async () => {
		const stored = await profile();
		await writeFile(path, JSON.stringify({ ...stored, machine: { ...stored.machine, cores: 1000 } }));
		const { stdout } = await terminal.run(["compute", "list"]);
		expect(stdout).toMatch(/not used: .*profile\.json was measured with another cores; `openledger compute tune` makes one\n$/);
		expect(await terminal.json("compute", "list")).toMatchObject({ isCurrent: false, committed: { name: "wasm" } });
	});

	test("a damaged profile is named", async () => {
		await writeFile(path, "{}");
		const { code, stdout, stderr } = await terminal.run(["compute", "list"]);
		expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
		expect(stderr).toBe(
			`openledger: ${path}: expected a profile of backends, got schema undefined\n  Make it again with \`openledger compute tune\`.\n`,
		);
	});

	test.each([
		[["tune", "--backend", "cuda"], "expected one of reference, wasm, gpujs, webgpu, got cuda"],
		[["tune", "--timeout", "0"], "expected an integer from 1 to 86400, got 0"],
	])("refuses %j", async (args, message) => {
		const { code, stderr } = await terminal.run(["compute", ...args]);
		expect(code).toBe(2);
		expect(stderr).toContain(message);
	});
});

describe("openledger doctor", () => {
	test("finds what is needed, quickly, and leaves nothing behind", async () => {
		const started = performance.now();
		const { code, stdout, stderr } = await terminal.run(["doctor", "--json"]);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		// 3 s on two cores that have nothing else to do.
		expect(performance.now() - started).toBeLessThan(20_000);
		const { schema, result } = JSON.parse(stdout);
		expect({ schema, isWell: result.isWell }).toEqual({ schema: "openledger.doctor.v1", isWell: true });
		const found = new Map(result.checks.map((check: { what: string; found: string }) => [check.what, check.found]));
		expect([...found.keys()]).toEqual([
			"Node.js",
			"processor",
			"memory",
			"cache folder",
			"job store",
			"reference",
			"wasm",
			"gpujs",
			"webgpu",
			"profile",
		]);
		expect(found.get("processor")).toMatch(/threads, SIMD, /);
		expect(found.get("wasm")).toMatch(/a processor, exact$/);
		expect(found.get("gpujs")).toMatch(/^gpu\.js in mode /);
		await expect(readFile(join(folder, "jobs"))).rejects.toMatchObject({ code: "ENOENT" });
	});

	test("says what is missing and what to do, with exit code 1", async () => {
		const blocked = join(folder, "file");
		await writeFile(blocked, "");
		const broken = new Terminal(folder, {
			OPENLEDGER_CACHE: join(blocked, "cache"),
			OPENLEDGER_DATABASE: "postgres://nobody@127.0.0.1:1/none",
		});
		const { code, stdout } = await broken.run(["doctor"]);
		expect(code).toBe(1);
		expect(stdout).toMatch(/^MISSING +cache folder +.*file\/cache: .+\n +-> Free some space, or set OPENLEDGER_CACHE to a folder/m);
		expect(stdout).toMatch(
			/^MISSING +job store +PostgreSQL of OPENLEDGER_DATABASE: .*ECONNREFUSED.*\n +-> Start the server \(13 or newer\)/m,
		);
		expect(stdout).toMatch(/^ok +wasm /m);
		expect(stdout).toMatch(/Something needed is missing\.\n$/);
	});

	test("needs the backend that is asked for", async () => {
		const { code, stdout } = await terminal.run(["doctor", "--backend", "gpujs"]);
		expect(code).toBe(0);
		expect(stdout).toMatch(/^ok +gpujs .*, exact$/m);
	});
});
