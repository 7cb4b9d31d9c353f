/** `openledger pool`: the prover pool. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { tuneCommand } from "./pool/tune.ts";

export function poolCommand(context: CommandContext): Command {
	return new Command("pool").description("the prover pool").addCommand(tuneCommand(context));
}
