/** `openledger worker start`: does compute jobs on one device, until it is drained, stopped, or done. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import type { BackendName } from "../../compute/backend.ts";
import { BACKENDS } from "../../compute/open.ts";
import { chooseBackend } from "../../compute/selection/choice.ts";
import { currentProfile } from "../../compute/selection/profile.ts";
import { COMPUTE_KINDS, type ComputeKind } from "../../network/compute/job.ts";
import { ComputeWorker, type OnFailure, type WorkerEvent } from "../../network/compute/worker.ts";
import type { CommandContext } from "../command.ts";
import { computeProfilePath } from "../compute/place.ts";
import { integer } from "../queue/options.ts";
import { note, type RunFlags, runStore, withRun } from "../queue/run.ts";
import { type ContentFlags, contentFolder, contentOption, WORKER } from "./noun.ts";

interface Flags extends RunFlags, ContentFlags {
	device: BackendName | "auto";
	threads?: number;
	onFailure: OnFailure;
	kinds?: ComputeKind[];
}

export function startCommand(context: CommandContext): Command {
	const command = new Command("start")
		.description("do jobs on one device; SIGINT or SIGTERM: finish the job and end, a second time: give it back and end")
		.addOption(
			new Option("--device <backend>", "what it runs on; a GPU has one worker at a time, the others as many as there are cores")
				.choices(["auto", ...BACKENDS])
				.default("auto", "the fastest exact one by `compute tune`, else wasm"),
		)
		.option("--threads <n>", "threads of the backend wasm (default: 1)", integer(1, 256))
		.addOption(
			new Option(
				"--on-failure <policy>",
				"when the device fails: give the job back, or do it on the next backend here (webgpu, wasm, reference)",
			)
				.choices(["requeue", "fallback"])
				.default("requeue"),
		)
		.addOption(new Option("--kinds <kinds...>", "kinds of jobs to take (default: all)").choices(COMPUTE_KINDS))
		.addOption(contentOption());
	return withRun(WORKER, command).action((flags: Flags) =>
		context.run("openledger.worker.start.v1", async ({ signal }) => {
			const backend = flags.device === "auto" ? chosen() : flags.device;
			const ending = new AbortController();
			let failure: unknown;
			const outcome = await runStore(WORKER, flags, signal, () => {
				const worker = new ComputeWorker({
					backend,
					onFailure: flags.onFailure,
					contents: resolve(contentFolder(flags)),
					...(flags.threads === undefined ? {} : { threads: flags.threads }),
					...(flags.kinds ? { kinds: flags.kinds } : {}),
					onEvent: (event) => note(describe(event)),
					onEnd(error) {
						failure ??= error;
						ending.abort();
					},
				});
				return {
					prover: worker,
					keys: worker.queues,
					workers: 1,
					drain: ending.signal,
					open: async () => void (await worker.open(signal)),
					ready: () => [...worker.queues.keys()].join(", "),
				};
			});
			// The job went back to the queue; whoever started the worker learns why it ended.
			if (failure) throw failure;
			return outcome;
		}),
	);
}

/** What the profile of this machine says. */
function chosen(): BackendName {
	const { profile, note: why } = currentProfile(computeProfilePath());
	const choice = chooseBackend({ committed: true, profile });
	note(`device: ${choice.name}: ${profile ? choice.note : why}`);
	return choice.name;
}

function describe(event: WorkerEvent): string {
	const { backend } = event;
	if (event.type === "open") {
		const { device, driver, software } = event.adapter;
		return `device: ${backend} on ${device} (${driver})${software ? ", a program on the processor" : ""}, process ${event.pid}: known answers given`;
	}
	const { code, message } = event.error;
	return `device: ${backend} failed: ${code} ${message}${event.next === undefined ? "" : `; on ${event.next} instead`}`;
}
