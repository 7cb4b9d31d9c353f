/**
 * Outputs of retrained models, kept between runs of a bench: matrices in the cache of built files, named by everything they follow
 * from: settings with seeds, data, and the sources of the room that trains. Whoever changes one of them trains again.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import canonicalize from "canonicalize";
import type { Matrix } from "../../compute/matrix.ts";
import { checkArtefact, findArtefact, publishArtefact } from "../../prover/artefact.ts";
import { root } from "../bench.ts";

/** Kind of the files in the cache: rows and columns as 32-bit integers, then float64 values, little endian. */
const KIND = "retraining";
const HEADER = 8;

/**
 * A matrix from the cache, or computed and kept.
 * @param settings - JSON: what is computed, with its parameters and seeds
 * @param data - the bytes that it is computed from
 * @param compute - deterministic for equal settings and data
 * @param folder - of the cache; the usual one by default
 * @throws ArtefactError for a damaged file
 *
 * @example
 * const outputs = await cachedMatrix({ model: "logistic", seed: "1" }, [x.values, label], () => retrainedOutputs(drawn, retrain));
 */
export async function cachedMatrix(
	settings: unknown,
	data: readonly ArrayBufferView[],
	compute: () => Promise<Matrix<Float64Array>>,
	folder?: string,
): Promise<Matrix<Float64Array>> {
	const hash = createHash("sha256").update(canonicalize(settings) ?? "");
	for (const { buffer, byteOffset, byteLength } of data) {
		hash.update(
			createHash("sha256")
				.update(new Uint8Array(buffer, byteOffset, byteLength))
				.digest(),
		);
	}
	const digest = hash.update(await sourcesDigest()).digest("hex");
	const found = await findArtefact(KIND, digest, folder);
	if (found !== undefined) {
		await checkArtefact(found);
		return decode(await readFile(found.path));
	}
	const matrix = await compute();
	await publishArtefact(KIND, digest, (path) => writeFile(path, encode(matrix)), folder === undefined ? {} : { root: folder });
	return matrix;
}

function encode({ values, rows, columns }: Matrix<Float64Array>): Uint8Array {
	const bytes = new Uint8Array(HEADER + 8 * values.length);
	const view = new DataView(bytes.buffer);
	view.setUint32(0, rows, true);
	view.setUint32(4, columns, true);
	values.forEach((value, i) => {
		view.setFloat64(HEADER + 8 * i, value, true);
	});
	return bytes;
}

function decode(bytes: Uint8Array): Matrix<Float64Array> {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const [rows, columns] = [view.getUint32(0, true), view.getUint32(4, true)];
	return { values: Float64Array.from({ length: rows * columns }, (_, i) => view.getFloat64(HEADER + 8 * i, true)), rows, columns };
}

let sources: Promise<Buffer> | undefined;

/** The digest of all sources of compute/ and of the emitter of its kernels, tests left out. */
function sourcesDigest(): Promise<Buffer> {
	sources ??= (async () => {
		const hash = createHash("sha256");
		for (const room of ["compute", "webassembly"]) {
			const names = (await readdir(join(root, room), { recursive: true })).filter((name) => /(?<!\.test)\.ts$/.test(name)).sort();
			for (const name of names) hash.update(name).update(await readFile(join(root, room, name)));
		}
		return hash.digest();
	})();
	return sources;
}
