/** Tensors of a device: handles and the memory that they stand for. */
import { DataError } from "../errors.ts";
import { type Element, type Tensor, WIDTH } from "../tensor.ts";
import type { Device } from "./device.ts";
import type { Memory } from "./memory.ts";

export class Tensors {
	readonly #device: Device;
	/** Memory that handles nobody holds any more stand for goes back by itself. */
	readonly #memories = new WeakMap<Tensor, Memory>();
	readonly #released = new WeakSet<Memory>();

	constructor(device: Device) {
		this.#device = device;
	}

	/** A handle for memory. */
	wrap<E extends Element>(memory: Memory, element: E, rows: number, columns: number): Tensor<E> {
		const tensor: Tensor<E> = { element, rows, columns };
		this.#memories.set(tensor, memory);
		return tensor;
	}

	/**
	 * Refuse a tensor that no kernel could take.
	 * @throws {DataError} TENSOR_TOO_LARGE, BACKEND_CLOSED
	 */
	check(element: Element, rows: number, columns: number): void {
		this.#device.alive();
		const bytes = rows * columns * WIDTH[element];
		if (bytes <= this.#device.mostBytes) return;
		throw new DataError(
			"TENSOR_TOO_LARGE",
			`webgpu: expected a tensor of at most ${this.#device.mostBytes} bytes, got ${bytes} (${rows} x ${columns} of ${element})`,
			"Work on fewer rows at once.",
		);
	}

	/** A tensor whose values a kernel will write. */
	create<E extends Element>(element: E, rows: number, columns: number): { tensor: Tensor<E>; memory: Memory } {
		this.check(element, rows, columns);
		const memory = this.#device.allocate(rows * columns * WIDTH[element]);
		return { tensor: this.wrap(memory, element, rows, columns), memory };
	}

	/** @throws {DataError} TENSOR_UNKNOWN, BACKEND_CLOSED */
	memoryOf(tensor: Tensor): Memory {
		this.#device.alive();
		const memory = this.#memories.get(tensor);
		if (memory && !this.#released.has(memory)) return memory;
		throw new DataError(
			"TENSOR_UNKNOWN",
			"webgpu: expected a tensor of this backend that is not released, got another",
			"Upload the values to this backend, and release a tensor when nothing uses it any more.",
		);
	}

	/** Frees the memory of a tensor, and so of all others that are the same memory. */
	release(tensor: Tensor): void {
		const memory = this.#memories.get(tensor);
		if (!memory || this.#released.has(memory)) return;
		this.#released.add(memory);
		this.#device.free(memory);
	}
}
