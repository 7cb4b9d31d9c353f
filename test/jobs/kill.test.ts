/**
 * The daemon is killed with SIGKILL at several moments, on both databases: no accepted job is lost, none has two proofs, and every proof is good
 * in snarkjs.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import * as snarkjs from "snarkjs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { keyDigest } from "../../prover/jobs/keys.ts";
import { openJobs, type Place } from "../../prover/jobs/open.ts";
import { groth16Submission } from "../../prover/jobs/submission.ts";
import { type Databases, embeddedDatabases, HAS_SERVER, serverDatabases } from "../../prover/jobs/testing.ts";
import type { JobResult, Jobs } from "../../prover/jobs/view.ts";
import { chainWitness, makePlainKey } from "../../prover/pool/chain.ts";
import { Daemon } from "./daemon.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const LEASE = ["--lease", "3"];

let root: string;
let zkey: string;
let key: string;
let witnesses: Uint8Array[];
let verificationKey: unknown;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-kill-"));
	const chain = await makePlainKey(6, { root });
	({ zkey } = chain);
	key = await keyDigest(zkey);
	witnesses = [];
	for (let i = 1n; i <= 20n; i++) witnesses.push(await chainWitness(chain.circuit, i));
	verificationKey = await (snarkjs.zKey as unknown as { exportVerificationKey(path: string): Promise<unknown> }).exportVerificationKey(
		zkey,
	);
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

async function isGood({ result }: JobResult): Promise<boolean> {
	const { proof, publicSignals } = result as { proof: unknown; publicSignals: string[] };
	return snarkjs.groth16.verify(verificationKey, publicSignals, proof);
}

describe.each([
	["embedded", embeddedDatabases, true],
	["server", serverDatabases, HAS_SERVER],
] as const)("with a database that is %s", (name, make, isAvailable) => {
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

		const pool = (...args: string[]): Daemon => {
			const daemon = new Daemon(args, place, { OPENLEDGER_CACHE: root });
			daemons.push(daemon);
			return daemon;
		};
		const ask = async <Value>(work: (jobs: Jobs) => Promise<Value>): Promise<Value> => {
			const jobs = await openJobs(place);
			try {
				return await work(jobs);
			} finally {
				await jobs.close();
			}
		};
		const submit = (count: number): Promise<string[]> =>
			ask(async (jobs) => {
				const ids: string[] = [];
				for (const witness of witnesses.slice(0, count)) ids.push((await jobs.submit(groth16Submission(key, witness))).id);
				return ids;
			});
		/** Runs a fresh daemon until all is proven, and checks every proof. */
		const finish = async (ids: readonly string[]): Promise<JobResult[]> => {
			const left = ids.length - (await ask((jobs) => jobs.status())).counts.proven;
			const daemon = pool("start", ...LEASE);
			await daemon.says(new RegExp(`ready(?:[\\s\\S]*? proven in){${left}}`));
			expect(await daemon.kill("SIGTERM")).toBe(0);
			const results = await ask(async (jobs) => {
				expect((await jobs.status()).counts).toEqual({ waiting: 0, running: 0, proven: ids.length, poisoned: 0 });
				return Promise.all(ids.map((id) => jobs.result(id) as Promise<JobResult>));
			});
			for (const result of results) expect(await isGood(result)).toBe(true);
			return results;
		};

		it("loses no job that was accepted just before", async () => {
			const daemon = pool("start", "--workers", "1", ...LEASE);
			await daemon.says(/ready/);
			const ids = await submit(3);
			await daemon.kill();
			await finish(ids);
		});

		it("takes a job over that was in mid-proof, and proves completed ones no more", async () => {
			const ids = await submit(4);
			const daemon = pool("start", "--workers", "1", ...LEASE);
			await daemon.says(/proven in/);
			await daemon.says(/proven in.*phase prove/s);
			await daemon.kill();
			const before = await ask((jobs) => Promise.all(ids.map((id) => jobs.result(id))));
			expect(before.filter(Boolean).length).toBeGreaterThan(0);
			const after = await finish(ids);
			for (const [index, result] of before.entries()) if (result) expect(after[index]).toEqual(result);
		});

		it("survives a kill between proof and store", async () => {
			const ids = await submit(2);
			// The server is kept from storing, so that the moment is certain; an embedded database is hit near it.
			const blocker = "database" in place ? new pg.Client({ connectionString: place.database }) : undefined;
			await blocker?.connect();
			await blocker?.query("BEGIN; LOCK TABLE openledger_jobs.proof IN SHARE MODE");
			const daemon = pool("start", "--workers", "1", ...LEASE);
			await daemon.says(/ storing/);
			await daemon.kill();
			await blocker?.query("ROLLBACK");
			await blocker?.end();
			const results = await finish(ids);
			if (name === "server") expect(Math.max(...results.map(({ attempts }) => attempts))).toBe(2);
		});

		it("loses nothing when it is killed again and again", async () => {
			const ids = await submit(12);
			for (const pause of [300, 700, 1500]) {
				const daemon = pool("start", "--workers", "2", ...LEASE);
				await daemon.says(/ready/);
				await delay(pause);
				await daemon.kill();
			}
			await finish(ids);
		});

		it("drains at SIGTERM: what runs is finished, what waits stays, and it ends by itself", async () => {
			const ids = await submit(10);
			const daemon = pool("start", "--workers", "1", "--lease", "60");
			await daemon.says(/phase prove/);
			expect(await daemon.kill("SIGTERM")).toBe(0);
			const { counts, provers } = await ask((jobs) => jobs.status());
			expect(counts.proven).toBeGreaterThan(0);
			expect(counts).toEqual({ waiting: ids.length - counts.proven, running: 0, proven: counts.proven, poisoned: 0 });
			expect(provers).toEqual([]);
		});

		it("gives back at the second signal what it would have finished after the first, and the attempt does not count", async () => {
			const chain = await makeChain(11, { root });
			const large = groth16Submission(await keyDigest(chain.zkey), await chain.witness(1n));
			const { id } = await ask((jobs) => jobs.submit(large));
			const daemon = pool("start", "--workers", "1", "--lease", "60");
			await daemon.says(/phase prove/);
			daemon.signal("SIGTERM");
			await daemon.says(/draining/);
			expect(await daemon.kill("SIGTERM")).toBe(0);
			expect(daemon.output).toContain("0 proven, 0 failed attempts, 1 given back");
			expect(await ask((jobs) => jobs.find(id))).toMatchObject({ state: "waiting", attempts: 0 });
		});

		it("drains when another process says so, and runs --until-empty", async () => {
			const daemon = pool("start", "--workers", "1");
			await daemon.says(/ready/);
			const drain = pool("drain", "--wait");
			expect(await drain.end()).toBe(0);
			expect(await daemon.end()).toBe(0);
			const ids = await submit(2);
			expect(await pool("start", "--until-empty").end()).toBe(0);
			expect((await ask((jobs) => jobs.status())).counts.proven).toBe(ids.length);
		});

		it("sets aside a witness that does not satisfy the circuit, and goes on", async () => {
			const wrong = Uint8Array.from(witnesses[0] as Uint8Array);
			wrong[wrong.length - 32] = (wrong[wrong.length - 32] as number) ^ 1;
			const file = join(root, "wrong.wtns");
			await writeFile(file, wrong);
			const good = join(root, "good.wtns");
			await writeFile(good, witnesses[0] as Uint8Array);
			const submitted = pool("submit", "--key", zkey, "--wtns", file, good);
			expect(await submitted.end()).toBe(0);
			expect(await pool("start", "--until-empty").end()).toBe(0);
			const { counts, poisoned } = await ask((jobs) => jobs.status());
			expect(counts).toEqual({ waiting: 0, running: 0, proven: 1, poisoned: 1 });
			expect(poisoned).toMatchObject([{ attempts: 1, error: { code: "witness.unsatisfied" } }]);
			const proof = join(root, "proof.json");
			const id = submitted.output.trim().split("\n")[1]?.split(" ")[0] as string;
			expect(await pool("result", id, "--proof", proof, "--public", join(root, "public.json"), "--forget").end()).toBe(0);
			const [made, signals] = await Promise.all(
				[proof, join(root, "public.json")].map(async (path) => JSON.parse(await readFile(path, "utf8"))),
			);
			expect(await snarkjs.groth16.verify(verificationKey, signals, made)).toBe(true);
			await expect(ask((jobs) => jobs.find(id))).rejects.toThrow(expect.objectContaining({ code: "jobs.unknown" }));
		});
	});
});

describe.skipIf(!HAS_SERVER)("two daemons on one server", () => {
	it("share 20 jobs, each proven once", async () => {
		const databases = await serverDatabases();
		try {
			const place = await databases.place();
			const jobs = await openJobs(place);
			for (const witness of witnesses) await jobs.submit(groth16Submission(key, witness));
			const daemons = [1, 2].map(() => new Daemon(["start", "--workers", "1", "--until-empty"], place, { OPENLEDGER_CACHE: root }));
			expect(await Promise.all(daemons.map((daemon) => daemon.end()))).toEqual([0, 0]);
			expect((await jobs.status()).counts).toEqual({ waiting: 0, running: 0, proven: 20, poisoned: 0 });
			await jobs.close();
			const proven = daemons.map(({ output }) => [...output.matchAll(/(\S+) proven in/g)].map(([, id]) => id as string));
			expect(new Set(proven.flat()).size).toBe(20);
			expect(proven.flat()).toHaveLength(20);
			for (const share of proven) expect(share.length).toBeGreaterThan(0);
		} finally {
			await databases.close();
		}
	});
});
