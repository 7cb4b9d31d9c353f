/**
 * Training of a network in single precision on any backend: the same bits wherever that backend's kernels give the same bits.
 *
 * Layers are z = h W + b with ReLU between them; a convolution is the product of its patches. Gradients are means over a batch.
 * Many small trainings on one machine are faster by train.ts, which takes the same steps.
 */
import { type Architecture, type LayerShape, layerShapes } from "../architecture.ts";
import type { Backend, FloatRule, FloatState, Losses } from "../backend.ts";
import type { Tensor } from "../tensor.ts";
import type { Learner, Position, StateTensor } from "./learner.ts";
import { drawLayers } from "./network.ts";
import { type Batches, chunks, floatBatches, type TrainingData, weightSeed } from "./rows.ts";
import { floatSums, NOTHING, type Sums } from "./sums.ts";

/** A rule without the number of a step, as `FloatRule` is defined. */
export type FloatRecipeRule = FloatRule extends infer Rule ? (Rule extends FloatRule ? Omit<Rule, "time"> : never) : never;

export interface FloatRecipe {
	readonly architecture: Architecture;
	readonly loss: "cross-entropy" | "squared";
	readonly rule: FloatRecipeRule;
	/** Epochs (from 0) from which on the rate is halved, each once more. */
	readonly halvings: readonly number[];
	readonly seed: bigint;
}

/** Moments that a rule keeps. */
const MOMENTS = { sgd: [], momentum: ["first"], adam: ["first", "second"] } as const;

/** First weights and biases, and moments of 0. */
export function firstFloats({ architecture, rule, seed }: FloatRecipe): StateTensor<"f32">[] {
	return drawLayers(layerShapes(architecture), weightSeed(seed)).flatMap(({ weights, bias }, l) =>
		[["weights", weights.rows, weights.values] as const, ["bias", 1, bias] as const].flatMap(([name, rows, values]) => {
			const shape = { element: "f32", rows, columns: bias.length } as const;
			const moments = MOMENTS[rule.kind].map((moment) => ({
				...{ name: `layers.${l}.${name}.${moment}`, ...shape },
				values: new Float32Array(values.length),
			}));
			return [{ name: `layers.${l}.${name}`, ...shape, values }, ...moments];
		}),
	);
}

interface Parameters {
	readonly weights: FloatState;
	readonly bias: FloatState;
}

/** What the forward pass of a layer leaves. */
interface Activations {
	/** What the product took: the row, or its patches. */
	readonly inputs: Tensor<"f32">;
	/** n x features, after ReLU; of the last layer logits. */
	readonly outputs: Tensor<"f32">;
}

/** Logits and losses, here. */
type Values = [Float32Array, Float32Array];

/** A network of floats in training. */
export class FloatLearner implements Learner {
	readonly #backend: Backend;
	readonly #recipe: FloatRecipe;
	readonly #shapes: readonly LayerShape[];
	readonly #data: TrainingData;
	readonly #train: Batches<"f32">;
	readonly #layers: readonly Parameters[];
	/** Logits and losses of steps, still where the backend keeps them, and their labels. */
	#pending: { readonly logits: Tensor<"f32">; readonly losses: Tensor<"f32">; readonly own: Uint8Array }[] = [];

	/** @param state - from `firstFloats`, or an earlier `state()` */
	constructor(backend: Backend, recipe: FloatRecipe, data: TrainingData, state: readonly StateTensor[]) {
		this.#backend = backend;
		this.#recipe = recipe;
		this.#data = data;
		this.#shapes = layerShapes(recipe.architecture);
		this.#train = floatBatches(backend, data.train);
		const put = (name: string): Tensor<"f32"> | undefined => {
			const found = state.find((tensor) => tensor.name === name) as StateTensor<"f32"> | undefined;
			return found && backend.upload("f32", found.values, found.rows, found.columns);
		};
		const parameter = (name: string): FloatState => ({
			values: put(name) as Tensor<"f32">,
			first: put(`${name}.first`),
			second: put(`${name}.second`),
		});
		this.#layers = this.#shapes.map((_, l) => ({ weights: parameter(`layers.${l}.weights`), bias: parameter(`layers.${l}.bias`) }));
	}

	step(batch: Uint32Array, { epoch, step }: Position): void {
		const { floats } = this.#backend;
		const { rule, halvings } = this.#recipe;
		const rate = rule.rate / 2 ** halvings.filter((from) => epoch >= from).length;
		const moves = { ...rule, rate, time: step + 1 } as FloatRule;
		const { x, labels, own } = this.#train.take(batch);
		const passes = this.#forward(x);
		const top = passes.at(-1) as Activations;
		const { losses, errors: first } = this.#losses(top.outputs, labels);
		this.#pending.push({ logits: top.outputs, losses, own });
		let errors = first;
		for (let l = passes.length - 1; l >= 0; l--) {
			const { weights, bias } = this.#layers[l] as Parameters;
			const { inputs } = passes[l] as Activations;
			const gradients = [floats.product(inputs, errors, { left: true }), floats.columnSums(errors)] as const;
			const below = l > 0 ? this.#back(l, errors, passes[l - 1] as Activations) : undefined;
			floats.step(weights, gradients[0], 1 / batch.length, moves);
			floats.step(bias, gradients[1], 1 / batch.length, moves);
			this.#backend.release(errors, ...gradients);
			if (!below) break;
			errors = below;
		}
		this.#release(passes);
		this.#backend.release(x, labels);
	}

	async drain(sums: Sums): Promise<Sums> {
		const pending = this.#pending;
		this.#pending = [];
		const values = await Promise.all(pending.map(({ logits, losses }) => this.#values(logits, losses)));
		this.#backend.release(...pending.flatMap(({ logits, losses }) => [logits, losses]));
		return pending.reduce((total, { own }, i) => floatSums(total, ...(values[i] as Values), own), sums);
	}

	async test(): Promise<Sums | undefined> {
		const { test } = this.#data;
		if (!test) return undefined;
		const backend = this.#backend;
		const rows = floatBatches(backend, test);
		let total = NOTHING;
		for (const some of chunks(test.n, this.#shapes, this.#backend)) {
			const { x, labels, own } = rows.take(some);
			const passes = this.#forward(x);
			const { outputs: logits } = passes.at(-1) as Activations;
			const { losses, errors } = this.#losses(logits, labels);
			total = floatSums(total, ...(await this.#values(logits, losses)), own);
			this.#release(passes);
			backend.release(x, labels, logits, losses, errors);
		}
		rows.close();
		return total;
	}

	async state(): Promise<StateTensor<"f32">[]> {
		const named = this.#layers.flatMap((layer, l) =>
			(["weights", "bias"] as const).flatMap((kind) => {
				const { values, first, second } = layer[kind];
				const name = `layers.${l}.${kind}`;
				const moments = MOMENTS[this.#recipe.rule.kind].map((moment) => [`${name}.${moment}`, { first, second }[moment]] as const);
				return [[name, values] as const, ...moments];
			}),
		);
		return Promise.all(
			named.map(async ([name, tensor]) => {
				const { element, rows, columns } = tensor as Tensor<"f32">;
				return { name, element, rows, columns, values: await this.#backend.download(tensor as Tensor<"f32">) };
			}),
		);
	}

	close(): void {
		const tensors = this.#layers.flatMap(({ weights, bias }) =>
			[weights, bias].flatMap(({ values, first, second }) => [values, first, second]),
		);
		const pending = this.#pending.flatMap(({ logits, losses }) => [logits, losses]);
		this.#backend.release(...[...tensors, ...pending].filter((tensor) => tensor !== undefined));
		this.#pending = [];
		this.#train.close();
	}

	#values(logits: Tensor<"f32">, losses: Tensor<"f32">): Promise<Values> {
		return Promise.all([this.#backend.download(logits), this.#backend.download(losses)]);
	}

	#forward(x: Tensor<"f32">): Activations[] {
		const { floats } = this.#backend;
		let given = x;
		return this.#layers.map(({ weights, bias }, l) => {
			const { geometry, features } = this.#shapes[l] as LayerShape;
			const inputs = geometry ? floats.patches(given, geometry) : given;
			const sums = floats.product(inputs, weights.values);
			const values = floats.affine(sums, bias.values, l < this.#layers.length - 1);
			this.#backend.release(sums);
			const outputs = this.#backend.reshape(values, x.rows, features);
			given = outputs;
			return { inputs, outputs };
		});
	}

	#losses(logits: Tensor<"f32">, labels: Tensor<"u8">): Losses {
		const { floats } = this.#backend;
		return this.#recipe.loss === "squared" ? floats.squaredLoss(logits, labels) : floats.crossEntropy(logits, labels);
	}

	/** The errors of the layer below layer l, for each row and place. */
	#back(l: number, errors: Tensor<"f32">, { outputs }: Activations): Tensor<"f32"> {
		const { floats } = this.#backend;
		const { geometry } = this.#shapes[l] as LayerShape;
		const { outputs: columns } = this.#shapes[l - 1] as LayerShape;
		const products = floats.product(errors, (this.#layers[l] as Parameters).weights.values, { right: true });
		const sums = geometry ? floats.unpatches(products, geometry) : products;
		const masked = floats.mask(sums, outputs);
		this.#backend.release(...new Set([products, sums]));
		return this.#backend.reshape(masked, (outputs.rows * outputs.columns) / columns, columns);
	}

	/** Frees what the forward pass left, but not the logits. */
	#release(passes: readonly Activations[]): void {
		passes.forEach(({ inputs, outputs }, l) => {
			this.#backend.release(...(this.#shapes[l]?.geometry ? [inputs] : []), ...(l < passes.length - 1 ? [outputs] : []));
		});
	}
}
