/**
 * Credit flows up: what a node is paid is split among its own contributors and its parents by their weights, and what a parent gets is split likewise.
 *
 * Amounts are integers and nothing is lost: each node first collects all that its descendants pass on, then splits it once by `apportion`; parents by id, then
 * contributors by name. So the result does not depend on the order of the file, and a payment of any size over any graph costs one split per node.
 */
import type { Digest } from "../../compute/digest.ts";
import { DataError } from "../../compute/errors.ts";
import { apportion } from "./apportion.ts";
import { type Lineage, nodeOf } from "./lineage.ts";

/** What a contributor or a node gets. */
export interface Amount {
	readonly amount: bigint;
	/** How much of it came through at least one weight that is only declared, rounded down at each node. */
	readonly declared: bigint;
}

export interface Credit {
	/** The node that was paid. */
	readonly node: Digest;
	readonly amount: bigint;
	/** By contributor, the largest amount first; they add up to the payment. */
	readonly contributors: readonly (Amount & { readonly name: string })[];
	/** What reached each node, before it was split; nodes that nothing reached are absent. */
	readonly nodes: ReadonlyMap<Digest, Amount>;
	/** What went from a node to a parent, by `${child} ${parent}`. */
	readonly edges: ReadonlyMap<string, bigint>;
}

/** A name in `edges`. */
export function edgeKey(child: Digest, parent: Digest): string {
	return `${child} ${parent}`;
}

/**
 * Splits a payment to a node.
 * @param payee - id or name of the node
 * @param amount - in the smallest unit, at least 0
 * @throws {DataError} LINEAGE_PARENT_MISSING for an unknown node; PARAMETER_OUT_OF_RANGE for a negative amount
 */
export function creditOf(lineage: Lineage, payee: string, amount: bigint): Credit {
	if (amount < 0n)
		throw new DataError("PARAMETER_OUT_OF_RANGE", `lineage: expected an amount from 0 on, got ${amount}`, "Charge nobody this way.");
	const { id } = nodeOf(lineage, payee);
	const nodes = new Map<Digest, Amount>([[id, { amount, declared: 0n }]]);
	const people = new Map<string, Amount>();
	const edges = new Map<string, bigint>();
	const add = <K>(to: Map<K, Amount>, key: K, part: bigint, declared: bigint): void => {
		const before = to.get(key) ?? { amount: 0n, declared: 0n };
		to.set(key, { amount: before.amount + part, declared: before.declared + declared });
	};
	for (const node of lineage.order.toReversed()) {
		const received = nodes.get(node.id);
		if (received === undefined) continue;
		const parents = node.parents.toSorted((a, b) => compare(a.id, b.id));
		const contributors = node.contributors.toSorted((a, b) => compare(a.name, b.name));
		const parts = apportion(
			received.amount,
			[...parents, ...contributors].map(({ weight }) => BigInt(weight)),
		);
		const inherited = (part: bigint): bigint => (received.amount === 0n ? 0n : (part * received.declared) / received.amount);
		parents.forEach((parent, i) => {
			const part = parts[i] as bigint;
			edges.set(edgeKey(node.id, parent.id), part);
			if (part > 0n) add(nodes, parent.id, part, parent.basis === "declared" ? part : inherited(part));
		});
		contributors.forEach(({ name }, i) => {
			const part = parts[parents.length + i] as bigint;
			add(people, name, part, inherited(part));
		});
	}
	const contributors = Array.from(people, ([name, share]) => ({ name, ...share }));
	contributors.sort((a, b) => (a.amount === b.amount ? compare(a.name, b.name) : a.amount > b.amount ? -1 : 1));
	return { node: id, amount, contributors, nodes, edges };
}

/** The order of UTF-16 units, the same everywhere. */
function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
