/** `openledger pool result`: collects a proof. */
import { rename, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { ProverError } from "../../prover/errors.ts";
import type { JobResult, Jobs } from "../../prover/jobs/view.ts";
import type { CommandContext } from "../command.ts";
import { UsageError } from "../exit.ts";
import { type PlaceFlags, withJobs, withPlace } from "../queue/place.ts";
import { awaitResult } from "../queue/wait.ts";
import { POOL } from "./noun.ts";

interface Flags extends PlaceFlags {
	wait?: boolean;
	proof?: string;
	public?: string;
	forget?: boolean;
}

export function resultCommand(context: CommandContext): Command {
	return withPlace(POOL, new Command("result"))
		.description("print the proof of a job")
		.argument("<id>", "as submit printed it")
		.option("--wait", "wait until it is proven")
		.option("--proof <file>", "write the proof there, as snarkjs does")
		.option("--public <file>", "write the public signals there, as snarkjs does")
		.option("--forget", "then remove the job with all that the store knows of it")
		.action(async (id: string, flags: Flags) => {
			await context.run("openledger.pool.result.v1", async ({ signal }) => {
				const result = flags.wait
					? await awaitResult(POOL, flags, id, signal)
					: await withJobs(POOL, flags, (jobs) => readResult(jobs, id));
				await writeFiles(result, flags);
				if (flags.forget) await withJobs(POOL, flags, (jobs) => jobs.forget(id, { proven: true }));
				return { result, text: JSON.stringify(result.result, null, 1) };
			});
		});
}

async function readResult(jobs: Jobs, id: string): Promise<JobResult> {
	const result = await jobs.result(id);
	if (result) return result;
	const { state } = await jobs.find(id);
	throw new ProverError("jobs.state", `result: expected ${id} to be proven, got a job that is ${state}`, { hint: "--wait waits for it" });
}

async function writeFiles({ id, kind, result }: JobResult, flags: Flags): Promise<void> {
	if (flags.proof === undefined && flags.public === undefined) return;
	if (kind !== "groth16") {
		throw new UsageError(`pool result: expected a plain proof for --proof and --public, got ${id}, a ${kind}`, "Take what is printed.");
	}
	const { proof, publicSignals } = result as { proof: unknown; publicSignals: unknown };
	for (const [path, value] of [
		[flags.proof, proof],
		[flags.public, publicSignals],
	] as const) {
		if (path === undefined) continue;
		await writeFile(`${path}.tmp`, `${JSON.stringify(value, null, 1)}\n`);
		await rename(`${path}.tmp`, path);
	}
}
