/** `openledger compute list`: what is known of the backends of this machine. */
import { Command } from "commander";
import { chooseBackend } from "../../compute/selection/choice.ts";
import { currentProfile, readProfile } from "../../compute/selection/profile.ts";
import type { CommandContext } from "../command.ts";
import { computeProfilePath } from "./place.ts";
import { report } from "./report.ts";

export function listCommand(context: CommandContext): Command {
	return new Command("list").description("the stored profile: devices, verdicts, times, and the choice that follows").action(async () => {
		await context.run("openledger.compute.list.v1", async () => {
			const path = computeProfilePath();
			const stored = readProfile(path);
			const { profile, note } = currentProfile(path);
			const [committed, floats] = [true, false].map((committed) => chooseBackend({ committed, profile }));
			const text = stored ? `${report(stored)}\n\n${path}` : `no profile at ${path}: wasm is used`;
			const stale = stored && !profile ? `\nnot used: ${note}` : "";
			return { result: { path, profile: stored ?? null, isCurrent: profile !== undefined, note, committed, floats }, text: text + stale };
		});
	});
}
