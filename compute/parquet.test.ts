import { expect, test } from "vitest";
import { isParquet, parseParquet } from "./parquet.ts";
import { refusal } from "./testing.ts";

/** width DOUBLE, count INT64, owner STRING, label INT32; 4 rows, snappy. Written by hyparquet-writer 0.17.0. */
const FLAT = Buffer.from(
	"UEFSMRUGFUQVOlwVCBUAFQgVABUEFQAAAAMPIAAABQEE+D8FBwgABEAJCCQMQAAAAAAAABDAFQYVRBU0XBUIFQAVCBUAFQQVAAAAAw8gBAEACQEAAgkHBAADDQgcBAAAAAAAAAAVBhU8FT5cFQgVABUIFQAVBBUAAAADDxwYAwAAAGFubgEHQGJvYgMAAABhbm4DAAAAYm9iFQYVJBUoXBUIFQAVCBUAFQQVAAAAAw8QPAAAAAACAAAAAQAAAAAAAAAVBBlcSARyb290FQgAFQolAhgFd2lkdGgAFQQlAhgFY291bnQAFQwlAhgFb3duZXIlAAAVAiUCGAVsYWJlbAAWCBkcGUwmCBwVChkVABkYBXdpZHRoFQIWCBZuFmQmCDw2ACgIAAAAAAAADEAYCAAAAAAAABDANgAAGRwVBhUAFQIAAAAmbBwVBBkVABkYBWNvdW50FQIWCBZuFl4mbDw2ACgIBAAAAAAAAAAYCAEAAAAAAAAAABkcFQYVABUCAAAAJsoBHBUMGRUAGRgFb3duZXIVAhYIFmYWaCbKATw2ACgDYm9iGANhbm4AGRwVBhUAFQIAAAAmsgIcFQIZFQAZGAVsYWJlbBUCFggWThZSJrICPDYAKAQCAAAAGAQAAAAAABkcFQYVABUCAAAAFpADFgg2/AIAKAloeXBhcnF1ZXQZTBwAABwAABwAABwAAABQAQAAUEFSMQ==",
	"base64",
);
/** width DOUBLE with a null in row 1, label STRING; 2 rows. */
const WITH_NULL = Buffer.from(
	"UEFSMRUGFRQVGFwVBBUCFQQVABUEFQAAAAMBCBwAAAAAAAD4PxUGFRgVHFwVBBUAFQQVABUEFQAAAAMDCiQBAAAAYQEAAABiFQQZPEgEcm9vdBUEABUKJQIYBXdpZHRoABUMJQIYBWxhYmVsJQAAFgQZHBksJggcFQoZFQAZGAV3aWR0aBUCFgQWPhZCJgg8NgIoCAAAAAAAAPg/GAgAAAAAAAD4PzYAABkcFQYVABUCAAAAJkocFQwZFQAZGAVsYWJlbBUCFgQWQhZGJko8NgAoAWIYAWEAGRwVBhUAFQIAAAAWgAEWBDaIAQAoCWh5cGFycXVldBksHAAAHAAAALgAAABQQVIx",
	"base64",
);

test("columns of numbers, bigints and strings", async () => {
	expect(isParquet(FLAT)).toBe(true);
	expect(await parseParquet(FLAT, "t.parquet", { owner: "owner" })).toEqual({
		source: "t.parquet",
		columns: ["width", "count"],
		rows: Float64Array.of(1.5, 1, 2.5, 2, 3.5, 3, -4, 4),
		n: 4,
		m: 2,
		labels: Uint8Array.of(0, 2, 1, 0),
		k: 3,
		classes: ["0", "1", "2"],
		owners: ["ann", "bob", "ann", "bob"],
	});
});

test("a null is refused by row and column", async () => {
	expect(await refusal(() => parseParquet(WITH_NULL, "t.parquet"))).toEqual({
		code: "VALUE_MISSING",
		message: expect.stringContaining('t.parquet: row 1, column 0 ("width")'),
	});
});

test("a column of text as a feature is refused", async () => {
	expect(await refusal(() => parseParquet(FLAT, "t.parquet"))).toEqual({
		code: "VALUE_NOT_NUMERIC",
		message: expect.stringContaining('row 0, column 2 ("owner"): feature "ann"'),
	});
});

test.each([
	["cut", FLAT.subarray(0, -20)],
	["without its footer", FLAT.subarray(0, 100)],
])("a file %s is refused", async (_, bytes) => {
	expect(await refusal(() => parseParquet(bytes, "t.parquet"))).toEqual({
		code: "FILE_UNREADABLE",
		message: expect.stringContaining("t.parquet: damaged Parquet file"),
	});
});
