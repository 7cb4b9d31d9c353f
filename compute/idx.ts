/**
 * IDX pairs (the MNIST format): a file of uint8 images and a file of uint8 labels.
 * Source: http://yann.lecun.com/exdb/mnist, "The IDX file format": 0, 0, type (8 = unsigned byte), number of dimensions,
 * then each dimension as a big-endian 32-bit integer, then the values.
 */
import { DataError } from "./errors.ts";
import type { Table } from "./table.ts";

/** An array of bytes with its dimensions. */
export interface Idx {
	readonly shape: readonly number[];
	readonly values: Uint8Array;
}

/** Whether a file begins like an IDX file of unsigned bytes. */
export function isIdx(bytes: Uint8Array): boolean {
	return bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8;
}

/**
 * Parse one IDX file.
 * @throws {DataError} FILE_UNREADABLE if it is not one, or if its length is not what its dimensions say
 */
export function parseIdx(bytes: Uint8Array, source: string): Idx {
	const dimensions = bytes[3] ?? 0;
	const start = 4 + 4 * dimensions;
	if (!isIdx(bytes) || dimensions === 0 || bytes.length < start) {
		throw new DataError(
			"FILE_UNREADABLE",
			`${source}: not an IDX file of unsigned bytes`,
			"Give a file whose first bytes are 0, 0, 8 and the number of dimensions.",
		);
	}
	const view = new DataView(bytes.buffer, bytes.byteOffset, start);
	const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
	const size = shape.reduce((product, length) => product * length, 1);
	if (bytes.length !== start + size) {
		throw new DataError(
			"FILE_UNREADABLE",
			`${source}: ${bytes.length - start} values, ${shape.join(" x ")} = ${size} expected`,
			"Fetch the file again; it is truncated or damaged.",
		);
	}
	return { shape, values: bytes.subarray(start) };
}

/** The bytes of an IDX file. @param shape - its product is the number of values */
export function idxBytes({ shape, values }: Idx): Uint8Array {
	const bytes = new Uint8Array(4 + 4 * shape.length + values.length);
	bytes.set([0, 0, 8, shape.length]);
	const view = new DataView(bytes.buffer);
	shape.forEach((length, i) => {
		view.setUint32(4 + 4 * i, length);
	});
	bytes.set(values, 4 + 4 * shape.length);
	return bytes;
}

/**
 * The file of labels that belongs to a file of images by the usual naming.
 * @throws {DataError} FILE_MISSING if the name has no "images" in it
 */
export function labelsPath(images: string): string {
	const labels = images.replace(/images([-.])idx\d/, "labels$1idx1");
	if (labels !== images) return labels;
	throw new DataError(
		"FILE_MISSING",
		`${images}: the name does not say where the labels are ("...images-idx3..." would)`,
		'Give both files as "IMAGES,LABELS".',
	);
}

/**
 * A table from a pair: one column per pixel, the bytes as they are.
 * @throws {DataError} TOO_FEW_ROWS, SHAPE_MISMATCH if the counts differ
 */
export function pairIdx(images: Idx, labels: Idx, source: string): Table {
	const [n = 0, ...pixel] = images.shape;
	if (labels.shape.length !== 1 || labels.shape[0] !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: ${n} images, labels of shape ${labels.shape.join(" x ")}`,
			"Give the labels of the same images.",
		);
	}
	if (n === 0) throw new DataError("TOO_FEW_ROWS", `${source}: no images, at least 1 is needed`, "Give a file with images.");
	const m = pixel.reduce((product, length) => product * length, 1);
	const k = labels.values.reduce((most, label) => Math.max(most, label), 0) + 1;
	return {
		source,
		columns: Array.from({ length: m }, (_, i) => `pixel ${i}`),
		rows: images.values,
		n,
		m,
		labels: labels.values,
		k,
		classes: Array.from({ length: k }, (_, c) => String(c)),
		owners: null,
	};
}
