/**
 * Our tables beside pg-boss' own: what a job is about, who tried it, what came out.
 *
 *     job      what was submitted; lives until it is forgotten
 *     witness  its secret octets; deleted in the transaction that stores the proof
 *     attempt  one row for each time a prover took the job: who, which step, how it ended
 *     proof    at most one for a job: its primary key is the job's id
 *     prover   the provers at work, refreshed with their heartbeat
 *
 * State, priority, lease and count of attempts are pg-boss' (table job of its schema).
 */
import { ProverError } from "../errors.ts";
import type { Database } from "./database.ts";

export const SCHEMA = "openledger_jobs";
/** pg-boss keeps its tables in a schema of ours, so that it does not meet another program's. */
export const BOSS_SCHEMA = "openledger_boss";

const VERSION = 1;
/** Advisory lock of whoever builds tables, an arbitrary number. */
const BUILD_LOCK = 6_174_001;

const TABLES = `
CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
CREATE TABLE IF NOT EXISTS ${SCHEMA}.version (version int PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.job (
	id uuid PRIMARY KEY,
	kind text NOT NULL,
	key text NOT NULL,
	content bytea NOT NULL,
	submitted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.witness (
	job_id uuid PRIMARY KEY REFERENCES ${SCHEMA}.job ON DELETE CASCADE,
	octets bytea NOT NULL
);
ALTER TABLE ${SCHEMA}.witness ALTER COLUMN octets SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS ${SCHEMA}.prover (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	keys text[] NOT NULL,
	workers int NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	seen_at timestamptz NOT NULL DEFAULT now(),
	draining boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.attempt (
	job_id uuid NOT NULL REFERENCES ${SCHEMA}.job ON DELETE CASCADE,
	number int NOT NULL,
	prover text NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	phase text,
	ended_at timestamptz,
	code text,
	message text,
	PRIMARY KEY (job_id, number)
);
CREATE TABLE IF NOT EXISTS ${SCHEMA}.proof (
	job_id uuid PRIMARY KEY REFERENCES ${SCHEMA}.job ON DELETE CASCADE,
	attempt int NOT NULL,
	prover text NOT NULL,
	result jsonb NOT NULL,
	timings jsonb NOT NULL,
	stored_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ${SCHEMA}.version VALUES (${VERSION}) ON CONFLICT DO NOTHING;
`;

/**
 * Builds the tables where there are none. Several processes may do so at the same time.
 * @throws ProverError `jobs.database` when a later release built them
 */
export async function buildTables(database: Database): Promise<void> {
	const [{ found } = { found: null }] = (await database.executeSql(`SELECT to_regclass('${SCHEMA}.version')::text AS found`)).rows;
	if (found === null) {
		await database.transaction(async (sql) => {
			await sql.executeSql("SELECT pg_advisory_xact_lock($1)", [BUILD_LOCK]);
			const statements = TABLES.split(";").filter((statement) => statement.trim() !== "");
			for (const statement of statements) await sql.executeSql(statement);
		});
	}
	const [{ version } = { version: 0 }] = (await database.executeSql(`SELECT version FROM ${SCHEMA}.version`)).rows;
	if (version !== VERSION) {
		throw new ProverError("jobs.database", `buildTables: expected tables of version ${VERSION}, got version ${version}`, {
			hint: "this store belongs to another release of openledger",
		});
	}
}
