/** How a network of bytes is trained: what its masters begin with, how they move, and which sizes keep sums in 32 bits. */
import { type Architecture, layerShapes } from "../architecture.ts";
import { DataError } from "../errors.ts";
import { patchesOf } from "../geometry.ts";
import { type IntegerArchitecture, MASTER_BITS } from "../integer-network.ts";
import { below, generator } from "../random.ts";
import { mostTerms } from "../tensor.ts";
import type { StateTensor } from "./learner.ts";
import { weightSeed } from "./rows.ts";

/** First weights are in [-32, 32]. */
const FIRST = 32;

/** How masters move. */
export interface IntegerRecipe {
	readonly architecture: IntegerArchitecture;
	/** Rate shift of each layer's weights, in [0, 62]; one more halves the step. */
	readonly rates: readonly number[];
	/** A velocity keeps 1 - 2^-momentum; in [0, 15], 0 keeps nothing. */
	readonly momentum: number;
	/** Epochs (from 0) from which on steps are halved, each once more. */
	readonly halvings: readonly number[];
	readonly batch: number;
}

/**
 * Rate shifts that move the network as one of floats is moved by SGD of a rate on mean gradients, up to a factor of sqrt(2).
 *
 * Let bytes stand for floats by powers of two: the input is 2^8 x, what hidden layers give 2^5 h (so 1 where bytes are about the middle of
 * their range), logits 2^4 nat. With a_l these exponents, W = 2^(shift_l + a_l - a_(l-1)) w; the chain rule and 127ths give
 *
 *     rate_l = log2(127 2^4 n / rate) + 2 (a_(l-1) - a_l) - shift_l + shift_(l+1) + ... + shift_L
 *
 * and for what is unstable otherwise, by experiment (docs/training.md), 4 more for a convolution and 2 more for a dense layer between hidden ones.
 *
 * @param rate - of SGD, above 0
 * @param batch - n
 */
export function rateShifts({ shifts, ...architecture }: IntegerArchitecture, rate: number, batch: number): number[] {
	const shapes = layerShapes(architecture);
	const top = shifts.length - 1;
	const exponents = [8, ...shifts.map((_, l) => (l === top ? 4 : 5))];
	const base = Math.log2((127 * 2 ** 4 * batch) / rate);
	return shifts.map((shift, l) => {
		const after = shifts.slice(l + 1).reduce((sum, one) => sum + one, 0);
		const scale = 2 * ((exponents[l] as number) - (exponents[l + 1] as number)) - shift + after;
		const slower = shapes[l]?.geometry ? 4 : l > 0 && l < top ? 2 : 0;
		return Math.min(62, Math.max(0, Math.round(base + scale + slower)));
	});
}

/** First masters: weights uniform in [-32, 32], no bias. */
export function firstMasters(architecture: Architecture, seed: bigint): StateTensor<"i32">[] {
	const next = generator(weightSeed(seed));
	return layerShapes(architecture).flatMap(({ inputs, outputs }, l) => {
		const zeros = (name: string, rows: number, values = new Int32Array(rows * outputs)) =>
			({ name: `layers.${l}.${name}`, element: "i32", rows, columns: outputs, values }) as const;
		const weights = Int32Array.from({ length: inputs * outputs }, () => (below(next, 2 * FIRST + 1) - FIRST) * 2 ** MASTER_BITS);
		return [zeros("weights", inputs, weights), zeros("bias", 1), zeros("weights.velocity", inputs), zeros("bias.velocity", 1)];
	});
}

/**
 * Refuse a batch whose sums could leave 32 bits.
 * @throws {DataError} SUM_TOO_LARGE, naming the layer
 */
export function checkSums(architecture: Architecture, batch: number): void {
	layerShapes(architecture).forEach(({ geometry, inputs, outputs, features }, l) => {
		const places = features / outputs;
		const terms = [
			["values of a row or patch", inputs, mostTerms(l === 0 ? "u8" : "i8", "i8")],
			["rows of a batch times places", batch * places, mostTerms(l === 0 ? "u8" : "i8", "i8")],
			["outputs times taps", outputs * (geometry ? patchesOf(geometry).values / geometry.channels : 1), mostTerms("i8", "i8")],
		] as const;
		for (const [what, count, most] of terms) {
			if (count <= most) continue;
			throw new DataError(
				"SUM_TOO_LARGE",
				`train: layer ${l}: expected at most ${most} ${what}, got ${count}`,
				"Choose a smaller batch, a larger stride, or fewer values.",
			);
		}
	});
}
