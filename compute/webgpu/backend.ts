/**
 * The backend of a GPU: kernels in WGSL on a device that Dawn finds (npm `webgpu`).
 *
 * Kernels are recorded and go to the device in batches, which a download ends. Each call opens a device of its own, on which one backend runs;
 * all backends of a process share Dawn's instance.
 */
import type { Backend } from "../backend.ts";
import { HOST_LIMITS } from "../reference/host.ts";
import { type Arrays, checkReshape, checkValues, type Element, viewOf, WIDTH } from "../tensor.ts";
import { findDevice, WAYS, type Way } from "./adapter.ts";
import { Device } from "./device.ts";
import { floatKernels } from "./floats.ts";
import { gather } from "./gather.ts";
import { integerKernels } from "./integers.ts";
import { bytesOf } from "./kernel.ts";
import { nearest } from "./neighbours.ts";
import { statistics } from "./statistics.ts";
import { Tensors } from "./tensors.ts";

export interface WebgpuOptions {
	/** Ways to a device, in order. */
	readonly ways?: readonly Way[];
	/** Whether bytes are multiplied by the device's own products of four, if it has them; true by default. */
	readonly dotProduct?: boolean;
	/** A bound for the bytes of a tensor, if it is below what the device takes: larger jobs are cut into more parts. */
	readonly tensorBytes?: number;
	/** Gets the device once it is open: for tests that lose it. */
	readonly onDevice?: (device: GPUDevice) => void;
}

export interface WebgpuBackend extends Backend {
	/**
	 * The time that the device spends on the kernels of a job, and on all others in the meantime, by its own clock.
	 * @returns milliseconds; undefined if the device has no clock (feature `timestamp-query`)
	 */
	time(job: () => Promise<unknown>): Promise<number | undefined>;
}

/**
 * Opens a device: a GPU, or a processor that plays one if there is none (see `adapter.software`).
 * @throws {DataError} NO_ADAPTER, with what was tried and what to install
 */
export async function openWebgpu({
	ways = WAYS,
	dotProduct = true,
	tensorBytes = HOST_LIMITS.tensorBytes,
	onDevice,
}: WebgpuOptions = {}): Promise<WebgpuBackend> {
	const found = await findDevice(ways);
	const device = new Device(found.device, dotProduct && found.dotProduct, tensorBytes);
	onDevice?.(found.device);
	const tensors = new Tensors(device);
	const [integers, floats] = [integerKernels(device, tensors), floatKernels(device, tensors)];
	// What kernels always need is not of the first batch of a user, which may fail.
	await device.done();

	return {
		name: "webgpu",
		adapter: found.info,
		limits: { ...HOST_LIMITS, tensorBytes: device.mostBytes },
		integers,
		floats,
		upload(element, values, rows, columns) {
			device.alive();
			checkValues(values, rows, columns);
			tensors.check(element, rows, columns);
			return tensors.wrap(device.upload(bytesOf(values)), element, rows, columns);
		},
		async download(tensor) {
			const { element, rows, columns } = tensor;
			const bytes = await device.download(tensors.memoryOf(tensor), rows * columns * WIDTH[element]);
			return viewOf<Element>(element, bytes, 0, rows * columns) as Arrays[typeof element];
		},
		gather: (tensor, rows) => gather(device, tensors, tensor, rows),
		reshape(tensor, rows, columns) {
			checkReshape(tensor, rows, columns);
			return tensors.wrap(tensors.memoryOf(tensor), tensor.element, rows, columns);
		},
		release(...list) {
			for (const tensor of list) tensors.release(tensor);
		},
		statistics: (rows, d, k, signal) => statistics(device, found.info.software, rows, d, k, signal),
		nearest: (train, test, count, signal) => nearest(device, train, test, count, signal),
		time: (job) => device.time(job),
		close: () => device.close(),
	};
}
