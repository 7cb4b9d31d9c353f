/**
 * Influence functions with an eigenvalue-corrected Kronecker approximation of the curvature, averaged over networks:
 *
 *     score_ij = mean over networks of grad l_j^T (F + damping)^-1 grad l_i
 *
 * with the Fisher information F of kronecker.ts, layer by layer, and the gradients of the loss. With other seeds, or checkpoints of one
 * training, as networks their mean orders better than one. Source: Grosse et al., "Studying Large Language Model Generalization with
 * Influence Functions" (2023), 2.2 and 3.1; the damping there is 0.1 of the mean eigenvalue.
 */
import { DataError } from "../../compute/errors.ts";
import type { Matrix } from "../../compute/matrix.ts";
import { type FloatRows, gradients, type LayerGradients, type Network } from "../../compute/training/network.ts";
import type { Control, Method, Pairs } from "../method.ts";
import { checkNetworks } from "./checkpoints.ts";
import { pause, rowRange } from "./ghost.ts";
import { addProducts, basisMaker, filtered, type KroneckerBasis, type RotatedRows, rotate, rotateRows, writeOut } from "./kronecker.ts";
import { meanOverTests } from "./mean.ts";
import { checkRows } from "./rows.ts";

export interface EkfacParameters {
	/** At least 1, of the same sizes. */
	readonly networks: readonly Network[];
	/** As a multiple of the mean eigenvalue of each layer, above 0; 10 by default, chosen on MNIST (0.1 in the paper). */
	readonly damping?: number;
}

/** Test examples whose gradients are written out at once. */
export const TESTS = 64;

/**
 * EK-FAC influence. `cache` decomposes two matrices per layer and network, `pairs` takes n x tests x parameters multiplications per
 * network.
 * @throws {DataError} from the factory: TOO_FEW_ROWS without a network, SHAPE_MISMATCH, DIVERGED, PARAMETER_OUT_OF_RANGE; from `cache` and
 *   `pairs`: TOO_FEW_ROWS, VALUE_NOT_NUMERIC, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, the signal's reason
 *
 * @example
 * const { scores } = await (await ekfacMethod({ networks: [network] }).cache(rows)).pairs(test);
 */
export function ekfacMethod(parameters: EkfacParameters): Method<FloatRows, FloatRows> {
	const { damping = 10 } = parameters;
	const networks = checkNetworks(parameters.networks, "ekfac");
	if (!(damping > 0 && Number.isFinite(damping))) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`ekfac: damping: expected a finite number above 0, got ${damping}`,
			"Choose another damping.",
		);
	}
	return {
		name: "ekfac",
		async cache(train, control = {}) {
			const n = checkRows(train, "ekfac").x.rows;
			const basisOf = basisMaker(train);
			const sides: { network: Network; layers: { basis: KroneckerBasis; rows: RotatedRows; filter: Float32Array }[] }[] = [];
			for (const network of networks) {
				const bases = await basisOf([network], control);
				const own = gradients(network, train);
				const layers = bases.map((basis, l) => ({
					basis,
					rows: rotateRows(own[l] as LayerGradients, basis),
					filter: inverse(basis.eigenvalues, damping).map((value) => value / networks.length),
				}));
				sides.push({ network, layers });
				control.progress?.(sides.length, networks.length);
			}
			const pairs = async (test: FloatRows, own: Control = {}): Promise<Pairs> => {
				const tests = checkRows(test, "ekfac").x.rows;
				const scores = { values: new Float32Array(n * tests), rows: n, columns: tests };
				for (const [done, { network, layers }] of sides.entries()) {
					const right = gradients(network, test);
					for (const [l, { basis, rows, filter }] of layers.entries()) {
						for (let start = 0; start < tests; start += TESTS) {
							await pause(own);
							const block = testBlock(right[l] as LayerGradients, start);
							addProducts(scores, rows, filtered(rotate(writeOut(block), basis), filter), start);
						}
					}
					own.progress?.(done + 1, sides.length);
				}
				return {
					scores: scores.values,
					entries: n,
					tests,
					unit: "loss of the test example (nats) per n-th part of the weight of a row",
					positive: "lowers the test loss",
				};
			};
			return { pairs, attribute: async (test, own) => meanOverTests(await pairs(test, own)) };
		},
	};
}

/** The gradients of up to `TESTS` examples from one on. */
export function testBlock({ inputs, errors }: LayerGradients, start: number): LayerGradients {
	const end = Math.min(start + TESTS, inputs.rows);
	return { inputs: rowRange(inputs, start, end), errors: rowRange(errors, start, end) };
}

/** 1 / (Lambda + damping mean Lambda); 0 for a layer that nothing depends on. */
function inverse({ values }: Matrix<Float32Array>, damping: number): Float32Array {
	const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
	return values.map((value) => (mean > 0 ? 1 / (value + damping * mean) : 0));
}
