/** How far the kernels in single precision of a backend are from the reference, which sums in double precision. */
import type { Backend, FloatRule } from "./backend.ts";
import type { Geometry } from "./geometry.ts";
import { generator } from "./random.ts";
import { openReference } from "./reference/backend.ts";
import type { Tensor } from "./tensor.ts";

/** The largest difference of a kernel's values. */
export interface Deviation {
	readonly name: string;
	/** |got - expected|, at most over all values, in units of the largest |expected|; infinite where a value is not a number or missing. */
	readonly error: number;
}

/** What single precision may differ by on the sizes here; a kernel that does something else differs by far more. */
export const SINGLE_PRECISION = 1e-5;

const [ROWS, INPUTS, CLASSES] = [23, 70, 11];
const GEOMETRY: Geometry = { height: 7, width: 5, channels: 2, kernel: 3, stride: 2, padding: 1 };
const RULES: readonly FloatRule[] = [
	{ kind: "sgd", rate: 0.1, weightDecay: 0 },
	{ kind: "sgd", rate: 0.1, weightDecay: 0.01 },
	{ kind: "momentum", rate: 0.1, weightDecay: 0.01, momentum: 0.9 },
	{ kind: "adam", rate: 0.01, weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, time: 3 },
];

type Draw = (rows: number, columns: number) => Tensor<"f32">;

const CASES: Readonly<Record<string, (backend: Backend, draw: Draw) => readonly Tensor<"f32">[]>> = {
	product: ({ floats }, draw) => [
		floats.product(draw(ROWS, INPUTS), draw(INPUTS, CLASSES)),
		floats.product(draw(INPUTS, ROWS), draw(INPUTS, CLASSES), { left: true }),
		floats.product(draw(ROWS, INPUTS), draw(CLASSES, INPUTS), { right: true }),
		floats.product(draw(INPUTS, ROWS), draw(CLASSES, INPUTS), { left: true, right: true }),
		floats.product(draw(1, 1), draw(1, 1)),
		floats.product(draw(65, 129), draw(129, 66)),
	],
	affine: ({ floats }, draw) => [true, false].map((relu) => floats.affine(draw(ROWS, INPUTS), draw(1, INPUTS), relu)),
	mask: ({ floats }, draw) => [floats.mask(draw(ROWS, INPUTS), draw(ROWS, INPUTS))],
	columnSums: ({ floats }, draw) => [floats.columnSums(draw(301, CLASSES))],
	crossEntropy: (backend, draw) => both(backend.floats.crossEntropy(draw(ROWS, CLASSES), labels(backend))),
	squaredLoss: (backend, draw) => both(backend.floats.squaredLoss(draw(ROWS, CLASSES), labels(backend))),
	softmaxTangent: ({ floats }, draw) => [floats.softmaxTangent(draw(ROWS, CLASSES), draw(ROWS, CLASSES))],
	step: (backend, draw) =>
		RULES.flatMap((rule) => {
			const squares = backend.floats.mask(draw(ROWS, INPUTS), backend.upload("f32", new Float32Array(ROWS * INPUTS), ROWS, INPUTS));
			const state = { values: draw(ROWS, INPUTS), first: draw(ROWS, INPUTS), second: squares };
			backend.floats.step(state, draw(ROWS, INPUTS), 1 / 7, rule);
			return [state.values, state.first, state.second];
		}),
	ghost: ({ floats }, draw) => [
		floats.ghost({ inputs: draw(ROWS, INPUTS), errors: draw(ROWS, CLASSES) }, { inputs: draw(9, INPUTS), errors: draw(9, CLASSES) }),
	],
	patches: ({ floats }, draw) => {
		const patches = floats.patches(draw(3, GEOMETRY.height * GEOMETRY.width * GEOMETRY.channels), GEOMETRY);
		return [patches, floats.unpatches(draw(patches.rows, patches.columns), GEOMETRY)];
	},
	gather: (backend, draw) => [backend.reshape(backend.gather(draw(9, 7), Uint32Array.of(8, 0, 3, 3, 5, 1)), 7, 6)],
};

/** The deviation of each kernel in single precision. */
export async function deviations(backend: Backend): Promise<Deviation[]> {
	const reference = openReference();
	const result: Deviation[] = [];
	for (const [name, run] of Object.entries(CASES)) {
		const [expected, got] = [await valuesOf(reference, run), await valuesOf(backend, run)];
		let largest = 0;
		expected.forEach((values, t) => {
			const other = got[t] as Float32Array;
			const unit = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30);
			const error = values.reduce((max, value, i) => Math.max(max, Math.abs(value - (other[i] ?? Number.NaN)) / unit), 0);
			largest = Math.max(largest, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
		});
		result.push({ name, error: largest });
	}
	return result;
}

function valuesOf(backend: Backend, run: (typeof CASES)[string]): Promise<Float32Array[]> {
	const next = generator(5n);
	const draw: Draw = (rows, columns) => {
		const values = Float32Array.from({ length: rows * columns }, () => (next() / 2 ** 32) * 4 - 2);
		return backend.upload("f32", values, rows, columns);
	};
	return Promise.all(run(backend, draw).map((tensor) => backend.download(tensor)));
}

function labels(backend: Backend): Tensor<"u8"> {
	return backend.upload(
		"u8",
		Uint8Array.from({ length: ROWS }, (_, i) => (i * 5) % CLASSES),
		ROWS,
		1,
	);
}

function both({ losses, errors }: { readonly losses: Tensor<"f32">; readonly errors: Tensor<"f32"> }): readonly Tensor<"f32">[] {
	return [losses, errors];
}
