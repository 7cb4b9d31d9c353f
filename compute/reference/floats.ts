/** The kernels in single precision over typed arrays, by their definitions: sums in double precision, results rounded once. */
import type { FloatRule } from "../backend.ts";

/** z + bias in each row, then ReLU. */
export function affine(z: Float32Array, bias: Float32Array, relu: boolean): Float32Array {
	const [result, columns] = [new Float32Array(z.length), bias.length];
	for (let start = 0; start < z.length; start += columns) {
		for (let c = 0; c < columns; c++) {
			const sum = (z[start + c] as number) + (bias[c] as number);
			// Not Math.max: NaN goes on to the loss, where it is seen.
			result[start + c] = relu && sum < 0 ? 0 : sum;
		}
	}
	return result;
}

export function mask(values: Float32Array, by: Float32Array): Float32Array {
	const result = new Float32Array(values.length);
	for (let i = 0; i < values.length; i++) result[i] = (by[i] as number) > 0 ? (values[i] as number) : 0;
	return result;
}

export function columnSums(values: Float32Array, columns: number): Float32Array {
	const sums = new Float64Array(columns);
	for (let i = 0; i < values.length; i++) (sums[i % columns] as number) += values[i] as number;
	return Float32Array.from(sums);
}

/** Softmax cross-entropy. */
export function crossEntropy(logits: Float32Array, labels: Uint8Array): { losses: Float32Array; errors: Float32Array } {
	const k = logits.length / labels.length;
	const errors = new Float32Array(logits.length);
	const losses = Float32Array.from(labels, (label, row) => {
		const z = logits.subarray(row * k, (row + 1) * k);
		const total = logSumExp(z);
		for (let c = 0; c < k; c++) errors[row * k + c] = Math.exp((z[c] as number) - total) - (c === label ? 1 : 0);
		return total - (z[label] as number);
	});
	return { losses, errors };
}

/** Half the squared distance from the one-hot label. */
export function squaredLoss(logits: Float32Array, labels: Uint8Array): { losses: Float32Array; errors: Float32Array } {
	const k = logits.length / labels.length;
	const errors = logits.map((value, i) => value - (labels[Math.floor(i / k)] === i % k ? 1 : 0));
	const losses = Float32Array.from(labels, (_, row) => {
		let sum = 0;
		for (let c = 0; c < k; c++) sum += (errors[row * k + c] as number) ** 2;
		return sum / 2;
	});
	return { losses, errors };
}

/** p (u - p . u) of each row of k. */
export function softmaxTangent(logits: Float32Array, direction: Float32Array, k: number): Float32Array {
	const result = new Float32Array(logits.length);
	for (let from = 0; from < logits.length; from += k) {
		const z = logits.subarray(from, from + k);
		const total = logSumExp(z);
		let mean = 0;
		for (let c = 0; c < k; c++) mean += Math.exp((z[c] as number) - total) * (direction[from + c] as number);
		for (let c = 0; c < k; c++) result[from + c] = Math.exp((z[c] as number) - total) * ((direction[from + c] as number) - mean);
	}
	return result;
}

/** Moves parameters and their moments in place. */
export function step(values: Float32Array, moments: readonly Float32Array[], gradient: Float32Array, scale: number, rule: FloatRule): void {
	const [first, second] = moments as [Float32Array, Float32Array];
	for (let i = 0; i < values.length; i++) {
		const value = values[i] as number;
		const g = scale * (gradient[i] as number) + rule.weightDecay * value;
		if (rule.kind === "sgd") values[i] = value - rule.rate * g;
		else if (rule.kind === "momentum") {
			first[i] = rule.momentum * (first[i] as number) + g;
			values[i] = value - rule.rate * (first[i] as number);
		} else {
			const { beta1, beta2, epsilon, time, rate } = rule;
			first[i] = beta1 * (first[i] as number) + (1 - beta1) * g;
			second[i] = beta2 * (second[i] as number) + (1 - beta2) * g * g;
			const mean = (first[i] as number) / (1 - beta1 ** time);
			values[i] = value - (rate * mean) / (Math.sqrt((second[i] as number) / (1 - beta2 ** time)) + epsilon);
		}
	}
}

/** (h . h' + 1) (e . e') from the two products. */
export function ghost(inputs: Float32Array, errors: Float32Array): Float32Array {
	return inputs.map((value, i) => (value + 1) * (errors[i] as number));
}

function logSumExp(z: Float32Array): number {
	let largest = z[0] as number;
	for (let c = 1; c < z.length; c++) if (!((z[c] as number) <= largest)) largest = z[c] as number;
	let sum = 0;
	for (let c = 0; c < z.length; c++) sum += Math.exp((z[c] as number) - largest);
	return largest + Math.log(sum);
}
