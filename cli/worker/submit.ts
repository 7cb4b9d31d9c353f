/** `openledger worker submit KIND`: hands compute jobs over; when it returns, they are on record. */
import { Command, Option } from "commander";
import type { CommandContext } from "../command.ts";
export function submitCommand(_context: CommandContext): Command {
	return new Command("submit");
}
