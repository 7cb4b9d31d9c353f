/** `openledger setup dev|ceremony`: proving keys. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { ceremonyCommand } from "./setup/ceremony.ts";
import { developmentCommand } from "./setup/development.ts";

export function setupCommand(context: CommandContext): Command {
	return new Command("setup").description("proving keys").addCommand(developmentCommand(context)).addCommand(ceremonyCommand(context));
}
