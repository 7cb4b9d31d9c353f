import { describe, expect, test } from "vitest";
import { refusal } from "../testing.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "./safetensors.ts";

const tensors: NamedTensor[] = [
	{ name: "a", type: "I32", shape: [2, 3], values: Int32Array.of(1, -2, 3, 2 ** 31 - 1, -(2 ** 31), 0) },
	{ name: "bytes", type: "U8", shape: [3], values: Uint8Array.of(1, 2, 255) },
	{ name: 'odd ": {"', type: "F64", shape: [1, 1], values: Float64Array.of(Math.PI) },
	{ name: "nothing", type: "F32", shape: [0, 4], values: new Float32Array() },
	{ name: "scalar", type: "I8", shape: [], values: Int8Array.of(-7) },
	{ name: "floats", type: "F32", shape: [2], values: Float32Array.of(0.5, -1e-40) },
];

test("what is written is read", () => {
	const metadata = { format: "test", data_offsets: "no tensor" };
	expect(readSafetensors(writeSafetensors({ tensors, metadata }), "x")).toEqual({ tensors, metadata });
	expect(readSafetensors(writeSafetensors({ tensors: [], metadata: {} }), "x")).toEqual({ tensors: [], metadata: {} });
	expect(readSafetensors(Buffer.from(writeSafetensors({ tensors, metadata })), "x").tensors).toEqual(tensors);
	// The bytes are those of a file that lies anywhere in a buffer.
	const bytes = writeSafetensors({ tensors, metadata });
	const shifted = new Uint8Array(bytes.length + 3);
	shifted.set(bytes, 3);
	expect(readSafetensors(shifted.subarray(3), "x").tensors).toEqual(tensors);
});

test("the bytes are those of the format", () => {
	const bytes = writeSafetensors({ tensors: [{ name: "w", type: "U8", shape: [2], values: Uint8Array.of(5, 6) }], metadata: {} });
	const header = '{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}';
	const length = 8 * Math.ceil(header.length / 8);
	expect(bytes).toEqual(Uint8Array.of(length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header.padEnd(length)), 5, 6));
});

/** A file with a header of one's own. */
function file(header: string | Uint8Array, data = 4, length?: bigint): Uint8Array {
	const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
	const bytes = new Uint8Array(8 + text.length + data);
	new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
	bytes.set(text, 8);
	return bytes;
}
const entry = (change: object = {}) => JSON.stringify({ dtype: "U8", shape: [4], data_offsets: [0, 4], ...change });

test("the file that is changed below is whole", () => {
	expect(readSafetensors(file(`{"w":${entry()}}`), "x").tensors).toHaveLength(1);
	expect(readSafetensors(file(`{"w":${entry()}}   \n`), "x").tensors).toHaveLength(1);
});

describe("refused, with the place", () => {
	test.each([
		["an empty file", new Uint8Array(), "length of the header: expected 8 bytes, got 0"],
		["a header beyond the file", file("{}", 0, 3n), "length of the header: expected at most 2, got 3"],
		["a header beyond 2^53", file("{}", 0, 2n ** 63n), `length of the header: expected at most 2, got ${2n ** 63n}`],
		["a header that is cut", file('{"w":', 0), "header: expected JSON in UTF-8, got "],
		["a header that is no UTF-8", file(Uint8Array.of(0x7b, 0xff, 0x7d), 0), "header: expected JSON in UTF-8, got "],
		["a list", file("[]", 0), "header: expected an object, got []"],
		["a tensor twice", file(`{"w":${entry()},"w":${entry()}}`), 'header: expected every tensor once, got "w" twice'],
		["a tensor twice, once escaped", file(`{"w":${entry()},"\\u0077":${entry()}}`), 'header: expected every tensor once, got "w" twice'],
		["an entry that is none", file('{"w":3}'), "w: entry: expected an object, got 3"],
		["an entry with more", file(`{"w":${entry({ more: 1 })}}`), 'w: entry: expected dtype, shape and data_offsets, got "more"'],
		["an unknown type", file(`{"w":${entry({ dtype: "F7" })}}`), 'w: dtype: expected one of U8, I8, I32, F32, F64, got "F7"'],
		["a type of every object", file(`{"w":${entry({ dtype: "toString" })}}`), "w: dtype: expected one of"],
		["a negative size", file(`{"w":${entry({ shape: [-4] })}}`), "w: shape: expected a list of sizes, got [-4]"],
		["a broken size", file(`{"w":${entry({ shape: [0.5, 8] })}}`), "w: shape: expected a list of sizes, got [0.5,8]"],
		["a shape of another size", file(`{"w":${entry({ shape: [5] })}}`), "w: data_offsets: expected 5 bytes for U8 of 5, got [0,4]"],
		["one offset", file(`{"w":${entry({ data_offsets: [4] })}}`), "w: data_offsets: expected two offsets, got [4]"],
		[
			"offsets that turn back",
			file(`{"w":${entry({ data_offsets: [4, 0] })}}`),
			"w: data_offsets: expected 4 bytes for U8 of 4, got [4,0]",
		],
		[
			"a hole",
			file(`{"w":${entry({ data_offsets: [1, 5] })}}`, 5),
			"w: data_offsets: expected values from byte 0 on, without holes or overlaps, got 1",
		],
		["an overlap", file(`{"v":${entry()},"w":${entry({ data_offsets: [2, 6] })}}`, 6), "w: data_offsets: expected values from byte 4 on"],
		["an end beyond the data", file(`{"w":${entry()}}`, 3), "w: data_offsets: expected values inside the 3 bytes of data, got an end at 4"],
		["bytes behind", file(`{"w":${entry()}}`, 5), "data: expected 4 bytes, as the header says, got 5"],
		["metadata that is no text", file(`{"__metadata__":{"a":1},"w":${entry()}}`), '__metadata__: expected texts by name, got {"a":1}'],
	])("%s", async (_, bytes, message) => {
		const { code, message: got } = await refusal(() => readSafetensors(bytes, "x"));
		expect(code).toBe("SAFETENSORS_MALFORMED");
		expect(got).toContain(`x: ${message}`);
	});
});
