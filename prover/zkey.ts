/**
 * The proving key's file format: snarkjs' `.zkey` (Groth16, sections 1 to 10) with three sections more.
 *
 * | section | content |
 * |---|---|
 * | 100 | `K_i`, one affine G1 point per private input wire |
 * | 101 | `sigma K_i`, in the same order |
 * | 102 | JSON: {@link KeyFacts} |
 *
 * Points are affine, coordinates 32 bytes little endian in Montgomery form (G2: x.c0, x.c1, y.c0, y.c1).
 */
import { type FileHandle, open } from "node:fs/promises";
import { fromBytesLE, Q, R, toBytesLE, WORD } from "./bn254.ts";
import { KeyError } from "./errors.ts";

export const SECTION = {
	protocol: 1,
	header: 2,
	ic: 3,
	coefficients: 4,
	a: 5,
	b1: 6,
	b2: 7,
	c: 8,
	h: 9,
	contributions: 10,
	commitment: 100,
	knowledge: 101,
	facts: 102,
} as const;

/** What section 102 says about the key. */
export interface KeyFacts {
	readonly schema: "openledger.key.v1";
	/** digest of the compiled circuit */
	readonly circuit: string;
	readonly statement: string;
	readonly id: string;
	/** true when tau is known to somebody: such a key proves nothing to anybody else */
	readonly development: boolean;
	readonly publics: readonly string[];
	readonly links: readonly string[];
	readonly hasWords: boolean;
	/** `[sigma]_2` as decimals `[[x.c0, x.c1], [y.c0, y.c1]]` */
	readonly sigma: readonly [readonly [string, string], readonly [string, string]];
}

/** Sizes and the points of section 2, raw. */
export interface KeyHeader {
	readonly nWires: number;
	readonly nPublic: number;
	readonly domainSize: number;
	readonly alpha1: Uint8Array;
	readonly beta1: Uint8Array;
	readonly beta2: Uint8Array;
	readonly gamma2: Uint8Array;
	readonly delta1: Uint8Array;
	readonly delta2: Uint8Array;
}

/** Where a section lies in the file. */
export interface KeySection {
	readonly id: number;
	readonly start: number;
	readonly bytes: number;
}

const G1_BYTES = 64;
const G2_BYTES = 128;
const PREAMBLE = 12;

/** Bytes of section 2. */
export const HEADER_BYTES = 2 * (4 + WORD) + 12 + 3 * G1_BYTES + 3 * G2_BYTES;

/**
 * @returns section 2 as snarkjs reads it
 */
export function encodeHeader(header: KeyHeader): Uint8Array {
	const bytes = Buffer.alloc(HEADER_BYTES);
	bytes.writeUInt32LE(WORD, 0);
	bytes.set(toBytesLE(Q), 4);
	bytes.writeUInt32LE(WORD, 36);
	bytes.set(toBytesLE(R), 40);
	bytes.writeUInt32LE(header.nWires, 72);
	bytes.writeUInt32LE(header.nPublic, 76);
	bytes.writeUInt32LE(header.domainSize, 80);
	let position = 84;
	for (const point of [header.alpha1, header.beta1, header.beta2, header.gamma2, header.delta1, header.delta2]) {
		bytes.set(point, position);
		position += point.length;
	}
	return bytes;
}

/**
 * Writes the table of contents of an empty file: preamble and section heads, content unwritten.
 * @param file open for writing, empty
 * @param sizes content bytes by section, in file order
 * @param letters kind of the file; default: a key
 * @returns places of the contents
 */
export async function layOut(
	file: FileHandle,
	sizes: readonly (readonly [id: number, bytes: number])[],
	letters = "zkey",
): Promise<Map<number, KeySection>> {
	const preamble = Buffer.from(`${letters}\u0001\0\0\0\0\0\0\0`, "latin1");
	preamble.writeUInt32LE(sizes.length, 8);
	await writeFully(file, preamble, 0);
	const sections = new Map<number, KeySection>();
	let position = PREAMBLE;
	for (const [id, bytes] of sizes) {
		const head = Buffer.alloc(12);
		head.writeUInt32LE(id, 0);
		head.writeBigUInt64LE(BigInt(bytes), 4);
		await writeFully(file, head, position);
		sections.set(id, { id, start: position + 12, bytes });
		position += 12 + bytes;
	}
	return sections;
}

/** Writes all bytes: on a disk that is almost full a single write may write less than it was given. */
export async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
	}
}

/** An open key file. */
export class Zkey {
	readonly path: string;
	readonly header: KeyHeader;
	readonly facts: KeyFacts;
	readonly #file: FileHandle;
	readonly #sections: ReadonlyMap<number, KeySection>;

	private constructor(path: string, file: FileHandle, sections: ReadonlyMap<number, KeySection>, header: KeyHeader, facts: KeyFacts) {
		this.path = path;
		this.#file = file;
		this.#sections = sections;
		this.header = header;
		this.facts = facts;
	}

	/**
	 * Opens a key and checks that every section is there in full length.
	 * @throws KeyError `key.missing`, `key.truncated`, `key.format`
	 */
	static async open(path: string): Promise<Zkey> {
		const file = await open(path, "r").catch((cause) => {
			throw new KeyError("key.missing", `Zkey.open: expected a key at ${path}, got ${(cause as Error).message}`, {
				hint: "make it with `openledger setup dev`",
				cause,
			});
		});
		try {
			const sections = await readSections(file, path);
			const header = decodeHeader(await readSection(file, path, sections, SECTION.header));
			const facts = decodeFacts(await readSection(file, path, sections, SECTION.facts), path);
			const nInputs = (sections.get(SECTION.commitment)?.bytes ?? 0) / G1_BYTES;
			const expected: [number, number][] = [
				[SECTION.ic, (header.nPublic + 1) * G1_BYTES],
				[SECTION.a, header.nWires * G1_BYTES],
				[SECTION.b1, header.nWires * G1_BYTES],
				[SECTION.b2, header.nWires * G2_BYTES],
				[SECTION.c, (header.nWires - header.nPublic - 1) * G1_BYTES],
				[SECTION.h, header.domainSize * G1_BYTES],
				[SECTION.knowledge, nInputs * G1_BYTES],
			];
			for (const [id, bytes] of expected) {
				const got = sections.get(id)?.bytes;
				if (got !== bytes) throw malformed(path, `section ${id} of ${bytes} bytes`, `${got ?? "none"}`);
			}
			return new Zkey(path, file, sections, header, facts);
		} catch (error) {
			await file.close();
			throw error;
		}
	}

	/**
	 * Reads a section or a part of it.
	 * @param from first byte of the part
	 * @param bytes length of the part; default: to the end
	 * @throws KeyError `key.format` when the key has no such section, `key.truncated` when it is too short
	 */
	async read(id: number, from = 0, bytes?: number): Promise<Uint8Array> {
		return readSection(this.#file, this.path, this.#sections, id, from, bytes);
	}

	/** All sections, in file order. */
	get sections(): readonly KeySection[] {
		return [...this.#sections.values()];
	}

	/** Length of a section, 0 when there is none. */
	bytes(id: number): number {
		return this.#sections.get(id)?.bytes ?? 0;
	}

	/** Private input wires, all committed. */
	get nInputs(): number {
		return this.bytes(SECTION.commitment) / G1_BYTES;
	}

	async close(): Promise<void> {
		await this.#file.close();
	}
}

async function readSections(file: FileHandle, path: string): Promise<Map<number, KeySection>> {
	const size = (await file.stat()).size;
	const head = Buffer.alloc(PREAMBLE);
	const { bytesRead } = await file.read(head, 0, PREAMBLE, 0);
	if (bytesRead < PREAMBLE) throw truncated(path, PREAMBLE, size);
	if (head.toString("latin1", 0, 4) !== "zkey") throw malformed(path, "a zkey file", "other content");
	const sections = new Map<number, KeySection>();
	let position = PREAMBLE;
	for (let i = 0; i < head.readUInt32LE(8); i++) {
		const entry = Buffer.alloc(12);
		if (position + 12 > size) throw truncated(path, position + 12, size);
		await file.read(entry, 0, 12, position);
		const bytes = Number(entry.readBigUInt64LE(4));
		position += 12;
		if (position + bytes > size) throw truncated(path, position + bytes, size);
		sections.set(entry.readUInt32LE(0), { id: entry.readUInt32LE(0), start: position, bytes });
		position += bytes;
	}
	return sections;
}

async function readSection(
	file: FileHandle,
	path: string,
	sections: ReadonlyMap<number, KeySection>,
	id: number,
	from = 0,
	length?: number,
): Promise<Buffer> {
	const section = sections.get(id);
	if (!section) throw malformed(path, `a section ${id}`, "none");
	const bytes = length ?? section.bytes - from;
	const buffer = Buffer.alloc(bytes);
	const { bytesRead } = await file.read(buffer, 0, bytes, section.start + from);
	if (bytesRead < bytes) throw truncated(path, section.start + from + bytes, section.start + from + bytesRead);
	return buffer;
}

/**
 * Reads section 2.
 * @param bytes its content
 * @throws KeyError `key.format`
 */
export function decodeHeader(bytes: Buffer): KeyHeader {
	if (bytes.length !== HEADER_BYTES || fromBytesLE(bytes, 4) !== Q || fromBytesLE(bytes, 40) !== R) {
		throw new KeyError("key.format", "decodeHeader: expected a Groth16 key over BN254, got another curve");
	}
	let position = 84;
	const point = (size: number): Uint8Array => {
		position += size;
		return bytes.subarray(position - size, position);
	};
	return {
		nWires: bytes.readUInt32LE(72),
		nPublic: bytes.readUInt32LE(76),
		domainSize: bytes.readUInt32LE(80),
		alpha1: point(G1_BYTES),
		beta1: point(G1_BYTES),
		beta2: point(G2_BYTES),
		gamma2: point(G2_BYTES),
		delta1: point(G1_BYTES),
		delta2: point(G2_BYTES),
	};
}

function decodeFacts(bytes: Buffer, path: string): KeyFacts {
	let facts: KeyFacts;
	try {
		facts = JSON.parse(bytes.toString("utf8"));
	} catch (cause) {
		throw malformed(path, "JSON in section 102", (cause as Error).message);
	}
	if (facts.schema !== "openledger.key.v1") throw malformed(path, "schema openledger.key.v1", String(facts.schema));
	return facts;
}

function truncated(path: string, expected: number, got: number): KeyError {
	return new KeyError("key.truncated", `Zkey.open: expected ${path} to hold at least ${expected} bytes, got ${got}`, {
		hint: "delete the file and make the key again",
	});
}

function malformed(path: string, expected: string, got: string): KeyError {
	return new KeyError("key.format", `Zkey.open: expected ${path} to hold ${expected}, got ${got}`, {
		hint: "only keys made by this package carry the commitment sections",
	});
}
