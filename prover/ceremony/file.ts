/** Files that are there as a whole or not at all. */
import { randomBytes } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { CeremonyError } from "../errors.ts";
import { layOut, writeFully } from "../zkey.ts";

/** A section of a binary file and how its content is got. */
export interface Content {
	readonly id: number;
	readonly bytes: number;
	readonly read: () => Promise<Uint8Array>;
}

/**
 * Fills a file beside its place and gives it its name when it is complete and on disk.
 * @param write fills the file at the path that it is given
 * @throws CeremonyError `ceremony.exists` when there is a file of that name already; `artefact.disk-full`; what `write` throws. Nothing is left behind.
 */
export async function place<Value>(path: string, write: (temporary: string) => Promise<Value>): Promise<Value> {
	const temporary = `${path}.${process.pid}-${randomBytes(6).toString("hex")}.tmp`;
	try {
		await refuseExisting(path);
		const value = await write(temporary);
		const file = await open(temporary, "r+");
		await file.sync().finally(() => file.close());
		await refuseExisting(path);
		await rename(temporary, path);
		return value;
	} catch (error) {
		await rm(temporary, { force: true });
		const { code } = error as NodeJS.ErrnoException;
		if (code !== "ENOSPC" && code !== "EDQUOT") throw error;
		throw new CeremonyError("artefact.disk-full", `place: expected space for ${path}, got ${code}`, {
			hint: "free some space and run again",
			cause: error,
		});
	}
}

/** Writes an iden3 file, one section in memory at a time. */
export async function writeSections(path: string, letters: string, contents: readonly Content[]): Promise<void> {
	const file = await open(path, "wx");
	try {
		const sections = await layOut(
			file,
			contents.map(({ id, bytes }) => [id, bytes] as const),
			letters,
		);
		for (const { id, read } of contents) await writeFully(file, await read(), sections.get(id)?.start as number);
	} finally {
		await file.close();
	}
}

/** A section that is in memory. */
export function content(id: number, bytes: Uint8Array): Content {
	return { id, bytes: bytes.length, read: async () => bytes };
}

async function refuseExisting(path: string): Promise<void> {
	const found = await stat(path).catch(() => undefined);
	if (!found) return;
	throw new CeremonyError("ceremony.exists", `place: expected no file at ${path}, got one`, {
		hint: "somebody was there before: verify what is there, or choose another folder",
	});
}
