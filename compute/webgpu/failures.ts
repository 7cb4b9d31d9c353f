/**
 * What a device refuses, and whose values are void for it. Commands go in batches, and word of a failure comes late: whatever was written in
 * the failed batch, or in one that was recorded before the word came, may rest on it.
 */
import { DataError } from "../errors.ts";
import type { Memory } from "./memory.ts";

interface Failure {
	/** Batches: the one that failed, and the last one recorded in ignorance of it. */
	readonly first: number;
	readonly last: number;
	readonly error: DataError;
}

export class Failures {
	readonly #all: Failure[] = [];

	/** A batch failed while another one was recorded. @param outOfMemory - whether that is why */
	add(first: number, last: number, cause: GPUError, outOfMemory: boolean): void {
		this.#all.push({ first, last, error: outOfMemory ? full(cause) : refused(cause) });
	}

	/** Why a batch is void, if it is. */
	at(batch: number): DataError | undefined {
		return this.#all.find(({ first, last }) => first <= batch && batch <= last)?.error;
	}

	/** Why memory holds no values, if so. */
	of(memory: Memory): DataError | undefined {
		memory.failure ??= this.at(memory.written);
		return memory.failure;
	}

	/** What is made of void memory is void. */
	wrote(batch: number, written: readonly Memory[], used: readonly Memory[]): void {
		const failure = used.map((memory) => this.of(memory)).find((error) => error);
		for (const memory of written) {
			memory.failure = failure;
			memory.written = batch;
		}
	}
}

export function closed(): DataError {
	return new DataError("BACKEND_CLOSED", "webgpu: the backend is closed", "Open a new one.");
}

export function lost({ reason, message }: GPUDeviceLostInfo): DataError {
	return new DataError(
		"DEVICE_LOST",
		`webgpu: the device is lost (${reason}): ${message}`,
		"Open the backend again and repeat the job, or use another backend; if it happens again, look at the driver's log.",
	);
}

export function refused(cause: unknown): DataError {
	const { message } = cause as { message?: string };
	return new DataError(
		"DEVICE_ERROR",
		`webgpu: the device refused commands: ${message || cause}`,
		"Use another backend, and report the device, its driver and this message.",
		cause,
	);
}

function full(cause: GPUError): DataError {
	return new DataError(
		"OUT_OF_DEVICE_MEMORY",
		`webgpu: the device has not enough memory: ${cause.message}`,
		"Release tensors, work on fewer rows at once, or use another backend.",
		cause,
	);
}
