/**
 * Memory that is shared between threads is returned to the system when the last thread has collected its reference. A thread that only runs kernels
 * allocates so little that it would never collect by itself.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects what nothing in this thread refers to, once this turn of the event loop is over. */
export async function collectGarbage(): Promise<void> {
	await new Promise(setImmediate);
	setFlagsFromString("--expose-gc");
	(runInNewContext("gc") as () => void)();
}
