/** What every command shares: progress, signals, the JSON envelope, the exit code. */
import type { Progress } from "../network/epoch/progress.ts";
import { EXIT, failureOf } from "./exit.ts";
import { envelope, progressPrinter } from "./output.ts";

export interface Work {
	readonly progress: Progress;
	/** Aborted by SIGINT and SIGTERM. */
	readonly signal: AbortSignal;
}

export interface Outcome {
	/** The `result` of --json. */
	readonly result: unknown;
	/** What a person reads on stdout. */
	readonly text: string;
	/** EXIT.ok when absent. */
	readonly exit?: number;
}

export class CommandContext {
	json = false;
	exitCode: number = EXIT.ok;
	private readonly started = performance.now();

	/** Does the work of a command and prints its outcome. Never throws: the exit code says what happened. */
	async run(schema: string, work: (parts: Work) => Promise<Outcome>): Promise<void> {
		const controller = new AbortController();
		const stop = (): void => controller.abort(new Error("stopped by a signal"));
		process.once("SIGINT", stop);
		process.once("SIGTERM", stop);
		const printer = progressPrinter();
		try {
			const { result, text, exit } = await work({ progress: printer.report, signal: controller.signal });
			printer.end();
			process.stdout.write(`${this.json ? envelope(schema, this.started, { result }) : text}\n`);
			this.exitCode = exit ?? EXIT.ok;
		} catch (error) {
			printer.end();
			this.fail(schema, error, controller.signal.aborted);
		} finally {
			process.off("SIGINT", stop);
			process.off("SIGTERM", stop);
		}
	}

	/** Prints an error as a person, or a program, wants it. */
	fail(schema: string, error: unknown, interrupted = false): void {
		const failure = failureOf(error, interrupted);
		this.exitCode = failure.exit;
		if (this.json) {
			process.stdout.write(`${envelope(schema, this.started, { failure })}\n`);
		}
		process.stderr.write(`openledger: ${failure.message}\n${failure.hint === undefined ? "" : `  ${failure.hint}\n`}`);
		if (failure.exit === EXIT.internal && error instanceof Error) {
			process.stderr.write(`${error.stack}\n`);
		}
	}
}
