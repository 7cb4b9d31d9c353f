import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Wallet } from "ethers";
import { describe, expect, it } from "vitest";
import { startDevnet } from "./devnet.ts";
import { connect } from "./node.ts";

const alive = (pid: number): boolean => {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
};

/** Waits until the process is gone; false when it stays for 5 s. */
async function gone(pid: number): Promise<boolean> {
	for (let i = 0; i < 100; i += 1) {
		if (!alive(pid)) return true;
		await delay(50);
	}
	return false;
}

describe("startDevnet", () => {
	it("answers, funds its keys and is gone after close", async () => {
		const devnet = await startDevnet({ chainId: 4242, accounts: 2 });
		const provider = await connect({ url: devnet.url, chainId: 4242 });
		const balances = await Promise.all(devnet.keys.map((key) => provider.getBalance(new Wallet(key).address)));
		expect(balances.map(String)).toEqual(["10000000000000000000000", "10000000000000000000000"]);
		await devnet.close();
		expect(alive(devnet.pid)).toBe(false);
		await devnet.close();
		await expect(connect({ url: devnet.url })).rejects.toMatchObject({ code: "node.unreachable" });
	});

	it("names the wrong chain", async () => {
		const devnet = await startDevnet();
		await expect(connect({ url: devnet.url, chainId: 1 })).rejects.toMatchObject({ code: "node.wrong-chain" });
		await devnet.close();
	});

	it("stops on a signal", async () => {
		const controller = new AbortController();
		const devnet = await startDevnet({ signal: controller.signal });
		controller.abort();
		expect(await gone(devnet.pid)).toBe(true);
		await expect(startDevnet({ signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
	});

	it("says in anvil's words why it died", async () => {
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as { port: number };
		await expect(startDevnet({ port })).rejects.toMatchObject({ code: "devnet.died", message: expect.stringMatching(/address.*in use/i) });
		server.close();
	});

	it("says that the binary is missing", async () => {
		await expect(startDevnet({ binary: join(import.meta.dirname, "no-anvil") })).rejects.toMatchObject({ code: "devnet.missing" });
	});

	it.skipIf(process.platform === "win32").each(["SIGKILL", "SIGTERM", "SIGINT"] as const)("leaves no orphan after %s", async (name) => {
		const parent = join(import.meta.dirname, "testing", "parent.ts");
		const child = spawn(process.execPath, [parent], { stdio: ["ignore", "pipe", "inherit"] });
		const [line] = (await once(child.stdout, "data")) as [Buffer];
		const pid = Number(line.toString());
		expect(alive(pid)).toBe(true);
		child.kill(name);
		expect(await gone(pid)).toBe(true);
	});

	it("does not keep its parent alive", async () => {
		const parent = join(import.meta.dirname, "testing", "parent.ts");
		const child = spawn(process.execPath, [parent, "leave"], { stdio: ["ignore", "pipe", "inherit"] });
		const [line] = (await once(child.stdout, "data")) as [Buffer];
		const [status] = (await once(child, "exit")) as [number];
		expect(status).toBe(0);
		expect(await gone(Number(line.toString()))).toBe(true);
	});
});
