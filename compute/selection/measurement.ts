/** How fast the kernels of a backend are, by shape. */
import type { Backend } from "../backend.ts";
import type { Tensor } from "../tensor.ts";
import { type Prepared, SAMPLES } from "./samples.ts";

/** A measured kernel at one shape. */
export interface Timing {
	/** As in the interface of backends: "integers.product". */
	readonly kernel: string;
	readonly shape: string;
	/** Multiplications, or values where there are none: what grows with the shape. */
	readonly work: number;
	/** Wall time of a call whose operands are where the backend keeps them. */
	readonly seconds: number;
}

/** A call of which so much is expected is not made; what takes less than the latter says more of a device's latency than of its pace. */
const [PATIENCE_S, LATENCY_S] = [1.5, 0.02];
/** Calls are repeated for so long, so many times, and the shortest counts; slow ones are not. */
const [REPEAT_S, REPEATS, SLOW_S] = [0.015, 3, 0.1];

/** Kernels that are measured. */
export const KERNEL_NAMES: readonly string[] = Object.keys(SAMPLES);

/** Whether a kernel makes values that may be committed: those of integers do. */
export function isExactKernel(kernel: string): boolean {
	return !kernel.startsWith("floats.");
}

/**
 * Measure all kernels.
 * @param onStart - is told what is measured next
 * @param onTiming - gets each figure when it is there
 */
export async function measure(backend: Backend, onStart: (what: string) => void, onTiming: (timing: Timing) => void): Promise<void> {
	for (const [kernel, samples] of Object.entries(SAMPLES)) {
		// By the smaller shape, what this one will take.
		let pace = 0;
		for (const { shape, work, prepare } of samples) {
			if (pace * work > PATIENCE_S) break;
			onStart(`${kernel}, ${shape}`);
			const seconds = await timeOf(backend, prepare(backend));
			pace = seconds > LATENCY_S ? seconds / work : 0;
			onTiming({ kernel, shape, work, seconds });
		}
	}
}

async function timeOf(backend: Backend, { operands, run }: Prepared): Promise<number> {
	const call = async (times: number) => {
		const started = performance.now();
		const fresh: Tensor[] = [];
		for (let i = 0; i < times; i++) {
			const result = run();
			if (result instanceof Promise) await result;
			else if (!operands.includes(result)) fresh.push(result);
			// A device works behind our back until something of its last result is here.
			if (!(result instanceof Promise) && i === times - 1) {
				const row = backend.gather(result, Uint32Array.of(0));
				await backend.download(row);
				backend.release(row);
			}
		}
		const seconds = (performance.now() - started) / 1000;
		backend.release(...fresh);
		return Math.max(seconds / times, 1e-9);
	};
	// The first call compiles; where it takes that long, compiling is the least of it.
	const first = await call(1);
	let best = first < PATIENCE_S ? await call(1) : first;
	const times = Math.min(256, Math.ceil(REPEAT_S / best));
	for (let i = 0; i < REPEATS && best * times < SLOW_S; i++) best = Math.min(best, await call(times));
	backend.release(...operands);
	return best;
}
