/**
 * A worker: it takes compute jobs from the store and does them on one device, one at a time.
 *
 * What happens when the device fails is the user's choice. "requeue": the job goes back to the queue, the attempt counts, and the device is
 * opened anew for the next job. "fallback": the job is done on the next backend here (webgpu, wasm, reference), except one that asks for a
 * backend by name. A device that does not open, or is not exact any more, is no job's fault: the job goes back uncounted, and the worker ends, or
 * with "fallback" takes jobs for the other backends only.
 * No job is done on a backend that failed the known answers: device.ts gives none out.
 */
import { hostname } from "node:os";
import type { Adapter, BackendName } from "../../compute/backend.ts";
import { DataError } from "../../compute/errors.ts";
import type { DirectoryLock } from "../../prover/jobs/lock.ts";
import type { Failure, JobProver, ProveOptions } from "../../prover/jobs/prover.ts";
import type { TakenJob } from "../../prover/jobs/store.ts";
import type { JobError } from "../../prover/jobs/view.ts";
import { Device } from "./device.ts";
import { lockDevice } from "./device-lock.ts";
import { isInexact, isOfDevice, isOfWorker, judge, plainError } from "./failure.ts";
import { COMPUTE_KINDS, type ComputeKind } from "./job.ts";
import type { Made } from "./protocol.ts";
import { deviceOf, type JobDevice, queueOf } from "./submission.ts";

export type OnFailure = "requeue" | "fallback";

/** What the store keeps of a job that is done. */
export interface ComputeResult {
	readonly schema: "openledger.compute.result.v1";
	readonly content: Pick<Made, "sha256" | "bytes" | "inline"> & {
		/** Where the worker put the file: host and folder of contents. */
		readonly host: string;
		readonly folder: string;
	};
	/** Sizes and meanings, by kind of job. */
	readonly facts: Made["facts"];
	readonly backend: BackendName;
	readonly adapter: Adapter;
	/** Backends that failed before in this attempt, and how. */
	readonly failed: readonly (JobError & { readonly backend: BackendName })[];
}

/** What a worker tells beside what its jobs do. */
export type WorkerEvent =
	| { readonly type: "open"; readonly backend: BackendName; readonly adapter: Adapter; readonly pid: number | undefined }
	/** `next`: the backend that the job goes on with. */
	| { readonly type: "failed"; readonly backend: BackendName; readonly error: JobError; readonly next: BackendName | undefined };

type Failed = ComputeResult["failed"][number];

export interface WorkerOptions {
	readonly backend: BackendName;
	readonly onFailure: OnFailure;
	/** Kinds of jobs to take; all by default. */
	readonly kinds?: readonly ComputeKind[];
	/** Folder of contents. */
	readonly contents: string;
	/** Of the backend `wasm`; one by default. */
	readonly threads?: number;
	/** Script of the devices' processes. */
	readonly script?: URL;
	/** Folder of the locks of devices. */
	readonly locks?: string;
	readonly onEvent?: (event: WorkerEvent) => void;
	/** Called when the worker can do no job any more, with the reason: it should end. */
	readonly onEnd?: (error: unknown) => void;
}

/** Whom a backend's jobs go to when it fails. */
const NEXT: Readonly<Record<BackendName, readonly BackendName[]>> = {
	webgpu: ["wasm", "reference"],
	gpujs: ["wasm", "reference"],
	wasm: ["reference"],
	reference: [],
};
/** A device that failed to open is tried again after so long, and each time after twice as long, so many times. */
const AGAIN_MS = 60_000;
const DOUBLINGS = 6;

export class ComputeWorker implements JobProver {
	/** The queues to take jobs from, for the runner, which looks at them each time. */
	readonly queues = new Map<string, string>();
	readonly #options: WorkerOptions;
	readonly #chain: readonly BackendName[];
	readonly #devices = new Map<BackendName, Device>();
	/** Adapters that this worker had, with their locks. */
	readonly #owned = new Map<BackendName, { readonly adapter: Adapter; readonly lock: DirectoryLock | undefined }>();
	/** Backends that did not open, how often in a row, and when they may be tried again. */
	readonly #closed = new Map<BackendName, { readonly error: unknown; readonly times: number; readonly until: number }>();

	constructor(options: WorkerOptions) {
		this.#options = options;
		const { backend, onFailure } = options;
		this.#chain = onFailure === "fallback" ? [backend, ...NEXT[backend]] : [backend];
		this.#offer("any");
	}

	/**
	 * Opens the device before the first job, or the next one where the user chose so.
	 * @throws DataError NO_ADAPTER; RemoteError INEXACT_BACKEND; ProverError `jobs.owned` when another worker has the device
	 */
	async open(signal: AbortSignal): Promise<Device> {
		return (await this.#first(this.#chain, signal, async (device) => device)).device;
	}

	async prove(job: TakenJob, _key: string, { signal, onProgress }: ProveOptions): Promise<ComputeResult> {
		const asked = deviceOf(job.key);
		onProgress("open");
		const { value, device, failed } = await this.#first(asked === "any" ? this.#chain : [asked], signal, (opened) =>
			opened.run(job.octets, { signal, onPhase: onProgress }),
		);
		const { facts, ...content } = value;
		return {
			schema: "openledger.compute.result.v1",
			content: { ...content, host: hostname(), folder: this.#options.contents },
			facts,
			backend: device.name,
			adapter: device.adapter,
			failed,
		};
	}

	judge(error: unknown): Failure {
		const failure = judge(error);
		const isUnopened = [...this.#closed.values()].some((closed) => closed.error === error);
		return isUnopened ? { ...failure, end: "release" } : failure;
	}

	async close(): Promise<void> {
		for (const backend of [...this.#devices.keys()]) await this.#drop(backend);
		for (const { lock } of this.#owned.values()) lock?.release();
		this.#owned.clear();
	}

	/** Works on the first backend of a chain that does not fail. */
	async #first<Value>(
		chain: readonly BackendName[],
		signal: AbortSignal,
		work: (device: Device) => Promise<Value>,
	): Promise<{ readonly value: Value; readonly device: Device; readonly failed: readonly Failed[] }> {
		const failed: Failed[] = [];
		for (let at = 0; ; at++) {
			const [backend, next] = [chain[at] as BackendName, chain[at + 1]];
			try {
				const device = await this.#device(backend, signal);
				return { value: await work(device), device, failed };
			} catch (error) {
				signal.throwIfAborted();
				if (isOfWorker(error)) this.#options.onEnd?.(error);
				if (!isOfDevice(error)) throw error;
				// Also one that only ran out of memory: what is left of the job there goes with its process.
				await this.#drop(backend);
				const { name: _, ...plain } = plainError(error);
				failed.push({ backend, ...plain });
				this.#options.onEvent?.({ type: "failed", backend, error: plain, next });
				if (next !== undefined) continue;
				if (this.#chain.every((one) => this.#closed.has(one))) this.#options.onEnd?.(error);
				throw error;
			}
		}
	}

	/** The device of a backend, opened if it is not. */
	async #device(backend: BackendName, signal: AbortSignal): Promise<Device> {
		const found = this.#devices.get(backend);
		if (found?.isAlive) return found;
		const closed = this.#closed.get(backend);
		if (closed && performance.now() < closed.until) throw closed.error;
		this.#devices.delete(backend);
		try {
			const { contents, script, threads } = this.#options;
			const extra = { ...(script ? { script } : {}), ...(threads === undefined ? {} : { threads }) };
			const acquire = (adapter: Adapter): void => this.#acquire(backend, adapter);
			const device = await Device.open({ backend, contents, acquire, signal, ...extra });
			this.#devices.set(backend, device);
			this.#closed.delete(backend);
			this.#offer(backend);
			this.#options.onEvent?.({ type: "open", backend, adapter: device.adapter, pid: device.pid });
			return device;
		} catch (error) {
			if (isOfDevice(error)) {
				const times = (closed?.times ?? 0) + 1;
				const pause = isInexact(error) ? Number.POSITIVE_INFINITY : AGAIN_MS * 2 ** Math.min(times - 1, DOUBLINGS);
				this.#closed.set(backend, { error, times, until: performance.now() + pause });
				this.#withdraw(backend);
			}
			throw error;
		}
	}

	/** Makes the device this worker's own; one that is opened again must be the same. */
	#acquire(backend: BackendName, adapter: Adapter): void {
		const owned = this.#owned.get(backend);
		if (!owned) {
			this.#owned.set(backend, { adapter, lock: lockDevice(backend, adapter, this.#options.locks) });
			return;
		}
		if (owned.adapter.device === adapter.device && owned.adapter.software === adapter.software) return;
		throw new DataError(
			"NO_ADAPTER",
			`${backend}: expected ${owned.adapter.device} again, got ${adapter.device}`,
			"Start the worker again to use the other device.",
		);
	}

	async #drop(backend: BackendName): Promise<void> {
		await this.#devices.get(backend)?.close();
		this.#devices.delete(backend);
	}

	#offer(device: JobDevice): void {
		if (device !== "any" && device !== this.#options.backend) return;
		for (const kind of this.#options.kinds ?? COMPUTE_KINDS) this.queues.set(queueOf(kind, device), device);
	}

	#withdraw(backend: BackendName): void {
		for (const kind of COMPUTE_KINDS) this.queues.delete(queueOf(kind, backend));
	}
}
