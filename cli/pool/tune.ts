/** `openledger pool tune`: measures how this machine proves best and stores the profile that pools follow. */
import { Command, InvalidArgumentError } from "commander";
import { profilePath, type Trial } from "../../prover/pool/profile.ts";
import { tune } from "../../prover/pool/tuning.ts";
import type { CommandContext } from "../command.ts";
import { table } from "../output.ts";

interface Flags {
	sizes: number[];
	quick: boolean;
}

const [LEAST, MOST] = [4, 26];

export function tuneCommand(context: CommandContext): Command {
	return new Command("tune")
		.description("measure threads for each proof and proofs at once on this machine, and keep the best for each size of circuit")
		.option("--sizes <logs>", "log2 of the circuits' sizes, separated by commas", sizes, [12, 14, 16])
		.option("--quick", "fewer proofs for each trial: quicker, and noisier", false)
		.action(async (flags: Flags) => {
			await context.run("openledger.pool.tune.v1", async ({ progress, signal }) => {
				const profile = await tune({
					...flags,
					signal,
					onProgress: (done, total, note) => progress({ phase: "trials", done, total, note }),
				});
				const path = profilePath();
				const rows = profile.sizes.flatMap(({ log, single, batch, trials }) =>
					trials.map((trial) => [
						`2^${log}`,
						String(trial.proofs),
						String(trial.threads),
						trial.secondsPerProof.toFixed(3),
						trial.cpuSecondsPerProof.toFixed(3),
						(trial.peakBytes / 1e6).toFixed(0),
						bestFor(trial, single, batch),
					]),
				);
				const text = table(["size", "at once", "threads each", "s a proof", "CPU s a proof", "peak MB", "best for"], rows);
				return { result: { path, profile }, text: `${text}\n\n${path}` };
			});
		});
}

function bestFor(trial: Trial, single: number, batch: Pick<Trial, "proofs" | "threads">): string {
	return [
		...(trial.proofs === 1 && trial.threads === single ? ["a job alone"] : []),
		...(trial.proofs === batch.proofs && trial.threads === batch.threads ? ["many jobs"] : []),
	].join(", ");
}

function sizes(value: string): number[] {
	const logs = value.split(",").map(Number);
	if (logs.every((log) => Number.isInteger(log) && log >= LEAST && log <= MOST)) return [...new Set(logs)];
	throw new InvalidArgumentError(`expected whole numbers from ${LEAST} to ${MOST}, got ${value}`);
}
