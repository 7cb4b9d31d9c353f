/** What an audit finds, link by link. */
import type { Progress } from "../progress.ts";

/** One thing that was checked. */
export interface Link {
	/** "bundle", "chain" or "epoch N". */
	readonly where: string;
	readonly name: string;
	readonly ok: boolean;
	/** What was found, or what broke. */
	readonly detail: string;
}

/** Thrown behind the first broken link when nobody wants the others. */
export class Stop extends Error {}

/** The links so far. */
export class Findings {
	readonly links: Link[] = [];
	private readonly stopAtFirst: boolean;
	private readonly progress: Progress;
	private readonly signal: AbortSignal | undefined;

	constructor(stopAtFirst: boolean, progress: Progress, signal: AbortSignal | undefined) {
		this.stopAtFirst = stopAtFirst;
		this.progress = progress;
		this.signal = signal;
	}

	/** Checks one link. @param work returns what was found, throws what broke */
	async check(where: string, name: string, work: () => Promise<string>): Promise<void> {
		this.signal?.throwIfAborted();
		try {
			this.links.push({ where, name, ok: true, detail: await work() });
		} catch (error) {
			this.broken(where, name, error);
		}
		this.progress({ phase: "verify", done: this.links.length, total: this.links.length, note: `${where}: ${name}` });
	}

	/** Runs checks. What a file of another shape throws between them is a broken link as well. */
	async guard(where: string, work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			if (error instanceof Stop || this.signal?.aborted) {
				throw error;
			}
			this.broken(where, "shape of the files", error);
		}
	}

	/** Notes a broken link. @throws the error itself when it says that the node does not answer; Stop when one is enough */
	broken(where: string, name: string, error: unknown): void {
		if ((error as { code?: string }).code?.startsWith("node.")) {
			throw error;
		}
		this.links.push({ where, name, ok: false, detail: (error as Error).message });
		if (this.stopAtFirst) {
			throw new Stop();
		}
	}
}
