/** `openledger launchpad ...`: grants by milestone, and matching rounds for donations. */
import type { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { Noun } from "./desk.ts";
import type { Flags } from "./launchpad/flags.ts";
import { addGovernanceVerbs } from "./launchpad/governance.ts";
import { addGrantVerbs } from "./launchpad/grants.ts";
import { addRoundVerbs } from "./launchpad/rounds.ts";
import { addViews } from "./launchpad/views.ts";

export function launchpadCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "launchpad", "grants that are paid by milestone, and matching rounds for donations");
	addGrantVerbs(noun);
	addRoundVerbs(noun);
	addGovernanceVerbs(noun);
	addViews(noun);
	return noun.command;
}
