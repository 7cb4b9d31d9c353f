/**
 * Rows of a job as a safetensors file:
 *
 *     x        n x d features: bytes (U8), or floats (F32, F64) that hold whole numbers in [0, 255]; the last one is the bias 255
 *     label    n labels below the number of classes (U8, I32); not needed for `features`
 *     weight   n weights in [0, 255] (U8); 1 each when absent
 */
import type { Rows } from "../../circuits/statistics.ts";
import { type NamedTensor, readSafetensors, writeSafetensors } from "../../compute/checkpoint/safetensors.ts";
import { DataError } from "../../compute/errors.ts";
import { checkRows } from "../../compute/statistics.ts";

/** Features alone. */
export interface FeatureRows {
	/** n x d, row-major. */
	readonly x: Uint8Array;
	readonly n: number;
	readonly d: number;
	/** Labels and weights as they came. */
	readonly others: readonly NamedTensor[];
}

/** Rows with their width. */
export interface LabelledRows {
	readonly rows: Rows;
	readonly d: number;
}

/** The file of rows. */
export function encodeRows({ x, label, weight, count }: Rows, d: number): Uint8Array {
	return encodeFeatures({
		...{ x, n: count, d },
		others: [bytesNamed("label", [count], label), bytesNamed("weight", [count], weight)],
	});
}

/** The file of features, with what else their rows have. */
export function encodeFeatures({ x, n, d, others }: FeatureRows): Uint8Array {
	return writeSafetensors({ tensors: [bytesNamed("x", [n, d], x), ...others], metadata: {} });
}

function bytesNamed(name: string, shape: readonly number[], values: Uint8Array): NamedTensor {
	return { name, type: "U8", shape, values: values as NamedTensor["values"] };
}

/**
 * Reads features.
 * @param source - for messages
 * @throws {DataError} SAFETENSORS_MALFORMED, TENSOR_UNKNOWN, SHAPE_MISMATCH; VALUE_OUT_OF_RANGE for what is no byte, NaN among it
 */
export function decodeFeatures(bytes: Uint8Array, source: string): FeatureRows {
	const { tensors } = readSafetensors(bytes, source);
	const array = tensorNamed(tensors, "x", source);
	const [n = 0, d = 0] = array.shape;
	if (array.shape.length !== 2 || n < 1 || d < 1) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: expected x of shape [rows, features], both at least 1, got [${array.shape.join(", ")}]`,
			"Give one row of features for each example.",
		);
	}
	const others = tensors.filter(({ name }) => name === "label" || name === "weight");
	for (const { name, shape } of others) {
		if (shape.length === 1 && shape[0] === n) continue;
		throw new DataError(
			"SHAPE_MISMATCH",
			`${source}: expected ${name} of shape [${n}], as x has ${n} rows, got [${shape.join(", ")}]`,
			"Give one label and one weight for each row.",
		);
	}
	const x = integersOf(array, 255, (at, got) => {
		const place = `${source}: x at row ${Math.floor(at / d)}, column ${at % d}`;
		return new DataError("VALUE_OUT_OF_RANGE", `${place}: expected an integer in [0, 255], got ${got}`, QUANTISE);
	});
	return { x, n, d, others };
}

/**
 * Reads rows with labels and weights.
 * @param k - number of classes
 * @throws {DataError} as `decodeFeatures`, and LABEL_OUT_OF_RANGE, SUM_TOO_LARGE
 */
export function decodeRows(bytes: Uint8Array, k: number, source: string): LabelledRows {
	const { x, n, d, others } = decodeFeatures(bytes, source);
	const label = integersOf(tensorNamed(others, "label", source), 255, (row, got) => {
		const message = `${source}: label of row ${row}: expected an integer in [0, ${k - 1}], got ${got}`;
		return new DataError("LABEL_OUT_OF_RANGE", message, "Number the classes from 0.");
	});
	const given = others.find(({ name }) => name === "weight");
	const weight = given
		? integersOf(given, 255, (row, got) => {
				const message = `${source}: weight of row ${row}: expected an integer in [0, 255], got ${got}`;
				return new DataError("VALUE_OUT_OF_RANGE", message, "Scale the weights.");
			})
		: new Uint8Array(n).fill(1);
	const rows = { x, label, weight, count: n };
	checkRows(rows, d, k);
	return { rows, d };
}

const QUANTISE = "Quantise the features to bytes first (compute/quantisation.ts); nothing is imputed.";

function tensorNamed(tensors: readonly NamedTensor[], name: string, source: string): NamedTensor {
	const found = tensors.find((tensor) => tensor.name === name);
	if (found) return found;
	const names = tensors.map((tensor) => tensor.name).join(", ");
	throw new DataError("TENSOR_UNKNOWN", `${source}: expected a tensor ${name}, got ${names.slice(0, 200) || "none"}`, NAMES);
}

const NAMES = "Name the tensors x, label and weight.";

/** Whole numbers from 0 on, whatever they came as. */
function integersOf({ type, values }: NamedTensor, most: number, refusal: (at: number, got: number) => DataError): Uint8Array {
	if (type === "U8") return values as Uint8Array;
	return Uint8Array.from(values, (value, at) => {
		if (Number.isInteger(value) && value >= 0 && value <= most) return value;
		throw refusal(at, value);
	});
}
