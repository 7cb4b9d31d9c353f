import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { groth16, zKey } from "snarkjs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { KeyCache } from "../engine/key-cache.ts";
import { isLoaded } from "../engine/sums.ts";
import { CHAIN_INPUTS, chainWitness, makeChain, makePlainKey } from "./chain.ts";
import { predictMemory, readKeySize } from "./memory.ts";
import { type Groth16Job, type PoolOptions, type ProveJob, ProverPool } from "./pool.ts";

// Threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LOG = 5;

let root: string;
let statement: ProveJob;
/** paths of a plain key and its witness */
let plain: { zkey: string; wtns: string };
let pool: ProverPool;
/** all threads that were started since the test began */
let workers: Worker[] = [];
const onWorker = (worker: Worker): void => {
	workers.push(worker);
};

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-scheduler-"));
	const { circuit, key } = await makeChain(LOG, { root });
	statement = { circuit, key, inputs: CHAIN_INPUTS, context: `0x${"21".repeat(32)}`, words: [] };
	plain = { zkey: (await makePlainKey(LOG, { root })).zkey, wtns: join(root, "plain.wtns") };
	await writeFile(plain.wtns, await chainWitness(circuit));
	process.on("worker", onWorker);
});
afterEach(async () => {
	await pool.close();
	workers = [];
});
afterAll(async () => {
	process.off("worker", onWorker);
	await rm(root, { recursive: true, force: true });
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

function open(options: PoolOptions = {}): ProverPool {
	pool = new ProverPool({ workers: 1, ...options });
	return pool;
}

/** Submits a job and resolves once it proves. */
async function occupied(job: Partial<Groth16Job> = {}): Promise<{ ended: Promise<unknown> }> {
	let ended: Promise<unknown> = Promise.resolve();
	await new Promise<void>((resolve) => {
		ended = pool.groth16({ ...plain, onProgress: (phase) => phase === "prove" && resolve(), ...job });
		ended.catch(() => {});
	});
	return { ended };
}

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("a plain job", () => {
	it("takes files and bytes, and snarkjs verifies its proof", async () => {
		open();
		const key = await zKey.exportVerificationKey(plain.zkey);
		const [zkey, wtns] = [await readFile(plain.zkey), await readFile(plain.wtns)];
		const phases: string[] = [];
		const made = await Promise.all([
			pool.groth16({ ...plain, onProgress: (phase) => phase !== "queue" && phases.push(phase) }),
			pool.groth16({ zkey, wtns }),
			pool.groth16({ zkey, wtns, threads: 2 }),
		]);
		for (const { proof, publicSignals } of made) expect(await groth16.verify(key, publicSignals, proof)).toBe(true);
		expect(phases).toEqual(["prove", "check"]);
		expect(new Set(made.map(({ proof }) => proof.pi_a[0])).size).toBe(3);
		// The bytes of the caller are still the caller's.
		expect(wtns.length).toBe((await readFile(plain.wtns)).length);
	});

	it("finds its key loaded once, for all jobs of that key", async () => {
		const get = vi.spyOn(KeyCache.prototype, "get");
		open();
		for (let i = 0; i < 2; i++) await pool.groth16(plain);
		const keys = await Promise.all(get.mock.results.map(({ value }) => value));
		get.mockRestore();
		expect(keys).toHaveLength(2);
		expect(isLoaded(keys[0])).toBe(true);
		expect(keys[1]).toBe(keys[0]);
	});

	it("is refused when the witness violates a constraint", async () => {
		const wtns = await readFile(plain.wtns);
		// The last wire is no public signal.
		wtns[wtns.length - 32] = (wtns[wtns.length - 32] as number) ^ 1;
		await expect(open().groth16({ ...plain, wtns })).rejects.toEqual(code("witness.unsatisfied"));
		await expect(pool.groth16(plain)).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 1, failed: 1, failures: { "witness.unsatisfied": 1 }, retried: 0 });
	});

	it("is refused with the key of a statement, whose proofs need a commitment", async () => {
		await expect(open().groth16({ ...plain, zkey: statement.key.path })).rejects.toMatchObject({
			code: "witness.unsatisfied",
			hint: expect.stringContaining("commitment"),
		});
	});

	it.each([
		["no key", { zkey: "none.zkey" }, "key.missing"],
		["no witness", { wtns: "none.wtns" }, "witness.missing"],
		["a witness for a key", { zkey: "plain.wtns" }, "key.format"],
	])("names %s", async (_, change, expected) => {
		const files = Object.fromEntries(Object.entries(change).map(([name, file]) => [name, join(root, file)]));
		await expect(open().groth16({ ...plain, ...files })).rejects.toEqual(code(expected));
		expect(pool.statistics()).toMatchObject({ failures: { [expected]: 1 }, retried: 0, waiting: 0 });
	});
});

describe("a job that cannot be handed over", () => {
	it("is bad input, not a crash", async () => {
		const inputs = { start: (() => 3n) as never };
		await expect(open().prove({ ...statement, inputs })).rejects.toMatchObject({ name: "WitnessError", code: "input.unknown" });
		await expect(pool.prove(statement)).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 1, failed: 1, retried: 0, threads: { started: 1, crashed: 0 } });
	});
});

describe("the order", () => {
	it("is by priority, then first come first served, and jobs are told their place", async () => {
		open();
		const started: string[] = [];
		const places: Record<string, number | undefined> = {};
		await occupied();
		const submit = (name: string, priority?: number): Promise<unknown> =>
			pool.groth16({
				...plain,
				...(priority === undefined ? {} : { priority }),
				onProgress: (phase, { position, elapsedMs }) => {
					expect(elapsedMs).toBeGreaterThanOrEqual(0);
					if (phase === "queue") places[name] ??= position;
					if (phase === "prove") started.push(name);
				},
			});
		const jobs: Promise<unknown>[] = [];
		for (const [name, priority] of [["a"], ["b", -1], ["c", 2], ["d"], ["e", 2]] as [string, number?][]) {
			jobs.push(submit(name, priority));
			await vi.waitFor(() => expect(places[name]).toBeDefined());
		}
		expect(pool.statistics()).toMatchObject({ waiting: 5, running: 1 });
		await Promise.all(jobs);
		expect(started).toEqual(["c", "e", "a", "d", "b"]);
		expect(places).toEqual({ a: 0, b: 1, c: 0, d: 2, e: 1 });
	});

	it("lets the next witness be computed while a proof is made", async () => {
		open();
		const events: string[] = [];
		const job = (name: string): ProveJob => ({ ...statement, onProgress: (phase) => events.push(`${name} ${phase}`) });
		await Promise.all(["a", "b", "c"].map((name) => pool.prove(job(name))));
		expect(workers.length).toBe(2);
		const [first, second] = events[0]?.startsWith("a") ? ["a", "b"] : ["b", "a"];
		expect(events.indexOf(`${second} witness`)).toBeLessThan(events.indexOf(`${first} check`));
		// One proof at a time.
		const proving = events.filter((event) => /prove|check/.test(event)).map((event) => event.split(" "));
		expect(proving.map(([, phase]) => phase)).toEqual(["prove", "check", "prove", "check", "prove", "check"]);
		for (let i = 0; i < proving.length; i += 2) expect(proving[i]?.[0]).toBe(proving[i + 1]?.[0]);
	});
});

describe("back-pressure", () => {
	it("refuses a job too many, and room() tells when there is room", async () => {
		open({ maxWaiting: 1 });
		await occupied();
		await pool.room();
		const waiting = pool.groth16(plain);
		await expect(pool.groth16(plain)).rejects.toEqual(code("pool.full"));
		const order: string[] = [];
		const rooms = ["first", "second"].map(async (name) => {
			await pool.room();
			order.push(name);
			return pool.groth16(plain);
		});
		await nextTurn();
		expect(order).toEqual([]);
		await waiting;
		await Promise.all(rooms);
		expect(order).toEqual(["first", "second"]);
		expect(pool.statistics()).toMatchObject({ done: 4, refused: 1, failed: 0, waiting: 0 });
	});

	it("passes room on when who had it does not submit", async () => {
		open({ maxWaiting: 1 });
		await occupied();
		const waiting = pool.groth16(plain);
		await Promise.all([pool.room(), pool.room(), pool.room()]);
		await waiting;
	});

	it("lets who waits for room give up, or learn that the pool is closed", async () => {
		open({ maxWaiting: 1 });
		const { ended } = await occupied();
		const waiting = pool.groth16(plain);
		waiting.catch(() => {});
		await expect(pool.room(AbortSignal.timeout(1))).rejects.toMatchObject({ name: "TimeoutError" });
		const stuck = pool.room();
		stuck.catch(() => {});
		await pool.close();
		for (const one of [stuck, ended, waiting]) await expect(one).rejects.toEqual(code("pool.closed"));
	});
});

describe("memory", () => {
	it("is checked before the start: a job that never fits is refused with need and limit", async () => {
		const need = predictMemory(await readKeySize(plain.zkey), 1, false);
		open({ memoryBytes: need - 1 });
		await expect(pool.groth16(plain)).rejects.toMatchObject({
			code: "pool.memory",
			message: expect.stringMatching(/at most \d+ MB, got \d+ MB/),
		});
		expect(workers.length).toBe(0);
		expect(pool.statistics()).toMatchObject({ refused: 1, failed: 0 });
	});

	it("lets a job that does not fit now wait, whatever the number of workers", async () => {
		const need = predictMemory(await readKeySize(plain.zkey), 1, false);
		open({ workers: 4, memoryBytes: 2 * need });
		const peaks: number[] = [];
		const job = { ...plain, onProgress: () => peaks.push(pool.statistics().memory.reserved) };
		await Promise.all(Array.from({ length: 6 }, () => pool.groth16(job)));
		expect(Math.max(...peaks)).toBe(2 * need);
		expect(pool.statistics().memory.reserved).toBe(0);
		expect(workers.length).toBe(2);
	});

	it("narrows a job that fits on fewer threads alone", async () => {
		const need = predictMemory(await readKeySize(plain.zkey), 2, false);
		open({ memoryBytes: need + 1 });
		const reserved: number[] = [];
		await pool.groth16({ ...plain, threads: 8, onProgress: () => reserved.push(pool.statistics().memory.reserved) });
		expect(reserved).toEqual([need, need]);
	});

	it("is given back by a thread that holds too much after its job", async () => {
		open({ recycleBytes: 1 });
		await pool.groth16(plain);
		await pool.groth16(plain);
		expect(pool.statistics().threads).toEqual({ alive: 0, started: 2, crashed: 0, aborted: 0, recycled: 2 });
	});
});

describe("a signal", () => {
	it("takes a waiting job out of the queue, and leaves the threads alone", async () => {
		open();
		const { ended } = await occupied();
		const controller = new AbortController();
		const waiting = pool.groth16({
			...plain,
			signal: controller.signal,
			onProgress: (phase) => phase === "queue" && controller.abort(new Error("too slow")),
		});
		await expect(waiting).rejects.toThrow("too slow");
		await ended;
		expect(pool.statistics()).toMatchObject({ done: 1, aborted: 1, waiting: 0, threads: { started: 1, aborted: 0 } });
	});

	it("stops a running job with its thread, and the next one runs", async () => {
		open();
		const controller = new AbortController();
		const { ended } = await occupied({ signal: controller.signal });
		const next = pool.groth16(plain);
		controller.abort(new Error("enough"));
		await expect(ended).rejects.toThrow("enough");
		await next;
		expect(pool.statistics()).toMatchObject({ done: 1, aborted: 1, failed: 0, threads: { started: 2, aborted: 1 } });
	});
});

describe("a thread that dies", () => {
	/** Ends the newest thread. */
	const kill = (): void => {
		workers.at(-1)?.terminate();
	};

	it("in mid-proof costs one attempt, and the job is made", async () => {
		open();
		let kills = 0;
		const made = pool.groth16({ ...plain, onProgress: (phase) => phase === "prove" && kills++ === 0 && kill() });
		await expect(made).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 1, failed: 0, retried: 1, threads: { crashed: 1 }, poisoned: [] });
	});

	it("while it computes a witness costs one attempt too", async () => {
		open();
		let kills = 0;
		const made = pool.prove({ ...statement, onProgress: (phase) => phase === "witness" && kills++ === 0 && kill() });
		await expect(made).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 1, retried: 1 });
	});

	it("at each attempt makes the job a poisoned one, and the pool goes on", async () => {
		open({ retries: 2 });
		const made = pool.groth16({ ...plain, onProgress: (phase) => phase === "prove" && kill() });
		const next = pool.groth16(plain);
		await expect(made).rejects.toMatchObject({ code: "pool.poisoned", message: expect.stringContaining("3 crashes") });
		await next;
		const { poisoned, ...counts } = pool.statistics();
		expect(poisoned).toEqual([{ label: plain.zkey, reason: expect.stringContaining("exit"), attempts: 3 }]);
		expect(counts).toMatchObject({ done: 1, failed: 1, failures: { "pool.poisoned": 1 }, retried: 2, threads: { crashed: 3 } });
	});

	it("without retries is a crash", async () => {
		open({ retries: 0 });
		const made = pool.groth16({ ...plain, onProgress: (phase) => phase === "prove" && kill() });
		await expect(made).rejects.toEqual(code("pool.crashed"));
		expect(pool.statistics().poisoned).toEqual([]);
		await expect(pool.groth16(plain)).resolves.toBeDefined();
	});

	it("when it is idle costs nothing", async () => {
		open();
		await pool.groth16(plain);
		await workers.at(-1)?.terminate();
		await expect(pool.groth16(plain)).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 2, retried: 0 });
	});

	it("of memory crashes alone, not with the process", async () => {
		open({ heapMegabytes: 40 });
		// More big integers than the heap of a thread holds.
		const start = Array.from({ length: 3_000_000 }, () => 1n);
		const made = pool.prove({ ...statement, inputs: { start } });
		await expect(made).rejects.toMatchObject({ code: "pool.poisoned", message: expect.stringMatching(/memory/) });
		await expect(pool.groth16(plain)).resolves.toBeDefined();
		expect(pool.statistics()).toMatchObject({ done: 1, retried: 1, threads: { crashed: 2 } });
	});
});

describe("statistics", () => {
	it("are plain data that add up", async () => {
		open({ workers: 2 });
		await Promise.all([pool.prove(statement), pool.groth16(plain), pool.commit(statement)]);
		const statistics = pool.statistics();
		expect(structuredClone(statistics)).toEqual(statistics);
		expect(statistics).toMatchObject({
			...{ waiting: 0, running: 0, proving: 0, done: 3, failed: 0, aborted: 0, retried: 0, refused: 0 },
			plan: "2 proofs at once, as asked",
		});
		const counts = Object.fromEntries(Object.entries(statistics.phases).map(([name, { count }]) => [name, count]));
		expect(counts).toEqual({ queue: 3, commit: 2, witness: 1, prove: 2, check: 2 });
		for (const { milliseconds } of Object.values(statistics.phases)) expect(milliseconds).toBeGreaterThan(0);
		expect(statistics.memory.process).toBeGreaterThan(statistics.memory.idle);
		expect(statistics.memory.idle).toBeGreaterThan(0);
	});
});
