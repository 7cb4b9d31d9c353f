/**
 * Named arrays as a safetensors file: the form of everything that compute jobs take and give, readable from Python and Rust.
 *
 *     8 bytes       length h of the header, little-endian
 *     h bytes       JSON: name -> { dtype, shape, data_offsets: [begin, end) }, and "__metadata__" -> { name: text }
 *     the rest      the arrays, little-endian, row-major, without gaps
 *
 * Written in one way only, so that the same arrays are the same bytes: JSON canonical (RFC 8785), wide elements first, then by name.
 * Source: https://github.com/huggingface/safetensors, section "Format".
 */
import canonicalize from "canonicalize";
import { DataError } from "../../compute/errors.ts";

/** Typed arrays by dtype; a machine that is not little-endian is not supported by Node.js builds that are in use. */
const ARRAYS = {
	U8: Uint8Array,
	I8: Int8Array,
	U32: Uint32Array,
	I32: Int32Array,
	F32: Float32Array,
	U64: BigUint64Array,
	I64: BigInt64Array,
	F64: Float64Array,
} as const;

interface ValuesOf {
	readonly U8: Uint8Array;
	readonly I8: Int8Array;
	readonly U32: Uint32Array;
	readonly I32: Int32Array;
	readonly F32: Float32Array;
	readonly U64: BigUint64Array;
	readonly I64: BigInt64Array;
	readonly F64: Float64Array;
}

export type Dtype = keyof ValuesOf;

export interface NamedArray<D extends Dtype = Dtype> {
	readonly dtype: D;
	readonly shape: readonly number[];
	/** As many as the product of the shape. */
	readonly values: ValuesOf[D];
}

export interface TensorFile {
	readonly arrays: ReadonlyMap<string, NamedArray>;
	readonly metadata: Readonly<Record<string, string>>;
}

/** Headers above this are no headers: the bound of the reference implementation. */
const MAX_HEADER = 100_000_000;

/** The file of some arrays. */
export function encodeTensors(arrays: Readonly<Record<string, NamedArray>>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
	const order = Object.keys(arrays).sort((a, b) => widthOf(arrays, b) - widthOf(arrays, a) || (a < b ? -1 : 1));
	const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
	let end = 0;
	for (const name of order) {
		const { dtype, shape, values } = arrays[name] as NamedArray;
		const begin = end;
		end += values.byteLength;
		header[name] = { dtype, shape, data_offsets: [begin, end] };
	}
	const text = canonicalize(header) as string;
	const length = 8 * Math.ceil(Buffer.byteLength(text) / 8);
	const bytes = Buffer.alloc(8 + length + end, " ");
	bytes.writeBigUInt64LE(BigInt(length), 0);
	bytes.write(text, 8);
	let at = 8 + length;
	for (const name of order) {
		const { buffer, byteOffset, byteLength } = (arrays[name] as NamedArray).values;
		bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
		at += byteLength;
	}
	return bytes;
}

function widthOf(arrays: Readonly<Record<string, NamedArray>>, name: string): number {
	return (arrays[name] as NamedArray).values.BYTES_PER_ELEMENT;
}

/**
 * Reads a file of arrays.
 * @param source - where the bytes come from, for messages
 * @throws {DataError} SAFETENSORS_MALFORMED
 */
export function decodeTensors(bytes: Uint8Array, source: string): TensorFile {
	const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const refuse = (expected: string, got: unknown): never => {
		throw new DataError("SAFETENSORS_MALFORMED", `${source}: expected ${expected}, got ${String(got)}`, HINT);
	};
	if (view.length < 8) refuse("a safetensors file", `${view.length} bytes`);
	const length = Number(view.readBigUInt64LE(0));
	if (length > MAX_HEADER || 8 + length > view.length) refuse(`a header inside the file of ${view.length} bytes`, `one of ${length} bytes`);
	const header = headerOf(view.subarray(8, 8 + length).toString("utf8"), refuse);
	const data = view.subarray(8 + length);
	const arrays = new Map<string, NamedArray>();
	let covered = 0;
	const entries = Object.entries(header).filter(([name]) => name !== "__metadata__") as [string, Partial<Entry> | null][];
	const begins = (entry: Partial<Entry> | null): number => Number(entry?.data_offsets?.[0]);
	for (const [name, entry] of entries.sort(([, a], [, b]) => begins(a) - begins(b))) {
		const { dtype, shape, data_offsets: offsets } = entry ?? {};
		const Values = ARRAYS[dtype as Dtype];
		if (!Object.hasOwn(ARRAYS, String(dtype)) || !Values) return refuse(`${name} of ${Object.keys(ARRAYS).join(", ")}`, dtype);
		if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
			return refuse(`a shape of ${name}`, JSON.stringify(shape));
		}
		const size = shape.reduce((product, one) => product * one, Values.BYTES_PER_ELEMENT);
		if (!Array.isArray(offsets) || offsets.length !== 2 || offsets[0] !== covered || offsets[1] !== covered + size) {
			return refuse(`${name} at [${covered}, ${covered + size}), as its shape says`, JSON.stringify(offsets));
		}
		if (covered + size > data.length) return refuse(`${covered + size} bytes of arrays`, data.length);
		// Copied to where an array of wide elements may begin.
		const values = new Values(Uint8Array.prototype.slice.call(data, covered, covered + size).buffer as ArrayBuffer);
		arrays.set(name, { dtype: dtype as Dtype, shape, values });
		covered += size;
	}
	if (covered !== data.length) refuse(`${covered} bytes of arrays`, data.length);
	return { arrays, metadata: metadataOf(header.__metadata__, refuse) };
}

interface Entry {
	readonly dtype: unknown;
	readonly shape: unknown;
	readonly data_offsets: readonly unknown[];
}

type Refuse = (expected: string, got: unknown) => never;

function headerOf(text: string, refuse: Refuse): Record<string, unknown> {
	let header: unknown;
	try {
		header = JSON.parse(text);
	} catch (error) {
		return refuse("a header of JSON", (error as Error).message);
	}
	if (!text.startsWith("{") || typeof header !== "object" || header === null)
		return refuse("a header that is an object", text.slice(0, 20));
	return header as Record<string, unknown>;
}

function metadataOf(value: unknown, refuse: Refuse): Readonly<Record<string, string>> {
	if (value === undefined) return {};
	const isText = typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string");
	return isText ? (value as Record<string, string>) : refuse("metadata of texts", JSON.stringify(value)?.slice(0, 100));
}

const HINT = "Write the file again with safetensors (Python: safetensors.numpy.save_file); it may have been cut off.";
