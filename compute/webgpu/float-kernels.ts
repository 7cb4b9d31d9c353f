/** The kernels in single precision between products, in WGSL: see reference/floats.ts for what they mean. */
import { BYTES, eachOf, type Kernel } from "./kernel.ts";

export const AFFINE: Kernel<"z" | "bias" | "result", "length" | "columns" | "relu"> = eachOf({
	name: "affine",
	bindings: { z: "read f32", bias: "read f32", result: "read_write f32" },
	params: { columns: "u32", relu: "u32" },
	body: /* wgsl */ `
	let sum = z[i] + bias[i % params.columns];
	// Not max: NaN goes on to the loss, where it is seen.
	result[i] = select(sum, 0.0, params.relu == 1u && sum < 0.0);`,
});

export const MASK: Kernel<"values" | "mask" | "result", "length"> = eachOf({
	name: "mask",
	bindings: { values: "read f32", mask: "read f32", result: "read_write f32" },
	params: {},
	body: "result[i] = select(0.0, values[i], mask[i] > 0.0);",
});

/** (h . h' + 1) (e . e') from the two products, in place of the second. */
export const GHOST: Kernel<"inputs" | "result", "length"> = eachOf({
	name: "ghost",
	bindings: { inputs: "read f32", result: "read_write f32" },
	params: {},
	body: "result[i] = (inputs[i] + 1.0) * result[i];",
});

/** `logSumExp(first)` of the row of logits that begins there. */
const LOG_SUM_EXP = /* wgsl */ `
fn logSumExp(first: u32) -> f32 {
	var largest = logits[first];
	for (var c = 1u; c < params.columns; c++) { largest = max(largest, logits[first + c]); }
	var sum = 0.0;
	for (var c = 0u; c < params.columns; c++) { sum += exp(logits[first + c] - largest); }
	return largest + log(sum);
}`;

type LossKernel = Kernel<"logits" | "labels" | "losses" | "errors", "length" | "columns">;
const LOSS = {
	bindings: { logits: "read f32", labels: "read u32", losses: "read_write f32", errors: "read_write f32" },
	params: { columns: "u32" },
} as const;

/** A row a thread, as the following. */
export const CROSS_ENTROPY: LossKernel = eachOf({
	...LOSS,
	name: "softmax cross-entropy",
	declarations: BYTES + LOG_SUM_EXP,
	body: /* wgsl */ `
	let first = i * params.columns;
	let label = u32(unsignedByte(labels[i >> 2u], i));
	let total = logSumExp(first);
	for (var c = 0u; c < params.columns; c++) { errors[first + c] = exp(logits[first + c] - total) - select(0.0, 1.0, c == label); }
	losses[i] = total - logits[first + label];`,
});

export const SQUARED_LOSS: LossKernel = eachOf({
	...LOSS,
	name: "squared loss",
	declarations: BYTES,
	body: /* wgsl */ `
	let first = i * params.columns;
	let label = u32(unsignedByte(labels[i >> 2u], i));
	var sum = 0.0;
	for (var c = 0u; c < params.columns; c++) {
		let error = logits[first + c] - select(0.0, 1.0, c == label);
		errors[first + c] = error;
		sum += error * error;
	}
	losses[i] = sum / 2.0;`,
});

export const SOFTMAX_TANGENT: Kernel<"logits" | "direction" | "result", "length" | "columns"> = eachOf({
	name: "tangent of softmax",
	bindings: { logits: "read f32", direction: "read f32", result: "read_write f32" },
	params: { columns: "u32" },
	declarations: LOG_SUM_EXP,
	body: /* wgsl */ `
	let first = i * params.columns;
	let total = logSumExp(first);
	var mean = 0.0;
	for (var c = 0u; c < params.columns; c++) { mean += exp(logits[first + c] - total) * direction[first + c]; }
	for (var c = 0u; c < params.columns; c++) {
		result[first + c] = exp(logits[first + c] - total) * (direction[first + c] - mean);
	}`,
});

const GRADIENT = "let g = params.scale * gradient[i] + params.weightDecay * values[i];";

export const SGD: Kernel<"values" | "gradient", "length" | "scale" | "weightDecay" | "rate"> = eachOf({
	name: "step of SGD",
	bindings: { values: "read_write f32", gradient: "read f32" },
	params: { scale: "f32", weightDecay: "f32", rate: "f32" },
	body: `${GRADIENT}\nvalues[i] -= params.rate * g;`,
});

export const MOMENTUM: Kernel<"values" | "first" | "gradient", "length" | "scale" | "weightDecay" | "rate" | "momentum"> = eachOf({
	name: "step of momentum",
	bindings: { values: "read_write f32", first: "read_write f32", gradient: "read f32" },
	params: { scale: "f32", weightDecay: "f32", rate: "f32", momentum: "f32" },
	body: `${GRADIENT}
	let moment = params.momentum * first[i] + g;
	first[i] = moment;
	values[i] -= params.rate * moment;`,
});

/** `rise1` and `rise2` are 1 - beta, `unbias1` and `unbias2` 1 / (1 - beta^time): small differences, taken in double precision. */
export const ADAM: Kernel<
	"values" | "first" | "second" | "gradient",
	"length" | "scale" | "weightDecay" | "rate" | "beta1" | "rise1" | "unbias1" | "beta2" | "rise2" | "unbias2" | "epsilon"
> = eachOf({
	name: "step of Adam",
	bindings: { values: "read_write f32", first: "read_write f32", second: "read_write f32", gradient: "read f32" },
	params: {
		scale: "f32",
		weightDecay: "f32",
		rate: "f32",
		beta1: "f32",
		rise1: "f32",
		unbias1: "f32",
		beta2: "f32",
		rise2: "f32",
		unbias2: "f32",
		epsilon: "f32",
	},
	body: `${GRADIENT}
	let one = params.beta1 * first[i] + params.rise1 * g;
	let two = params.beta2 * second[i] + params.rise2 * g * g;
	first[i] = one;
	second[i] = two;
	values[i] -= params.rate * one * params.unbias1 / (sqrt(two * params.unbias2) + params.epsilon);`,
});
