/** What the end-to-end tests share: temporary folders, small data sets, a run on a chain that stays alive. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTable } from "../../compute/dataset.ts";
import { below, generator } from "../../compute/random.ts";
import { DEFAULT_CONFIG, type EpochConfig } from "../../network/epoch/config.ts";
import type { ProgressEvent } from "../../network/epoch/progress.ts";

export const quiet = (_event: ProgressEvent): void => {};

/** A folder that `remove` takes away again. */
export async function temporaryFolder(): Promise<{ folder: string; remove: () => Promise<void> }> {
	const folder = await mkdtemp(join(tmpdir(), "openledger-test-"));
	return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Handwritten digits, 8 x 8 pixels pooled to 4 x 4 of which the first 15 are kept (16 features with the bias), as CSV. */
export async function pooledDigits(source: string, rows: number): Promise<string> {
	const table = await readTable(source);
	const lines = Array.from({ length: rows }, (_, r) => {
		const pixel = (y: number, x: number): number => table.rows[r * table.m + 8 * y + x] as number;
		const pooled = Array.from({ length: 15 }, (_, i) => {
			const [y, x] = [2 * Math.floor(i / 4), 2 * (i % 4)];
			return pixel(y, x) + pixel(y, x + 1) + pixel(y + 1, x) + pixel(y + 1, x + 1);
		});
		return [...pooled, table.labels[r]].join(",");
	});
	return `${lines.join("\n")}\n`;
}

/**
 * Three features, two classes and four owners, of whom "dave" says the opposite: 4 features with the bias and 2 classes are the smallest circuits.
 * Columns: owner, a, b, c, label. Extremes stand in the first two rows, so that held-out rows lie in the range.
 */
export function tinyCsv(rows = 64): string {
	const next = generator(77n);
	const lines = Array.from({ length: rows }, (_, r) => {
		const owner = ["ann", "bob", "cleo", "dave"][(r >> 2) % 4] as string;
		const label = below(next, 2);
		const said = owner === "dave" && r % 4 !== 3 ? 1 - label : label;
		const x = r < 2 ? [100 * r, 100 * r, 100 * r] : [60 * label + below(next, 41), below(next, 101), 60 * (1 - label) + below(next, 41)];
		return [owner, ...x, said].join(",");
	});
	return `owner,a,b,c,label\n${lines.join("\n")}\n`;
}

/** A run over {@link tinyCsv}, written to `folder`. */
export async function tinyConfig(folder: string): Promise<EpochConfig> {
	const data = join(folder, "tiny.csv");
	await writeFile(data, tinyCsv());
	return { ...DEFAULT_CONFIG, data, owner: "owner" };
}
