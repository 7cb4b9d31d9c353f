/** `openledger pool start`: the prover, until it is drained, stopped, or done. */
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { findKeys } from "../../prover/jobs/keys.ts";
import { Metrics } from "../../prover/jobs/metrics.ts";
import { openStore } from "../../prover/jobs/open.ts";
import { PoolProver } from "../../prover/jobs/prover.ts";
import { type RunnerEvent, runJobs } from "../../prover/jobs/runner.ts";
import { LEASE_MIN } from "../../prover/jobs/store.ts";
import type { CommandContext } from "../command.ts";
import { integer, type PlaceFlags, placeOf, withPlace } from "./place.ts";

interface Flags extends PlaceFlags {
	workers?: number;
	memory?: number;
	metrics?: number;
	key: string[];
	once?: boolean;
	untilEmpty?: boolean;
	lease: number;
	retention: number;
}

const PURGE_MS = 3_600_000;
/** Leases of others are looked after so often while one runs. */
const SUPERVISIONS = 4;

export function startCommand(context: CommandContext): Command {
	return withPlace(new Command("start"))
		.description("run jobs; SIGINT or SIGTERM: finish what runs and end, a second time: give it back and end")
		.option("--workers <n>", "proofs at once; default: what `pool tune` found, else one per core", integer(1, 1024))
		.option("--memory <MB>", "what running proofs may take; no second job is taken while the process uses more", integer(1, 1_000_000_000))
		.option("--metrics <port>", "serve Prometheus metrics and a health check on 127.0.0.1 (0: any free port)", integer(0, 65535))
		.option("--key <files...>", "proving keys beside those of the cache", [])
		.addOption(new Option("--once", "end after one job").conflicts("untilEmpty"))
		.option("--until-empty", "end when no job for this prover's keys waits")
		.option("--lease <s>", "seconds of silence after which other provers take this one's jobs over", integer(LEASE_MIN, 3600), 60)
		.option("--retention <days>", "forget proofs that are older", integer(1, 36_500), 30)
		.action(async (flags: Flags) => {
			await context.run("openledger.pool.start.v1", async ({ signal }) => {
				const keys = await findKeys(flags.key);
				const note = (text: string): void => void process.stderr.write(`${new Date().toISOString()} ${text}\n`);
				const store = await openStore(placeOf(flags), {
					superviseSeconds: Math.max(1, Math.floor(flags.lease / SUPERVISIONS)),
					onError: (error) => note(`store: ${error.message}`),
				});
				const memory = flags.memory === undefined ? {} : { memoryBytes: flags.memory * 1e6 };
				const prover = new PoolProver({ ...memory, ...(flags.workers === undefined ? {} : { workers: flags.workers }) });
				const metrics = new Metrics(store, () => prover.statistics());
				const stopping = secondSignal();
				const purge = (): void => void store.purge(flags.retention).catch((error) => note(`store: ${(error as Error).message}`));
				const timer = setInterval(purge, PURGE_MS);
				try {
					await store.purge(flags.retention);
					if (flags.metrics !== undefined) note(`metrics: http://127.0.0.1:${await metrics.listen(flags.metrics)}/metrics`);
					const summary = await runJobs({
						store,
						prover,
						keys,
						workers: flags.workers ?? availableParallelism(),
						leaseSeconds: flags.lease,
						...memory,
						...(flags.once ? { until: "one" } : flags.untilEmpty ? { until: "empty" } : {}),
						drain: signal,
						stop: stopping.signal,
						onEvent(event) {
							metrics.note(event);
							note(describe(event, keys.size));
						},
					});
					const { proven, failed, released } = summary;
					return { result: summary, text: `${proven} proven, ${failed} failed attempts, ${released} given back` };
				} finally {
					clearInterval(timer);
					stopping.end();
					await prover.close();
					await metrics.close();
					await store.close();
				}
			});
		});
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

function describe(event: RunnerEvent, keys: number): string {
	switch (event.type) {
		case "ready":
			return `ready: ${keys} keys`;
		case "draining":
			return "draining: finishing what runs";
		case "silent":
			return "store: the database does not answer, trying again";
		case "phase":
			return `${event.job.id} phase ${event.phase}`;
		case "proven":
			return `${event.job.id} proven in ${Object.values(event.timings).reduce((sum, part) => sum + part, 0)} ms`;
		case "failed":
			return `${event.job.id} ${event.state === "poisoned" ? "set aside" : "to be tried again"}: ${event.error.code} ${event.error.message}`;
		default:
			return `${event.job.id} ${event.type}`;
	}
}
