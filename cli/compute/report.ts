/** Trials of backends and the choice that follows from them, as a person reads them. */
import { chooseBackend } from "../../compute/selection/choice.ts";
import { KERNEL_NAMES, type Timing } from "../../compute/selection/measurement.ts";
import type { Entry, Profile, Verdict } from "../../compute/selection/profile.ts";
import { table } from "../output.ts";

/** What the profile says, and what is chosen by it. */
export function report(profile: Profile): string {
	const backends = profile.entries.map(({ name, adapter, verdict }) => [
		name,
		verdictWord(verdict),
		"deviation" in verdict ? verdict.deviation.error.toExponential(0) : "-",
		adapter ? (adapter.software ? "processor" : "GPU") : "-",
		adapter ? `${adapter.device} (${adapter.driver})` : "-",
	]);
	const remarks = profile.entries.flatMap(({ name, verdict }) => remark(name, verdict));
	const chosen = [true, false].map((committed) => {
		const { name, note } = chooseBackend({ committed, profile });
		return `${committed ? "committed values" : "other floats    "}: ${name} (${note})`;
	});
	return [
		table(["backend", "verdict", "floats within", "runs on", "device (driver)"], backends),
		...remarks,
		...timings(profile.entries),
		"",
		...chosen,
	].join("\n");
}

/** What a trial came to, in a word. */
export function verdictWord({ status }: Verdict): string {
	return status === "inexact" ? "refused for committed values" : status;
}

/** What a person should know of a verdict, and what to do. */
export function remark(name: string, verdict: Verdict): string[] {
	switch (verdict.status) {
		case "exact":
		case "unchecked":
			return [];
		case "inexact": {
			const { mismatch: one, wrong } = verdict;
			const where = `expected ${one.expected} at position ${one.at}, got ${one.got}`;
			return ["", `${name}: ${one.name}: ${where}; ${one.wrong} of ${one.of} values; ${wrong - 1} more cases are wrong`];
		}
		default:
			return ["", verdict.message, `  ${verdict.hint}`];
	}
}

/** Milliseconds of a call: kernels and shapes down, backends across. */
function timings(entries: readonly Entry[]): string[] {
	const measured = entries.filter((entry) => entry.timings.length > 0);
	if (measured.length === 0) return [];
	const rows = KERNEL_NAMES.flatMap((kernel) => {
		const shapes = new Map(
			measured.flatMap((entry) => entry.timings.filter((one) => one.kernel === kernel)).map((one) => [one.shape, one.work]),
		);
		return [...shapes]
			.sort(([, one], [, other]) => one - other)
			.map(([shape]) => [
				kernel,
				shape,
				...measured.map(({ timings }) => milliseconds(timings.find((one) => one.kernel === kernel && one.shape === shape))),
			]);
	});
	return ["", table(["kernel", "shape", ...measured.map(({ name }) => `${name}, ms`)], rows)];
}

function milliseconds(timing: Timing | undefined): string {
	return timing ? (1000 * timing.seconds).toFixed(3) : "-";
}
