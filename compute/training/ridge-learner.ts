/**
 * The ridge head in one step: W that minimises (1/2n) sum_i |x_i W - onehot_i|^2 + ridge/2 |W|^2 for rows x / 255 with a constant 1.
 * Gram statistics are exact on every backend and are solved in double precision on this machine, so that all backends give the same bits.
 */
import type { Backend } from "../backend.ts";
import { matrix, multiply } from "../matrix.ts";
import { symmetricMatrix } from "../product.ts";
import { BIAS } from "../quantisation.ts";
import { factorise, solve } from "../ridge.ts";
import { sumStatistics } from "../statistics.ts";
import type { Learner, StateTensor } from "./learner.ts";
import type { TrainingData, TrainingRows } from "./rows.ts";
import { floatSums, NOTHING, type Sums } from "./sums.ts";

/** Rows that are measured at once. */
const CHUNK = 1024;

/** The head before its step: zeros. */
export function firstHead(d: number, k: number): StateTensor<"f64">[] {
	const zeros = (name: string, rows: number) =>
		({ name: `layers.0.${name}`, element: "f64", rows, columns: k, values: new Float64Array(rows * k) }) as const;
	return [zeros("weights", d), zeros("bias", 1)];
}

/** A ridge head. */
export class RidgeLearner implements Learner {
	readonly #backend: Backend;
	readonly #ridge: number;
	readonly #data: TrainingData;
	readonly #columns: number;
	/** (d + 1) x k, the bias last. */
	#head: Promise<Float64Array>;
	#drained = true;

	/** @param state - from `firstHead`, or an earlier `state()` */
	constructor(backend: Backend, ridge: number, data: TrainingData, state: readonly StateTensor[]) {
		this.#backend = backend;
		this.#ridge = ridge;
		this.#data = data;
		this.#columns = data.train.d + 1;
		const head = new Float64Array(this.#columns * data.k);
		for (const { name, values } of state) head.set(values, name === "layers.0.bias" ? data.train.d * data.k : 0);
		this.#head = Promise.resolve(head);
	}

	step(batch: Uint32Array): void {
		this.#head = this.#solve(batch);
		// Whoever asks for it is told; nobody may ask.
		this.#head.catch(() => {});
		this.#drained = false;
	}

	/** Of the head after its step, on all rows. */
	async drain(sums: Sums): Promise<Sums> {
		if (this.#drained) return sums;
		this.#drained = true;
		return this.#sums(sums, this.#data.train);
	}

	async test(): Promise<Sums | undefined> {
		return this.#data.test && this.#sums(NOTHING, this.#data.test);
	}

	async state(): Promise<StateTensor<"f64">[]> {
		const { d } = this.#data.train;
		const { k } = this.#data;
		const head = await this.#head;
		return firstHead(d, k).map((tensor) => ({
			...tensor,
			values: tensor.name === "layers.0.bias" ? head.slice(d * k) : head.slice(0, d * k),
		}));
	}

	close(): void {}

	async #solve(rows: Uint32Array): Promise<Float64Array> {
		const { k, train } = this.#data;
		const [d, most] = [this.#columns, Math.max(1, Math.floor(this.#backend.limits.rowBytes / this.#columns))];
		const parts = [];
		for (let from = 0; from < rows.length; from += most) {
			const some = rows.subarray(from, from + most);
			const x = new Uint8Array(some.length * d).fill(BIAS);
			some.forEach((row, i) => {
				x.set(train.x.subarray(row * train.d, (row + 1) * train.d), i * d);
			});
			const label = Uint8Array.from(some, (row) => train.label[row] as number);
			const weight = new Uint8Array(some.length).fill(1);
			parts.push(await this.#backend.statistics({ x, label, weight, count: some.length }, d, k));
		}
		const { a, b } = sumStatistics(parts);
		const mu = BigInt(Math.max(1, Math.round(this.#ridge * rows.length * BIAS ** 2)));
		return solve(factorise(symmetricMatrix(a, d), mu), b, k).map((value) => BIAS * value);
	}

	async #sums(sums: Sums, { x, label, n, d }: TrainingRows): Promise<Sums> {
		const { k } = this.#data;
		const head = matrix(await this.#head, this.#columns, k);
		let total = sums;
		for (let from = 0; from < n; from += CHUNK) {
			const rows = Math.min(CHUNK, n - from);
			const values = new Float64Array(rows * this.#columns).fill(1);
			for (let i = 0; i < rows; i++) {
				for (let c = 0; c < d; c++) values[i * this.#columns + c] = (x[(from + i) * d + c] as number) / BIAS;
			}
			const labels = label.subarray(from, from + rows);
			const logits = multiply(matrix(values, rows, this.#columns), head).values;
			const losses = Float64Array.from(labels, (own, i) => {
				let loss = 0;
				for (let c = 0; c < k; c++) loss += ((logits[i * k + c] as number) - (c === own ? 1 : 0)) ** 2 / 2;
				return loss;
			});
			total = floatSums(total, logits, losses, labels);
		}
		return total;
	}
}
