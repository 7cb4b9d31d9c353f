/** The device's own clock around passes. */
import { DataError } from "../errors.ts";

/** Passes that one stopwatch times. */
const MOST = 2048;
const [MAP_READ, COPY_SRC, COPY_DST, QUERY_RESOLVE] = [0x1, 0x4, 0x8, 0x200];

export class Stopwatch {
	readonly #device: GPUDevice;
	readonly #queries: GPUQuerySet;
	#passes = 0;

	constructor(device: GPUDevice) {
		this.#device = device;
		this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * MOST });
	}

	/** What times a pass. */
	pass(): GPUComputePassDescriptor {
		const at = 2 * this.#passes++;
		if (at >= 2 * MOST) return {};
		return { timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } };
	}

	/**
	 * The time of all passes together, when they are done.
	 * @throws {DataError} PARAMETER_OUT_OF_RANGE if there are too many
	 */
	async milliseconds(): Promise<number> {
		if (this.#passes > MOST) {
			throw new DataError("PARAMETER_OUT_OF_RANGE", `time: expected at most ${MOST} passes, got ${this.#passes}`, "Time a shorter job.");
		}
		const size = 16 * this.#passes;
		if (size === 0) return 0;
		const resolved = this.#device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
		const staging = this.#device.createBuffer({ size, usage: MAP_READ | COPY_DST });
		try {
			const encoder = this.#device.createCommandEncoder();
			encoder.resolveQuerySet(this.#queries, 0, 2 * this.#passes, resolved, 0);
			encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
			this.#device.queue.submit([encoder.finish()]);
			await staging.mapAsync(1);
			const stamps = new BigUint64Array(staging.getMappedRange());
			let nanoseconds = 0;
			for (let at = 0; at < stamps.length; at += 2) nanoseconds += Number((stamps[at + 1] as bigint) - (stamps[at] as bigint));
			return nanoseconds / 1e6;
		} finally {
			resolved.destroy();
			staging.destroy();
		}
	}

	close(): void {
		this.#queries.destroy();
	}
}
