/** Backends, each opened in a process of its own, and the profile of them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { BackendName } from "../../compute/backend.ts";
import { BACKENDS } from "../../compute/open.ts";
import { probe } from "../../compute/selection/probe.ts";
import { currentProfile, type Entry, type Profile, sameDevice } from "../../compute/selection/profile.ts";
import { verdictWord } from "../compute/report.ts";
import type { Check } from "./check.ts";

/** Each takes a second or two. */
const TIMEOUT_MS = 20_000;

/** @param wanted - must be there beside `wasm`, which is the one that everything falls back to */
export async function backendChecks(path: string, wanted: BackendName | undefined, signal: AbortSignal): Promise<Check[]> {
	const { profile, note } = currentProfile(path);
	const checks = BACKENDS.map(async (name): Promise<Check> => {
		const needed = name === "wasm" || name === wanted;
		// Others are asked for their answers by `compute tune`, which takes longer.
		const entry = await probe({ name, depth: needed ? "check" : "open" }, { timeoutMs: TIMEOUT_MS, signal });
		const unused = name === "webgpu" && entry.adapter?.software !== false ? unusedGpu() : undefined;
		return { what: name, needed, ...judge(entry, profile), ...(unused ? { ok: false, remedy: unused } : {}) };
	});
	const known = { what: "profile", ok: profile !== undefined, needed: false, found: note, remedy: "Run `openledger compute tune`." };
	return [...(await Promise.all(checks)), known];
}

function judge({ name, adapter, verdict }: Entry, profile: Profile | undefined): Pick<Check, "ok" | "found" | "remedy"> {
	const device = adapter ? `${adapter.device} (${adapter.driver}), ${adapter.software ? "a processor" : "a GPU"}` : "no device";
	switch (verdict.status) {
		case "exact":
			return { ok: true, found: `${device}, exact` };
		case "unchecked": {
			const known = profile?.entries.find((one) => one.name === name && one.adapter && adapter && sameDevice(one.adapter, adapter));
			return { ok: true, found: `${device}, ${known ? `${verdictWord(known.verdict)} by the profile` : "not tuned yet"}` };
		}
		case "inexact": {
			const { name: answer, expected, got } = verdict.mismatch;
			return { ok: false, found: `${device}: ${answer}: expected ${expected}, got ${got}`, remedy: "Use another backend." };
		}
		default:
			return { ok: false, found: `${verdict.status}: ${verdict.message}`, remedy: verdict.hint };
	}
}

const NVIDIA = "/proc/driver/nvidia/version";
const CARDS = "/dev/dri";
const ICD_FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

/** What is missing between WebGPU and a GPU that is plainly there; undefined where none can be seen. */
function unusedGpu(): string | undefined {
	if (process.platform !== "linux") return undefined;
	if (existsSync(NVIDIA)) {
		const [version = "a driver"] = readFileSync(NVIDIA, "utf8").split("\n");
		const hasIcd = ICD_FOLDERS.some((folder) => existsSync(`${folder}/nvidia_icd.json`));
		const icd = hasIcd
			? ""
			: ` and the driver's ICD file ${ICD_FOLDERS[0]}/nvidia_icd.json (in a container: NVIDIA_DRIVER_CAPABILITIES=all)`;
		return `There is an NVIDIA driver (${version}): install the Vulkan loader (libvulkan1)${icd}.`;
	}
	const card = existsSync(CARDS) ? readdirSync(CARDS).find((name) => name.startsWith("renderD")) : undefined;
	return card && `There is a graphics card (${CARDS}/${card}): install the Vulkan loader and its driver (libvulkan1 mesa-vulkan-drivers).`;
}
