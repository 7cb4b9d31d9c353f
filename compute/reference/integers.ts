/**
 * The exact kernels over typed arrays: what they mean, in the plainest way. Every backend's are held against these bit for bit, and these
 * against bigints. Shapes are checked by whoever calls (see host.ts).
 */
import { type IntegerRule, VELOCITY_BOUND } from "../backend.ts";
import { type Geometry, patchesOf } from "../geometry.ts";
import type { Transposed } from "../matrix.ts";
import type { ProductShape } from "../tensor.ts";

/** e^(-i / 16) in units of 2^-15, rounded: a softmax of integers. */
export const EXPONENTIALS: Int32Array = Int32Array.from({ length: 256 }, (_, i) => Math.round(2 ** 15 * Math.exp(-i / 16)));

/** Logits of softmax are held in [-2^24, 2^24], where differences stay far from 2^31. */
export const LOGIT_BOUND = 2 ** 24;

/** x / 2^shift, rounded half up, for a 32-bit integer; 0 for shifts from 32 on. */
export function roundShift(x: number, shift: number): number {
	if (shift === 0) return x;
	return shift > 31 ? 0 : (x >> shift) + ((x >> (shift - 1)) & 1);
}

/** rows x columns sums of products of bytes. */
export function product(
	left: Uint8Array | Int8Array,
	right: Uint8Array | Int8Array,
	{ rows, inner, columns }: ProductShape,
	transposed: Transposed,
): Int32Array {
	const result = new Int32Array(rows * columns);
	const [rowStep, innerStep] = transposed.left ? [1, rows] : [inner, 1];
	for (let i = 0; i < rows; i++) {
		for (let j = 0; j < columns; j++) {
			const [start, step] = transposed.right ? [j * inner, 1] : [j, columns];
			let sum = 0;
			for (let l = 0; l < inner; l++) sum += (left[i * rowStep + l * innerStep] as number) * (right[start + l * step] as number);
			result[i * columns + j] = sum;
		}
	}
	return result;
}

/** clamp((z + bias) / 2^shift, low, high) into `result`. */
export function requantise(
	z: Int32Array,
	bias: Int32Array | undefined,
	shift: number,
	[low, high]: readonly [number, number],
	result: Int8Array | Uint8Array | Int32Array,
): void {
	const columns = bias?.length ?? z.length;
	for (let start = 0; start < z.length; start += columns) {
		for (let c = 0; c < columns; c++) {
			const sum = ((z[start + c] as number) + (bias ? (bias[c] as number) : 0)) | 0;
			result[start + c] = clamp(roundShift(sum, shift), low, high);
		}
	}
}

/** Errors of softmax cross-entropy in 127ths. */
export function softmaxErrors(logits: Int32Array, bias: Int32Array | undefined, shift: number, labels: Uint8Array): Int8Array {
	const k = logits.length / labels.length;
	const errors = new Int8Array(logits.length);
	const z = new Int32Array(logits.length);
	requantise(logits, bias, shift, [-LOGIT_BOUND, LOGIT_BOUND], z);
	for (let row = 0; row < labels.length; row++) {
		const own = z.subarray(row * k, (row + 1) * k);
		const largest = own.reduce((max, value) => Math.max(max, value), -LOGIT_BOUND);
		const weights = own.map((value) => EXPONENTIALS[Math.min(255, largest - value)] as number);
		const total = weights.reduce((sum, weight) => sum + weight, 0);
		for (let c = 0; c < k; c++) {
			const share = Math.floor((127 * (weights[c] as number) + (total >> 1)) / total);
			errors[row * k + c] = share - (labels[row] === c ? 127 : 0);
		}
	}
	return errors;
}

/** Values as bytes times 2^exponent. */
export function normalise(z: Int32Array, mask: Int8Array | undefined): { values: Int8Array; exponent: number } {
	const kept = (i: number) => (mask && (mask[i] as number) <= 0 ? 0 : (z[i] as number));
	let largest = 0;
	for (let i = 0; i < z.length; i++) largest = Math.max(largest, Math.abs(kept(i)));
	const exponent = Math.max(0, 32 - Math.clz32(largest) - 7);
	// A loop, not `Int8Array.from` with a function, which takes seven times as long.
	const values = new Int8Array(z.length);
	for (let i = 0; i < z.length; i++) values[i] = clamp(roundShift(kept(i), exponent), -127, 127);
	return { values, exponent };
}

/** The sum of each column. */
export function columnSums(values: Int8Array, columns: number): Int32Array {
	const sums = new Int32Array(columns);
	for (let i = 0; i < values.length; i++) (sums[i % columns] as number) += values[i] as number;
	return sums;
}

/** Moves parameters and velocities in place. @param exponent - the sum of what the gradient's factors were divided by */
export function step(master: Int32Array, velocity: Int32Array, gradient: Int32Array, exponent: number, rule: IntegerRule): void {
	const shift = rule.rate - exponent;
	for (let i = 0; i < master.length; i++) {
		const v = velocity[i] as number;
		const moved = v - roundShift(v, rule.momentum) + scaled(gradient[i] as number, shift);
		velocity[i] = clamp(moved, -VELOCITY_BOUND, VELOCITY_BOUND);
		master[i] = clamp((master[i] as number) - (velocity[i] as number), -rule.bound, rule.bound);
	}
}

/** x / 2^shift, or x 2^-shift, in the bound of velocities. */
function scaled(x: number, shift: number): number {
	const value = shift >= 0 ? roundShift(x, shift) : x * 2 ** -shift;
	return clamp(value, -VELOCITY_BOUND, VELOCITY_BOUND);
}

/** Patches of images, zeros outside. */
export function patches<T extends Uint8Array | Int8Array | Float32Array>(images: T, count: number, geometry: Geometry): T {
	const { places, values } = patchesOf(geometry);
	const result = new (images.constructor as new (length: number) => T)(count * places * values);
	eachTap(count, geometry, (image, patch) => {
		result[patch] = images[image] as number;
	});
	return result;
}

/** Values of patches added to where they came from. */
export function unpatches<T extends Int32Array | Float32Array>(values: T, count: number, geometry: Geometry): T {
	const { height, width, channels } = geometry;
	const result = new (values.constructor as new (length: number) => T)(count * height * width * channels);
	eachTap(count, geometry, (image, patch) => {
		(result[image] as number) += values[patch] as number;
	});
	return result;
}

/** Calls for each value of each patch that lies in an image: its position there and among the patches, in ascending order of the latter. */
function eachTap(count: number, geometry: Geometry, visit: (image: number, patch: number) => void): void {
	const { height, width, channels, kernel, stride, padding } = geometry;
	const { outHeight, outWidth, values } = patchesOf(geometry);
	for (let n = 0, patch = 0; n < count; n++) {
		for (let place = 0; place < outHeight * outWidth; place++, patch += values) {
			const top = Math.floor(place / outWidth) * stride - padding;
			const left = (place % outWidth) * stride - padding;
			for (let tap = 0; tap < kernel * kernel; tap++) {
				const [y, x] = [top + Math.floor(tap / kernel), left + (tap % kernel)];
				if (y < 0 || y >= height || x < 0 || x >= width) continue;
				for (let c = 0; c < channels; c++) visit(((n * height + y) * width + x) * channels + c, patch + tap * channels + c);
			}
		}
	}
}

function clamp(value: number, low: number, high: number): number {
	return Math.min(high, Math.max(low, value));
}
