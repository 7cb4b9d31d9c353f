/** What all commands that run stored jobs share: the store, its upkeep, signals, and what is said on stderr. */
import { type Command, Option } from "commander";
import { openStore } from "../../prover/jobs/open.ts";
import { type RunnerEvent, type RunnerOptions, runJobs } from "../../prover/jobs/runner.ts";
import { type JobStore, LEASE_MIN } from "../../prover/jobs/store.ts";
import type { Outcome } from "../command.ts";
import { integer } from "./options.ts";
import { type JobNoun, type PlaceFlags, placeOf, withPlace } from "./place.ts";

export interface RunFlags extends PlaceFlags {
	once?: boolean;
	untilEmpty?: boolean;
	lease: number;
	retention: number;
}

/** What runs the jobs. */
export interface Runs extends Pick<RunnerOptions, "prover" | "keys" | "workers" | "memoryBytes" | "onEvent"> {
	/** Finish what runs and end, beside the first signal. */
	readonly drain?: AbortSignal;
	/** Opens what is not open yet. */
	open?(): Promise<void>;
	/** What "ready" says. */
	ready(): string;
	/** Ends what was opened beside the prover. */
	close?(): Promise<void>;
}

const PURGE_MS = 3_600_000;
/** Leases of others are looked after so often while one runs. */
const SUPERVISIONS = 4;

/** Adds the options of a run. */
export function withRun(noun: JobNoun, command: Command): Command {
	const { runner, gives } = noun;
	return withPlace(noun, command)
		.addOption(new Option("--once", "end after one job").conflicts("untilEmpty"))
		.option("--until-empty", `end when no job for this ${runner} waits`)
		.option("--lease <s>", `seconds of silence after which other ${runner}s take this one's jobs over`, integer(LEASE_MIN, 3600), 60)
		.option("--retention <days>", `forget ${gives} that are older`, integer(1, 36_500), 30);
}

/** Says something with the time. */
export function note(text: string): void {
	process.stderr.write(`${new Date().toISOString()} ${text}\n`);
}

/**
 * Runs jobs until drained, stopped or done. The first signal drains, the second gives back what runs.
 * @param begin - makes what runs the jobs, with the store that is open by then
 */
export async function runStore(noun: JobNoun, flags: RunFlags, signal: AbortSignal, begin: (store: JobStore) => Runs): Promise<Outcome> {
	const store = await openStore(placeOf(noun, flags), {
		family: noun.family,
		superviseSeconds: Math.max(1, Math.floor(flags.lease / SUPERVISIONS)),
		onError: (error) => note(`store: ${error.message}`),
	});
	const stopping = secondSignal();
	const purge = (): void => void store.purge(flags.retention).catch((error) => note(`store: ${(error as Error).message}`));
	const timer = setInterval(purge, PURGE_MS);
	let runs: Runs | undefined;
	try {
		await store.purge(flags.retention);
		runs = begin(store);
		await runs.open?.();
		const { prover, keys, workers, memoryBytes, drain } = runs;
		const ready = runs.ready();
		const summary = await runJobs({
			store,
			prover,
			keys,
			workers,
			...(memoryBytes === undefined ? {} : { memoryBytes }),
			leaseSeconds: flags.lease,
			...(flags.once ? { until: "one" } : flags.untilEmpty ? { until: "empty" } : {}),
			drain: drain ? AbortSignal.any([signal, drain]) : signal,
			stop: stopping.signal,
			onEvent(event) {
				runs?.onEvent?.(event);
				note(describe(event, noun, ready));
			},
		});
		const { proven: made, ...others } = summary;
		const { failed, released } = others;
		return { result: { [noun.done]: made, ...others }, text: `${made} ${noun.done}, ${failed} failed attempts, ${released} given back` };
	} finally {
		clearInterval(timer);
		stopping.end();
		await runs?.prover.close();
		await runs?.close?.();
		await store.close();
	}
}

/** Aborts at the second signal; the first one drains. Listens from the start: a signal that nobody hears ends the process. */
function secondSignal(): { signal: AbortSignal; end(): void } {
	const controller = new AbortController();
	let signals = 0;
	const count = (): void => {
		if (++signals > 1) controller.abort();
	};
	process.on("SIGINT", count).on("SIGTERM", count);
	return {
		signal: controller.signal,
		end: () => void process.off("SIGINT", count).off("SIGTERM", count),
	};
}

function describe(event: RunnerEvent, { done }: JobNoun, ready: string): string {
	switch (event.type) {
		case "ready":
			return `ready: ${ready}`;
		case "draining":
			return "draining: finishing what runs";
		case "silent":
			return "store: the database does not answer, trying again";
		case "phase":
			return `${event.job.id} phase ${event.phase}${event.note === undefined ? "" : ` ${event.note}`}`;
		case "proven":
			return `${event.job.id} ${done} in ${Object.values(event.timings).reduce((sum, part) => sum + part, 0)} ms`;
		case "failed":
			return `${event.job.id} ${event.state === "poisoned" ? "set aside" : "to be tried again"}: ${event.error.code} ${event.error.message}`;
		default:
			return `${event.job.id} ${event.type}`;
	}
}
