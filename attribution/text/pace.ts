/** Long work with turns for others in between. */
import { setImmediate } from "node:timers/promises";

/** Characters after which others have a turn: some ten milliseconds of hashing. */
const STRETCH = 2 ** 20;

/**
 * Counts work; after each stretch of it the event loop turns once.
 * @throws the signal's reason, if the work is to stop
 */
export function paceOf(signal: AbortSignal | undefined): (characters: number) => Promise<void> {
	let worked = 0;
	return async (characters) => {
		worked += characters;
		if (worked < STRETCH) return;
		worked = 0;
		await setImmediate();
		signal?.throwIfAborted();
	};
}
