/** What networks are trained on: labelled rows on this machine, and batches of them where a backend keeps its tensors. */
import type { LayerShape } from "../architecture.ts";
import type { Backend } from "../backend.ts";
import { DataError } from "../errors.ts";
import { below, generator, splitmix64 } from "../random.ts";
import { type Tensor, WIDTH } from "../tensor.ts";

/** Labelled rows: bytes, or floats. */
export interface TrainingRows<X extends Uint8Array | Float32Array = Uint8Array | Float32Array> {
	/** n x d, row-major; floats are finite. */
	readonly x: X;
	/** n labels below the number of classes. */
	readonly label: Uint8Array;
	readonly n: number;
	readonly d: number;
}

/** What a run learns from, and what it is measured on. */
export interface TrainingData {
	readonly k: number;
	readonly train: TrainingRows;
	/** Held out; never learned from. */
	readonly test: TrainingRows | undefined;
}

/** The most rows, whose order is drawn by numbers below it. */
export const MAX_ROWS = 2 ** 20;

/** How the order of rows is drawn, for manifests. */
export const ORDER = "Fisher-Yates of xoshiro128**/splitmix64, seeded by run and epoch";

/**
 * The order of n rows in an epoch: a function of the seed and the epoch alone, so that training goes on anywhere.
 * @param seed - in [0, 2^64)
 * @param epoch - from 0
 */
export function orderOf(seed: bigint, epoch: number, n: number): Uint32Array {
	// The first draw of the seed is for the first weights.
	const draw = splitmix64(seed);
	draw();
	const next = generator(draw() + BigInt(epoch));
	const order = Uint32Array.from({ length: n }, (_, row) => row);
	for (let i = n - 1; i > 0; i--) {
		const other = below(next, i + 1);
		[order[i], order[other]] = [order[other] as number, order[i] as number];
	}
	return order;
}

/** The seed of the first weights. */
export function weightSeed(seed: bigint): bigint {
	return splitmix64(seed)();
}

/**
 * Refuse rows that cannot be trained on.
 * @param what - "train" or "test", for messages
 * @throws {DataError} TOO_FEW_ROWS, SHAPE_MISMATCH, LABEL_OUT_OF_RANGE, VALUE_NOT_NUMERIC
 */
export function checkTrainingRows({ x, label, n, d }: TrainingRows, k: number, what: string): void {
	if (n < 1 || n > MAX_ROWS) {
		throw new DataError("TOO_FEW_ROWS", `${what}: expected 1 to ${MAX_ROWS} rows, got ${n}`, "Give as many rows.");
	}
	if (x.length !== n * d || label.length !== n) {
		throw new DataError(
			"SHAPE_MISMATCH",
			`${what}: expected ${n} x ${d} features and ${n} labels, got ${x.length} and ${label.length}`,
			"Pass the sizes of the arrays.",
		);
	}
	const outside = label.findIndex((own) => own >= k);
	if (outside >= 0) {
		throw new DataError(
			"LABEL_OUT_OF_RANGE",
			`${what}: row ${outside}: label ${label[outside]} is outside [0, ${k - 1}]`,
			"Number the classes from 0, or train for more classes.",
		);
	}
	const bad = x instanceof Float32Array ? x.findIndex((value) => !Number.isFinite(value)) : -1;
	if (bad < 0) return;
	throw new DataError(
		"VALUE_NOT_NUMERIC",
		`${what}: row ${Math.floor(bad / d)}, column ${bad % d}: expected a finite number, got ${x[bad]}`,
		"Fill in the value or leave the row out; nothing is imputed.",
	);
}

/** Most rows, and about the most bytes of a tensor, when rows are measured. */
const CHUNK = { rows: 1024, bytes: 2 ** 26 };

/** Rows to measure one after the other: as many at once as the tensors of a network's layers leave room for. */
export function* chunks(n: number, layers: readonly LayerShape[], { limits }: Backend): Generator<Uint32Array> {
	const bytes = layers.map(({ inputs, outputs, features }) => 4 * Math.max((features / outputs) * inputs, features));
	const most = Math.floor(Math.min(CHUNK.bytes, limits.tensorBytes) / Math.max(...bytes));
	const rows = Math.max(1, Math.min(CHUNK.rows, most));
	for (let from = 0; from < n; from += rows) yield Uint32Array.from({ length: Math.min(rows, n - from) }, (_, i) => from + i);
}

/** Rows where a backend finds them. The caller releases what it takes. */
export interface Batches<E extends "u8" | "f32"> {
	/** Features of some rows, and their labels, on the backend and here. */
	take(rows: Uint32Array): { readonly x: Tensor<E>; readonly labels: Tensor<"u8">; readonly own: Uint8Array };
	close(): void;
}

/** Rows as bytes. @throws {DataError} PARAMETER_OUT_OF_RANGE for floats */
export function byteBatches(backend: Backend, rows: TrainingRows): Batches<"u8"> {
	if (rows.x instanceof Uint8Array) return batches(backend, "u8", rows as TrainingRows<Uint8Array>);
	throw new DataError(
		"PARAMETER_OUT_OF_RANGE",
		"train: expected bytes for mode integer, got floats",
		"Quantise the features (compute/quantisation.ts), or train in mode float.",
	);
}

/** Rows as floats: bytes become x / 255. */
export function floatBatches(backend: Backend, rows: TrainingRows): Batches<"f32"> {
	const x = rows.x instanceof Float32Array ? rows.x : Float32Array.from(rows.x, (value) => value / 255);
	return batches(backend, "f32", { ...rows, x });
}

/** Keeps all rows on the backend if they fit, and sends each batch if not. */
function batches<E extends "u8" | "f32">(
	backend: Backend,
	element: E,
	{ x, label, n, d }: TrainingRows<Uint8Array> | TrainingRows<Float32Array>,
): Batches<E> {
	const fits = x.length * WIDTH[element] <= backend.limits.tensorBytes;
	const table = fits ? backend.upload<"u8" | "f32">(element, x, n, d) : undefined;
	const send = (rows: Uint32Array) => {
		const some = new (x.constructor as new (length: number) => typeof x)(rows.length * d);
		rows.forEach((row, i) => {
			some.set(x.subarray(row * d, (row + 1) * d), i * d);
		});
		return backend.upload<"u8" | "f32">(element, some, rows.length, d);
	};
	return {
		take(rows) {
			const own = Uint8Array.from(rows, (row) => label[row] as number);
			const some = (table ? backend.gather(table, rows) : send(rows)) as Tensor<E>;
			return { x: some, labels: backend.upload("u8", own, rows.length, 1), own };
		},
		close() {
			if (table) backend.release(table);
		},
	};
}
