/** The rows that `train` learns from: a table as bytes, with rows held out. */
import type { Command } from "commander";
import { readTable } from "../../compute/dataset.ts";
import { DataError } from "../../compute/errors.ts";
import { fitQuantisation, type Quantisation, quantise } from "../../compute/quantisation.ts";
import type { Table } from "../../compute/table.ts";
import type { TrainingData, TrainingRows } from "../../compute/training/rows.ts";
import { integer } from "../arguments.ts";

export interface DataFlags {
	readonly data?: string;
	readonly test?: string;
	readonly label?: string;
	readonly rows?: number;
}

/** The options of verbs that read rows. */
export function addDataOptions(command: Command): Command {
	return command
		.option("--data <file>", "rows to learn from: CSV (also .gz), Parquet or IDX")
		.option("--test <file>", "rows held out; every fourth row of --data when absent")
		.option("--label <column>", "label column, by name or 0-based index (default: the last)")
		.option("--rows <n>", "the first n rows of --data alone", integer(1, 2 ** 20));
}

/** Rows, and how they became bytes. */
export interface PreparedData {
	readonly data: TrainingData;
	/** null where they were bytes. */
	readonly quantisation: Quantisation | null;
}

/**
 * Reads and quantises. Bytes (IDX) stay as they are.
 * @param how - one range for all columns (pictures) or one for each, without those that are constant; or the scale of a run
 * @throws {DataError} of the files; TOO_FEW_ROWS, SHAPE_MISMATCH
 */
export async function prepareData(
	{ data: path, test: heldOut, label, rows }: DataFlags & { readonly data: string },
	how: { readonly oneRange: boolean } | { readonly quantisation: Quantisation | null },
): Promise<PreparedData> {
	const table = await readTable(path, { label });
	const n = rows ?? table.n;
	const least = heldOut === undefined ? 4 : 1;
	if (n > table.n || n < least) {
		throw new DataError("TOO_FEW_ROWS", `${path}: expected ${least} to ${table.n} rows, got ${n}`, "Give more rows, or ask for fewer.");
	}
	const held = heldOut === undefined ? undefined : await readTable(heldOut, { label });
	const all = Uint32Array.from({ length: n }, (_, row) => row);
	const own = held ? all : all.filter((row) => row % 4 !== 3);
	const test = held ?? table;
	const testRows = held ? Uint32Array.from({ length: held.n }, (_, row) => row) : all.filter((row) => row % 4 === 3);
	const quantisation = quantisationOf([table, test], own, how);
	const classes = [...table.classes];
	return {
		quantisation,
		data: {
			train: pick(table, own, quantisation, classes),
			test: pick(test, testRows, quantisation, classes),
			k: classes.length,
		},
	};
}

function quantisationOf(tables: readonly Table[], rows: Uint32Array, how: Parameters<typeof prepareData>[1]): Quantisation | null {
	if ("quantisation" in how) return how.quantisation;
	if (tables.every((table) => table.rows instanceof Uint8Array)) return null;
	return fitQuantisation(tables[0] as Table, rows, how.oneRange ? { oneRange: true } : { dropConstantColumns: true });
}

/** Some rows of a table. @param classes - names by label; those that are new are added */
function pick(table: Table, rows: Uint32Array, quantisation: Quantisation | null, classes: string[]): TrainingRows<Uint8Array> {
	const { x, d } = bytesOf(table, quantisation);
	const labels = table.classes.map((name) => (classes.includes(name) ? classes.indexOf(name) : classes.push(name) - 1));
	const picked = new Uint8Array(rows.length * d);
	rows.forEach((row, i) => {
		const from = row * x.stride;
		picked.set(x.values.subarray(from, from + d), i * d);
	});
	return { x: picked, label: Uint8Array.from(rows, (row) => labels[table.labels[row] as number] as number), n: rows.length, d };
}

/** Features as bytes; the bias that quantisation adds is left out, since networks have biases of their own. */
function bytesOf(table: Table, quantisation: Quantisation | null): { x: { values: Uint8Array; stride: number }; d: number } {
	if (quantisation) {
		const d = quantisation.columns.length;
		return { x: { values: quantise(table, quantisation, { clip: true }), stride: d + 1 }, d };
	}
	if (table.rows instanceof Uint8Array) return { x: { values: table.rows, stride: table.m }, d: table.m };
	throw new DataError(
		"SHAPE_MISMATCH",
		`${table.source}: expected bytes (IDX), as the run was trained on, got other numbers`,
		"Give the file that the run began with.",
	);
}
