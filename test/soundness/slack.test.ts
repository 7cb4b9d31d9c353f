/** The attack behind docs/slack.md: move a payout by choosing, among the paths that `attribution` accepts, the one that favours a friend. */
import { describe, expect, test } from "vitest";
import { type ShareSlack, slackOf } from "../../attribution/slack.ts";
import { epochOf } from "../../attribution/testing.ts";
import { attributionInstance, attributionPath, widths } from "../../circuits/statements/attribution.ts";
import { payouts } from "../../circuits/statements/payout.ts";
import { score } from "../../circuits/statements/score.ts";
import { readTable } from "../../compute/dataset.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { below, generator } from "../../compute/random.ts";
import { exactStatistics, sumStatistics } from "../../compute/statistics.ts";
import type { Table } from "../../compute/table.ts";
import { refusal, sample } from "../../compute/testing.ts";

/** 0.1 %, of the pool and of the contributor's own amount. */
const LIMIT = 0.001;
const POOL = 10n ** 24n;

/** m features that all copy one of three hidden values, up to one byte of jitter: A has three large eigenvalues, the rest are near 0. */
function collinear(n: number, m: number, k: number): Table {
	const next = generator(7n);
	const rows = new Float64Array(n * m);
	const labels = new Uint8Array(n);
	for (let row = 0; row < n; row++) {
		const hidden = [below(next, 1000), below(next, 1000), below(next, 1000)] as const;
		labels[row] = Math.floor((k * (0.35 * (hidden[0] + hidden[1]) + 0.3 * below(next, 1000))) / 1000);
		for (let i = 0; i < m; i++) rows[row * m + i] = (hidden[i % 3] as number) + below(next, 5);
	}
	const names = (count: number) => Array.from({ length: count }, (_, i) => String(i));
	return { source: "collinear", columns: names(m), rows, n, m, labels, k, classes: names(k), owners: null };
}

const real = (name: string) => {
	const { path, absent } = sample(`sklearn/${name}`);
	return [absent, () => readTable(path)] as const;
};

/** Every other row belongs to one owner, the rest to nine: places for ten equal contributions hold five times the rows there are. */
const uneven = (table: Table): Table => ({
	...table,
	owners: Array.from({ length: table.n }, (_, row) => (row % 2 === 0 ? "half" : String((row >> 1) % 9))),
});

const digits = real("digits.csv.gz");

describe.each([
	["digits", ...digits],
	["digits, one owner of half the rows", digits[0], async () => uneven(await digits[1]())],
	["breast cancer", ...real("breast_cancer.csv")],
	["wine", ...real("wine_data.csv")],
	["collinear, 480 x 30", false, () => collinear(480, 30, 2)],
	["collinear, 9,000 x 63", false, () => collinear(9000, 63, 10)],
])("%s, ten contributors", (name, absent, table) => {
	test.skipIf(absent)("no path that the circuit accepts moves a payout by more than 0.1 %", async () => {
		const { parameters, contributions, query } = await epochOf(await table());
		const list = contributions.map(exactStatistics);
		const [total, exactQuery] = [exactStatistics(sumStatistics(contributions)), exactStatistics(query)];
		const paid = (path: ReturnType<typeof exactPath>) => {
			const { forms } = attributionInstance(parameters, total, exactQuery, path);
			const scores = list.map((one) => score(one, forms));
			return payouts(scores, POOL).payouts.map(({ amount, negative }) => (negative ? -1 : 1) * (Number(amount) / Number(POOL)));
		};
		const honest = paid(exactPath(ridgePath(sumStatistics(contributions), query, attributionPath(parameters))));
		const slack = slackOf(contributions, query, parameters);

		let [reached, own] = [0, 0];
		slack.shares.forEach(({ firstOrder, bound }, c) => {
			const direction = c % 2 === 0 ? 1 : -1;
			const change = direction * ((paid(slack.corner(c, direction))[c] as number) - (honest[c] as number));
			expect(change, `contributor ${c}`).toBeGreaterThan(firstOrder / 2);
			// The honest path has residuals of its own, which may point the other way.
			expect(change, `contributor ${c}`).toBeLessThan(2 * bound);
			reached = Math.max(reached, change);
			own = Math.max(own, change / Math.abs(honest[c] as number));
		});

		const most = (of: (share: ShareSlack) => number) => Math.max(...slack.shares.map(of));
		const [bound, ownBound] = [most((one) => one.bound), most((one) => one.bound / Math.abs(one.share))];
		const print = (value: number) => `${(100 * value).toPrecision(2)} %`;
		console.info(`slack, ${name}: pool ${print(reached)} <= ${print(bound)}, own amount ${print(own)} <= ${print(ownBound)}`);
		expect(reached).toBeLessThan(LIMIT);
		expect(own).toBeLessThan(LIMIT);
		expect(bound).toBeLessThan(LIMIT);
		expect(ownBound).toBeLessThan(LIMIT);
	});
});

test("a path outside the bounds is refused", async () => {
	const { parameters, contributions, query } = await epochOf(collinear(480, 30, 2));
	const total = sumStatistics(contributions);
	const [exactTotal, exactQuery] = [exactStatistics(total), exactStatistics(query)];
	const { w, v } = exactPath(ridgePath(total, query, attributionPath(parameters)));
	const width = 1n << BigInt(widths(parameters).residual);
	const pivot = BigInt(total.a[0] as number) + (attributionPath(parameters).nodes[0]?.k as bigint) * BigInt(total.n);
	const moved = (w[0] as bigint[]).map((value, i) => (i === 0 ? value + width / pivot + 1n : value));
	expect(attributionInstance(parameters, exactTotal, exactQuery, { w, v }).forms.n).toHaveLength(parameters.d * parameters.k);
	expect(await refusal(() => attributionInstance(parameters, exactTotal, exactQuery, { w: [moved, ...w.slice(1)], v }))).toEqual({
		code: "value-range",
		message: expect.stringContaining("attribution: residual R of node 0: expected entry 0 in [-2^"),
	});
});
