/**
 * Where numbers are made: the one interface over all executors of the kernels. Plain TypeScript (reference), SIMD (wasm), a GPU (webgpu) and
 * gpu.js stand behind it.
 *
 * Kernels take and give tensors, which stay where the backend keeps them. A kernel returns at once; what a device has to say (it is lost, its
 * memory is full) comes with the next `download`, the one that waits. Kernels of integers have one meaning, written down here and in
 * reference/, and give the same bytes on every backend. Kernels of floats round as their device does.
 */
import type { Rows } from "../circuits/statistics.ts";
import type { Geometry } from "./geometry.ts";
import type { Transposed } from "./matrix.ts";
import type { ByteMatrix, Neighbours } from "./neighbours.ts";
import type { Statistics } from "./statistics.ts";
import type { Arrays, Byte, Element, Tensor } from "./tensor.ts";

export type BackendName = "reference" | "wasm" | "webgpu" | "gpujs";

/** What a backend runs on. */
export interface Adapter {
	/** For people: the device as its driver names it, or the engine. */
	readonly device: string;
	/** Driver and its version, as far as it says. */
	readonly driver: string;
	/** A processor that plays a GPU (llvmpipe, lavapipe, SwiftShader), or no GPU at all. */
	readonly software: boolean;
}

/** What one call may ask for; a caller shards larger jobs. */
export interface Limits {
	/** The most bytes of rows in one call of `statistics`. */
	readonly rowBytes: number;
	/** The most features d. */
	readonly features: number;
	/** The most bytes of one tensor. */
	readonly tensorBytes: number;
}

export interface Backend {
	/** Stable name, for manifests and reports. */
	readonly name: BackendName;
	readonly adapter: Adapter;
	readonly limits: Limits;
	readonly integers: IntegerKernels;
	readonly floats: FloatKernels;

	/**
	 * Values as a tensor, copied.
	 * @throws {DataError} SHAPE_MISMATCH; TENSOR_TOO_LARGE above `limits.tensorBytes`; BACKEND_CLOSED
	 */
	upload<E extends Element>(element: E, values: Arrays[E], rows: number, columns: number): Tensor<E>;
	/**
	 * The values of a tensor, when everything before is done.
	 * @throws {DataError} DEVICE_LOST, OUT_OF_DEVICE_MEMORY, DEVICE_ERROR, BACKEND_CLOSED
	 */
	download<E extends Element>(tensor: Tensor<E>): Promise<Arrays[E]>;
	/** Rows of a tensor by number, each below its rows; a row may come more than once. */
	gather<E extends Element>(tensor: Tensor<E>, rows: Uint32Array): Tensor<E>;
	/** The same values in another shape of the same size, and the same memory: released once. */
	reshape<E extends Element>(tensor: Tensor<E>, rows: number, columns: number): Tensor<E>;
	/** Frees tensors, which must not be used again. Leaving this out costs memory only. */
	release(...tensors: readonly Tensor[]): void;

	/**
	 * Exact weighted Gram statistics, equal to `statisticsOf` in circuits/statistics.ts.
	 * @param rows - count x d bytes with labels below k and weights; unchanged until the job is done
	 * @param signal - ends the job as soon as the backend can, with the signal's reason
	 * @throws {DataError} those of `checkRows`; DEVICE_LOST, OUT_OF_DEVICE_MEMORY; BACKEND_CLOSED after `close`, in mid-job too
	 */
	statistics(rows: Rows, d: number, k: number, signal?: AbortSignal): Promise<Statistics>;
	/**
	 * The nearest training rows of each test row by squared Euclidean distance, exact; of equally near ones the lower index first.
	 * @param count - how many, in [1, training rows]
	 * @throws {DataError} NEIGHBOURS_OUT_OF_RANGE, SHAPE_MISMATCH, TOO_MANY_FEATURES; and as `statistics`
	 */
	nearest(train: ByteMatrix, test: ByteMatrix, count: number, signal?: AbortSignal): Promise<Neighbours>;

	/** Free the device. Idempotent. */
	close(): Promise<void>;
}

/** What `requantise` gives: elements and their range, inside that of the element. */
export interface Range<E extends Byte | "i32" = Byte | "i32"> {
	readonly element: E;
	readonly low: number;
	readonly high: number;
}

/** A tensor of bytes times 2^exponent. */
export interface Scaled {
	/** i8 in [-127, 127]. */
	readonly values: Tensor<"i8">;
	/** 1 x 1, at least 0. */
	readonly exponent: Tensor<"i32">;
}

/** How `step` moves integer parameters. All shifts round half up: x / 2^s is floor((x + 2^(s - 1)) / 2^s), and x itself for s = 0. */
export interface IntegerRule {
	/** The gradient is divided by 2^(rate - exponents); in [0, 62]. */
	readonly rate: number;
	/** A velocity keeps 1 - 2^-momentum of itself; 0 keeps nothing. In [0, 15]. */
	readonly momentum: number;
	/** Parameters stay in [-bound, bound]; in [1, 2^30]. */
	readonly bound: number;
}

/** Parameters that integer training moves; `step` changes both in place. */
export interface IntegerState {
	readonly master: Tensor<"i32">;
	/** Of the same shape; 0 at the beginning. */
	readonly velocity: Tensor<"i32">;
}

/** Gradients and velocities are held in [-2^26, 2^26]. */
export const VELOCITY_BOUND = 2 ** 26;

/**
 * Exact kernels. Sums of 32-bit integers wrap around modulo 2^32; the limits of shapes (`mostTerms`) keep products away from it.
 * All throw SHAPE_MISMATCH for shapes that do not go together and BACKEND_CLOSED after `close`.
 */
export interface IntegerKernels {
	/** A B, or with factors transposed. @throws {DataError} SUM_TOO_LARGE above `mostTerms` */
	product(left: Tensor<Byte>, right: Tensor<Byte>, transposed?: Transposed): Tensor<"i32">;
	/**
	 * clamp((z + bias) / 2^shift, low, high), rounded half up.
	 * @param bias - 1 x columns, added to each row; nothing if undefined
	 * @param shift - in [0, 31]
	 */
	requantise<E extends Byte | "i32">(z: Tensor<"i32">, bias: Tensor<"i32"> | undefined, shift: number, range: Range<E>): Tensor<E>;
	/**
	 * Errors of softmax cross-entropy in 127ths: floor((127 t_c + floor(T / 2)) / T) - 127 [c = label], where t_c is EXPONENTIALS[min(255,
	 * zmax - z_c)], T their sum, and z = (logits + bias) / 2^shift, rounded half up: so a unit of z is 1/16 nat.
	 * @param labels - n x 1 below the columns, which are at most 256
	 */
	softmaxErrors(logits: Tensor<"i32">, bias: Tensor<"i32"> | undefined, shift: number, labels: Tensor<"u8">): Tensor<"i8">;
	/**
	 * z / 2^r by the smallest exponent r that brings all magnitudes to at most 127 before rounding up: max(0, bits(max |z|) - 7); what rounds
	 * to 128 is 127.
	 * @param mask - of the same shape: values count as 0 where it is not above 0
	 */
	normalise(z: Tensor<"i32">, mask?: Tensor<"i8">): Scaled;
	/** 1 x columns: the sum of each column. */
	columnSums(values: Tensor<"i8">): Tensor<"i32">;
	/**
	 * g = gradient / 2^(rate - sum of exponents), multiplied where that is below 0, held in the bound of velocities;
	 * velocity = velocity - velocity / 2^momentum + g, held in it too; master = master - velocity, held in the rule's bound.
	 * @param exponents - 1 x 1 each; those that the gradient's factors were divided by
	 */
	step(state: IntegerState, gradient: Tensor<"i32">, exponents: readonly Tensor<"i32">[], rule: IntegerRule): void;
	/** n x (height width channels) to (n places) x (kernel kernel channels), zeros outside the image. */
	patches<E extends Byte>(images: Tensor<E>, geometry: Geometry): Tensor<E>;
	/** The transpose of `patches`: each value of a patch is added to where it came from. n x (height width channels). */
	unpatches(patches: Tensor<"i32">, geometry: Geometry): Tensor<"i32">;
}

/** How `step` moves parameters. Source: PyTorch's SGD and Adam. */
export type FloatRule =
	| { readonly kind: "sgd"; readonly rate: number; readonly weightDecay: number }
	| { readonly kind: "momentum"; readonly rate: number; readonly weightDecay: number; readonly momentum: number }
	| {
			readonly kind: "adam";
			readonly rate: number;
			readonly weightDecay: number;
			readonly beta1: number;
			readonly beta2: number;
			readonly epsilon: number;
			/** Number of this step, from 1. */
			readonly time: number;
	  };

/** Parameters that training moves; `step` changes all in place. Moments have the shape of the values and begin at 0. */
export interface FloatState {
	readonly values: Tensor<"f32">;
	/** Velocity of momentum, first moment of Adam; unused by sgd. */
	readonly first: Tensor<"f32"> | undefined;
	/** Second moment of Adam. */
	readonly second: Tensor<"f32"> | undefined;
}

/** Losses of examples and what they send back. */
export interface Losses {
	/** n x 1. */
	readonly losses: Tensor<"f32">;
	/** n x k: the gradient of each example's own loss with respect to its logits. */
	readonly errors: Tensor<"f32">;
}

/** The two factors of every example's gradient in one layer; see training/network.ts. */
export interface GhostFactors {
	/** n x inputs. */
	readonly inputs: Tensor<"f32">;
	/** n x outputs. */
	readonly errors: Tensor<"f32">;
}

/** Kernels in single precision: as exact as the device is. All throw SHAPE_MISMATCH and BACKEND_CLOSED. */
export interface FloatKernels {
	/** A B, or with factors transposed. */
	product(left: Tensor<"f32">, right: Tensor<"f32">, transposed?: Transposed): Tensor<"f32">;
	/** z + bias in each row, then max(0, .) if `relu`. @param bias - 1 x columns */
	affine(z: Tensor<"f32">, bias: Tensor<"f32">, relu: boolean): Tensor<"f32">;
	/** Values where the mask, of the same shape, is above 0; 0 elsewhere. */
	mask(values: Tensor<"f32">, mask: Tensor<"f32">): Tensor<"f32">;
	/** 1 x columns. */
	columnSums(values: Tensor<"f32">): Tensor<"f32">;
	/** log sum exp z - z_label in nats, and softmax - onehot. @param labels - n x 1 below k */
	crossEntropy(logits: Tensor<"f32">, labels: Tensor<"u8">): Losses;
	/** |z - onehot|^2 / 2, and z - onehot. */
	squaredLoss(logits: Tensor<"f32">, labels: Tensor<"u8">): Losses;
	/** The Jacobian of softmax at the logits times `direction`, row by row: p (u - p . u). What Hessian-vector products are made of. */
	softmaxTangent(logits: Tensor<"f32">, direction: Tensor<"f32">): Tensor<"f32">;
	/**
	 * g = scale gradient + weightDecay values, then the rule.
	 * @param scale - 1 / n makes a sum over examples their mean
	 */
	step(state: FloatState, gradient: Tensor<"f32">, scale: number, rule: FloatRule): void;
	/** left rows x right rows: inner products of per-example gradients, (h . h' + 1) (e . e'), which are never materialised. */
	ghost(left: GhostFactors, right: GhostFactors): Tensor<"f32">;
	/** As those of the integers. */
	patches(images: Tensor<"f32">, geometry: Geometry): Tensor<"f32">;
	unpatches(patches: Tensor<"f32">, geometry: Geometry): Tensor<"f32">;
}
