/** Options that all commands on stored jobs share. */
import { type Command, InvalidArgumentError } from "commander";
import { defaultPlace, openJobs, type Place } from "../../prover/jobs/open.ts";
import type { Jobs } from "../../prover/jobs/view.ts";
import { UsageError } from "../exit.ts";

export interface PlaceFlags {
	store?: string;
	database?: string;
}

/** Adds `--store` and `--database`. */
export function withPlace(command: Command): Command {
	return command
		.option("--store <dir>", "directory of the embedded database (default: OPENLEDGER_JOBS, or openledger/jobs in the user's state folder)")
		.option("--database <url>", "PostgreSQL server instead, shared by several provers (default: OPENLEDGER_DATABASE)");
}

export function placeOf({ store, database }: PlaceFlags): Place {
	if (store !== undefined && database !== undefined) {
		throw new UsageError("pool: expected --store or --database, got both", "Leave one of them out.");
	}
	if (database !== undefined) return { database };
	return store === undefined ? defaultPlace() : { directory: store };
}

/** Opens the store, does the work, closes the store whatever happens. */
export async function withJobs<Value>(flags: PlaceFlags, work: (jobs: Jobs) => Promise<Value>): Promise<Value> {
	const jobs = await openJobs(placeOf(flags));
	try {
		return await work(jobs);
	} finally {
		await jobs.close();
	}
}

export function integer(low: number, high: number): (text: string) => number {
	return (text) => {
		const value = Number(text);
		if (!Number.isInteger(value) || value < low || value > high) {
			throw new InvalidArgumentError(`expected an integer from ${low} to ${high}, got ${text}`);
		}
		return value;
	};
}
