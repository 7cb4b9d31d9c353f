/** Work in many small steps that can be watched and stopped, and that lets the event loop turn. */
import type { Control } from "../method.ts";

/** Milliseconds between two turns of the event loop. */
const TURN = 20;

/**
 * Do steps 0, 1, ... in order.
 * @param step - one step; false ends the work after it
 * @returns how many steps were done
 */
export async function steps(count: number, control: Control = {}, step: (index: number) => unknown): Promise<number> {
	control.signal?.throwIfAborted();
	let turned = performance.now();
	for (let index = 0; index < count; index++) {
		const isLast = step(index) === false || index === count - 1;
		if (isLast || performance.now() - turned > TURN) {
			control.progress?.(index + 1, count);
			await new Promise(setImmediate);
			control.signal?.throwIfAborted();
			turned = performance.now();
		}
		if (isLast) return index + 1;
	}
	return count;
}
