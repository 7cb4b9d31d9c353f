/** The kernels in single precision on tensors of a device. */
import type { FloatKernels, Losses } from "../backend.ts";
import { momentsOf } from "../moments.ts";
import { checkShape, productShape, type Tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { ADAM, AFFINE, CROSS_ENTROPY, GHOST, MASK, MOMENTUM, SGD, SOFTMAX_TANGENT, SQUARED_LOSS } from "./float-kernels.ts";
import type { Memory } from "./memory.ts";
import { patchKernels } from "./patches.ts";
import { product } from "./products.ts";
import { sumRows } from "./reductions.ts";
import type { Tensors } from "./tensors.ts";

export function floatKernels(device: Device, tensors: Tensors): FloatKernels {
	const sizeOf = ({ rows, columns }: Tensor) => rows * columns;

	const kernels: FloatKernels = {
		...patchKernels(device, tensors),
		product(left, right, transposed = {}) {
			const shape = productShape(left, right, transposed);
			const factor = (tensor: Tensor) => ({ memory: tensors.memoryOf(tensor), element: tensor.element });
			const { tensor, memory } = tensors.create("f32", shape.rows, shape.columns);
			product(device, factor(left), factor(right), shape, transposed, memory);
			return tensor;
		},
		affine(z, bias, relu) {
			checkShape("affine: bias", bias, { rows: 1, columns: z.columns });
			const given = { z: tensors.memoryOf(z), bias: tensors.memoryOf(bias) };
			const { tensor, memory } = tensors.create("f32", z.rows, z.columns);
			device.run(AFFINE, { ...given, result: memory }, { columns: z.columns, relu: relu ? 1 : 0, length: sizeOf(z) });
			return tensor;
		},
		mask(values, by) {
			checkShape("mask", by, values);
			const given = { values: tensors.memoryOf(values), mask: tensors.memoryOf(by) };
			const { tensor, memory } = tensors.create("f32", values.rows, values.columns);
			device.run(MASK, { ...given, result: memory }, { length: sizeOf(values) });
			return tensor;
		},
		columnSums(values) {
			const given = tensors.memoryOf(values);
			const { tensor, memory } = tensors.create("f32", 1, values.columns);
			sumRows(device, "f32", given, values.rows, values.columns, memory);
			return tensor;
		},
		crossEntropy: (logits, labels) => losses(logits, labels, CROSS_ENTROPY),
		squaredLoss: (logits, labels) => losses(logits, labels, SQUARED_LOSS),
		softmaxTangent(logits, direction) {
			checkShape("softmaxTangent: direction", direction, logits);
			const given = { logits: tensors.memoryOf(logits), direction: tensors.memoryOf(direction) };
			const { tensor, memory } = tensors.create("f32", logits.rows, logits.columns);
			device.run(SOFTMAX_TANGENT, { ...given, result: memory }, { columns: logits.columns, length: logits.rows });
			return tensor;
		},
		step(state, gradient, scale, rule) {
			checkShape("step: gradient", gradient, state.values);
			const [first, second] = momentsOf(state, rule.kind).map((moment) => tensors.memoryOf(moment)) as [Memory, Memory];
			const memories = { values: tensors.memoryOf(state.values), gradient: tensors.memoryOf(gradient) };
			const { rate, weightDecay } = rule;
			const common = { scale, weightDecay, rate, length: sizeOf(gradient) };
			if (rule.kind === "sgd") device.run(SGD, memories, common);
			else if (rule.kind === "momentum") device.run(MOMENTUM, { ...memories, first }, { ...common, momentum: rule.momentum });
			else {
				const { beta1, beta2, epsilon, time } = rule;
				const [rise1, rise2, unbias1, unbias2] = [1 - beta1, 1 - beta2, 1 / (1 - beta1 ** time), 1 / (1 - beta2 ** time)];
				device.run(ADAM, { ...memories, first, second }, { ...common, beta1, rise1, unbias1, beta2, rise2, unbias2, epsilon });
			}
		},
		ghost(left, right) {
			checkShape("ghost: errors", left.errors, { rows: left.inputs.rows });
			checkShape("ghost: errors", right.errors, { rows: right.inputs.rows });
			const inputs = kernels.product(left.inputs, right.inputs, { right: true });
			const result = kernels.product(left.errors, right.errors, { right: true });
			device.run(GHOST, { inputs: tensors.memoryOf(inputs), result: tensors.memoryOf(result) }, { length: sizeOf(result) });
			tensors.release(inputs);
			return result;
		},
	};
	return kernels;

	function losses(logits: Tensor<"f32">, labels: Tensor<"u8">, kernel: typeof CROSS_ENTROPY): Losses {
		checkShape("loss: labels", labels, { rows: logits.rows, columns: 1 });
		const given = { logits: tensors.memoryOf(logits), labels: tensors.memoryOf(labels) };
		const [own, errors] = [tensors.create("f32", logits.rows, 1), tensors.create("f32", logits.rows, logits.columns)];
		device.run(kernel, { ...given, losses: own.memory, errors: errors.memory }, { columns: logits.columns, length: logits.rows });
		return { losses: own.tensor, errors: errors.tensor };
	}
}
