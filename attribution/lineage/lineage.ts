/**
 * Where models come from: a directed acyclic graph of datasets, derived datasets, manifests, checkpoints, fine-tunes and merges.
 *
 * A lineage holds together: ids and names are unique, parents are there, nothing is made from itself. Whether contents are those of their digests is
 * what `verifyLineage` says.
 */
import type { Digest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { type LineageNode, parseNode } from "./node.ts";

export const LINEAGE_SCHEMA = "openledger.lineage.v1";
/** Generations from the oldest ancestor to the youngest node. */
export const MAX_DEPTH = 65_536;

export interface Lineage {
	/** In the order of the file. */
	readonly nodes: readonly LineageNode[];
	readonly byId: ReadonlyMap<Digest, LineageNode>;
	/** Parents before their children. */
	readonly order: readonly LineageNode[];
	/** Generations, of the longest line. */
	readonly depth: number;
}

/**
 * A lineage from a parsed file.
 * @throws {DataError} LINEAGE_MALFORMED and as `lineageOf`
 */
export function parseLineage(file: unknown): Lineage {
	const { schema, nodes } = Object(file) as { schema?: unknown; nodes?: unknown };
	if (schema !== LINEAGE_SCHEMA || !Array.isArray(nodes)) {
		const got = schema === LINEAGE_SCHEMA ? "no list of nodes" : `the schema ${JSON.stringify(schema) ?? "of nothing"}`;
		throw new DataError(
			"LINEAGE_MALFORMED",
			`lineage: expected ${LINEAGE_SCHEMA} with nodes, got ${got}`,
			"Give a file that `lineage record` wrote.",
		);
	}
	return lineageOf(nodes.map((node, i) => parseNode(node, `nodes[${i}]`)));
}

/**
 * A lineage of nodes.
 * @throws {DataError} DUPLICATE_ID for two nodes of one id or name; LINEAGE_PARENT_MISSING; LINEAGE_CYCLE with the cycle; LINEAGE_MALFORMED if it is too deep
 */
export function lineageOf(nodes: readonly LineageNode[]): Lineage {
	const byId = new Map<Digest, LineageNode>();
	const names = new Set<string>();
	for (const node of nodes) {
		const twin = byId.get(node.id);
		const twice = twin
			? `the id ${node.id}: "${twin.name}" and "${node.name}"`
			: names.has(node.name)
				? `the name "${node.name}"`
				: undefined;
		if (twice !== undefined) {
			throw new DataError(
				"DUPLICATE_ID",
				`lineage: two nodes have ${twice}`,
				"The same content is one node; give others names of their own.",
			);
		}
		byId.set(node.id, node);
		names.add(node.name);
	}
	const children = new Map<Digest, LineageNode[]>();
	for (const node of nodes) {
		for (const { id } of node.parents) {
			if (!byId.has(id)) {
				throw new DataError(
					"LINEAGE_PARENT_MISSING",
					`lineage: "${node.name}" has the parent ${id}, which is not there`,
					"Record the parent first.",
				);
			}
			const found = children.get(id);
			if (found) found.push(node);
			else children.set(id, [node]);
		}
	}
	const waiting = new Map(nodes.map((node) => [node.id, node.parents.length]));
	const order = nodes.filter(({ parents }) => parents.length === 0);
	const generation = new Map(order.map(({ id }) => [id, 1]));
	for (let next = 0; next < order.length; next++) {
		const parent = order[next] as LineageNode;
		for (const child of children.get(parent.id) ?? []) {
			generation.set(child.id, Math.max(generation.get(child.id) ?? 0, (generation.get(parent.id) as number) + 1));
			const left = (waiting.get(child.id) as number) - 1;
			waiting.set(child.id, left);
			if (left === 0) order.push(child);
		}
	}
	if (order.length < nodes.length) throw cycleError(nodes, byId, new Set(order.map(({ id }) => id)));
	const depth = order.reduce((most, { id }) => Math.max(most, generation.get(id) as number), 0);
	if (depth > MAX_DEPTH) {
		throw new DataError(
			"LINEAGE_MALFORMED",
			`lineage: expected at most ${MAX_DEPTH} generations, got ${depth}`,
			"Begin a new lineage at a merge.",
		);
	}
	return { nodes, byId, order, depth };
}

/** The node of an id, or of a name. @throws {DataError} LINEAGE_PARENT_MISSING */
export function nodeOf({ nodes, byId }: Lineage, idOrName: string): LineageNode {
	const found = byId.get(idOrName as Digest) ?? nodes.find(({ name }) => name === idOrName);
	if (found) return found;
	throw new DataError(
		"LINEAGE_PARENT_MISSING",
		`lineage: expected the id or name of a node, got "${idOrName}"`,
		"`lineage show` lists the nodes.",
	);
}

/** Nodes that nothing was made from yet, in the order of the file. */
export function youngest({ nodes }: Lineage): LineageNode[] {
	const used = new Set(nodes.flatMap(({ parents }) => parents.map(({ id }) => id)));
	return nodes.filter(({ id }) => !used.has(id));
}

/** A node that could not be put in order has a parent that could not: going up from one leads into a cycle. */
function cycleError(nodes: readonly LineageNode[], byId: Lineage["byId"], ordered: ReadonlySet<Digest>): DataError {
	const place = new Map<Digest, number>();
	const path: LineageNode[] = [];
	for (let node = nodes.find(({ id }) => !ordered.has(id)) as LineageNode; ; ) {
		const start = place.get(node.id);
		if (start !== undefined) {
			const names = [...path.slice(start), node].map(({ name }) => name);
			const shown = names.length > 12 ? [...names.slice(0, 6), `(${names.length - 12} more)`, ...names.slice(-6)] : names;
			return new DataError(
				"LINEAGE_CYCLE",
				`lineage: expected no cycle, got ${shown.join(" <- ")}`,
				"Nothing is made from itself: take one of these parents out.",
			);
		}
		place.set(node.id, path.length);
		path.push(node);
		const parent = node.parents.find(({ id }) => !ordered.has(id));
		node = byId.get(parent?.id as Digest) as LineageNode;
	}
}
