/**
 * What a thread and the pool say to each other while a job runs: the thread which step it begins, and that it is ready to prove; the pool that
 * it is its turn, and on how many threads.
 */
import { once } from "node:events";
import type { MessagePort } from "node:worker_threads";
import type { LoadedKey } from "../engine/key.ts";
import type { Source } from "../engine/sections.ts";

/** Steps of a proof, in order. A proof from a witness has the last two. */
export const PHASES = ["commit", "witness", "prove", "check"] as const;

export type ProvePhase = (typeof PHASES)[number];

/** From the thread. */
export type ThreadMessage = ProvePhase | "ready";

/** From the pool. */
export interface Turn {
	/** of the engine, at least 1 */
	readonly threads: number;
	/** loaded and shared by all threads, or as the caller gave it */
	readonly key: LoadedKey | Source;
}

/** Tells the pool that a step begins. */
export function tellPhase(port: MessagePort, phase: ProvePhase): void {
	port.postMessage(phase satisfies ThreadMessage);
}

/** Waits until the pool lets this job prove. */
export async function awaitTurn(port: MessagePort): Promise<Turn> {
	const answer = once(port, "message") as Promise<[Turn]>;
	port.postMessage("ready" satisfies ThreadMessage);
	return (await answer)[0];
}
