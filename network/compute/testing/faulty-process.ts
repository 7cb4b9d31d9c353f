/**
 * A device's process whose backends fail on purpose, as `OPENLEDGER_FAULTS` says (JSON: backend -> fault). A fault of a job shows itself in
 * statistics of FAULTY_ROWS rows, which no known answer has. The arithmetic is that of `wasm`, but of a WebGPU device where that is destroyed.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Backend, BackendName } from "../../../compute/backend.ts";
import { DataError } from "../../../compute/errors.ts";
import { openWasm } from "../../../compute/wasm/backend.ts";
import { openWebgpu } from "../../../compute/webgpu/backend.ts";
import { serve } from "../executor.ts";
import type { DeviceTask } from "../protocol.ts";
import { FAULTY_ROWS, type Fault } from "./faults.ts";

const task = JSON.parse(process.argv[2] as string) as DeviceTask;
const faults = JSON.parse(process.env.OPENLEDGER_FAULTS ?? "{}") as Partial<Record<BackendName, Fault>>;

const FAIL: Readonly<Record<Fault, () => Promise<void>>> = {
	crash: async () => void process.kill(process.pid, "SIGSEGV"),
	"crash once": async () => {
		const mark = join(task.contents, "crashed");
		if (existsSync(mark)) return;
		writeFileSync(mark, "");
		process.kill(process.pid, "SIGSEGV");
	},
	destroy: async () => gpu?.destroy(),
	lost: async () => {
		throw new DataError("DEVICE_LOST", "webgpu: expected values, got a lost device", "Start the worker again.");
	},
	memory: async () => {
		throw new DataError("OUT_OF_DEVICE_MEMORY", "webgpu: expected 4 GB, got no memory", "Take smaller jobs.");
	},
	disk: async () => {
		throw Object.assign(new Error("no space left on the disk"), { name: "DataError", code: "DISK_FULL", hint: "Free some space." });
	},
	stall: async () => {
		// Deaf to everything but a kill.
		for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
	},
	inexact: async () => {},
	absent: async () => {},
	hang: async () => {},
};

let gpu: GPUDevice | undefined;

async function openFaulty({ backend: name }: DeviceTask): Promise<Backend> {
	const fault = faults[name];
	const own = fault === "destroy" ? await openWebgpu({ onDevice: (device) => (gpu = device) }) : openWasm();
	const backend = { ...own, name };
	if (fault === "absent") throw new DataError("NO_ADAPTER", `${name}: expected an adapter, got none`, "Install a driver.");
	if (fault === "hang") await new Promise((resolve) => setTimeout(resolve, 600_000));
	return {
		...backend,
		async statistics(rows, d, k) {
			if (fault && rows.count === FAULTY_ROWS) await FAIL[fault]();
			const { a, ...others } = await backend.statistics(rows, d, k);
			return { ...others, a: fault === "inexact" ? a.map((value) => value + 1) : a };
		},
	};
}

await serve(task, openFaulty);
