/** From a data set to what an epoch needs of it: bytes per contributor, queries, evaluation rows, and the published scale. */
import { type ParameterSet, parameterSetFor } from "../../circuits/parameters.ts";
import type { Rows } from "../../circuits/statistics.ts";
import { type Backbone, identityBackbone, randomFeatures } from "../../compute/backbone/backbone.ts";
import { readBackbone } from "../../compute/backbone/file.ts";
import type { Backend } from "../../compute/backend.ts";
import { readTable } from "../../compute/dataset.ts";
import { DataError } from "../../compute/errors.ts";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { fitQuantisation, padFeatures, type Quantisation, quantisationOf, quantise } from "../../compute/quantisation.ts";
import { splitRows } from "../../compute/split.ts";
import type { Table } from "../../compute/table.ts";
import type { EpochConfig } from "./config.ts";
import { readJson } from "./json.ts";
import { type ScreeningFile, screenShares } from "./screening.ts";

/** Rows of the built-in data set for each contributor. */
const GLYPH_ROWS = 60;

export interface EpochData {
	readonly source: string;
	readonly set: ParameterSet;
	readonly classes: readonly string[];
	readonly quantisation: Quantisation;
	readonly backbone: Backbone;
	/** Features that carry data, with the bias; the rest of set.d are zeros. */
	readonly features: number;
	/** Those whose rows count; rows that do not have weight 0. */
	readonly contributors: readonly { readonly owner: string; readonly rows: Rows }[];
	readonly screening: ScreeningFile;
	/** The queries of each epoch, with true labels and weight 1. */
	readonly queries: readonly Rows[];
	readonly evaluation: Rows;
}

/**
 * Reads, splits, quantises, maps and screens.
 * @throws DataError or CircuitError naming the value, the range and the remedy; the signal's reason
 */
export async function prepareData(config: EpochConfig, backend: Backend, signal?: AbortSignal): Promise<EpochData> {
	const table = config.data === undefined ? builtIn(config) : await readTable(config.data, { label: config.label, owner: config.owner });
	const split = splitRows(table, { contributors: config.contributors, maxClasses: 16 });
	const quantisation = await scaleOf(config, table, split.train);
	const bytes = quantise(table, quantisation, { clip: config.clip });
	const inputs = quantisation.columns.length + 1;
	const backbone = await backboneOf(config, inputs);
	const mapped = await backbone.apply(backend, bytes, table.n, { signal });
	const features = backbone.manifest.features;
	const queries = Array.from({ length: config.epochs }, (_, e) => split.query.filter((_row, i) => i % config.epochs === e));
	const set = parameterSetFor({
		rows: Math.max(...split.contributors.map((share) => share.rows.length)),
		queries: Math.max(...queries.map((rows) => rows.length)),
		features,
		classes: Math.max(2, table.k),
		contributions: split.contributors.length,
		totalRows: split.train.length,
		nodes: config.nodes,
		lambda: config.ridge,
		...(config.page === undefined ? {} : { page: config.page }),
		...(config.queryPage === undefined ? {} : { queryPage: config.queryPage }),
	});
	const padded = padFeatures(mapped, table.n, features, set.d);
	const pick = (rows: Uint32Array): Rows => {
		const x = new Uint8Array(rows.length * set.d);
		rows.forEach((row, i) => {
			x.set(padded.subarray(row * set.d, (row + 1) * set.d), i * set.d);
		});
		return {
			x,
			label: Uint8Array.from(rows, (row) => table.labels[row] as number),
			weight: new Uint8Array(rows.length).fill(1),
			count: rows.length,
		};
	};
	const shares = split.contributors.map((share) => ({ owner: share.owner, rows: pick(share.rows) }));
	if (config.data === undefined && shares.length > 1) {
		spoil(shares.at(-1)?.rows as Rows, table.k);
	}
	const { contributors, screening } = await screenShares(shares, config.defence, { d: set.d, k: set.k, queries: pick(split.query) });
	return {
		source: table.source,
		set,
		classes: table.classes,
		quantisation,
		backbone,
		features,
		contributors,
		screening,
		queries: queries.map(pick),
		evaluation: pick(split.evaluation),
	};
}

async function scaleOf({ scale, dropConstantColumns, oneRange }: EpochConfig, table: Table, train: Uint32Array): Promise<Quantisation> {
	if (scale === undefined) return fitQuantisation(table, train, { dropConstantColumns, oneRange });
	const found = await readJson(scale);
	if (found !== undefined) return quantisationOf(found, scale, table);
	throw new DataError("FILE_MISSING", `${scale}: expected JSON with a scale, got no such file`, "Check the path.");
}

/** @param inputs - features of the data with the bias */
async function backboneOf({ backbone: path, randomFeatures: random }: EpochConfig, inputs: number): Promise<Backbone> {
	if (path === undefined) return random === undefined ? identityBackbone(inputs) : randomFeatures({ inputs, ...random });
	const backbone = await readBackbone(path);
	if (backbone.manifest.inputs === inputs) return backbone;
	throw new DataError(
		"SHAPE_MISMATCH",
		`${path}: expected a backbone of the ${inputs} features that the data has with the bias, got one of ${backbone.manifest.inputs}`,
		"Make a backbone for this data; pictures keep all their columns with one range (--one-range).",
	);
}

/** The built-in data set: GLYPH_ROWS training rows for each contributor and a third as many held out. */
function builtIn(config: EpochConfig): Table {
	return drawGlyphs({ n: Math.ceil((config.contributors * GLYPH_ROWS * 4) / 3 / 8) * 8, seed: 1n });
}

/** The last contributor of the built-in data set labels every glyph as the next class, so that the first run shows a charge. */
function spoil(rows: Rows, k: number): void {
	rows.label.forEach((label, i) => {
		rows.label[i] = (label + 1) % k;
	});
}
