/**
 * One device and its queue. Commands are recorded and go to the device in batches: when enough have gathered, or somebody waits for values.
 * What a device refuses it says late; whoever asks then for values that depend on a failed batch gets the error in place of them.
 */
import type { DataError } from "../errors.ts";
import { closed, Failures, lost, refused } from "./failures.ts";
import { type Kernel, THREADS } from "./kernel.ts";
import { type Block, Memory, Pool } from "./memory.ts";
import { Pipelines } from "./pipelines.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Numbers of the WebGPU specification. */
const [MAP_READ, COPY_SRC, COPY_DST, UNIFORM, STORAGE, FOR_READING] = [0x1, 0x4, 0x8, 0x40, 0x80, 0x1];
/** Kernels of a batch, at most, and bytes of the parameters of one (offsets of uniforms are multiples of 256). */
const [BATCH, PARAMS] = [256, 256];
const SCOPES = ["validation", "out-of-memory", "internal"] as const;

export class Device {
	/** The most bytes of one buffer in a kernel. */
	readonly mostBytes: number;
	/** Whether kernels may use the device's own products of four bytes. */
	readonly dotProduct: boolean;
	readonly #device: GPUDevice;
	readonly #mostGroups: number;
	readonly #pool: Pool;
	readonly #staging: Pool;
	readonly #pipelines: Pipelines;
	readonly #params = new DataView(new ArrayBuffer(BATCH * PARAMS));
	readonly #uniforms: GPUBuffer;
	readonly #checks = new Set<Promise<void>>();
	readonly #failures = new Failures();
	readonly #collected: FinalizationRegistry<Block>;
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
		device.lost.then((info) => {
			if (!this.#closed) this.#lost = lost(info);
		});
		for (const scope of SCOPES) device.pushErrorScope(scope);
		this.#uniforms = device.createBuffer({ size: BATCH * PARAMS, usage: UNIFORM | COPY_DST });
		this.#pipelines = new Pipelines(device, this.#uniforms, PARAMS);
		this.#collected = new FinalizationRegistry((block) => this.#giveBack(block));
	}

	/** @throws {DataError} BACKEND_CLOSED */
	alive(): void {
		if (this.#closed) throw closed();
	}

	/** Memory without particular contents. */
	allocate(bytes: number): Memory {
		const used = wholeWords(bytes);
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
		const whole = bytes.length - (bytes.length % 4);
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
		this.#failures.wrote(this.#batch, [target], [source, target]);
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
		const compiled = this.#pipelines.compile(kernel as unknown as Kernel);
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
		this.#pass.setBindGroup(0, this.#pipelines.group(compiled, used));
		this.#pass.setBindGroup(1, this.#pipelines.uniforms, [offset]);
		const across = Math.min(groups, this.#mostGroups);
		this.#pass.dispatchWorkgroups(across, Math.ceil(groups / across), slices);
		this.#failures.wrote(this.#batch, written, used);
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
		const { failure, written } = { failure: this.#failures.of(memory), written: memory.written };
		if (this.#lost ?? failure) throw this.#lost ?? failure;
		const size = wholeWords(bytes);
		const staging = this.#staging.take(size, this.#batch);
		this.#commands().copyBufferToBuffer(memory.block.buffer, 0, staging.buffer, 0, size);
		const batch = this.#batch;
		this.flush();
		try {
			await staging.buffer.mapAsync(FOR_READING, 0, size);
			await Promise.all(this.#checks);
			const late = this.#failures.at(written) ?? this.#failures.at(batch);
			if (late) throw late;
			const values = staging.buffer.getMappedRange(0, size).slice(0, bytes);
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
	 * The time that the device spends on kernels until `job` is done.
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

	#copyOf(memory: Memory): Memory {
		const copy = this.allocate(memory.bytes);
		this.copy(memory, 0, copy, 0, memory.bytes);
		return copy;
	}

	#giveBack(block: Block): void {
		if (this.#failures.at(block.made)) this.#pool.discard(block);
		else this.#pool.give(block, this.#batch);
	}

	#fail(batch: number, cause: GPUError, outOfMemory: boolean): void {
		this.#failures.add(batch, this.#batch, cause, outOfMemory);
		// Buffers that could not be made may be among the idle ones.
		for (const pool of [this.#pool, this.#staging]) pool.discardFrom(batch, this.#batch);
		// What is recorded from here on knows of it, and is of another batch.
		if (!this.#closed) this.flush();
	}

	/** Why values did not come. */
	async #reason(error: unknown, written: number, batch: number): Promise<DataError> {
		await Promise.all(this.#checks);
		// Word that the device is lost may come after what it makes fail.
		await new Promise((resolve) => setImmediate(resolve));
		if (this.#closed) return closed();
		return this.#lost ?? this.#failures.at(written) ?? this.#failures.at(batch) ?? refused(error);
	}
}

/** Bytes of the words in which some bytes are stored, of which there is at least one. */
function wholeWords(bytes: number): number {
	return Math.max(4, 4 * Math.ceil(bytes / 4));
}
