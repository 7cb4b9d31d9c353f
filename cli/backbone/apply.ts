/** `openledger backbone apply`: a data file as features, which every command that reads data takes again. */
import { readBackbone } from "../../compute/backbone/file.ts";
import type { BackendName } from "../../compute/backend.ts";
import { readTable } from "../../compute/dataset.ts";
import { type Digest, keccak } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { idxBytes } from "../../compute/idx.ts";
import { fitQuantisation, type Quantisation, quantisationOf, quantise } from "../../compute/quantisation.ts";
import { writeJson, writeWhole } from "../../network/epoch/json.ts";
import { openBackendFor } from "../backend.ts";
import type { Outcome, Work } from "../command.ts";
import { prepareOutput, readJsonFile } from "../file.ts";

export interface ApplyFlags {
	readonly data: string;
	readonly out: string;
	readonly label?: string;
	readonly scale?: string;
	readonly oneRange?: boolean;
	readonly dropConstant?: boolean;
	readonly clip?: boolean;
	readonly digest?: Digest;
	readonly backend?: BackendName;
}

/** What was made of which rows by what: JSON beside the IDX pair. */
export interface FeaturesManifest {
	readonly schema: "openledger.features.v1";
	readonly backbone: Digest;
	readonly rows: number;
	/** Of the file, without the bias. */
	readonly features: number;
	readonly classes: readonly string[];
	/** keccak256 of the files. */
	readonly files: { readonly features: Digest; readonly labels: Digest };
	/** How values became the bytes that the backbone took. */
	readonly quantisation: Quantisation;
}

export async function applyBackbone(file: string, flags: ApplyFlags, { progress, signal }: Work): Promise<Outcome> {
	const [features, labels, manifest] = ["-images-idx2-ubyte", "-labels-idx1-ubyte", ".json"].map((end) => `${flags.out}${end}`) as [
		string,
		string,
		string,
	];
	for (const path of [features, labels, manifest]) await prepareOutput(path);
	const backbone = await readBackbone(file, flags.digest);
	progress({ phase: "data", done: 0, total: 1, note: flags.data });
	const rows = await readTable(flags.data, { label: flags.label });
	const scale =
		flags.scale === undefined
			? fitQuantisation(
					rows,
					Uint32Array.from({ length: rows.n }, (_, row) => row),
					{ dropConstantColumns: flags.dropConstant, oneRange: flags.oneRange },
				)
			: quantisationOf(await readJsonFile(flags.scale, "a scale"), flags.scale, rows);
	const { inputs, features: width } = backbone.manifest;
	if (scale.columns.length + 1 !== inputs) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${flags.data}: expected ${inputs - 1} columns for this backbone, got ${scale.columns.length}`,
			"Make a backbone for this data; pictures keep all their columns with --one-range.",
		);
	}
	const x = quantise(rows, scale, { clip: flags.clip });
	const { backend } = await openBackendFor({ committed: true, kernel: "integers.product" }, flags.backend);
	let mapped: Uint8Array;
	try {
		mapped = await backbone.apply(backend, x, rows.n, {
			signal,
			progress: (done, total) => progress({ phase: "features", done, total, note: `${backbone.manifest.kind} on ${backend.name}` }),
		});
	} finally {
		await backend.close();
	}
	const [featureBytes, labelBytes] = [withoutBias(mapped, rows.n, width), idxBytes({ shape: [rows.n], values: rows.labels })];
	const result: FeaturesManifest = {
		schema: "openledger.features.v1",
		backbone: backbone.digest,
		rows: rows.n,
		features: width - 1,
		classes: rows.classes,
		files: { features: keccak(featureBytes), labels: keccak(labelBytes) },
		quantisation: scale,
	};
	await writeWhole(features, featureBytes);
	await writeWhole(labels, labelBytes);
	await writeJson(manifest, result);
	return {
		result: { files: { features, labels, manifest }, manifest: result },
		text: `${features}: ${rows.n} rows of ${width - 1} features, keccak256 ${result.files.features}`,
	};
}

/** An IDX file of all features but the bias, which every reader adds again. */
function withoutBias(x: Uint8Array, n: number, d: number): Uint8Array {
	const values = new Uint8Array(n * (d - 1));
	for (let row = 0; row < n; row++) values.set(x.subarray(row * d, (row + 1) * d - 1), row * (d - 1));
	return idxBytes({ shape: [n, d - 1], values });
}
