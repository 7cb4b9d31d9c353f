/**
 * A low-rank adapter of a frozen linear head: logits x (W0 + A B) with A d x r, B r x k, and only A and B trained, on cross-entropy,
 * by Adam. A starts small and random, B at 0, so that training starts from the frozen head.
 * Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021), section 4.1; Kingma and Ba, "Adam" (2014).
 */
import { DataError } from "../../compute/errors.ts";
import { type Matrix, multiply } from "../../compute/matrix.ts";
import { below, generator } from "../../compute/random.ts";
import { crossEntropies, logitErrors } from "../../compute/softmax.ts";
import { checkExamples, type Examples, selectExamples } from "../examples.ts";
import type { Control } from "../method.ts";

export interface Adapter {
	/** W0, d x k, [feature][class]. */
	readonly base: Matrix<Float64Array>;
	/** d x r. */
	readonly a: Matrix<Float64Array>;
	/** r x k. */
	readonly b: Matrix<Float64Array>;
}

export interface AdapterOptions {
	/** r, at least 1. */
	readonly rank: number;
	/** Adam's step, above 0. */
	readonly rate: number;
	/** At least 1. */
	readonly epochs: number;
	/** Rows per step, at least 1. */
	readonly batch: number;
	readonly seed: bigint;
}

const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * Train an adapter.
 * @param base - the frozen head, d x k
 * @throws {DataError} SHAPE_MISMATCH, PARAMETER_OUT_OF_RANGE, DIVERGED if the loss is no longer finite, and as `checkExamples`;
 *   the signal's reason
 */
export async function trainAdapter(
	train: Examples,
	base: Float64Array,
	{ rank, rate, epochs, batch, seed }: AdapterOptions,
	{ signal, progress }: Control = {},
): Promise<Adapter> {
	checkExamples(train, "trainAdapter: training");
	const { n, d, k } = train;
	if (base.length !== d * k) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`trainAdapter: expected a head of ${d} x ${k} weights, got ${base.length}`,
			"Pass the frozen head.",
		);
	}
	for (const [name, value] of Object.entries({ rank, epochs, batch }))
		check(name, value, Number.isInteger(value) && value >= 1, "an integer of at least 1");
	check("rate", rate, rate > 0 && Number.isFinite(rate), "above 0");
	const next = generator(seed);
	const a = Float64Array.from({ length: d * rank }, () => (2 * (next() / 2 ** 32) - 1) / Math.sqrt(d));
	const adapter: Adapter = {
		base: { values: base, rows: d, columns: k },
		a: { values: a, rows: d, columns: rank },
		b: { values: new Float64Array(rank * k), rows: rank, columns: k },
	};
	const [stepA, stepB] = [adam(adapter.a.values, rate), adam(adapter.b.values, rate)];
	const order = Uint32Array.from({ length: n }, (_, row) => row);
	for (let epoch = 0; epoch < epochs; epoch++) {
		await new Promise(setImmediate);
		signal?.throwIfAborted();
		for (let i = n - 1; i > 0; i--) {
			const other = below(next, i + 1);
			[order[i], order[other]] = [order[other] as number, order[i] as number];
		}
		for (let start = 0; start < n; start += batch) {
			const rows = selectExamples(train, order.subarray(start, start + batch));
			const errors = logitErrors(rows, adapterWeights(adapter));
			const whole = multiply({ values: rows.x, rows: rows.n, columns: d }, errors, { left: true });
			const scaled = { ...whole, values: whole.values.map((value) => value / rows.n) };
			const [gradientA, gradientB] = [multiply(scaled, adapter.b, { right: true }), multiply(adapter.a, scaled, { left: true })];
			stepA(gradientA.values);
			stepB(gradientB.values);
		}
		progress?.(epoch + 1, epochs);
	}
	const loss = crossEntropies(train, adapterWeights(adapter)).reduce((sum, one) => sum + one, 0) / n;
	if (Number.isFinite(loss)) return adapter;
	throw new DataError("DIVERGED", `trainAdapter: the mean loss is ${loss} after ${epochs} epochs at rate ${rate}`, "Lower the rate.");
}

/** W0 + A B, d x k. */
export function adapterWeights({ base, a, b }: Adapter): Float64Array {
	return multiply(a, b).values.map((value, i) => value + (base.values[i] as number));
}

/** Adam's steps for some parameters, in place. */
function adam(parameters: Float64Array, rate: number): (gradient: Float64Array) => void {
	const [first, second] = [new Float64Array(parameters.length), new Float64Array(parameters.length)];
	let step = 0;
	return (gradient) => {
		step++;
		gradient.forEach((g, i) => {
			first[i] = BETA1 * (first[i] as number) + (1 - BETA1) * g;
			second[i] = BETA2 * (second[i] as number) + (1 - BETA2) * g * g;
			const [m, v] = [(first[i] as number) / (1 - BETA1 ** step), (second[i] as number) / (1 - BETA2 ** step)];
			(parameters[i] as number) -= (rate * m) / (Math.sqrt(v) + EPSILON);
		});
	};
}

function check(name: string, value: number, holds: boolean, range: string): void {
	if (holds) return;
	throw new DataError("PARAMETER_OUT_OF_RANGE", `trainAdapter: expected ${name} ${range}, got ${value}`, `Choose ${name} ${range}.`);
}
