import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ProverError } from "../errors.ts";
import type { Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import type { JobFamily } from "./family.ts";
import { openJobs, openStore, type Place } from "./open.ts";
import { openServer } from "./server.ts";
import { JobStore, type ProverEntry, type TakenJob } from "./store.ts";
import { PROOFS } from "./submission.ts";
import { type Databases, embeddedDatabases, HAS_SERVER, serverDatabases } from "./testing.ts";

const KEY = "0f".repeat(32);
const OTHER_KEY = "1f".repeat(32);

function job(byte: number, key = KEY): { kind: "groth16"; key: string; octets: Uint8Array } {
	return { kind: "groth16", key, octets: Uint8Array.of(byte, 0, 255, 10) };
}

const SQUARES: JobFamily = {
	name: "squares",
	schema: "openledger_test",
	bossSchema: "openledger_test_boss",
	variable: "OPENLEDGER_SQUARES",
	folder: "squares",
	command: "openledger square",
	check({ kind }) {
		if (kind !== "square") throw new ProverError("jobs.format", `submit: expected kind to be square, got ${kind}`);
	},
};

function prover(keys = [KEY], leaseSeconds = 60): ProverEntry {
	return { id: randomUUID(), name: "test", keys, workers: 1, leaseSeconds };
}

function open(place: Place): Promise<Database> | Database {
	return "database" in place ? openServer(place.database) : openEmbedded(place.directory);
}

const failure = (code: string): unknown => expect.objectContaining({ code });

describe.each([
	["embedded", embeddedDatabases, true],
	["server", serverDatabases, HAS_SERVER],
] as const)("a store in a database that is %s", (_name, make, isAvailable) => {
	describe.skipIf(!isAvailable)("", () => {
		let databases: Databases;
		let place: Place;
		let database: Database;
		let store: JobStore;
		let me: ProverEntry;
		beforeAll(async () => {
			databases = await make();
		});
		afterAll(async () => databases?.close());
		beforeEach(async () => {
			place = await databases.place();
			database = await open(place);
			store = await JobStore.open(database);
			me = prover([KEY, OTHER_KEY]);
			await store.register(me);
		});
		afterEach(async () => store.close());

		const take = async (): Promise<TakenJob> => (await store.take(me)) as TakenJob;

		it("accepts a job once: the same again is the same job, with the same result for ever", async () => {
			const first = await store.submit(job(1));
			expect(first).toEqual({ id: first.id, state: "waiting", isNew: true });
			expect(await store.submit(job(1))).toEqual({ ...first, isNew: false });
			const taken = await take();
			expect(taken).toMatchObject({ id: first.id, kind: "groth16", key: KEY, attempt: 0, priority: 0 });
			expect([...taken.octets]).toEqual([1, 0, 255, 10]);
			expect(await store.submit(job(1))).toEqual({ id: first.id, state: "running", isNew: false });
			expect(await store.take(me)).toBeUndefined();
			expect(await store.complete(taken, "me", { proof: 5n }, { prove: 7 })).toBe(true);
			expect(await store.submit(job(1))).toEqual({ id: first.id, state: "proven", isNew: false });
			expect(await store.take(me)).toBeUndefined();
			expect(await store.result(first.id)).toMatchObject({ result: { proof: "5" }, timings: { prove: 7 }, prover: "me", attempts: 1 });
		});

		it("deletes the witness with the proof's transaction", async () => {
			await store.submit(job(1));
			const taken = await take();
			expect(await count("witness")).toBe(1);
			await store.complete(taken, "me", {}, {});
			expect(await count("witness")).toBe(0);
			expect(await count("proof")).toBe(1);
		});

		it("takes an id, and refuses it for other content", async () => {
			const id = randomUUID();
			expect((await store.submit({ ...job(1), id })).id).toBe(id);
			expect(await store.submit({ ...job(1), id })).toMatchObject({ id, isNew: false });
			await expect(store.submit({ ...job(2), id })).rejects.toThrow(failure("jobs.conflict"));
			await expect(store.submit({ ...job(1, OTHER_KEY), id })).rejects.toThrow(failure("jobs.conflict"));
			await expect(store.submit({ ...job(1), id: id.toUpperCase() })).rejects.toThrow(failure("jobs.format"));
			await expect(store.submit({ ...job(3), priority: 1001 })).rejects.toThrow(failure("jobs.format"));
			expect((await store.status()).counts.waiting).toBe(1);
		});

		it("refuses more waiting jobs than the limit, exactly, also at the same time", async () => {
			const answers = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => store.submit({ ...job(i), limit: 5 })));
			expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
			for (const answer of answers) if (answer.status === "rejected") expect(answer.reason).toEqual(failure("jobs.full"));
			await expect(store.submit({ ...job(100), limit: 5 })).rejects.toThrow(failure("jobs.full"));
			await take();
			await store.submit({ ...job(100), limit: 5 });
		});

		it("hands out by priority over all keys, then in the order of submission, and only jobs of the prover's keys", async () => {
			await store.submit(job(1));
			await store.submit({ ...job(2, OTHER_KEY), priority: 5 });
			await store.submit({ ...job(3), priority: 5 });
			await store.submit({ ...job(4), priority: -5 });
			await store.submit({ ...job(5, "2f".repeat(32)), priority: 9 });
			const order: number[] = [];
			for (let next = await store.take(me); next; next = await store.take(me)) order.push(next.octets[0] as number);
			expect(order).toEqual([2, 3, 1, 4]);
			expect((await store.status()).keysWithoutProver).toEqual([{ key: "2f".repeat(32), waiting: 1 }]);
		});

		it("tries again until the attempts are used up, then sets aside with the reason; retry gives one more", async () => {
			const { id } = await store.submit({ ...job(1), attempts: 2 });
			expect(await store.fail(await take(), { code: "pool.crashed", message: "first" }, false)).toBe("waiting");
			expect(await store.find(id)).toMatchObject({ state: "waiting", attempts: 1, error: { code: "pool.crashed", message: "first" } });
			expect(await store.fail(await take(), { code: "engine.failed", message: "second" }, false)).toBe("poisoned");
			expect(await store.take(me)).toBeUndefined();
			const { counts, poisoned } = await store.status();
			expect(counts).toEqual({ waiting: 0, running: 0, proven: 0, poisoned: 1 });
			expect(poisoned).toMatchObject([{ id, attempts: 2, error: { code: "engine.failed", message: "second" } }]);
			await expect(store.result(id)).rejects.toThrow(failure("jobs.poisoned"));
			await store.retry(id);
			const again = await take();
			await expect(store.retry(id)).rejects.toThrow(failure("jobs.state"));
			expect(await store.complete(again, "me", {}, {})).toBe(true);
			expect(await store.result(id)).toMatchObject({ attempts: 3 });
		});

		it("sets a final failure aside at once", async () => {
			const { id } = await store.submit(job(1));
			expect(await store.fail(await take(), { code: "witness.unsatisfied", message: "no" }, true)).toBe("poisoned");
			expect(await store.find(id)).toMatchObject({ state: "poisoned", attempts: 1, error: { code: "witness.unsatisfied" } });
		});

		it("takes a job back without counting the attempt", async () => {
			const { id } = await store.submit({ ...job(1), attempts: 2 });
			for (let i = 0; i < 3; i++) await store.release(await take());
			expect(await store.find(id)).toMatchObject({ state: "waiting", attempts: 0 });
			expect(await store.fail(await take(), { code: "pool.crashed", message: "first" }, false)).toBe("waiting");
			await store.release(await take());
			expect(await store.fail(await take(), { code: "pool.crashed", message: "second" }, false)).toBe("poisoned");
			expect(await store.find(id)).toMatchObject({ state: "poisoned", attempts: 2 });
		});

		it("gives a job whose lease ran out to the next prover, and stores nothing of the late one", async () => {
			await store.close();
			database = await open(place);
			store = await JobStore.open(database, { superviseSeconds: 1 });
			const { id } = await store.submit(job(1));
			const slow = prover([KEY], 2);
			await store.register(slow);
			const late = (await store.take(slow)) as TakenJob;
			expect(await store.beat(slow, [late])).toEqual({ lost: [], drain: false });
			let next: TakenJob | undefined;
			for (let i = 0; i < 100 && !next; i++) {
				await delay(100);
				next = await store.take(me);
			}
			expect(next).toMatchObject({ id, attempt: 1 });
			expect(await store.beat(slow, [late])).toEqual({ lost: [id], drain: false });
			expect(await store.complete(late, "slow", { by: "slow" }, {})).toBe(false);
			expect(await store.fail(late, { code: "pool.crashed", message: "late" }, true)).toBeUndefined();
			await store.release(late);
			expect(await store.find(id)).toMatchObject({ state: "running", error: { code: "jobs.lost" } });
			expect(await store.complete(next as TakenJob, "me", { by: "me" }, {})).toBe(true);
			expect(await store.complete(late, "slow", { by: "slow" }, {})).toBe(false);
			expect(await store.complete(next as TakenJob, "me", { by: "me" }, {})).toBe(true);
			expect(await count("proof")).toBe(1);
			expect((await store.result(id))?.result).toEqual({ by: "me" });
		});

		it("forgets a job whatever it is doing, but a proof only when told so", async () => {
			const [{ id: waiting }, { id: running }] = [await store.submit({ ...job(1), priority: -1 }), await store.submit(job(2))];
			const taken = await take();
			await store.forget(waiting, { proven: false });
			await store.forget(running, { proven: false });
			expect(await store.beat(me, [taken])).toMatchObject({ lost: [running] });
			expect(await store.complete(taken, "me", {}, {})).toBe(false);
			await expect(store.find(running)).rejects.toThrow(failure("jobs.unknown"));
			const { id: proven } = await store.submit(job(3));
			await store.complete(await take(), "me", {}, {});
			await expect(store.forget(proven, { proven: false })).rejects.toThrow(failure("jobs.state"));
			expect(await store.result(proven)).toBeDefined();
			expect(await store.purge(1)).toBe(0);
			await store.forget(proven, { proven: true });
			await expect(store.find(proven)).rejects.toThrow(failure("jobs.unknown"));
			expect([await count("job"), await count("witness"), await count("attempt"), await count("proof")]).toEqual([0, 0, 0, 0]);
		});

		it("tells provers to drain, once each", async () => {
			await store.register(prover());
			expect(await store.beat(me, [])).toEqual({ lost: [], drain: false });
			expect(await store.drain()).toBe(2);
			expect(await store.beat(me, [])).toEqual({ lost: [], drain: true });
			expect(await store.drain()).toBe(0);
			await store.unregister(me);
			expect((await store.status()).provers).toMatchObject([{ name: "test", draining: true, workers: 1 }]);
		});

		it("keeps families of jobs apart, with tables, limits and draining of their own", async () => {
			await store.submit({ ...job(1), limit: 1 });
			const isEmbedded = "directory" in place;
			// An embedded database has one store at a time.
			if (isEmbedded) await store.close();
			const others = await JobStore.open(await open(place), { family: SQUARES });
			const squarer = prover(["squares"]);
			await others.register(squarer);
			const { id } = await others.submit({ kind: "square", key: "squares", octets: Uint8Array.of(3), limit: 1 });
			await expect(others.submit(job(2))).rejects.toThrow(failure("jobs.format"));
			expect(await others.take(prover([KEY, "squares"]))).toMatchObject({ id, kind: "square", key: "squares" });
			expect((await others.status()).counts).toEqual({ waiting: 0, running: 1, proven: 0, poisoned: 0 });
			expect(await others.drain()).toBe(1);
			await others.close();
			if (isEmbedded) store = await JobStore.open(await open(place));
			await expect(store.submit({ kind: "square", key: "squares", octets: Uint8Array.of(3) })).rejects.toThrow(failure("jobs.format"));
			expect((await store.status()).counts).toEqual({ waiting: 1, running: 0, proven: 0, poisoned: 0 });
			await expect(store.find(id)).rejects.toThrow(failure("jobs.unknown"));
		});

		it("keeps the remedy with the reason", async () => {
			const { id } = await store.submit(job(1));
			const error = { code: "SHAPE_MISMATCH", message: "no", hint: "Pass another." };
			await store.fail(await take(), error, true);
			expect((await store.find(id)).error).toEqual(error);
			await expect(store.result(id)).rejects.toMatchObject({ hint: `Pass another.; openledger pool retry ${id} tries once more` });
		});

		it("answers another opener of the same place, who sees and submits the same jobs", async () => {
			await store.close();
			store = await openStore(place);
			await store.register(prover());
			const other = await openJobs(place);
			const { id } = await other.submit({ ...job(7), priority: 3 });
			expect(await store.find(id)).toEqual(await other.find(id));
			expect(await other.result(id)).toBeUndefined();
			expect([...(await take()).octets]).toEqual([7, 0, 255, 10]);
			await expect(other.submit({ ...job(8), id })).rejects.toThrow(failure("jobs.conflict"));
			await expect(other.find(randomUUID())).rejects.toThrow(failure("jobs.unknown"));
			await other.forget(id, { proven: false });
			expect((await other.status()).counts).toEqual({ waiting: 0, running: 0, proven: 0, poisoned: 0 });
			expect(await other.drain()).toBeGreaterThan(0);
			await other.close();
		});

		async function count(table: string): Promise<number> {
			return (await database.executeSql(`SELECT count(*)::int FROM ${PROOFS.schema}.${table}`)).rows[0]?.count;
		}
	});
});

describe("an embedded store", () => {
	let databases: Databases;
	beforeAll(async () => {
		databases = await embeddedDatabases();
	});
	afterAll(() => databases.close());

	it("has one owner at a time", async () => {
		const place = await databases.place();
		const store = await openStore(place);
		await expect(openStore(place)).rejects.toThrow(failure("jobs.owned"));
		await store.close();
		await (await openStore(place)).close();
	});

	it("says so when its owner keeps other jobs there", async () => {
		const place = await databases.place();
		const store = await openStore(place, { family: SQUARES });
		await expect(openJobs(place)).rejects.toMatchObject({
			code: "jobs.owned",
			message: expect.stringContaining("which keeps squares there"),
		});
		await (await openJobs(place, SQUARES)).close();
		await store.close();
	});

	it("lets the jobs of a dead owner wait again at once, and counts the attempt", async () => {
		const place = await databases.place();
		const first = await openStore(place);
		const me = prover();
		await first.register(me);
		const { id } = await first.submit(job(1));
		const taken = (await first.take(me)) as TakenJob;
		await first.close();
		const second = await openStore(place);
		expect(await second.find(id)).toMatchObject({ state: "waiting", attempts: 1, error: { code: "jobs.lost" } });
		expect(await second.complete(taken, "late", {}, {})).toBe(false);
		expect(await second.take(me)).toMatchObject({ id, attempt: 1 });
		expect((await second.status()).provers).toEqual([]);
		await second.close();
	});
});

it("names a server that does not answer", async () => {
	await expect(openJobs({ database: "postgres://nobody:secret@127.0.0.1:9/none" })).rejects.toThrow(
		expect.objectContaining({ code: "jobs.database", message: expect.not.stringContaining("secret") }),
	);
});
