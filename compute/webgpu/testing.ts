/** What tests of this backend share. */
import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { DataError } from "../errors.ts";
import { openWebgpu, type WebgpuBackend, type WebgpuOptions } from "./backend.ts";

/**
 * Opens a device for tests. Where there is none they are skipped with a message, unless REQUIRE_WEBGPU is 1: then they fail.
 * @returns undefined where tests are to be skipped
 * @throws {DataError} NO_ADAPTER
 */
export async function openForTests(
	options: WebgpuOptions = {},
	required = process.env.REQUIRE_WEBGPU === "1",
): Promise<WebgpuBackend | undefined> {
	try {
		return await openWebgpu(options);
	} catch (error) {
		if (required || !(error instanceof DataError) || error.code !== "NO_ADAPTER") throw error;
		console.warn(`skipped: ${error.message}. ${error.hint}`);
		return undefined;
	}
}

/** How a process ended. */
export interface Ended {
	/** Exit code, or the signal that ended it. */
	readonly code: number | string;
	readonly stdout: string;
	readonly stderr: string;
}

/** Runs a program in a process of its own, which must end by itself in time; afterwards it is killed. */
export function runProgram(args: readonly string[], environment: Readonly<Record<string, string>> = {}, seconds = 60): Promise<Ended> {
	return new Promise((resolve) => {
		const options = { env: { ...process.env, ...environment }, timeout: 1000 * seconds, killSignal: "SIGKILL" as const };
		execFile(process.execPath, args, options, (error, stdout, stderr) => {
			resolve({ code: error ? (error.signal ?? error.code ?? "unknown") : 0, stdout, stderr });
		});
	});
}

/** Runs statements after `backend` is open; what they print is the output. */
export function runWithBackend(statements: string): Promise<Ended> {
	const module = JSON.stringify(pathToFileURL(`${import.meta.dirname}/backend.ts`).href);
	return runProgram([
		"--input-type=module",
		"--eval",
		`import { openWebgpu } from ${module};
		let device;
		const backend = await openWebgpu({ onDevice: (opened) => { device = opened; } });
		${statements}`,
	]);
}
