/**
 * Training of a network by stochastic gradient descent with momentum, dropout and weight decay, as PyTorch's `SGD` and `Dropout` define
 * them: g = mean gradient of the batch + weightDecay w, v = momentum v + g, w = w - rate v; a hidden value is kept with probability
 * 1 - dropout and then divided by it. Every epoch takes all rows once, in an order of its own; the last batch may be smaller.
 * The same rows, options and seed give the same bits in every run on a machine.
 */
import { DataError } from "../errors.ts";
import { below, type Generator, generator, splitmix64 } from "../random.ts";
import { Descent } from "./descent.ts";
import { checkFloatRows, type FloatRows, initialise, type Network } from "./network.ts";

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
 * const { network } = await train(rows, 10, { sizes: [128, 64], epochs: 50, batch: 64, rate: 0.01, momentum: 0.9, seed: 1n });
 */
export async function train(rows: FloatRows, k: number, options: TrainOptions): Promise<Training> {
	checkRows(rows, k);
	checkOptions(options);
	const { epochs, batch, rate, signal, progress } = options;
	const { momentum = 0, dropout = 0, weightDecay = 0 } = options;
	const draw = splitmix64(options.seed);
	const start = initialise([rows.x.columns, ...options.sizes, k], draw());
	const next = generator(draw());
	const settings = { batch: Math.min(batch, rows.x.rows), rate, momentum, dropout, weightDecay };
	const descent = new Descent(start, rows, settings, generator(draw()));
	try {
		const wanted = new Set(options.checkpoints);
		const checkpoints: Checkpoint[] = [];
		const order = Uint32Array.from(rows.label, (_, i) => i);
		let turn = performance.now();
		for (let epoch = 0; ; epoch++) {
			if (wanted.has(epoch)) checkpoints.push({ epoch, network: descent.network(), rate });
			if (epoch === epochs) return { network: descent.network(), checkpoints };
			shuffle(order, next);
			for (let at = 0; at < order.length; at += batch) {
				if (performance.now() - turn > TURN) {
					await new Promise(setImmediate);
					turn = performance.now();
				}
				signal?.throwIfAborted();
				const loss = descent.step(order.subarray(at, at + batch));
				if (!Number.isFinite(loss)) throw diverged(epoch + 1, epochs, loss, rate);
			}
			progress?.(epoch + 1, epochs);
		}
	} finally {
		descent.close();
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
