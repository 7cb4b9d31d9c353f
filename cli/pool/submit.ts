/** `openledger pool submit`: hands jobs over; when it returns, they are on record. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { keyDigest } from "../../prover/jobs/keys.ts";
import type { Submission } from "../../prover/jobs/submission.ts";
import { ATTEMPTS, type Submitted, WAITING_LIMIT } from "../../prover/jobs/view.ts";
import type { CommandContext } from "../command.ts";
import { UsageError } from "../exit.ts";
import { integer, type PlaceFlags, withJobs, withPlace } from "./place.ts";
import { awaitResult } from "./wait.ts";

interface Flags extends PlaceFlags {
	key: string;
	wtns?: string[];
	statement?: string[];
	id?: string;
	priority: number;
	limit: number;
	attempts: number;
	wait?: boolean;
}

export function submitCommand(context: CommandContext): Command {
	return withPlace(new Command("submit"))
		.description("submit proofs to be made; the same key and witness submitted again are the same job")
		.requiredOption("--key <file>", "proving key (.zkey), or the SHA-256 of its file")
		.option("--wtns <files...>", "witnesses of the key's circuit, one job each")
		.option("--statement <files...>", "statements as JSON (openledger.jobs.statement.v1), one job each")
		.option("--id <uuid>", "the job's id (default: from its content)")
		.option("--priority <n>", "higher first", integer(-1000, 1000), 0)
		.option("--limit <n>", "refuse when so many jobs wait already", integer(1, 1_000_000), WAITING_LIMIT)
		.option("--attempts <n>", "times that a job is tried before it is set aside", integer(1, 100), ATTEMPTS)
		.option("--wait", "wait until all are proven")
		.action(async (flags: Flags) => {
			await context.run("openledger.pool.submit.v1", async ({ progress, signal }) => {
				const submissions = await readSubmissions(flags);
				const { id, priority, limit, attempts } = flags;
				const submitted: Submitted[] = [];
				await withJobs(flags, async (jobs) => {
					for (const submission of submissions) {
						signal.throwIfAborted();
						submitted.push(await jobs.submit({ ...submission, ...(id === undefined ? {} : { id }), priority, limit, attempts }));
					}
				});
				if (flags.wait) {
					for (const [done, job] of submitted.entries()) {
						progress({ phase: "proofs", done, total: submitted.length, note: job.id });
						await awaitResult(flags, job.id, signal);
						submitted[done] = { ...job, state: "proven" };
					}
				}
				return {
					result: { jobs: submitted },
					text: submitted.map((job) => `${job.id} ${job.state}${job.isNew ? "" : " (known)"}`).join("\n"),
				};
			});
		});
}

async function readSubmissions({ key, wtns = [], statement = [], id }: Flags): Promise<Submission[]> {
	if (wtns.length + statement.length === 0) {
		throw new UsageError("pool submit: expected --wtns or --statement, got neither", "Give the files that the jobs are about.");
	}
	if (id !== undefined && wtns.length + statement.length > 1) {
		throw new UsageError(`pool submit: expected one file with --id, got ${wtns.length + statement.length}`, "Leave --id out.");
	}
	const digest = /^[0-9a-f]{64}$/.test(key) ? key : await keyDigest(key);
	const read = async (kind: Submission["kind"], file: string): Promise<Submission> => ({
		kind,
		key: digest,
		octets: await readFile(file).catch((error) => {
			throw new UsageError(`pool submit: expected a file at ${file}, got ${(error as Error).message}`, "Correct the path.");
		}),
	});
	return Promise.all([...wtns.map((file) => read("groth16", file)), ...statement.map((file) => read("statement", file))]);
}
