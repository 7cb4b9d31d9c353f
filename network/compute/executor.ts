/**
 * The process that owns a device: it opens a backend, holds it to the known answers, and does one job at a time for the worker that started it.
 * A driver can end it at any moment; the worker then knows which job it was at, and starts another one.
 */
import type { Backend } from "../../compute/backend.ts";
import { requireExact } from "../../compute/conformance.ts";
import { ContentFolder } from "./content.ts";
import { plainError } from "./failure.ts";
import { Inbox } from "./inbox.ts";
import type { DeviceTask, FromDevice, Made, ToDevice } from "./protocol.ts";
import { type Place, runJob } from "./run.ts";
import { parseJob } from "./submission.ts";

/** Contents up to here travel with the result. */
const MAX_INLINE = 2 ** 16;
/** Progress is told so often at most. */
const TELL_MS = 500;

/**
 * Serves the worker until it goes away.
 * @param open - opens the backend of a task in this process
 */
export async function serve(task: DeviceTask, open: (task: DeviceTask) => Promise<Backend>): Promise<void> {
	// Ctrl-C on a terminal is for the whole group; the worker decides what follows from it.
	process.on("SIGINT", () => {}).on("SIGTERM", () => {});
	process.on("disconnect", () => process.exit());
	const contents = new ContentFolder(task.contents);
	const inbox = new Inbox<Exclude<ToDevice, { type: "abort" }>>();
	let running = new AbortController();
	process.on("message", (message: ToDevice) => {
		if (message.type === "abort") running.abort(new Error("the worker took the job back"));
		else inbox.put(message);
	});
	try {
		const backend = await open(task);
		await say({ type: "opened", adapter: backend.adapter });
		for (;;) {
			const message = await inbox.take();
			if (message.type === "go") {
				await requireExact(backend);
				await say({ type: "ready" });
			} else {
				running = new AbortController();
				await say(await attempt(message.octets, backend, contents, running.signal));
			}
		}
	} catch (error) {
		await say({ type: "failed", error: plainError(error) });
		process.exit();
	}
}

async function attempt(octets: Uint8Array, backend: Backend, contents: ContentFolder, signal: AbortSignal): Promise<FromDevice> {
	try {
		const { bytes, facts } = await runJob(parseJob(octets), { backend, contents, signal, progress: teller() });
		signal.throwIfAborted();
		await say({ type: "phase", phase: "write" });
		const sha256 = await contents.put(bytes);
		const inline = bytes.length <= MAX_INLINE ? { inline: Buffer.from(bytes).toString("base64") } : {};
		const made: Made = { sha256, bytes: bytes.length, facts, ...inline };
		return { type: "made", made };
	} catch (error) {
		return { type: "failed", error: plainError(error) };
	}
}

/** Tells of progress: each phase, and how far it is. */
function teller(): Place["progress"] {
	let [current, last] = ["", 0];
	return (phase, done, of, note) => {
		const now = performance.now();
		if (phase === current && now - last < TELL_MS) return;
		[current, last] = [phase, now];
		const text = [...(of === undefined ? [] : [`${done}/${of}`]), ...(note === undefined ? [] : [note])].join(" ");
		void say({ type: "phase", phase, ...(text === "" ? {} : { note: text }) });
	};
}

/** Resolves when the worker's end of the pipe has it, or is gone. */
function say(message: FromDevice): Promise<void> {
	return new Promise((resolve) => {
		if (!process.connected) return resolve();
		process.send?.(message, undefined, undefined, () => resolve());
	});
}
