/** The kernels that are measured, by shape. */
import type { Backend } from "../../compute/backend.ts";
import { type Geometry, patchesOf } from "../../compute/geometry.ts";
import type { Element, Tensor } from "../../compute/tensor.ts";

const [ROWS, INPUTS, OUTPUTS] = [10_000, 784, 128];
export const CLASSES = 10;
const IMAGES: Geometry = { height: 28, width: 28, channels: 1, kernel: 3, stride: 1, padding: 1 };
const COUNT = 1000;

/** Makes an operand of random values, or of zeros. */
export type Make = <E extends Element>(element: E, rows: number, columns: number, isZero?: boolean) => Tensor<E>;

export interface Kernel {
	readonly shape: string;
	/** Default: the values of what is made. */
	readonly operations?: number;
	/** That are read and written. Default: those of all operands and results. */
	readonly bytes?: number;
	/** @returns a call, and what it gives or changes */
	prepare(backend: Backend, make: Make): () => readonly Tensor[];
}

const products = ([rows, inner, columns]: readonly [number, number, number]) => ({
	shape: `${rows} x ${inner} x ${columns}`,
	operations: 2 * rows * inner * columns,
});
const SHAPES = [
	[ROWS, INPUTS, OUTPUTS],
	[1024, 1024, 1024],
] as const;
const table = `${ROWS} x ${OUTPUTS}`;
const logits = `${ROWS} x ${CLASSES}`;
const images = `${COUNT} images of 28 x 28, kernel 3`;

export const KERNELS: Readonly<Record<string, readonly Kernel[]>> = {
	"integers.product": [
		...SHAPES.map((shape) => ({
			...products(shape),
			prepare({ integers }: Backend, make: Make) {
				const [a, b] = [make("u8", shape[0], shape[1]), make("i8", shape[1], shape[2])];
				return () => [integers.product(a, b)];
			},
		})),
		{
			// The gradient of a layer.
			...products([INPUTS, 64, OUTPUTS]),
			prepare({ integers }, make) {
				const [a, b] = [make("i8", 64, INPUTS), make("i8", 64, OUTPUTS)];
				return () => [integers.product(a, b, { left: true })];
			},
		},
	],
	"integers.requantise": [
		{
			shape: table,
			prepare({ integers }, make) {
				const [z, bias] = [make("i32", ROWS, OUTPUTS), make("i32", 1, OUTPUTS)];
				return () => [integers.requantise(z, bias, 9, { element: "i8", low: 0, high: 127 })];
			},
		},
	],
	"integers.softmaxErrors": [
		{
			shape: logits,
			prepare({ integers }, make) {
				const [z, bias, labels] = [make("i32", ROWS, CLASSES), make("i32", 1, CLASSES), make("u8", ROWS, 1)];
				return () => [integers.softmaxErrors(z, bias, 4, labels)];
			},
		},
	],
	"integers.normalise": [
		{
			shape: table,
			prepare({ integers }, make) {
				const [z, mask] = [make("i32", ROWS, OUTPUTS), make("i8", ROWS, OUTPUTS)];
				return () => {
					const { values, exponent } = integers.normalise(z, mask);
					return [values, exponent];
				};
			},
		},
	],
	"integers.columnSums": [
		{
			shape: table,
			operations: ROWS * OUTPUTS,
			prepare({ integers }, make) {
				const values = make("i8", ROWS, OUTPUTS);
				return () => [integers.columnSums(values)];
			},
		},
	],
	"integers.step": [
		{
			shape: `${INPUTS} x ${OUTPUTS}`,
			operations: INPUTS * OUTPUTS,
			prepare({ integers }, make) {
				const [master, velocity, gradient] = [1, 2, 3].map(() => make("i32", INPUTS, OUTPUTS)) as [
					Tensor<"i32">,
					Tensor<"i32">,
					Tensor<"i32">,
				];
				return () => {
					integers.step({ master, velocity }, gradient, [], { rate: 12, momentum: 3, bound: 2 ** 23 });
					return [master, velocity];
				};
			},
		},
	],
	"integers.patches": [
		{
			shape: images,
			prepare({ integers }, make) {
				const values = make("i8", COUNT, INPUTS);
				return () => [integers.patches(values, IMAGES)];
			},
		},
	],
	"integers.unpatches": [
		{
			shape: images,
			operations: COUNT * patchesOf(IMAGES).places * patchesOf(IMAGES).values,
			prepare({ integers }, make) {
				const { places, values } = patchesOf(IMAGES);
				const patches = make("i32", COUNT * places, values);
				return () => [integers.unpatches(patches, IMAGES)];
			},
		},
	],
	gather: [
		{
			shape: `64 of ${ROWS} x ${INPUTS}`,
			bytes: 2 * 64 * INPUTS,
			prepare(backend, make) {
				const values = make("u8", ROWS, INPUTS);
				const rows = Uint32Array.from({ length: 64 }, (_, i) => (i * 7919) % ROWS);
				return () => [backend.gather(values, rows)];
			},
		},
	],
	"floats.product": SHAPES.map((shape) => ({
		...products(shape),
		prepare({ floats }: Backend, make: Make) {
			const [a, b] = [make("f32", shape[0], shape[1]), make("f32", shape[1], shape[2])];
			return () => [floats.product(a, b)];
		},
	})),
	"floats.affine": [
		{
			shape: table,
			prepare({ floats }, make) {
				const [z, bias] = [make("f32", ROWS, OUTPUTS), make("f32", 1, OUTPUTS)];
				return () => [floats.affine(z, bias, true)];
			},
		},
	],
	"floats.mask": [
		{
			shape: table,
			prepare({ floats }, make) {
				const [values, mask] = [make("f32", ROWS, OUTPUTS), make("f32", ROWS, OUTPUTS)];
				return () => [floats.mask(values, mask)];
			},
		},
	],
	"floats.columnSums": [
		{
			shape: table,
			operations: ROWS * OUTPUTS,
			prepare({ floats }, make) {
				const values = make("f32", ROWS, OUTPUTS);
				return () => [floats.columnSums(values)];
			},
		},
	],
	...Object.fromEntries(
		(["crossEntropy", "squaredLoss"] as const).map((name): [string, Kernel[]] => [
			`floats.${name}`,
			[
				{
					shape: logits,
					prepare({ floats }, make) {
						const [z, labels] = [make("f32", ROWS, CLASSES), make("u8", ROWS, 1)];
						return () => {
							const { losses, errors } = floats[name](z, labels);
							return [losses, errors];
						};
					},
				},
			],
		]),
	),
	"floats.softmaxTangent": [
		{
			shape: logits,
			prepare({ floats }, make) {
				const [z, direction] = [make("f32", ROWS, CLASSES), make("f32", ROWS, CLASSES)];
				return () => [floats.softmaxTangent(z, direction)];
			},
		},
	],
	"floats.step": [
		{
			shape: `${INPUTS} x ${OUTPUTS}, Adam`,
			operations: INPUTS * OUTPUTS,
			prepare({ floats }, make) {
				const [values, first, gradient] = [1, 2, 3].map(() => make("f32", INPUTS, OUTPUTS)) as [
					Tensor<"f32">,
					Tensor<"f32">,
					Tensor<"f32">,
				];
				const second = make("f32", INPUTS, OUTPUTS, true);
				const rule = { kind: "adam", rate: 1e-3, weightDecay: 0, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, time: 1 } as const;
				return () => {
					floats.step({ values, first, second }, gradient, 1 / 64, rule);
					return [values, first, second];
				};
			},
		},
	],
	"floats.ghost": [
		{
			shape: `1000 x 1000 examples, layer of ${INPUTS} x ${OUTPUTS}`,
			operations: 2 * 1000 * 1000 * (INPUTS + OUTPUTS),
			prepare({ floats }, make) {
				const side = () => ({ inputs: make("f32", 1000, INPUTS), errors: make("f32", 1000, OUTPUTS) });
				const [left, right] = [side(), side()];
				return () => [floats.ghost(left, right)];
			},
		},
	],
	"floats.patches": [
		{
			shape: images,
			prepare({ floats }, make) {
				const values = make("f32", COUNT, INPUTS);
				return () => [floats.patches(values, IMAGES)];
			},
		},
	],
};
