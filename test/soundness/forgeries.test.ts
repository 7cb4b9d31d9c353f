/**
 * Forgeries that are consistent in everything but one relation: commitments, limbs and multiplicities fit the lie, so that only the constraint of
 * the relation itself can refuse it. Changing one wire alone cannot show that such a constraint is there.
 */
import { describe, expect, test } from "vitest";
import type { CircuitInputs, Instance } from "../../circuits/circuit.ts";
import { reduce } from "../../circuits/field.ts";
import { toLimbs } from "../../circuits/limbs.ts";
import { commitScores } from "../../circuits/statements/attribution.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { optimumInstance } from "../../circuits/statements/optimum.ts";
import { payoutWord } from "../../circuits/statements/payout.ts";
import { randomRows, SMALL_SET, sampleEpoch } from "../fixtures/samples.ts";
import { Constraints, withChallenge } from "./constraints.ts";

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

/** The circuit refuses the inputs, and at the statement itself: every lookup and every hash fits. */
async function refuses(instance: Instance, inputs: CircuitInputs, template: string, words = instance.words): Promise<void> {
	const system = await Constraints.of(instance.circuit);
	await system.witness(withChallenge(instance.inputs, instance.words, instance.circuit.hasWords, CHALLENGE));
	await expect(system.witness(withChallenge(inputs, words, instance.circuit.hasWords, CHALLENGE))).rejects.toMatchObject({
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
				...honest.inputs,
				statLimb,
				statsCommit: other.inputs.statsCommit as bigint,
				multiplicity: recount(honest.inputs, list(honest.inputs, "statLimb"), statLimb),
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
			epoch.list,
			head.map((value, i) => (i === 0 ? value + 1n : value)),
			4242n,
		);
		const residualLimb = list(optimum.inputs, "residualLimb");
		await refuses(
			optimum,
			{ ...other.inputs, residualLimb, multiplicity: recount(other.inputs, list(other.inputs, "residualLimb"), residualLimb) },
			"Optimum",
		);
	});

	test("attribution: another M, and the scores that follow from it", async () => {
		const { attribution } = epoch;
		const product = list(attribution.inputs, "product").map((value, e) => (e === 0 ? reduce(value + 1n) : value));
		const scores = attribution.scores.map((value, c) => value + (epoch.list[c]?.a[0] as bigint));
		const scoreCommit = commitScores(scores, SMALL_SET.contributions);
		await refuses(attribution, { ...attribution.inputs, product, scoreCommit }, "Attribution");
	});

	test.each(["residualLimb", "influenceResidualLimb"])("attribution: a residual that is not that of the path (%s)", async (name) => {
		const { attribution } = epoch;
		const before = list(attribution.inputs, name);
		const after = before.map((limb, i) => (i === 0 ? (limb === 0n ? 1n : limb - 1n) : limb));
		await refuses(
			attribution,
			{ ...attribution.inputs, [name]: after, multiplicity: recount(attribution.inputs, before, after) },
			"Attribution",
		);
	});

	test("payout: `none` claimed although somebody is positive", async () => {
		const { payout, attribution } = epoch;
		const pool = payout.inputs.pool as bigint;
		const positive = attribution.scores.reduce((sum, score) => (score > 0n ? sum + score : sum), 0n);
		const divisor = positive + 1n;
		let dust = pool;
		const columns = { amountLimb: [] as bigint[], remainderLimb: [] as bigint[], gapLimb: [] as bigint[] };
		const words: bigint[] = [];
		for (let i = 0; i < SMALL_SET.contributions; i++) {
			const score = attribution.scores[i] ?? 0n;
			const size = score < 0n ? -score : score;
			const share = pool * (size < positive ? size : positive);
			const amount = share / divisor;
			columns.amountLimb.push(...toLimbs(amount, 8, 12));
			columns.remainderLimb.push(...toLimbs(share % divisor, 13, 12));
			columns.gapLimb.push(...toLimbs(divisor - 1n - (share % divisor), 13, 12));
			if (i < attribution.scores.length) {
				words.push(payoutWord({ amount, negative: score < 0n }, i));
			}
			dust -= score > 0n ? amount : 0n;
		}
		const divisorLimb = toLimbs(divisor - 1n, 13, 12);
		const names = ["amountLimb", "remainderLimb", "gapLimb"] as const;
		const before = [...names.flatMap((name) => list(payout.inputs, name)), ...list(payout.inputs, "divisorLimb")];
		const after = [...names.flatMap((name) => columns[name]), ...divisorLimb];
		await refuses(
			payout,
			{ ...payout.inputs, ...columns, divisorLimb, none: 1n, dust, multiplicity: recount(payout.inputs, before, after) },
			"Payout",
			words,
		);
	});
});
