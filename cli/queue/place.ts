/** What all commands on stored jobs share: which family of jobs they are about, and where its store is. */
import type { Command } from "commander";
import type { JobFamily } from "../../prover/jobs/family.ts";
import { defaultPlace, openJobs, type Place } from "../../prover/jobs/open.ts";
import type { Jobs } from "../../prover/jobs/view.ts";
import { UsageError } from "../exit.ts";

/** A noun of the command line whose verbs are about stored jobs. */
export interface JobNoun {
	readonly family: JobFamily;
	/** as it is typed; also in the schemas of results */
	readonly name: string;
	/** who runs the jobs, in help texts */
	readonly runner: string;
	/** what jobs give, in help texts */
	readonly gives: string;
	/** the state of a job with its result */
	readonly done: string;
}

export interface PlaceFlags {
	store?: string;
	database?: string;
}

/** Adds `--store` and `--database`. */
export function withPlace({ family, runner }: JobNoun, command: Command): Command {
	const { variable, folder } = family;
	return command
		.option(
			"--store <dir>",
			`directory of the embedded database (default: ${variable}, or openledger/${folder} in the user's state folder)`,
		)
		.option("--database <url>", `PostgreSQL server instead, shared by several ${runner}s (default: OPENLEDGER_DATABASE)`);
}

export function placeOf({ family, name }: JobNoun, { store, database }: PlaceFlags): Place {
	if (store !== undefined && database !== undefined) {
		throw new UsageError(`${name}: expected --store or --database, got both`, "Leave one of them out.");
	}
	if (database !== undefined) return { database };
	return store === undefined ? defaultPlace(process.env, family) : { directory: store };
}

/** Opens the store, does the work, closes the store whatever happens. */
export async function withJobs<Value>(noun: JobNoun, flags: PlaceFlags, work: (jobs: Jobs) => Promise<Value>): Promise<Value> {
	const jobs = await openJobs(placeOf(noun, flags), noun.family);
	try {
		return await work(jobs);
	} finally {
		await jobs.close();
	}
}
