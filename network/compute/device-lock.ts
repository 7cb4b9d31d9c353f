/**
 * Who owns a GPU: at most one worker of this machine's user. The lock is the operating system's (prover/jobs/lock.ts), so it ends with the
 * worker, however that ends.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Adapter, BackendName } from "../../compute/backend.ts";
import { ProverError } from "../../prover/errors.ts";
import { DirectoryLock } from "../../prover/jobs/lock.ts";

/** Where locks lie: `openledger/devices` in the user's folder for state. */
export function defaultLockFolder(env: NodeJS.ProcessEnv = process.env): string {
	return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "openledger", "devices");
}

/**
 * Takes a device.
 * @returns the lock; undefined for backends of the processor, which take a core for each worker
 * @throws ProverError `jobs.owned` when another worker has it
 */
export function lockDevice(backend: BackendName, adapter: Adapter, folder = defaultLockFolder()): DirectoryLock | undefined {
	if (backend !== "webgpu" && adapter.software) return undefined;
	const name = createHash("sha256").update(`${backend}/${adapter.device}/${adapter.driver}`).digest("hex").slice(0, 16);
	const directory = join(folder, name);
	mkdirSync(directory, { recursive: true });
	const note = join(directory, "worker");
	const lock = DirectoryLock.take(directory);
	if (lock) {
		// For the message of whoever is refused.
		writeFileSync(note, String(process.pid));
		return lock;
	}
	let holder = "another process";
	try {
		holder = `process ${readFileSync(note, "utf8")}`;
	} catch {
		// It has the lock and has not said who it is yet.
	}
	throw new ProverError("jobs.owned", `worker: expected ${adapter.device} to be free, got one in the hands of ${holder}`, {
		hint: "one worker for each GPU: end that one (openledger worker drain), or start this one with --device wasm",
	});
}
