/**
 * Forgeries that are consistent in everything but one relation: commitments, limbs and multiplicities fit the lie, so that only the constraint of
 * the relation itself can refuse it. Changing one wire alone cannot show that such a constraint is there.
 */
import { describe, expect, test } from "vitest";
import type { CircuitInputs, Instance } from "../../circuits/circuit.ts";
import { reduce } from "../../circuits/field.ts";
import { toLimbs } from "../../circuits/limbs.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { optimumInstance } from "../../circuits/statements/optimum.ts";
import { payoutPlaces, payoutWord, positiveSum } from "../../circuits/statements/payout.ts";
import { commitScores } from "../../circuits/statements/score.ts";
import { randomRows, SMALL_SET, sampleEpoch } from "../../cli/attack/samples.ts";
import { Constraints, withChallenge } from "../../prover/forgery/constraints.ts";

const CHALLENGE = 0x7654321fedcba987654321fedcba987654321fedcba987654321fedcba98765n;
const epoch = sampleEpoch(11n);
const list = (inputs: CircuitInputs, name: string): readonly bigint[] => inputs[name] as readonly bigint[];

/** Multiplicities after some looked-up values were replaced by others. */
function recount(inputs: CircuitInputs, before: readonly bigint[], after: readonly bigint[]): bigint[] {
	const counts = [...list(inputs, "multiplicity")];
	for (const [values, step] of [
		[before, -1n],
		[after, 1n],
	] as const) {
		for (const value of values) {
			counts[Number(value)] = (counts[Number(value)] as bigint) + step;
		}
	}
	return counts;
}

/** The circuit refuses what was changed of the instance, and at the statement itself: every lookup and every hash fits. */
async function refuses(instance: Instance, changed: Partial<Instance>, template: string): Promise<void> {
	const system = await Constraints.of(instance.circuit);
	await system.witness(withChallenge(instance, CHALLENGE));
	await expect(system.witness(withChallenge({ ...instance, ...changed }, CHALLENGE))).rejects.toMatchObject({
		code: "witness.unsatisfied",
		message: expect.stringMatching(new RegExp(`template ${template}_`)),
	});
}

describe("forgeries", () => {
	test("contribution: the statistics of other rows", async () => {
		const { contribution } = epoch.statements;
		const { d, k } = SMALL_SET;
		const honest = contributionInstance(contribution, randomRows(1n, 3, d, k, 1), 5n);
		const other = contributionInstance(contribution, randomRows(2n, 3, d, k, 1), 5n);
		const statLimb = list(other.inputs, "statLimb");
		await refuses(
			honest,
			{
				inputs: {
					...honest.inputs,
					statLimb,
					statsCommit: other.inputs.statsCommit as bigint,
					multiplicity: recount(honest.inputs, list(honest.inputs, "statLimb"), statLimb),
				},
			},
			"Contribution",
		);
	});

	test("optimum: another head with the residual of the right one", async () => {
		const { optimum } = epoch;
		const half = 1n << 35n;
		const limbs = list(optimum.inputs, "valueLimb");
		const head = Array.from(
			{ length: limbs.length / 3 },
			(_, i) => (limbs[3 * i] as bigint) + ((limbs[3 * i + 1] as bigint) << 12n) + ((limbs[3 * i + 2] as bigint) << 24n) - half,
		);
		const other = optimumInstance(
			epoch.statements.optimum,
			epoch.sum,
			head.map((value, i) => (i === 0 ? value + 1n : value)),
			4242n,
		);
		const residualLimb = list(optimum.inputs, "residualLimb");
		await refuses(
			optimum,
			{ inputs: { ...other.inputs, residualLimb, multiplicity: recount(other.inputs, list(other.inputs, "residualLimb"), residualLimb) } },
			"Optimum",
		);
	});

	test("attribution: another M, and the link that follows from it", async () => {
		const { attribution } = epoch;
		const product = list(attribution.inputs, "product").map((value, e) => (e === 0 ? reduce(value + 1n) : value));
		const [total, query, forms] = attribution.links as [bigint[], bigint[], bigint[]];
		const links = [total, query, [...product, ...forms.slice(product.length)]];
		await refuses(attribution, { inputs: { ...attribution.inputs, product }, links }, "Attribution");
	});

	test.each([
		["optimum", epoch.optimum, "total", 0, "Optimum"],
		["attribution", epoch.attribution, "total", 0, "Attribution"],
		["attribution", epoch.attribution, "query", 1, "Attribution"],
	] as const)("%s: another %s, and the link that follows from it", async (_, instance, name, link, template) => {
		const value = list(instance.inputs, name).map((entry, e) => (e === 0 ? entry + 1n : entry));
		const links = instance.links.map((entries, i) => (i === link ? value : entries));
		await refuses(instance as Instance, { inputs: { ...instance.inputs, [name]: value }, links }, template);
	});

	test("score: a score that does not follow from the path", async () => {
		const [page] = epoch.score as [(typeof epoch.score)[number]];
		const { places } = SMALL_SET;
		const scoreCommit = commitScores([(page.scores[0] as bigint) + 1n, ...page.scores.slice(1)], places, 0n);
		await refuses(page, { inputs: { ...page.inputs, scoreCommit } }, "Score");
	});

	test("score: another path, with the scores that follow from it, has another link", async () => {
		const [page] = epoch.score as [(typeof epoch.score)[number]];
		const m = list(page.inputs, "m").map((value, e) => (e === 0 ? reduce(value + 1n) : value));
		const scores = page.scores.map((value, i) => value + (epoch.list[i]?.a[0] as bigint));
		const scoreCommit = commitScores(scores, SMALL_SET.places, 0n);
		const inputs = { ...page.inputs, m, scoreCommit };
		await refuses(page, { inputs }, "Score");
		const links = [page.links[0] as readonly bigint[], [...m, ...list(page.inputs, "n")]];
		const system = await Constraints.of(page.circuit);
		const forged = { ...page, inputs, links };
		expect(system.broken(await system.witness(withChallenge(forged, CHALLENGE)))).toEqual([]);
		expect(withChallenge(forged, CHALLENGE).pathAt).not.toBe(withChallenge(epoch.attribution, CHALLENGE).pathAt);
	});

	test("total: a sum that does not follow from the listed statistics", async () => {
		const [page] = epoch.total as [Instance];
		const links = [(page.links[0] as readonly bigint[]).map((entry, e) => (e === 0 ? entry + 1n : entry))];
		await refuses(page, { links }, "Total");
	});

	test("total: statistics in a place that is not listed", async () => {
		const page = epoch.total[1] as Instance;
		const active = list(page.inputs, "active").map(() => 0n);
		await refuses(page, { inputs: { ...page.inputs, active }, words: [] }, "Total");
	});

	test.each(["residualLimb", "influenceResidualLimb"])("attribution: a residual that is not that of the path (%s)", async (name) => {
		const { attribution } = epoch;
		const before = list(attribution.inputs, name);
		const after = before.map((limb, i) => (i === 0 ? (limb === 0n ? 1n : limb - 1n) : limb));
		await refuses(
			attribution,
			{ inputs: { ...attribution.inputs, [name]: after, multiplicity: recount(attribution.inputs, before, after) } },
			"Attribution",
		);
	});

	test("payout: `none` claimed although somebody is positive", async () => {
		const { payout, scores } = epoch;
		const pool = payout.inputs.pool as bigint;
		const positive = positiveSum(scores);
		const divisor = positive + 1n;
		let paid = 0n;
		const columns = { amountLimb: [] as bigint[], remainderLimb: [] as bigint[], gapLimb: [] as bigint[] };
		const words: bigint[] = [];
		for (let i = 0; i < payoutPlaces(epoch.statements.payout); i++) {
			const score = scores[i] ?? 0n;
			const size = score < 0n ? -score : score;
			const share = pool * (size < positive ? size : positive);
			const amount = share / divisor;
			columns.amountLimb.push(...toLimbs(amount, 8, 12));
			columns.remainderLimb.push(...toLimbs(share % divisor, 13, 12));
			columns.gapLimb.push(...toLimbs(divisor - 1n - (share % divisor), 13, 12));
			if (i < scores.length) {
				words.push(payoutWord({ amount, negative: score < 0n }, i));
			}
			paid += score > 0n ? amount : 0n;
		}
		const divisorLimb = toLimbs(divisor - 1n, 13, 12);
		const names = ["amountLimb", "remainderLimb", "gapLimb"] as const;
		const before = [...names.flatMap((name) => list(payout.inputs, name)), ...list(payout.inputs, "divisorLimb")];
		const after = [...names.flatMap((name) => columns[name]), ...divisorLimb];
		await refuses(
			payout,
			{ inputs: { ...payout.inputs, ...columns, divisorLimb, none: 1n, paid, multiplicity: recount(payout.inputs, before, after) }, words },
			"Payout",
		);
	});

	test("payout: a page of scores left out of the chain", async () => {
		const { payout, scores } = epoch;
		const { places } = SMALL_SET;
		const active = list(payout.inputs, "active").map((value, i) => (i < places ? value : 0n));
		const scoreCommit = commitScores(scores.slice(0, places), places, 0n);
		await refuses(payout, { inputs: { ...payout.inputs, active, scoreCommit }, words: payout.words.slice(0, places) }, "Payout");
	});
});
