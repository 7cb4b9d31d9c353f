/** `openledger reputation` over an epoch of a datanet, on a chain of its own. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DELAY, House, POOL } from "../../ledger/testing/house.ts";
import { listedDatanet } from "../../ledger/testing/listed.ts";
import { Terminal } from "./program.ts";

let house: House;
let folder: string;
let terminal: Terminal;
let datanet: bigint;
const at = () => ["--rpc", house.devnet.url, "--deployment", "deployment.json"];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-reputation-"));
	house = await House.build(3);
	datanet = await listedDatanet(house);
	terminal = new Terminal(folder, { KEY: house.devnet.keys[1] as string });
	await writeFile(join(folder, "deployment.json"), JSON.stringify(house.deployment));
}, 180_000);
afterAll(async () => {
	await house?.devnet.close();
	await rm(folder, { recursive: true, force: true });
});

test("apply counts what was not counted, and show tells what it came to", async () => {
	const epoch = await house.attributed({ datanet });
	const applied = ["apply", ...at(), String(epoch), "--key", "KEY"];
	expect(await terminal.run(["reputation", ...applied])).toMatchObject({
		code: 3,
		stderr: expect.stringContaining("expected an epoch whose payout is posted"),
	});
	await house.steward.fund({ epoch, amount: POOL });
	await house.postPayout(epoch);
	expect(await terminal.run(["reputation", ...applied])).toMatchObject({ code: 6, stderr: expect.stringContaining("NotActive") });
	await house.wait(DELAY);
	const [verb, ...rest] = applied as [string, ...string[]];
	const dry = await terminal.json("reputation", verb, ...rest, "--dry-run");
	expect(dry).toMatchObject({ dryRun: true, applied: [0, 1, 2] });
	expect(await terminal.json("reputation", verb, ...rest, "--index", "1")).toMatchObject({ applied: [1], before: 0 });
	const all = await terminal.json("reputation", verb, ...rest);
	expect(all).toMatchObject({ applied: [0, 2], before: 1, transactions: [{ action: "applyWord 0" }, { action: "applyWord 2" }] });
	expect(await terminal.json("reputation", verb, ...rest)).toMatchObject({ applied: [], before: 3, transactions: [] });

	const { standings } = await terminal.json("reputation", "show", ...at());
	expect(standings.map(({ wallet }: { wallet: string }) => wallet)).toEqual([1, 0, 2].map((i) => house.contributors[i]?.address));
	const wallet = house.contributors[0]?.address as string;
	const shown = await terminal.json("reputation", "show", ...at(), "--datanet", String(datanet), "--wallet", wallet);
	expect(shown.standings).toMatchObject([{ wallet, reputation: "499999", weight: "9999" }]);
	expect((await terminal.run(["reputation", "show", ...at()])).stdout).toMatch(/0\.499999 +0\.9999 +1/);
	expect((await terminal.json("reputation", "show", ...at(), "--datanet", "9")).standings).toEqual([]);
});
