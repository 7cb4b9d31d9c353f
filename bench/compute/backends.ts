/** The backends that benches run on, and what their devices can do at most. */
import type { BackendName } from "../../compute/backend.ts";

/** Backends that may run on a graphics card. */
export const DEVICES: readonly BackendName[] = ["gpujs", "webgpu"];

/** What a device does at most. */
export interface DeviceLimit {
	readonly device: RegExp;
	/** Single precision, without tensor cores: 10^12 operations a second. */
	readonly teraflops: number;
	/** Memory: 10^12 bytes a second. */
	readonly terabytes: number;
}

/** Source: data sheets of NVIDIA. */
const LIMITS: readonly DeviceLimit[] = [
	{ device: /H200/i, teraflops: 67, terabytes: 4.8 },
	{ device: /H100.*(SXM|HBM3)/i, teraflops: 67, terabytes: 3.35 },
	{ device: /H100/i, teraflops: 51, terabytes: 2 },
	{ device: /A100/i, teraflops: 19.5, terabytes: 2.04 },
	{ device: /L40S/i, teraflops: 91.6, terabytes: 0.864 },
	{ device: /\bL4\b/i, teraflops: 30.3, terabytes: 0.3 },
	{ device: /RTX 4090/i, teraflops: 82.6, terabytes: 1.01 },
	{ device: /\bT4\b/i, teraflops: 8.1, terabytes: 0.32 },
];

/** The limit of a device, if it is a known one. */
export function limitOf(device: string): DeviceLimit | undefined {
	return LIMITS.find((limit) => limit.device.test(device));
}
