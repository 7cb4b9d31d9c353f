/** Finding a device: Dawn's ways to one, tried in order, and what to install where there is none. */
import type { Adapter } from "../backend.ts";
import { DataError } from "../errors.ts";
import { THREADS } from "./kernel.ts";

/** A way to a device. */
export interface Way {
	/** Dawn's name of the graphics interface; undefined for those that it takes by itself: Vulkan, Metal, Direct3D 12. */
	readonly backend: "vulkan" | "metal" | "d3d12" | "d3d11" | "opengl" | "opengles" | "null" | undefined;
	readonly featureLevel: "core" | "compatibility";
}

/** Drivers before OpenGL: a GPU has them, and stock Mesa plays one by OpenGL alone. */
export const WAYS: readonly Way[] = [
	{ backend: undefined, featureLevel: "core" },
	{ backend: "opengl", featureLevel: "compatibility" },
];

/** What was found. */
export interface Found {
	readonly device: GPUDevice;
	readonly info: Adapter;
	/** Whether WGSL has products of four bytes; else they are spelled out. */
	readonly dotProduct: boolean;
}

/** Processors that play a GPU. */
const SOFTWARE = /llvmpipe|lavapipe|softpipe|swrast|swiftshader|microsoft basic render|\bwarp\b/i;

/** Whether an adapter is no GPU. */
export function isSoftware(
	info: Pick<GPUAdapterInfo, "device" | "description" | "vendor" | "architecture"> & { isFallbackAdapter?: boolean },
): boolean {
	return info.isFallbackAdapter === true || SOFTWARE.test([info.vendor, info.architecture, info.device, info.description].join(" "));
}

/**
 * A device: of the first GPU of all ways, or else of the first processor that plays one.
 * @throws {DataError} NO_ADAPTER, with what was tried
 */
export async function findDevice(ways: readonly Way[]): Promise<Found> {
	const tried: string[] = [];
	const causes: unknown[] = [];
	const attempt = async <T>(name: string, open: () => Promise<T>): Promise<T | undefined> => {
		try {
			return await open();
		} catch (error) {
			tried.push(`${name}: ${error instanceof Error ? error.message : error}`);
			causes.push(error);
			return undefined;
		}
	};
	const candidates: { readonly name: string; readonly gpu: GPU; readonly adapter: GPUAdapter }[] = [];
	for (const way of ways) {
		const name = `${way.backend ?? "default backends"} (${way.featureLevel})`;
		await attempt(name, async () => {
			const gpu = await instanceOf(way);
			const adapter = await gpu.requestAdapter({ featureLevel: way.featureLevel, powerPreference: "high-performance" });
			if (!adapter) throw new Error("no adapter");
			candidates.push({ name, gpu, adapter });
		});
		if (candidates.some(({ adapter }) => !isSoftware(adapter.info))) break;
	}
	// The last one is the only one that may be a GPU.
	if (candidates.length > 1 && !isSoftware(candidates.at(-1)!.adapter.info)) candidates.reverse();
	for (const { name, gpu, adapter } of candidates) {
		const { info } = adapter;
		const device = await attempt(`${name}: ${info.device}`, () => requestDevice(adapter));
		if (!device) continue;
		return {
			device,
			info: {
				device: info.device || info.description || info.vendor,
				driver: `${info.description || info.vendor} through Dawn, ${name}`,
				software: isSoftware(info),
			},
			dotProduct: gpu.wgslLanguageFeatures.has("packed_4x8_integer_dot_product"),
		};
	}
	throw new DataError(
		"NO_ADAPTER",
		`webgpu: expected a device, found none; tried ${tried.join("; ")}`,
		REMEDIES[process.platform] ?? REMEDY,
		causes.at(-1),
	);
}

/** A device with the largest buffers that there are. */
function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
	const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
	return adapter.requestDevice({
		requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [],
		requiredLimits: {
			maxStorageBufferBindingSize,
			maxBufferSize,
			maxComputeInvocationsPerWorkgroup: THREADS,
			maxComputeWorkgroupSizeX: THREADS,
		},
	});
}

const REMEDY = "Install or update the driver of the graphics card, or use another backend.";
const REMEDIES: Partial<Record<NodeJS.Platform, string>> = {
	linux:
		"For an NVIDIA card install the Vulkan loader (on Debian apt-get install libvulkan1) and the driver's ICD file (nvidia_icd.json); for a software adapter apt-get install libegl-dev libgl1-mesa-dri (Dawn loads libEGL.so by that name); or use another backend.",
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
	// Without a display EGL needs to be told so, before Mesa is loaded. A worker thread only has a copy of the environment: whoever opens devices
	// there sets this before.
	if (process.platform === "linux" && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) process.env.EGL_PLATFORM ??= "surfaceless";
	// Only here: the import fails where there is no build for the platform.
	const { create } = await import("webgpu");
	// Timestamps as fine as the device gives them; nobody here spies on other pages.
	const gpu = create(["disable-dawn-features=timestamp_quantization", ...(backend ? [`backend=${backend}`] : [])]);
	holder[KEY].set(backend ?? "", gpu);
	return gpu;
}
