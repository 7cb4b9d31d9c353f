/** `openledger worker result`: collects what came out of a job. */
import { resolve } from "node:path";
import { Command } from "commander";
import { readRun, writeCheckpoint } from "../../compute/checkpoint/folder.ts";
import { type CheckpointRecord, stateOf } from "../../compute/checkpoint/record.ts";
import { DataError } from "../../compute/errors.ts";
import { manifestDigest } from "../../compute/training/manifest.ts";
import { ContentFolder, contentDigest } from "../../network/compute/content.ts";
import { type StoredResult, storedResult } from "../../network/compute/view.ts";
import { writeWhole } from "../../network/epoch/json.ts";
import { ProverError } from "../../prover/errors.ts";
import type { Jobs } from "../../prover/jobs/view.ts";
import type { CommandContext } from "../command.ts";
import { UsageError } from "../exit.ts";
import { prepareOutput } from "../file.ts";
import { type PlaceFlags, withJobs, withPlace } from "../queue/place.ts";
import { awaitResult } from "../queue/wait.ts";
import { type ContentFlags, contentFolder, contentOption, WORKER } from "./noun.ts";

interface Flags extends PlaceFlags, ContentFlags {
	wait?: boolean;
	out?: string;
	into?: string;
	forget?: boolean;
}

export function resultCommand(context: CommandContext): Command {
	return withPlace(WORKER, new Command("result"))
		.description("print what came out of a job, and write its content")
		.argument("<id>", "as submit printed it")
		.option("--wait", "wait until it is done")
		.option("--out <file>", "write the content there (safetensors)")
		.option("--into <folder>", "of a segment of training: add its checkpoint to the run in the folder")
		.option("--forget", "then remove the job from the store; its content stays in the folder")
		.addOption(contentOption())
		.action((id: string, flags: Flags) =>
			context.run("openledger.worker.result.v1", async ({ signal }) => {
				if (flags.out !== undefined) await prepareOutput(flags.out);
				const found = flags.wait
					? storedResult(await awaitResult(WORKER, flags, id, signal))
					: await withJobs(WORKER, flags, (jobs) => readResult(jobs, id));
				const folder = contentFolder(flags);
				if (flags.out !== undefined) await writeWhole(resolve(flags.out), await contentOf(found, folder));
				if (flags.into !== undefined) await addCheckpoint(found, flags.into, await contentOf(found, folder));
				if (flags.forget) await withJobs(WORKER, flags, (jobs) => jobs.forget(id, { proven: true }));
				const { content, ...result } = found.result;
				const { inline: _, ...where } = content;
				const shown = { ...found, result: { ...result, content: where } };
				return { result: shown, text: JSON.stringify(shown, null, 1) };
			}),
		);
}

async function readResult(jobs: Jobs, id: string): Promise<StoredResult> {
	const result = await jobs.result(id);
	if (result) return storedResult(result);
	const { state } = await jobs.find(id);
	throw new ProverError("jobs.state", `result: expected ${id} to be done, got a job that is ${state}`, { hint: "--wait waits for it" });
}

/**
 * Adds the checkpoint of a segment to its run.
 * @throws {DataError} CHECKPOINT_MISMATCH for another run
 */
async function addCheckpoint({ id, kind, result }: StoredResult, folder: string, bytes: Uint8Array): Promise<void> {
	if (kind !== "train") throw new UsageError(`worker result: expected a job of kind train for --into, got ${id}, ${kind}`, "Give --out.");
	const manifest = await readRun(folder);
	const { record } = result.facts as { readonly record: CheckpointRecord };
	if (record.manifest !== manifestDigest(manifest)) {
		throw new DataError(
			"CHECKPOINT_MISMATCH",
			`${folder}: expected the run ${record.manifest}, got ${manifestDigest(manifest)}`,
			"Give the folder that the job was submitted from.",
		);
	}
	const made = { name: result.backend, adapter: result.adapter };
	await writeCheckpoint(folder, { manifest, record, state: stateOf(bytes, `result of ${id}`) }, made);
}

/** From the store, the given folder, or that of the worker. @throws {DataError} FILE_MISSING, FILE_DAMAGED */
async function contentOf({ result: { content } }: StoredResult, folder: string): Promise<Uint8Array> {
	if (content.inline !== undefined) {
		const bytes = Buffer.from(content.inline, "base64");
		if (contentDigest(bytes) === content.sha256) return bytes;
	}
	const own = new ContentFolder(folder);
	return ((await own.has(content.sha256)) ? own : new ContentFolder(content.folder)).read(content.sha256);
}
