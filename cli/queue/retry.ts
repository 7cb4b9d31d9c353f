/** `retry`: lets jobs that were set aside be tried once more. */
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type JobNoun, type PlaceFlags, withJobs, withPlace } from "./place.ts";

export function retryCommand(context: CommandContext, noun: JobNoun): Command {
	return withPlace(noun, new Command("retry"))
		.description("try jobs once more that were set aside")
		.argument("<ids...>", "as status prints them")
		.action(async (ids: string[], flags: PlaceFlags) => {
			await context.run(`openledger.${noun.name}.retry.v1`, async () =>
				withJobs(noun, flags, async (jobs) => {
					for (const id of ids) await jobs.retry(id);
					return { result: { ids }, text: ids.map((id) => `${id} waiting`).join("\n") };
				}),
			);
		});
}
