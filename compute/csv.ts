/**
 * CSV text to a table: separator comma, tab, semicolon or bar; with or without a header; quotes as in RFC 4180.
 * scikit-learn's files begin with a line of counts and class names ("178,13,class_0,class_1,class_2"), which is recognised.
 */
import { CsvError, parse } from "csv-parse/sync";
import { DataError } from "./errors.ts";
import { isMissing, numberOf, type Table, type TableOptions, tabulate } from "./table.ts";

export interface CsvOptions extends TableOptions {
	/** Whether the first line names the columns. By default it does if it holds no number at all. */
	readonly header?: boolean | undefined;
}

/** A record and the number of the line it ends on, from 1. */
interface Line {
	readonly line: number;
	readonly cells: readonly string[];
}

/**
 * Parse a CSV file.
 * @param bytes - its UTF-8 text
 * @param source - its name, for messages
 * @param options - columns and header
 * @returns the table; columns without a header are named "0", "1", ...
 * @throws {DataError} CSV_MALFORMED for an open quote or a line with another number of columns; and those of `tabulate`
 */
export function parseCsv(bytes: Uint8Array, source: string, options: CsvOptions = {}): Table {
	const lines = split(bytes, source);
	const classes = countLine(lines);
	if (classes) lines.shift();
	const first = lines[0]?.cells ?? [];
	const hasHeader = options.header ?? first.every((cell) => numberOf(cell) === undefined);
	const columns = first.map((cell, column) => (hasHeader && !isMissing(cell) ? cell : String(column)));
	for (const { line, cells } of lines) {
		if (cells.length !== columns.length) {
			const column = Math.min(cells.length, columns.length);
			throw new DataError(
				"CSV_MALFORMED",
				`${source}: line ${line}, column ${column}: the line has ${cells.length} columns, the first one has ${columns.length}`,
				"Give every line the same columns; quote cells that hold the separator.",
			);
		}
	}
	if (hasHeader) lines.shift();
	return tabulate(
		{
			source,
			columns,
			n: lines.length,
			cell: (row, column) => lines[row]?.cells[column],
			place: (row) => `line ${lines[row]?.line}`,
			classes,
		},
		options,
	);
}

function split(bytes: Uint8Array, source: string): Line[] {
	const lines: Line[] = [];
	try {
		parse(bytes, {
			bom: true,
			delimiter: separator(bytes),
			relax_column_count: true,
			skip_empty_lines: true,
			trim: true,
			on_record: (cells: string[], { lines: line }) => {
				lines.push({ line, cells });
				return null; // kept in `lines`, not a second time by the parser
			},
		});
	} catch (cause) {
		if (!(cause instanceof CsvError)) throw cause;
		// For an open quote the parser names the end of the file; the line where its record begins is of more use.
		const open = cause.code === "CSV_QUOTE_NOT_CLOSED";
		const line = open ? (lines.at(-1)?.line ?? 0) + 1 : cause.lines;
		const what = open ? "a quote is never closed" : cause.message;
		const hint = "Repair the line; double the quotes inside quoted cells.";
		throw new DataError("CSV_MALFORMED", `${source}: line ${line}, column ${cause.column}: ${what}`, hint, cause);
	}
	return lines;
}

/** The candidate that is most frequent in the first line. */
function separator(bytes: Uint8Array): string {
	const end = bytes.indexOf(10);
	const line = new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
	const count = (candidate: string) => line.split(candidate).length;
	return [",", "\t", ";", "|"].reduce((best, candidate) => (count(candidate) > count(best) ? candidate : best));
}

/** The class names of scikit-learn's first line "rows,features,name,name,...", or undefined if the file begins otherwise. */
function countLine(lines: readonly Line[]): readonly string[] | undefined {
	const [rows, features, ...names] = lines[0]?.cells ?? [];
	const isCount = numberOf(rows) === lines.length - 1 && numberOf(features) === (lines[1]?.cells.length ?? 0) - 1;
	return isCount && names.length > 0 && names.every((name) => numberOf(name) === undefined) ? names : undefined;
}
