import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lockDevice } from "./device-lock.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-devices-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const GPU = { device: "GPU 1", driver: "1.0", software: false };

it("gives a GPU to one worker at a time, and says to others who has it", () => {
	const lock = lockDevice("webgpu", GPU, folder);
	expect(() => lockDevice("webgpu", GPU, folder)).toThrow(
		expect.objectContaining({
			code: "jobs.owned",
			message: `worker: expected GPU 1 to be free, got one in the hands of process ${process.pid}`,
			hint: expect.stringContaining("--device wasm"),
		}),
	);
	lock?.release();
	lockDevice("webgpu", GPU, folder)?.release();
});

it("locks devices apart, and the processor not at all", () => {
	const [one, other] = ["GPU 1", "GPU 2"].map((device) => lockDevice("webgpu", { ...GPU, device }, folder));
	expect([one, other].every(Boolean)).toBe(true);
	for (const backend of ["wasm", "reference", "gpujs"] as const) {
		expect(lockDevice(backend, { ...GPU, software: true }, folder)).toBeUndefined();
	}
	one?.release();
	other?.release();
});
