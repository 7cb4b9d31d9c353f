/** `openledger pool`: proofs by jobs that survive the end of any process. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { benchCommand } from "./pool/bench.ts";
import { cancelCommand } from "./pool/cancel.ts";
import { drainCommand } from "./pool/drain.ts";
import { resultCommand } from "./pool/result.ts";
import { retryCommand } from "./pool/retry.ts";
import { startCommand } from "./pool/start.ts";
import { statusCommand } from "./pool/status.ts";
import { submitCommand } from "./pool/submit.ts";
import { tuneCommand } from "./pool/tune.ts";

export function poolCommand(context: CommandContext): Command {
	const pool = new Command("pool").description("stored proving jobs: submit them, run them on one machine or several, collect the proofs");
	const commands = [
		startCommand,
		submitCommand,
		statusCommand,
		resultCommand,
		retryCommand,
		cancelCommand,
		drainCommand,
		benchCommand,
		tuneCommand,
	];
	for (const command of commands) pool.addCommand(command(context));
	return pool;
}
