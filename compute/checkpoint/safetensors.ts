/**
 * Named matrices as one file, in the safetensors format: the length of a header as 64 bits, the header as JSON (for each tensor its type,
 * shape and place; under `__metadata__` texts), then the values, row-major and little-endian. Equal tensors give equal bytes.
 *
 * The reader takes what the format allows and nothing else: tensors must fill the data without holes, overlaps or rests.
 * Source: https://github.com/huggingface/safetensors, "Format".
 */
import { DataError } from "../errors.ts";

/** Arrays by the format's names of types, as far as they are read. */
const TYPES = { U8: Uint8Array, I8: Int8Array, I32: Int32Array, F32: Float32Array, F64: Float64Array } as const;

export type SafetensorsType = keyof typeof TYPES;
export type SafetensorsValues = Uint8Array | Int8Array | Int32Array | Float32Array | Float64Array;

export interface NamedTensor {
	readonly name: string;
	readonly type: SafetensorsType;
	/** Sizes, outermost first; their product is the number of values. */
	readonly shape: readonly number[];
	readonly values: SafetensorsValues;
}

export interface Safetensors {
	/** In the order of their values in the file. */
	readonly tensors: readonly NamedTensor[];
	readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = "__metadata__";
/** The longest header, as in the format's own reader. */
const MAX_HEADER = 100_000_000;
/** Bytes of the header's length. */
const LENGTH = 8;

/** The bytes of a file. The values begin at a multiple of 8 bytes. */
export function writeSafetensors({ tensors, metadata }: Safetensors): Uint8Array {
	const header: [string, unknown][] = Object.keys(metadata).length === 0 ? [] : [[METADATA, metadata]];
	let at = 0;
	for (const { name, type, shape, values } of tensors) {
		header.push([name, { dtype: type, shape, data_offsets: [at, at + values.byteLength] }]);
		at += values.byteLength;
	}
	const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
	const length = LENGTH * Math.ceil(text.length / LENGTH);
	const bytes = new Uint8Array(LENGTH + length + at).fill(0x20, LENGTH, LENGTH + length);
	new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
	bytes.set(text, LENGTH);
	let to = LENGTH + length;
	for (const { values } of tensors) {
		bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), to);
		to += values.byteLength;
	}
	return bytes;
}

/**
 * The tensors of a file, in memory of their own.
 * @param source - where the bytes are from, for messages
 * @throws {DataError} SAFETENSORS_MALFORMED
 */
export function readSafetensors(bytes: Uint8Array, source: string): Safetensors {
	const { header, start } = headerOf(bytes, source);
	const { [METADATA]: given, ...entries } = header;
	const size = bytes.length - start;
	const places = Object.entries(entries).map(([name, entry]) => placeOf(name, entry, source));
	places.sort((one, other) => one.from - other.from || one.to - other.to);
	let end = 0;
	for (const { name, from, to } of places) {
		if (from !== end) throw malformed(source, `${name}: data_offsets`, `values from byte ${end} on, without holes or overlaps`, from);
		if (to > size) throw malformed(source, `${name}: data_offsets`, `values inside the ${size} bytes of data`, `an end at ${to}`);
		end = to;
	}
	if (end !== size) throw malformed(source, "data", `${end} bytes, as the header says`, `${size}`);
	const tensors = places.map(({ name, type, shape, from, to }): NamedTensor => {
		// Not `slice`: that of a Buffer copies nothing.
		const own = new Uint8Array(bytes.subarray(start + from, start + to));
		return { name, type, shape, values: new TYPES[type](own.buffer) };
	});
	return { tensors, metadata: metadataOf(given, source) };
}

function headerOf(bytes: Uint8Array, source: string): { header: Record<string, unknown>; start: number } {
	if (bytes.length < LENGTH) throw malformed(source, "length of the header", `${LENGTH} bytes`, bytes.length);
	const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
	const most = BigInt(Math.min(MAX_HEADER, bytes.length - LENGTH));
	if (length > most) throw malformed(source, "length of the header", `at most ${most}`, length);
	const start = LENGTH + Number(length);
	let header: unknown;
	let names: readonly string[];
	try {
		const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(LENGTH, start));
		header = JSON.parse(text);
		names = topLevelNames(text);
	} catch (cause) {
		throw malformed(source, "header", "JSON in UTF-8", (cause as Error).message, cause);
	}
	if (!isObject(header)) throw malformed(source, "header", "an object", JSON.stringify(header));
	const twice = names.find((name, at) => names.indexOf(name) !== at);
	if (twice !== undefined) throw malformed(source, "header", "every tensor once", `${JSON.stringify(twice)} twice`);
	return { header, start };
}

interface Place {
	readonly name: string;
	readonly type: SafetensorsType;
	readonly shape: readonly number[];
	/** Bytes of the data. */
	readonly from: number;
	readonly to: number;
}

function placeOf(name: string, entry: unknown, source: string): Place {
	const fail = (what: string, expected: string, got: unknown) => malformed(source, `${name}: ${what}`, expected, JSON.stringify(got));
	if (!isObject(entry)) throw fail("entry", "an object", entry);
	const { dtype, shape, data_offsets: offsets, ...more } = entry;
	const [unknown] = Object.keys(more);
	if (unknown !== undefined) throw fail("entry", "dtype, shape and data_offsets", unknown);
	if (typeof dtype !== "string" || !Object.hasOwn(TYPES, dtype)) throw fail("dtype", `one of ${Object.keys(TYPES).join(", ")}`, dtype);
	if (!isSizes(shape)) throw fail("shape", "a list of sizes", shape);
	if (!isSizes(offsets) || offsets.length !== 2) throw fail("data_offsets", "two offsets", offsets);
	const [from, to] = offsets as [number, number];
	const width = TYPES[dtype as SafetensorsType].BYTES_PER_ELEMENT;
	const expected = shape.reduce((product, side) => product * side, width);
	if (to - from !== expected) throw fail("data_offsets", `${expected} bytes for ${dtype} of ${shape.join(" x ")}`, offsets);
	return { name, type: dtype as SafetensorsType, shape, from, to };
}

function metadataOf(given: unknown, source: string): Record<string, string> {
	if (given === undefined) return {};
	if (isObject(given) && Object.values(given).every((value) => typeof value === "string")) return given as Record<string, string>;
	throw malformed(source, METADATA, "texts by name", JSON.stringify(given));
}

/** Names of the members of an object in JSON that parses; one that stands twice comes twice. */
function topLevelNames(json: string): string[] {
	const names: string[] = [];
	let depth = 0;
	for (const [token] of json.matchAll(/"(?:[^"\\]+|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
		if (token === "{" || token === "[") depth++;
		else if (token === "}" || token === "]") depth--;
		else if (depth === 1 && token.endsWith(":")) names.push(JSON.parse(token.slice(0, -1)));
	}
	return names;
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
	return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function malformed(source: string, place: string, expected: string, got: unknown, cause?: unknown): DataError {
	return new DataError(
		"SAFETENSORS_MALFORMED",
		`${source}: ${place}: expected ${expected}, got ${got}`,
		"Get the file again, or go on from another checkpoint.",
		cause,
	);
}
