import { describe, expect, test } from "vitest";
import { below, generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { apportion } from "./apportion.ts";
import { creditOf, edgeKey } from "./credit.ts";
import { lineageOf, youngest } from "./lineage.ts";
import type { LineageNode } from "./node.ts";
import { sealsOf } from "./seal.ts";
import { idOf, node, randomNodes, shuffled } from "./testing.ts";

describe("apportion", () => {
	test("adds up, rounds each part down or up, and gives nothing for nothing", () => {
		const next = generator(1n);
		for (let run = 0; run < 500; run++) {
			const weights = Array.from({ length: 1 + below(next, 9) }, () => BigInt(below(next, 4) === 0 ? 0 : next()));
			weights[0] = (weights[0] as bigint) + 1n;
			const sum = weights.reduce((all, weight) => all + weight, 0n);
			const total = BigInt(below(next, 50)) * BigInt(next()) ** BigInt(below(next, 3));
			const parts = apportion(total, weights);
			expect(parts.reduce((all, part) => all + part, 0n)).toBe(total);
			weights.forEach((weight, i) => {
				const down = (total * weight) / sum;
				expect([down, down + (weight === 0n ? 0n : 1n)]).toContain(parts[i]);
			});
		}
	});

	test("units left go to the largest fractions, of equal ones to the earlier", () => {
		expect(apportion(10n, [1n, 1n, 1n])).toEqual([4n, 3n, 3n]);
		expect(apportion(10n, [15n, 25n, 60n])).toEqual([2n, 2n, 6n]);
		expect(apportion(1n, [1n, 2n])).toEqual([0n, 1n]);
		expect(() => apportion(1n, [0n, 0n])).toThrow("add up to more than 0");
	});
});

/** What each contributor gets along every path, as fractions of 10^6 at each step: nothing is rounded, so it is exact and exponential. */
function byPaths(nodes: readonly LineageNode[], payee: string): Map<string, number> {
	const byId = new Map(nodes.map((one) => [one.id as string, one]));
	const shares = new Map<string, number>();
	const walk = (id: string, fraction: number): void => {
		const { contributors, parents } = byId.get(id) as LineageNode;
		for (const { name, weight } of contributors) shares.set(name, (shares.get(name) ?? 0) + (fraction * weight) / 1e6);
		for (const parent of parents) walk(parent.id, (fraction * parent.weight) / 1e6);
	};
	walk(payee, 1);
	return shares;
}

describe("credit", () => {
	const amount = 123_456_789_012_345_678_901n;

	test("of random graphs adds up to the payment, at each node too, and is that of all paths", () => {
		const next = generator(2n);
		for (let run = 0; run < 60; run++) {
			const nodes = randomNodes(next, 2 + below(next, 14), 4);
			const lineage = lineageOf(nodes);
			const payee = nodes.at(-1) as LineageNode;
			const credit = creditOf(lineage, payee.id, amount);
			expect(credit.contributors.reduce((sum, one) => sum + one.amount, 0n)).toBe(amount);
			for (const { id } of nodes) {
				const passedOn = nodes.reduce((sum, child) => sum + (credit.edges.get(edgeKey(child.id, id)) ?? 0n), 0n);
				expect(credit.nodes.get(id)?.amount ?? 0n).toBe(passedOn + (id === payee.id ? amount : 0n));
			}
			const paths = byPaths(nodes, payee.id);
			const paid = new Map(credit.contributors.map((one) => [one.name, one]));
			for (const [name, fraction] of paths) expect(Number(paid.get(name)?.amount ?? 0n) / Number(amount)).toBeCloseTo(fraction, 10);
			expect([...paid.keys()].filter((name) => !paths.has(name))).toEqual([]);
			for (const one of paid.values()) expect(one.declared).toBeLessThanOrEqual(one.amount);
		}
	});

	test("and seals do not depend on the order of nodes, parents or contributors", () => {
		const next = generator(3n);
		for (let run = 0; run < 40; run++) {
			const nodes = randomNodes(next, 12, 4);
			const other = shuffled(next, nodes).map((one) => ({
				...one,
				parents: shuffled(next, one.parents),
				contributors: shuffled(next, one.contributors),
			}));
			const paid = BigInt(below(next, 1000));
			const [a, b] = [creditOf(lineageOf(nodes), "n11", paid), creditOf(lineageOf(other), "n11", paid)];
			expect(b.contributors).toEqual(a.contributors);
			expect(new Map([...b.nodes].sort())).toEqual(new Map([...a.nodes].sort()));
			expect(new Map([...sealsOf(lineageOf(other))].sort())).toEqual(new Map([...sealsOf(lineageOf(nodes))].sort()));
		}
	});

	test("gives a unit that two have the same claim to by name and id, not by the order of the file", () => {
		const leaves = ["a", "b", "c"].map((name) => node(name, { zoe: 500_000, abe: 500_000 }));
		const equal = leaves.map(({ id }) => ({ id, weight: 333_333, basis: "declared" as const }));
		const model = { ...node("model", { cy: 1, di: 0 }, { a: 333_333, b: 333_333, c: 333_333 }), parents: equal };
		const first = [...equal].sort((a, b) => (a.id < b.id ? -1 : 1))[0]?.id;
		for (const parents of [equal, equal.toReversed(), [...equal.slice(1), ...equal.slice(0, 1)]]) {
			const { nodes, contributors } = creditOf(lineageOf([...leaves, { ...model, parents }]), "model", 1n);
			expect([...nodes.keys()]).toEqual([model.id, first]);
			expect(contributors.find(({ amount }) => amount > 0n)?.name).toBe("abe");
		}
	});

	test("of a diamond comes together before it is split again", () => {
		const nodes = [
			node("top", { ann: 500_000, bob: 500_000 }),
			node("left", {}, { top: 1_000_000 }),
			node("right", {}, { top: 1_000_000 }),
			node("bottom", {}, { left: 500_000, right: 500_000 }),
		];
		// Split on each way, a unit on each would go to ann: she would get both.
		const { contributors, nodes: received } = creditOf(lineageOf(nodes), "bottom", 2n);
		expect(contributors.map(({ name, amount }) => [name, amount])).toEqual([
			["ann", 1n],
			["bob", 1n],
		]);
		expect(received.get(idOf("top"))?.amount).toBe(2n);
	});

	test("goes up a chain of 10,000 generations", () => {
		const nodes = Array.from({ length: 10_000 }, (_, i) =>
			i === 0 ? node("n0", { founder: 1_000_000 }) : node(`n${i}`, { [`p${i % 10}`]: 100 }, { [`n${i - 1}`]: 999_900 }),
		);
		const lineage = lineageOf(nodes.toReversed());
		expect(lineage.depth).toBe(10_000);
		expect(youngest(lineage).map(({ name }) => name)).toEqual(["n9999"]);
		const { contributors } = creditOf(lineage, "n9999", amount);
		expect(contributors.reduce((sum, one) => sum + one.amount, 0n)).toBe(amount);
		const founder = contributors.find(({ name }) => name === "founder")?.amount as bigint;
		expect(Number(founder) / Number(amount)).toBeCloseTo(0.9999 ** 9999, 9);
		expect(sealsOf(lineage).size).toBe(10_000);
	});

	test("says how much came through weights that are only declared", () => {
		const proven = (of: LineageNode): LineageNode => ({
			...of,
			parents: of.parents.map((parent) => ({ ...parent, basis: "proven" })),
			run: { id: idOf("run"), path: "run" },
		});
		const nodes = [
			node("data", { ann: 1_000_000 }),
			node("other", { bob: 1_000_000 }),
			node("left", {}, { data: 1_000_000 }),
			proven(node("right", {}, { data: 400_000, other: 600_000 })),
			proven(node("model", { cy: 200_000 }, { left: 300_000, right: 500_000 })),
		];
		expect(creditOf(lineageOf(nodes), "model", 1000n).contributors).toEqual([
			{ name: "ann", amount: 500n, declared: 300n },
			{ name: "bob", amount: 300n, declared: 0n },
			{ name: "cy", amount: 200n, declared: 0n },
		]);
	});

	test("of nothing is nothing for everybody; a negative one and an unknown node are refused", async () => {
		const lineage = lineageOf([node("data", { ann: 400_000, bob: 600_000 })]);
		expect(creditOf(lineage, "data", 0n).contributors.map(({ amount }) => amount)).toEqual([0n, 0n]);
		expect(await refusal(() => creditOf(lineage, "data", -1n))).toMatchObject({ code: "PARAMETER_OUT_OF_RANGE" });
		expect(await refusal(() => creditOf(lineage, "date", 1n))).toEqual({
			code: "LINEAGE_PARENT_MISSING",
			message: 'lineage: expected the id or name of a node, got "date"',
		});
	});
});
