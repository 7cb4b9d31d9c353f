/** `openledger attribute ...`: who deserves what, by which method, and how sure that is. */
import { Command } from "commander";
import { auditCommand } from "./attribution/audit.ts";
import { compareCommand } from "./attribution/compare.ts";
import { explainCommand } from "./attribution/explain.ts";
import { scoreCommand } from "./attribution/score.ts";
import { tokensCommand } from "./attribution/tokens.ts";
import type { CommandContext } from "./command.ts";

export function attributeCommand(context: CommandContext): Command {
	const command = new Command("attribute").description("attribute the behaviour of a model to rows and contributors");
	command.addCommand(scoreCommand(context), { isDefault: true });
	for (const make of [compareCommand, auditCommand, explainCommand, tokensCommand]) command.addCommand(make(context));
	return command;
}
