/** `openledger pool cancel`: removes jobs that have no proof. */
import { Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type PlaceFlags, withJobs, withPlace } from "./place.ts";

export function cancelCommand(context: CommandContext): Command {
	return withPlace(new Command("cancel"))
		.description("remove jobs that wait, run or were set aside; a prover that runs one stops")
		.argument("<ids...>", "as status prints them")
		.action(async (ids: string[], flags: PlaceFlags) => {
			await context.run("openledger.pool.cancel.v1", async () =>
				withJobs(flags, async (jobs) => {
					for (const id of ids) await jobs.forget(id, { proven: false });
					return { result: { ids }, text: ids.map((id) => `${id} removed`).join("\n") };
				}),
			);
		});
}
