import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DirectoryLock, lastOwner } from "./lock.ts";

let directory: string;
beforeEach(async () => {
	directory = await mkdtemp(join(tmpdir(), "openledger-lock-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const HOLD = `
import { DirectoryLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
const lock = DirectoryLock.take(process.argv[1]);
console.log(lock ? "taken" : "refused");
if (lock) setInterval(() => {}, 1000);
`;

/** A process that takes the lock and holds it, if it can. */
async function holder(): Promise<{ says: string; kill(): Promise<void> }> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", HOLD, directory], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	const says = await new Promise<string>((resolve) => child.stdout.once("data", (text: Buffer) => resolve(text.toString().trim())));
	return {
		says,
		async kill() {
			const ended = new Promise((resolve) => child.once("exit", resolve));
			if (child.kill("SIGKILL")) await ended;
		},
	};
}

it("has one holder at a time, in a process as between processes", async () => {
	const lock = DirectoryLock.take(directory);
	expect(lock).toBeDefined();
	expect(DirectoryLock.take(directory)).toBeUndefined();
	const other = await holder();
	expect(other.says).toBe("refused");
	await other.kill();
	lock?.release();
	const again = DirectoryLock.take(directory);
	expect(again).toBeDefined();
	again?.release();
});

it("ends with its holder, also by kill -9", async () => {
	const other = await holder();
	expect(other.says).toBe("taken");
	expect(DirectoryLock.take(directory)).toBeUndefined();
	await other.kill();
	const lock = DirectoryLock.take(directory);
	expect(lock).toBeDefined();
	lock?.release();
});

it("says who holds it and where it answers", async () => {
	expect(await lastOwner(directory)).toBeUndefined();
	const lock = DirectoryLock.take(directory) as DirectoryLock;
	await lock.announce({ port: 1234, token: "secret", isProver: true });
	expect(await lastOwner(directory)).toEqual({
		schema: "openledger.jobs.owner.v1",
		pid: process.pid,
		port: 1234,
		token: "secret",
		isProver: true,
	});
	lock.release();
});
