/** The exact kernels on tensors of a device. */
import type { IntegerKernels } from "../backend.ts";
import { EXPONENTIALS, LOGIT_BOUND } from "../reference/integers.ts";
import { checkShape, productShape, type Tensor, WIDTH } from "../tensor.ts";
import type { Device } from "./device.ts";
import { INTEGER_STEP, NORMALISE, REQUANTISE_BYTES, REQUANTISE_WORDS, SOFTMAX_ERRORS, SOFTMAX_ROWS } from "./integer-kernels.ts";
import { THREADS } from "./kernel.ts";
import { patchKernels } from "./patches.ts";
import { product } from "./products.ts";
import { LARGEST, sumRows } from "./reductions.ts";
import type { Tensors } from "./tensors.ts";

export function integerKernels(device: Device, tensors: Tensors): IntegerKernels {
	const exponentials = device.upload(new Uint8Array(EXPONENTIALS.buffer));
	/** Kernels do not look at an operand that is not given; any memory stands for it. */
	const optional = (tensor: Tensor | undefined) => tensor && tensors.memoryOf(tensor);

	return {
		...patchKernels(device, tensors),
		product(left, right, transposed = {}) {
			const shape = productShape(left, right, transposed);
			const factor = (tensor: Tensor) => ({ memory: tensors.memoryOf(tensor), element: tensor.element });
			const { tensor, memory } = tensors.create("i32", shape.rows, shape.columns);
			product(device, factor(left), factor(right), shape, transposed, memory);
			return tensor;
		},
		requantise(z, bias, shift, { element, low, high }) {
			if (bias) checkShape("requantise: bias", bias, { rows: 1, columns: z.columns });
			const given = tensors.memoryOf(z);
			const added = optional(bias);
			const { tensor, memory } = tensors.create(element, z.rows, z.columns);
			const [kernel, values] = WIDTH[element] === 1 ? [REQUANTISE_BYTES, 4] : [REQUANTISE_WORDS, 1];
			device.run(
				kernel,
				{ z: given, bias: added ?? given, result: memory },
				{ biased: bias ? 1 : 0, columns: z.columns, shift, low, high, length: Math.ceil((z.rows * z.columns) / values) },
			);
			return tensor;
		},
		softmaxErrors(logits, bias, shift, labels) {
			if (bias) checkShape("softmaxErrors: bias", bias, { rows: 1, columns: logits.columns });
			checkShape("softmaxErrors: labels", labels, { rows: logits.rows, columns: 1 });
			const { rows: count, columns } = logits;
			const [given, added, own] = [tensors.memoryOf(logits), optional(bias), tensors.memoryOf(labels)];
			const { tensor, memory } = tensors.create("i8", count, columns);
			const [z, rows] = [device.allocate(4 * count * columns), device.allocate(8 * count)];
			device.run(
				REQUANTISE_WORDS,
				{ z: given, bias: added ?? given, result: z },
				{ biased: bias ? 1 : 0, columns, shift, low: -LOGIT_BOUND, high: LOGIT_BOUND, length: count * columns },
			);
			device.run(SOFTMAX_ROWS, { z, exponentials, rows }, { columns, length: count });
			const length = Math.ceil((count * columns) / 4);
			device.run(SOFTMAX_ERRORS, { z, exponentials, rows, labels: own, errors: memory }, { columns, count: count * columns, length });
			device.free(z);
			device.free(rows);
			return tensor;
		},
		normalise(z, mask) {
			if (mask) checkShape("normalise: mask", mask, { rows: z.rows, columns: z.columns });
			const [given, by] = [tensors.memoryOf(z), optional(mask)];
			const count = z.rows * z.columns;
			const [values, exponent] = [tensors.create("i8", z.rows, z.columns), tensors.create("i32", 1, 1)];
			const largest = device.allocate(4);
			device.clear(largest);
			const masked = mask ? 1 : 0;
			const words = Math.ceil(count / 4);
			device.run(LARGEST, { z: given, mask: by ?? given, largest }, { count, masked }, Math.ceil(words / THREADS));
			// At least one thread, for the exponent.
			device.run(
				NORMALISE,
				{ z: given, mask: by ?? given, largest, result: values.memory, exponents: exponent.memory },
				{ masked, length: Math.max(1, words) },
			);
			device.free(largest);
			return { values: values.tensor, exponent: exponent.tensor };
		},
		columnSums(values) {
			const given = tensors.memoryOf(values);
			const { tensor, memory } = tensors.create("i32", 1, values.columns);
			sumRows(device, "i8", given, values.rows, values.columns, memory);
			return tensor;
		},
		step({ master, velocity }, gradient, exponents, { rate, momentum, bound }) {
			checkShape("step: velocity", velocity, master);
			checkShape("step: gradient", gradient, master);
			const memories = { master: tensors.memoryOf(master), velocity: tensors.memoryOf(velocity), gradient: tensors.memoryOf(gradient) };
			const factors = exponents.map((exponent) => tensors.memoryOf(exponent));
			const all = device.allocate(4 * factors.length);
			factors.forEach((factor, at) => {
				device.copy(factor, 0, all, 4 * at, 4);
			});
			device.run(
				INTEGER_STEP,
				{ ...memories, exponents: all },
				{ rate, momentum, bound, factors: factors.length, length: master.rows * master.columns },
			);
			device.free(all);
		},
	};
}
