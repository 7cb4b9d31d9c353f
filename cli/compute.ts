/** `openledger compute ...`: the backends of this machine, which of them are exact, and how fast they are. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { listCommand } from "./compute/list.ts";
import { tuneCommand } from "./compute/tune.ts";

export function computeCommand(context: CommandContext): Command {
	const command = new Command("compute").description("backends that compute: which are exact here, and which is fastest");
	for (const make of [tuneCommand, listCommand]) command.addCommand(make(context));
	return command;
}
