/** The noun `worker`: stored compute jobs. */
import { Option } from "commander";
import { defaultContentFolder } from "../../network/compute/content.ts";
import { COMPUTE_JOBS } from "../../network/compute/submission.ts";
import type { JobNoun } from "../queue/place.ts";

export const WORKER: JobNoun = { family: COMPUTE_JOBS, name: "worker", runner: "worker", gives: "results", done: "done" };

export interface ContentFlags {
	content?: string;
}

/** `--content`: the folder of what jobs take and give. */
export function contentOption(): Option {
	return new Option(
		"--content <dir>",
		"folder of inputs and results by SHA-256 (default: OPENLEDGER_CONTENT, or openledger/content in the user's state folder)",
	);
}

export function contentFolder({ content }: ContentFlags): string {
	return content ?? defaultContentFolder();
}
