/** Which backend a job takes. */
import type { Backend, BackendName } from "../backend.ts";
import { requireExact } from "../conformance.ts";
import { openBackend } from "../open.ts";
import { isExactKernel } from "./measurement.ts";
import { currentProfile, type Entry, type Profile, sameDevice } from "./profile.ts";

export interface Purpose {
	/** Whether values are made that somebody commits to: then the backend must be exact. */
	readonly committed: boolean;
	/** What the job mostly does, as timings name it; by default all kernels of its kind count alike. */
	readonly kernel?: string;
	/** The work of one call of that kernel; by default the largest that was measured. */
	readonly work?: number;
}

/** A backend, and in words why it was taken. */
export interface Choice {
	readonly name: BackendName;
	readonly note: string;
}

/** Exact by its tests, on every machine, and without a device that could fail. */
const DEFAULT: BackendName = "wasm";

/**
 * The fastest admissible backend. A program that plays a GPU is never taken for one: of all that runs on the processor `wasm` is chosen, or the
 * reference where a profile says that `wasm` fails.
 * @param profile - of this machine; without one `wasm`
 */
export function chooseBackend({ committed, kernel, work, profile }: Purpose & { readonly profile: Profile | undefined }): Choice {
	const latest = profile ? latestOf(profile) : new Map<BackendName, Entry>();
	const base = ([DEFAULT, "reference"] as const).map((name) => latest.get(name)).find((entry) => entry && isAdmissible(entry, committed));
	if (!base) return { name: DEFAULT, note: "nothing was measured beside it" };
	const counts = (name: string) => (kernel === undefined ? isExactKernel(name) === committed : name === kernel);
	let best: Choice = { name: base.name, note: "the fastest here" };
	let least = 1;
	for (const entry of latest.values()) {
		if (!isAdmissible(entry, committed) || entry.adapter?.software !== false) continue;
		const ratio = relativeTime(entry, base, counts, work);
		if (ratio >= least) continue;
		least = ratio;
		best = { name: entry.name, note: `${(1 / ratio).toPrecision(2)} times as fast as ${base.name}, on ${entry.adapter.device}` };
	}
	return best;
}

/** Devices round and approximate as they like; a wrong kernel is off by far more. In units of the largest value. */
const MOST_DEVIATION = 1e-3;

/** Whether such values may come from a backend that was found like this: committed ones from an exact one alone. */
export function isAdmissible({ verdict }: Entry, committed: boolean): boolean {
	if (verdict.status === "exact" && committed) return true;
	return !committed && (verdict.status === "exact" || verdict.status === "inexact") && verdict.deviation.error <= MOST_DEVIATION;
}

/** The newest entry of each backend: that of the device which is most probably still there. */
function latestOf({ entries }: Profile): Map<BackendName, Entry> {
	const sorted = [...entries].sort((one, other) => Date.parse(one.made) - Date.parse(other.made));
	return new Map(sorted.map((entry) => [entry.name, entry]));
}

/** How long one takes in units of the other: the geometric mean over kernels; infinite if nothing can be compared. */
function relativeTime(one: Entry, other: Entry, counts: (kernel: string) => boolean, work = Number.POSITIVE_INFINITY): number {
	const logs: number[] = [];
	for (const kernel of new Set(one.timings.map((timing) => timing.kernel))) {
		if (!counts(kernel)) continue;
		const pairs = one.timings
			.filter((timing) => timing.kernel === kernel)
			.flatMap((timing) =>
				other.timings.filter((same) => same.kernel === kernel && same.work === timing.work).map((same) => [timing, same] as const),
			);
		// The shape nearest to the job's.
		const distance = (size: number) => Math.abs(Math.log(Math.min(work, Number.MAX_VALUE)) - Math.log(size));
		const [nearest] = pairs.sort(([a], [b]) => distance(a.work) - distance(b.work));
		if (nearest) logs.push(Math.log(nearest[0].seconds / nearest[1].seconds));
	}
	return logs.length === 0 ? Number.POSITIVE_INFINITY : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** A backend that is open, and in words why it is this one. */
export interface Selected {
	readonly backend: Backend;
	readonly note: string;
}

export interface Selection extends Purpose {
	/** The profile's file. */
	readonly path: string;
	/** What the user asked for; chosen if absent. */
	readonly name?: BackendName | undefined;
	/** With options of the caller's. */
	readonly open?: (name: BackendName) => Promise<Backend>;
}

/**
 * Open the backend of a job. One that makes committed values was found exact on this very device and driver: by the profile, else now.
 * A chosen one that does not open, or is on a device that the profile does not know, gives way to `wasm`; one that the user asked for does not.
 * @throws {DataError} NO_ADAPTER, INEXACT_BACKEND for the one that the user asked for
 */
export async function selectBackend({ path, name, open = openBackend, ...purpose }: Selection): Promise<Selected> {
	const { profile, note } = currentProfile(path);
	if (name !== undefined) {
		const backend = await open(name);
		if (purpose.committed && !isKnown(backend, profile, true)) await closing(backend, requireExact(backend));
		return { backend, note: "as asked" };
	}
	const choice: Choice = profile ? chooseBackend({ ...purpose, profile }) : { name: DEFAULT, note };
	let reason: string;
	try {
		const backend = await open(choice.name);
		if (isKnown(backend, profile, purpose.committed)) return { backend, note: choice.note };
		reason = `it is on ${backend.adapter.device} (${backend.adapter.driver}) now, which the profile does not know or allow`;
		await backend.close();
	} catch (error) {
		reason = (error as Error).message;
	}
	return { backend: await open(DEFAULT), note: `instead of ${choice.name}: ${reason}` };
}

/** Whether an open backend is one that the profile allows, or that needs no device. */
function isKnown({ name, adapter }: Backend, profile: Profile | undefined, committed: boolean): boolean {
	if (name === "reference" || name === DEFAULT) return true;
	const entry = profile?.entries.find((one) => one.name === name && one.adapter && sameDevice(one.adapter, adapter));
	return entry !== undefined && isAdmissible(entry, committed);
}

/** Closes a backend when a check on it fails. */
async function closing(backend: Backend, check: Promise<void>): Promise<void> {
	await check.catch(async (error) => {
		await backend.close();
		throw error;
	});
}
