/** `openledger worker result`: collects what came out of a job. */
import { resolve } from "node:path";
import { Command } from "commander";
import { ContentFolder, contentDigest } from "../../network/compute/content.ts";
import { type StoredResult, storedResult } from "../../network/compute/view.ts";
import { writeWhole } from "../../network/epoch/json.ts";
import { ProverError } from "../../prover/errors.ts";
import type { Jobs } from "../../prover/jobs/view.ts";
import type { CommandContext } from "../command.ts";
import { prepareOutput } from "../file.ts";
import { type PlaceFlags, withJobs, withPlace } from "../queue/place.ts";
import { awaitResult } from "../queue/wait.ts";
import { type ContentFlags, contentFolder, contentOption, WORKER } from "./noun.ts";

interface Flags extends PlaceFlags, ContentFlags {
	wait?: boolean;
	out?: string;
	forget?: boolean;
}

export function resultCommand(context: CommandContext): Command {
	return withPlace(WORKER, new Command("result"))
		.description("print what came out of a job, and write its content")
		.argument("<id>", "as submit printed it")
		.option("--wait", "wait until it is done")
		.option("--out <file>", "write the content there (safetensors)")
		.option("--forget", "then remove the job from the store; its content stays in the folder")
		.addOption(contentOption())
		.action((id: string, flags: Flags) =>
			context.run("openledger.worker.result.v1", async ({ signal }) => {
				if (flags.out !== undefined) await prepareOutput(flags.out);
				const found = flags.wait
					? storedResult(await awaitResult(WORKER, flags, id, signal))
					: await withJobs(WORKER, flags, (jobs) => readResult(jobs, id));
				if (flags.out !== undefined) await writeWhole(resolve(flags.out), await contentOf(found, contentFolder(flags)));
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

/** From the store, the given folder, or that of the worker. @throws {DataError} FILE_MISSING, FILE_DAMAGED */
async function contentOf({ result: { content } }: StoredResult, folder: string): Promise<Uint8Array> {
	if (content.inline !== undefined) {
		const bytes = Buffer.from(content.inline, "base64");
		if (contentDigest(bytes) === content.sha256) return bytes;
	}
	const own = new ContentFolder(folder);
	return ((await own.has(content.sha256)) ? own : new ContentFolder(content.folder)).read(content.sha256);
}
