/**
 * Rows of a job as a safetensors file:
 *
 *     x        n x d features: bytes (U8), or floats (F32, F64) that hold whole numbers in [0, 255], the last one the bias 255
 *     label    n labels below the number of classes (U8, U32, I32, I64); not needed for `features`
 *     weight   n weights in [0, 255] (U8); 1 each when absent
 */
import type { Rows } from "../../circuits/statistics.ts";
import { DataError } from "../../compute/errors.ts";
import { checkRows } from "../../compute/statistics.ts";
import { decodeTensors, encodeTensors, type NamedArray } from "./tensors.ts";

/** Features alone. */
export interface FeatureRows {
	/** n x d, row-major. */
	readonly x: Uint8Array;
	readonly n: number;
	readonly d: number;
}

export interface LabelledRows extends FeatureRows {
	readonly rows: Rows;
}

/** The file of rows. */
export function encodeRows({ x, label, weight, count }: Rows, d: number): Uint8Array {
	return encodeTensors({
		x: { dtype: "U8", shape: [count, d], values: x },
		label: { dtype: "U8", shape: [count], values: label },
		weight: { dtype: "U8", shape: [count], values: weight },
	});
}

/**
 * Reads features.
 * @param source - for messages
 * @throws {DataError} SAFETENSORS_MALFORMED, TENSOR_UNKNOWN, SHAPE_MISMATCH, VALUE_OUT_OF_RANGE for what is no byte (NaN among it)
 */
export function decodeFeatures(bytes: Uint8Array, source: string): FeatureRows {
	return featuresOf(decodeTensors(bytes, source).arrays, source);
}

/**
 * Reads rows with labels and weights.
 * @param k - number of classes
 * @throws {DataError} as `decodeFeatures`, and LABEL_OUT_OF_RANGE, SUM_TOO_LARGE
 */
export function decodeRows(bytes: Uint8Array, k: number, source: string): LabelledRows {
	const { arrays } = decodeTensors(bytes, source);
	const features = featuresOf(arrays, source);
	const { x, n, d } = features;
	const labels = arrayNamed(arrays, "label", source);
	const given = arrays.get("weight");
	for (const [name, array] of [["label", labels], ...(given ? ([["weight", given]] as const) : [])] as const) {
		if (array.shape.length === 1 && array.shape[0] === n) continue;
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: expected ${name} of shape [${n}], as x has ${n} rows, got [${array.shape.join(", ")}]`,
			"Give one label and one weight for each row.",
		);
	}
	const label = bytesOf(labels, k - 1, (row) => `${source}: row ${row}: label`, "LABEL_OUT_OF_RANGE", "Choose more classes.");
	const weight = given
		? bytesOf(given, 255, (row) => `${source}: row ${row}: weight`, "VALUE_OUT_OF_RANGE", "Scale the weights.")
		: undefined;
	const rows = { x, label, weight: weight ?? new Uint8Array(n).fill(1), count: n };
	checkRows(rows, d, k);
	return { ...features, rows };
}

function featuresOf(arrays: ReadonlyMap<string, NamedArray>, source: string): FeatureRows {
	const array = arrayNamed(arrays, "x", source);
	const [n = 0, d = 0] = array.shape;
	if (array.shape.length !== 2 || n < 1 || d < 1) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: expected x of shape [rows, features], both at least 1, got [${array.shape.join(", ")}]`,
			"Give one row of features for each example.",
		);
	}
	const place = (at: number) => `${source}: x at row ${Math.floor(at / d)}, column ${at % d}`;
	return { x: bytesOf(array, 255, place, "VALUE_OUT_OF_RANGE", "Quantise the features to bytes first; nothing is imputed."), n, d };
}

function arrayNamed(arrays: ReadonlyMap<string, NamedArray>, name: string, source: string): NamedArray {
	const found = arrays.get(name);
	if (found) return found;
	const names = [...arrays.keys()].slice(0, 12).join(", ");
	throw new DataError("TENSOR_UNKNOWN", `${source}: expected an array ${name}, got ${names}`, "Name the arrays x, label and weight.");
}

/** Whole numbers up to a limit, whatever array they came in. */
function bytesOf(
	{ dtype, values }: NamedArray,
	most: number,
	place: (at: number) => string,
	code: "VALUE_OUT_OF_RANGE" | "LABEL_OUT_OF_RANGE",
	hint: string,
): Uint8Array {
	if (dtype === "U8" && most === 255) return values as Uint8Array;
	return Uint8Array.from(values as ArrayLike<number>, (value, at) => {
		const number = Number(value);
		if (Number.isInteger(number) && number >= 0 && number <= most) return number;
		throw new DataError(code, `${place(at)}: expected an integer in [0, ${most}], got ${value}`, hint);
	});
}
