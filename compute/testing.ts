/** What this room's tests share: files of real data, and errors as values. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Backend } from "./backend.ts";
import { openReference } from "./reference/backend.ts";
import { openWasm } from "./wasm/backend.ts";

const FOLDER = process.env.OPENLEDGER_DATA ?? resolve(import.meta.dirname, "../../shared/data");

/**
 * A file of real data. Where it is absent its tests are skipped with a message; in CI they run and fail.
 * @returns its path and whether to skip
 */
export function sample(name: string): { path: string; absent: boolean } {
	const path = join(FOLDER, name);
	const absent = !existsSync(path) && process.env.CI !== "true";
	if (absent) console.warn(`skipped: ${path} is absent (set OPENLEDGER_DATA to the folder of real data)`);
	return { path, absent };
}

/** The code and message of the error that an action must end in. */
export async function refusal(action: () => unknown): Promise<{ code: unknown; message: string }> {
	try {
		await action();
	} catch (error) {
		const { code, message, hint } = error as { code?: unknown; message: string; hint?: unknown };
		if (!hint) throw error;
		return { code, message };
	}
	throw new Error("expected an error, got none");
}

/** Backends that every kernel is tested on, by name; to be closed. */
export const BACKENDS: readonly (readonly [string, () => Backend | Promise<Backend>])[] = [
	["reference", openReference],
	["wasm", openWasm],
];
