/** A licensed corpus as a user keeps it: a folder with a folder for each contributor, or JSON lines. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import type { Document } from "../../attribution/text/document.ts";
import { FileError } from "../file.ts";

/**
 * Reads a corpus.
 * @param path of the folder or file
 * @param licence of the documents of a folder; JSON lines say their own
 * @returns of a folder: its files by path, which is their id, of the contributor whose folder they are in; of JSON lines: as they come
 * @throws FileError `FILE_MISSING`, `FILE_UNREADABLE`, `FILE_MALFORMED`
 */
export async function readCorpus(path: string, licence: string): Promise<Document[]> {
	const found = await stat(path).catch((cause: Error) => {
		throw new FileError(
			"FILE_MISSING",
			`expected a folder or a file of JSON lines at ${path}, got ${cause.message}`,
			"Check the path.",
			cause,
		);
	});
	return found.isDirectory() ? readFolder(resolve(path), licence) : readLines(path);
}

async function readFolder(folder: string, licence: string): Promise<Document[]> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	const ids = entries
		.filter((entry) => entry.isFile())
		.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"))
		.filter((id) => id.split("/").every((part) => !part.startsWith(".")))
		.sort();
	const documents: Document[] = [];
	for (const id of ids) {
		const contributor = id.includes("/") ? (id.split("/")[0] as string) : "";
		documents.push({ id, contributor, licence, text: await readUtf8(join(folder, id)) });
	}
	return documents;
}

async function readLines(path: string): Promise<Document[]> {
	const lines = (await readUtf8(path)).split("\n");
	return lines.flatMap((line, i) => {
		if (line.trim() === "") return [];
		const refuse = (got: string, cause?: unknown): never => {
			throw new FileError(
				"FILE_MALFORMED",
				`${path}, line ${i + 1}: expected {"id", "contributor", "licence", "text"}, got ${got}`,
				"Give one document a line, as JSON with these four texts.",
				cause,
			);
		};
		let document: Record<string, unknown> = {};
		try {
			document = Object(JSON.parse(line)) as Record<string, unknown>;
		} catch (cause) {
			refuse(`no JSON: ${(cause as Error).message}`, cause);
		}
		const { id, contributor, licence, text } = document;
		for (const [name, value] of Object.entries({ id, contributor, licence, text })) {
			if (typeof value !== "string") refuse(`no text as "${name}"`);
		}
		return [{ id, contributor, licence, text } as Document];
	});
}

/**
 * A text file.
 * @throws FileError `FILE_MISSING`, `FILE_UNREADABLE`
 */
export async function readUtf8(path: string): Promise<string> {
	const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
		const code = cause.code === "ENOENT" ? "FILE_MISSING" : "FILE_UNREADABLE";
		throw new FileError(code, `expected a text file at ${path}, got ${cause.message}`, "Check the path.", cause);
	});
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch (cause) {
		throw new FileError("FILE_UNREADABLE", `${path}: expected UTF-8, got other bytes`, "Convert the file, or leave it out.", cause);
	}
}
