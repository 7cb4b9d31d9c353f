/** `openledger train ...`: networks and heads, with checkpoints that anybody can go on from and compute again. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { replayCommand } from "./train/replay.ts";
import { runCommand } from "./train/run.ts";

export function trainCommand(context: CommandContext): Command {
	return new Command("train")
		.description("train a network or a head, bit for bit the same everywhere in mode integer")
		.addCommand(runCommand(context), { isDefault: true })
		.addCommand(replayCommand(context));
}
