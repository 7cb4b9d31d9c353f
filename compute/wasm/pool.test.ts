import { execFileSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { Rows } from "../../circuits/statistics.ts";
import type { Backend } from "../backend.ts";
import type { ByteMatrix } from "../neighbours.ts";
import { below, generator } from "../random.ts";
import { openReference } from "../reference/backend.ts";
import { refusal } from "../testing.ts";
import { openWasm } from "./backend.ts";
import { PAIRWISE } from "./byte-arithmetic.ts";
import { rangesOf } from "./executor.ts";
import { Pool } from "./pool.ts";

const next = generator(21n);
type Fill = (at: number) => number;
const FILLS: Readonly<Record<string, Fill>> = {
	random: () => below(next, 256),
	largest: () => 255,
	alternating: (at) => 255 * (at % 2),
	sparse: (at) => (at % 7 === 0 ? below(next, 256) : 0),
};
const bytes = (length: number, fill: Fill) => Uint8Array.from({ length }, (_, at) => fill(at));
const sideOf = (rows: number, columns: number, fill: Fill): ByteMatrix => ({ values: bytes(rows * columns, fill), rows, columns });

/** Every thread that this process starts, so that a test can end one. */
const workers: Worker[] = [];
process.on("worker", (worker) => workers.push(worker));

const opened: Backend[] = [];
function open(options: Parameters<typeof openWasm>[0]): Backend {
	const backend = openWasm(options);
	opened.push(backend);
	return backend;
}
afterEach(async () => {
	await Promise.all(opened.splice(0).map((backend) => backend.close()));
});

test("ranges cover all, equally many for each thread", () => {
	for (const total of [0, 1, 2, 3, 7, 100, 1001]) {
		for (const most of [1, 5, 64, 5000]) {
			for (const threads of [1, 2, 3, 8]) {
				const ranges = rangesOf(total, most, threads);
				expect(ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i))).toEqual(
					Array.from({ length: total }, (_, i) => i),
				);
				const lengths = ranges.map(([from, to]) => to - from);
				expect(Math.max(0, ...lengths)).toBeLessThanOrEqual(most);
				expect(Math.max(0, ...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
				expect(ranges.length === total || ranges.length % threads === 0).toBe(true);
			}
		}
	}
});

describe.each([1, 2, 3])("%i threads give what the reference gives", (threads) => {
	test.each(Object.entries(FILLS))("rows that are %s", async (_, fill) => {
		const reference = openReference();
		const backends = [open({ threads, shareFrom: 0 }), open({ threads, shareFrom: 0, arithmetic: PAIRWISE })];
		// No rows, fewer than threads, more than a chunk.
		for (const count of [0, 1, 2, 61, 2500]) {
			const [d, k] = [count > 100 ? 5 : 23, 7];
			const rows: Rows = { x: bytes(count * d, fill), label: bytes(count, () => below(next, k)), weight: bytes(count, fill), count };
			const expected = await reference.statistics(rows, d, k);
			for (const backend of backends) expect(await backend.statistics(rows, d, k)).toEqual(expected);
			const [train, some] = [sideOf(40, 9, fill), sideOf(Math.min(count, 61), 9, fill)];
			const nearest = await reference.nearest(train, some, 3);
			for (const backend of backends) expect(await backend.nearest(train, some, 3)).toEqual(nearest);
		}
	});
});

test("jobs at once, on rows that are shared already, do not disturb each other", async () => {
	const backend = open({ threads: 2, shareFrom: 0 });
	const x = new Uint8Array(new SharedArrayBuffer(90 * 20));
	x.set(bytes(90 * 20, FILLS.random as Fill));
	// A Buffer, as files are read into.
	const rows: Rows = { x, label: Buffer.from(bytes(90, () => below(next, 3))), weight: bytes(90, FILLS.random as Fill), count: 90 };
	const [train, some] = [{ values: x, rows: 180, columns: 10 }, sideOf(50, 10, FILLS.random as Fill)];
	const reference = openReference();
	const warnings: Error[] = [];
	process.once("warning", (warning) => warnings.push(warning));
	const [statistics, nearest] = [await reference.statistics(rows, 20, 3), await reference.nearest(train, some, 4)];
	const jobs = await Promise.all([1, 2, 3].flatMap(() => [backend.statistics(rows, 20, 3), backend.nearest(train, some, 4)]));
	expect(jobs).toEqual([statistics, nearest, statistics, nearest, statistics, nearest]);
	expect(warnings).toEqual([]);
});

test("a job below the bound starts no threads, one above starts them once", async () => {
	const before = workers.length;
	const backend = open({ threads: 2, shareFrom: 1000 });
	const some = sideOf(10, 9, FILLS.random as Fill);
	await backend.nearest(some, some, 1);
	expect(workers.length - before).toBe(0);
	const more = sideOf(20, 9, FILLS.random as Fill);
	await backend.nearest(more, more, 1);
	await backend.nearest(more, more, 1);
	expect(workers.length - before).toBe(2);
});

describe("a job that does not end well", () => {
	/** Seconds of work: each test ends it early. */
	const train = sideOf(60_000, 784, () => 1);
	const some = sideOf(20_000, 784, () => 2);
	const small = sideOf(30, 5, FILLS.random as Fill);
	const expectAlive = async (backend: Backend) => {
		expect(await backend.nearest(small, small, 2)).toEqual(await openReference().nearest(small, small, 2));
	};
	/** Starts the long job and waits until its threads work. */
	const begin = async (backend: Backend, signal?: AbortSignal) => {
		const before = workers.length;
		const job = refusal(() => backend.nearest(train, some, 5, signal));
		while (workers.length - before < 2) await setTimeout(10);
		const own = workers.slice(before);
		await setTimeout(300);
		return { job, own };
	};

	test("a thread that dies is named, and the next job gets another", async () => {
		const backend = open({ threads: 2, shareFrom: 0 });
		const { job, own } = await begin(backend);
		await own[1]?.terminate();
		expect(await job).toEqual({
			code: "DEVICE_LOST",
			message: "wasm: expected a thread to finish its part of nearest, got its end: worker exited with code: 1",
		});
		await expectAlive(backend);
	});

	test("a thread that dies while it waits is replaced", async () => {
		const backend = open({ threads: 2, shareFrom: 0 });
		const before = workers.length;
		await expectAlive(backend);
		await Promise.all(workers.slice(before).map((worker) => worker.terminate()));
		await expectAlive(backend);
	});

	test("an abort ends it with its reason, at once", async () => {
		const backend = open({ threads: 2, shareFrom: 0 });
		const controller = new AbortController();
		const before = workers.length;
		const job = backend.nearest(train, some, 5, controller.signal).catch((reason: unknown) => reason);
		while (workers.length - before < 2) await setTimeout(10);
		await setTimeout(300);
		const [reason, start] = [new Error("enough"), performance.now()];
		controller.abort(reason);
		expect(await job).toBe(reason);
		expect(performance.now() - start).toBeLessThan(5000);
		await expectAlive(backend);
		await expect(backend.nearest(small, small, 2, controller.signal)).rejects.toBe(reason);
	});

	test("on one thread others have their turn, and an abort ends it between parts", async () => {
		const backend = open({ threads: 1 });
		const controller = new AbortController();
		const job = backend.nearest(train, some, 5, controller.signal).catch((reason: unknown) => reason);
		await setTimeout(1);
		const reason = new Error("enough");
		controller.abort(reason);
		expect(await job).toBe(reason);
		await expectAlive(backend);
	});

	test.each([1, 2])("close on %i threads ends it and what waits", async (threads) => {
		const backend = open({ threads, shareFrom: 0 });
		const jobs = [1, 2].map(() => refusal(() => backend.nearest(train, some, 5)));
		await setTimeout(threads === 1 ? 1 : 300);
		const closed = { code: "BACKEND_CLOSED", message: "wasm: the backend is closed" };
		const end = backend.close();
		expect(await refusal(() => backend.nearest(small, small, 2))).toEqual(closed);
		await end;
		expect(await Promise.all(jobs)).toEqual([closed, closed]);
		expect(await refusal(() => backend.nearest(small, small, 2))).toEqual(closed);
	});

	test("an error of a thread keeps its code", async () => {
		const pool = new Pool(2);
		const task = { train: small, test: small, count: 31, arithmetic: "pairwise" } as const;
		expect(await refusal(() => pool.run("nearest", [task, task], () => {}, undefined))).toEqual({
			code: "NEIGHBOURS_OUT_OF_RANGE",
			message: "nearest: expected a number of neighbours in [1, 30], got 31",
		});
		await pool.close();
	});
});

test("a process that forgets to close the backend ends by itself", () => {
	const script = `
		import { openWasm } from ${JSON.stringify(new URL("./backend.ts", import.meta.url).href)};
		const side = { values: new Uint8Array(500), rows: 50, columns: 10 };
		const { indices } = await openWasm({ threads: 2, shareFrom: 0 }).nearest(side, side, 1);
		console.log(indices.length);
	`;
	const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 60_000 });
	expect(output).toBe("50\n");
});

test.each([0, 1.5, 257, Number.NaN])("%d threads are refused", async (threads) => {
	expect(await refusal(() => openWasm({ threads }))).toEqual({
		code: "PARAMETER_OUT_OF_RANGE",
		message: `wasm: expected a number of threads in [1, 256], got ${threads}`,
	});
});
