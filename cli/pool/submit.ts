/** `openledger pool submit`: hands jobs over; when it returns, they are on record. */
import { readFile } from "node:fs/promises";
import { Command } from "commander";
import { keyDigest } from "../../prover/jobs/keys.ts";
import type { Submission } from "../../prover/jobs/submission.ts";
import type { CommandContext } from "../command.ts";
import { UsageError } from "../exit.ts";
import { type SubmissionFlags, submitAll, withSubmission } from "../queue/submission.ts";
import { POOL } from "./noun.ts";

interface Flags extends SubmissionFlags {
	key: string;
	wtns?: string[];
	statement?: string[];
}

export function submitCommand(context: CommandContext): Command {
	const command = new Command("submit")
		.description("submit proofs to be made; the same key and witness submitted again are the same job")
		.requiredOption("--key <file>", "proving key (.zkey), or the SHA-256 of its file")
		.option("--wtns <files...>", "witnesses of the key's circuit, one job each")
		.option("--statement <files...>", "statements as JSON (openledger.jobs.statement.v1), one job each");
	return withSubmission(POOL, command).action((flags: Flags) =>
		context.run("openledger.pool.submit.v1", async (work) => submitAll(POOL, flags, await readSubmissions(flags), work)),
	);
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
