/**
 * The persistent job store: pg-boss' queue on PostgreSQL, embedded or a server, and our tables beside it (schema.ts).
 *
 * One queue for each key; a prover takes from the queues of the keys that it has. What is promised, at whatever moment a process is killed:
 *
 * - **No accepted job is lost.** `submit` returns after the commit of one transaction with the job and its witness.
 * - **No job is proven twice**, which means: a job has at most one proof, for ever the same (`proof.job_id` is a primary key; the proof is stored,
 *   the job completed and the witness deleted in one transaction); a completed job is never taken again. Work is repeated in one case:
 *   when its prover dies or falls silent before that transaction, the attempt is lost and another one begins.
 * - **A late finisher changes nothing.** A prover has a lease, renewed by its heartbeat. pg-boss gives a job whose lease ran out to the next
 *   prover under a higher attempt number, and completion is fenced by that number: the late transaction matches no row and stores nothing.
 */
import { PgBoss } from "pg-boss";
import { ProverError } from "../errors.ts";
import type { Database, Row, Sql } from "./database.ts";
import type { JobFamily } from "./family.ts";
import { buildTables } from "./schema.ts";
import { readStatus, viewJob } from "./status.ts";
import { contentDigest, contentId, PROOFS } from "./submission.ts";
import {
	ATTEMPTS,
	type JobError,
	type JobResult,
	type Jobs,
	type JobView,
	type Status,
	type Submit,
	type Submitted,
	WAITING_LIMIT,
} from "./view.ts";

/** A job in the hands of a prover. */
export interface TakenJob {
	readonly id: string;
	readonly kind: string;
	readonly key: string;
	readonly octets: Uint8Array;
	readonly priority: number;
	/** number of this attempt: the fence of everything that its prover says about the job */
	readonly attempt: number;
}

/** A prover as it registers. */
export interface ProverEntry {
	/** UUID of this run */
	readonly id: string;
	/** for people: host and process */
	readonly name: string;
	readonly keys: readonly string[];
	readonly workers: number;
	/** seconds without a heartbeat after which others take its jobs over, at least {@link LEASE_MIN} */
	readonly leaseSeconds: number;
}

/** What a heartbeat learns. */
export interface Beat {
	/** jobs that are no longer this prover's */
	readonly lost: readonly string[];
	/** somebody told this prover to finish */
	readonly drain: boolean;
}

export interface StoreOptions {
	/** default: proofs */
	readonly family?: JobFamily;
	/** looks after the leases of all jobs at this interval, in seconds; left out by who only submits or asks */
	readonly superviseSeconds?: number;
	/** hears of failures of the background work, which is tried again */
	readonly onError?: (error: Error) => void;
}

export const LEASE_MIN = 2;

/** pg-boss deletes jobs that waited for so long; this is the longest it can count, 68 years. */
const FOREVER_SECONDS = 2 ** 31 - 1;
/** The longest that pg-boss lets one attempt run. */
const ATTEMPT_SECONDS = 86_400;
/** Advisory lock of whoever submits, an arbitrary number: the limit of waiting jobs is exact. */
const SUBMIT_LOCK = 6_174_002;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The store of one database. */
export class JobStore implements Jobs {
	readonly #database: Database;
	readonly #boss: PgBoss;
	readonly #family: JobFamily;
	readonly #schema: string;
	readonly #bossSchema: string;
	readonly #queues = new Set<string>();

	private constructor(database: Database, boss: PgBoss, family: JobFamily) {
		this.#database = database;
		this.#boss = boss;
		this.#family = family;
		this.#schema = family.schema;
		this.#bossSchema = family.bossSchema;
	}

	/**
	 * Opens a store and builds its tables where they are missing. In an embedded database nobody else can be at work, so jobs that run there
	 * according to the record were those of a process that died, and wait again at once.
	 * @param database is closed with the store, or when this fails
	 * @throws ProverError `jobs.database`
	 */
	static async open(database: Database, { family = PROOFS, superviseSeconds, onError }: StoreOptions = {}): Promise<JobStore> {
		try {
			await buildTables(database, family);
			const seconds = superviseSeconds ?? 60;
			const boss = new PgBoss({
				db: database,
				schema: family.bossSchema,
				backend: database.kind === "embedded" ? "pglite" : "postgres",
				schedule: false,
				supervise: superviseSeconds !== undefined,
				superviseIntervalSeconds: seconds,
				monitorIntervalSeconds: seconds,
			});
			boss.on("error", (error) => onError?.(error));
			await boss.start();
			const store = new JobStore(database, boss, family);
			if (database.kind === "embedded") await store.#recover();
			return store;
		} catch (error) {
			await database.close();
			throw error;
		}
	}

	async submit(job: Submit): Promise<Submitted> {
		this.#family.check(job);
		const { kind, key, octets, priority = 0, limit = WAITING_LIMIT, attempts = ATTEMPTS } = job;
		integerIn("priority", priority, -1000, 1000);
		integerIn("limit", limit, 1, 1_000_000);
		integerIn("attempts", attempts, 1, 100);
		const id = job.id ?? contentId(job);
		if (!UUID.test(id)) throw new ProverError("jobs.format", `submit: expected the id to be a UUID in lower case, got ${id}`);
		await this.#ensureQueue(key);
		const content = contentDigest(job);
		return this.#database.transaction(async (sql) => {
			await sql.executeSql("SELECT pg_advisory_xact_lock($1)", [SUBMIT_LOCK]);
			const [known] = (await sql.executeSql(`SELECT content FROM ${this.#schema}.job WHERE id = $1`, [id])).rows;
			if (known) {
				if (content.equals(known.content)) return { id, state: (await viewJob(sql, this.#family, id)).state, isNew: false };
				throw new ProverError("jobs.conflict", `submit: expected ${id} to be a new job or the same, got other content`, {
					hint: "leave the id out: it then follows from the content",
				});
			}
			const [{ waiting } = { waiting: 0 }] = (
				await sql.executeSql(`SELECT count(*)::int AS waiting FROM ${this.#bossSchema}.job WHERE state < 'active'`)
			).rows;
			if (waiting >= limit) {
				throw new ProverError("jobs.full", `submit: expected less than ${limit} waiting jobs, got ${waiting}`, {
					hint: "submit again when some are done, start more processes that run them, or raise the limit",
				});
			}
			await sql.executeSql(`INSERT INTO ${this.#schema}.job (id, kind, key, content) VALUES ($1, $2, $3, $4)`, [id, kind, key, content]);
			await sql.executeSql(`INSERT INTO ${this.#schema}.witness (job_id, octets) VALUES ($1, $2)`, [id, octets]);
			await this.#boss.send(key, null, { id, priority, retryLimit: attempts - 1, db: sql });
			return { id, state: "waiting", isNew: true };
		});
	}

	async find(id: string): Promise<JobView> {
		return viewJob(this.#database, this.#family, checkId(id));
	}

	async result(id: string): Promise<JobResult | undefined> {
		const view = await this.find(id);
		if (view.state === "poisoned") {
			throw new ProverError(
				"jobs.poisoned",
				`result: expected a result of ${id}, got ${view.attempts} failed attempts: ${view.error?.message}`,
				{
					hint: [view.error?.hint, `${this.#family.command} retry ${id} tries once more`].filter(Boolean).join("; "),
				},
			);
		}
		const [row] = (await this.#database.executeSql(`SELECT * FROM ${this.#schema}.proof WHERE job_id = $1`, [id])).rows;
		if (!row) return undefined;
		const { result, timings, prover, stored_at } = row;
		const { kind, key, attempts } = view;
		return { id, kind, key, result, timings, attempts, prover, storedAt: stored_at.toISOString() };
	}

	async status(): Promise<Status> {
		return readStatus(this.#database, this.#family);
	}

	async retry(id: string): Promise<void> {
		const { key, state } = await this.find(id);
		const affected = affectedBy(await this.#boss.retry(key, id));
		if (affected === 0) throw new ProverError("jobs.state", `retry: expected ${id} to be poisoned, got a job that is ${state}`);
	}

	async forget(id: string, { proven }: { readonly proven: boolean }): Promise<void> {
		const { key } = await this.find(id);
		await this.#database.transaction(async (sql) => {
			await this.#boss.deleteJob(key, id, { db: sql });
			// The row above is gone or locked: no proof can be stored from here on.
			const { rows } = await sql.executeSql(`SELECT 1 FROM ${this.#schema}.proof WHERE job_id = $1`, [id]);
			if (rows.length > 0 && !proven) {
				throw new ProverError("jobs.state", `cancel: expected ${id} to be unfinished, got a job with a result`, {
					hint: `${this.#family.command} result ${id} --forget prints the result and removes the job`,
				});
			}
			await sql.executeSql(`DELETE FROM ${this.#schema}.job WHERE id = $1`, [id]);
		});
	}

	async drain(): Promise<number> {
		const { rows } = await this.#database.executeSql(`UPDATE ${this.#schema}.prover SET draining = true WHERE NOT draining RETURNING id`);
		return rows.length;
	}

	/**
	 * Forgets proven jobs whose proof is older than so many days.
	 * @returns how many
	 */
	async purge(days: number): Promise<number> {
		const { rows } = await this.#database.executeSql(
			`SELECT job_id FROM ${this.#schema}.proof WHERE stored_at < now() - $1 * interval '1 day' LIMIT 1000`,
			[days],
		);
		for (const { job_id } of rows) await this.forget(job_id, { proven: true });
		return rows.length;
	}

	/** Puts a prover on record, and removes those that are long silent. */
	async register({ id, name, keys, workers }: ProverEntry): Promise<void> {
		for (const key of keys) await this.#ensureQueue(key);
		await this.#database.executeSql(`DELETE FROM ${this.#schema}.prover WHERE seen_at < now() - interval '1 day'`);
		await this.#database.executeSql(`INSERT INTO ${this.#schema}.prover (id, name, keys, workers) VALUES ($1, $2, $3, $4)`, [
			id,
			name,
			[...keys],
			workers,
		]);
	}

	async unregister(prover: ProverEntry): Promise<void> {
		await this.#database.executeSql(`DELETE FROM ${this.#schema}.prover WHERE id = $1`, [prover.id]);
	}

	/** Renews the leases of a prover. */
	async beat(prover: ProverEntry, running: readonly TakenJob[]): Promise<Beat> {
		const { rows } = await this.#database.executeSql(`UPDATE ${this.#schema}.prover SET seen_at = now() WHERE id = $1 RETURNING draining`, [
			prover.id,
		]);
		const lost: string[] = [];
		for (const job of running) {
			const affected = affectedBy(await this.#boss.touch(job.key, fence(job)));
			if (affected === 0) lost.push(job.id);
		}
		return { lost, drain: rows[0]?.draining ?? false };
	}

	/**
	 * Takes the first waiting job of a prover's keys: highest priority, then longest in the store.
	 * @returns undefined when there is none
	 */
	async take(prover: ProverEntry): Promise<TakenJob | undefined> {
		return this.#database.transaction(async (sql) => {
			const [first] = (
				await sql.executeSql(
					`SELECT name FROM ${this.#bossSchema}.job WHERE state < 'active' AND start_after <= now() AND name = ANY($1::text[])
					 ORDER BY priority DESC, created_on LIMIT 1`,
					[[...prover.keys]],
				)
			).rows;
			if (!first) return undefined;
			const [claim] = await this.#boss.fetch(first.name, { includeMetadata: true, db: sql });
			// Another prover was quicker; the caller asks again.
			if (!claim) return undefined;
			const { id, retryCount: attempt, priority } = claim;
			await sql.executeSql(`UPDATE ${this.#bossSchema}.job SET heartbeat_seconds = $2 WHERE id = $1`, [id, prover.leaseSeconds]);
			await endAttempts(sql, this.#family, id);
			await sql.executeSql(`INSERT INTO ${this.#schema}.attempt (job_id, number, prover) VALUES ($1, $2, $3)`, [id, attempt, prover.name]);
			const [row] = (
				await sql.executeSql(
					`SELECT kind, key, octets FROM ${this.#schema}.job JOIN ${this.#schema}.witness ON job_id = id WHERE id = $1`,
					[id],
				)
			).rows as [Row];
			return { id, kind: row.kind, key: row.key, octets: row.octets, priority, attempt };
		});
	}

	/** Says which step an attempt is at. */
	async reach(job: TakenJob, phase: string): Promise<void> {
		await this.#database.executeSql(`UPDATE ${this.#schema}.attempt SET phase = $3 WHERE job_id = $1 AND number = $2`, [
			job.id,
			job.attempt,
			phase,
		]);
	}

	/**
	 * Stores a proof and completes its job. May be called again when it is not known whether it succeeded.
	 * @returns false when the job is no longer this attempt's: nothing is stored then
	 */
	async complete(job: TakenJob, proverName: string, result: unknown, timings: Readonly<Record<string, number>>): Promise<boolean> {
		return this.#database.transaction(async (sql) => {
			const affected = affectedBy(await this.#boss.complete(job.key, fence(job), null, { db: sql }));
			if (affected === 0) {
				const { rows } = await sql.executeSql(`SELECT 1 FROM ${this.#schema}.proof WHERE job_id = $1 AND attempt = $2`, [
					job.id,
					job.attempt,
				]);
				return rows.length > 0;
			}
			await sql.executeSql(`INSERT INTO ${this.#schema}.proof (job_id, attempt, prover, result, timings) VALUES ($1, $2, $3, $4, $5)`, [
				job.id,
				job.attempt,
				proverName,
				json(result),
				json(timings),
			]);
			await sql.executeSql(`DELETE FROM ${this.#schema}.witness WHERE job_id = $1`, [job.id]);
			await sql.executeSql(`UPDATE ${this.#schema}.attempt SET ended_at = now() WHERE job_id = $1 AND number = $2`, [job.id, job.attempt]);
			return true;
		});
	}

	/**
	 * Ends an attempt that failed.
	 * @param isFinal whether another attempt would fail alike: the job is set aside at once
	 * @returns the state of the job; undefined when it is no longer this attempt's
	 */
	async fail(job: TakenJob, error: JobError, isFinal: boolean): Promise<"waiting" | "poisoned" | undefined> {
		return this.#database.transaction(async (sql) => {
			if (isFinal) {
				await sql.executeSql(
					`UPDATE ${this.#bossSchema}.job SET retry_limit = retry_count WHERE id = $1 AND state = 'active' AND retry_count = $2`,
					[job.id, job.attempt],
				);
			}
			const affected = affectedBy(await this.#boss.fail(job.key, fence(job), error, { db: sql }));
			if (affected === 0) return undefined;
			await endAttempts(sql, this.#family, job.id, error);
			return (await viewJob(sql, this.#family, job.id)).state as "waiting" | "poisoned";
		});
	}

	/** Gives a job back unfinished: it waits again, and this attempt does not count. */
	async release(job: TakenJob): Promise<void> {
		await this.#database.transaction(async (sql) => {
			const { rows } = await sql.executeSql(
				`UPDATE ${this.#bossSchema}.job SET state = 'created', retry_limit = retry_limit + 1
				 WHERE id = $1 AND state = 'active' AND retry_count = $2 RETURNING id`,
				[job.id, job.attempt],
			);
			if (rows.length > 0)
				await sql.executeSql(`DELETE FROM ${this.#schema}.attempt WHERE job_id = $1 AND number = $2`, [job.id, job.attempt]);
		});
	}

	/** Ends the connection. Jobs that run are not touched: their prover has released or completed them. */
	async close(): Promise<void> {
		await this.#boss.stop({ graceful: false, close: false });
		await this.#database.close();
	}

	async #ensureQueue(key: string): Promise<void> {
		if (this.#queues.has(key)) return;
		await this.#boss.createQueue(key, {
			retentionSeconds: FOREVER_SECONDS,
			deleteAfterSeconds: 0,
			expireInSeconds: ATTEMPT_SECONDS,
			retryDelay: 0,
		});
		this.#queues.add(key);
	}

	async #recover(): Promise<void> {
		const { rows } = await this.#database.executeSql(`SELECT id, name FROM ${this.#bossSchema}.job WHERE state = 'active'`);
		await this.#database.transaction(async (sql) => {
			for (const { id, name } of rows) {
				await this.#boss.fail(name, id, LOST, { db: sql });
				await endAttempts(sql, this.#family, id);
			}
			await sql.executeSql(`DELETE FROM ${this.#schema}.prover`);
		});
	}
}

const LOST = { code: "jobs.lost", message: "the process that had the job ended or fell silent before the result was stored" } as const;

/** Ends the open attempts of a job: those of provers that died, unless it is said why. */
async function endAttempts(sql: Sql, { schema }: JobFamily, id: string, { code, message }: JobError = LOST): Promise<void> {
	await sql.executeSql(`UPDATE ${schema}.attempt SET ended_at = now(), code = $2, message = $3 WHERE job_id = $1 AND ended_at IS NULL`, [
		id,
		code,
		message,
	]);
}

function fence({ id, attempt }: TakenJob): { id: string; retryCount: number } {
	return { id, retryCount: attempt };
}

/** pg-boss' answer has the number of rows that it changed, its type does not say so. */
function affectedBy(response: object): number {
	const { affected } = response as { affected?: number };
	if (typeof affected === "number") return affected;
	throw new TypeError(`JobStore: expected pg-boss to say how many jobs it changed, got ${JSON.stringify(response)}`);
}

function json(value: unknown): string {
	return JSON.stringify(value, (_name, item) => (typeof item === "bigint" ? item.toString() : item));
}

function checkId(id: string): string {
	if (UUID.test(id)) return id;
	throw new ProverError("jobs.unknown", `find: expected the UUID of a job in lower case, got ${id}`);
}

function integerIn(name: string, value: number, low: number, high: number): void {
	if (Number.isInteger(value) && value >= low && value <= high) return;
	throw new ProverError("jobs.format", `submit: expected ${name} to be an integer in [${low}, ${high}], got ${value}`);
}
