/** `openledger pool drain`: tells the provers of a store to finish and to end. */
import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type PlaceFlags, withJobs, withPlace } from "./place.ts";

const POLL_MS = 300;

export function drainCommand(context: CommandContext): Command {
	return withPlace(new Command("drain"))
		.description("tell all provers of the store to finish what they run and to end; jobs that wait stay")
		.option("--wait", "wait until they have ended")
		.action(async (flags: PlaceFlags & { wait?: boolean }) => {
			await context.run("openledger.pool.drain.v1", async ({ progress, signal }) => {
				const provers = await withJobs(flags, (jobs) => jobs.drain());
				for (let left = flags.wait ? provers : 0; left > 0; ) {
					progress({ phase: "drain", done: provers - left, total: provers, note: "provers have ended" });
					await delay(POLL_MS, undefined, { signal });
					// Opened anew each time: of an embedded store the owner ends with its prover.
					left = (await withJobs(flags, (jobs) => jobs.status())).provers.length;
				}
				return { result: { provers }, text: `${provers} provers told to end` };
			});
		});
}
