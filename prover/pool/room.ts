/** Who waits until the pool takes another job. */
import { ProverError } from "../errors.ts";

/** A line of callers. */
export class Room {
	readonly #isThere: () => boolean;
	readonly #line: (() => void)[] = [];
	#closed = false;

	/** @param isThere whether another job would be taken now */
	constructor(isThere: () => boolean) {
		this.#isThere = isThere;
	}

	get isThere(): boolean {
		return this.#isThere();
	}

	/**
	 * Resolves once another job would be taken. Who waits is served in turn, and should submit at once.
	 * @throws the signal's reason; ProverError `pool.closed`
	 */
	async wait(signal?: AbortSignal): Promise<void> {
		for (;;) {
			signal?.throwIfAborted();
			if (this.#closed) throw closedError();
			if (this.isThere) return;
			await new Promise<void>((resolve, reject) => {
				const wake = (): void => {
					signal?.removeEventListener("abort", stop);
					resolve();
				};
				const stop = (): void => {
					this.#line.splice(this.#line.indexOf(wake), 1);
					reject(signal?.reason);
				};
				this.#line.push(wake);
				signal?.addEventListener("abort", stop, { once: true });
			});
		}
	}

	/** To be called when there may be room. */
	changed(): void {
		if (this.#line.length === 0 || !this.isThere) return;
		this.#line.shift()?.();
		// Who woke may not submit after all: then it is the next one's turn.
		setImmediate(() => this.changed());
	}

	/** Everybody who waits, or will, gets `pool.closed`. */
	close(): void {
		this.#closed = true;
		for (const wake of this.#line.splice(0)) wake();
	}
}

export function closedError(): ProverError {
	return new ProverError("pool.closed", "prove: expected an open pool, got a closed one");
}
