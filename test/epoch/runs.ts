/** What the end-to-end tests share: temporary folders, small data sets, a run on a chain that stays alive. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backbone, networkBackbone, pooledPixels } from "../../compute/backbone/backbone.ts";
import { weightsPath } from "../../compute/backbone/file.ts";
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

/** Handwritten digits of 8 x 8 pixels, the first rows as CSV, and a backbone that pools them to 5 x 3: 16 features with the bias. */
export async function digitsConfig(folder: string, source: string, rows: number): Promise<EpochConfig> {
	const table = await readTable(source);
	const lines = Array.from({ length: rows }, (_, r) => [...table.rows.subarray(r * table.m, (r + 1) * table.m), table.labels[r]].join(","));
	const data = join(folder, "digits.csv");
	await writeFile(data, `${lines.join("\n")}\n`);
	const pooling = pooledPixels({ image: { height: 8, width: 8, channels: 1 }, pooled: { height: 5, width: 3 } });
	return { ...DEFAULT_CONFIG, data, oneRange: true, backbone: await writeBackbone(folder, pooling) };
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

/** A small network of bytes as a backbone for {@link tinyCsv}: 4 features with the bias. */
export async function tinyNetwork(folder: string): Promise<string> {
	const network = networkBackbone({
		architecture: {
			input: { height: 1, width: 1, channels: 3 },
			layers: [
				{ kind: "dense", outputs: 3 },
				{ kind: "dense", outputs: 2 },
			],
			shifts: [7, 0],
		},
		layers: [
			{ weights: Int8Array.of(64, 0, -9, 0, 64, 0, 7, 0, 64), bias: Int32Array.of(-100, 0, 2000) },
			{ weights: new Int8Array(6), bias: new Int32Array(2) },
		],
	});
	return writeBackbone(folder, network);
}

/** @returns path of the manifest */
async function writeBackbone(folder: string, { manifest, weights }: Backbone): Promise<string> {
	const path = join(folder, "backbone.json");
	await writeFile(path, JSON.stringify(manifest));
	if (weights !== undefined) await writeFile(weightsPath(path), weights);
	return path;
}

/** A run over {@link tinyCsv}, written to `folder`. */
export async function tinyConfig(folder: string): Promise<EpochConfig> {
	const data = join(folder, "tiny.csv");
	await writeFile(data, tinyCsv());
	return { ...DEFAULT_CONFIG, data, owner: "owner" };
}
