/** What tests of Hessians share: networks in float64 by their definition, one connection after the other. */
import { type Architecture, type LayerShape, layerShapes } from "../architecture.ts";
import { matrix } from "../matrix.ts";
import { below, type Generator, generator } from "../random.ts";
import type { FloatRows, Layer } from "../training/network.ts";

/** A connection: output += weight times input, by their positions. */
type Tap = readonly [output: number, weight: number, input: number];

function tapsOf({ geometry, inputs, outputs }: LayerShape): Tap[] {
	const taps: Tap[] = [];
	if (geometry === undefined) {
		for (let i = 0; i < inputs; i++) for (let j = 0; j < outputs; j++) taps.push([j, i * outputs + j, i]);
		return taps;
	}
	const { height, width, channels, kernel, stride, padding } = geometry;
	let place = 0;
	for (let top = -padding; top + kernel <= height + padding; top += stride) {
		for (let left = -padding; left + kernel <= width + padding; left += stride, place++) {
			for (let i = 0; i < inputs; i++) {
				const [tap, c] = [Math.floor(i / channels), i % channels];
				const [y, x] = [top + Math.floor(tap / kernel), left + (tap % kernel)];
				if (y < 0 || x < 0 || y >= height || x >= width) continue;
				for (let j = 0; j < outputs; j++) taps.push([place * outputs + j, i * outputs + j, (y * width + x) * channels + c]);
			}
		}
	}
	return taps;
}

/** A network in float64: parameters layer by layer, weights and then bias. */
export class Definition {
	readonly #shapes: readonly LayerShape[];
	readonly #taps: readonly Tap[][];
	readonly #rows: FloatRows;
	readonly parameters: number;

	constructor(architecture: Architecture, rows: FloatRows) {
		this.#shapes = layerShapes(architecture);
		this.#taps = this.#shapes.map(tapsOf);
		this.#rows = rows;
		this.parameters = this.#shapes.reduce((sum, { inputs, outputs }) => sum + (inputs + 1) * outputs, 0);
	}

	/** What each layer gives for a row, and the row itself first. */
	#forward(parameters: Float64Array, row: number): Float64Array[] {
		const { x } = this.#rows;
		const values = [Float64Array.from(x.values.subarray(row * x.columns, (row + 1) * x.columns))];
		let start = 0;
		this.#shapes.forEach(({ inputs, outputs, features }, l) => {
			const bias = start + inputs * outputs;
			const z = Float64Array.from({ length: features }, (_, at) => parameters[bias + (at % outputs)] as number);
			for (const [to, weight, from] of this.#taps[l] as Tap[]) {
				z[to] = (z[to] as number) + (parameters[start + weight] as number) * ((values[l] as Float64Array)[from] as number);
			}
			values.push(l < this.#shapes.length - 1 ? z.map((value) => Math.max(0, value)) : z);
			start = bias + outputs;
		});
		return values;
	}

	logits(parameters: Float64Array, row: number): Float64Array {
		return this.#forward(parameters, row).at(-1) as Float64Array;
	}

	/** The gradient of the mean cross-entropy; of one row's if it is given. */
	gradient(parameters: Float64Array, only?: number): Float64Array {
		const { label, x } = this.#rows;
		const rows = only === undefined ? Array.from({ length: x.rows }, (_, row) => row) : [only];
		const total = new Float64Array(this.parameters);
		for (const row of rows) {
			const values = this.#forward(parameters, row);
			let errors = softmax(values.at(-1) as Float64Array).map((p, c) => p - (c === label[row] ? 1 : 0));
			let start = this.parameters;
			for (let l = this.#shapes.length - 1; l >= 0; l--) {
				const { inputs, outputs } = this.#shapes[l] as LayerShape;
				const given = values[l] as Float64Array;
				start -= (inputs + 1) * outputs;
				errors.forEach((error, at) => {
					const place = start + inputs * outputs + (at % outputs);
					total[place] = (total[place] as number) + error / rows.length;
				});
				const below = new Float64Array(given.length);
				for (const [to, weight, from] of this.#taps[l] as Tap[]) {
					total[start + weight] = (total[start + weight] as number) + ((errors[to] as number) * (given[from] as number)) / rows.length;
					below[from] = (below[from] as number) + (errors[to] as number) * (parameters[start + weight] as number);
				}
				errors = below.map((error, at) => ((given[at] as number) > 0 ? error : 0));
			}
		}
		return total;
	}

	/** H v by differences of gradients. */
	hessianProduct(parameters: Float64Array, v: Float64Array): Float64Array {
		const [up, down] = [1e-6, -1e-6].map((step) => this.gradient(parameters.map((value, i) => value + step * (v[i] as number))));
		return (up as Float64Array).map((value, i) => (value - ((down as Float64Array)[i] as number)) / 2e-6);
	}

	/** The Gauss-Newton matrix, parameters x parameters: the mean of J^T (diag p - p p^T) J, with J by differences of logits. */
	gaussNewton(parameters: Float64Array): Float64Array {
		const size = this.parameters;
		const n = this.#rows.x.rows;
		const result = new Float64Array(size * size);
		for (let row = 0; row < n; row++) {
			const p = softmax(this.logits(parameters, row));
			const jacobian = Array.from({ length: size }, (_, i) => {
				const [up, down] = [1e-6, -1e-6].map((step) => this.logits(parameters.with(i, (parameters[i] as number) + step), row));
				return (up as Float64Array).map((value, c) => (value - ((down as Float64Array)[c] as number)) / 2e-6);
			});
			for (let i = 0; i < size; i++) {
				const own = jacobian[i] as Float64Array;
				const mean = own.reduce((sum, value, c) => sum + (p[c] as number) * value, 0);
				for (let j = 0; j < size; j++) {
					const other = jacobian[j] as Float64Array;
					const sum = own.reduce((all, value, c) => all + (p[c] as number) * (value - mean) * (other[c] as number), 0);
					result[i * size + j] = (result[i * size + j] as number) + sum / n;
				}
			}
		}
		return result;
	}
}

export function softmax(z: Float64Array): Float64Array {
	const largest = Math.max(...z);
	const weights = z.map((value) => Math.exp(value - largest));
	const total = weights.reduce((sum, value) => sum + value, 0);
	return weights.map((value) => value / total);
}

/** Uniform in (-size, size). */
export function draw(next: Generator, size = 1): number {
	return size * ((2 * (next() + 0.5)) / 2 ** 32 - 1);
}

/** Random layers, their parameters in one list, and random rows. */
export function randomNetwork(
	architecture: Architecture,
	n: number,
	seed: bigint,
): { layers: Layer[]; parameters: Float64Array; rows: FloatRows } {
	const next = generator(seed);
	const shapes = layerShapes(architecture);
	const layers = shapes.map(({ inputs, outputs }) => ({
		weights: matrix(
			Float32Array.from({ length: inputs * outputs }, () => draw(next, 2 / Math.sqrt(inputs))),
			inputs,
			outputs,
		),
		bias: Float32Array.from({ length: outputs }, () => draw(next)),
	}));
	const { height, width, channels } = architecture.input;
	const d = height * width * channels;
	const x = matrix(
		Float32Array.from({ length: n * d }, () => draw(next)),
		n,
		d,
	);
	const k = shapes.at(-1)?.outputs as number;
	const parameters = Float64Array.from(layers.flatMap(({ weights, bias }) => [...weights.values, ...bias]));
	return { layers, parameters, rows: { x, label: Uint8Array.from({ length: n }, () => below(next, k)) } };
}

/** The largest difference, in units of the largest expected value. */
export function farthest(values: ArrayLike<number>, expected: ArrayLike<number>): number {
	let [most, size] = [values.length === expected.length ? 0 : Infinity, 0];
	for (let i = 0; i < expected.length; i++) {
		most = Math.max(most, Math.abs((values[i] as number) - (expected[i] as number)));
		size = Math.max(size, Math.abs(expected[i] as number));
	}
	return most / size;
}
