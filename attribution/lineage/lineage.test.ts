import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { MAX_DEPTH, parseLineage } from "./lineage.ts";
import type { LineageNode } from "./node.ts";
import { MAX_FAN_IN } from "./node.ts";
import { sealsOf } from "./seal.ts";
import { idOf, node } from "./testing.ts";

const data = node("data", { ann: 600_000, bob: 400_000 });
const model = node("model", { cy: 300_000 }, { data: 700_000 });
const file = (...nodes: unknown[]) => ({ schema: "openledger.lineage.v1", nodes });
/** A node's fields, free to be wrong. */
const loose = (one: LineageNode): Record<string, unknown> => structuredClone(one) as unknown as Record<string, unknown>;

test("a file is read as it was written", () => {
	const lineage = parseLineage(JSON.parse(JSON.stringify(file(model, data))));
	expect(lineage.nodes).toEqual([model, data]);
	expect(lineage.order).toEqual([data, model]);
	expect(lineage.depth).toBe(2);
});

describe("a graph that does not hold together", () => {
	test.each([
		[
			"two nodes of one id",
			[data, model, { ...data, name: "copy" }],
			"DUPLICATE_ID",
			`two nodes have the id ${data.id}: "data" and "copy"`,
		],
		["two nodes of one name", [data, model, { ...data, id: idOf("copy") }], "DUPLICATE_ID", 'two nodes have the name "data"'],
		["a parent that is not there", [model], "LINEAGE_PARENT_MISSING", `"model" has the parent ${data.id}, which is not there`],
		[
			"a node made from itself",
			[data, { ...model, parents: [{ ...model.parents[0], id: model.id }] }],
			"LINEAGE_CYCLE",
			"got model <- model",
		],
	])("%s", async (_, nodes, code, message) => {
		parseLineage(file(data, model));
		expect(await refusal(() => parseLineage(file(...nodes)))).toEqual({ code, message: expect.stringContaining(message) });
	});

	test("a cycle is named, and nothing else", async () => {
		const ring = (names: string[]) =>
			names.map((name, i) => node(name, { ann: 500_000 }, { data: 300_000, [names[(i + 1) % names.length] as string]: 200_000 }));
		const below = node("below", { ann: 500_000 }, { c1: 500_000 });
		expect(await refusal(() => parseLineage(file(data, below, ...ring(["c0", "c1", "c2"]))))).toEqual({
			code: "LINEAGE_CYCLE",
			message: "lineage: expected no cycle, got c1 <- c2 <- c0 <- c1",
		});
		const long = Array.from({ length: 30 }, (_, i) => `c${i}`);
		expect((await refusal(() => parseLineage(file(data, ...ring(long))))).message).toContain("c5 <- (19 more) <- c25");
	});

	test("too many generations", async () => {
		const chain = (length: number) =>
			Array.from({ length }, (_, i) => (i === 0 ? node("0", { ann: 1_000_000 }) : node(`${i}`, {}, { [i - 1]: 1_000_000 })));
		expect(await refusal(() => parseLineage(file(...chain(MAX_DEPTH + 1))))).toMatchObject({
			code: "LINEAGE_MALFORMED",
			message: expect.stringContaining("at most 65536 generations, got 65537"),
		});
	}, 60_000);
});

describe("a malformed file", () => {
	const cases: [string, (node: Record<string, unknown>) => void, string][] = [
		[
			"an id of another form",
			(one) => Object.assign(one, { id: "0xABC" }),
			'nodes[1].id: expected 0x and 64 hex digits in lower case, got "0xABC"',
		],
		["an id in a list", (one) => Object.assign(one, { id: [one.id] }), "nodes[1].id: expected 0x"],
		["no name", (one) => Object.assign(one, { name: "" }), 'nodes[1].name: expected a text, got ""'],
		["an unknown kind", (one) => Object.assign(one, { kind: "Poem" }), "nodes[1].kind: expected Dataset or DerivedDataset"],
		["no licence", (one) => Reflect.deleteProperty(one, "licence"), "nodes[1].licence: expected a text, got nothing"],
		["an unknown field", (one) => Object.assign(one, { weigth: 1 }), 'got "weigth"'],
		[
			"weights that do not add up",
			(one) => Object.assign(one, { contributors: [{ name: "cy", weight: 299_999 }] }),
			"that add up to 1000000, got 999999",
		],
		[
			"a weight that is no integer",
			(one) => Object.assign(one, { contributors: [{ name: "cy", weight: 0.3 }] }),
			"nodes[1].contributors[0].weight: expected parts per million",
		],
		[
			"a negative weight",
			(one) => Object.assign(one, { contributors: [{ name: "cy", weight: -1 }] }),
			"expected parts per million from 0 to 1000000, got -1",
		],
		[
			"a contributor twice",
			(one) => Object.assign(one, { contributors: [1, 2].map(() => ({ name: "cy", weight: 150_000 })) }),
			'nodes[1].contributors: expected each once, got "cy"',
		],
		[
			"a parent twice",
			(one) => Object.assign(one, { parents: [1, 2].map(() => ({ ...model.parents[0], weight: 350_000 })) }),
			"nodes[1].parents: expected each once",
		],
		[
			"an unknown basis",
			(one) => Object.assign(one, { parents: [{ ...model.parents[0], basis: "guessed" }] }),
			'expected declared or proven, got "guessed"',
		],
		[
			"a proven weight without a run",
			(one) => Object.assign(one, { parents: [{ ...model.parents[0], basis: "proven" }] }),
			"nodes[1].run: expected a run for the proven weights, got null",
		],
		[
			"a run without a proven weight",
			(one) => Object.assign(one, { run: { id: data.id, path: "run.json" } }),
			"nodes[1].run: expected null",
		],
		["a dataset with a parent", (one) => Object.assign(one, { kind: "Dataset" }), "nodes[1].parents: expected none for a Dataset, got 1"],
		["a merge of one", (one) => Object.assign(one, { kind: "Merge" }), "nodes[1].parents: expected at least 2 for a Merge, got 1"],
		[
			"a path out of the folder",
			(one) => Object.assign(one, { content: { path: "a/../../b", as: "bytes" } }),
			'nodes[1].content.path: expected a path below the lineage\'s folder, got "a/../../b"',
		],
		["a path from the root", (one) => Object.assign(one, { content: { path: "/etc/passwd", as: "bytes" } }), "expected a path below"],
		[
			"content of another form",
			(one) => Object.assign(one, { content: "data.csv" }),
			'nodes[1].content: expected an object, got "data.csv"',
		],
		[
			"too many contributors",
			(one) => Object.assign(one, { contributors: Array.from({ length: MAX_FAN_IN + 1 }, (_, i) => ({ name: `${i}`, weight: 0 })) }),
			"a list of at most 1024, got 1025",
		],
	];
	test.each(cases)("%s", async (_, change, message) => {
		const changed = loose(model);
		change(changed);
		expect(await refusal(() => parseLineage(file(data, changed)))).toEqual({
			code: "LINEAGE_MALFORMED",
			message: expect.stringContaining(message),
		});
	});

	test.each([
		[{ schema: "openledger.lineage.v2", nodes: [] }, 'the schema "openledger.lineage.v2"'],
		[{ schema: "openledger.lineage.v1" }, "no list of nodes"],
		[null, "the schema of nothing"],
	])("%o", async (value, message) => {
		expect(await refusal(() => parseLineage(value))).toEqual({ code: "LINEAGE_MALFORMED", message: expect.stringContaining(message) });
	});
});

test("a seal changes with all that is above its node, and with nothing else", () => {
	const child = node("child", {}, { model: 1_000_000 });
	const seal = (...nodes: LineageNode[]) => sealsOf(parseLineage(file(...nodes)));
	const before = seal(data, model, child);
	const altered: LineageNode = {
		...data,
		contributors: [
			{ name: "ann", weight: 600_001 },
			{ name: "bob", weight: 399_999 },
		],
	};
	for (const other of [altered, { ...data, licence: "CC0-1.0" }, { ...data, kind: "Checkpoint" as const }]) {
		const after = seal(other, model, child);
		for (const { id } of [data, model, child]) expect(after.get(id)).not.toBe(before.get(id));
	}
	const younger = seal(data, { ...model, licence: "CC0-1.0" }, child);
	expect(younger.get(data.id)).toBe(before.get(data.id));
	expect(younger.get(child.id)).not.toBe(before.get(child.id));
	expect(seal({ ...data, name: "renamed", content: null }, model, child)).toEqual(before);
});
