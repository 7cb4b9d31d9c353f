/** The moments of a step in single precision. */
import type { FloatRule, FloatState } from "./backend.ts";
import { DataError } from "./errors.ts";
import { checkShape, type Tensor } from "./tensor.ts";

/**
 * Those moments that a rule moves, each of the shape of the values.
 * @throws {DataError} SHAPE_MISMATCH
 */
export function momentsOf({ values, first, second }: FloatState, kind: FloatRule["kind"]): Tensor<"f32">[] {
	const needed = { sgd: 0, momentum: 1, adam: 2 }[kind];
	return [first, second].slice(0, needed).map((moment, i) => {
		if (!moment) {
			throw new DataError("SHAPE_MISMATCH", `step: expected ${needed} moments for ${kind}, got ${i}`, "Keep moments beside the values.");
		}
		checkShape("step: moment", moment, values);
		return moment;
	});
}
