/**
 * Products with the Hessian, or the Gauss-Newton matrix, of a network's mean cross-entropy on a backend, plus ridge I.
 *
 * With z_l = h_(l-1) W_l + b_l, h_l = max(0, z_l) and e_l the gradient of a row's loss with respect to z_l, a direction (V_l, c_l) moves
 * everything by its derivative R{.}:
 *
 *     R{z_l} = h_(l-1) V_l + R{h_(l-1)} W_l + c_l          R{h_l} = R{z_l} where h_l > 0, R{h_0} = 0
 *     R{e_L} = J(z_L) R{z_L}                               R{e_(l-1)} = (R{e_l} W_l^T + e_l V_l^T) where h_(l-1) > 0
 *     H (V, c) = mean over rows of (h_(l-1)^T R{e_l} + R{h_(l-1)}^T e_l, R{e_l})
 *
 * The Gauss-Newton matrix leaves out what is multiplied by e: it has no negative curvature, so that conjugate gradients may solve with it.
 * A convolution is the product of its patches. Parameters are in the order layer by layer: weights (row-major), then bias.
 * Source: Pearlmutter, "Fast Exact Multiplication by the Hessian" (1994); Schraudolph, "Fast Curvature Matrix-Vector Products" (2002).
 */
import { type Architecture, inputsOf, type LayerShape, layerShapes } from "../architecture.ts";
import type { Backend } from "../backend.ts";
import { addTo, blockRows, blocksOf, pause, uploadRows } from "../blocks.ts";
import type { Matrix } from "../matrix.ts";
import type { Tensor } from "../tensor.ts";
import { checkFloatRows, type FloatRows, type Layer } from "../training/network.ts";
import { checkDirections, type HessianProduct, mismatch } from "./head.ts";

type Floats = Tensor<"f32">;

export interface NetworkHessianOptions {
	readonly architecture: Architecture;
	/** Of the architecture's sizes; the weights of a convolution are patch values x channels. */
	readonly layers: readonly Layer[];
	readonly rows: FloatRows;
	/** At least 0; on weights and biases. */
	readonly ridge: number;
	/** The Gauss-Newton matrix instead. */
	readonly gaussNewton?: boolean;
}

/** A layer's parameters, or a direction of them, on a backend. */
interface Parameters {
	readonly weights: Floats;
	readonly bias: Floats;
}

/** What the passes through a layer leave of a block of rows. */
interface Pass {
	/** What the product took: h, or its patches. */
	readonly inputs: Floats;
	/** n x features: h after ReLU; logits of the last layer. */
	readonly outputs: Floats;
	/** e, (n places) x outputs. */
	readonly errors: Floats;
}

/**
 * The Hessian of a network. Parameters stay on the backend until `close`; rows go there for each product.
 * @throws {DataError} SHAPE_MISMATCH, LABEL_OUT_OF_RANGE; PARAMETER_OUT_OF_RANGE for an architecture that is none
 */
export function networkHessian(backend: Backend, options: NetworkHessianOptions): HessianProduct {
	const { architecture, layers, rows, ridge, gaussNewton = false } = options;
	const { floats } = backend;
	const shapes = layerShapes(architecture);
	const top = shapes.length - 1;
	const { x, label } = rows;
	checkFloatRows(rows, shapes[top]?.outputs as number, "hessian");
	if (x.columns !== inputsOf(architecture) || x.rows === 0)
		throw mismatch(`expected rows of ${inputsOf(architecture)} values, got ${x.rows} x ${x.columns}`);
	shapes.forEach(({ inputs, outputs }, l) => {
		const { weights, bias } = layers[l] ?? { weights: { rows: 0, columns: 0 }, bias: [] };
		if (weights.rows === inputs && weights.columns === outputs && bias.length === outputs) return;
		throw mismatch(
			`layer ${l}: expected ${inputs} x ${outputs} weights, got ${weights.rows} x ${weights.columns} and ${bias.length} biases`,
		);
	});
	const parameters = shapes.reduce((sum, { inputs, outputs }) => sum + (inputs + 1) * outputs, 0);
	const own = layers.map(({ weights, bias }) => ({
		weights: uploadRows(backend, weights, 0, weights.rows),
		bias: backend.upload("f32", bias, 1, bias.length),
	}));
	const size = blockRows(backend, 4 * Math.max(...shapes.map(widest)));
	const blocks = blocksOf(x.rows, size);

	return {
		parameters,
		async product(v, control = {}) {
			checkDirections(v, parameters);
			const m = v.columns;
			const result = v.values.map((value) => ridge * value);
			for (const [b, [from, to]] of blocks.entries()) {
				const given = uploadRows(backend, x, from, to);
				const passes = pass(given, label.subarray(from, to));
				try {
					for (let j = 0; j < m; j++) {
						await pause(control);
						await addProduct(passes, v, j, result);
						control.progress?.(b * m + j + 1, blocks.length * m);
					}
				} finally {
					backend.release(...new Set([given, ...passes.flatMap(({ inputs, outputs, errors }) => [inputs, outputs, errors])]));
				}
			}
			return { values: result, rows: parameters, columns: m };
		},
		close: () => backend.release(...own.flatMap(({ weights, bias }) => [weights, bias])),
	};

	/** Adds the part of a block to column j of the product. */
	async function addProduct(passes: readonly Pass[], v: Matrix<Float64Array>, j: number, result: Float64Array): Promise<void> {
		const direction = directionOf(v, j);
		const gradients = tangent(passes, direction);
		backend.release(...direction.flatMap(({ weights, bias }) => [weights, bias]));
		let at = j;
		for (const gradient of gradients) {
			for (const value of await backend.download(gradient)) {
				(result[at] as number) += value / x.rows;
				at += v.columns;
			}
			backend.release(gradient);
		}
	}

	/** Forward and back for a block. */
	function pass(given: Floats, labels: Uint8Array): Pass[] {
		let h = given;
		const forward = own.map(({ weights, bias }, l) => {
			const { geometry, features } = shapes[l] as LayerShape;
			const inputs = geometry ? floats.patches(h, geometry) : h;
			const sums = floats.product(inputs, weights);
			h = backend.reshape(floats.affine(sums, bias, l < top), given.rows, features);
			backend.release(sums);
			return { inputs, outputs: h };
		});
		const right = backend.upload("u8", labels, labels.length, 1);
		const { losses, errors } = floats.crossEntropy(h, right);
		backend.release(right, losses);
		const all = [errors];
		for (let l = top; l > 0; l--) {
			const sums = floats.product(all[0] as Floats, (own[l] as Parameters).weights, { right: true });
			all.unshift(below(sums, l, (forward[l - 1] as Pass).outputs));
		}
		return forward.map((made, l) => ({ ...made, errors: all[l] as Floats }));
	}

	/** The derivatives of all gradients in a direction: for each layer those of the weights, then of the bias. */
	function tangent(passes: readonly Pass[], direction: readonly Parameters[]): Floats[] {
		// R of what each product takes; nothing for the first layer, whose input is given.
		const taken: (Floats | undefined)[] = [undefined];
		let moved: Floats | undefined;
		passes.forEach(({ inputs, outputs }, l) => {
			const sums = floats.product(inputs, (direction[l] as Parameters).weights);
			const before = taken[l];
			if (before) addTo(backend, sums, floats.product(before, (own[l] as Parameters).weights));
			moved = backend.reshape(floats.affine(sums, (direction[l] as Parameters).bias, false), outputs.rows, outputs.columns);
			backend.release(sums);
			if (l === top) return;
			const kept = floats.mask(moved, outputs);
			backend.release(moved);
			const { geometry } = shapes[l + 1] as LayerShape;
			taken.push(geometry ? floats.patches(kept, geometry) : kept);
			if (geometry) backend.release(kept);
		});
		let errors = floats.softmaxTangent((passes[top] as Pass).outputs, moved as Floats);
		backend.release(moved as Floats);
		const gradients: Floats[] = [];
		for (let l = top; l >= 0; l--) {
			const { inputs, errors: e } = passes[l] as Pass;
			const weights = floats.product(inputs, errors, { left: true });
			const before = taken[l];
			if (before && !gaussNewton) addTo(backend, weights, floats.product(before, e, { left: true }));
			gradients.unshift(weights, floats.columnSums(errors));
			if (before) backend.release(before);
			if (l > 0) {
				const sums = floats.product(errors, (own[l] as Parameters).weights, { right: true });
				if (!gaussNewton) addTo(backend, sums, floats.product(e, (direction[l] as Parameters).weights, { right: true }));
				backend.release(errors);
				errors = below(sums, l, (passes[l - 1] as Pass).outputs);
			}
		}
		backend.release(errors);
		return gradients;
	}

	/** From gradients with respect to what layer l takes to those at the sums of the layer below. Releases what it is given. */
	function below(sums: Floats, l: number, outputs: Floats): Floats {
		const { geometry } = shapes[l] as LayerShape;
		const { outputs: columns, features } = shapes[l - 1] as LayerShape;
		const images = geometry ? floats.unpatches(sums, geometry) : sums;
		const masked = floats.mask(images, outputs);
		backend.release(...new Set([sums, images]));
		return backend.reshape(masked, (outputs.rows * features) / columns, columns);
	}

	/** Column j of V, cut into layers. */
	function directionOf({ values, columns }: Matrix<Float64Array>, j: number): Parameters[] {
		let at = j;
		const take = (rows: number, width: number): Floats => {
			const part = new Float32Array(rows * width);
			for (let i = 0; i < part.length; i++, at += columns) part[i] = values[at] as number;
			return backend.upload("f32", part, rows, width);
		};
		return shapes.map(({ inputs, outputs }) => ({ weights: take(inputs, outputs), bias: take(1, outputs) }));
	}
}

/** Values of the widest tensor of a row: its patches, or what a layer gives. */
function widest({ geometry, inputs, outputs, features }: LayerShape): number {
	return Math.max(geometry === undefined ? inputs : (features / outputs) * inputs, features);
}
