import { describe, expect, test } from "vitest";
import { readTable } from "../dataset.ts";
import { openReference } from "../reference/backend.ts";
import { BACKENDS } from "../tested-backends.ts";
import { refusal, sample } from "../testing.ts";
import { openBackbone, pooledPixels } from "./backbone.ts";
import { rowsOf } from "./testing.ts";

const backend = openReference();
const CASES: readonly [number, number, number, number, number][] = [
	[28, 28, 1, 7, 7],
	[8, 8, 1, 5, 3],
	[5, 4, 3, 2, 3],
	[3, 7, 2, 3, 7],
	[6, 1, 1, 1, 1],
	[1, 300, 1, 1, 1],
];

/** The mean of the pixels of each cell, with 2 m + 1 over 2 to round half up, over bigints. */
function expected(x: Uint8Array, n: number, [height, width, channels, h, w]: (typeof CASES)[number]): number[] {
	const inputs = height * width * channels + 1;
	const result: number[] = [];
	for (let row = 0; row < n; row++) {
		for (let i = 0; i < h; i++) {
			for (let j = 0; j < w; j++) {
				for (let c = 0; c < channels; c++) {
					let [sum, count] = [0n, 0n];
					for (let y = 0; y < height; y++) {
						for (let z = 0; z < width; z++) {
							// The pixel and the cell overlap: y / H < (i + 1) / h and (y + 1) / H > i / h.
							const meets = y * h < (i + 1) * height && (y + 1) * h > i * height && z * w < (j + 1) * width && (z + 1) * w > j * width;
							if (!meets) continue;
							sum += BigInt(x[row * inputs + (y * width + z) * channels + c] as number);
							count++;
						}
					}
					result.push(Number((2n * sum + count) / (2n * count)));
				}
			}
		}
		result.push(255);
	}
	return result;
}

describe.each(BACKENDS)("on %s", (_, open) => {
	test.each(CASES)("%i x %i x %i pixels to %i x %i", async (...sizes) => {
		const [height, width, channels, h, w] = sizes;
		const { apply, manifest } = pooledPixels({ image: { height, width, channels }, pooled: { height: h, width: w } });
		const x = rowsOf(9, manifest.inputs, 1n);
		const own = await open();
		expect([...(await apply(own, x, 9))]).toEqual(expected(x, 9, sizes));
		await own.close();
	});
});

test("halves are rounded up", async () => {
	const { apply } = pooledPixels({ image: { height: 1, width: 2, channels: 1 }, pooled: { height: 1, width: 1 } });
	expect([...(await apply(backend, Uint8Array.of(0, 1, 255, 254, 255, 255, 1, 1, 255), 3))]).toEqual([1, 255, 255, 255, 1, 255]);
});

test("have a pinned manifest", () => {
	const { manifest, digest } = pooledPixels({ image: { height: 28, width: 28, channels: 1 }, pooled: { height: 7, width: 7 } });
	expect(manifest).toEqual({
		schema: "openledger.backbone.v1",
		kind: "pooled-pixels",
		inputs: 785,
		features: 50,
		image: { height: 28, width: 28, channels: 1 },
		pooled: { height: 7, width: 7 },
	});
	expect(digest).toBe("0xc2815f40276ee0be27ae64a49160cc850c489954a16343c93e425330ff1d82be");
	expect(openBackbone(JSON.parse(JSON.stringify(manifest))).digest).toBe(digest);
});

const digits = sample("mnist/t10k-images-idx3-ubyte.gz");

test.skipIf(digits.absent)("digits keep their mean", async () => {
	const { rows, m } = await readTable(digits.path);
	const n = 200;
	const x = new Uint8Array(n * (m + 1)).fill(255);
	for (let i = 0; i < n; i++) x.set(rows.subarray(i * m, (i + 1) * m), i * (m + 1));
	const { apply } = pooledPixels({ image: { height: 28, width: 28, channels: 1 }, pooled: { height: 7, width: 7 } });
	const pooled = await apply(backend, x, n);
	const mean = (values: Uint8Array, d: number) =>
		values.reduce((sum, value, at) => sum + (at % d === d - 1 ? 0 : value), 0) / (n * (d - 1));
	expect(mean(pooled, 50)).toBeCloseTo(mean(x, 785), 1);
});

describe("refused", () => {
	const { manifest } = pooledPixels({ image: { height: 4, width: 4, channels: 2 }, pooled: { height: 2, width: 2 } });

	test.each([
		["inputs", 32, "inputs is 32, the range is [33, 33]"],
		["features", 8, "features is 8, the range is [9, 9]"],
		["image", null, "image is null, an object is expected"],
		["image", { height: 4, width: 4 }, "image.channels is undefined, the range is [1, 4096]"],
		["image", { height: 0, width: 4, channels: 2 }, "image.height is 0, the range is [1, 4096]"],
		["pooled", { height: 5, width: 2 }, "pooled.height is 5, the range is [1, 4]"],
	])("%s = %j", async (name, value, message) => {
		expect(await refusal(() => openBackbone({ ...manifest, [name]: value }))).toEqual({
			code: "BACKBONE_INVALID",
			message: `backbone: ${message}`,
		});
	});

	test.each([
		[{ height: 128, width: 128, channels: 1 }, { height: 100, width: 100 }, "pooled features is 10001, the range is [2, 8192]"],
		[{ height: 1024, width: 1024, channels: 1 }, { height: 16, width: 8 }, "inputs times features is 135266433, the most is 134217728"],
	])("%j to %j", async (image, pooled, message) => {
		expect(await refusal(() => pooledPixels({ image, pooled }))).toEqual({ code: "BACKBONE_INVALID", message: `backbone: ${message}` });
	});
});
