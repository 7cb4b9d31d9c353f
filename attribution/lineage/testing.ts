/** Lineages that nobody recorded. */
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { type Digest, keccak } from "../../compute/digest.ts";
import { below, type Generator } from "../../compute/random.ts";
import type { LineageNode } from "./node.ts";
import { WHOLE } from "./node.ts";

/** keccak256 of a text. */
export function idOf(text: string): Digest {
	return keccak(utf8ToBytes(text));
}

/** A node as it stands in a file; its content is its name. */
export function node(name: string, contributors: Record<string, number>, parents: Record<string, number> = {}): LineageNode {
	return {
		id: idOf(name),
		name,
		kind: Object.keys(parents).length === 0 ? "Dataset" : "Checkpoint",
		content: { path: name, as: "bytes" },
		licence: "MIT",
		contributors: Object.entries(contributors).map(([contributor, weight]) => ({ name: contributor, weight })),
		parents: Object.entries(parents).map(([parent, weight]) => ({ id: idOf(parent), weight, basis: "declared" })),
		run: null,
	};
}

/** A graph of `count` nodes; each has up to `fan` parents among those before it, and weights that add up. */
export function randomNodes(next: Generator, count: number, fan: number): LineageNode[] {
	return Array.from({ length: count }, (_, i) => {
		const parents = new Set(Array.from({ length: Math.min(i, below(next, fan + 1)) }, () => `n${below(next, i)}`));
		const people = new Set(Array.from({ length: parents.size === 0 ? 1 + below(next, 3) : below(next, 3) }, () => `p${below(next, 7)}`));
		const shares = new Map([...parents, ...people].map((name) => [name, 0]));
		const keys = [...shares.keys()];
		// Cuts of the whole at random places; some parts are nothing.
		const cuts = [0, ...Array.from({ length: keys.length - 1 }, () => below(next, WHOLE + 1)).sort((a, b) => a - b), WHOLE];
		keys.forEach((key, at) => {
			shares.set(key, (cuts[at + 1] as number) - (cuts[at] as number));
		});
		const those = (names: Iterable<string>) => Object.fromEntries(Array.from(names, (name) => [name, shares.get(name) as number]));
		return node(`n${i}`, those(people), those(parents));
	});
}

/** The same list in another order. */
export function shuffled<T>(next: Generator, list: readonly T[]): T[] {
	return list
		.map((item) => ({ item, key: next() }))
		.sort((a, b) => a.key - b.key)
		.map(({ item }) => item);
}
