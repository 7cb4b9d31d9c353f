/** Digests of contents, and a lineage held against the files that it names. */
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type Digest, jsonDigest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import type { Control } from "../method.ts";
import type { Lineage } from "./lineage.ts";
import type { Content, LineageNode } from "./node.ts";
import { checkProven } from "./proven.ts";

/** How a node's content was found: as its digest says, or kept private and so not looked at. */
export type ContentState = "same" | "private";

/**
 * keccak256 of a file: of its bytes, read in parts, or of its JSON made canonical (RFC 8785).
 * @throws {DataError} LINEAGE_CONTENT_MISSING if it cannot be read; LINEAGE_MALFORMED for `json` that is none
 */
export async function contentDigest(file: string, as: Content["as"]): Promise<Digest> {
	if (as === "json") return jsonDigest(await readRun(file));
	const hash = keccak_256.create();
	try {
		for await (const part of createReadStream(file)) hash.update(part as Uint8Array);
	} catch (cause) {
		throw missing(file, cause);
	}
	return `0x${bytesToHex(hash.digest())}`;
}

/**
 * A file of JSON, such as a run.
 * @throws {DataError} LINEAGE_CONTENT_MISSING, LINEAGE_MALFORMED
 */
export async function readRun(file: string): Promise<unknown> {
	const text = await readFile(file, "utf8").catch((cause) => {
		throw missing(file, cause);
	});
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new DataError(
			"LINEAGE_MALFORMED",
			`${file}: expected JSON, got ${(cause as Error).message}`,
			"Take its digest as bytes, or give another file.",
			cause,
		);
	}
}

/**
 * Hashes the content and the run of every node again, and derives proven weights again. All nodes are looked at before the first problem is thrown.
 * @param root - folder of the contents
 * @returns the state of each node
 * @throws {DataError} LINEAGE_CONTENT_MISSING; LINEAGE_DIGEST_CHANGED with both digests; LINEAGE_MALFORMED if weights do not follow from their run
 */
export async function verifyLineage(
	{ nodes }: Lineage,
	root: string,
	{ signal, progress }: Control = {},
): Promise<Map<Digest, ContentState>> {
	const states = new Map<Digest, ContentState>();
	const problems: DataError[] = [];
	for (const [i, node] of nodes.entries()) {
		signal?.throwIfAborted();
		try {
			states.set(node.id, await verifyNode(node, root));
		} catch (error) {
			if (!(error instanceof DataError)) throw error;
			problems.push(error);
		}
		progress?.(i + 1, nodes.length);
	}
	const [first, ...more] = problems;
	if (first === undefined) return states;
	if (more.length === 0) throw first;
	const others = more.slice(0, 5).map(({ message }) => `\n  ${message}`);
	throw new DataError(
		first.code,
		`${first.message}, and ${more.length} more:${others.join("")}${more.length > 5 ? "\n  ..." : ""}`,
		first.hint,
		first.cause,
	);
}

async function verifyNode(node: LineageNode, root: string): Promise<ContentState> {
	const check = async (what: string, path: string, as: Content["as"], expected: Digest): Promise<void> => {
		const found = await contentDigest(join(root, path), as);
		if (found === expected) return;
		throw new DataError(
			"LINEAGE_DIGEST_CHANGED",
			`lineage: "${node.name}": expected the ${what} ${path} with digest ${expected}, got ${found}`,
			"Restore the file; if the change is meant, record it as a node of its own.",
		);
	};
	if (node.run !== null) {
		await check("run", node.run.path, "bytes", node.run.id);
		checkProven(node, await readRun(join(root, node.run.path)));
	}
	if (node.content === null) return "private";
	await check("content", node.content.path, node.content.as, node.id);
	return "same";
}

function missing(file: string, cause: unknown): DataError {
	const message = `lineage: expected a readable file at ${file}, got ${(cause as Error).message}`;
	return new DataError("LINEAGE_CONTENT_MISSING", message, "Check the path and --root.", cause);
}
