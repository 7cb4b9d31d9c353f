/** The runner on a real embedded store, with a prover that does what each test says. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { KeyError, ProverError, WitnessError } from "../errors.ts";
import { Metrics } from "./metrics.ts";
import { openStore } from "./open.ts";
import type { JobProver } from "./prover.ts";
import { PoolProver } from "./prover.ts";
import { type RunnerEvent, type RunnerOptions, type RunnerSummary, runJobs } from "./runner.ts";
import type { JobStore } from "./store.ts";
import { type Databases, embeddedDatabases } from "./testing.ts";

const KEY = "0f".repeat(32);

let databases: Databases;
let store: JobStore;
let events: RunnerEvent[];
beforeAll(async () => {
	databases = await embeddedDatabases();
});
afterAll(() => databases.close());
beforeEach(async () => {
	store = await openStore(await databases.place());
	events = [];
});
afterEach(() => store.close());

async function submit(count: number, attempts = 3): Promise<string[]> {
	const ids: string[] = [];
	for (let i = 0; i < count; i++) ids.push((await store.submit({ kind: "groth16", key: KEY, octets: Uint8Array.of(i + 1), attempts })).id);
	return ids;
}

function run(prove: JobProver["prove"], options: Partial<RunnerOptions> = {}): Promise<RunnerSummary> {
	return runJobs({
		store,
		prover: { prove, close: async () => {} },
		keys: new Map([[KEY, "key.zkey"]]),
		workers: 2,
		until: "empty",
		leaseSeconds: 2,
		pollMs: 50,
		onEvent: (event) => events.push(event),
		...options,
	});
}

/** Runs until it is stopped. */
const untilAborted: JobProver["prove"] = (_job, _key, { signal, onProgress }) => {
	onProgress("prove");
	return new Promise((_resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener("abort", () => reject(signal.reason));
	});
};

const types = (): string[] => events.map(({ type }) => type);

it("proves what there is, with its steps and times, as many at once as it has workers", async () => {
	const ids = await submit(5);
	let running = 0;
	let most = 0;
	const summary = await run(async (job, key, { onProgress }) => {
		most = Math.max(most, ++running);
		onProgress("prove");
		await new Promise((resolve) => setTimeout(resolve, 30));
		onProgress("check");
		running--;
		return { key, octet: BigInt(job.octets[0] as number) };
	});
	expect(summary).toEqual({ proven: 5, failed: 0, released: 0 });
	expect(most).toBe(2);
	const result = await store.result(ids[3] as string);
	expect(result).toMatchObject({
		result: { key: "key.zkey", octet: "4" },
		timings: { prove: expect.any(Number), check: expect.any(Number) },
	});
	expect(types().filter((type) => type === "taken")).toHaveLength(5);
	expect((await store.status()).provers).toEqual([]);
});

it("ends after one job when told so, and takes no second one while memory is short", async () => {
	await submit(2);
	expect(await run(async () => ({}), { until: "one" })).toEqual({ proven: 1, failed: 0, released: 0 });
	await submit(4);
	let most = 0;
	let running = 0;
	await run(
		async () => {
			most = Math.max(most, ++running);
			await new Promise((resolve) => setTimeout(resolve, 20));
			running--;
			return {};
		},
		{ memoryBytes: 1 },
	);
	expect(most).toBe(1);
});

it("tries crashes again and bad input not", async () => {
	const [crash, witness, foreign, missing] = (await submit(4, 2)) as [string, string, string, string];
	const errors: Record<string, ProverError> = {
		[crash]: new ProverError("pool.crashed", "crash"),
		[witness]: new WitnessError("witness.unsatisfied", "witness"),
		[foreign]: new KeyError("key.foreign", "foreign"),
		[missing]: new KeyError("key.missing", "missing"),
	};
	const tries: Record<string, number> = {};
	await run(async ({ id }) => {
		tries[id] = (tries[id] ?? 0) + 1;
		throw errors[id] as ProverError;
	});
	expect(tries).toEqual({ [crash]: 2, [witness]: 1, [foreign]: 1, [missing]: 2 });
	const { poisoned } = await store.status();
	expect(poisoned).toHaveLength(4);
	for (const { id, error } of poisoned) expect(error).toEqual({ code: errors[id]?.code, message: errors[id]?.message });
});

it("asks the prover what follows from an error that it alone knows", async () => {
	const [bad, again] = (await submit(2, 2)) as [string, string];
	const prove: JobProver["prove"] = async ({ id, octets }, _key, { onProgress }) => {
		onProgress("step", "1/2");
		onProgress("step", "2/2");
		if (octets[0] === 2 && events.some(({ type }) => type === "released")) return {};
		throw new RangeError(id === bad ? "bad" : "not now");
	};
	const judge: NonNullable<JobProver["judge"]> = (error) => {
		const { message } = error as Error;
		return { error: { code: "RANGE", message, hint: "Correct it." }, end: message === "bad" ? "poison" : "release" };
	};
	const summary = await run(prove, { prover: { prove, judge, close: async () => {} }, workers: 1 });
	expect(summary).toEqual({ proven: 1, failed: 1, released: 1 });
	expect(await store.find(bad)).toMatchObject({ state: "poisoned", error: { code: "RANGE", message: "bad", hint: "Correct it." } });
	expect(await store.result(again)).toMatchObject({ attempts: 1, timings: { step: expect.any(Number) } });
	expect(events.filter(({ type }) => type === "phase")[1]).toMatchObject({ phase: "step", note: "2/2" });
});

it("drains: finishes what runs and takes nothing more", async () => {
	await submit(3);
	const drain = new AbortController();
	const summary = await run(
		async () => {
			drain.abort();
			await new Promise((resolve) => setTimeout(resolve, 50));
			return {};
		},
		{ workers: 1, drain: drain.signal },
	);
	expect(summary).toEqual({ proven: 1, failed: 0, released: 0 });
	expect((await store.status()).counts.waiting).toBe(2);
});

it("stops: gives back what runs, uncounted", async () => {
	const ids = await submit(3, 1);
	const stop = new AbortController();
	const running = run(untilAborted, { stop: stop.signal });
	await vi.waitFor(() => expect(types().filter((type) => type === "phase")).toHaveLength(2));
	stop.abort();
	expect(await running).toEqual({ proven: 0, failed: 0, released: 2 });
	expect((await store.status()).counts).toEqual({ waiting: 3, running: 0, proven: 0, poisoned: 0 });
	expect(await store.find(ids[0] as string)).toMatchObject({ attempts: 0 });
	expect(await run(async () => ({}))).toMatchObject({ proven: 3 });
});

it("stops a job that is cancelled, and goes on", async () => {
	const [cancelled] = (await submit(1)) as [string];
	const drain = new AbortController();
	const running = runJobs({
		store,
		prover: { prove: untilAborted, close: async () => {} },
		keys: new Map([[KEY, "key.zkey"]]),
		workers: 1,
		leaseSeconds: 2,
		pollMs: 50,
		drain: drain.signal,
		onEvent: (event) => events.push(event),
	});
	await vi.waitFor(() => expect(types()).toContain("phase"));
	await store.forget(cancelled, { proven: false });
	await vi.waitFor(() => expect(types()).toContain("lost"), { timeout: 5000 });
	drain.abort();
	expect(await running).toEqual({ proven: 0, failed: 0, released: 0 });
});

it("keeps a proof while the database is silent, and stores it once", async () => {
	const [id] = (await submit(1)) as [string];
	const complete = store.complete.bind(store);
	let calls = 0;
	// The first answer is lost after the commit, the second call is refused before it.
	vi.spyOn(store, "complete").mockImplementation(async (...args) => {
		calls++;
		if (calls === 1) await complete(...args);
		if (calls < 3) throw new ProverError("jobs.database", "away");
		return complete(...args);
	});
	expect(await run(async () => ({ made: 1 }))).toMatchObject({ proven: 1 });
	expect(calls).toBe(3);
	expect(await store.result(id)).toMatchObject({ result: { made: 1 }, attempts: 1 });
	expect(types()).toContain("silent");
});

it("is counted by the metrics, which answer with the queue as it is", async () => {
	await submit(2);
	const pool = new PoolProver({ workers: 1, memoryBytes: 5e9 });
	const metrics = new Metrics(store, () => pool.statistics());
	const port = await metrics.listen(0);
	await run(
		async ({ octets }, _key, { onProgress }) => {
			onProgress("prove");
			if (octets[0] === 2) throw new WitnessError("witness.unsatisfied", "no");
			return {};
		},
		{ onEvent: (event) => metrics.note(event) },
	);
	await submit(3);
	const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
	for (const line of [
		'openledger_prover_proofs_total{result="proven"} 1',
		'openledger_prover_proofs_total{result="poisoned"} 1',
		'openledger_prover_proofs_total{result="lost"} 0',
		'openledger_prover_phase_seconds_count{phase="prove"} 1',
		"openledger_prover_running_jobs 0",
		'openledger_prover_queue_jobs{state="waiting"} 1',
		'openledger_prover_queue_jobs{state="proven"} 1',
		'openledger_prover_queue_jobs{state="poisoned"} 1',
		'openledger_prover_queue_waiting_jobs{priority="0"} 1',
		"openledger_prover_queue_provers 0",
		'openledger_prover_worker_restarts_total{reason="crashed"} 0',
		'openledger_prover_pool_memory_bytes{kind="limit"} 5000000000',
	]) {
		expect(text.split("\n")).toContain(line);
	}
	expect(text).toMatch(/openledger_prover_process_resident_memory_bytes \d+/);
	expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
	expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
	await expect(new Metrics(store, () => pool.statistics()).listen(port)).rejects.toThrow(expect.objectContaining({ code: "jobs.owned" }));
	await metrics.close();
	await pool.close();
	await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
});
