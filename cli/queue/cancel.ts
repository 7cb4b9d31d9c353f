/** `cancel`: removes jobs that have no result. */
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type JobNoun, type PlaceFlags, withJobs, withPlace } from "./place.ts";

export function cancelCommand(context: CommandContext, noun: JobNoun): Command {
	return withPlace(noun, new Command("cancel"))
		.description(`remove jobs that wait, run or were set aside; a ${noun.runner} that runs one stops`)
		.argument("<ids...>", "as status prints them")
		.action(async (ids: string[], flags: PlaceFlags) => {
			await context.run(`openledger.${noun.name}.cancel.v1`, async () =>
				withJobs(noun, flags, async (jobs) => {
					for (const id of ids) await jobs.forget(id, { proven: false });
					return { result: { ids }, text: ids.map((id) => `${id} removed`).join("\n") };
				}),
			);
		});
}
