/** Compiled kernels of a device, and the groups in which they get their memory. */
import { type Kernel, sourceOf } from "./kernel.ts";
import type { Memory } from "./memory.ts";

/** Number of the WebGPU specification. */
const COMPUTE_STAGE = 0x4;
/** Groups of memory that are kept for each kernel. */
const MOST_GROUPS = 256;

export interface Compiled {
	readonly pipeline: GPUComputePipeline;
	readonly layout: GPUBindGroupLayout;
	/** By the memories in them. */
	readonly groups: Map<string, GPUBindGroup>;
}

export class Pipelines {
	readonly #device: GPUDevice;
	readonly #compiled = new Map<string, Compiled>();
	readonly #uniformLayout: GPUBindGroupLayout;
	/** The parameters of all kernels: binding 0 of group 1, at an offset. */
	readonly uniforms: GPUBindGroup;

	/** @param size - bytes of the parameters of one kernel */
	constructor(device: GPUDevice, buffer: GPUBuffer, size: number) {
		this.#device = device;
		this.#uniformLayout = device.createBindGroupLayout({
			entries: [{ binding: 0, visibility: COMPUTE_STAGE, buffer: { type: "uniform", hasDynamicOffset: true } }],
		});
		this.uniforms = device.createBindGroup({ layout: this.#uniformLayout, entries: [{ binding: 0, resource: { buffer, size } }] });
	}

	/** Compiles a kernel once. */
	compile(kernel: Kernel): Compiled {
		const known = this.#compiled.get(kernel.name);
		if (known) return known;
		const entries = Object.values(kernel.bindings).map((binding, at) => ({
			binding: at,
			visibility: COMPUTE_STAGE,
			buffer: { type: binding.startsWith("read_write") ? ("storage" as const) : ("read-only-storage" as const) },
		}));
		const layout = this.#device.createBindGroupLayout({ entries });
		const pipeline = this.#device.createComputePipeline({
			label: kernel.name,
			layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout, this.#uniformLayout] }),
			compute: { module: this.#device.createShaderModule({ label: kernel.name, code: sourceOf(kernel) }), entryPoint: "main" },
		});
		const compiled = { pipeline, layout, groups: new Map<string, GPUBindGroup>() };
		this.#compiled.set(kernel.name, compiled);
		return compiled;
	}

	/** The group of some memories in the order of bindings, made once as long as the same come again and again. */
	group({ layout, groups }: Compiled, used: readonly Memory[]): GPUBindGroup {
		const key = used.map(({ block, bytes }) => `${block.id}:${bytes}`).join();
		const known = groups.get(key);
		if (known) return known;
		const entries = used.map(({ block: { buffer }, bytes }, binding) => ({ binding, resource: { buffer, size: bytes } }));
		const group = this.#device.createBindGroup({ layout, entries });
		if (groups.size === MOST_GROUPS) groups.clear();
		groups.set(key, group);
		return group;
	}
}
