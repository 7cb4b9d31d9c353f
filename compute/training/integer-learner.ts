/**
 * Training of a network of bytes (integer-network.ts) by integers alone: the same bits on every backend.
 *
 * Masters M hold W 2^16. On a batch, with h_l what layer l gives and E_l the errors at its sums in units of 2^x_l:
 *
 *     E_L     = softmaxErrors                               127ths, x_L = 0
 *     G_l     = h_(l-1)^T E_l                               g_l = 2^7 columnSums(E_l) for the bias, the weight of an input that is 2^7
 *     E_(l-1) = normalise(E_l W_l^T where h_(l-1) > 0)      x_(l-1) = x_l + its exponent
 *     V_l     = V_l - V_l / 2^momentum + G_l 2^x_l / 2^rate_l,  M_l = M_l - V_l
 *
 * The shifts of the forward pass are no part of E; they are part of the rates (see `rateShifts` in integer-recipe.ts). A convolution is the product of its
 * patches, and its errors go back through `unpatches`.
 */
import { type LayerShape, layerShapes } from "../architecture.ts";
import type { Backend, IntegerState, Scaled } from "../backend.ts";
import { BIAS_BITS, type IntegerActivations, type IntegerLayer, integerForward, layerOf, MASTER_BITS } from "../integer-network.ts";
import { LOGIT_BOUND } from "../reference/integers.ts";
import type { Tensor } from "../tensor.ts";
import type { IntegerRecipe } from "./integer-recipe.ts";
import type { Learner, Position, StateTensor } from "./learner.ts";
import { type Batches, byteBatches, chunks, type TrainingData } from "./rows.ts";
import { integerSums, NOTHING, type Sums } from "./sums.ts";

/** Masters stay where their weights are bytes in [-127, 127]. */
const BOUND = 127 * 2 ** MASTER_BITS;
/** Logits as `softmaxErrors` takes them. */
const LOGITS = { element: "i32", low: -LOGIT_BOUND, high: LOGIT_BOUND } as const;

interface Parameters {
	readonly weights: IntegerState;
	readonly bias: IntegerState;
}

/** A network of bytes in training. */
export class IntegerLearner implements Learner {
	readonly #backend: Backend;
	readonly #recipe: IntegerRecipe;
	readonly #shapes;
	readonly #train: Batches<"u8">;
	readonly #data: TrainingData;
	readonly #layers: readonly Parameters[];
	/** Masters' bits below a weight; and with those of the input that a bias is the weight of. */
	readonly #weightUnit: Tensor<"i32">;
	readonly #biasUnit: Tensor<"i32">;
	/** Logits of steps, still where the backend keeps them, and their labels. */
	#pending: { readonly logits: Tensor<"i32">; readonly own: Uint8Array }[] = [];

	/** @param state - from `firstMasters`, or an earlier `state()` */
	constructor(backend: Backend, recipe: IntegerRecipe, data: TrainingData, state: readonly StateTensor[]) {
		this.#backend = backend;
		this.#recipe = recipe;
		this.#data = data;
		this.#shapes = layerShapes(recipe.architecture);
		this.#train = byteBatches(backend, data.train);
		const exponent = (value: number) => backend.upload("i32", Int32Array.of(value), 1, 1);
		[this.#weightUnit, this.#biasUnit] = [exponent(MASTER_BITS), exponent(MASTER_BITS + BIAS_BITS)];
		const put = (name: string): IntegerState => {
			const [master, velocity] = [name, `${name}.velocity`].map((own) => {
				const { values, rows, columns } = state.find((tensor) => tensor.name === own) as StateTensor<"i32">;
				return backend.upload("i32", values, rows, columns);
			}) as [Tensor<"i32">, Tensor<"i32">];
			return { master, velocity };
		};
		this.#layers = this.#shapes.map((_, l) => ({ weights: put(`layers.${l}.weights`), bias: put(`layers.${l}.bias`) }));
	}

	step(batch: Uint32Array, { epoch }: Position): void {
		const { integers } = this.#backend;
		const { momentum, halvings, rates } = this.#recipe;
		const halved = halvings.filter((from) => epoch >= from).length;
		const { x, labels, own } = this.#train.take(batch);
		const layers = this.#network();
		const passes = integerForward(this.#backend, layers, x);
		const top = layers.length - 1;
		this.#pending.push({ logits: this.#logits(layers, passes), own });
		const { bias, shift } = layers[top] as IntegerLayer;
		let errors = integers.softmaxErrors((passes[top] as IntegerActivations).sums, bias, shift, labels);
		const exponents: Tensor<"i32">[] = [];
		for (let l = top; l >= 0; l--) {
			const { inputs } = passes[l] as IntegerActivations;
			const { weights, bias } = this.#layers[l] as Parameters;
			const gradients = [integers.product(inputs, errors, { left: true }), integers.columnSums(errors)] as const;
			const outputs = passes[l - 1]?.outputs;
			const below = outputs && this.#back(layers[l] as IntegerLayer, errors, outputs, this.#shapes[l - 1] as LayerShape);
			const rate = (rates[l] as number) + halved;
			integers.step(weights, gradients[0], [this.#weightUnit, ...exponents], { rate, momentum, bound: BOUND });
			integers.step(bias, gradients[1], [this.#biasUnit, ...exponents], { rate, momentum, bound: BOUND });
			this.#backend.release(errors, ...gradients);
			if (!below) break;
			errors = below.values;
			exponents.push(below.exponent);
		}
		this.#release(passes);
		this.#backend.release(x, labels, ...exponents, ...layers.flatMap((layer) => [layer.weights, layer.bias]));
	}

	async drain(sums: Sums): Promise<Sums> {
		const pending = this.#pending;
		this.#pending = [];
		const logits = await Promise.all(pending.map((one) => this.#backend.download(one.logits)));
		this.#backend.release(...pending.map((one) => one.logits));
		return pending.reduce((total, { own }, i) => integerSums(total, logits[i] as Int32Array, own), sums);
	}

	async test(): Promise<Sums | undefined> {
		const { test } = this.#data;
		if (!test) return undefined;
		const rows = byteBatches(this.#backend, test);
		const layers = this.#network();
		let total = NOTHING;
		for (const some of chunks(test.n, this.#shapes, this.#backend)) {
			const { x, labels, own } = rows.take(some);
			const passes = integerForward(this.#backend, layers, x);
			const logits = this.#logits(layers, passes);
			total = integerSums(total, await this.#backend.download(logits), own);
			this.#release(passes);
			this.#backend.release(x, labels, logits);
		}
		this.#backend.release(...layers.flatMap(({ weights, bias }) => [weights, bias]));
		rows.close();
		return total;
	}

	async state(): Promise<StateTensor<"i32">[]> {
		const named = this.#layers.flatMap(({ weights, bias }, l): [string, Tensor<"i32">][] => [
			[`layers.${l}.weights`, weights.master],
			[`layers.${l}.bias`, bias.master],
			[`layers.${l}.weights.velocity`, weights.velocity],
			[`layers.${l}.bias.velocity`, bias.velocity],
		]);
		return Promise.all(
			named.map(async ([name, tensor]) => {
				const { element, rows, columns } = tensor;
				return { name, element, rows, columns, values: await this.#backend.download(tensor) };
			}),
		);
	}

	close(): void {
		const states = this.#layers.flatMap(({ weights, bias }) => [weights, bias]);
		this.#backend.release(...states.flatMap(({ master, velocity }) => [master, velocity]));
		this.#backend.release(...this.#pending.map(({ logits }) => logits));
		this.#backend.release(this.#weightUnit, this.#biasUnit);
		this.#pending = [];
		this.#train.close();
	}

	/** The bytes that masters stand for now. */
	#network(): IntegerLayer[] {
		const { shifts } = this.#recipe.architecture;
		return this.#layers.map(({ weights, bias }, l) =>
			layerOf(this.#backend, { weights: weights.master, bias: bias.master }, this.#shapes[l] as LayerShape, shifts[l] as number),
		);
	}

	#logits(layers: readonly IntegerLayer[], passes: readonly IntegerActivations[]): Tensor<"i32"> {
		const { bias, shift } = layers.at(-1) as IntegerLayer;
		return this.#backend.integers.requantise((passes.at(-1) as IntegerActivations).sums, bias, shift, LOGITS);
	}

	/** The errors of the layer below, for each row and place. */
	#back({ weights, shape }: IntegerLayer, errors: Tensor<"i8">, outputs: Tensor<"i8">, { features, outputs: columns }: LayerShape): Scaled {
		const { integers } = this.#backend;
		const products = integers.product(errors, weights, { right: true });
		const sums = shape.geometry ? integers.unpatches(products, shape.geometry) : products;
		const { values, exponent } = integers.normalise(sums, outputs);
		this.#backend.release(...new Set([products, sums]));
		return { values: this.#backend.reshape(values, (outputs.rows * features) / columns, columns), exponent };
	}

	#release(passes: readonly IntegerActivations[]): void {
		passes.forEach(({ inputs, sums, outputs }, l) => {
			this.#backend.release(sums, ...(outputs ? [outputs] : []), ...(this.#shapes[l]?.geometry ? [inputs] : []));
		});
	}
}
