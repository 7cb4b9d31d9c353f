/** `openledger pool bench`: proofs per second through the store, beside the same prover without it. */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { keyDigest } from "../../prover/jobs/keys.ts";
import { openStore } from "../../prover/jobs/open.ts";
import { PoolProver } from "../../prover/jobs/prover.ts";
import { runJobs } from "../../prover/jobs/runner.ts";
import { groth16Submission } from "../../prover/jobs/submission.ts";
import { chainWitness, makePlainKey } from "../../prover/pool/chain.ts";
import type { CommandContext } from "../command.ts";
import { table } from "../output.ts";
import { integer } from "../queue/options.ts";

interface Flags {
	jobs: number;
	size: number;
	workers: number;
	database?: string;
}

export function benchCommand(context: CommandContext): Command {
	return new Command("bench")
		.description("measure proofs per second through the store and without it, on a generated circuit")
		.option("--jobs <n>", "proofs of each measurement", integer(1, 100_000), 20)
		.option("--size <log>", "log2 of the circuit's domain", integer(5, 20), 12)
		.option("--workers <n>", "proofs at once", integer(1, 1024), availableParallelism())
		.option("--database <url>", "PostgreSQL server instead of an embedded database; jobs of the bench are removed from it")
		.action(async (flags: Flags) => {
			await context.run("openledger.pool.bench.v1", async ({ progress, signal }) => {
				const { jobs, size, workers } = flags;
				progress({ phase: "key", done: 0, total: 1, note: `2^${size}` });
				const { circuit, zkey } = await makePlainKey(size, { signal });
				const key = await keyDigest(zkey);
				const witnesses: Uint8Array[] = [];
				for (let i = 0; i < jobs; i++) witnesses.push(await chainWitness(circuit, BigInt(i + 1) + (BigInt(process.pid) << 32n)));
				const folder = await mkdtemp(join(tmpdir(), "openledger-pool-bench-"));
				const prover = new PoolProver({ workers });
				const options = { signal, onProgress: () => {} };
				const job = (octets: Uint8Array) => ({ id: "", kind: "groth16", key, octets, priority: 0, attempt: 0 }) as const;
				try {
					// Starts the threads, so that both measurements find them.
					await Promise.all(Array.from({ length: workers }, () => prover.prove(job(witnesses[0] as Uint8Array), zkey, options)));
					progress({ phase: "pool", done: 0, total: jobs, note: "proofs without the store" });
					const bare = await timed(() => inTurn(workers, witnesses, (octets) => prover.prove(job(octets), zkey, options)));
					const store = await openStore(flags.database === undefined ? { directory: folder } : { database: flags.database }, {
						superviseSeconds: 15,
					});
					try {
						const ids: string[] = [];
						const submit = await timed(async () => {
							for (const octets of witnesses) ids.push((await store.submit({ ...groth16Submission(key, octets), limit: 1_000_000 })).id);
						});
						let done = 0;
						const run = await timed(() =>
							runJobs({
								store,
								prover,
								keys: new Map([[key, zkey]]),
								workers,
								until: "empty",
								stop: signal,
								onEvent: ({ type }) =>
									type === "proven" && progress({ phase: "store", done: ++done, total: jobs, note: "proofs through the store" }),
							}),
						);
						for (const id of ids) await store.forget(id, { proven: true });
						const rows = [
							{ name: "submit", seconds: submit },
							{ name: "prove, without the store", seconds: bare },
							{ name: "prove, through the store", seconds: run },
						].map(({ name, seconds }) => ({ name, seconds, perSecond: jobs / seconds }));
						return {
							result: { jobs, size, workers, database: flags.database === undefined ? "embedded" : "server", rows },
							text: table(
								[`${jobs} jobs of 2^${size}, ${workers} at once`, "seconds", "per second"],
								rows.map(({ name, seconds, perSecond }) => [name, seconds.toFixed(2), perSecond.toFixed(1)]),
							),
						};
					} finally {
						await store.close();
					}
				} finally {
					await prover.close();
					await rm(folder, { recursive: true, force: true });
				}
			});
		});
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await work();
	return (performance.now() - start) / 1000;
}

/** Works on so many items at once. */
async function inTurn<Item>(width: number, items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
	const rest = items.values();
	await Promise.all(
		Array.from({ length: width }, async () => {
			for (const item of rest) await work(item);
		}),
	);
}
