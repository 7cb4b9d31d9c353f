/** Provers and workers as child processes, for tests that kill them. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Place } from "../../prover/jobs/open.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** A running command. */
export class Daemon {
	readonly #child: ChildProcess;
	readonly #ended: Promise<number | null>;
	#output = "";
	#waiting: (() => void)[] = [];

	/** Starts `openledger pool COMMAND`, or that of another noun. */
	constructor(args: readonly string[], place: Place, env: NodeJS.ProcessEnv = {}, noun = "pool") {
		const where = "database" in place ? ["--database", place.database] : ["--store", place.directory];
		this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, noun, ...args, ...where], {
			stdio: ["ignore", "pipe", "pipe"],
			env: { ...process.env, ...env },
		});
		for (const stream of [this.#child.stdout, this.#child.stderr]) {
			stream?.setEncoding("utf8").on("data", (text: string) => {
				this.#output += text;
				this.#wake();
			});
		}
		this.#ended = new Promise((resolve) => {
			this.#child.once("close", (code) => {
				resolve(code);
				this.#wake();
			});
		});
	}

	get output(): string {
		return this.#output;
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	/** Waits until the output matches. @throws Error when the process ends before */
	async says(pattern: RegExp): Promise<RegExpExecArray> {
		for (;;) {
			const match = pattern.exec(this.#output);
			if (match) return match;
			if (this.#child.exitCode !== null)
				throw new Error(`expected ${pattern}, got the end with code ${this.#child.exitCode}:\n${this.#output}`);
			await new Promise<void>((resolve) => this.#waiting.push(resolve));
		}
	}

	/** Sends a signal, the hardest by default. @returns the exit code, null when the signal ended the process */
	async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
		this.#child.kill(signal);
		return this.#ended;
	}

	/** Sends a signal and goes on. */
	signal(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** @returns the exit code */
	async end(): Promise<number | null> {
		return this.#ended;
	}

	#wake(): void {
		for (const wake of this.#waiting.splice(0)) wake();
	}
}
