import { describe, expect, test } from "vitest";
import { componentsOf, parseTemplates, type Template } from "./templates.ts";

const SOURCE = `
/// @title   One
/// @input   in, other   anything
/// @input   limb        bytes. ASSUMED in [0, 256):
///                      constrained by the caller
/// @output  gap = in - other: the CALLER MUST check it
template One(n) {
    signal input in[n], other;
    signal input limb[n][2];
    signal output gap;
    signal half[n + 1];
    // commented[0] <-- 1;
    for (var i = 0; i < n; i++) {
        half[i] <-- in[i] \\ 2; /* gap <-- 3; */
    }
    signal last <-- 1 / other;
    in[0] % 2 --> half[n];
    gap <== in[0] - other;
    component inner = Two();
}
template Two() { signal input x; signal output y; y <== x * x; }
`;

describe("parseTemplates", () => {
	const [one, two] = parseTemplates(SOURCE) as [Template, Template];

	test("finds what is assigned without a constraint, and nothing in comments", () => {
		expect([...one.hints]).toEqual(["half", "last"]);
		expect([...two.hints]).toEqual([]);
	});

	test("finds signals, ports and used templates", () => {
		expect([...one.signals]).toEqual(["in", "other", "limb", "gap", "half", "last"]);
		expect([...one.ports]).toEqual(["in", "other", "limb", "gap"]);
		expect(one.uses).toContain("Two");
	});

	test("finds what the header leaves to the caller", () => {
		expect(one.assumptions.map(({ signals, text }) => [signals, text.slice(-23)])).toEqual([
			["limb", "constrained by the caller".slice(-23)],
			["gap", "the CALLER MUST check it".slice(-23)],
		]);
		expect(two.assumptions).toEqual([]);
	});

	test("refuses a hint that is no signal of the template", () => {
		expect(() => parseTemplates("template Three() { signal input x; component c = Two(); c.x <-- x; }")).toThrow(
			/Three to assign one of its signals/,
		);
	});

	test("knows the components of a template by their signals", () => {
		const symbols = ["main.a.x", "main.a.y", "main.b[0].x", "main.b[0].y", "main.b[0].z", "main.c.x"];
		expect(componentsOf(two, symbols)).toEqual(["main.a"]);
	});
});
