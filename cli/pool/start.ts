/** `openledger pool start`: the prover, until it is drained, stopped, or done. */
import { availableParallelism } from "node:os";
import { Command } from "commander";
import { findKeys } from "../../prover/jobs/keys.ts";
import { Metrics } from "../../prover/jobs/metrics.ts";
import { PoolProver } from "../../prover/jobs/prover.ts";
import type { CommandContext } from "../command.ts";
import { integer } from "../queue/options.ts";
import { note, type RunFlags, runStore, withRun } from "../queue/run.ts";
import { POOL } from "./noun.ts";

interface Flags extends RunFlags {
	workers?: number;
	memory?: number;
	metrics?: number;
	key: string[];
}

export function startCommand(context: CommandContext): Command {
	const command = new Command("start")
		.description("run jobs; SIGINT or SIGTERM: finish what runs and end, a second time: give it back and end")
		.option("--workers <n>", "proofs at once; default: what `pool tune` found, else one per core", integer(1, 1024))
		.option("--memory <MB>", "what running proofs may take; no second job is taken while the process uses more", integer(1, 1_000_000_000))
		.option("--metrics <port>", "serve Prometheus metrics and a health check on 127.0.0.1 (0: any free port)", integer(0, 65535))
		.option("--key <files...>", "proving keys beside those of the cache", []);
	return withRun(POOL, command).action((flags: Flags) =>
		context.run("openledger.pool.start.v1", async ({ signal }) => {
			const keys = await findKeys(flags.key);
			return runStore(POOL, flags, signal, (store) => {
				const memory = flags.memory === undefined ? {} : { memoryBytes: flags.memory * 1e6 };
				const prover = new PoolProver({ ...memory, ...(flags.workers === undefined ? {} : { workers: flags.workers }) });
				const metrics = new Metrics(store, () => prover.statistics());
				return {
					prover,
					keys,
					workers: flags.workers ?? availableParallelism(),
					...memory,
					async open() {
						if (flags.metrics !== undefined) note(`metrics: http://127.0.0.1:${await metrics.listen(flags.metrics)}/metrics`);
					},
					ready: () => `${keys.size} keys`,
					onEvent: (event) => metrics.note(event),
					close: () => metrics.close(),
				};
			});
		}),
	);
}
