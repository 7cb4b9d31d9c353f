/** `openledger pool`: proofs by jobs that survive the end of any process. */
import { Command } from "commander";
import type { CommandContext } from "./command.ts";
import { benchCommand } from "./pool/bench.ts";
import { POOL } from "./pool/noun.ts";
import { resultCommand } from "./pool/result.ts";
import { startCommand } from "./pool/start.ts";
import { statusCommand } from "./pool/status.ts";
import { submitCommand } from "./pool/submit.ts";
import { tuneCommand } from "./pool/tune.ts";
import { cancelCommand } from "./queue/cancel.ts";
import { drainCommand } from "./queue/drain.ts";
import { retryCommand } from "./queue/retry.ts";

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
	for (const command of commands) pool.addCommand(command(context, POOL));
	return pool;
}
