/**
 * A table of numeric features with a class label per row, and the one way to build it from the cells of a file.
 * Every reader (CSV, Parquet) hands its cells to `tabulate`, so that all formats have the same rules and errors.
 */
import { DataError } from "./errors.ts";

/** Rows of a data set before quantisation. */
export interface Table {
	/** Where the rows come from, for messages. */
	readonly source: string;
	/** Names of the m features. */
	readonly columns: readonly string[];
	/** n x m values, row-major, all finite. */
	readonly rows: Float64Array | Uint8Array;
	readonly n: number;
	readonly m: number;
	/** n class labels in [0, k). */
	readonly labels: Uint8Array;
	/** Number of classes, the largest label plus one. */
	readonly k: number;
	/** Names of the k classes. For a column of strings, `classes[c]` is the string that became label c. */
	readonly classes: readonly string[];
	/** n names of owners, or null where no owner column was asked for. */
	readonly owners: readonly string[] | null;
}

/** Which columns play which part. A column is named by its name or by its 0-based index. */
export interface TableOptions {
	/** The label column; the last one of the file by default. */
	readonly label?: string | number | undefined;
	/** The column of owners; none by default. */
	readonly owner?: string | number | undefined;
	/** Columns that are no features. */
	readonly ignore?: readonly (string | number)[] | undefined;
}

/** The cells of a file, before any of them is understood. */
export interface Cells {
	readonly source: string;
	/** Names of all columns. */
	readonly columns: readonly string[];
	/** Number of rows. */
	readonly n: number;
	/** The value in a row and column: text, or what the format holds. */
	readonly cell: (row: number, column: number) => unknown;
	/** Where a row stands in the file, e.g. "line 5". */
	readonly place: (row: number) => string;
	/** Names of the classes, where the file itself lists them. */
	readonly classes?: readonly string[] | undefined;
}

/** Labels are bytes. */
export const MAX_CLASSES = 256;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const MISSING = /^(|nan|na|n\/a|null|none|\?)$/i;

/** Whether a cell holds no value: empty, null, NaN or one of the usual words for it. */
export function isMissing(cell: unknown): boolean {
	return cell === null || cell === undefined || Number.isNaN(cell) || (typeof cell === "string" && MISSING.test(cell.trim()));
}

/** The finite number that a cell holds, or undefined. */
export function numberOf(cell: unknown): number | undefined {
	const text = typeof cell === "string" ? cell.trim() : undefined;
	if (text !== undefined && !NUMBER.test(text)) return undefined;
	if (text === undefined && !["number", "bigint", "boolean"].includes(typeof cell)) return undefined;
	const value = Number(text ?? cell);
	return Number.isFinite(value) ? value : undefined;
}

/**
 * Build a table from cells.
 * @param cells - the file
 * @param options - the label, owner and ignored columns; all others are features
 * @returns n >= 1 rows of m >= 1 finite features
 * @throws {DataError} TOO_FEW_ROWS, TOO_FEW_COLUMNS, COLUMN_UNKNOWN, VALUE_MISSING, VALUE_NOT_NUMERIC, LABEL_NOT_INTEGER,
 *   LABEL_OUT_OF_RANGE; the message names source, line and column
 */
export function tabulate(cells: Cells, options: TableOptions = {}): Table {
	const { source, columns, n } = cells;
	if (n === 0) throw new DataError("TOO_FEW_ROWS", `${source}: no rows, at least 1 is needed`, "Give a file with rows of data.");
	const label = indexOf(cells, options.label ?? columns.length - 1);
	const owner = options.owner === undefined ? undefined : indexOf(cells, options.owner);
	if (owner === label) {
		throw new DataError(
			"COLUMN_UNKNOWN",
			`${source}: ${at(cells, label)} is named as label and as owner`,
			"Name the label column and the owner column apart.",
		);
	}
	const reserved = new Set([label, owner, ...(options.ignore ?? []).map((key) => indexOf(cells, key))]);
	const features = columns.map((_, column) => column).filter((column) => !reserved.has(column));
	if (features.length === 0) {
		throw new DataError(
			"TOO_FEW_COLUMNS",
			`${source}: no feature columns among ${columns.length}`,
			"Give a file with features beside the label; check its separator.",
		);
	}
	const m = features.length;
	const rows = new Float64Array(n * m);
	for (let row = 0; row < n; row++) {
		features.forEach((column, feature) => {
			rows[row * m + feature] = featureOf(cells, row, column);
		});
	}
	const owners = owner === undefined ? null : Array.from({ length: n }, (_, row) => ownerOf(cells, row, owner));
	return { source, columns: features.map((column) => columns[column] ?? ""), rows, n, m, ...labelsOf(cells, label), owners };
}

function featureOf(cells: Cells, row: number, column: number): number {
	const value = numberOf(cells.cell(row, column));
	if (value !== undefined) return value;
	const text = present(cells, row, column);
	throw new DataError(
		"VALUE_NOT_NUMERIC",
		`${cells.source}: ${cells.place(row)}, ${at(cells, column)}: feature ${JSON.stringify(text)} is not a finite number`,
		"Encode the column as numbers or ignore it; if this is the header, say so.",
	);
}

/** The text of a cell that must hold a value. */
function present(cells: Cells, row: number, column: number): string {
	const cell = cells.cell(row, column);
	if (isMissing(cell)) throw missing(cells, row, column);
	return String(cell).trim();
}

/** An owner may have any name but an empty one ("None" and "NA" are names). */
function ownerOf(cells: Cells, row: number, column: number): string {
	const owner = String(cells.cell(row, column) ?? "").trim();
	if (owner === "") throw missing(cells, row, column);
	return owner;
}

function missing(cells: Cells, row: number, column: number): DataError {
	return new DataError(
		"VALUE_MISSING",
		`${cells.source}: ${cells.place(row)}, ${at(cells, column)}: the cell is ${JSON.stringify(String(cells.cell(row, column) ?? ""))}, which is no value`,
		"Fill in the value or leave the row out; nothing is imputed.",
	);
}

/**
 * A column with no number in it is mapped to classes in order of first appearance. In any other column each label must be
 * an integer: a single typing error must not turn a column of numbers into one of strings.
 */
function labelsOf(cells: Cells, column: number): Pick<Table, "labels" | "k" | "classes"> {
	const labels = new Uint8Array(cells.n);
	const texts = Array.from(labels, (_, row) => present(cells, row, column));
	const values = texts.map((_, row) => numberOf(cells.cell(row, column)));
	const place = (row: number) => `${cells.source}: ${cells.place(row)}, ${at(cells, column)}`;
	const check = (row: number, value: number) => {
		if (value >= 0 && value < MAX_CLASSES) return;
		const message = `${place(row)}: label ${JSON.stringify(texts[row])} would be class ${value}, the range is [0, ${MAX_CLASSES - 1}]`;
		throw new DataError("LABEL_OUT_OF_RANGE", message, "Number the classes from 0, or name another label column.");
	};
	if (values.every((value) => value === undefined)) {
		const classes: string[] = [];
		texts.forEach((text, row) => {
			const known = classes.indexOf(text);
			labels[row] = known < 0 ? classes.push(text) - 1 : known;
			check(row, classes.length - 1);
		});
		return { labels, k: classes.length, classes };
	}
	values.forEach((value, row) => {
		if (value === undefined || !Number.isInteger(value)) {
			throw new DataError(
				"LABEL_NOT_INTEGER",
				`${place(row)}: label ${JSON.stringify(texts[row])} is not an integer`,
				"Labels are integers 0, 1, ... or all strings; check the label column.",
			);
		}
		check(row, value);
		labels[row] = value;
	});
	const k = labels.reduce((most, value) => Math.max(most, value), 0) + 1;
	return { labels, k, classes: Array.from({ length: k }, (_, c) => cells.classes?.[c] ?? String(c)) };
}

/** The index of a column that is given by name or by 0-based index (as a number, or as text if no column has that name). */
function indexOf({ source, columns }: Cells, key: string | number): number {
	const byName = columns.indexOf(String(key));
	if (typeof key === "string" && byName >= 0) {
		if (columns.lastIndexOf(key) === byName) return byName;
		throw new DataError("COLUMN_UNKNOWN", `${source}: two columns are named "${key}"`, "Name the column by its 0-based index.");
	}
	const index = typeof key === "number" || /^\d+$/.test(key) ? Number(key) : -1;
	if (Number.isInteger(index) && index >= 0 && index < columns.length) return index;
	throw new DataError(
		"COLUMN_UNKNOWN",
		`${source}: no column ${JSON.stringify(key)}; there are ${columns.length}: ${columns.slice(0, 12).join(", ")}${columns.length > 12 ? ", ..." : ""}`,
		"Name a column by its name or by its 0-based index.",
	);
}

function at({ columns }: Cells, column: number): string {
	return `column ${column} ("${columns[column]}")`;
}
