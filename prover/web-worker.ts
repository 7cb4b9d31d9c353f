/**
 * The few lines of the browser's Worker interface that ffjavascript needs, over node:worker_threads.
 *
 * It stands in for the package `web-worker`, which takes any worker thread that imports it for one of its own: inside a
 * pool worker it would replace the global object's prototype, listen on the pool's port and export no class at all.
 */
import { Worker } from "node:worker_threads";

const PREFIX = "data:application/javascript;base64,";
const SHIM = `
const { parentPort } = require("node:worker_threads");
const self = { postMessage: (data, transfer) => parentPort.postMessage(data, transfer), close: () => process.exit(0) };
parentPort.on("message", (data) => self.onmessage({ data }));
`;

/** A thread that runs the script of a `data:` address. */
export default class WebWorker {
	readonly #thread: Worker;

	constructor(address: string) {
		if (!address.startsWith(PREFIX)) throw new TypeError(`WebWorker: expected a script as ${PREFIX}..., got ${address}`);
		const script = Buffer.from(address.slice(PREFIX.length), "base64").toString("utf8");
		// Flags of this process such as --input-type would change how the script is read.
		this.#thread = new Worker(SHIM + script, { eval: true, execArgv: [] });
	}

	addEventListener(type: "message" | "error", listen: (event: { data: unknown }) => void): void {
		this.#thread.on(type, (data: unknown) => listen({ data }));
	}

	postMessage(data: unknown, transfer?: ArrayBuffer[]): void {
		this.#thread.postMessage(data, transfer);
	}

	terminate(): void {
		void this.#thread.terminate();
	}
}
