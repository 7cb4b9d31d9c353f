/**
 * Workers as real processes: killed in the midst of a job, told to end, refused a device that is taken. On both databases: no accepted job is lost,
 * each has one result, and that is the right one.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { createRun, readCheckpoint, runDataPath, writeCheckpoint } from "../../compute/checkpoint/folder.ts";
import type { TrainingCheckpoint } from "../../compute/checkpoint/record.ts";
import { keccak } from "../../compute/digest.ts";
import { integerManifest } from "../../compute/training/defaults.ts";
import { beginTraining, trainSegment } from "../../compute/training/segment.ts";
import { PERCEPTRON, pictures } from "../../compute/training/testing.ts";
import { openWasm } from "../../compute/wasm/backend.ts";
import { openForTests } from "../../compute/webgpu/testing.ts";
import { ContentFolder, contentDigest } from "../../network/compute/content.ts";
import { inlineInput } from "../../network/compute/input.ts";
import type { ComputeJob } from "../../network/compute/job.ts";
import { encodeRows } from "../../network/compute/rows.ts";
import { COMPUTE_JOBS, computeSubmission, type JobDevice } from "../../network/compute/submission.ts";
import { type StoredResult, storedResult } from "../../network/compute/view.ts";
import { openJobs, type Place } from "../../prover/jobs/open.ts";
import { type Databases, embeddedDatabases, HAS_SERVER, serverDatabases } from "../../prover/jobs/testing.ts";
import type { Jobs } from "../../prover/jobs/view.ts";
import { Daemon } from "./daemon.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Steps of a job that takes about a second. */
const STEPS = 6_000;
const LEASE = ["--lease", "2"];

const data = pictures(60);
const manifest = integerManifest({ architecture: PERCEPTRON, data, seed: 7n, batch: 16 });

let root: string;
let run: string;
let expected: TrainingCheckpoint;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-worker-kill-"));
	run = join(root, "run");
	const backend = openWasm();
	await createRun(run, manifest, data);
	const checkpoint = await beginTraining(manifest, data, backend);
	await writeCheckpoint(run, checkpoint, backend);
	expected = await trainSegment({ checkpoint, data, to: STEPS, backend });
});
afterAll(() => rm(root, { recursive: true, force: true }));

function statistics(seed: number): ComputeJob {
	const x = Uint8Array.from({ length: 40 * 5 }, (_, at) => (at * seed) % 256);
	const rows = { x, label: Uint8Array.from({ length: 40 }, (_, row) => row % 2), weight: new Uint8Array(40).fill(1), count: 40 };
	return { kind: "statistics", rows: inlineInput(encodeRows(rows, 5)), classes: 2 };
}

async function training(): Promise<ComputeJob> {
	return { kind: "train", manifest, data: inlineInput(await readFile(runDataPath(run))), to: STEPS };
}

async function isRight({ result }: StoredResult): Promise<boolean> {
	const bytes = await new ContentFolder(join(root, "content")).read(result.content.sha256);
	return keccak(bytes) === expected.record.state;
}

/** The process of a worker's device. */
async function deviceOf(worker: Daemon): Promise<number> {
	return Number((await worker.says(/device: .* process (\d+): known answers given/))[1]);
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

describe.each([
	["embedded", () => embeddedDatabases(COMPUTE_JOBS), true],
	["server", serverDatabases, HAS_SERVER],
] as const)("with a database that is %s", (name, make, isAvailable) => {
	const isEmbedded = name === "embedded";
	describe.skipIf(!isAvailable)("", () => {
		let databases: Databases;
		let place: Place;
		const daemons: Daemon[] = [];
		beforeAll(async () => {
			databases = await make();
		});
		afterAll(async () => databases?.close());
		beforeEach(async () => {
			place = await databases.place();
		});
		afterEach(async () => {
			for (const daemon of daemons.splice(0)) await daemon.kill();
		});

		const worker = (...args: string[]): Daemon => {
			const env = { OPENLEDGER_CONTENT: join(root, "content"), XDG_STATE_HOME: root };
			const daemon = new Daemon(args, place, env, "worker");
			daemons.push(daemon);
			return daemon;
		};
		const ask = async <Value>(work: (jobs: Jobs) => Promise<Value>): Promise<Value> => {
			const jobs = await openJobs(place, COMPUTE_JOBS);
			try {
				return await work(jobs);
			} finally {
				await jobs.close();
			}
		};
		const submit = (jobs: readonly ComputeJob[], device?: JobDevice): Promise<string[]> =>
			ask(async (store) => {
				const ids: string[] = [];
				for (const job of jobs) ids.push((await store.submit(computeSubmission(job, device))).id);
				return ids;
			});
		const result = (id: string): Promise<StoredResult> =>
			ask(async (jobs) => storedResult((await jobs.result(id)) as NonNullable<Awaited<ReturnType<Jobs["result"]>>>));

		it("kill -9 in the midst of a job: its device ends by itself, and the job is taken again and done once", async () => {
			const [first, long] = (await submit([statistics(3), await training()])) as [string, string];
			const killed = worker("start", "--device", "wasm", ...LEASE);
			await killed.says(/phase train/);
			const device = await deviceOf(killed);
			await killed.kill();
			const before = await result(first);
			await vi.waitFor(() => expect(isAlive(device)).toBe(false), 10_000);
			const next = worker("start", "--device", "wasm", ...LEASE);
			await next.says(new RegExp(`${long} done in`));
			expect(await next.kill("SIGTERM")).toBe(0);
			expect(await result(first)).toEqual(before);
			const after = await result(long);
			expect([after.attempts, await isRight(after)]).toEqual([2, true]);
			expect((await ask((jobs) => jobs.status())).counts).toEqual({ waiting: 0, running: 0, proven: 2, poisoned: 0 });
		});

		it("kill -9 of the device: the worker goes on, and the job is done", async () => {
			const [id] = (await submit([await training()])) as [string];
			const daemon = worker("start", "--device", "wasm", "--until-empty");
			await daemon.says(/phase train/);
			process.kill(await deviceOf(daemon), "SIGKILL");
			expect(await daemon.end()).toBe(0);
			expect(daemon.output).toMatch(/to be tried again: DEVICE_LOST .* got its end by SIGKILL/);
			const after = await result(id);
			expect([after.attempts, await isRight(after)]).toEqual([2, true]);
		});

		it("SIGTERM: what runs is finished, what waits stays, and it ends by itself", async () => {
			const [long, next] = (await submit([await training(), statistics(5)])) as [string, string];
			const daemon = worker("start", "--device", "wasm");
			await daemon.says(/phase train/);
			expect(await daemon.kill("SIGTERM")).toBe(0);
			expect(await isRight(await result(long))).toBe(true);
			expect(await ask((jobs) => jobs.find(next))).toMatchObject({ state: "waiting", attempts: 0 });
		});

		it("SIGINT twice: the job goes back, uncounted", async () => {
			const [id] = (await submit([await training()])) as [string];
			const daemon = worker("start", "--device", "wasm");
			await daemon.says(/phase train/);
			daemon.signal("SIGINT");
			await daemon.says(/draining/);
			expect(await daemon.kill("SIGINT")).toBe(0);
			expect(daemon.output).toContain("0 done, 0 failed attempts, 1 given back");
			expect(await ask((jobs) => jobs.find(id))).toMatchObject({ state: "waiting", attempts: 0 });
		});

		// Many commands, each of which opens an embedded database anew: on a server where there is one.
		if (isEmbedded && HAS_SERVER) return;
		it("takes what the command line submits, and gives it to whoever waits", async () => {
			const out = join(root, `${name}.safetensors`);
			const rows = join(root, "rows.safetensors");
			await writeFile(rows, Buffer.from((statistics(7) as { rows: { inline: string } }).rows.inline, "base64"));
			const submitted = worker("submit", "statistics", "--rows", rows, "--classes", "2");
			expect(await submitted.end(), submitted.output).toBe(0);
			const [id = ""] = submitted.output.split(" ");
			const missing = worker("result", id);
			expect(await missing.end()).toBe(3);
			expect(missing.output).toContain(`expected ${id} to be done, got a job that is waiting`);
			const train = worker("submit", "train", "--run", run, "--to", "40");
			expect(await train.end(), train.output).toBe(0);
			const [segment = ""] = train.output.split(" ");
			expect(await worker("start", "--device", "reference", "--until-empty").end()).toBe(0);
			const waited = worker("wait", id, segment);
			expect(await waited.end(), waited.output).toBe(0);
			expect(await worker("result", id, "--out", out, "--forget").end()).toBe(0);
			const digest = /done (\w{64})/.exec(waited.output)?.[1] as string;
			expect(contentDigest(await readFile(out))).toBe(digest);
			expect(await worker("result", segment, "--into", run).end()).toBe(0);
			expect((await readCheckpoint(run, manifest, 40)).record.step).toBe(40);
			expect(await ask((jobs) => jobs.status())).toMatchObject({ counts: { waiting: 0, proven: 1 } });
		});
	});
});

describe.skipIf(!HAS_SERVER)("several workers on one server", () => {
	it("share jobs, each done once", async () => {
		const databases = await serverDatabases();
		try {
			const place = await databases.place();
			const jobs = await openJobs(place, COMPUTE_JOBS);
			for (let seed = 1; seed <= 12; seed++) await jobs.submit(computeSubmission(statistics(2 * seed + 1)));
			const env = { OPENLEDGER_CONTENT: join(root, "content"), XDG_STATE_HOME: root };
			const both = [1, 2].map(() => new Daemon(["start", "--device", "wasm", "--until-empty"], place, env, "worker"));
			expect(await Promise.all(both.map((daemon) => daemon.end()))).toEqual([0, 0]);
			expect((await jobs.status()).counts).toEqual({ waiting: 0, running: 0, proven: 12, poisoned: 0 });
			await jobs.close();
			const done = both.flatMap(({ output }) => [...output.matchAll(/(\S+) done in/g)].map(([, id]) => id as string));
			expect([done.length, new Set(done).size]).toEqual([12, 12]);
		} finally {
			await databases.close();
		}
	});

	it("a second one for the same GPU is refused, and says who has it", async () => {
		const backend = await openForTests();
		if (!backend) return;
		await backend.close();
		const databases = await serverDatabases();
		const daemons: Daemon[] = [];
		const start = (place: Place, ...args: string[]): Daemon => {
			const env = { OPENLEDGER_CONTENT: join(root, "content"), XDG_STATE_HOME: root };
			const daemon = new Daemon(["start", "--device", "webgpu", ...args], place, env, "worker");
			daemons.push(daemon);
			return daemon;
		};
		try {
			const place = await databases.place();
			const first = start(place);
			await first.says(/ready/);
			const second = start(place);
			expect(await second.end()).toBe(3);
			expect(second.output).toMatch(new RegExp(`worker: expected .* to be free, got one in the hands of process ${first.pid}`));
			await first.kill();
			const third = start(place, "--until-empty");
			expect(await third.end(), third.output).toBe(0);
		} finally {
			for (const daemon of daemons) await daemon.kill();
			await databases.close();
		}
	});
});
