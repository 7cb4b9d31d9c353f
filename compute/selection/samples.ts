/** Kernels that are measured, each at a small, a medium and a large shape. */
import type { Backend } from "../backend.ts";
import type { Geometry } from "../geometry.ts";
import { generator } from "../random.ts";
import { arrayOf, type Byte, type Element, type Tensor } from "../tensor.ts";

/** A kernel with its operands in place. */
export interface Prepared {
	readonly operands: readonly Tensor[];
	/** @returns what to wait for: a fresh tensor, or an operand that was changed */
	run(): Tensor | Promise<unknown>;
}

/** A kernel at one shape. */
export interface Sample {
	readonly shape: string;
	/** Multiplications, or values where there are none. */
	readonly work: number;
	prepare(backend: Backend): Prepared;
}

const GEOMETRY: Geometry = { height: 28, width: 28, channels: 1, kernel: 3, stride: 1, padding: 1 };
const PIXELS = GEOMETRY.height * GEOMETRY.width;
const SIDES = [64, 256, 1024];
const LENGTHS = [2 ** 12, 2 ** 16, 2 ** 20];
const BATCHES = [64, 512, 4096];

/** Values anywhere in the range of bytes; floats in [-1, 1). */
function tensor<E extends Element>(backend: Backend, element: E, rows: number, columns: number): Tensor<E> {
	const random = generator(1n);
	const values = arrayOf<Element>(element, rows * columns);
	for (let at = 0; at < values.length; at++)
		values[at] = element === "f32" ? random() / 2 ** 31 - 1 : (random() >>> 24) - (element === "u8" ? 0 : 128);
	return backend.upload<Element>(element, values, rows, columns) as Tensor<E>;
}

const labels = (backend: Backend, rows: number) =>
	backend.upload(
		"u8",
		Uint8Array.from({ length: rows }, (_, row) => row % 10),
		rows,
		1,
	);

const bytes = (length: number, below = 256) => {
	const random = generator(2n);
	return Uint8Array.from({ length }, () => random() % below);
};

const square =
	(element: Byte | "f32") =>
	(side: number): Sample => ({
		shape: `${side} x ${side} x ${side}`,
		work: side ** 3,
		prepare(backend) {
			const kernels: { product(left: Tensor, right: Tensor, transposed: { right: true }): Tensor } =
				element === "f32" ? (backend.floats as never) : (backend.integers as never);
			const operands = [tensor(backend, element, side, side), tensor(backend, element, side, side)] as const;
			return { operands, run: () => kernels.product(...operands, { right: true }) };
		},
	});

/** Kernels that take a value after the other. */
const elementwise =
	(make: (backend: Backend, rows: number, columns: number) => Prepared) =>
	(length: number): Sample => {
		const columns = 64;
		const rows = length / columns;
		return { shape: `${rows} x ${columns}`, work: length, prepare: (backend) => make(backend, rows, columns) };
	};

const images =
	(element: Byte | "f32") =>
	(count: number): Sample => ({
		shape: `${count} images of 28 x 28, kernel 3`,
		work: count * PIXELS * 9,
		prepare(backend) {
			const kernels: { patches(images: Tensor, geometry: Geometry): Tensor } =
				element === "f32" ? (backend.floats as never) : (backend.integers as never);
			const operand = tensor(backend, element, count, PIXELS);
			return { operands: [operand], run: () => kernels.patches(operand, GEOMETRY) };
		},
	});

/** By their names in the interface of backends. */
export const SAMPLES: Readonly<Record<string, readonly Sample[]>> = {
	statistics: [
		[512, 65],
		[2048, 257],
		[8192, 785],
	].map(([count, d]) => sampleOfStatistics(count as number, d as number)),
	nearest: [
		[500, 64],
		[2000, 256],
		[10000, 784],
	].map(([rows, columns]) => sampleOfNearest(rows as number, columns as number)),
	"integers.product": SIDES.map(square("i8")),
	"integers.requantise": LENGTHS.map(
		elementwise((backend, rows, columns) => {
			const operands = [tensor(backend, "i32", rows, columns), tensor(backend, "i32", 1, columns)] as const;
			return { operands, run: () => backend.integers.requantise(...operands, 7, { element: "i8", low: 0, high: 127 }) };
		}),
	),
	"integers.step": LENGTHS.map(
		elementwise((backend, rows, columns) => {
			const [master, velocity, gradient] = [1, 2, 3].map(() => tensor(backend, "i32", rows, columns)) as [
				Tensor<"i32">,
				Tensor<"i32">,
				Tensor<"i32">,
			];
			const rule = { rate: 8, momentum: 3, bound: 2 ** 23 };
			return {
				operands: [master, velocity, gradient],
				run() {
					backend.integers.step({ master, velocity }, gradient, [], rule);
					return master;
				},
			};
		}),
	),
	"integers.patches": BATCHES.map(images("i8")),
	"floats.product": SIDES.map(square("f32")),
	"floats.affine": LENGTHS.map(
		elementwise((backend, rows, columns) => {
			const operands = [tensor(backend, "f32", rows, columns), tensor(backend, "f32", 1, columns)] as const;
			return { operands, run: () => backend.floats.affine(...operands, true) };
		}),
	),
	"floats.crossEntropy": BATCHES.map((rows) => ({
		shape: `${rows} x 10`,
		work: rows * 10,
		prepare(backend) {
			const operands = [tensor(backend, "f32", rows, 10), labels(backend, rows)] as const;
			return {
				operands,
				run() {
					const { losses, errors } = backend.floats.crossEntropy(...operands);
					backend.release(errors);
					return losses;
				},
			};
		},
	})),
	"floats.step": LENGTHS.map(
		elementwise((backend, rows, columns) => {
			const [values, first, gradient] = [1, 2, 3].map(() => tensor(backend, "f32", rows, columns)) as [
				Tensor<"f32">,
				Tensor<"f32">,
				Tensor<"f32">,
			];
			const second = backend.upload("f32", new Float32Array(rows * columns), rows, columns);
			const rule = { kind: "adam", rate: 1e-3, weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, time: 1 } as const;
			return {
				operands: [values, first, second, gradient],
				run() {
					backend.floats.step({ values, first, second }, gradient, 1, rule);
					return values;
				},
			};
		}),
	),
	"floats.ghost": [64, 256, 1024].map((rows) => ({
		shape: `${rows} x ${rows} examples, layer of 785 x 128`,
		work: rows ** 2 * (784 + 128),
		prepare(backend) {
			const [inputs, errors] = [tensor(backend, "f32", rows, 784), tensor(backend, "f32", rows, 128)];
			return { operands: [inputs, errors], run: () => backend.floats.ghost({ inputs, errors }, { inputs, errors }) };
		},
	})),
	"floats.patches": BATCHES.map(images("f32")),
};

function sampleOfStatistics(count: number, d: number): Sample {
	return {
		shape: `${count} x ${d}, 10 classes`,
		work: count * d * d,
		prepare(backend) {
			const rows = { x: bytes(count * d), label: bytes(count, 10), weight: new Uint8Array(count).fill(1), count };
			return { operands: [], run: () => backend.statistics(rows, d, 10) };
		},
	};
}

function sampleOfNearest(rows: number, columns: number): Sample {
	const queries = 100;
	return {
		shape: `${queries} queries, ${rows} x ${columns}`,
		work: queries * rows * columns,
		prepare(backend) {
			const [train, test] = [
				{ values: bytes(rows * columns), rows, columns },
				{ values: bytes(queries * columns), rows: queries, columns },
			];
			return { operands: [], run: () => backend.nearest(train, test, 5) };
		},
	};
}
