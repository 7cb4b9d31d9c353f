/** Reads the state of jobs and provers: pg-boss' record and ours, joined. */
import { ProverError } from "../errors.ts";
import type { Row, Sql } from "./database.ts";
import type { JobFamily } from "./family.ts";
import type { JobState, JobView, ProverView, Status } from "./view.ts";

/** Rows of a status that are shown at most. */
const SHOWN = 200;
/** A prover that was silent for so long is taken for dead. */
const SILENT_SECONDS = 120;

const STATE: Readonly<Record<string, JobState>> = {
	created: "waiting",
	retry: "waiting",
	active: "running",
	completed: "proven",
	failed: "poisoned",
};

const viewOfAll = ({ schema, bossSchema }: JobFamily): string => `
SELECT job.id, kind, key, submitted_at, queue.state::text, queue.priority,
	(SELECT count(*)::int FROM ${schema}.attempt WHERE job_id = job.id) AS attempts,
	latest.prover, latest.phase, extract(epoch FROM now() - latest.started_at)::float AS seconds,
	failed.code, failed.message, queue.output
FROM ${schema}.job
JOIN ${bossSchema}.job AS queue ON queue.id = job.id AND queue.name = job.key
LEFT JOIN LATERAL (SELECT * FROM ${schema}.attempt WHERE job_id = job.id ORDER BY number DESC LIMIT 1) latest ON true
LEFT JOIN LATERAL (SELECT * FROM ${schema}.attempt WHERE job_id = job.id AND code IS NOT NULL ORDER BY number DESC LIMIT 1) failed ON true`;

/** @throws ProverError `jobs.unknown` */
export async function viewJob(sql: Sql, family: JobFamily, id: string): Promise<JobView> {
	const [row] = (await sql.executeSql(`${viewOfAll(family)} WHERE job.id = $1`, [id])).rows;
	if (!row) throw new ProverError("jobs.unknown", `find: expected ${id} to be a job of this store, got none`);
	return viewOf(row);
}

export async function readStatus(sql: Sql, family: JobFamily): Promise<Status> {
	const { schema, bossSchema } = family;
	const rows = async (text: string, values: unknown[] = []): Promise<Row[]> => (await sql.executeSql(text, values)).rows;
	const counts = { waiting: 0, running: 0, proven: 0, poisoned: 0 };
	for (const { state, count } of await rows(`SELECT state::text, count(*)::int FROM ${bossSchema}.job GROUP BY 1`)) {
		counts[STATE[state] as JobState] += count;
	}
	const shown = async (state: string): Promise<JobView[]> =>
		(await rows(`${viewOfAll(family)} WHERE queue.state = '${state}' ORDER BY queue.priority DESC, submitted_at LIMIT ${SHOWN}`)).map(
			viewOf,
		);
	const provers = await rows(
		`SELECT *, extract(epoch FROM now() - seen_at)::float AS silent FROM ${schema}.prover
		 WHERE seen_at > now() - interval '${SILENT_SECONDS} seconds' ORDER BY started_at`,
	);
	return {
		counts,
		priorities: (await rows(
			`SELECT priority, count(*)::int AS waiting FROM ${bossSchema}.job WHERE state < 'active' GROUP BY 1 ORDER BY 1 DESC`,
		)) as Status["priorities"][number][],
		running: await shown("active"),
		poisoned: await shown("failed"),
		provers: provers.map(
			({ name, keys, workers, draining, started_at, silent }): ProverView => ({
				name,
				keys,
				workers,
				draining,
				startedAt: started_at.toISOString(),
				silentSeconds: silent,
			}),
		),
		keysWithoutProver: (await rows(
			`SELECT name AS key, count(*)::int AS waiting FROM ${bossSchema}.job
			 WHERE state < 'active' AND name <> ALL($1::text[]) GROUP BY 1 ORDER BY 2 DESC`,
			[provers.flatMap(({ keys }) => keys)],
		)) as Status["keysWithoutProver"][number][],
	};
}

function viewOf(row: Row): JobView {
	const state = STATE[row.state] as JobState;
	const error = errorOf(row, state);
	return {
		id: row.id,
		kind: row.kind,
		key: row.key,
		state,
		priority: row.priority,
		submittedAt: row.submitted_at.toISOString(),
		attempts: row.attempts,
		...(row.prover === null ? {} : { prover: row.prover }),
		...(state === "running" ? { phase: row.phase ?? "taken", runningSeconds: row.seconds } : {}),
		...(error ? { error } : {}),
	};
}

/** The attempt's own words; where its prover died without any, and nobody took the job again, pg-boss' words. The hint is pg-boss' to keep. */
function errorOf({ code, message, output }: Row, state: JobState): JobView["error"] {
	if (state === "poisoned" && output?.value?.message) return { code: "jobs.lost", message: output.value.message };
	if (code === null) return undefined;
	return output?.hint && output.code === code ? { code, message, hint: output.hint } : { code, message };
}
