/**
 * Tries a backend in a process of its own. Native code below it may end the process, hang or print anything: nothing can be caught in one's own
 * process, and here each of these is a verdict.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Adapter } from "../backend.ts";
import type { Timing } from "./measurement.ts";
import type { Entry, Verdict } from "./profile.ts";
import type { Answers, Line } from "./steps.ts";
import type { TrialTask } from "./trial.ts";

export interface ProbeOptions {
	/** After so long the process is ended; default 120 s. */
	readonly timeoutMs?: number;
	readonly signal?: AbortSignal | undefined;
	/** @param what - the process does now */
	readonly onStep?: (what: string) => void;
	/** Another program in the place of the trial. */
	readonly script?: URL;
}

const TIMEOUT_MS = 120_000;
/** Output that is kept for the message. */
const TAIL = 600;
/** After a process its last words are waited for, unless it said that it is done: processes of its own may hold their descriptors for ever. */
const GRACE_MS = 5000;
const REPORT = "Use another backend, and report this with the device and its driver.";

/**
 * Run a trial.
 * @throws the signal's reason
 */
export async function probe(task: TrialTask, options: ProbeOptions = {}): Promise<Entry> {
	const { timeoutMs = TIMEOUT_MS, signal, onStep, script = trialScript() } = options;
	signal?.throwIfAborted();
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", fileURLToPath(script), JSON.stringify(task)], {
		stdio: ["ignore", "pipe", "pipe", "pipe"],
	});
	const kill = () => void child.kill("SIGKILL");
	const found = new Findings(onStep, kill);
	let isLate = false;
	const timer = setTimeout(() => {
		isLate = true;
		kill();
	}, timeoutMs);
	signal?.addEventListener("abort", kill);
	try {
		const printed = tailOf(child);
		const lines = (async () => {
			for await (const line of createInterface({ input: child.stdio[3] as Readable })) found.take(line);
		})();
		// A process that could not be started rejects the next line, too.
		const read = Promise.all([lines, once(child, "close")]).catch(() => {});
		const [code, end] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
		await Promise.race([read, found.over.promise, delay(GRACE_MS, undefined, { ref: false })]);
		signal?.throwIfAborted();
		const how = end ? `the end of its process by ${end}` : `the end of its process with code ${code}`;
		const verdict = isLate
			? failure("timeout", `${task.name}: expected an end of "${found.step}" within ${timeoutMs / 1000} s, got none`, LATE)
			: found.verdict(task, code === 0, how, printed());
		return { name: task.name, adapter: found.adapter, made: new Date().toISOString(), verdict, timings: found.timings };
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener("abort", kill);
		kill();
		for (const stream of child.stdio) stream?.destroy();
	}
}

const LATE = "Give it more time with --timeout, or use another backend.";

/** What the lines of a trial say. */
class Findings {
	adapter: Adapter | undefined;
	step = "starting";
	readonly timings: Timing[] = [];
	/** Resolves when nothing more is to be said. */
	readonly over = Promise.withResolvers<void>();
	#answers: Answers | undefined;
	#refused: Extract<Line, { kind: "refused" }> | undefined;
	#garbage: string | undefined;
	#done = false;
	readonly #onStep: ((what: string) => void) | undefined;
	readonly #stop: () => void;

	constructor(onStep: ((what: string) => void) | undefined, stop: () => void) {
		this.#onStep = onStep;
		this.#stop = stop;
	}

	take(text: string): void {
		if (this.#garbage !== undefined) return;
		const line = parseLine(text);
		switch (line?.kind) {
			case "doing":
				this.step = line.what;
				this.#onStep?.(line.what);
				break;
			case "opened":
				this.adapter = line.adapter;
				break;
			case "checked":
				this.#answers = line.answers;
				break;
			case "timing":
				this.timings.push(line.timing);
				break;
			case "refused":
				this.#refused = line;
				this.over.resolve();
				break;
			case "done":
				this.#done = true;
				this.over.resolve();
				break;
			default:
				this.#garbage = text;
				this.over.resolve();
				this.#stop();
		}
	}

	/** @param how - the process ended, in words @param printed - the last that it printed */
	verdict({ name }: TrialTask, ended: boolean, how: string, printed: string): Verdict {
		const words = printed ? `; it printed: ${printed}` : "";
		if (this.#garbage !== undefined) {
			const got = JSON.stringify(this.#garbage.slice(0, TAIL));
			return failure("garbled", `${name}: expected a line of a trial while "${this.step}", got ${got}`, REPORT);
		}
		if (this.#refused && ended) {
			const { message, hint } = this.#refused;
			return { status: this.adapter ? "failed" : "unavailable", message, hint };
		}
		if (!ended) return failure("crashed", `${name}: expected an end of "${this.step}", got ${how}${words}`, REPORT);
		if (!this.#done || !this.adapter)
			return failure("garbled", `${name}: expected a whole trial, got ${how} after "${this.step}"${words}`, REPORT);
		if (!this.#answers) return { status: "unchecked" };
		const { mismatch, wrong, deviation } = this.#answers;
		return mismatch ? { status: "inexact", mismatch, wrong, deviation } : { status: "exact", deviation };
	}
}

function failure(status: "crashed" | "timeout" | "garbled", message: string, hint: string): Verdict {
	return { status, message, hint };
}

/** @returns undefined for what no trial says */
function parseLine(text: string): Line | undefined {
	try {
		const line = JSON.parse(text) as Line;
		return typeof line?.kind === "string" ? line : undefined;
	} catch {
		return undefined;
	}
}

/** Collects the end of what a process prints. */
function tailOf({ stdout, stderr }: ChildProcess): () => string {
	let tail = "";
	for (const stream of [stdout, stderr]) {
		stream?.on("data", (chunk: Buffer) => {
			tail = (tail + chunk.toString("utf8")).slice(-TAIL);
		});
	}
	return () => tail.trim().replace(/\s+/g, " ");
}

function trialScript(): URL {
	return new URL(`./trial${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
}
