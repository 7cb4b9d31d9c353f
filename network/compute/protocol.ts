/** What a worker and the process of its device tell each other. */
import type { Adapter, BackendName } from "../../compute/backend.ts";
import type { ContentDigest } from "./content.ts";
import type { PlainError } from "./failure.ts";

/** What the process is started with. */
export interface DeviceTask {
	readonly backend: BackendName;
	/** Folder of contents. */
	readonly contents: string;
	/** Of the backend `wasm`; one by default. */
	readonly threads?: number;
}

export type ToDevice =
	/** The worker has the device to itself: test it, and wait for jobs. */
	| { readonly type: "go" }
	| { readonly type: "job"; readonly octets: Uint8Array }
	/** Stop the job that runs. */
	| { readonly type: "abort" };

export type FromDevice =
	/** The backend is open, and not tested yet. */
	| { readonly type: "opened"; readonly adapter: Adapter }
	/** It gives the known answers. */
	| { readonly type: "ready" }
	| { readonly type: "phase"; readonly phase: string; readonly note?: string }
	| { readonly type: "made"; readonly made: Made }
	/** Of the job that runs; before "ready", of the device, and the process ends. */
	| { readonly type: "failed"; readonly error: PlainError };

/** What came out of a job: a file of contents, and what it is about. */
export interface Made {
	readonly sha256: ContentDigest;
	readonly bytes: number;
	/** Sizes and meanings, by the kind of job. Plain data. */
	readonly facts: Readonly<Record<string, unknown>>;
	/** The content as base64, where it is small. */
	readonly inline?: string;
}
