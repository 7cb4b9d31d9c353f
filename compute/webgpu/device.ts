/**
 * One device and its queue. Commands are recorded and go to the device in batches: when enough have gathered, or somebody waits for values.
 * What a device refuses it says late; whoever asks then for values that depend on a failed batch gets the error in place of them.
 */
import { DataError } from "../errors.ts";
import { type Kernel, sourceOf, THREADS } from "./kernel.ts";
import { Memory, Pool } from "./memory.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Numbers of the WebGPU specification. */
const [MAP_READ, COPY_SRC, COPY_DST, UNIFORM, STORAGE] = [0x1, 0x4, 0x8, 0x40, 0x80];
const [COMPUTE_STAGE, FOR_READING] = [0x4, 0x1];

/** Kernels of a batch, at most, and bytes of the parameters of one (offsets of uniforms are multiples of 256). */
const [BATCH, PARAMS] = [256, 256];
/** Groups of memories that are kept for each kernel. */
const MOST_GROUPS = 256;
const SCOPES = ["validation", "out-of-memory", "internal"] as const;

interface Compiled {
	readonly pipeline: GPUComputePipeline;
	readonly layout: GPUBindGroupLayout;
	/** By the memories in them. */
	readonly groups: Map<string, GPUBindGroup>;
}

/** Batches whose commands came to nothing, or may have. */
interface Failure {
	readonly first: number;
	readonly last: number;
	readonly error: DataError;
}

export class Device {
	/** The most bytes of one buffer in a kernel. */
	readonly mostBytes: number;
	/** Whether kernels may use the device's own products of four bytes. */
	readonly dotProduct: boolean;
	readonly #device: GPUDevice;
	readonly #mostGroups: number;
	readonly #pool: Pool;
	readonly #staging: Pool;
	readonly #compiled = new Map<string, Compiled>();
	readonly #params = new DataView(new ArrayBuffer(BATCH * PARAMS));
	readonly #uniforms: GPUBuffer;
	readonly #uniformLayout: GPUBindGroupLayout;
	readonly #uniformGroup: GPUBindGroup;
	readonly #checks = new Set<Promise<void>>();
	readonly #failures: Failure[] = [];
	readonly #collected: FinalizationRegistry<Memory["block"]>;
	#encoder: GPUCommandEncoder | undefined;
	#pass: GPUComputePassEncoder | undefined;
	#stopwatch: Stopwatch | undefined;
	#kernels = 0;
	#batch = 1;
	#lost: DataError | undefined;
	#closed = false;

	/**
	 * @param device - owned from here on
	 * @param mostBytes - a bound below the device's own
	 */
	constructor(device: GPUDevice, dotProduct: boolean, mostBytes: number) {
		this.#device = device;
		this.dotProduct = dotProduct;
		const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupsPerDimension } = device.limits;
		this.#mostGroups = maxComputeWorkgroupsPerDimension;
		this.mostBytes = 4 * Math.floor(Math.min(maxStorageBufferBindingSize, maxBufferSize, mostBytes) / 4);
		this.#pool = new Pool(device, STORAGE | COPY_SRC | COPY_DST, maxBufferSize);
		this.#staging = new Pool(device, MAP_READ | COPY_DST, maxBufferSize);
		device.lost.then(({ reason, message }) => {
			if (this.#closed) return;
			this.#lost = new DataError(
				"DEVICE_LOST",
				`webgpu: the device is lost (${reason}): ${message}`,
				"Open the backend again and repeat the job, or use another backend; if it happens again, look at the driver's log.",
			);
		});
		for (const scope of SCOPES) device.pushErrorScope(scope);
		this.#uniforms = device.createBuffer({ size: BATCH * PARAMS, usage: UNIFORM | COPY_DST });
		this.#uniformLayout = device.createBindGroupLayout({
			entries: [{ binding: 0, visibility: COMPUTE_STAGE, buffer: { type: "uniform", hasDynamicOffset: true } }],
		});
		this.#uniformGroup = device.createBindGroup({
			layout: this.#uniformLayout,
			entries: [{ binding: 0, resource: { buffer: this.#uniforms, size: PARAMS } }],
		});
		this.#collected = new FinalizationRegistry((block) => this.#giveBack(block));
	}

	/** @throws {DataError} BACKEND_CLOSED */
	alive(): void {
		if (this.#closed) throw closed();
	}

	/** Memory without particular contents. */
	allocate(bytes: number): Memory {
		const used = Math.max(4, 4 * Math.ceil(bytes / 4));
		const memory = new Memory(this.#pool.take(used, this.#batch), used, this.#batch);
		this.#collected.register(memory, memory.block, memory);
		return memory;
	}

	/** Memory that no later command uses. */
	free(memory: Memory): void {
		this.#collected.unregister(memory);
		this.#giveBack(memory.block);
	}

	/** Memory with some bytes. */
	upload(bytes: Uint8Array): Memory {
		const memory = this.allocate(bytes.length);
		const { buffer, freed } = memory.block;
		// The queue writes before the commands that still wait here; they must not lose what they read.
		if (freed === this.#batch) this.flush();
		const whole = bytes.length & ~3;
		if (whole > 0) this.#device.queue.writeBuffer(buffer, 0, bytes, 0, whole);
		if (whole < bytes.length) {
			const rest = new Uint8Array(4);
			rest.set(bytes.subarray(whole));
			this.#device.queue.writeBuffer(buffer, whole, rest);
		}
		memory.written = this.#batch;
		return memory;
	}

	/** Fills memory with zero bytes. */
	clear(memory: Memory): void {
		this.#commands().clearBuffer(memory.block.buffer, 0, memory.bytes);
		memory.written = this.#batch;
	}

	/** Copies bytes; offsets and length are multiples of 4. */
	copy(source: Memory, sourceOffset: number, target: Memory, targetOffset: number, bytes: number): void {
		this.#commands().copyBufferToBuffer(source.block.buffer, sourceOffset, target.block.buffer, targetOffset, bytes);
		this.#wrote([target], [source, target]);
	}

	/**
	 * Records a kernel.
	 * @param memories - by the names of the bindings
	 * @param groups - workgroups; by default enough for `params.length` threads
	 * @param slices - workgroups in the third dimension
	 */
	run<B extends string, P extends string>(
		kernel: Kernel<B, P>,
		memories: Readonly<Record<NoInfer<B>, Memory>>,
		params: Readonly<Record<NoInfer<P>, number>>,
		groups: number = Math.ceil(((params as Record<string, number>).length ?? 0) / THREADS),
		slices = 1,
	): void {
		if (groups === 0) return;
		const compiled = this.#compile(kernel);
		const names = Object.keys(kernel.bindings) as B[];
		const writes = (name: B) => kernel.bindings[name].startsWith("read_write");
		const written = names.filter(writes).map((name) => memories[name]);
		// A device does not take one buffer to read and to write.
		const copies = new Map(
			names.flatMap((name) => (!writes(name) && written.includes(memories[name]) ? [[name, this.#copyOf(memories[name])]] : [])),
		);
		const used = names.map((name) => copies.get(name) ?? memories[name]);
		const offset = this.#kernels++ * PARAMS;
		Object.entries<string>(kernel.params).forEach(([name, scalar], at) => {
			const value = params[name as P];
			if (scalar === "f32") this.#params.setFloat32(offset + 4 * at, value, true);
			else this.#params.setInt32(offset + 4 * at, value, true);
		});
		this.#encoder ??= this.#device.createCommandEncoder();
		this.#pass ??= this.#encoder.beginComputePass(this.#stopwatch?.pass() ?? {});
		this.#pass.setPipeline(compiled.pipeline);
		this.#pass.setBindGroup(0, this.#group(compiled, used));
		this.#pass.setBindGroup(1, this.#uniformGroup, [offset]);
		const across = Math.min(groups, this.#mostGroups);
		this.#pass.dispatchWorkgroups(across, Math.ceil(groups / across), slices);
		this.#wrote(written, used);
		for (const copy of copies.values()) this.free(copy);
		if (this.#kernels === BATCH) this.flush();
	}

	/** Sends recorded commands to the device. */
	flush(): void {
		if (this.#encoder) {
			const encoder = this.#commands();
			if (this.#kernels > 0) this.#device.queue.writeBuffer(this.#uniforms, 0, this.#params.buffer, 0, this.#kernels * PARAMS);
			this.#device.queue.submit([encoder.finish()]);
			this.#encoder = undefined;
			this.#kernels = 0;
		}
		const batch = this.#batch++;
		const scopes = SCOPES.map(() => this.#device.popErrorScope());
		for (const scope of SCOPES) this.#device.pushErrorScope(scope);
		const check = Promise.all(scopes).then(
			(errors) => {
				// The scopes come innermost first: what memory lacks before what follows from it.
				const error = errors[1] ?? errors.find((one) => one !== null);
				if (error) this.#fail(batch, error, error === errors[1]);
			},
			// A lost device says so by itself.
			() => {},
		);
		this.#checks.add(check);
		check.then(() => this.#checks.delete(check));
		this.#pool.sweep();
		this.#staging.sweep();
	}

	/**
	 * The first bytes of memory, when all commands before are done.
	 * @throws {DataError} DEVICE_LOST, OUT_OF_DEVICE_MEMORY, DEVICE_ERROR, BACKEND_CLOSED
	 */
	async download(memory: Memory, bytes: number = memory.bytes): Promise<ArrayBuffer> {
		this.alive();
		const { failure, written } = { failure: this.#failureOf(memory), written: memory.written };
		if (this.#lost ?? failure) throw this.#lost ?? failure;
		const staging = this.#staging.take(bytes, this.#batch);
		this.#commands().copyBufferToBuffer(memory.block.buffer, 0, staging.buffer, 0, bytes);
		const batch = this.#batch;
		this.flush();
		try {
			await staging.buffer.mapAsync(FOR_READING, 0, bytes);
			await Promise.all(this.#checks);
			const late = this.#failureAt(written) ?? this.#failureAt(batch);
			if (late) throw late;
			const values = staging.buffer.getMappedRange(0, bytes).slice(0);
			staging.buffer.unmap();
			this.#staging.give(staging, batch);
			return values;
		} catch (error) {
			this.#staging.discard(staging);
			throw await this.#reason(error, written, batch);
		}
	}

	/** Waits until all commands are done, whatever they came to. */
	async done(): Promise<void> {
		this.flush();
		await this.#device.queue.onSubmittedWorkDone().catch(() => {});
		this.alive();
		if (this.#lost) throw this.#lost;
	}

	/**
	 * The time that the device spends on the kernels that `job` runs.
	 * @returns milliseconds; undefined if the device has no clock
	 */
	async time(job: () => Promise<unknown>): Promise<number | undefined> {
		this.alive();
		await this.done();
		if (this.#device.features.has("timestamp-query")) this.#stopwatch = new Stopwatch(this.#device);
		const stopwatch = this.#stopwatch;
		try {
			await job();
			await this.done();
			return await stopwatch?.milliseconds();
		} finally {
			this.#stopwatch = undefined;
			stopwatch?.close();
		}
	}

	/** Frees all memory. Whoever waits gets BACKEND_CLOSED. */
	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#pass?.end();
		this.#device.destroy();
		await this.#device.lost;
	}

	/** The encoder outside of a pass. */
	#commands(): GPUCommandEncoder {
		this.#pass?.end();
		this.#pass = undefined;
		this.#encoder ??= this.#device.createCommandEncoder();
		return this.#encoder;
	}

	/** The group of some memories, made once as long as the same come again and again. */
	#group({ layout, groups }: Compiled, used: readonly Memory[]): GPUBindGroup {
		const key = used.map(({ block, bytes }) => `${block.id}:${bytes}`).join();
		const known = groups.get(key);
		if (known) return known;
		const entries = used.map(({ block: { buffer }, bytes }, binding) => ({ binding, resource: { buffer, size: bytes } }));
		const group = this.#device.createBindGroup({ layout, entries });
		if (groups.size === MOST_GROUPS) groups.clear();
		groups.set(key, group);
		return group;
	}

	#copyOf(memory: Memory): Memory {
		const copy = this.allocate(memory.bytes);
		this.copy(memory, 0, copy, 0, memory.bytes);
		return copy;
	}

	#compile<B extends string, P extends string>(kernel: Kernel<B, P>): Compiled {
		const known = this.#compiled.get(kernel.name);
		if (known) return known;
		const entries = Object.values<string>(kernel.bindings).map((binding, at) => ({
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

	#giveBack(block: Memory["block"]): void {
		if (this.#failureAt(block.made)) this.#pool.discard(block);
		else this.#pool.give(block, this.#batch);
	}

	/** What failed before goes on to what is made of it. */
	#wrote(written: readonly Memory[], used: readonly Memory[]): void {
		const failure = used.map((memory) => this.#failureOf(memory)).find((error) => error);
		for (const memory of written) {
			memory.failure = failure;
			memory.written = this.#batch;
		}
	}

	#failureOf(memory: Memory): DataError | undefined {
		memory.failure ??= this.#failureAt(memory.written);
		return memory.failure;
	}

	#failureAt(batch: number): DataError | undefined {
		return this.#failures.find(({ first, last }) => first <= batch && batch <= last)?.error;
	}

	#fail(batch: number, cause: GPUError, memory: boolean): void {
		const error = memory
			? new DataError(
					"OUT_OF_DEVICE_MEMORY",
					`webgpu: the device has not enough memory: ${cause.message}`,
					"Release tensors, work on fewer rows at once, or use another backend.",
					cause,
				)
			: refused(cause);
		const failure = { first: batch, last: this.#batch, error };
		this.#failures.push(failure);
		for (const pool of [this.#pool, this.#staging]) pool.discardFrom(failure.first, failure.last);
		// What is recorded from here on knows of it, and is of another batch.
		if (!this.#closed) this.flush();
	}

	/** Why values did not come. */
	async #reason(error: unknown, written: number, batch: number): Promise<DataError> {
		await Promise.all(this.#checks);
		if (this.#closed) return closed();
		return this.#lost ?? this.#failureAt(written) ?? this.#failureAt(batch) ?? (error instanceof DataError ? error : refused(error));
	}
}

function closed(): DataError {
	return new DataError("BACKEND_CLOSED", "webgpu: the backend is closed", "Open a new one.");
}

function refused(cause: unknown): DataError {
	const { message } = cause as { message?: string };
	return new DataError(
		"DEVICE_ERROR",
		`webgpu: the device refused commands: ${message || cause}`,
		"Use another backend, and report the device, its driver and this message.",
		cause,
	);
}
