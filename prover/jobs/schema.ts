/**
 * Our tables beside pg-boss' own: what a job is about, who tried it, what came out. Each family of jobs has them in a schema of its own; their
 * names are those of the first family, proofs.
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
import type { JobFamily } from "./family.ts";

const VERSION = 1;
/** Advisory lock of whoever builds tables, an arbitrary number. */
const BUILD_LOCK = 6_174_001;

const tablesOf = (schema: string): string => `
CREATE SCHEMA IF NOT EXISTS ${schema};
CREATE TABLE IF NOT EXISTS ${schema}.version (version int PRIMARY KEY);
CREATE TABLE IF NOT EXISTS ${schema}.job (
	id uuid PRIMARY KEY,
	kind text NOT NULL,
	key text NOT NULL,
	content bytea NOT NULL,
	submitted_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS ${schema}.witness (
	job_id uuid PRIMARY KEY REFERENCES ${schema}.job ON DELETE CASCADE,
	octets bytea NOT NULL
);
ALTER TABLE ${schema}.witness ALTER COLUMN octets SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS ${schema}.prover (
	id uuid PRIMARY KEY,
	name text NOT NULL,
	keys text[] NOT NULL,
	workers int NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	seen_at timestamptz NOT NULL DEFAULT now(),
	draining boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS ${schema}.attempt (
	job_id uuid NOT NULL REFERENCES ${schema}.job ON DELETE CASCADE,
	number int NOT NULL,
	prover text NOT NULL,
	started_at timestamptz NOT NULL DEFAULT now(),
	phase text,
	ended_at timestamptz,
	code text,
	message text,
	PRIMARY KEY (job_id, number)
);
CREATE TABLE IF NOT EXISTS ${schema}.proof (
	job_id uuid PRIMARY KEY REFERENCES ${schema}.job ON DELETE CASCADE,
	attempt int NOT NULL,
	prover text NOT NULL,
	result jsonb NOT NULL,
	timings jsonb NOT NULL,
	stored_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO ${schema}.version VALUES (${VERSION}) ON CONFLICT DO NOTHING;
`;

/**
 * Builds the tables where there are none. Several processes may do so at the same time.
 * @throws ProverError `jobs.database` when a later release built them
 */
export async function buildTables(database: Database, { schema }: JobFamily): Promise<void> {
	const [{ found } = { found: null }] = (await database.executeSql(`SELECT to_regclass('${schema}.version')::text AS found`)).rows;
	if (found === null) {
		await database.transaction(async (sql) => {
			await sql.executeSql("SELECT pg_advisory_xact_lock($1)", [BUILD_LOCK]);
			const statements = tablesOf(schema)
				.split(";")
				.filter((statement) => statement.trim() !== "");
			for (const statement of statements) await sql.executeSql(statement);
		});
	}
	const [{ version } = { version: 0 }] = (await database.executeSql(`SELECT version FROM ${schema}.version`)).rows;
	if (version !== VERSION) {
		throw new ProverError("jobs.database", `buildTables: expected tables of version ${VERSION}, got version ${version}`, {
			hint: "this store belongs to another release of openledger",
		});
	}
}
