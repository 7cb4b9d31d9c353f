import { describe, expect, test } from "vitest";
import { barChart, lineChart } from "./chart.ts";

const series = [
	{
		name: "without the attack",
		points: [
			{ x: "split", y: 10 },
			{ x: "copy", y: 0 },
		],
	},
	{
		name: "defended",
		points: [
			{ x: "split", y: 10, error: 1 },
			{ x: "copy", y: -2, error: 1 },
		],
	},
];

describe("a chart", () => {
	test("of bars has its title, axes, groups and names, and a rule for each error", async () => {
		const svg = await barChart({ title: "Shares", x: "attack", y: "share in %", series });
		expect(svg.startsWith("<svg ")).toBe(true);
		for (const text of ["Shares", "attack", "share in %", "split", "copy", "without the attack", "defended"])
			expect(svg).toContain(`>${text}</text>`);
		expect(svg.match(/aria-roledescription="bar"/g)).toHaveLength(4);
		expect(svg.match(/<line [^>]*stroke="#333"/g)).toHaveLength(4);
		expect(svg).toContain("attack: split; low: 9; high: 11");
	});

	test("of lines has a line per series, and no legend for a single one", async () => {
		const points = Array.from({ length: 5 }, (_, x) => ({ x, y: x * x }));
		const svg = await lineChart({ title: "Curve", x: "rows", y: "loss", series: [{ name: "ridge", points }] });
		expect(svg.match(/aria-roledescription="line mark"/g)).toHaveLength(1);
		expect(svg).not.toContain(">ridge</text>");
		expect(svg).not.toContain("NaN");
	});

	test("is the same for the same data", async () => {
		const options = { title: "Shares", x: "attack", y: "share", series };
		expect(await barChart(options)).toBe(await barChart(options));
	});
});
