/** A device in a process of its own, so that a crash of its driver costs an attempt and not the worker. */
import { type ChildProcess, fork } from "node:child_process";
import type { Adapter, BackendName } from "../../compute/backend.ts";
import { DataError } from "../../compute/errors.ts";
import { scriptBeside } from "../../prover/script.ts";
import { isOfDevice, RemoteError } from "./failure.ts";
import { Inbox } from "./inbox.ts";
import type { DeviceTask, FromDevice, Made, ToDevice } from "./protocol.ts";

/** How long opening and known answers may take: drivers hang. */
const PATIENCE_MS = 120_000;
/** How long a job that is taken back may take to stop by itself. */
const STOP_MS = 2000;

export interface DeviceOptions extends DeviceTask {
	/** Called when the adapter is known and before it is used: throws where the device is another's. */
	readonly acquire?: (adapter: Adapter) => void;
	/** The process' script, which calls `serve` of executor.ts. */
	readonly script?: URL;
	/** Milliseconds in which it must be ready; default two minutes. */
	readonly patienceMs?: number;
	readonly signal?: AbortSignal;
}

export interface RunOptions {
	readonly signal: AbortSignal;
	readonly onPhase: (phase: string, note?: string) => void;
}

export class Device {
	readonly name: BackendName;
	readonly adapter: Adapter;
	readonly #channel: Channel;

	private constructor(name: BackendName, adapter: Adapter, channel: Channel) {
		this.name = name;
		this.adapter = adapter;
		this.#channel = channel;
	}

	/**
	 * Starts the process; the device has passed the known answers when this returns.
	 * @throws {DataError} NO_ADAPTER, also for a process that hangs, crashes or throws what is no error of a device; RemoteError INEXACT_BACKEND
	 *   and other errors of a device; what `acquire` throws; the signal's reason
	 */
	static async open({ acquire, script, patienceMs = PATIENCE_MS, signal, ...task }: DeviceOptions): Promise<Device> {
		const channel = new Channel(script ?? scriptBeside(import.meta.url, "executor-process"), task);
		const { backend } = task;
		const timeout = AbortSignal.timeout(patienceMs);
		const abort = (): void => channel.kill();
		const either = AbortSignal.any([timeout, ...(signal ? [signal] : [])]);
		either.addEventListener("abort", abort);
		try {
			either.throwIfAborted();
			const { adapter } = await channel.next("opened");
			acquire?.(adapter);
			channel.say({ type: "go" });
			await channel.next("ready");
			return new Device(backend, adapter, channel);
		} catch (error) {
			channel.kill();
			await channel.ended;
			signal?.throwIfAborted();
			const isOwn = error instanceof ProcessEnd || (error instanceof RemoteError && !isOfDevice(error));
			if (!timeout.aborted && !isOwn) throw error;
			const got = timeout.aborted ? `no answer within ${patienceMs / 1000} s` : (error as Error).message;
			throw new DataError("NO_ADAPTER", `${backend}: expected it to open and to give the known answers, got ${got}`, NO_ADAPTER, error);
		} finally {
			either.removeEventListener("abort", abort);
		}
	}

	/** Whether jobs can be run. */
	get isAlive(): boolean {
		return this.#channel.isAlive;
	}

	/** Of the process. */
	get pid(): number | undefined {
		return this.#channel.pid;
	}

	/**
	 * Does one job. When this ends, the process is idle or gone.
	 * @throws RemoteError of the job or the device; {@link DataError} DEVICE_LOST when the process ends; the signal's reason
	 */
	async run(octets: Uint8Array, { signal, onPhase }: RunOptions): Promise<Made> {
		signal.throwIfAborted();
		const channel = this.#channel;
		if (!channel.isAlive) throw this.#lost("a process that has ended");
		let killing: NodeJS.Timeout | undefined;
		const abort = (): void => {
			channel.say({ type: "abort" });
			killing = setTimeout(() => channel.kill(), STOP_MS);
		};
		signal.addEventListener("abort", abort);
		try {
			channel.say({ type: "job", octets });
			const { made } = await channel.next("made", ({ phase, note }) => onPhase(phase, note));
			signal.throwIfAborted();
			return made;
		} catch (error) {
			signal.throwIfAborted();
			throw error instanceof ProcessEnd ? this.#lost(error.message, error) : error;
		} finally {
			signal.removeEventListener("abort", abort);
			clearTimeout(killing);
		}
	}

	#lost(got: string, cause?: unknown): DataError {
		const message = `${this.name} on ${this.adapter.device}: expected its process to do the job, got ${got}`;
		return new DataError("DEVICE_LOST", message, LOST, cause);
	}

	/** Ends the process at once. */
	async close(): Promise<void> {
		this.#channel.kill();
		await this.#channel.ended;
	}
}

const NO_ADAPTER = "Run openledger doctor, which says what was found and what to install, or choose another device.";
const LOST = "Look for the driver or the memory in the system's log; --on-failure fallback goes on with another backend.";

/** The process ended, and how. */
class ProcessEnd extends Error {}

/** Messages to and from the process. */
class Channel {
	readonly #child: ChildProcess;
	readonly ended: Promise<void>;
	readonly #inbox = new Inbox<FromDevice | ProcessEnd>();
	#end: ProcessEnd | undefined;

	constructor(script: URL, task: DeviceTask) {
		this.#child = fork(script, [JSON.stringify(task)], {
			serialization: "advanced",
			execArgv: ["--disable-warning=ExperimentalWarning"],
			// What drivers print must not come between the worker's own output.
			stdio: ["ignore", 2, 2, "ipc"],
		});
		this.#child.on("message", (message: FromDevice) => this.#inbox.put(message));
		this.ended = new Promise((resolve) => {
			this.#child.once("error", (error) => this.#finish(`that it could not be started: ${error.message}`, resolve));
			let how: string | undefined;
			// What it said last may come after its end, and before the end of the pipe.
			const finish = (): void => {
				if (how !== undefined && !this.#child.connected) this.#finish(how, resolve);
			};
			this.#child.once("exit", (code, signal) => {
				how = signal ? `its end by ${signal}` : `its end with code ${code}`;
				finish();
			});
			this.#child.once("disconnect", finish);
		});
	}

	get isAlive(): boolean {
		return this.#end === undefined && this.#child.connected;
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	/** A process that is gone hears nothing; whoever waits for it is told of its end. */
	say(message: ToDevice): void {
		if (this.#child.connected) this.#child.send(message, () => {});
	}

	kill(): void {
		this.#child.kill("SIGKILL");
	}

	/** The next message of a type. @throws RemoteError for "failed", ProcessEnd */
	async next<Type extends "opened" | "ready" | "made">(
		type: Type,
		onPhase: (message: Extract<FromDevice, { type: "phase" }>) => void = () => {},
	): Promise<Extract<FromDevice, { type: Type }>> {
		for (;;) {
			const message = await this.#inbox.take();
			if (message instanceof ProcessEnd) throw message;
			if (message.type === "failed") throw new RemoteError(message.error);
			if (message.type === "phase") onPhase(message);
			else if (message.type === type) return message as Extract<FromDevice, { type: Type }>;
		}
	}

	#finish(how: string, resolve: () => void): void {
		this.#end ??= new ProcessEnd(how);
		this.#inbox.put(this.#end);
		resolve();
	}
}
