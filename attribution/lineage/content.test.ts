import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { contentDigest, verifyLineage } from "./content.ts";
import { lineageOf } from "./lineage.ts";
import type { LineageNode } from "./node.ts";
import { provenParents } from "./proven.ts";
import { idOf, node } from "./testing.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-lineage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);
const [a, b] = [node("a", { ann: 1_000_000 }), node("b", { bob: 1_000_000 })];
const run = (scores: Record<string, unknown>) => ({ schema: "openledger.lineage-run.v1", method: "ridge-path", scores });
const runText = JSON.stringify(run({ [a.id]: "3", [b.id]: 1 }));
const manifest: LineageNode = {
	...node("manifest", { cy: 1_000_000 }),
	id: idOf('{"a":2,"b":[1]}'),
	kind: "ModelManifest",
	content: { path: "manifest.json", as: "json" },
};
const model: LineageNode = {
	...node("model", { cy: 200_000 }, { a: 600_000, b: 200_000 }),
	parents: [
		{ id: a.id, weight: 600_000, basis: "proven" },
		{ id: b.id, weight: 200_000, basis: "proven" },
	],
	run: { id: idOf(runText), path: "run.json" },
};

beforeEach(async () => {
	for (const name of ["a", "b", "model"]) await write(name, name);
	await write("manifest.json", '{ "b": [1.0], "a": 2 }\n');
	await write("run.json", runText);
});

const verify = (...nodes: LineageNode[]) => verifyLineage(lineageOf(nodes), folder);

test("contents, canonical JSON, runs and the weights that follow from them are as recorded", async () => {
	const states = await verify(a, { ...b, content: null }, manifest, model);
	expect([...states.values()]).toEqual(["same", "private", "same", "same"]);
});

test("a file larger than one read has the digest of its bytes", async () => {
	const text = "0123456789".repeat(30_000);
	await write("large", text);
	expect(await contentDigest(join(folder, "large"), "bytes")).toBe(idOf(text));
});

describe("what is not as recorded", () => {
	test("a changed content, with both digests", async () => {
		await write("b", "B");
		expect(await refusal(() => verify(a, b, model))).toEqual({
			code: "LINEAGE_DIGEST_CHANGED",
			message: `lineage: "b": expected the content b with digest ${idOf("b")}, got ${idOf("B")}`,
		});
	});

	test("changed JSON, but not JSON written otherwise", async () => {
		await write("manifest.json", '{"a":2,"b":[1]}');
		await verify(manifest);
		await write("manifest.json", '{"a":2,"b":[2]}');
		expect(await refusal(() => verify(manifest))).toMatchObject({ code: "LINEAGE_DIGEST_CHANGED" });
		await write("manifest.json", "{");
		expect(await refusal(() => verify(manifest))).toMatchObject({
			code: "LINEAGE_MALFORMED",
			message: expect.stringContaining("manifest.json: expected JSON"),
		});
	});

	test("a missing content, and every other problem beside it", async () => {
		await rm(join(folder, "a"));
		expect(await refusal(() => verify(a, b))).toMatchObject({
			code: "LINEAGE_CONTENT_MISSING",
			message: expect.stringContaining("expected a readable file at"),
		});
		await write("b", "B");
		await write("model", "M");
		const { code, message } = await refusal(() => verify(a, b, model));
		expect(code).toBe("LINEAGE_CONTENT_MISSING");
		expect(message).toMatch(/and 2 more:\n.*"b": expected the content b.*\n.*"model": expected the content model/);
	});

	test("a changed run, and a missing one", async () => {
		await write("run.json", `${runText}\n`);
		expect(await refusal(() => verify(a, b, model))).toMatchObject({
			code: "LINEAGE_DIGEST_CHANGED",
			message: expect.stringContaining("the run run.json"),
		});
		await rm(join(folder, "run.json"));
		expect(await refusal(() => verify(a, b, model))).toMatchObject({ code: "LINEAGE_CONTENT_MISSING" });
	});

	test("proven weights that are not those of their run", async () => {
		const [first, second] = model.parents as [LineageNode["parents"][0], LineageNode["parents"][0]];
		const moved = {
			...model,
			parents: [
				{ ...first, weight: 600_001 },
				{ ...second, weight: 199_999 },
			],
		};
		expect(await refusal(() => verify(a, b, moved))).toEqual({
			code: "LINEAGE_MALFORMED",
			message: expect.stringMatching(/"model": expected the weights of its run, .* 600000.*, got .* 600001/),
		});
	});
});

describe("proven weights", () => {
	const weights = (scores: Record<string, unknown>, whole = 1_000_000) =>
		Object.fromEntries(provenParents(run(scores), "run.json", whole).map(({ id, weight }) => [id, weight]));

	test("are in proportion to positive scores, of any size and form, and 0 for others", () => {
		expect(weights({ [a.id]: "0.3", [b.id]: 0.1 })).toEqual({ [a.id]: 750_000, [b.id]: 250_000 });
		expect(weights({ [a.id]: "2", [b.id]: "-5.5" }, 400_000)).toEqual({ [a.id]: 400_000, [b.id]: 0 });
		expect(weights({ [a.id]: "1e-300", [b.id]: "3.0e-300" })).toEqual({ [a.id]: 250_000, [b.id]: 750_000 });
		expect(weights({ [a.id]: "200000000000000000000000000000001", [b.id]: "1" }, 10)).toEqual({ [a.id]: 10, [b.id]: 0 });
	});

	test.each([
		["no schema", { ...run({ [a.id]: 1 }), schema: "x" }, "expected the schema openledger.lineage-run.v1"],
		["no method", { ...run({ [a.id]: 1 }), method: "" }, "expected the name of a method"],
		["no scores", { ...run({}), scores: [1] }, "expected scores by id"],
		["an id that is none", run({ a: 1 }), "expected ids of 0x"],
		["a score that is no number", run({ [a.id]: "many" }), "expected decimal numbers as scores"],
		["a score beyond a double", run({ [a.id]: "1e999" }), "expected scores between"],
		["no positive score", run({ [a.id]: 0, [b.id]: -1 }), "expected a positive score"],
	])("%s is refused", async (_, file, message) => {
		provenParents(run({ [a.id]: 1 }), "run.json", 1_000_000);
		expect(await refusal(() => provenParents(file, "run.json", 1_000_000))).toEqual({
			code: "LINEAGE_MALFORMED",
			message: expect.stringContaining(message),
		});
	});
});
