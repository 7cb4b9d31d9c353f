/** `openledger train replay`: is a run what it says? A part of it is computed again. */
import { Command, Option } from "commander";
import type { BackendName } from "../../compute/backend.ts";
import { readRecord, readRun, readRunData } from "../../compute/checkpoint/folder.ts";
import { manifestDigest } from "../../compute/training/manifest.ts";
import { replay } from "../../compute/training/replay.ts";
import { integer } from "../arguments.ts";
import { backendOption, openBackendFor } from "../backend.ts";
import type { CommandContext, Outcome, Work } from "../command.ts";
import { EXIT } from "../exit.ts";
import { addDataOptions, type DataFlags, prepareData } from "./data.ts";

interface Flags extends DataFlags {
	readonly from: number;
	readonly to: number;
	readonly backend?: BackendName;
}

export function replayCommand(context: CommandContext): Command {
	const step = integer(0, 2 ** 31 - 1);
	return addDataOptions(new Command("replay"))
		.description(
			"check the chain of a run's records and compute its steps from one checkpoint to another again; exits 1 if anything differs",
		)
		.argument("<dir>", "folder of the run")
		.addOption(new Option("--from <step>", "checkpoint to begin at").argParser(step).makeOptionMandatory())
		.addOption(new Option("--to <step>", "checkpoint to reach").argParser(step).makeOptionMandatory())
		.addOption(backendOption("the fastest by `openledger compute tune`; in mode float that of the run"))
		.action((folder: string, flags: Flags) => context.run("openledger.train.replay.v1", (work) => replayed(folder, flags, work)));
}

async function replayed(folder: string, flags: Flags, { progress, signal }: Work): Promise<Outcome> {
	const { from, to } = flags;
	progress({ phase: "data", done: 0, total: 1, note: flags.data ?? folder });
	const manifest = await readRun(folder);
	const { quantisation } = manifest;
	const data =
		flags.data === undefined ? await readRunData(folder) : (await prepareData({ ...flags, data: flags.data }, { quantisation })).data;
	const isFloat = manifest.mode === "float";
	const name = flags.backend ?? (isFloat ? (await readRecord(folder, to)).backend.name : undefined);
	const { backend } = await openBackendFor({ committed: !isFloat }, name);
	try {
		const result = await replay({
			...{ folder, manifest, data, from, to, backend, signal },
			progress: ({ step, training: { rows, loss } }) =>
				progress({ phase: "replay", done: step - from, total: to - from, note: `step ${step}, loss ${(loss / rows).toFixed(4)}` }),
		});
		const { problem, same } = result;
		const { digest } = await readRecord(folder, to);
		return {
			result: {
				...result,
				folder,
				manifest: manifestDigest(manifest),
				checkpoint: digest,
				backend: { name: backend.name, adapter: backend.adapter },
			},
			text: problem
				? `NOT THE SAME: ${problem.message}`
				: [
						`the same: steps ${from} to ${to} computed again on ${backend.name}, ${same.length} checkpoints`,
						`run         ${manifestDigest(manifest)}`,
						`checkpoint  ${digest}`,
					].join("\n"),
			exit: problem ? EXIT.invalid : EXIT.ok,
		};
	} finally {
		await backend.close();
	}
}
