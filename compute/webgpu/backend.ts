/** The backend of a GPU: kernels in WGSL on a device that Dawn finds. */
import type { Backend } from "../backend.ts";
import { type Arrays, checkValues, viewOf } from "../tensor.ts";
import { findAdapter, WAYS, type Way } from "./adapter.ts";
import { Device } from "./device.ts";
import { THREADS } from "./kernel.ts";
import { Tensors } from "./tensors.ts";
import { product } from "./products.ts";
import { productShape, type Tensor } from "../tensor.ts";

export interface WebgpuOptions {
	readonly ways?: readonly Way[];
	readonly dotProduct?: boolean;
	readonly onDevice?: (device: GPUDevice) => void;
}

export async function openWebgpu({ ways = WAYS, dotProduct = true, onDevice }: WebgpuOptions = {}): Promise<Backend> {
	const found = await findAdapter(ways);
	const { maxStorageBufferBindingSize, maxBufferSize } = found.adapter.limits;
	const gpu = await found.adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize, maxComputeInvocationsPerWorkgroup: THREADS, maxComputeWorkgroupSizeX: THREADS } });
	onDevice?.(gpu);
	const device = new Device(gpu, dotProduct && found.dotProduct);
	const tensors = new Tensors(device);
	const mult = (left: Tensor, right: Tensor, transposed = {}) => {
		const shape = productShape(left, right, transposed);
		const element = left.element === "f32" ? "f32" : "i32";
		tensors.check(element, shape.rows, shape.columns);
		return tensors.wrap(product(device, { memory: tensors.memoryOf(left), element: left.element }, { memory: tensors.memoryOf(right), element: right.element }, shape, transposed), element, shape.rows, shape.columns);
	};
	return {
		name: "webgpu",
		adapter: found.info,
		limits: { rowBytes: 2**31, features: 2**13, tensorBytes: device.mostBytes },
		integers: { product: mult } as never,
		floats: { product: mult } as never,
		upload(element, values, rows, columns) {
			device.alive();
			checkValues(values, rows, columns);
			tensors.check(element, rows, columns);
			return tensors.wrap(device.upload(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)), element, rows, columns);
		},
		async download(tensor) {
			const bytes = await device.download(tensors.memoryOf(tensor));
			return viewOf(tensor.element, bytes, 0, tensor.rows * tensor.columns) as Arrays[typeof tensor.element];
		},
		release(...list) {
			for (const t of list) tensors.release(t);
		},
		close: () => device.close(),
	} as Backend;
}
