/**
 * Training of a network by stochastic gradient descent with momentum, dropout and weight decay, as PyTorch's `SGD` and `Dropout` define them:
 * g = mean gradient of the batch + weightDecay w, v = momentum v + g, w = w - rate v; a hidden value is kept with probability 1 - dropout and
 * then divided by it. Every epoch takes all rows once, in an order of its own; the last batch may be smaller.
 * The same rows, options and seed give the same bits in every run on a machine.
 */
import { DataError } from "../errors.ts";
import { type Matrix, matrix, multiply } from "../matrix.ts";
import { below, type Generator, generator, splitmix64 } from "../random.ts";
import { checkFloatRows, copyNetwork, type FloatRows, initialise, type Layer, type Network } from "./network.ts";

export interface TrainOptions {
	/** Sizes of the hidden layers; [] is logistic regression. */
	readonly sizes: readonly number[];
	/** At least 0. */
	readonly epochs: number;
	/** Rows per step, at least 1. */
	readonly batch: number;
	/** Step length, above 0. */
	readonly rate: number;
	/** In [0, 1); 0 by default. */
	readonly momentum?: number;
	/** Share of hidden values that are set to 0 in a step, in [0, 1); 0 by default. */
	readonly dropout?: number;
	/** At least 0; 0 by default. It acts on weights and biases. */
	readonly weightDecay?: number;
	/** Of the first weights, of the order of the rows and of dropout, which draw from generators of their own. */
	readonly seed: bigint;
	/** After how many epochs to keep a copy (0: before the first), ascending; none by default. */
	readonly checkpoints?: readonly number[];
	/** Stops the training at its next step: it ends with the signal's reason. */
	readonly signal?: AbortSignal | undefined;
	/** Told of each epoch. */
	readonly progress?: ((done: number, of: number) => void) | undefined;
}

/** A network on its way. */
export interface Checkpoint {
	/** Epochs done. */
	readonly epoch: number;
	readonly network: Network;
	/** The step length at that time. */
	readonly rate: number;
}

export interface Training {
	readonly network: Network;
	/** In ascending order of epochs. */
	readonly checkpoints: readonly Checkpoint[];
}

/** Milliseconds of work between two turns of the event loop. */
const TURN = 50;

/**
 * Train a network.
 * @param rows - n rows, at least 1
 * @param k - number of classes, at least 2
 * @throws {DataError} DIVERGED as soon as the loss of a batch is not finite; TOO_FEW_ROWS, ONE_CLASS, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE,
 *   VALUE_NOT_NUMERIC, PARAMETER_OUT_OF_RANGE, CHECKPOINT_ORDER
 *
 * @example
 * const { network } = await train(rows, 10, { sizes: [128, 64], epochs: 50, batch: 64, rate: 0.01, momentum: 0.9, dropout: 0.1, seed: 1n });
 */
export async function train(rows: FloatRows, k: number, options: TrainOptions): Promise<Training> {
	checkRows(rows, k);
	checkOptions(options);
	const { epochs, batch, rate, signal, progress } = options;
	const draw = splitmix64(options.seed);
	const network = initialise([rows.x.columns, ...options.sizes, k], draw());
	const next = generator(draw());
	const step = stepper(network, rows, options, generator(draw()));
	const wanted = new Set(options.checkpoints);
	const checkpoints: Checkpoint[] = [];
	const order = Uint32Array.from(rows.label, (_, i) => i);
	let turn = performance.now();
	for (let epoch = 0; ; epoch++) {
		if (wanted.has(epoch)) checkpoints.push({ epoch, network: copyNetwork(network), rate });
		if (epoch === epochs) return { network, checkpoints };
		shuffle(order, next);
		for (let start = 0; start < order.length; start += batch) {
			if (performance.now() - turn > TURN) {
				await new Promise(setImmediate);
				turn = performance.now();
			}
			signal?.throwIfAborted();
			const loss = step(order.subarray(start, start + batch));
			if (!Number.isFinite(loss)) throw diverged(epoch + 1, epochs, loss, rate);
		}
		progress?.(epoch + 1, epochs);
	}
}

function diverged(epoch: number, epochs: number, loss: number, rate: number): DataError {
	return new DataError(
		"DIVERGED",
		`train: epoch ${epoch} of ${epochs}: expected a finite loss, got ${loss} at rate ${rate}`,
		"Choose a smaller rate or momentum, or scale the features to about [0, 1].",
	);
}

function checkRows(rows: FloatRows, k: number): void {
	if (rows.x.rows < 1) throw new DataError("TOO_FEW_ROWS", "train: no rows, at least 1 is needed", "Give rows.");
	if (!Number.isInteger(k) || k < 2)
		throw new DataError("ONE_CLASS", `train: expected 2 classes or more, got ${k}`, "Give rows of two classes or more.");
	checkFloatRows(rows, k, "train");
	const bad = rows.x.values.findIndex((value) => !Number.isFinite(value));
	if (bad < 0) return;
	throw new DataError(
		"VALUE_NOT_NUMERIC",
		`train: row ${Math.floor(bad / rows.x.columns)}, feature ${bad % rows.x.columns}: ${rows.x.values[bad]} is not a finite number`,
		"Fill in the value or leave the row out; nothing is imputed.",
	);
}

function checkOptions(options: TrainOptions): void {
	const { epochs, batch, rate, momentum = 0, dropout = 0, weightDecay = 0, checkpoints = [] } = options;
	const checks = [
		["epochs", epochs, "an integer of at least 0", Number.isInteger(epochs) && epochs >= 0],
		["batch", batch, "an integer of at least 1", Number.isInteger(batch) && batch >= 1],
		["rate", rate, "a finite number above 0", Number.isFinite(rate) && rate > 0],
		["momentum", momentum, "a number in [0, 1)", momentum >= 0 && momentum < 1],
		["dropout", dropout, "a number in [0, 1)", dropout >= 0 && dropout < 1],
		["weightDecay", weightDecay, "a finite number of at least 0", Number.isFinite(weightDecay) && weightDecay >= 0],
	] as const;
	for (const [name, value, range, holds] of checks) {
		if (holds) continue;
		throw new DataError("PARAMETER_OUT_OF_RANGE", `train: ${name}: expected ${range}, got ${value}`, `Choose another ${name}.`);
	}
	checkpoints.forEach((epoch, i) => {
		const after = i === 0 ? -1 : (checkpoints[i - 1] as number);
		if (Number.isInteger(epoch) && epoch > after && epoch <= epochs) return;
		throw new DataError(
			"CHECKPOINT_ORDER",
			`train: checkpoints: expected ascending epochs in [0, ${epochs}], got [${checkpoints.join(", ")}]`,
			"Name each epoch once, in ascending order.",
		);
	});
}

/** Fisher and Yates. */
function shuffle(order: Uint32Array, next: Generator): void {
	for (let i = order.length - 1; i > 0; i--) {
		const other = below(next, i + 1);
		[order[i], order[other]] = [order[other] as number, order[i] as number];
	}
}

/** What takes a step on a batch, given by its rows, and tells its mean loss. */
function stepper(network: Network, rows: FloatRows, options: TrainOptions, next: Generator): (batch: Uint32Array) => number {
	const { rate, momentum = 0, dropout = 0, weightDecay = 0 } = options;
	const { layers } = network;
	const velocities = layers.map(({ weights, bias }) => ({
		weights: new Float32Array(weights.values.length),
		bias: new Float32Array(bias.length),
	}));
	const columns = rows.x.columns;
	const update = (w: Float32Array, v: Float32Array, g: Float32Array) => {
		for (let i = 0; i < w.length; i++) {
			const velocity = momentum * (v[i] as number) + (g[i] as number) + weightDecay * (w[i] as number);
			v[i] = velocity;
			w[i] = (w[i] as number) - rate * velocity;
		}
	};
	return (batch) => {
		const count = batch.length;
		const x = new Float32Array(count * columns);
		batch.forEach((row, i) => {
			x.set(rows.x.values.subarray(row * columns, (row + 1) * columns), i * columns);
		});
		const values: Matrix<Float32Array>[] = [matrix(x, count, columns)];
		// What each hidden value was multiplied by: 0 or 1 / (1 - dropout), and 0 where ReLU cut it off.
		const masks: Float32Array[] = [];
		layers.forEach(({ weights, bias }, l) => {
			const z = multiply(values[l] as Matrix<Float32Array>, weights);
			const mask = new Float32Array(z.values.length);
			const hidden = l < layers.length - 1;
			for (let i = 0; i < z.values.length; i++) {
				const value = (z.values[i] as number) + (bias[i % bias.length] as number);
				const kept = !hidden || dropout === 0 ? 1 : next() >= dropout * 2 ** 32 ? 1 / (1 - dropout) : 0;
				mask[i] = hidden && value <= 0 ? 0 : kept;
				z.values[i] = hidden && value < 0 ? 0 : value * kept;
			}
			masks.push(mask);
			values.push(z);
		});
		const logits = values.at(-1) as Matrix<Float32Array>;
		const k = logits.columns;
		let errors: Matrix<Float32Array> = matrix(new Float32Array(count * k), count, k);
		let loss = 0;
		for (let i = 0; i < count; i++) {
			const z = logits.values.subarray(i * k, (i + 1) * k);
			const label = rows.label[batch[i] as number] as number;
			const largest = z.reduce((most, value) => Math.max(most, value));
			const sum = z.reduce((total, value) => total + Math.exp(value - largest), 0);
			loss += largest + Math.log(sum) - (z[label] as number);
			for (let c = 0; c < k; c++) errors.values[i * k + c] = (Math.exp((z[c] as number) - largest) / sum - (c === label ? 1 : 0)) / count;
		}
		for (let l = layers.length - 1; l >= 0; l--) {
			const { weights, bias } = layers[l] as Layer;
			const velocity = velocities[l] as (typeof velocities)[number];
			const gradient = multiply(values[l] as Matrix<Float32Array>, errors, { left: true });
			const biasGradient = new Float32Array(bias.length);
			for (let i = 0; i < errors.values.length; i++) (biasGradient[i % bias.length] as number) += errors.values[i] as number;
			if (l > 0) {
				errors = multiply(errors, weights, { right: true });
				const mask = masks[l - 1] as Float32Array;
				for (let i = 0; i < errors.values.length; i++) (errors.values[i] as number) *= mask[i] as number;
			}
			update(weights.values, velocity.weights, gradient.values);
			update(bias, velocity.bias, biasGradient);
		}
		return loss / count;
	};
}
