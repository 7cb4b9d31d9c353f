/**
 * The linear datamodeling score: whether the sums of attribution scores over random subsets of the training rows put the
 * models that are retrained on those subsets in the right order, for each test example:
 *
 *     LDS_j = Spearman over subsets S of ( sum_{i in S} score_ij,  -output_j(model trained on S) )
 *
 * Not a measure of fairness: a method that only orders well may still pay badly.
 * Source: Park et al., "TRAK: Attributing Model Behavior at Scale" (2023), section 2.
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { below, generator } from "../../compute/random.ts";
import type { Awaitable, Control, Pairs } from "../method.ts";
import { type PerTest, perTest } from "./per-test.ts";

/** Rows of scores that are added up at once, in float64 whatever they are stored in. */
const BLOCK = 4096;

/** `below` draws from at most this many. */
const MAX_ROWS = 2 ** 20;

/**
 * Random subsets of the rows, drawn independently without replacement.
 * @param n - number of rows, in [2, 2^20]
 * @param count - number of subsets, at least 1
 * @param fraction - in (0, 1): each subset has floor(n fraction) rows, at least 1
 * @returns the rows of each subset, ascending; equal for equal arguments on every machine, and the first of many are those of few
 * @throws {DataError} PARAMETER_OUT_OF_RANGE
 */
export function subsets(n: number, count: number, fraction: number, seed: bigint): Uint32Array[] {
	check("n", n, Number.isInteger(n) && n >= 2 && n <= MAX_ROWS, `an integer in [2, ${MAX_ROWS}]`);
	check("count", count, Number.isInteger(count) && count >= 1, "an integer of at least 1");
	const size = Math.floor(n * fraction);
	check("fraction", fraction, fraction < 1 && size >= 1, `in [1 / ${n}, 1)`);
	const next = generator(seed);
	return Array.from({ length: count }, () => {
		const rows = Uint32Array.from({ length: n }, (_, row) => row);
		for (let i = 0; i < size; i++) {
			const other = i + below(next, n - i);
			const row = rows[i] as number;
			rows[i] = rows[other] as number;
			rows[other] = row;
		}
		return rows.slice(0, size).sort();
	});
}

/**
 * Train on each subset and note what the model says.
 * @param retrain - for the rows of a subset and its number, one output per test example: its loss, or another number that is
 *   lower for a better model
 * @returns subsets x tests outputs
 * @throws {DataError} SHAPE_MISMATCH if retrainings differ in their number of outputs, VALUE_NOT_NUMERIC for an output that is
 *   not finite, whatever `retrain` throws; the signal's reason
 */
export async function retrainedOutputs(
	subsets: readonly Uint32Array[],
	retrain: (rows: Uint32Array, subset: number) => Awaitable<ArrayLike<number>>,
	{ signal, progress }: Control = {},
): Promise<Matrix<Float64Array>> {
	const all: ArrayLike<number>[] = [];
	for (const [subset, rows] of subsets.entries()) {
		// Retraining may be synchronous; the loop still lets others run.
		await new Promise(setImmediate);
		signal?.throwIfAborted();
		const outputs = await retrain(rows, subset);
		const tests = all[0]?.length ?? outputs.length;
		if (outputs.length !== tests) {
			throw new DataError(
				"SHAPE_MISMATCH",
				`retrainedOutputs: subset ${subset}: expected ${tests} outputs, got ${outputs.length}`,
				"Measure every model on the same test examples.",
			);
		}
		const bad = Array.from(outputs).findIndex((output) => !Number.isFinite(output));
		if (bad >= 0) {
			throw new DataError(
				"VALUE_NOT_NUMERIC",
				`retrainedOutputs: subset ${subset}: output ${bad} is ${outputs[bad]}, not a finite number`,
				"Lower the learning rate, or raise the ridge.",
			);
		}
		all.push(outputs);
		progress?.(all.length, subsets.length);
	}
	const tests = all[0]?.length ?? 0;
	const values = new Float64Array(all.length * tests);
	all.forEach((outputs, subset) => {
		values.set(outputs, subset * tests);
	});
	return { values, rows: all.length, columns: tests };
}

/**
 * The score of every test example.
 * @param pairs - entries x tests, a positive one lowers the loss
 * @param subsets - at least 3, of entries
 * @param outputs - subsets x tests losses of the retrained models
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS below 3 subsets, PARAMETER_OUT_OF_RANGE for a row that is no entry
 *
 * @example
 * const drawn = subsets(train.n, 50, 0.5, 1n);
 * const outputs = await retrainedOutputs(drawn, (rows) => lossesOf(retrain(rows)));
 * const { mean, standardError } = linearDatamodelingScore(await cached.pairs(test), drawn, outputs);
 */
export function linearDatamodelingScore(
	pairs: Pick<Pairs, "scores" | "entries" | "tests">,
	subsets: readonly Uint32Array[],
	outputs: Matrix<Float64Array>,
): PerTest {
	const { rows, columns } = outputs;
	if (rows !== subsets.length || columns !== pairs.tests) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`linearDatamodelingScore: expected ${subsets.length} x ${pairs.tests} outputs, got ${rows} x ${columns}`,
			"Measure every subset on the test examples of the scores.",
		);
	}
	const sums = subsetSums(pairs, subsets);
	return perTest(sums, { ...outputs, values: outputs.values.map((output) => -output) }, "rank");
}

/** How far the noise of retraining lets any score come. */
export interface NoiseCeiling {
	/**
	 * The mean over test examples of the Spearman correlation, over subsets, between the outputs of two independent retrainings:
	 * how well one run predicts another, and the reliability of a single run.
	 */
	readonly reliability: PerTest;
	/**
	 * sqrt(reliability): what a method that knew the expected output of every subset would reach against a single run, by the
	 * classical correction for attenuation (Spearman, "The Proof and Measurement of Association", 1904). Exact for linear
	 * correlation with additive noise, approximate for ranks; 0 if the reliability is not positive.
	 */
	readonly ceiling: number;
}

/**
 * The noise ceiling from two retrainings of the same subsets with different seeds.
 * @param one - subsets x tests outputs
 * @throws {DataError} SHAPE_MISMATCH, TOO_FEW_ROWS below 3 subsets
 */
export function noiseCeiling(one: Matrix<Float64Array>, other: Matrix<Float64Array>): NoiseCeiling {
	const reliability = perTest(one, other, "rank");
	return { reliability, ceiling: Math.sqrt(Math.max(0, reliability.mean)) };
}

/** The sums of the scores over each subset: subsets x tests, the product of the 0/1 matrix of membership with the scores. */
function subsetSums({ scores, entries, tests }: Pick<Pairs, "scores" | "entries" | "tests">, subsets: readonly Uint32Array[]) {
	if (scores.length !== entries * tests) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`linearDatamodelingScore: expected ${entries} x ${tests} scores, got ${scores.length}`,
			"Pass the sizes of the array.",
		);
	}
	const outside = subsets.findIndex((rows) => rows.some((row) => row >= entries));
	if (outside >= 0) check(`a row of subset ${outside}`, Math.max(...(subsets[outside] as Uint32Array)), false, `below ${entries}`);
	const sums = new Float64Array(subsets.length * tests);
	for (let start = 0; start < entries; start += BLOCK) {
		const size = Math.min(BLOCK, entries - start);
		const members = new Float64Array(subsets.length * size);
		subsets.forEach((rows, subset) => {
			for (const row of rows) if (row >= start && row < start + size) (members[subset * size + row - start] as number) += 1;
		});
		const block = Float64Array.from(scores.subarray(start * tests, (start + size) * tests));
		multiply({ values: members, rows: subsets.length, columns: size }, { values: block, rows: size, columns: tests }).values.forEach(
			(sum, i) => {
				(sums[i] as number) += sum;
			},
		);
	}
	return { values: sums, rows: subsets.length, columns: tests };
}

function check(name: string, value: number, holds: boolean, range: string): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `datamodel: expected ${name} ${range}, got ${value}`, `Choose ${name} ${range}.`);
}
