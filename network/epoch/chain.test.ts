import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { Chain } from "./chain.ts";
import { Journal } from "./journal.ts";

let folder: string;
let devnet: Devnet;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-chain-"));
	devnet = await startDevnet({ chainId: 1 });
});
afterAll(async () => {
	await devnet?.close();
	await rm(folder, { recursive: true, force: true });
});

it("a run goes to another chain than 31337 only without development keys", async () => {
	const { journal } = await Journal.open(join(folder, "run"), "0x00");
	const options = { rpc: devnet.url, key: devnet.keys[0] as string };
	await expect(Chain.open(options, journal)).rejects.toMatchObject({ code: "node.wrong-chain" });
	const chain = await Chain.open({ ...options, development: false }, journal);
	expect(chain.embedded).toBe(false);
	await chain.close();
});
