/**
 * snarkjs' ceremony commands, in a thread that ends with the command: they compute for minutes without a pause, keep threads and memory, cannot be
 * stopped, and print on standard output.
 */
import { Worker } from "node:worker_threads";
import { CeremonyError } from "../errors.ts";
import { scriptBeside } from "../script.ts";

/** One command; paths of files, hex, decimals. */
export type SnarkjsTask =
	| { readonly name: "initial"; readonly r1cs: string; readonly powers: string; readonly to: string }
	| { readonly name: "contribute"; readonly from: string; readonly to: string; readonly by: string; readonly entropy: string }
	| {
			readonly name: "beacon";
			readonly from: string;
			readonly to: string;
			readonly by: string;
			readonly beacon: string;
			readonly iterations: number;
	  }
	| { readonly name: "verifyPowers"; readonly powers: string }
	/** points of G1 as in a key, each times the factor, which is in `[1, r)` */
	| { readonly name: "multiply"; readonly points: Uint8Array; readonly factor: bigint };

/** What the thread says. */
export type SnarkjsReport =
	| { readonly kind: "progress"; readonly note: string; readonly done: number; readonly total: number }
	| { readonly kind: "result"; readonly value: unknown; readonly errors: readonly string[] };

export interface CeremonyProgress {
	readonly note: string;
	readonly done: number;
	readonly total: number;
}

export interface CeremonyOptions {
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: CeremonyProgress) => void;
}

/**
 * Runs a command.
 * @returns what it returns: bytes
 * @throws CeremonyError `ceremony.failed` with snarkjs' own words; the signal's reason, at once (a file that was being written stays)
 */
export async function runSnarkjs(task: SnarkjsTask, { signal, onProgress }: CeremonyOptions = {}): Promise<Uint8Array> {
	signal?.throwIfAborted();
	const worker = new Worker(scriptBeside(import.meta.url, "thread"), {
		workerData: task,
		stdout: true,
		execArgv: ["--disable-warning=ExperimentalWarning"],
	});
	const printed: string[] = [];
	worker.stdout.on("data", (bytes: Buffer) => printed.push(bytes.toString("utf8").trim()));
	const stopped = Promise.withResolvers<never>();
	const stop = (): void => stopped.reject(signal?.reason);
	signal?.addEventListener("abort", stop, { once: true });
	const failed = (words: readonly string[], cause?: unknown): CeremonyError =>
		new CeremonyError(
			"ceremony.failed",
			`snarkjs: expected ${task.name} to succeed, got ${words.filter(Boolean).join("; ") || "no result"}`,
			{
				cause,
			},
		);
	try {
		const result = new Promise<Uint8Array>((resolve, reject) => {
			worker.on("message", (message: SnarkjsReport) => {
				if (message.kind === "progress") onProgress?.(message);
				else if (message.value instanceof Uint8Array || message.value === true) {
					resolve(message.value === true ? new Uint8Array() : message.value);
				} else reject(failed([...message.errors, ...printed]));
			});
			worker.on("error", (error) => reject(failed([(error as Error).message], error)));
			worker.on("exit", (code) => reject(failed([`exit code ${code}`])));
		});
		return await Promise.race([result, stopped.promise]);
	} finally {
		signal?.removeEventListener("abort", stop);
		await worker.terminate();
	}
}
