/** Memory of a device: buffers that are used again rather than freed and made anew. */
import type { DataError } from "../errors.ts";

/** A buffer and what must be known to use it again. */
export interface Block {
	/** Unique among those of a pool. */
	readonly id: number;
	readonly buffer: GPUBuffer;
	readonly size: number;
	/** The batch of commands in which it was made: if that failed, it may be no buffer. */
	readonly made: number;
	/** The batch of commands in which it was given back. */
	freed: number;
}

/** What tensors are stored in. */
export class Memory {
	readonly block: Block;
	/** Bytes in use, a multiple of 4 and at least 4. */
	readonly bytes: number;
	/** The batch of commands that wrote it last. */
	written: number;
	/** Why it holds no values, if its commands failed. */
	failure: DataError | undefined;

	constructor(block: Block, bytes: number, batch: number) {
		this.block = block;
		this.bytes = bytes;
		this.written = batch;
	}
}

/** Bytes of buffers that wait for use. */
const MOST_IDLE = 2 ** 29;

/** Buffers of one usage. */
export class Pool {
	readonly #device: GPUDevice;
	readonly #usage: number;
	readonly #most: number;
	readonly #idle = new Map<number, Block[]>();
	#idleBytes = 0;
	#made = 0;
	/** Those that go as soon as no recorded command needs them. */
	readonly #leaving: Block[] = [];

	/** @param most - bytes of the largest buffer */
	constructor(device: GPUDevice, usage: number, most: number) {
		this.#device = device;
		this.#usage = usage;
		this.#most = most;
	}

	/**
	 * A buffer of at least some bytes; what it holds is left from before.
	 * @param batch - that of the commands which may use it first
	 */
	take(bytes: number, batch: number): Block {
		const size = Math.min(this.#most, sizeClass(bytes));
		const block = this.#idle.get(size)?.pop();
		if (!block) return { id: this.#made++, buffer: this.#device.createBuffer({ size, usage: this.#usage }), size, made: batch, freed: 0 };
		this.#idleBytes -= size;
		return block;
	}

	/** @param batch - that of the commands which use the buffer last */
	give(block: Block, batch: number): void {
		block.freed = batch;
		if (this.#idleBytes + block.size > MOST_IDLE) {
			this.discard(block);
			return;
		}
		const idle = this.#idle.get(block.size);
		if (idle) idle.push(block);
		else this.#idle.set(block.size, [block]);
		this.#idleBytes += block.size;
	}

	/** Frees a buffer with the next `sweep`. */
	discard(block: Block): void {
		this.#leaving.push(block);
	}

	/** Discards what is idle and was made in one of some batches. */
	discardFrom(first: number, last: number): void {
		for (const [size, blocks] of this.#idle) {
			const gone = blocks.filter(({ made }) => first <= made && made <= last);
			this.#idle.set(
				size,
				blocks.filter((block) => !gone.includes(block)),
			);
			this.#idleBytes -= size * gone.length;
			this.#leaving.push(...gone);
		}
	}

	/** Frees what was discarded; all commands that were recorded are submitted. */
	sweep(): void {
		for (const { buffer } of this.#leaving.splice(0)) buffer.destroy();
	}
}

/** Sizes in steps of a quarter of a power of two, at least 256 bytes. */
function sizeClass(bytes: number): number {
	const step = 2 ** Math.max(6, Math.ceil(Math.log2(Math.max(1, bytes))) - 3);
	return Math.max(256, Math.ceil(bytes / step) * step);
}
