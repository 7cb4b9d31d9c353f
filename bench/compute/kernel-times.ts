/** How long kernels take, their operands being where the backend keeps them. */
import type { Backend } from "../../compute/backend.ts";
import { generator } from "../../compute/random.ts";
import { arrayOf, type Element, type Tensor, WIDTH } from "../../compute/tensor.ts";
import { median } from "../bench.ts";
import { CLASSES, KERNELS, type Kernel, type Make } from "./kernels.ts";

export interface KernelTime {
	/** As in the interface of backends: "integers.product". */
	readonly kernel: string;
	readonly shape: string;
	/** Multiplications and additions of a product, values of any other kernel. */
	readonly operations: number;
	/** That are read and written. */
	readonly bytes: number;
	/** Milliseconds of a call in each run: of processor time, or of wall time where a device works beside it. */
	readonly runs: readonly number[];
	/** Their median. */
	readonly milliseconds: number;
	/** Of wall time, the median. */
	readonly wall: number;
}

/** Runs that count, and milliseconds that one of them takes at least: so many calls. Slow calls are run once. */
const [RUNS, LEAST, SLOW] = [5, 40, 400];
/** Bytes that the calls of a run may make together. */
const HELD = 2 ** 30;

/**
 * Measures kernels.
 * @param pattern - of their names
 */
export async function kernelTimes(backend: Backend, pattern: RegExp): Promise<KernelTime[]> {
	const times: KernelTime[] = [];
	for (const [kernel, list] of Object.entries(KERNELS)) {
		if (!pattern.test(kernel)) continue;
		for (const one of list) times.push({ kernel, ...(await timeOf(backend, one)) });
	}
	return times;
}

async function timeOf(backend: Backend, { shape, operations, bytes, prepare }: Kernel): Promise<Omit<KernelTime, "kernel">> {
	const operands: Tensor[] = [];
	const next = generator(3n);
	const make: Make = (element, rows, columns, isZero = false) => {
		const values = arrayOf<Element>(element, rows * columns);
		// Labels are below the number of classes.
		const least = columns === 1 ? CLASSES : 2 ** 8;
		for (let at = 0; at < values.length && !isZero; at++) values[at] = element === "f32" ? next() / 2 ** 31 - 1 : (next() >>> 8) % least;
		const tensor = backend.upload<Element>(element, values, rows, columns);
		operands.push(tensor);
		return tensor as never;
	};
	const call = prepare(backend, make);
	const walls: number[] = [];
	/** Milliseconds of each of some calls. */
	const clock = async (times: number): Promise<number> => {
		const fresh: Tensor[] = [];
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		let last: readonly Tensor[] = [];
		for (let i = 0; i < times; i++) {
			last = call();
			fresh.push(...last.filter((tensor) => !operands.includes(tensor)));
		}
		// A device works behind our back until something of its last result is here.
		const row = backend.gather(last[0] as Tensor, Uint32Array.of(0));
		await backend.download(row);
		const [{ user, system }, end] = [process.cpuUsage(cpu), performance.now()];
		backend.release(row, ...fresh);
		walls.push((end - wall) / times);
		return Math.max(backend.adapter.software ? (user + system) / 1000 : end - wall, 1e-3) / times;
	};
	const made = call();
	const values = made.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
	const touched = [...new Set([...operands, ...made])];
	const all = touched.reduce((sum, { element, rows, columns }) => sum + WIDTH[element] * rows * columns, 0);
	backend.release(...made.filter((tensor) => !operands.includes(tensor)));
	// The first calls compile.
	await clock(1);
	const first = await clock(1);
	const runs: number[] = first < SLOW ? [] : [first];
	const times = Math.max(1, Math.min(1000, Math.ceil(LEAST / first), Math.floor(HELD / all)));
	while (first < SLOW && runs.length < RUNS) runs.push(await clock(times));
	backend.release(...operands);
	return {
		shape,
		operations: operations ?? values,
		bytes: bytes ?? all,
		runs,
		milliseconds: median(runs),
		wall: median(walls.slice(-runs.length)),
	};
}
