/** Tries all backends, one after the other so that they do not disturb each other's figures, and keeps what it finds. */
import type { BackendName } from "../backend.ts";
import { BACKENDS } from "../open.ts";
import { type ProbeOptions, probe } from "./probe.ts";
import { currentProfile, type Entry, mergeEntries, type Profile, writeProfile } from "./profile.ts";

export interface TuneOptions extends Pick<ProbeOptions, "timeoutMs" | "signal"> {
	/** All by default. */
	readonly names?: readonly BackendName[];
	/** Where the profile goes. */
	readonly path: string;
	/** @param done - backends so far @param note - what is tried now */
	readonly onProgress?: (done: number, total: number, note: string) => void;
}

/** What was tried now, and the profile that is written. */
export interface Tuned {
	readonly entries: readonly Entry[];
	readonly profile: Profile;
}

/**
 * Try backends and write the profile. What an older one of the same machine says about other backends and devices is kept.
 * @throws the signal's reason
 */
export async function tune({ names = BACKENDS, path, onProgress, ...options }: TuneOptions): Promise<Tuned> {
	const entries: Entry[] = [];
	for (const [done, name] of names.entries()) {
		const onStep = (what: string) => onProgress?.(done, names.length, `${name}: ${what}`);
		entries.push(await probe({ name, depth: "measure" }, { ...options, onStep }));
	}
	onProgress?.(names.length, names.length, "tried");
	const profile = mergeEntries(currentProfile(path).profile, entries);
	await writeProfile(profile, path);
	return { entries, profile };
}
