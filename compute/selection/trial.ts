/** The process of one trial. Its argument is a {@link TrialTask} as JSON. */
import type { BackendName } from "../backend.ts";
import { openBackend } from "../open.ts";
import { type Depth, runTrial } from "./steps.ts";

export interface TrialTask {
	readonly name: BackendName;
	readonly depth: Depth;
}

const { name, depth } = JSON.parse(process.argv[2] as string) as TrialTask;
await runTrial(() => openBackend(name), depth);
