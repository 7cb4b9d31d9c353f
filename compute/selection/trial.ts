/**
 * The process of one trial: opens a backend, asks it known answers, measures it. Its argument is a {@link TrialTask} as JSON; what it finds goes
 * out line by line on descriptor 3, since drivers print what they like on the others, and is out before the next step can end the process.
 */
import { writeSync } from "node:fs";
import type { Adapter, BackendName } from "../backend.ts";
import { type Mismatch, mismatches } from "../conformance.ts";
import type { DataError } from "../errors.ts";
import { openBackend } from "../open.ts";
import { measure, type Timing } from "./measurement.ts";

/** How far a trial goes; each step includes those before. */
export type Depth = "open" | "check" | "measure";

export interface TrialTask {
	readonly name: BackendName;
	readonly depth: Depth;
}

/** A line of a trial. */
export type Line =
	| { readonly kind: "doing"; readonly what: string }
	| { readonly kind: "refused"; readonly message: string; readonly hint: string }
	| { readonly kind: "opened"; readonly adapter: Adapter }
	/** The first wrong answer, and how many there are. */
	| { readonly kind: "checked"; readonly mismatch?: Mismatch; readonly wrong: number }
	| { readonly kind: "timing"; readonly timing: Timing }
	| { readonly kind: "done" };

function say(line: Line): void {
	writeSync(3, `${JSON.stringify(line)}\n`);
}

async function run({ name, depth }: TrialTask): Promise<void> {
	say({ kind: "doing", what: "opening" });
	const backend = await openBackend(name);
	try {
		say({ kind: "opened", adapter: backend.adapter });
		if (depth !== "open") {
			say({ kind: "doing", what: "known answers" });
			const [mismatch, ...others] = await mismatches(backend);
			say({ kind: "checked", wrong: mismatch ? 1 + others.length : 0, ...(mismatch ? { mismatch } : {}) });
		}
		if (depth === "measure") {
			await measure(
				backend,
				(what) => say({ kind: "doing", what }),
				(timing) => say({ kind: "timing", timing }),
			);
		}
		say({ kind: "doing", what: "closing" });
	} finally {
		await backend.close();
	}
	say({ kind: "done" });
}

await run(JSON.parse(process.argv[2] as string)).catch((error: DataError) => {
	say({ kind: "refused", message: error.message, hint: error.hint ?? "Report this with the device and its driver." });
});
