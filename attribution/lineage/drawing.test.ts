import { expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { creditOf } from "./credit.ts";
import { drawLineage, MAX_DRAWN } from "./drawing.ts";
import { lineageOf } from "./lineage.ts";
import { node, randomNodes } from "./testing.ts";

/** Boxes of nodes as drawn: those of the legend are smaller. */
function boxes(svg: string): { x: number; y: number; width: number; height: number }[] {
	const found = svg.matchAll(/<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)" rx="7"/g);
	return Array.from(found, ([, x, y, width, height]) => ({ x: Number(x), y: Number(y), width: Number(width), height: Number(height) }));
}

test("every node has a box of its own inside the picture, parents above children, every weight its line", async () => {
	const nodes = randomNodes(generator(5n), 30, 3);
	const svg = await drawLineage(lineageOf(nodes));
	const [width, height] = ["width", "height"].map((name) => Number(new RegExp(`<svg [^>]*${name}="(\\d+)"`).exec(svg)?.[1])) as [
		number,
		number,
	];
	const drawn = boxes(svg);
	expect(drawn).toHaveLength(30);
	for (const [i, one] of drawn.entries()) {
		expect(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height).toBe(true);
		for (const other of drawn.slice(0, i)) {
			const apart =
				one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
			expect(apart).toBe(true);
		}
		for (const parent of nodes[i]?.parents ?? []) {
			expect((drawn[nodes.findIndex(({ id }) => id === parent.id)] as typeof one).y).toBeLessThan(one.y);
		}
	}
	const edges = nodes.reduce((sum, { parents }) => sum + parents.length, 0);
	expect(svg.match(/<path d="M[^"]*" fill="none"[^>]*stroke-dasharray/g)).toHaveLength(edges + 1);
});

test("a payment is written into boxes and lines; text is escaped", async () => {
	const lineage = lineageOf([node("R&D <data>", { ann: 1_000_000 }), node("model", { bob: 250_000 }, { "R&D <data>": 750_000 })]);
	const svg = await drawLineage(lineage, creditOf(lineage, "model", 1000n), (amount) => `${amount} wei`);
	for (const text of ["R&amp;D &lt;data&gt;", "ann  100 %", "bob  25 %", "75 %: 750 wei", "gets 1000 wei", "gets 750 wei"])
		expect(svg).toContain(`>${text}<`);
	expect(await drawLineage(lineage)).not.toContain(" wei<");
});

test("a picture of more nodes than anybody can read is refused", async () => {
	const nodes = randomNodes(generator(6n), MAX_DRAWN + 1, 0);
	expect(await refusal(() => drawLineage(lineageOf(nodes)))).toMatchObject({
		code: "PARAMETER_OUT_OF_RANGE",
		message: expect.stringContaining("at most 500 nodes to draw, got 501"),
	});
});
