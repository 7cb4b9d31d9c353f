/** `openledger worker`: compute jobs that survive the end of any process, done on the device of whoever has one. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { cancelCommand } from "./queue/cancel.ts";
import { drainCommand } from "./queue/drain.ts";
import { retryCommand } from "./queue/retry.ts";
import { WORKER } from "./worker/noun.ts";
import { resultCommand } from "./worker/result.ts";
import { startCommand } from "./worker/start.ts";
import { statusCommand } from "./worker/status.ts";
import { submitCommand } from "./worker/submit.ts";
import { waitCommand } from "./worker/wait.ts";

export function workerCommand(context: CommandContext): Command {
	const worker = new Command("worker").description(
		"stored compute jobs: submit them, do them on one device or several, collect the results",
	);
	const commands = [
		...[startCommand, submitCommand, statusCommand, resultCommand, waitCommand],
		...[retryCommand, cancelCommand, drainCommand],
	];
	for (const command of commands) worker.addCommand(command(context, WORKER));
	return worker;
}
