/** The event indexer in a PostgreSQL server, alone and several at once. */
import { id } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ChannelReader } from "../../ledger/channel-reader.ts";
import { Indexer } from "../../ledger/indexer/indexer.ts";
import { DAY, Street } from "../../ledger/testing/street.ts";
import { type Databases, HAS_SERVER, serverDatabases } from "../../prover/jobs/testing.ts";

describe.skipIf(!HAS_SERVER)("an index in a server", () => {
	let street: Street;
	let databases: Databases;

	beforeAll(async () => {
		street = await Street.build();
		databases = await serverDatabases();
		for (const salt of ["one", "two", "three"]) {
			await street.payer.openWithPermit({ payee: street.payee.address, delay: DAY, salt: id(salt), amount: 5n });
		}
	}, 120_000);
	afterAll(async () => {
		await databases?.close();
		await street?.devnet.close();
	});

	async function open(place: { database: string }, span = 1_000): Promise<Indexer> {
		return Indexer.open({ place, deployment: street.deployment, node: street.provider, span });
	}

	it("is followed, resumed, reorganised, asked and folded as in the embedded one", async () => {
		const place = (await databases.place()) as { database: string };
		const index = await open(place, 3);
		await index.follow({ once: true, pollMs: 5 });
		const logs = await index.logs({ contract: "PaymentChannels", event: "ChannelOpened", where: { payer: street.payer.address } });
		expect(logs.map(({ args }) => args.amount)).toEqual([5n, 5n, 5n]);
		await index.close();

		await street.provider.send("anvil_reorg", [2, []]);
		const again = await open(place);
		const orphans: number[] = [];
		await again.follow({ once: true, pollMs: 5, onStep: ({ orphaned }) => orphans.push(orphaned) });
		expect(orphans.some((count) => count === 2)).toBe(true);
		const head = await street.provider.getBlockNumber();
		expect(await again.status()).toMatchObject({ gaps: 0, blocks: head - street.deployment.block + 1, tip: { number: head } });
		const channels = await new ChannelReader({ deployment: street.deployment, provider: street.provider }).channels();
		expect(await again.state("PaymentChannels")).toEqual(channels);
		await again.close();
	});

	it("is followed by several at once without a gap or a duplicate", async () => {
		const place = (await databases.place()) as { database: string };
		const indexes = await Promise.all([open(place, 1), open(place, 2), open(place, 3)]);
		await Promise.all(indexes.map((index) => index.follow({ once: true, pollMs: 1 })));
		const head = await street.provider.getBlockNumber();
		const found = await Promise.all(indexes.map((index) => index.status()));
		for (const status of found)
			expect(status).toMatchObject({ gaps: 0, blocks: head - street.deployment.block + 1, tip: { number: head } });
		const [first] = indexes;
		const truth = await street.provider.getLogs({ address: street.deployment.contracts.OpenToken, fromBlock: street.deployment.block });
		expect(await first.logs({ contract: "OpenToken" })).toHaveLength(truth.length);
		for (const index of indexes) await index.close();
	});
});
