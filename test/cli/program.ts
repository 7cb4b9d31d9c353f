/** The command line as a user runs it: a process of its own, in a folder of its own. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** What a run printed, and how it ended. */
export interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** A place to run commands in. */
export class Terminal {
	readonly folder: string;
	readonly #env: Readonly<Record<string, string>>;

	/** @param env more variables than our own, such as private keys */
	constructor(folder: string, env: Readonly<Record<string, string>>) {
		this.folder = folder;
		this.#env = env;
	}

	/**
	 * Runs `openledger` with these arguments.
	 * @param input standard input
	 * @param interrupt when it is interrupted (SIGINT): after milliseconds, or when stderr has a text; never by default
	 */
	run(args: readonly string[], input = "", interrupt?: number | string): Promise<Result> {
		const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, ...args], {
			cwd: this.folder,
			env: { ...process.env, ...this.#env },
		});
		let [stdout, stderr] = ["", ""];
		child.stdout.on("data", (chunk: Buffer) => {
			stdout += chunk;
		});
		child.stderr.on("data", (chunk: Buffer) => {
			const isBefore = typeof interrupt === "string" && !stderr.includes(interrupt);
			stderr += chunk;
			if (isBefore && stderr.includes(interrupt)) child.kill("SIGINT");
		});
		child.stdin.end(input);
		const timer = typeof interrupt === "number" ? setTimeout(() => child.kill("SIGINT"), interrupt) : undefined;
		return new Promise((resolve) =>
			child.on("close", (code) => {
				clearTimeout(timer);
				resolve({ code, stdout, stderr });
			}),
		);
	}

	/** The result of `openledger NOUN VERB ... --json`, which must succeed and say nothing on stderr. */
	async json(noun: string, verb: string, ...args: readonly string[]) {
		const { code, stdout, stderr } = await this.run([noun, verb, ...args, "--json"]);
		expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
		const { schema, ok, result } = JSON.parse(stdout);
		expect({ schema, ok }).toEqual({ schema: `openledger.${noun}.${verb}.v1`, ok: true });
		return result;
	}
}
