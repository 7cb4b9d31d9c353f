/**
 * The softmax head: multinomial logistic regression with ridge, trained to its optimum. With logits x W, W d x k,
 *
 *     F(W) = (1/n) sum_i CE(x_i W, y_i) + ridge/2 |W|^2          CE = log sum_c exp(z_c) - z_y, in nats
 *
 * so that `ridge` is relative to the mean loss and means the same for any number of rows. A bias is a constant feature and
 * regularised like the others. F is convex; the search is Newton's with each step solved by conjugate gradients, and draws nothing.
 * Not for networks: training those is training/train.ts.
 * Source: Nocedal and Wright, "Numerical Optimization" (2006), 7.1 (line search Newton-CG).
 */
import { conjugateGradients } from "./conjugate-gradients.ts";
import { DataError } from "./errors.ts";
import { type Matrix, multiply } from "./matrix.ts";
import { blockPreconditioner, factoriseHessian, hessianProduct, type SoftmaxHessian } from "./softmax-hessian.ts";

/** Labelled rows in float64. */
export interface LabelledRows {
	/** n x d finite features, row-major. */
	readonly x: Float64Array;
	/** n labels in [0, k). */
	readonly label: Uint8Array;
	readonly n: number;
	readonly d: number;
	readonly k: number;
}

/** A head at its optimum. */
export interface SoftmaxOptimum {
	/** W, d x k, [feature][class]. */
	readonly weights: Float64Array;
	/** F(W). */
	readonly objective: number;
	/** |gradient of F| at W relative to that at 0. */
	readonly residual: number;
	/** Newton steps. */
	readonly steps: number;
	/** The Hessian's factor that the search used; null where it is too large to be formed. */
	readonly hessian: SoftmaxHessian | null;
}

export interface SoftmaxOptions {
	/** At least 0; with 0 an optimum need not exist. */
	readonly ridge: number;
	/** The optimum of similar rows: where the search starts, and the Hessian that conditions it. Changes the time, not the optimum. */
	readonly near?: SoftmaxOptimum;
	/** The `residual` that is small enough; 1e-9 by default. */
	readonly tolerance?: number;
	/** Newton steps at most; 100 by default. */
	readonly steps?: number;
	readonly signal?: AbortSignal | undefined;
}

/** The most parameters for which each step forms the Hessian; beyond, products with it are cheaper. */
const MAX_FORMED = 1536;

/** Steps of conjugate gradients for one Newton step. */
const MAX_INNER = 500;

/**
 * Train a softmax head.
 * @throws {DataError} ONE_CLASS if all rows are of one class, PARAMETER_OUT_OF_RANGE, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE,
 *   ILL_CONDITIONED, NOT_CONVERGED (separable rows without ridge have no optimum); the signal's reason
 *
 * @example
 * const { weights } = await trainSoftmax(examplesOf(table, rows, { scale: 16 }), { ridge: 1e-3 });
 */
export async function trainSoftmax(rows: LabelledRows, options: SoftmaxOptions): Promise<SoftmaxOptimum> {
	const { n, d, k } = rows;
	const { ridge, near, tolerance = 1e-9, steps = 100, signal } = options;
	checkRidge(ridge);
	checkClasses(rows.label);
	checkLabels(rows);
	if (near !== undefined && near.weights.length !== d * k) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`trainSoftmax: expected a near optimum of ${d} x ${k} weights, got ${near.weights.length}`,
			"Start from an optimum of rows of the same shape.",
		);
	}
	const x = { values: rows.x, rows: n, columns: d };
	const initial = norm(gradient(rows, new Float64Array(d * k), ridge).values);
	let weights = near?.weights.slice() ?? new Float64Array(d * k);
	let conditioner = near?.hessian ?? null;
	let objective = objectiveOf(rows, weights, ridge);
	for (let step = 0; ; step++) {
		signal?.throwIfAborted();
		const g = gradient(rows, weights, ridge);
		const residual = norm(g.values) / initial;
		if (residual <= tolerance) return { weights, objective, residual, steps: step, hessian: conditioner };
		if (step === steps) throw notConverged(ridge, `${steps} steps`, residual, tolerance);
		const p = probabilities(x, weights, k);
		// Far from the optimum another point's Hessian conditions badly, so that a new one pays off.
		if (near === undefined && d * (k - 1) <= MAX_FORMED) conditioner = factoriseHessian(x, p, ridge);
		const block = conditioner === null ? blockPreconditioner(x, p, ridge) : undefined;
		const { solution } = await conjugateGradients(
			(v) => hessianProduct(x, p, v, ridge),
			{ values: g.values, rows: d * k, columns: 1 },
			{
				// As exact as the step is worth; what is below the floor is rounding, in directions that H does not have.
				tolerance: Math.max(1e-6, Math.min(0.1, residual)),
				iterations: MAX_INNER,
				precondition: (r) => (conditioner?.solve(r) ?? block?.(r)) as Matrix<Float64Array>,
				truncate: true,
				signal,
			},
		);
		const slope = dot(solution.values, g.values);
		let length = 1;
		for (;;) {
			const candidate = weights.map((w, i) => w - length * (solution.values[i] as number));
			const value = objectiveOf(rows, candidate, ridge);
			// Near the optimum the decrease is below what float64 resolves in F.
			if (value <= objective - 1e-4 * length * slope + 4 * Number.EPSILON * Math.abs(objective)) {
				weights = candidate;
				objective = value;
				break;
			}
			length /= 2;
			if (length < 1e-10) throw notConverged(ridge, "a step that no longer descends", residual, tolerance);
		}
	}
}

/** softmax(x W): rows x k probabilities. @param x - rows x d */
export function probabilities(x: Matrix<Float64Array>, weights: Float64Array, k: number): Matrix<Float64Array> {
	const logits = multiply(x, { values: weights, rows: x.columns, columns: k });
	const { values } = logits;
	for (let start = 0; start < values.length; start += k) {
		const total = logSumExp(values, start, k);
		for (let c = start; c < start + k; c++) values[c] = Math.exp((values[c] as number) - total);
	}
	return logits;
}

/** The cross-entropy of each row under weights d x k, in nats; at least 0. */
export function crossEntropies({ x, label, n, d, k }: LabelledRows, weights: Float64Array): Float64Array {
	const { values } = multiply({ values: x, rows: n, columns: d }, { values: weights, rows: d, columns: k });
	return Float64Array.from(label, (own, i) => Math.max(0, logSumExp(values, i * k, k) - (values[i * k + own] as number)));
}

/** softmax minus one-hot, n x k: the gradient of each row's cross-entropy with respect to its logits. */
export function logitErrors({ x, label, n, d, k }: LabelledRows, weights: Float64Array): Matrix<Float64Array> {
	const errors = probabilities({ values: x, rows: n, columns: d }, weights, k);
	label.forEach((own, i) => {
		(errors.values[i * k + own] as number) -= 1;
	});
	return errors;
}

/** @throws {DataError} PARAMETER_OUT_OF_RANGE */
export function checkRidge(ridge: number): void {
	if (Number.isFinite(ridge) && ridge >= 0) return;
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		`softmax: expected a finite ridge of at least 0, got ${ridge}`,
		"Choose a ridge such as 0.001.",
	);
}

/** @throws {DataError} ONE_CLASS */
export function checkClasses(label: Uint8Array): void {
	if (label.some((own) => own !== label[0])) return;
	throw new DataError(
		"ONE_CLASS",
		`softmax: expected rows of at least two classes, got ${label.length} of class ${label[0]}`,
		"Give rows of another class; check the label column.",
	);
}

function checkLabels({ x, label, n, d, k }: LabelledRows): void {
	if (x.length !== n * d || label.length !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`softmax: expected ${n} x ${d} features and ${n} labels, got ${x.length} and ${label.length}`,
			"Pass the sizes of the arrays.",
		);
	}
	const outside = label.findIndex((own) => own >= k);
	if (outside < 0) return;
	throw new DataError(
		"LABEL_OUT_OF_RANGE",
		`softmax: row ${outside}: label ${label[outside]} is outside [0, ${k - 1}]`,
		"Number the classes from 0, or train for more classes.",
	);
}

/** The gradient of F, d x k. */
function gradient(rows: LabelledRows, weights: Float64Array, ridge: number): Matrix<Float64Array> {
	const { x, n, d } = rows;
	const product = multiply({ values: x, rows: n, columns: d }, logitErrors(rows, weights), { left: true });
	return { ...product, values: product.values.map((value, i) => value / n + ridge * (weights[i] as number)) };
}

function objectiveOf(rows: LabelledRows, weights: Float64Array, ridge: number): number {
	return crossEntropies(rows, weights).reduce((sum, loss) => sum + loss, 0) / rows.n + (ridge / 2) * dot(weights, weights);
}

function notConverged(ridge: number, after: string, residual: number, tolerance: number): DataError {
	return new DataError(
		"NOT_CONVERGED",
		`trainSoftmax: expected a relative gradient of at most ${tolerance}, got ${residual} after ${after} with ridge ${ridge}`,
		"Choose a larger ridge, scale the features, or allow more steps.",
	);
}

function logSumExp(z: Float64Array, start: number, k: number): number {
	let largest = z[start] as number;
	for (let c = start + 1; c < start + k; c++) largest = Math.max(largest, z[c] as number);
	let sum = 0;
	for (let c = start; c < start + k; c++) sum += Math.exp((z[c] as number) - largest);
	return largest + Math.log(sum);
}

function dot(one: Float64Array, other: Float64Array): number {
	let sum = 0;
	for (let i = 0; i < one.length; i++) sum += (one[i] as number) * (other[i] as number);
	return sum;
}

function norm(values: Float64Array): number {
	return Math.sqrt(dot(values, values));
}
