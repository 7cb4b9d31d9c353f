/**
 * The steps of a trial: opens a backend, asks it known answers, measures it. What it finds goes out line by line on descriptor 3, since drivers
 * print what they like on the others, and is out before the next step can end the process.
 */
import { writeSync } from "node:fs";
import type { Adapter, Backend } from "../backend.ts";
import { type Mismatch, mismatches } from "../conformance.ts";
import { type Deviation, deviations } from "../deviation.ts";
import type { DataError } from "../errors.ts";
import { measure, type Timing } from "./measurement.ts";

/** How far a trial goes; each step includes those before. */
export type Depth = "open" | "check" | "measure";

/** What its kernels answered. */
export interface Answers {
	/** The first wrong answer of the kernels of integers. */
	readonly mismatch?: Mismatch;
	/** Wrong answers of them. */
	readonly wrong: number;
	/** The kernel of floats that is farthest from the reference. */
	readonly deviation: Deviation;
}

/** A line of a trial. */
export type Line =
	| { readonly kind: "doing"; readonly what: string }
	| { readonly kind: "refused"; readonly message: string; readonly hint: string }
	| { readonly kind: "opened"; readonly adapter: Adapter }
	| { readonly kind: "checked"; readonly answers: Answers }
	| { readonly kind: "timing"; readonly timing: Timing }
	| { readonly kind: "done" };

function say(line: Line): void {
	writeSync(3, `${JSON.stringify(line)}\n`);
}

/** Does the steps and says what comes of them. An error is said too. */
export async function runTrial(open: () => Promise<Backend>, depth: Depth): Promise<void> {
	try {
		say({ kind: "doing", what: "opening" });
		const backend = await open();
		say({ kind: "opened", adapter: backend.adapter });
		if (depth !== "open") {
			say({ kind: "doing", what: "known answers" });
			say({ kind: "checked", answers: await answersOf(backend) });
		}
		if (depth === "measure") {
			const onStart = (what: string) => say({ kind: "doing", what });
			await measure(backend, onStart, (timing) => say({ kind: "timing", timing }));
		}
		say({ kind: "doing", what: "closing" });
		await backend.close();
		say({ kind: "done" });
	} catch (error) {
		const { message, hint = "Report this with the device and its driver." } = error as DataError;
		say({ kind: "refused", message, hint });
	}
}

async function answersOf(backend: Backend): Promise<Answers> {
	const [mismatch, ...others] = await mismatches(backend);
	const worst = (await deviations(backend)).reduce((most, one) => (one.error > most.error ? one : most));
	return {
		wrong: mismatch ? 1 + others.length : 0,
		...(mismatch ? { mismatch } : {}),
		// JSON has no infinity.
		deviation: { ...worst, error: Math.min(worst.error, Number.MAX_VALUE) },
	};
}
