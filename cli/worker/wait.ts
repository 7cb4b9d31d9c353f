/** `openledger worker wait`: waits until jobs are done. */
import { Command } from "commander";
import { storedResult } from "../../network/compute/view.ts";
import type { CommandContext } from "../command.ts";
import { type PlaceFlags, withPlace } from "../queue/place.ts";
import { awaitResult } from "../queue/wait.ts";
import { WORKER } from "./noun.ts";

export function waitCommand(context: CommandContext): Command {
	return withPlace(WORKER, new Command("wait"))
		.description("wait until jobs are done; exits 1 when one was set aside")
		.argument("<ids...>", "as submit printed them")
		.action((ids: string[], flags: PlaceFlags) =>
			context.run("openledger.worker.wait.v1", async ({ progress, signal }) => {
				const done: { id: string; sha256: string }[] = [];
				for (const [at, id] of ids.entries()) {
					progress({ phase: "jobs", done: at, total: ids.length, note: id });
					const { result } = storedResult(await awaitResult(WORKER, flags, id, signal));
					done.push({ id, sha256: result.content.sha256 });
				}
				return { result: { jobs: done }, text: done.map(({ id, sha256 }) => `${id} done ${sha256}`).join("\n") };
			}),
		);
}
