/**
 * iden3's binary files (.zkey, .wtns, .r1cs): four letters, a version, and numbered sections. From a path or from memory.
 */
import { type FileHandle, open, stat } from "node:fs/promises";
import { fromBytesLE, WORD } from "../bn254.ts";
import { ProverError } from "../errors.ts";

/** A file's path, or its content. */
export type Source = string | Uint8Array;

/** How a kind of file complains. */
export interface Format {
	/** the first four letters */
	readonly letters: string;
	readonly versions: readonly number[];
	missing(message: string, cause: unknown): ProverError;
	malformed(message: string): ProverError;
	truncated(message: string): ProverError;
}

interface Section {
	readonly start: number;
	readonly bytes: number;
}

/** An open file. */
export class Sections {
	readonly name: string;
	readonly #format: Format;
	readonly #source: FileHandle | Uint8Array;
	readonly #sections: ReadonlyMap<number, Section>;

	private constructor(name: string, format: Format, source: FileHandle | Uint8Array, sections: ReadonlyMap<number, Section>) {
		this.name = name;
		this.#format = format;
		this.#source = source;
		this.#sections = sections;
	}

	/**
	 * Opens a file and finds its sections.
	 * @throws what the format says for a file that is missing, of another kind or cut off
	 */
	static async open(source: Source, format: Format): Promise<Sections> {
		const name = typeof source === "string" ? source : `a .${format.letters} in memory`;
		if (typeof source !== "string") return new Sections(name, format, source, await findSections(source, name, format));
		const file = await openFile(source).catch((cause) => {
			throw format.missing(`Sections.open: expected a .${format.letters} at ${source}, got ${(cause as Error).message}`, cause);
		});
		try {
			return new Sections(name, format, file, await findSections(file, name, format));
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/** Length of a section, 0 when there is none. */
	bytes(id: number): number {
		return this.#sections.get(id)?.bytes ?? 0;
	}

	/** Complains when a section has another length. */
	expect(id: number, bytes: number): void {
		if (this.bytes(id) === bytes) return;
		throw this.#format.malformed(`Sections.expect: expected section ${id} of ${this.name} to have ${bytes} bytes, got ${this.bytes(id)}`);
	}

	/**
	 * @param from first byte of the part
	 * @param bytes length of the part; default: to the end
	 */
	async read(id: number, from = 0, bytes = this.bytes(id) - from): Promise<Buffer> {
		const section = this.#sections.get(id);
		if (!section || from + bytes > section.bytes) {
			throw this.#format.malformed(
				`Sections.read: expected section ${id} of ${this.name} to have ${from + bytes} bytes, got ${this.bytes(id)}`,
			);
		}
		return readPart(this.#source, section.start + from, bytes, this.name, this.#format);
	}

	async close(): Promise<void> {
		if (!(this.#source instanceof Uint8Array)) await this.#source.close();
	}
}

/**
 * Opens a file for reading. Opening a pipe would wait for whoever writes to it, and a folder opens but cannot be read.
 * @throws Error in the system's words, or for what is no regular file
 */
export async function openFile(path: string): Promise<FileHandle> {
	const found = await stat(path);
	if (!found.isFile()) throw new Error(found.isDirectory() ? "a folder" : "no regular file");
	return open(path, "r");
}

async function findSections(source: FileHandle | Uint8Array, name: string, format: Format): Promise<Map<number, Section>> {
	const size = source instanceof Uint8Array ? source.length : (await source.stat()).size;
	const head = await readPart(source, 0, 12, name, format);
	const letters = head.toString("latin1", 0, 4);
	if (letters !== format.letters)
		throw format.malformed(`Sections.open: expected ${name} to be a .${format.letters}, got a file that starts "${letters}"`);
	const version = head.readUInt32LE(4);
	if (!format.versions.includes(version)) {
		throw format.malformed(`Sections.open: expected ${name} to have version ${format.versions.join(" or ")}, got ${version}`);
	}
	const sections = new Map<number, Section>();
	let position = 12;
	for (let i = 0; i < head.readUInt32LE(8); i++) {
		const entry = await readPart(source, position, 12, name, format);
		const bytes = Number(entry.readBigUInt64LE(4));
		position += 12;
		if (position + bytes > size)
			throw format.truncated(`Sections.open: expected ${name} to have at least ${position + bytes} bytes, got ${size}`);
		sections.set(entry.readUInt32LE(0), { start: position, bytes });
		position += bytes;
	}
	return sections;
}

async function readPart(source: FileHandle | Uint8Array, start: number, bytes: number, name: string, format: Format): Promise<Buffer> {
	if (source instanceof Uint8Array) {
		if (start + bytes > source.length) {
			throw format.truncated(`Sections.read: expected ${name} to have at least ${start + bytes} bytes, got ${source.length}`);
		}
		return Buffer.from(source.buffer, source.byteOffset + start, bytes);
	}
	const buffer = allocate(bytes, name);
	for (let done = 0; done < bytes; ) {
		const { bytesRead } = await source.read(buffer, done, bytes - done, start + done).catch((cause) => {
			throw format.missing(`Sections.read: expected to read ${name}, got ${(cause as Error).message}`, cause);
		});
		if (bytesRead === 0)
			throw format.truncated(`Sections.read: expected ${name} to have at least ${start + bytes} bytes, got ${start + done}`);
		done += bytesRead;
	}
	return buffer;
}

function allocate(bytes: number, name: string): Buffer {
	try {
		return Buffer.allocUnsafeSlow(bytes);
	} catch (cause) {
		throw new ProverError(
			"engine.memory",
			`Sections.read: expected memory for ${bytes} bytes of ${name}, got ${(cause as Error).message}`,
			{
				hint: "use fewer threads, or a machine with more memory",
				cause,
			},
		);
	}
}

/** A length in bytes and a field element, as headers name a field. */
export function readField(bytes: Buffer, offset: number): bigint {
	return offset + 4 + WORD <= bytes.length && bytes.readUInt32LE(offset) === WORD ? fromBytesLE(bytes, offset + 4) : 0n;
}
