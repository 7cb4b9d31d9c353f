import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probe } from "./probe.ts";
import type { Entry } from "./profile.ts";

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-probe-"));
});
afterAll(async () => {
	await rm(folder, { recursive: true, force: true });
});

const HERE = new URL("./", import.meta.url);
const LINES = `
	import { writeSync } from "node:fs";
	const say = (line) => writeSync(3, JSON.stringify(line) + "\\n");
	say({ kind: "doing", what: "opening" });
	say({ kind: "opened", adapter: { device: "a device", driver: "a driver", software: false } });
	say({ kind: "doing", what: "integers.product, 3 x 3 x 3" });
`;

/** A program in the place of the trial. */
async function script(name: string, code: string): Promise<URL> {
	const path = join(folder, `${name}.mjs`);
	await writeFile(path, code);
	return pathToFileURL(path);
}

async function verdictOf(name: string, code: string, timeoutMs = 20_000): Promise<{ verdict: Entry["verdict"]; entry: Entry }> {
	const entry = await probe({ name: "webgpu", depth: "measure" }, { script: await script(name, code), timeoutMs });
	return { verdict: entry.verdict, entry };
}

describe("a process that", () => {
	test.each([
		["aborts", "process.abort();", /integers\.product, 3 x 3 x 3", got the end of its process by SIGABRT/],
		["meets an unmapped page", 'process.kill(process.pid, "SIGSEGV");', /by SIGSEGV/],
		["ends with a code", "console.log('driver: out of luck'); process.exit(3);", /with code 3; it printed: driver: out of luck/],
		["throws", "throw new Error('no such kernel');", /with code 1; it printed: .*Error: no such kernel/],
	])("%s has crashed", async (name, code, message) => {
		const { verdict, entry } = await verdictOf(name, LINES + code);
		expect(verdict).toMatchObject({ status: "crashed", message: expect.stringMatching(message), hint: expect.stringMatching(/./) });
		expect(entry.adapter?.device).toBe("a device");
	});

	test("hangs is ended, and the message says where it was", async () => {
		const started = performance.now();
		const { verdict } = await verdictOf("hangs", `${LINES} Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`, 1500);
		expect(verdict).toMatchObject({
			status: "timeout",
			message: 'webgpu: expected an end of "integers.product, 3 x 3 x 3" within 1.5 s, got none',
		});
		expect(performance.now() - started).toBeLessThan(15_000);
	});

	test("does not end when it is done is ended", async () => {
		const done = 'say({ kind: "doing", what: "closing" }); say({ kind: "done" }); setInterval(() => {}, 1000);';
		const { verdict } = await verdictOf("lingers", LINES + done, 1500);
		expect(verdict).toMatchObject({ status: "timeout", message: expect.stringContaining('"closing"') });
	});

	test.each([
		["prints garbage where lines are expected", `${LINES} writeSync(3, "\\u0000\\ufffd not a line\\n"); setInterval(() => {}, 1000);`],
		["says what no trial says", `${LINES} say({ kind: "dancing" });`],
		["says null", `${LINES} say(null);`],
		["says nothing", ""],
		["stops half way", LINES],
		["is done without a device", 'import { writeSync } from "node:fs"; writeSync(3, JSON.stringify({ kind: "done" }) + "\\n");'],
	])("%s is garbled", async (name, code) => {
		const { verdict } = await verdictOf(name, code);
		expect(verdict).toMatchObject({ status: "garbled", message: expect.stringMatching(/^webgpu: expected a (line of a|whole) trial/) });
	});

	test("prints what it likes elsewhere is understood", async () => {
		const noise = 'process.stdout.write("{\\n".repeat(100000)); process.stderr.write(Buffer.from([0, 255, 10]));';
		const { verdict, entry } = await verdictOf("noisy", `${LINES} ${noise} say({ kind: "done" });`);
		expect(verdict).toEqual({ status: "unchecked" });
		expect(entry.adapter).toEqual({ device: "a device", driver: "a driver", software: false });
	});

	test("leaves a process of its own behind is not waited for", async () => {
		const orphan = `import { spawn } from "node:child_process";
			const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 6000)"], { stdio: ["ignore", 1, 2, 3], detached: true });
			child.unref(); say({ kind: "done" }); process.exit(0);`;
		const started = performance.now();
		expect((await verdictOf("orphan", LINES + orphan)).verdict).toEqual({ status: "unchecked" });
		expect(performance.now() - started).toBeLessThan(4500);
	});

	test("is aborted is gone", async () => {
		const path = join(folder, "pid");
		const code = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(path)}, String(process.pid)); ${LINES} setInterval(() => {}, 1000);`;
		const controller = new AbortController();
		const trial = probe(
			{ name: "webgpu", depth: "open" },
			{
				script: await script("aborted", code),
				signal: controller.signal,
				onStep: (what) => {
					if (what.startsWith("integers")) controller.abort(new Error("enough"));
				},
			},
		);
		await expect(trial).rejects.toThrow("enough");
		const pid = Number(await readFile(path, "utf8"));
		expect(() => process.kill(pid, 0)).toThrow("ESRCH");
	});
});

describe("the trial of", () => {
	test("an exact backend passes", async () => {
		const steps: string[] = [];
		const { verdict, adapter, timings } = await probe({ name: "wasm", depth: "check" }, { onStep: (what) => steps.push(what) });
		expect(verdict).toMatchObject({ status: "exact", deviation: { error: expect.any(Number) } });
		expect(adapter?.software).toBe(true);
		expect({ timings, steps }).toEqual({ timings: [], steps: ["opening", "known answers", "closing"] });
	});

	test("a backend that sums bytes in single precision shows the first wrong answer", async () => {
		const code = `
			import { runTrial } from ${JSON.stringify(new URL("steps.ts", HERE).href)};
			import { openHost, plainFloatProduct } from ${JSON.stringify(new URL("../reference/host.ts", HERE).href)};
			import { product } from ${JSON.stringify(new URL("../reference/integers.ts", HERE).href)};
			import { gram } from ${JSON.stringify(new URL("../reference/statistics.ts", HERE).href)};
			import { nearest } from ${JSON.stringify(new URL("../reference/neighbours.ts", HERE).href)};
			await runTrial(async () => openHost("webgpu", { device: "d", driver: "v", software: false }, {
				integerProduct: (...args) => Int32Array.from(Float32Array.from(product(...args))),
				floatProduct: plainFloatProduct,
				statistics: async (...args) => gram(...args),
				nearest: async (...args) => nearest(...args),
				close: async () => {},
			}), "check");`;
		const { verdict } = await verdictOf("single", code);
		expect(verdict).toMatchObject({ status: "inexact", mismatch: { name: expect.stringMatching(/^product u8/) } });
		if (verdict.status !== "inexact") return;
		expect(Math.abs(verdict.mismatch.expected)).toBeGreaterThan(2 ** 24);
		expect(verdict.mismatch.got).toBe(Math.fround(verdict.mismatch.expected));
		expect(verdict.wrong).toBeGreaterThan(1);
	});

	test.each([
		["refuses to open", "async () => { throw new DataError('NO_ADAPTER', 'no device', 'Buy one.'); }", "unavailable", "no device"],
		[
			"fails in mid-trial",
			"async () => ({ ...openReference(), gather() { throw new DataError('DEVICE_LOST', 'gone', 'Open it again.'); } })",
			"failed",
			"gone",
		],
	])("a backend that %s says why", async (name, open, status, message) => {
		const code = `
			import { runTrial } from ${JSON.stringify(new URL("steps.ts", HERE).href)};
			import { DataError } from ${JSON.stringify(new URL("../errors.ts", HERE).href)};
			import { openReference } from ${JSON.stringify(new URL("../reference/backend.ts", HERE).href)};
			await runTrial(${open}, "check");`;
		expect((await verdictOf(name.replaceAll(" ", "-"), code)).verdict).toMatchObject({
			status,
			message,
			hint: expect.stringMatching(/\.$/),
		});
	});
});
