/**
 * snarkjs' proving keys (.zkey), read section by section or loaded once for many proofs.
 *
 * A loaded key is one memory that all threads read: the points in the engine's form, checked to be on the curve, and the terms of the matrices as they are.
 * It takes 480 bytes a wire and domain point and 44 a term, so that 4 GB hold a domain of 2^22 points; larger keys are read section by section.
 */
import { fromMontgomery, Q, R, WORD } from "../bn254.ts";
import { KeyError } from "../errors.ts";
import type { Helpers } from "./helpers.ts";
import { type GroupName, POINT_BYTES, TERM_BYTES } from "./kernels.ts";
import { allocateMemory, Machine, pagesOf } from "./machine.ts";
import { allocatePoints, convertPoints, KEY_BYTES, type Points } from "./msm.ts";
import { type Format, readField, Sections, type Source } from "./sections.ts";
import { MAX_LOG } from "./transform.ts";

/** The sections that hold points. */
const POINT_SECTIONS = ["a", "b1", "b2", "c", "h"] as const;
export type PointSection = (typeof POINT_SECTIONS)[number];

/** Number and group of a section. */
const SECTION = {
	a: { id: 5, group: "g1" },
	b1: { id: 6, group: "g1" },
	b2: { id: 7, group: "g2" },
	c: { id: 8, group: "g1" },
	h: { id: 9, group: "g1" },
} as const satisfies Record<PointSection, { readonly id: number; readonly group: GroupName }>;

/** What the lengths of the sections follow from. */
interface Sizes {
	readonly nWires: number;
	readonly nPublic: number;
	/** log2 of the number of points of the domain */
	readonly log: number;
	/** terms of the matrices A and B */
	readonly terms: number;
}

/** Sizes, and points as coordinates: x, y in G1, x_0, x_1, y_0, y_1 in G2. */
export interface KeyHeader extends Sizes {
	readonly alpha1: readonly bigint[];
	readonly beta1: readonly bigint[];
	readonly beta2: readonly bigint[];
	readonly delta1: readonly bigint[];
	readonly delta2: readonly bigint[];
}

/** A key for many proofs. Plain data: threads to which it is sent share its memory, which is free once nobody refers to it. */
export interface LoadedKey {
	/** path of the file */
	readonly name: string;
	readonly header: KeyHeader;
	readonly memory: WebAssembly.Memory;
	readonly points: Readonly<Record<PointSection, Points>>;
	/** address of the terms; nothing times the constant wire follows the last one */
	readonly terms: number;
	/** size of the memory */
	readonly bytes: number;
}

/** The part of loading that a thread does: chunks that no other thread has taken. */
export interface LoadTask {
	readonly zkey: Source;
	readonly key: LoadedKey;
	/** number of the next chunk, over shared memory */
	readonly next: Int32Array;
}

export const KEY_FORMAT: Format = {
	letters: "zkey",
	versions: [1, 2],
	missing: (message, cause) => new KeyError("key.missing", message, { cause }),
	malformed: (message) => new KeyError("key.format", message),
	truncated: (message) => new KeyError("key.truncated", message, { hint: "delete the file and make the key again" }),
};

const PROTOCOL = 1;
const GROTH16 = 1;
const HEADER = 2;
const HEADER_BYTES = 660;
const COEFFICIENTS = 4;
/** Points or terms that are loaded at a time. */
const CHUNK = 4096;
const CHUNK_BYTES = CHUNK * KEY_BYTES.g2;
/** Of everything in the memory of a loaded key, and where the first section lies. */
const ALIGNMENT = 64;

/** What a chunk holds: a section, or the terms, from a number on. */
interface Chunk {
	readonly section: PointSection | "terms";
	readonly first: number;
	readonly count: number;
}

/**
 * Loads a key for many proofs.
 * @param zkey a key of any circom circuit over BN254
 * @param options.helpers threads that help, when the key is a file
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`, `key.invalid` (a point off the curve)
 * @throws ProverError `engine.memory` when the key does not fit, at the latest above a domain of 2^22 points
 */
export async function loadKey(zkey: Source, options: { readonly helpers?: Helpers } = {}): Promise<LoadedKey> {
	const file = await Sections.open(zkey, KEY_FORMAT);
	let key: LoadedKey;
	try {
		key = layOut(file.name, await readHeader(file));
	} finally {
		await file.close();
	}
	const task: LoadTask = { zkey, key, next: new Int32Array(new SharedArrayBuffer(4)) };
	const machine = await Machine.take();
	try {
		// Threads would copy a key in memory.
		const others = typeof zkey === "string" ? options.helpers?.run({ program: machine.program, load: task }) : undefined;
		const outcomes = await Promise.allSettled([checkHeader(key.header, key.name), runLoad(machine, task), others]);
		for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
	} finally {
		machine.giveBack();
	}
	return key;
}

/**
 * @returns bytes that a key takes when it is loaded
 * @throws KeyError as {@link loadKey}
 */
export async function loadedBytes(zkey: Source): Promise<number> {
	const file = await Sections.open(zkey, KEY_FORMAT);
	try {
		return placesOf(await readHeader(file)).end;
	} finally {
		await file.close();
	}
}

/** Loads chunks until all are taken. */
export async function runLoad(machine: Machine, { zkey, key, next }: LoadTask): Promise<void> {
	const chunks = chunksOf(key);
	const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
	const file = await Sections.open(zkey, KEY_FORMAT);
	try {
		for (let i = Atomics.add(next, 0, 1); i < chunks.length; i = Atomics.add(next, 0, 1)) {
			const { section, first, count } = chunks[i] as Chunk;
			if (section === "terms") {
				new Uint8Array(key.memory.buffer).set(await readTerms(file, first, count, buffer), key.terms + first * TERM_BYTES);
			} else {
				const points = key.points[section];
				await readChunk(machine, file, section, points, first, count, buffer);
			}
		}
	} catch (error) {
		Atomics.store(next, 0, chunks.length);
		throw error;
	} finally {
		await file.close();
	}
}

/** Addresses for everything in a new memory. */
function layOut(name: string, header: KeyHeader): LoadedKey {
	const { places, flags, terms, end } = placesOf(header);
	const pages = pagesOf(end);
	const memory = allocateMemory(pages, pages);
	const counts = countsOf(header);
	const points = Object.fromEntries(
		POINT_SECTIONS.map((section, i): [PointSection, Points] => {
			const { group } = SECTION[section];
			return [section, { group, memory, pointer: places[i] as number, count: counts[section], present: flags[i] as number }];
		}),
	) as Record<PointSection, Points>;
	return { name, header, memory, points, terms, bytes: memory.buffer.byteLength };
}

/** Addresses of the points and of their flags by section, of the terms, and the end. */
function placesOf(sizes: Sizes): { readonly places: number[]; readonly flags: number[]; readonly terms: number; readonly end: number } {
	let end = ALIGNMENT;
	const take = (bytes: number): number => {
		const start = end;
		end = Math.ceil((end + bytes) / ALIGNMENT) * ALIGNMENT;
		return start;
	};
	const counts = countsOf(sizes);
	// Room for one point more, because they are converted two at a time.
	const places = POINT_SECTIONS.map((section) => take((counts[section] + 1) * POINT_BYTES[SECTION[section].group]));
	const flags = POINT_SECTIONS.map((section) => take(counts[section] + 1));
	const terms = take((sizes.terms + 1) * TERM_BYTES);
	return { places, flags, terms, end };
}

function chunksOf({ header }: LoadedKey): Chunk[] {
	const counts = { ...countsOf(header), terms: header.terms };
	return [...POINT_SECTIONS, "terms" as const].flatMap((section) =>
		Array.from({ length: Math.ceil(counts[section] / CHUNK) }, (_, i) => ({
			section,
			first: i * CHUNK,
			count: Math.min(CHUNK, counts[section] - i * CHUNK),
		})),
	);
}

/** Points of each section. */
function countsOf({ nWires, nPublic, log }: Sizes): Record<PointSection, number> {
	return { a: nWires, b1: nWires, b2: nWires, c: nWires - nPublic - 1, h: 2 ** log };
}

/** All points of a section, in a machine until it is released. */
export async function readPoints(machine: Machine, file: Sections, section: PointSection): Promise<Points> {
	const { id, group } = SECTION[section];
	const count = file.bytes(id) / KEY_BYTES[group];
	const points = allocatePoints(machine, group, count);
	const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
	for (let first = 0; first < count; first += CHUNK) {
		await readChunk(machine, file, section, points, first, Math.min(CHUNK, count - first), buffer);
	}
	return points;
}

async function readChunk(
	machine: Machine,
	file: Sections,
	section: PointSection,
	points: Points,
	first: number,
	count: number,
	buffer: Buffer,
): Promise<void> {
	const { id, group } = SECTION[section];
	const bytes = await file.read(id, first * KEY_BYTES[group], count * KEY_BYTES[group], buffer);
	convertPoints(machine, points, first, bytes, `the points of section ${id} of ${file.name}`);
}

/**
 * The bytes of some terms.
 * @param into where to put them, if the key is a file; default: a new buffer
 */
export function readTerms(file: Sections, first: number, count: number, into?: Buffer): Promise<Buffer> {
	return file.read(COEFFICIENTS, 4 + first * TERM_BYTES, count * TERM_BYTES, into);
}

/**
 * Reads the header and holds all lengths against it; its points are not checked, see {@link checkHeader}.
 * @throws KeyError `key.format`
 */
export async function readHeader(file: Sections): Promise<KeyHeader> {
	const protocol = await file.read(PROTOCOL, 0, 4);
	if (protocol.readUInt32LE(0) !== GROTH16) {
		throw new KeyError("key.format", `prove: expected ${file.name} to be a Groth16 key, got protocol ${protocol.readUInt32LE(0)}`);
	}
	const bytes = await file.read(HEADER);
	if (bytes.length !== HEADER_BYTES || readField(bytes, 0) !== Q || readField(bytes, 36) !== R) {
		throw new KeyError("key.format", `prove: expected ${file.name} to be over BN254, got another curve`);
	}
	const [nWires, nPublic, domainSize] = [72, 76, 80].map((offset) => bytes.readUInt32LE(offset)) as [number, number, number];
	const log = Math.log2(domainSize);
	if (!Number.isInteger(log) || log < 1 || log >= MAX_LOG || nPublic >= nWires) {
		throw new KeyError("key.format", `prove: expected ${file.name} to have a domain of 2 to 2^27 points, got ${domainSize}`);
	}
	const terms = (await file.read(COEFFICIENTS, 0, 4)).readUInt32LE(0);
	const sizes = { nWires, nPublic, log, terms };
	const counts = countsOf(sizes);
	for (const section of POINT_SECTIONS) file.expect(SECTION[section].id, counts[section] * KEY_BYTES[SECTION[section].group]);
	file.expect(COEFFICIENTS, 4 + terms * TERM_BYTES);
	return {
		...sizes,
		alpha1: coordinatesAt(bytes, 84, "g1"),
		beta1: coordinatesAt(bytes, 148, "g1"),
		beta2: coordinatesAt(bytes, 212, "g2"),
		delta1: coordinatesAt(bytes, 468, "g1"),
		delta2: coordinatesAt(bytes, 532, "g2"),
	};
}

function coordinatesAt(bytes: Buffer, offset: number, group: GroupName): bigint[] {
	return Array.from({ length: KEY_BYTES[group] / WORD }, (_, i) => fromMontgomery(bytes, offset + i * WORD));
}

/**
 * Checks the points of a header.
 * @param name of the key
 * @throws KeyError `key.invalid` when one is not of its group
 */
export async function checkHeader({ alpha1, beta1, beta2, delta1, delta2 }: KeyHeader, name: string): Promise<void> {
	// Loaded when it is needed: threads that only add points never need it.
	const { g1Point, g2Point } = await import("./horner.ts");
	try {
		for (const coordinates of [alpha1, beta1, delta1]) g1Point(coordinates).assertValidity();
		for (const coordinates of [beta2, delta2]) g2Point(coordinates).assertValidity();
	} catch (cause) {
		throw new KeyError("key.invalid", `prove: expected the header of ${name} to hold points of BN254, got another`, { cause });
	}
}
