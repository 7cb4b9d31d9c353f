/**
 * SOURCE: influence through the training itself. A training is cut into segments whose gradient and curvature are held to be constant (the
 * mean of their checkpoints); a row's pull on the weights in a segment then lives on through the later ones as far as their curvature lets
 * it:
 *
 *     score_ij = sum over segments s of grad l_j^T  e^(-t_S H_S) ... e^(-t_(s+1) H_(s+1))  (1 - e^(-t_s H_s)) H_s^-1  grad l_i
 *
 * with grad l_j at the end and t_s the sum of the step lengths of segment s, divided by 1 - momentum. Unlike influence functions it needs
 * neither a converged training nor a damping. H is the Fisher information of kronecker.ts. Source: Bae et al., "Training Data Attribution
 * via Approximate Unrolled Differentiation" (2024), section 3.
 */
import { DataError } from "../../compute/errors.ts";
import { type FloatRows, gradients, type LayerGradients } from "../../compute/training/network.ts";
import type { Checkpoint } from "../../compute/training/train.ts";
import type { Control, Method, Pairs } from "../method.ts";
import { checkCheckpoints } from "./checkpoints.ts";
import { TESTS, testBlock } from "./ekfac.ts";
import { pause } from "./ghost.ts";
import { addProducts, basisMaker, filtered, type KroneckerBasis, type RotatedRows, rotate, rotateRows, writeOut } from "./kronecker.ts";
import { meanOverTests } from "./mean.ts";
import { checkRows } from "./rows.ts";

export interface SourceParameters {
	/** Of one training, the earliest first; the last is its end. */
	readonly checkpoints: readonly Checkpoint[];
	/** In how many parts they are cut: as equal as can be, at most one per checkpoint; 3 by default, or fewer for fewer checkpoints. */
	readonly segments?: number;
	/** Steps of an epoch: rows / batch, rounded up. */
	readonly stepsPerEpoch: number;
	/** Of the training, in [0, 1); 0 by default. */
	readonly momentum?: number;
}

interface Segment {
	/** t_s. */
	readonly time: number;
	readonly points: readonly Checkpoint[];
}

interface SegmentSide {
	readonly bases: readonly KroneckerBasis[];
	/** For each checkpoint and layer. */
	readonly rows: readonly RotatedRows[][];
	/** (1 - e^(-t Lambda)) / Lambda, divided by the number of checkpoints, for each layer. */
	readonly pull: readonly Float32Array[];
	/** e^(-t Lambda) for each layer. */
	readonly survival: readonly Float32Array[];
}

/**
 * SOURCE. Costs `ekfac` for each checkpoint, and memory for the training side of each.
 * @throws {DataError} from the factory: CHECKPOINT_ORDER, SHAPE_MISMATCH, DIVERGED, PARAMETER_OUT_OF_RANGE; from `cache` and `pairs`:
 *   TOO_FEW_ROWS, VALUE_NOT_NUMERIC, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, the signal's reason
 *
 * @example
 * const { checkpoints } = await train(rows, 10, { ...options, batch: 64, checkpoints: [8, 17, 25, 33, 42, 50] });
 * const method = sourceMethod({ checkpoints, segments: 3, stepsPerEpoch: Math.ceil(rows.label.length / 64), momentum: 0.9 });
 */
export function sourceMethod(parameters: SourceParameters): Method<FloatRows, FloatRows> {
	const checkpoints = checkCheckpoints(parameters.checkpoints, "source");
	const segments = cut(checkpoints, parameters);
	return {
		name: "source",
		async cache(train, control = {}) {
			const n = checkRows(train, "source").x.rows;
			const basisOf = basisMaker(train);
			const sides: SegmentSide[] = [];
			for (const { time, points } of segments) {
				const bases = await basisOf(
					points.map(({ network }) => network),
					control,
				);
				const rows = points.map(({ network }) => {
					const own = gradients(network, train);
					return bases.map((basis, l) => rotateRows(own[l] as LayerGradients, basis));
				});
				const over = (f: (eigenvalue: number) => number) => bases.map(({ eigenvalues }) => eigenvalues.values.map(f));
				const pull = over((value) => (time * value < 1e-6 ? time : -Math.expm1(-time * value) / value) / points.length);
				sides.push({ bases, rows, pull, survival: over((value) => Math.exp(-time * value)) });
				control.progress?.(sides.length, segments.length);
			}
			const last = (checkpoints.at(-1) as Checkpoint).network;
			const pairs = async (test: FloatRows, own: Control = {}): Promise<Pairs> => {
				const tests = checkRows(test, "source").x.rows;
				const scores = { values: new Float32Array(n * tests), rows: n, columns: tests };
				const right = gradients(last, test);
				for (let start = 0; start < tests; start += TESTS) {
					for (const [l, layer] of right.entries()) {
						let written = writeOut(testBlock(layer, start));
						for (let s = sides.length - 1; s >= 0; s--) {
							await pause(own);
							const { bases, rows, pull, survival } = sides[s] as SegmentSide;
							const basis = bases[l] as KroneckerBasis;
							const rotated = rotate(written, basis);
							const pulled = filtered(rotated, pull[l] as Float32Array);
							for (const point of rows) addProducts(scores, point[l] as RotatedRows, pulled, start);
							if (s > 0) written = rotate(filtered(rotated, survival[l] as Float32Array), basis, true);
						}
					}
					own.progress?.(Math.min(start + TESTS, tests), tests);
				}
				return {
					scores: scores.values,
					entries: n,
					tests,
					unit: "loss of the test example (nats) per n-th part of the weight of a row in training",
					positive: "lowers the test loss",
				};
			};
			return { pairs, attribute: async (test, own) => meanOverTests(await pairs(test, own)) };
		},
	};
}

/** Checkpoints in segments; each lasts from the end of the one before to its own last checkpoint. */
function cut(checkpoints: readonly Checkpoint[], parameters: SourceParameters): Segment[] {
	const { stepsPerEpoch, momentum = 0 } = parameters;
	const { segments = Math.min(3, checkpoints.length) } = parameters;
	const checks = [
		[
			"segments",
			segments,
			`an integer in [1, ${checkpoints.length}]`,
			Number.isInteger(segments) && segments >= 1 && segments <= checkpoints.length,
		],
		["stepsPerEpoch", stepsPerEpoch, "an integer of at least 1", Number.isInteger(stepsPerEpoch) && stepsPerEpoch >= 1],
		["momentum", momentum, "a number in [0, 1)", momentum >= 0 && momentum < 1],
	] as const;
	for (const [name, value, range, holds] of checks) {
		if (holds) continue;
		throw new DataError("PARAMETER_OUT_OF_RANGE", `source: ${name}: expected ${range}, got ${value}`, `Choose another ${name}.`);
	}
	let from = 0;
	return Array.from({ length: segments }, (_, s) => {
		const place = (border: number) => Math.round((border * checkpoints.length) / segments);
		const points = checkpoints.slice(place(s), place(s + 1));
		const end = (points.at(-1) as Checkpoint).epoch;
		const rate = points.reduce((sum, point) => sum + point.rate, 0) / points.length;
		const time = ((end - from) * stepsPerEpoch * rate) / (1 - momentum);
		from = end;
		return { time, points };
	});
}
