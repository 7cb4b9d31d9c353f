/**
 * Backbones as files: the manifest as JSON, `NAME.json`, and beside it, for a network, its weights, `NAME.weights`. The digest of the manifest
 * names the backbone, so that neither can be changed unseen by who knows it.
 */
import { readFile } from "node:fs/promises";
import type { Digest } from "../digest.ts";
import { DataError } from "../errors.ts";
import { type Backbone, openBackbone } from "./backbone.ts";
import { invalid, needsWeights } from "./manifest.ts";

/** Where the weights of a manifest's file are. */
export function weightsPath(path: string): string {
	return `${path.replace(/\.json$/, "")}.weights`;
}

/**
 * Read a backbone.
 * @param path - of the manifest
 * @param digest - that it must have
 * @throws {DataError} FILE_MISSING, FILE_UNREADABLE; BACKBONE_INVALID; CHECKPOINT_MISMATCH for another digest, and for weights that are
 *   missing or are not those of the manifest
 */
export async function readBackbone(path: string, digest?: Digest): Promise<Backbone> {
	const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
		const code = cause.code === "ENOENT" ? "FILE_MISSING" : "FILE_UNREADABLE";
		throw new DataError(code, `backbone: expected a manifest at ${path}, got ${cause.message}`, "Check the path.", cause);
	});
	let manifest: unknown;
	try {
		manifest = JSON.parse(text);
	} catch (cause) {
		throw invalid(`${path} is no JSON: ${(cause as Error).message}`, "Give the manifest, not the weights.", cause);
	}
	const backbone = openBackbone(manifest, await weightsOf(path, manifest));
	if (digest === undefined || backbone.digest === digest) return backbone;
	throw new DataError(
		"CHECKPOINT_MISMATCH",
		`backbone: expected the digest ${digest} at ${path}, got ${backbone.digest}`,
		"Get the manifest with this digest.",
	);
}

async function weightsOf(path: string, manifest: unknown): Promise<Uint8Array | undefined> {
	if (!needsWeights(manifest)) return undefined;
	return readFile(weightsPath(path)).catch((cause) => {
		const message = `backbone: expected the weights of ${path} at ${weightsPath(path)}, got ${(cause as Error).message}`;
		throw new DataError("CHECKPOINT_MISMATCH", message, "Put the weights beside the manifest, under the same name.", cause);
	});
}
