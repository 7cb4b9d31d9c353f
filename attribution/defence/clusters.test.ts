import { expect, test } from "vitest";
import { evidenceClusters, splitByRows } from "./clusters.ts";
import type { Submission } from "./submission.ts";

const rows = { x: new Uint8Array(1), label: new Uint8Array(1), weight: Uint8Array.of(1), count: 1 };
const of = (...links: Partial<Submission>[]): Submission[] =>
	links.map((link, c) => ({ contributor: String(c), rows, committed: c, ...link }));

test("names with one source, one wallet, or a copy between them are one, also by way of a third", () => {
	expect(evidenceClusters(of({}, {}, {}), [])).toEqual(Uint32Array.of(0, 1, 2));
	expect(evidenceClusters(of({ source: "a" }, { source: "b" }, { source: "a" }), [])).toEqual(Uint32Array.of(0, 1, 0));
	expect(evidenceClusters(of({ wallet: "a" }, { source: "a" }, { wallet: "a" }), [])).toEqual(Uint32Array.of(0, 1, 0));
	const chain = of({ wallet: "w" }, {}, { wallet: "w", source: "s" }, { source: "s" }, {});
	expect(evidenceClusters(chain, [[4, 3]])).toEqual(Uint32Array.of(0, 1, 0, 0, 0));
	expect(
		evidenceClusters(of({}, {}, {}, {}), [
			[1, 0],
			[3, 2],
			[2, 1],
		]),
	).toEqual(Uint32Array.of(0, 0, 0, 0));
});

test("a cluster's value is split by rows, which no renaming changes", () => {
	const whole = splitByRows([0.6, 0.4], Uint32Array.of(0, 1), [30, 20]);
	expect(whole).toEqual(Float64Array.of(0.6, 0.4));
	const split = splitByRows([0.6, 0.4], Uint32Array.of(0, 1, 0, 0), [10, 20, 5, 15]);
	expect((split[0] as number) + (split[2] as number) + (split[3] as number)).toBeCloseTo(0.6, 12);
	expect(split[3]).toBeCloseTo(0.3, 12);
	expect(splitByRows([1], Uint32Array.of(0, 0), [0, 0])).toEqual(Float64Array.of(0.5, 0.5));
});
