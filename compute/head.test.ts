import { expect, test } from "vitest";
import type { Rows } from "../circuits/statistics.ts";
import { accuracy, loss, predict } from "./head.ts";
import { openReference } from "./reference/backend.ts";

/** Three rows of two features, two classes. */
const ROWS: Rows = { x: Uint8Array.of(10, 255, 200, 255, 0, 255), label: Uint8Array.of(0, 1, 1), weight: Uint8Array.of(1, 2, 5), count: 3 };
const W = Float64Array.of(-1, 1, 100 / 255, 0);

test("the class of the largest logit, the first on a tie", () => {
	expect([...predict(W, ROWS.x, 2, 2)]).toEqual([0, 1, 0]);
	expect([...predict(new Float64Array(4), ROWS.x, 2, 2)]).toEqual([0, 0, 0]);
});

test("logits of 2^35 heads are told apart by one unit", () => {
	const w = Float64Array.of(2 ** 35 - 2, 2 ** 35 - 1, 0, 0);
	expect([...predict(w, Uint8Array.of(1, 255), 2, 2)]).toEqual([1]);
});

test("accuracy counts weights", () => {
	expect(accuracy(W, ROWS, 2, 2)).toBe(3 / 8);
});

test("loss from statistics is the mean over rows, whatever the scale", async () => {
	const statistics = await openReference().statistics(ROWS, 2, 2);
	let expected = 0;
	for (let row = 0; row < 3; row++) {
		for (let c = 0; c < 2; c++) {
			const logit = (ROWS.x[row * 2] as number) * (W[c] as number) + 255 * (W[2 + c] as number);
			expected += ((ROWS.weight[row] as number) * (logit - (ROWS.label[row] === c ? 1 : 0)) ** 2) / 16;
		}
	}
	expect(loss(statistics, W)).toBeCloseTo(expected, 8);
	const scaled = W.map((value) => value * 2 ** 30);
	expect(loss(statistics, scaled, 2 ** 30)).toBe(loss(statistics, W));
	expect(loss(statistics, new Float64Array(4))).toBe(0.5);
});
