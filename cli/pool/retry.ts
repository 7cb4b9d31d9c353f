/** `openledger pool retry`: lets jobs that were set aside be tried once more. */
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type PlaceFlags, withJobs, withPlace } from "./place.ts";

export function retryCommand(context: CommandContext): Command {
	return withPlace(new Command("retry"))
		.description("try jobs once more that were set aside")
		.argument("<ids...>", "as status prints them")
		.action(async (ids: string[], flags: PlaceFlags) => {
			await context.run("openledger.pool.retry.v1", async () =>
				withJobs(flags, async (jobs) => {
					for (const id of ids) await jobs.retry(id);
					return { result: { ids }, text: ids.map((id) => `${id} waiting`).join("\n") };
				}),
			);
		});
}
