/**
 * Steps of stochastic gradient descent by SIMD kernels, in a memory where weights, velocities and the values of a batch stay from step to
 * step. What a step is: train.ts. Each row of a matrix is padded with zeros to a multiple of 8 floats.
 */
import type { Generator } from "../random.ts";
import { accumulate, PACKED_SLACK, type PlacedProduct } from "../wasm/float-product.ts";
import { type ProductKernel, SINGLE_KERNELS } from "../wasm/product-kernels.ts";
import { TRAINING_KERNELS, type TrainingKernel } from "../wasm/training-kernels.ts";
import { type Kernels, Workspace } from "../wasm/workspace.ts";
import { type SparseRows, sparseRows } from "./inputs.ts";
import type { FloatRows, Layer, Network } from "./network.ts";
import { type Place, padded, placeLayers } from "./places.ts";

/** What a step depends on, see TrainOptions in train.ts. */
export interface Settings {
	/** The most rows of a step. */
	readonly batch: number;
	readonly rate: number;
	readonly momentum: number;
	readonly dropout: number;
	readonly weightDecay: number;
}

/** Memories of trainings that have ended. */
const idle: Workspace[] = [];

/** A network in training. */
export class Descent {
	readonly #space: Workspace;
	readonly #kernels: Kernels<TrainingKernel>;
	readonly #products: Kernels<ProductKernel>;
	readonly #rows: FloatRows;
	readonly #sparse: SparseRows | undefined;
	readonly #settings: Settings;
	readonly #layers: readonly Place[];
	readonly #packed: number;
	/** Bounds of sparse rows, and room for their entries. */
	readonly #bounds: number;
	readonly #entries: number;
	/** Words of the longest sparse row. */
	readonly #longest: number;
	/** A row of zeros; the first bias with the background; what every row of the first gradient has. */
	readonly #zeros: number;
	readonly #base: number;
	readonly #shift: number;
	readonly #state: number;

	/** @param next - draws the state of the generators of dropout */
	constructor(network: Network, rows: FloatRows, settings: Settings, next: Generator) {
		const { layers } = network;
		const first = layers[0] as Layer;
		const { batch } = settings;
		const space = idle.pop() ?? new Workspace();
		this.#space = space;
		this.#rows = rows;
		this.#settings = settings;
		this.#kernels = space.kernels(TRAINING_KERNELS);
		this.#products = space.kernels(SINGLE_KERNELS);
		this.#sparse = sparseRows(rows.x, padded(first.bias.length));
		space.clear();
		const widest = Math.max(...layers.map(({ bias }) => padded(bias.length)), padded(rows.x.columns));
		const start = space.allocate(0);
		this.#layers = placeLayers(space, network, batch, this.#sparse === undefined);
		[this.#zeros, this.#base, this.#shift] = [space.allocate(widest), space.allocate(widest), space.allocate(widest)];
		[this.#state, this.#bounds] = [space.allocate(64), space.allocate(8 * batch)];
		// A product's right factor has batch or inputs rows, or as many columns.
		const largest = Math.max(...this.#layers.map(({ inputBytes, outputBytes }) => Math.max(inputBytes, 4 * batch) * outputBytes));
		this.#packed = space.allocate(largest + PACKED_SLACK);
		this.#longest = longest(this.#sparse);
		this.#entries = space.allocate(4 * batch * this.#longest);
		space.bytes(start, this.#entries - start).fill(0);
		space.integers(this.#state, 16).forEach((_, word, state) => {
			state[word] = next();
		});
		layers.forEach((layer, l) => {
			this.#putLayer(layer, this.#layers[l] as Place);
		});
	}

	/** Takes a step on some rows, at most `batch`, and tells their mean loss. */
	step(batch: Uint32Array): number {
		const { dropout } = this.#settings;
		const count = batch.length;
		this.#layers.forEach((place, l) => {
			const { gives, outputBytes, bias, mask } = place;
			if (l === 0 && this.#sparse) this.#gather(this.#sparse, batch, place);
			else {
				if (l === 0) this.#copyInputs(batch, place);
				this.#kernels.fillRows(bias, outputBytes, gives, count);
				this.#add({
					left: { address: place.given, stride: place.inputBytes, transposed: false },
					right: { address: place.weights, stride: outputBytes, transposed: false },
					result: { address: gives, stride: outputBytes },
					rows: count,
					columns: place.outputs,
					inner: place.inputs,
				});
			}
			if (l === this.#layers.length - 1) return;
			this.#kernels.activate(gives, mask, gives + count * outputBytes, this.#state, dropout * 2 ** 32, 1 / (1 - dropout));
		});
		const loss = this.#loss(batch);
		for (let l = this.#layers.length - 1; l >= 0; l--) this.#back(l, count);
		return loss;
	}

	/** The network as it is now, in memory of its own. */
	network(): Network {
		const layers = this.#layers.map(({ inputs, outputs, outputBytes, weights, bias }) => {
			const [from, values] = [this.#space.floats(weights, (inputs * outputBytes) / 4), new Float32Array(inputs * outputs)];
			for (let i = 0; i < inputs; i++) {
				const row = (i * outputBytes) / 4;
				values.set(from.subarray(row, row + outputs), i * outputs);
			}
			return { weights: { values, rows: inputs, columns: outputs }, bias: this.#space.floats(bias, outputs).slice() };
		});
		return { layers };
	}

	/** Gives the memory to the next training. */
	close(): void {
		idle.push(this.#space);
	}

	#putLayer({ weights, bias }: Layer, place: Place): void {
		const { inputs, outputs, outputBytes } = place;
		const { weightDecay } = this.#settings;
		// The velocity holds what the next step adds its gradient to.
		const put = (values: Float32Array, to: number, velocity: number) => {
			this.#space.floats(to, values.length).set(values);
			this.#space.floats(velocity, values.length).set(values.map((value) => weightDecay * value));
		};
		for (let i = 0; i < inputs; i++) {
			const row = weights.values.subarray(i * outputs, (i + 1) * outputs);
			put(row, place.weights + i * outputBytes, place.velocity + i * outputBytes);
		}
		put(bias, place.bias, place.biasVelocity);
	}

	#copyInputs(batch: Uint32Array, { given, inputBytes }: Place): void {
		const { values, columns } = this.#rows.x;
		const target = this.#space.floats(given, (batch.length * inputBytes) / 4);
		for (let i = 0; i < batch.length; i++) {
			const row = batch[i] as number;
			target.set(values.subarray(row * columns, (row + 1) * columns), (i * inputBytes) / 4);
		}
	}

	/** What the first layer gives: bias + background (sum of weights) + differences times weights. */
	#gather({ background, entries, starts }: SparseRows, batch: Uint32Array, { inputs, outputBytes, weights, bias, gives }: Place): void {
		const bounds = this.#space.integers(this.#bounds, 2 * batch.length);
		const target = this.#space.integers(this.#entries, this.#longest * batch.length);
		let length = 0;
		for (let i = 0; i < batch.length; i++) {
			const row = batch[i] as number;
			const list = entries.subarray(starts[row], starts[row + 1]);
			target.set(list, length);
			bounds[2 * i] = this.#entries + 4 * length;
			length += list.length;
			bounds[2 * i + 1] = this.#entries + 4 * length;
		}
		const [base, from] = [this.#space.floats(this.#base, outputBytes / 4), this.#space.floats(bias, outputBytes / 4)];
		base.fill(0);
		if (background !== 0) this.#kernels.sumRows(weights, inputs, outputBytes, this.#base);
		for (let c = 0; c < base.length; c++) base[c] = (from[c] as number) + background * (base[c] as number);
		this.#kernels.fillRows(this.#base, outputBytes, gives, batch.length);
		this.#kernels.gather(gives, outputBytes, weights, this.#bounds, batch.length);
	}

	/** The mean loss; its gradients replace the logits. */
	#loss(batch: Uint32Array): number {
		const { gives, errors, outputs: k, outputBytes } = this.#layers.at(-1) as Place;
		const logits = this.#space.floats(gives, (batch.length * outputBytes) / 4);
		const gradients = this.#space.floats(errors, logits.length);
		let loss = 0;
		for (let i = 0; i < batch.length; i++) {
			const row = (i * outputBytes) / 4;
			const label = this.#rows.label[batch[i] as number] as number;
			let largest = logits[row] as number;
			for (let c = 1; c < k; c++) largest = Math.max(largest, logits[row + c] as number);
			let sum = 0;
			for (let c = 0; c < k; c++) sum += gradients[row + c] = Math.exp((logits[row + c] as number) - largest);
			loss += largest + Math.log(sum) - (logits[row + label] as number);
			const factor = 1 / (sum * batch.length);
			for (let c = 0; c < k; c++) (gradients[row + c] as number) *= factor;
			(gradients[row + label] as number) -= 1 / batch.length;
		}
		return loss / batch.length;
	}

	/** Sends errors through a layer to the one before, and takes its step. */
	#back(l: number, count: number): void {
		const { rate, momentum, weightDecay } = this.#settings;
		const place = this.#layers[l] as Place;
		const { inputs, outputs, inputBytes, outputBytes, weights, velocity, bias, biasVelocity, errors } = place;
		const before = this.#layers[l - 1];
		const sparse = l === 0 ? this.#sparse : undefined;
		const right = { address: errors, stride: outputBytes, transposed: false };
		if (sparse) this.#kernels.scatter(errors, outputBytes, velocity, this.#bounds, count);
		else {
			const left = { address: place.given, stride: inputBytes, transposed: true };
			this.#add({ left, right, result: { address: velocity, stride: outputBytes }, rows: inputs, columns: outputs, inner: count });
		}
		if (before) {
			this.#add({
				left: right,
				right: { address: weights, stride: outputBytes, transposed: true },
				result: { address: before.errors, stride: inputBytes },
				rows: count,
				columns: inputs,
				inner: outputs,
				fresh: true,
			});
			this.#kernels.mask(before.errors, before.errors + count * inputBytes, before.mask);
		}
		let shift = this.#zeros;
		if (sparse && sparse.background !== 0) {
			shift = this.#shift;
			const sum = this.#space.floats(shift, outputBytes / 4);
			sum.fill(0);
			this.#kernels.sumRows(errors, count, outputBytes, shift);
			for (let c = 0; c < sum.length; c++) (sum[c] as number) *= sparse.background;
		}
		this.#kernels.sumRows(errors, count, outputBytes, biasVelocity);
		this.#kernels.descend(weights, velocity, inputs, outputBytes, shift, rate, momentum, weightDecay);
		this.#kernels.descend(bias, biasVelocity, 1, outputBytes, this.#zeros, rate, momentum, weightDecay);
	}

	#add(product: Omit<PlacedProduct, "packed" | "size" | "fresh"> & { readonly fresh?: boolean }): void {
		accumulate(this.#products, { fresh: false, ...product, packed: this.#packed, size: 4 });
	}
}

/** Words of the longest row. */
function longest(rows: SparseRows | undefined): number {
	return rows?.starts.reduce((most, start, row) => Math.max(most, start - (rows.starts[row - 1] ?? 0)), 0) ?? 0;
}
