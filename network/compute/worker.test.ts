/** Workers on a real store, with devices in real processes that fail as each test says (testing/faulty-process.ts). */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { BackendName } from "../../compute/backend.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { openForTests } from "../../compute/webgpu/testing.ts";
import { openStore } from "../../prover/jobs/open.ts";
import { type RunnerEvent, type RunnerSummary, runJobs } from "../../prover/jobs/runner.ts";
import type { JobStore } from "../../prover/jobs/store.ts";
import { type Databases, embeddedDatabases } from "../../prover/jobs/testing.ts";
import { ContentFolder, contentDigest } from "./content.ts";
import { Device } from "./device.ts";
import { inlineInput } from "./input.ts";
import type { ComputeJob } from "./job.ts";
import { encodeRows } from "./rows.ts";
import { runJob } from "./run.ts";
import { COMPUTE_JOBS, computeSubmission, type JobDevice } from "./submission.ts";
import { FAULTY_ROWS, FAULTY_SCRIPT, type Fault } from "./testing/faults.ts";
import { type ComputeResult, ComputeWorker, type OnFailure, type WorkerEvent } from "./worker.ts";

let databases: Databases;
let folder: string;
let store: JobStore;
let events: (RunnerEvent | WorkerEvent)[];
beforeAll(async () => {
	databases = await embeddedDatabases(COMPUTE_JOBS);
});
afterAll(() => databases.close());
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-worker-"));
	store = await openStore(await databases.place(), { family: COMPUTE_JOBS });
	events = [];
});
afterEach(async () => {
	vi.unstubAllEnvs();
	await store.close();
	await rm(folder, { recursive: true, force: true });
});

/** Statistics that meet the fault, or do not. */
function job(count = FAULTY_ROWS, classes = 3): ComputeJob {
	const x = Uint8Array.from({ length: count * 4 }, (_, at) => (at * 37) % 256);
	const rows = { x, label: Uint8Array.from({ length: count }, (_, row) => row % 3), weight: new Uint8Array(count).fill(1), count };
	return { kind: "statistics", rows: inlineInput(encodeRows(rows, 4)), classes };
}

async function submit(options: { count?: number; device?: JobDevice; attempts?: number; classes?: number } = {}): Promise<string> {
	const { count, device, attempts = 5, classes } = options;
	return (await store.submit({ ...computeSubmission(job(count, classes), device), attempts })).id;
}

/** Of what comes out where nothing fails. */
async function expectedDigest(): Promise<string> {
	const place = { backend: openReference(), contents: new ContentFolder(folder), signal: new AbortController().signal, progress: () => {} };
	return contentDigest((await runJob(job(), place)).bytes);
}

interface Run {
	readonly summary: RunnerSummary;
	/** Why the worker ended before it was told to. */
	readonly end: unknown;
}

async function work(
	faults: Partial<Record<BackendName, Fault>>,
	onFailure: OnFailure = "requeue",
	{ backend = "wasm", stop }: { backend?: BackendName; stop?: AbortSignal } = {},
): Promise<Run> {
	vi.stubEnv("OPENLEDGER_FAULTS", JSON.stringify(faults));
	const drain = new AbortController();
	let end: unknown;
	const worker = new ComputeWorker({
		backend,
		onFailure,
		contents: folder,
		locks: join(folder, "locks"),
		script: FAULTY_SCRIPT,
		onEvent: (event) => events.push(event),
		onEnd(error) {
			end ??= error;
			drain.abort();
		},
	});
	try {
		await worker.open(new AbortController().signal);
		const summary = await runJobs({
			store,
			prover: worker,
			keys: worker.queues,
			workers: 1,
			until: "empty",
			leaseSeconds: 2,
			pollMs: 50,
			drain: drain.signal,
			onEvent: (event) => events.push(event),
			...(stop ? { stop } : {}),
		});
		return { summary, end };
	} finally {
		await worker.close();
	}
}

const failure = (code: string): unknown => expect.objectContaining({ code });
const resultOf = async (id: string): Promise<ComputeResult> => (await store.result(id))?.result as ComputeResult;

it("does jobs, and keeps digest, backend, device and times in the store and the bytes in the folder", async () => {
	const id = await submit();
	expect(await work({})).toEqual({ summary: { proven: 1, failed: 0, released: 0 }, end: undefined });
	const { content, ...result } = await resultOf(id);
	expect(result).toMatchObject({ backend: "wasm", adapter: { software: true }, failed: [], facts: { rows: FAULTY_ROWS, d: 4, k: 3 } });
	expect(await store.result(id)).toMatchObject({ timings: { statistics: expect.any(Number), write: expect.any(Number) } });
	const bytes = await new ContentFolder(folder).read(content.sha256);
	expect(content).toMatchObject({ bytes: bytes.length, inline: Buffer.from(bytes).toString("base64"), folder });
});

describe("requeue", () => {
	it("survives a crash of the device: the job is tried again and done once", async () => {
		const id = await submit();
		expect((await work({ wasm: "crash once" })).summary).toEqual({ proven: 1, failed: 1, released: 0 });
		expect(await store.result(id)).toMatchObject({ attempts: 2, result: { backend: "wasm", failed: [] } });
		expect(events.filter(({ type }) => type === "open")).toHaveLength(2);
	});

	it.each([
		["crash", "DEVICE_LOST", "its end by SIGSEGV"],
		["memory", "OUT_OF_DEVICE_MEMORY", "got no memory"],
	] as const)(
		"sets a job aside that meets %s at each attempt, with the reason and the remedy, and goes on",
		async (fault, code, reason) => {
			const [bad, good] = [await submit({ attempts: 2 }), await submit({ count: 5 })];
			expect(await work({ wasm: fault })).toEqual({ summary: { proven: 1, failed: 2, released: 0 }, end: undefined });
			expect(await store.find(bad)).toMatchObject({
				state: "poisoned",
				attempts: 2,
				error: { code, message: expect.stringContaining(reason), hint: expect.stringMatching(/\.$/) },
			});
			expect(await resultOf(good)).toMatchObject({ backend: "wasm" });
		},
	);

	it.each([
		["absent", "NO_ADAPTER", "expected an adapter"],
		["inexact", "INEXACT_BACKEND", "statistics random: expected"],
	] as const)("does not start on a device that is %s", async (fault, code, reason) => {
		const id = await submit({ count: 5 });
		await expect(work({ wasm: fault })).rejects.toMatchObject({ code, message: expect.stringContaining(reason) });
		expect(await store.find(id)).toMatchObject({ state: "waiting", attempts: 0 });
	});

	it("ends when its disk is full, and gives the job back uncounted", async () => {
		const id = await submit();
		expect(await work({ wasm: "disk" })).toMatchObject({ summary: { proven: 0, failed: 0, released: 1 }, end: failure("DISK_FULL") });
		expect(await store.find(id)).toMatchObject({ state: "waiting", attempts: 0 });
	});
});

describe("fallback", () => {
	it("does a job on the next backend when a GPU is lost in its midst", async () => {
		const gpu = await openForTests();
		if (!gpu) return;
		await gpu.close();
		const id = await submit();
		await work({ webgpu: "destroy" }, "fallback", { backend: "webgpu" });
		const { backend, failed, content } = await resultOf(id);
		expect([backend, failed]).toEqual(["wasm", [expect.objectContaining({ backend: "webgpu", code: "DEVICE_LOST" })]]);
		expect(content.sha256).toBe(await expectedDigest());
	});

	it.each(["crash", "lost"] as const)("does a job on the next backend when the device meets %s", async (fault) => {
		const [bad, good] = [await submit(), await submit({ count: 5 })];
		expect((await work({ wasm: fault }, "fallback")).summary).toEqual({ proven: 2, failed: 0, released: 0 });
		const { backend, failed, content } = await resultOf(bad);
		expect([backend, failed.map((one) => one.backend)]).toEqual(["reference", ["wasm"]]);
		// The device is opened again for the next job.
		expect((await resultOf(good)).backend).toBe("wasm");
		// The same bytes as where nothing failed.
		expect(content.sha256).toBe(await expectedDigest());
	});

	it("starts on the next backend when the device is inexact, and commits nothing of it", async () => {
		const id = await submit();
		await work({ wasm: "inexact" }, "fallback");
		expect(await resultOf(id)).toMatchObject({ backend: "reference", failed: [failure("INEXACT_BACKEND")] });
	});

	it.each([
		["absent", "wasm"],
		["inexact", "reference"],
	] as const)("after a while %s is tried again, or never: %s", async (fault, expected) => {
		vi.stubEnv("OPENLEDGER_FAULTS", JSON.stringify({ wasm: fault }));
		const options = { contents: folder, locks: join(folder, "locks"), script: FAULTY_SCRIPT };
		const worker = new ComputeWorker({ backend: "wasm", onFailure: "fallback", ...options });
		const open = async () => (await worker.open(new AbortController().signal)).name;
		const clock = vi.spyOn(performance, "now");
		try {
			expect(await open()).toBe("reference");
			vi.stubEnv("OPENLEDGER_FAULTS", "{}");
			expect(await open()).toBe("reference");
			const later = performance.now() + 61_000;
			clock.mockImplementation(() => later);
			expect(await open()).toBe(expected);
		} finally {
			clock.mockRestore();
			await worker.close();
		}
	});

	it("leaves jobs that ask for the device to others once it does not open", async () => {
		const [any, wasm] = [await submit(), await submit({ device: "wasm" })];
		expect((await work({ wasm: "absent" }, "fallback")).summary).toEqual({ proven: 1, failed: 0, released: 0 });
		expect((await resultOf(any)).backend).toBe("reference");
		expect(await store.find(wasm)).toMatchObject({ state: "waiting", attempts: 0 });
	});

	it("gives a job back that asks for the device, rather than do it on another", async () => {
		const id = await submit({ device: "wasm", attempts: 1 });
		await work({ wasm: "lost" }, "fallback");
		expect(await store.find(id)).toMatchObject({ state: "poisoned", error: failure("DEVICE_LOST") });
	});

	it("ends with the reason when no backend is left", async () => {
		await submit();
		const all = { wasm: "absent", reference: "inexact" } as const;
		await expect(work(all, "fallback")).rejects.toThrow(failure("INEXACT_BACKEND"));
	});
});

it("sets bad input aside at once, with a named reason and a remedy", async () => {
	const id = await submit({ count: 5, classes: 2 });
	expect((await work({})).summary).toEqual({ proven: 0, failed: 1, released: 0 });
	expect(await store.find(id)).toMatchObject({
		state: "poisoned",
		attempts: 1,
		error: { code: "LABEL_OUT_OF_RANGE", message: expect.stringContaining("outside [0, 1]"), hint: expect.stringMatching(/\.$/) },
	});
});

it("gives a job back when it is stopped, also one that does not hear it", async () => {
	const id = await submit();
	const stop = new AbortController();
	const running = work({ wasm: "stall" }, "requeue", { stop: stop.signal });
	await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: "phase", phase: "statistics" })), 10_000);
	stop.abort();
	expect((await running).summary).toEqual({ proven: 0, failed: 0, released: 1 });
	expect(await store.find(id)).toMatchObject({ state: "waiting", attempts: 0 });
});

it("stops a job that is cancelled, and does the next", async () => {
	const [cancelled, next] = [await submit(), await submit({ count: 5 })];
	const running = work({ wasm: "stall" });
	await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ type: "phase", phase: "statistics" })), 10_000);
	await store.forget(cancelled, { proven: false });
	expect((await running).summary).toEqual({ proven: 1, failed: 0, released: 0 });
	expect(await resultOf(next)).toMatchObject({ backend: "wasm" });
});

it("ends a device that hangs while it opens", async () => {
	vi.stubEnv("OPENLEDGER_FAULTS", JSON.stringify({ wasm: "hang" }));
	const opening = Device.open({ backend: "wasm", contents: folder, script: FAULTY_SCRIPT, patienceMs: 1500 });
	await expect(opening).rejects.toMatchObject({ code: "NO_ADAPTER", message: expect.stringContaining("no answer within 1.5 s") });
});
