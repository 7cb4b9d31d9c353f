/** Finding a device: Dawn's ways to one, tried in order, and what to install where there is none. */
import type { Adapter } from "../backend.ts";
import { DataError } from "../errors.ts";
import { THREADS } from "./kernel.ts";

/** A way to a device. */
export interface Way {
	/** Dawn's name of the graphics interface; undefined for those that it takes by itself: Vulkan, Metal, Direct3D 12. */
	readonly backend: "vulkan" | "metal" | "d3d12" | "d3d11" | "opengl" | "opengles" | undefined;
	readonly featureLevel: "core" | "compatibility";
}

/** Drivers before OpenGL: a GPU has them, and stock Mesa plays one by OpenGL alone. */
export const WAYS: readonly Way[] = [
	{ backend: undefined, featureLevel: "core" },
	{ backend: "opengl", featureLevel: "compatibility" },
];

/** What was found. */
export interface Found {
	readonly adapter: GPUAdapter;
	readonly info: Adapter;
	/** Whether WGSL has products of four bytes; else they are spelled out. */
	readonly dotProduct: boolean;
}

/** Processors that play a GPU. */
const SOFTWARE = /llvmpipe|lavapipe|softpipe|swrast|swiftshader|microsoft basic render|\bwarp\b/i;

/** Whether an adapter is no GPU. */
export function isSoftware(info: Pick<GPUAdapterInfo, "device" | "description" | "vendor" | "architecture"> & { isFallbackAdapter?: boolean }): boolean {
	return info.isFallbackAdapter === true || SOFTWARE.test([info.vendor, info.architecture, info.device, info.description].join(" "));
}

/**
 * The first GPU of all ways, or else the first processor that plays one.
 * @throws {DataError} NO_ADAPTER, with what was tried
 */
export async function findAdapter(ways: readonly Way[]): Promise<Found> {
	const tried: string[] = [];
	let software: Found | undefined;
	let cause: unknown;
	for (const way of ways) {
		const name = `${way.backend ?? "default backends"} (${way.featureLevel})`;
		try {
			const gpu = await instanceOf(way);
			const adapter = await gpu.requestAdapter({ featureLevel: way.featureLevel, powerPreference: "high-performance" });
			if (!adapter) tried.push(`${name}: no adapter`);
			else if (adapter.limits.maxComputeInvocationsPerWorkgroup < THREADS)
				tried.push(`${name}: ${adapter.info.device} has workgroups of ${adapter.limits.maxComputeInvocationsPerWorkgroup} threads, ${THREADS} are needed`);
			else {
				const { info } = adapter;
				const found = {
					adapter,
					info: {
						device: info.device || info.description || info.vendor,
						driver: `${info.description || info.vendor} through Dawn, ${name}`,
						software: isSoftware(info),
					},
					dotProduct: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
				};
				if (!found.info.software) return found;
				software ??= found;
			}
		} catch (error) {
			cause = error;
			tried.push(`${name}: ${error instanceof Error ? error.message : error}`);
		}
	}
	if (software) return software;
	throw new DataError("NO_ADAPTER", `webgpu: expected a device, found none; tried ${tried.join("; ")}`, REMEDIES[process.platform] ?? REMEDY, cause);
}

const REMEDY = "Install or update the driver of the graphics card, or use another backend.";
const REMEDIES: Partial<Record<NodeJS.Platform, string>> = {
	linux:
		"For an NVIDIA card install the Vulkan loader (on Debian apt-get install libvulkan1) and the driver's ICD file (nvidia_icd.json); for a software adapter apt-get install libegl1 libgl1-mesa-dri; or use another backend.",
};

/**
 * Dawn's instances of this process. Whatever opens devices here shares them, and they stay on globalThis for good: Dawn crashes when one is
 * collected before its devices. They do not keep the process alive.
 */
const KEY = Symbol.for("openledger.webgpu.instances");

async function instanceOf({ backend }: Way): Promise<GPU> {
	const holder = globalThis as { [KEY]?: Map<string, GPU> };
	holder[KEY] ??= new Map();
	const known = holder[KEY].get(backend ?? "");
	if (known) return known;
	// Without a display EGL needs to be told so, before Mesa is loaded.
	if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) process.env.EGL_PLATFORM ??= "surfaceless";
	// Only here: the import fails where there is no build for the platform.
	const { create } = await import("webgpu");
	// Timestamps as fine as the device gives them; nobody here spies on other pages.
	const gpu = create(["disable-dawn-features=timestamp_quantization", ...(backend ? [`backend=${backend}`] : [])]);
	holder[KEY].set(backend ?? "", gpu);
	return gpu;
}
