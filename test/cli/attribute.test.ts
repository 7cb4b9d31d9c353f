/** `openledger attribute` as people run it, on a small data set of their own. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawGlyphs } from "../../compute/glyphs.ts";
import { Terminal } from "./program.ts";

let folder: string;
let terminal: Terminal;
const NAMES = ["ada", "bob", "eve"];

/** Rows of glyphs with the contributor of each, as CSV. */
function csvOf(n: number, seed: bigint): string[] {
	const { rows, labels, columns, m } = drawGlyphs({ n, seed });
	const lines = Array.from(labels, (label, row) => [...rows.subarray(row * m, (row + 1) * m), NAMES[row % 3], label].join(","));
	return [[...columns, "owner", "label"].join(","), ...lines];
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-attribute-"));
	terminal = new Terminal(folder, {});
	await writeFile(join(folder, "train.csv"), csvOf(120, 1n).join("\n"));
	await writeFile(join(folder, "test.csv"), csvOf(40, 2n).join("\n"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const DATA = ["--train", "train.csv", "--test", "test.csv", "--groups", "owner"];

/** The `result` of --json; progress on stderr is fine. */
async function json(...args: string[]) {
	const { code, stdout, stderr } = await terminal.run(["attribute", ...args, "--json"]);
	expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
	const { schema, ok, result } = JSON.parse(stdout);
	expect(ok).toBe(true);
	return { schema, result };
}

describe("attribute", () => {
	test("scores contributors and rows by the method that pays, and says what a score is", async () => {
		const { schema, result } = await json(...DATA, "--plot", "plots/shares.svg");
		expect(schema).toBe("openledger.attribute.v1");
		expect(result).toMatchObject({ method: "ridge-path", players: "rows", positive: "lowers the query loss", sampling: null });
		expect(result.contributors.map(({ contributor, rows }: { contributor: string; rows: number }) => [contributor, rows])).toEqual(
			NAMES.map((name) => [name, 40]),
		);
		const sum = (list: { score: number }[]) => list.reduce((all, { score }) => all + score, 0);
		expect(sum(result.rows)).toBeCloseTo(sum(result.contributors), 12);
		expect(Math.abs(sum(result.rows) / result.total - 1)).toBeLessThan(1e-3);
		expect(result.rows[40]).toMatchObject({ row: 1, contributor: "bob" });
		expect(await readFile(join(folder, "plots", "shares.svg"), "utf8")).toContain("ridge-path: scores of 3 contributors");
	});

	test("never shows a drawn score without its error bar", async () => {
		const { code, stdout } = await terminal.run(["attribute", ...DATA, "--method", "tmc-shapley", "--draws", "40"]);
		expect(code).toBe(0);
		expect(stdout).toMatch(/^From \d+ permutations, (NOT CONVERGED|converged): /m);
		expect(stdout.match(/^ *(ada|bob|eve) .* \+- /gm)).toHaveLength(3);
	});

	test("compares methods", async () => {
		const { result } = await json("compare", ...DATA, "--methods", "ridge-path", "knn-shapley", "--subsets", "5", "--plot", "compare.svg");
		expect(result.lines.map(({ method }: { method: string }) => method)).toEqual(["ridge-path", "knn-shapley"]);
		expect(result).toMatchObject({ rows: 120, queries: 40, contributors: 3 });
		expect(await readFile(join(folder, "compare.svg"), "utf8")).toContain("LDS");
		const { stdout } = await terminal.run(["attribute", "compare", ...DATA, "--methods", "ridge-path", "--subsets", "5"]);
		expect(stdout).toMatch(/^ridge-path +rows +\d/m);
	});

	test("audits and explains", async () => {
		const audited = await json("audit", ...DATA, "--plot", "audit.svg");
		expect(audited.schema).toBe("openledger.attribute.audit.v1");
		expect(audited.result.falselyFlagged).toEqual([]);
		const explained = await json("explain", "bob", ...DATA);
		expect(explained.result.verdict).toMatchObject({ contributor: "bob", quarantined: false });
	}, 240_000);

	test("Ctrl-C stops a long method, with nothing half-written", async () => {
		const args = ["attribute", ...DATA, "--method", "data-oob", "--draws", "1000000", "--plot", "never.svg"];
		expect(await terminal.run(args, "", 4_000)).toMatchObject({ code: 130 });
		await expect(readFile(join(folder, "never.svg"))).rejects.toMatchObject({ code: "ENOENT" });
	});
});

describe("what is wrong is said", () => {
	const OWN = csvOf(60, 4n).map((line) => line.replace(/,(owner|ada|bob|eve),/, ","));
	const cut = (name: string, change: (line: string, row: number) => string) => writeFile(join(folder, name), OWN.map(change).join("\n"));

	test.each<[string, string[], number, string]>([
		["a method that is none", [...DATA, "--method", "magic"], 2, "magic"],
		["no training file", ["--method", "ridge-path"], 2, "--train"],
		["a file that is not there", ["--train", "none.csv"], 3, "none.csv"],
		["a column that is not there", ["--train", "train.csv", "--groups", "author"], 3, "author"],
		["more neighbours than rows", [...DATA, "--method", "knn-shapley", "--neighbours", "121"], 3, "121"],
		["a ridge of 0", [...DATA, "--ridge", "0"], 2, "above 0"],
		["more contributors than rows", ["--train", "small.csv", "--contributors", "1024"], 3, "1024"],
		["a value that is none", ["--train", "nan.csv"], 3, "NaN"],
		["one class only", ["--train", "one.csv", "--method", "knn-shapley"], 3, "class"],
		["a contributor that is nobody", ["explain", "zoe", ...DATA], 3, "zoe"],
	])("%s", async (_, args, code, message) => {
		await cut("small.csv", (line) => line);
		await cut("nan.csv", (line, row) => (row === 3 ? line.replace(/^\d+/, "NaN") : line));
		await cut("one.csv", (line, row) => (row === 0 ? line : line.replace(/\d+$/, "1")));
		expect(await terminal.run(["attribute", ...args])).toMatchObject({ code, stderr: expect.stringContaining(message) });
	});
});
