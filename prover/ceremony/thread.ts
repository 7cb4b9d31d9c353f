/** The work of snarkjs and ffjavascript in a ceremony, in a thread of its own: see snarkjs.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { loadFfjavascript } from "../engine.ts";
import type { SnarkjsReport, SnarkjsTask } from "./snarkjs.ts";

const G1_BYTES = 64;
const CHUNK = 1 << 14;
const report = (message: SnarkjsReport): void => parentPort?.postMessage(message);
const errors: string[] = [];
const logger = {
	info: (): void => undefined,
	warn: (): void => undefined,
	debug(line: string): void {
		const [, note, done, total] = /^(.*?):?\s*(\d+)\/(\d+)\s*$/.exec(line) ?? [];
		if (note !== undefined) report({ kind: "progress", note, done: Number(done), total: Number(total) });
	},
	error(line: string): void {
		errors.push(line);
	},
};

async function run(task: SnarkjsTask): Promise<unknown> {
	const { buildBn128 } = await loadFfjavascript();
	const { powersOfTau, zKey } = await import("snarkjs");
	switch (task.name) {
		case "initial":
			return zKey.newZKey(task.r1cs, task.powers, task.to, logger);
		case "contribute":
			return zKey.contribute(task.from, task.to, task.by, task.entropy, logger);
		case "beacon":
			return zKey.beacon(task.from, task.to, task.by, task.beacon, task.iterations, logger);
		case "verifyPowers":
			return powersOfTau.verify(task.powers, logger);
		case "multiply": {
			const { G1, Fr } = await buildBn128(false);
			const factor = Fr.e(task.factor);
			const points = new Uint8Array(task.points.length);
			for (let from = 0; from < points.length; from += CHUNK * G1_BYTES) {
				points.set(await G1.batchApplyKey(task.points.slice(from, from + CHUNK * G1_BYTES), factor, Fr.e(1n)), from);
				report({ kind: "progress", note: "multiples", done: from / G1_BYTES, total: points.length / G1_BYTES });
			}
			return points;
		}
	}
}

try {
	report({ kind: "result", value: await run(workerData as SnarkjsTask), errors });
} catch (error) {
	report({ kind: "result", value: undefined, errors: [...errors, (error as Error).message] });
}
