/**
 * Who owns a directory of embedded PostgreSQL: at most one process.
 *
 * The lock is SQLite's on a file in the directory: the operating system holds it for the process and takes it away with the process, however
 * that ends, so a stale lock does not exist and nothing has to be guessed from process numbers. `owner.json` beside it says who that is and
 * where it answers; it may be of an owner that is gone.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The process that owns a directory, and where it answers. */
export interface Owner {
	readonly schema: "openledger.jobs.owner.v1";
	readonly pid: number;
	/** of the endpoint on 127.0.0.1 */
	readonly port: number;
	/** what callers of the endpoint must show */
	readonly token: string;
	/** a prover, that stays; else a command, that will be done soon */
	readonly isProver: boolean;
	/** family of the jobs that it answers for; absent: proofs */
	readonly family?: string;
}

const LOCKED = 5;

/** A held lock. */
export class DirectoryLock {
	readonly #directory: string;
	readonly #file: DatabaseSync;

	private constructor(directory: string, file: DatabaseSync) {
		this.#directory = directory;
		this.#file = file;
	}

	/**
	 * Takes the lock.
	 * @param directory exists
	 * @returns undefined when another process, or this one, holds it
	 */
	static take(directory: string): DirectoryLock | undefined {
		const file = new DatabaseSync(join(directory, "lock"));
		try {
			file.exec("BEGIN EXCLUSIVE");
			return new DirectoryLock(directory, file);
		} catch (error) {
			file.close();
			if ((error as { errcode?: number }).errcode === LOCKED) return undefined;
			throw error;
		}
	}

	/** Says who the owner is. Readable by this user alone: whoever has the token can read results and cancel jobs. */
	async announce(owner: Omit<Owner, "schema" | "pid">): Promise<void> {
		const path = join(this.#directory, "owner.json");
		const text = JSON.stringify({ schema: "openledger.jobs.owner.v1", pid: process.pid, ...owner } satisfies Owner);
		await writeFile(`${path}.tmp`, `${text}\n`, { mode: 0o600 });
		await rename(`${path}.tmp`, path);
	}

	release(): void {
		this.#file.close();
	}
}

/**
 * Reads who owned a directory last.
 * @returns undefined when nobody ever did
 */
export async function lastOwner(directory: string): Promise<Owner | undefined> {
	const text = await readFile(join(directory, "owner.json"), "utf8").catch(() => undefined);
	return text === undefined ? undefined : JSON.parse(text);
}
