/** The command line: noun, then verb. Data on stdout, progress on stderr; exit codes in exit.ts. */
import { Command, CommanderError } from "commander";
import { channelCommand } from "./channel.ts";
import { circuitCommand } from "./circuit.ts";
import { CommandContext } from "./command.ts";
import { epochCommand } from "./epoch.ts";
import { EXIT } from "./exit.ts";
import { keyCommand } from "./key.ts";
import { poolCommand } from "./pool.ts";
import { proveCommand } from "./prove.ts";
import { receiptCommand } from "./receipt.ts";
import { recordCommand } from "./record.ts";
import { setupCommand } from "./setup.ts";
import { verifyCommand } from "./verify.ts";

const context = new CommandContext();
const program = new Command("openledger")
	.description("verifiable AI: contributors are paid by proven attribution")
	.option("--json", "print one JSON object on stdout")
	.addCommand(epochCommand(context))
	.addCommand(verifyCommand(context))
	.addCommand(proveCommand(context))
	.addCommand(keyCommand(context))
	.addCommand(receiptCommand(context))
	.addCommand(setupCommand(context))
	.addCommand(circuitCommand(context))
	.addCommand(poolCommand(context))
	.addCommand(channelCommand(context))
	.addCommand(recordCommand(context));

// --json may stand before or behind the command's own options.
const args = process.argv.slice(2);
context.json = args.includes("--json");
const strict = (command: Command): void => {
	command.exitOverride().showHelpAfterError();
	command.commands.forEach(strict);
};
strict(program);

try {
	await program.parseAsync(
		args.filter((arg) => arg !== "--json"),
		{ from: "user" },
	);
} catch (error) {
	if (!(error instanceof CommanderError)) {
		context.fail("openledger.error.v1", error);
	} else if (error.exitCode !== 0) {
		context.exitCode = EXIT.usage;
	}
}
process.exitCode = context.exitCode;
