/** Files that a user names on the command line. */
import { access, constants, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A file that cannot be used. */
export class FileError extends Error {
	override readonly name = "FileError";
	readonly code: "FILE_MISSING" | "FILE_UNREADABLE" | "FILE_MALFORMED" | "FILE_UNWRITABLE";
	readonly hint: string;

	constructor(code: FileError["code"], message: string, hint: string, cause: unknown) {
		super(message, { cause });
		this.code = code;
		this.hint = hint;
	}
}

/**
 * Reads JSON.
 * @param path of the file
 * @param what such as "a proof as JSON", for messages
 * @throws FileError `FILE_MISSING`, `FILE_UNREADABLE`, `FILE_MALFORMED`
 */
export async function readJsonFile(path: string, what: string): Promise<unknown> {
	const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
		const code = cause.code === "ENOENT" ? "FILE_MISSING" : "FILE_UNREADABLE";
		throw new FileError(code, `expected ${what} at ${path}, got ${cause.message}`, "Check the path.", cause);
	});
	try {
		return JSON.parse(text);
	} catch (cause) {
		const message = `expected ${what} at ${path}, got no JSON: ${(cause as Error).message}`;
		throw new FileError("FILE_MALFORMED", message, "Give the file that snarkjs or this command wrote.", cause);
	}
}

/**
 * Makes the folder of a file that will be written later, and tries whether it can be, so that work is not done in vain.
 * @throws FileError `FILE_UNWRITABLE`
 */
export async function prepareOutput(path: string): Promise<void> {
	const fail = (got: string, cause?: unknown): never => {
		throw new FileError("FILE_UNWRITABLE", `expected to write ${path}, got ${got}`, "Give another path.", cause);
	};
	const found = await stat(path).catch(() => undefined);
	if (found?.isDirectory()) fail("a folder of this name");
	try {
		if (found) return await access(path, constants.W_OK);
		await makeFolder(dirname(path));
		await writeFile(path, "", { flag: "wx" });
		await rm(path);
	} catch (cause) {
		fail(`a place that cannot be written (${(cause as Error).message})`, cause);
	}
}

/**
 * Tries whether a folder that will be made later can be, so that work is not done in vain. One that is there already is left to whoever fills it.
 * @throws FileError `FILE_UNWRITABLE`
 */
export async function prepareFolder(path: string): Promise<void> {
	const found = await stat(path).catch(() => undefined);
	if (!found?.isDirectory()) await prepareOutput(path);
}

/** A folder with those above it. Not `mkdir` with `recursive`: below /proc that of Node.js 24 never ends. */
async function makeFolder(path: string): Promise<void> {
	if (await stat(path).catch(() => undefined)) return;
	if (dirname(path) !== path) await makeFolder(dirname(path));
	await mkdir(path).catch((cause: NodeJS.ErrnoException) => {
		// Made by another process meanwhile.
		if (cause.code !== "EEXIST") throw cause;
	});
}
