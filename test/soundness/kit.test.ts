/** The forgery kit: no attack succeeds on what is built here, and every attack finds the circuit that was made for it. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attackAssumptions } from "../../cli/attack/assumptions.ts";
import { TARGET_NAMES, targetOf } from "../../cli/attack/targets.ts";
import { attack } from "../../prover/forgery/attacks.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";
import { Draws } from "../../prover/forgery/draws.ts";
import { frame } from "../../prover/forgery/frame.ts";
import { Linearisation } from "../../prover/forgery/linearisation.ts";
import { attackProofs } from "../../prover/forgery/proofs.ts";
import type { AttackName, AttackReport, Target } from "../../prover/forgery/target.ts";
import { sourceLibraries } from "../../prover/forgery/templates.ts";
import { aliasedBits, freeRemainder, packedTranscript, projectedProduct } from "./known-bad/targets.ts";

const draws = () => new Draws("kit.test");

async function reportsOf(target: Target, ...only: AttackName[]): Promise<AttackReport[]> {
	const reports: AttackReport[] = [];
	for await (const report of attack(target, draws(), only.length === 0 ? {} : { only })) {
		reports.push(report);
	}
	return reports;
}

/** What an attack found. */
async function found(target: Target, name: AttackName): Promise<readonly string[]> {
	const [report] = await reportsOf(target, name);
	return (report as AttackReport).open;
}

describe("what is built here", () => {
	test.each(TARGET_NAMES)("%s: no attack succeeds", async (name) => {
		const reports = await reportsOf(targetOf(name));
		expect(reports.filter(({ open }) => open.length > 0)).toEqual([]);
		for (const { attack: attempt, tried, refused, allowed } of reports) {
			expect(refused + allowed.length, attempt).toBe(tried);
		}
		const tried = Object.fromEntries(reports.map((report) => [report.attack, report.tried]));
		for (const attempt of ["control", "wires", "freedom", "relations", "rigidity", "publics", "binding"] as const) {
			expect(tried[attempt], attempt).toBeGreaterThan(0);
		}
	});

	test("every `<--` of the lookup is attacked, and every digit of a commitment is seen", async () => {
		const [hints, aliases] = await reportsOf(targetOf("statistics"), "hints", "aliases");
		// 21 values and 256 entries, less one: the two sums are equal, so circom keeps one of their last wires.
		expect(hints?.note).toMatch(/^276 wires/);
		expect(aliases?.note).toContain("the widest of 168 bits");
		// The position of a batch is written in bits and bytes, 256 bits in all: v + r fits, and the comparison with r refuses it.
		const [position] = await reportsOf(targetOf("training-step"), "aliases");
		expect(position).toMatchObject({ tried: 4, refused: 4, note: expect.stringContaining("the widest of 256 bits") });
	});

	test("proofs: only the transcript stands between a known challenge and a forgery, and it holds", async () => {
		const report = await attackProofs(targetOf("toy"), "counts", draws());
		expect(report).toMatchObject({ tried: 8, refused: 8, open: [] });
	});

	test("every ASSUMED of the gadgets is needed, and kept where the gadget is used", async () => {
		const reports: AttackReport[] = [];
		for await (const report of attackAssumptions()) {
			reports.push(report);
		}
		expect(reports.map(({ target }) => target)).toEqual(expect.arrayContaining(["RangeLookup: in", "FloorDivision: gap"]));
		expect(reports.filter(({ open }) => open.length > 0)).toEqual([]);
	});
});

describe("known-bad gadgets are found", () => {
	test("a remainder that is bounded by assert alone leaves the quotient free", async () => {
		expect(await found(freeRemainder(), "hints")).toEqual(["main.d.quotient", "main.d.remainder"]);
		expect(await found(freeRemainder(), "freedom")).toEqual(expect.arrayContaining(["main.d.quotient", "main.d.remainder"]));
		// Its sibling has a range check for each of them.
		expect(await found(targetOf("division"), "freedom")).toEqual([]);
	});

	test("254 bits without an alias check have room for v + r: ReLU(5) = 0", async () => {
		expect(await found(aliasedBits("aliased"), "aliases")).toEqual(["main.relu.bits.out[253]"]);
		const [strict] = await reportsOf(aliasedBits("strict"), "aliases");
		expect(strict).toMatchObject({ tried: 1, refused: 1, open: [] });
	});

	test("a product that is checked at a fixed point may be another", async () => {
		const bad = projectedProduct("2");
		expect(await found(bad, "rigidity")).toEqual([
			"main.c[0][0]",
			"main.c[0][1]",
			"main.c[1][0]",
			"main.c[1][1]",
			"expected projections to determine 4 numbers, got 0",
		]);
		expect(await found(bad, "binding")).toEqual(["main.c[1][1], and main.c[1][0] after it, under any challenge"]);
		const good = projectedProduct("challenge");
		expect(await found(good, "rigidity")).toEqual([]);
		expect(await found(good, "binding")).toEqual([]);
	});

	test("a lookup whose challenge binds packed bytes only fixes none of them", async () => {
		const free = await found(packedTranscript(), "rigidity");
		expect(free).toEqual(expect.arrayContaining(["main.byte[0]", "main.byte[1]", "main.multiplicity[7]"]));
	});

	test("an input that is bound by nothing, and a public signal that follows nothing", async () => {
		const parts = {
			name: "loose",
			includes: [],
			inputs: ["p", "x", "y"],
			body: "signal s; s <== x * y; signal t; t <== s * p;",
			publics: ["p"],
		};
		const loose: Target = {
			name: "loose",
			relations: 0,
			projected: 0,
			instance: { circuit: frame(parts), inputs: { p: 2n, x: 3n, y: 5n }, publics: [2n], links: [], words: [] },
		};
		expect(await found(loose, "rigidity")).toEqual(["main.x", "main.y", "main.p"]);
		expect(await found(loose, "publics")).toEqual(["main.p"]);
		expect(await found({ ...loose, relations: 1 }, "relations")).toEqual(["expected 1 relations between inputs, got 0: "]);
	});
});

describe("a constraint that is left out", () => {
	test("of contribution is missed, whichever kind it is", async () => {
		const { instance } = targetOf("contribution");
		const system = await Constraints.of(instance.circuit);
		const shape = Linearisation.at(system, await system.witness(withChallenge(instance, draws().next())));
		const kinds = new Map<string, number>();
		system.rows.forEach((terms, row) => {
			kinds.set([...new Set(terms.map(({ wire }) => system.name(wire).replace(/\[\d+\]/g, "[]")))].sort().join(), row);
		});
		expect(kinds.size).toBeGreaterThan(50);
		const { rank, dependent } = shape.rank();
		expect(dependent).toEqual([]);
		expect(rank).toBe(system.rows.length);
		for (const row of kinds.values()) {
			expect(shape.without(row).rank().rank, system.describe(row)).toBe(rank - 1);
		}
	});

	describe("of the source of contribution", () => {
		let folder: string;
		let source: string;
		const circuits = sourceLibraries()[0] as string;
		beforeAll(async () => {
			folder = await mkdtemp(join(tmpdir(), "openledger-kit-"));
			await cp(circuits, folder, { recursive: true, filter: (path) => !path.endsWith(".ts") });
			source = await readFile(join(circuits, "statements/contribution.circom"), "utf8");
		});
		afterAll(() => rm(folder, { recursive: true, force: true }));

		test.each<[string, string, AttackName, RegExp]>([
			["    rowSide === statSide;\n", "", "relations", /expected 13 relations between inputs, got 12/],
			["            labelBit[i][b] * (labelBit[i][b] - 1) === 0;\n", "", "relations", /got 9/],
			["powers.challenge <== challenge", "powers.challenge <== 7", "rigidity", /expected projections to determine 18 numbers, got 0/],
			["range.challenge <== challenge", "range.challenge <== 7 * statsCommit", "rigidity", /main\.x\[0\]\[0\]/],
		])("%j -> %j is noticed by %s", async (line, other, name, finding) => {
			expect(source.split(line)).toHaveLength(2);
			await writeFile(join(folder, "statements/contribution.circom"), source.replace(line, other));
			const mutant: Target = { ...targetOf("contribution"), libraries: [folder, sourceLibraries()[1] as string] };
			expect((await found(mutant, name)).join()).toMatch(finding);
		});
	});
});
