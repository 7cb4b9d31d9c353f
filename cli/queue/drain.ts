/** `drain`: tells those who run the jobs of a store to finish and to end. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type JobNoun, type PlaceFlags, withJobs, withPlace } from "./place.ts";

const POLL_MS = 300;

export function drainCommand(context: CommandContext, noun: JobNoun): Command {
	const { name, runner } = noun;
	return withPlace(noun, new Command("drain"))
		.description(`tell all ${runner}s of the store to finish what they run and to end; jobs that wait stay`)
		.option("--wait", "wait until they have ended")
		.action(async (flags: PlaceFlags & { wait?: boolean }) => {
			await context.run(`openledger.${name}.drain.v1`, async ({ progress, signal }) => {
				const told = await withJobs(noun, flags, (jobs) => jobs.drain());
				for (let left = flags.wait ? told : 0; left > 0; ) {
					progress({ phase: "drain", done: told - left, total: told, note: `${runner}s have ended` });
					await delay(POLL_MS, undefined, { signal });
					// Opened anew each time: of an embedded store the owner ends with its process.
					left = (await withJobs(noun, flags, (jobs) => jobs.status())).provers.length;
				}
				return { result: { [`${runner}s`]: told }, text: `${told} ${runner}s told to end` };
			});
		});
}
