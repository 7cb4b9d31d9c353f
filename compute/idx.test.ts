import { describe, expect, test } from "vitest";
import { idxBytes, labelsPath, pairIdx, parseIdx } from "./idx.ts";
import { refusal } from "./testing.ts";

const IMAGES = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255);
const LABELS = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 0);

test("a pair becomes a table of pixels", () => {
	expect(pairIdx(parseIdx(IMAGES, "i"), parseIdx(LABELS, "l"), "i")).toEqual({
		source: "i",
		columns: ["pixel 0", "pixel 1", "pixel 2"],
		rows: Uint8Array.of(1, 2, 3, 4, 5, 255),
		n: 2,
		m: 3,
		labels: Uint8Array.of(1, 0),
		k: 2,
		classes: ["0", "1"],
		owners: null,
	});
});

test("bytes are written as they are read", () => {
	expect(idxBytes(parseIdx(IMAGES, "i"))).toEqual(IMAGES);
	expect(idxBytes(parseIdx(LABELS, "l"))).toEqual(LABELS);
	const long = { shape: [1, 70_000], values: new Uint8Array(70_000).fill(7) };
	expect(parseIdx(idxBytes(long), "l")).toEqual(long);
});

test("the usual names of the labels", () => {
	expect(labelsPath("a/train-images-idx3-ubyte.gz")).toBe("a/train-labels-idx1-ubyte.gz");
	expect(labelsPath("t10k-images.idx3-ubyte")).toBe("t10k-labels.idx1-ubyte");
});

describe("refused", () => {
	test.each([
		["another type", IMAGES.with(2, 9), "i: not an IDX file"],
		["no dimensions", IMAGES.with(3, 0), "i: not an IDX file"],
		["a cut header", IMAGES.slice(0, 12), "i: not an IDX file"],
		["cut values", IMAGES.slice(0, -1), "i: 5 values, 2 x 1 x 3 = 6 expected"],
	])("%s", async (_, bytes, message) => {
		expect(await refusal(() => parseIdx(bytes, "i"))).toEqual({ code: "FILE_UNREADABLE", message: expect.stringContaining(message) });
	});

	test("labels of another count", async () => {
		const labels = parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 1), "l");
		expect(await refusal(() => pairIdx(parseIdx(IMAGES, "i"), labels, "i"))).toEqual({
			code: "SHAPE_MISMATCH",
			message: "i: 2 images, labels of shape 1",
		});
	});

	test("no images", async () => {
		const images = parseIdx(Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 3), "i");
		const labels = parseIdx(Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 0), "l");
		expect(await refusal(() => pairIdx(images, labels, "i"))).toEqual({
			code: "TOO_FEW_ROWS",
			message: "i: no images, at least 1 is needed",
		});
	});

	test("a name that does not lead to the labels", async () => {
		expect(await refusal(() => labelsPath("pictures"))).toEqual({ code: "FILE_MISSING", message: expect.stringContaining("pictures") });
	});
});
