/**
 * Features to bytes by a published scale: q = round((x - min) / (max - min) * 255), min and max per column taken from the
 * training rows only, in float64 and in this order of operations (round halves up). The last feature is the bias 255.
 */
import { DataError } from "./errors.ts";
import type { Table } from "./table.ts";

/** The constant feature. */
export const BIAS = 255;

const SCHEMA = "openledger.quantisation.v1";

/** The range of one column that is kept. */
export interface ColumnRange {
	/** Index in the table's columns. */
	readonly column: number;
	readonly name: string;
	/** Both finite, min < max. */
	readonly min: number;
	readonly max: number;
}

/** The scale of a data set; plain data, for the model manifest. */
export interface Quantisation {
	readonly schema: typeof SCHEMA;
	readonly columns: readonly ColumnRange[];
}

/**
 * Take the ranges from the training rows.
 * @param train - indices of the training rows
 * @param options.dropConstantColumns - leave out columns with a single value instead of refusing them
 * @param options.oneRange - give all columns the range of all values: pictures stay pictures, and a column may be constant
 * @throws {DataError} COLUMN_CONSTANT; TOO_FEW_ROWS; VALUE_OUT_OF_RANGE if max - min is not finite; TOO_FEW_COLUMNS if no column is left
 */
export function fitQuantisation(
	table: Table,
	train: Uint32Array,
	options: { readonly dropConstantColumns?: boolean | undefined; readonly oneRange?: boolean | undefined } = {},
): Quantisation {
	const { source, rows, m } = table;
	if (train.length === 0) throw new DataError("TOO_FEW_ROWS", `${source}: no training rows`, "Give more rows.");
	const ranges = table.columns.map((name, column): ColumnRange => {
		let [min, max] = [Infinity, -Infinity];
		for (const row of train) {
			const value = rows[row * m + column] ?? Number.NaN;
			min = Math.min(min, value);
			max = Math.max(max, value);
		}
		checkWidth(`${source}: column ${column} ("${name}") spans`, min, max);
		return { column, name, min, max };
	});
	const used = options.oneRange ? widened(ranges, source) : ranges;
	const columns = used.filter(({ min, max }) => min < max);
	const constant = used.find(({ min, max }) => min === max);
	if (constant && !options.dropConstantColumns) {
		throw new DataError(
			"COLUMN_CONSTANT",
			`${source}: column ${constant.column} ("${constant.name}") is ${constant.min} in all ${train.length} training rows`,
			"Remove the column, drop constant columns, or give all columns one range (pictures).",
		);
	}
	if (columns.length === 0) throw new DataError("TOO_FEW_COLUMNS", `${source}: all ${m} columns are constant`, "Give columns that vary.");
	return { schema: SCHEMA, columns };
}

/**
 * The scale that JSON holds: by itself, or as the `quantisation` of what was made with it (a model, features, a training run), where null
 * says that values were bytes already.
 * @param source - for messages
 * @throws {DataError} VALUE_OUT_OF_RANGE for what is none
 */
export function quantisationOf(value: unknown, source: string, table: Pick<Table, "columns">): Quantisation {
	const whole = Object(value) as { readonly quantisation?: unknown };
	if (whole.quantisation === null) {
		return { schema: SCHEMA, columns: table.columns.map((name, column) => ({ column, name, min: 0, max: BIAS })) };
	}
	const scale = Object(whole.quantisation ?? whole) as Partial<Quantisation>;
	const isRange = ({ column, name, min, max }: Partial<ColumnRange>) =>
		Number.isInteger(column) && typeof name === "string" && Number.isFinite(Number(max) - Number(min)) && Number(min) < Number(max);
	const columns: unknown = scale.columns;
	const holds = Array.isArray(columns) && columns.length > 0 && columns.every((range) => isRange(Object(range)));
	if (scale.schema === SCHEMA && holds) return scale as Quantisation;
	throw new DataError(
		"VALUE_OUT_OF_RANGE",
		`${source}: expected a scale (${SCHEMA}, with min < max for each column), got none`,
		"Give the manifest of a model, of features or of a training run.",
	);
}

/** Every column with the range of all. */
function widened(ranges: readonly ColumnRange[], source: string): ColumnRange[] {
	const min = ranges.reduce((least, range) => Math.min(least, range.min), Infinity);
	const max = ranges.reduce((most, range) => Math.max(most, range.max), -Infinity);
	checkWidth(`${source}: all columns span`, min, max);
	return ranges.map((range) => ({ ...range, min, max }));
}

function checkWidth(what: string, min: number, max: number): void {
	if (Number.isFinite(max - min)) return;
	throw new DataError("VALUE_OUT_OF_RANGE", `${what} [${min}, ${max}], wider than a float64`, "Rescale the column.");
}

/**
 * Quantise all rows of a table.
 * @param options.clip - move values outside the range to its nearest end instead of refusing them
 * @returns n x d bytes, row-major, d = kept columns + 1
 * @throws {DataError} SHAPE_MISMATCH if the scale was made for other columns; VALUE_OUT_OF_RANGE
 */
export function quantise(table: Table, quantisation: Quantisation, options: { readonly clip?: boolean | undefined } = {}): Uint8Array {
	const { source, rows, n, m } = table;
	const d = quantisation.columns.length + 1;
	const x = new Uint8Array(n * d).fill(BIAS);
	quantisation.columns.forEach(({ column, name, min, max }, feature) => {
		if (table.columns[column] !== name) {
			throw new DataError(
				"SHAPE_MISMATCH",
				`${source}: column ${column} is "${table.columns[column]}", the scale was made for "${name}"`,
				"Use the scale of this data set's manifest.",
			);
		}
		for (let row = 0; row < n; row++) {
			const value = rows[row * m + column] ?? Number.NaN;
			if (!options.clip && !(value >= min && value <= max)) {
				throw new DataError(
					"VALUE_OUT_OF_RANGE",
					`${source}: row ${row}, column ${column} ("${name}"): ${value} is outside the range [${min}, ${max}]`,
					"Clip values, or publish a wider range.",
				);
			}
			const clipped = Math.min(max, Math.max(min, value));
			x[row * d + feature] = Math.round(((clipped - min) / (max - min)) * 255);
		}
	});
	return x;
}

/**
 * Insert zero features before the bias, so that rows of d features fit a circuit of more.
 * @param x - n x d bytes with the bias last
 * @param target - at least d
 * @returns n x target bytes with the bias last
 * @throws {DataError} TOO_MANY_FEATURES if d > target
 */
export function padFeatures(x: Uint8Array, n: number, d: number, target: number): Uint8Array {
	if (d > target) {
		throw new DataError(
			"TOO_MANY_FEATURES",
			`${d} features (with the bias), the circuit takes at most ${target}`,
			"Choose larger parameters, fewer columns, or a backbone with fewer features.",
		);
	}
	const padded = new Uint8Array(n * target);
	for (let row = 0; row < n; row++) {
		padded.set(x.subarray(row * d, (row + 1) * d - 1), row * target);
		padded[(row + 1) * target - 1] = BIAS;
	}
	return padded;
}
