import { id as hash, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Contracts, contractsAt } from "./contracts.ts";
import { changeOf, growth, HALF_LIFE, joined, placeOf, UNIT, valueAt, weightOf } from "./half-life.ts";
import type { LedgerLog } from "./logs.ts";
import { claimOf } from "./payout-tree.ts";
import { ReputationClient, ReputationReader, replayReputation } from "./reputation.ts";
import { DELAY, House, PLACES, POOL } from "./testing/house.ts";
import { listedDatanet } from "./testing/listed.ts";

const DAY = 86_400;
const ONE = 1n << 64n;
let house: House;
let contract: Contracts["reputation"];
let reader: ReputationReader;
let client: ReputationClient;
let datanet: bigint;

beforeAll(async () => {
	house = await House.build(4);
	const { deployment, provider, devnet } = house;
	contract = contractsAt(deployment.contracts, provider).reputation;
	reader = new ReputationReader({ deployment, provider });
	client = await ReputationClient.open({ deployment, signer: new Wallet(devnet.keys[1] as string, provider) });
	datanet = await listedDatanet(house);
}, 180_000);
afterAll(async () => house?.devnet.close());

/** An epoch of the datanet whose payout is active, and its words. */
async function paid(): Promise<{ epoch: bigint; words: readonly bigint[] }> {
	const epoch = await house.attributed({ datanet });
	await house.steward.fund({ epoch, amount: POOL });
	await house.postPayout(epoch);
	await house.wait(DELAY);
	return { epoch, words: house.payouts().words };
}

describe("reputation", () => {
	it("is earned by proven words, sent by anybody, once", async () => {
		const { epoch, words } = await paid();
		expect(await reader.missing(epoch, words.length)).toEqual([0, 1, 2, 3]);
		const { logs } = await client.applyWord(claimOf(epoch, words, 0, PLACES));
		expect(logs.map(({ name }) => name)).toEqual(["WordApplied"]);
		expect(await reader.missing(epoch, words.length)).toEqual([1, 2, 3]);
		await expect(client.applyWord(claimOf(epoch, words, 0, PLACES))).rejects.toMatchObject({ revert: { name: "AlreadyApplied" } });
		const wallet = house.contributors[0]?.address as string;
		expect(await reader.now({ datanet, wallet })).toEqual({ reputation: 333_333n, weight: weightOf(333_333n) });
		for (const index of [1, 2, 3]) await client.applyWord(claimOf(epoch, words, index, PLACES));
	});

	it("counts nothing for an epoch of no datanet", async () => {
		const epoch = await house.attributed();
		await house.steward.fund({ epoch, amount: POOL });
		await house.postPayout(epoch);
		await house.wait(DELAY);
		const claim = claimOf(epoch, house.payouts().words, 0, PLACES);
		await expect(client.applyWord(claim)).rejects.toMatchObject({ revert: { name: "EpochWithoutDatanet" }, hint: expect.any(String) });
	});

	it("is rebuilt from events alone, and worth the same now and later", async () => {
		const { epoch, words } = await paid();
		await house.wait(100 * DAY);
		const next = await paid();
		for (const index of [0, 1]) await client.applyWord(claimOf(next.epoch, next.words, index, PLACES));
		// The older epoch after the newer one.
		for (const index of [0, 1]) await client.applyWord(claimOf(epoch, words, index, PLACES));
		const standings = await reader.standings();
		expect(standings.map(({ wallet }) => wallet)).toEqual(house.contributors.map(({ address }) => address));
		expect(standings.map(({ words: counted }) => counted.length)).toEqual([3, 3, 1, 1]);
		for (let i = 0; i < 3; i++) {
			const time = BigInt((await house.provider.getBlock("latest"))?.timestamp ?? 0);
			for (const standing of standings) {
				const { wallet, net, period, words: counted } = standing;
				const kept = await contract.standingOf(datanet, wallet);
				expect({ net: kept.net, period: kept.period }).toEqual({ net, period });
				const reputation = valueAt(standing, time);
				expect(await reader.now({ datanet, wallet })).toEqual({ reputation, weight: weightOf(reputation) });
				for (const { epoch: of, index } of counted) expect(await contract.isApplied(of, index)).toBe(true);
			}
			await house.wait(40 * DAY);
		}
		expect(standings.map(({ net }) => net > 0n)).toEqual([true, false, true, true]);
	});

	it("names a gap", () => {
		const log = (args: Record<string, unknown>): LedgerLog => ({
			...{ contract: "Reputation", name: "WordApplied", blockNumber: 1, index: 0, transaction: "0x" },
			args: { datanet: 1n, wallet: "0x", epoch: 1n, index: 0n, ...args },
		});
		const first = log({ change: 8n, activatesAt: HALF_LIFE, net: 8n, period: 1n });
		const second = log({ change: 3n, activatesAt: 2n * HALF_LIFE, net: 7n, period: 2n });
		expect(replayReputation([first, second])).toMatchObject([{ net: 7n, period: 2n, words: [{ change: 8n }, { change: 3n }] }]);
		expect(() => replayReputation([second])).toThrow(expect.objectContaining({ code: "events.incomplete" }));
		expect(() => replayReputation([first, { ...second, args: { ...second.args, period: 3n } }])).toThrow(/expected a net/);
	});
});

describe("the integers are the contract's", () => {
	/** A repeatable stream of numbers below 2^bits, extremes among them. */
	function* numbers(label: string, bits: number, count: number): Generator<bigint> {
		yield 0n;
		yield 1n;
		yield (1n << BigInt(bits)) - 1n;
		yield 1n << BigInt(bits - 1);
		for (let i = 0; i < count; i++) {
			const draw = BigInt(hash(`${label} ${i}`));
			// Of every size, not only of the largest.
			yield (draw >> 8n) & ((1n << ((draw & 0xffn) % BigInt(bits + 1))) - 1n);
		}
	}
	const all = <Value>(values: Iterable<Value>, hold: (value: Value, i: number) => Promise<void>) => Promise.all([...values].map(hold));

	it("growth", async () => {
		await all(numbers("growth", 64, 200), async (fraction) => {
			expect(growth(fraction)).toBe(await contract.growth(fraction));
		});
		expect(() => growth(ONE)).toThrow(RangeError);
		expect(() => growth(-1n)).toThrow(RangeError);
		expect(growth(ONE - 1n)).toBeLessThan(2n * ONE);
	});

	it("changes", async () => {
		const [paidSums, fractions] = [[...numbers("paid", 112, 200)], [...numbers("fraction", 64, 200)]];
		await all(numbers("amount", 96, 200), async (amount, i) => {
			const word = amount | (BigInt(i % 2) << 96n) | (BigInt(i) << 128n);
			const [paidSum, fraction] = [paidSums[(i * 7) % paidSums.length] as bigint, fractions[(i * 11) % fractions.length] as bigint];
			expect(changeOf(word, paidSum, fraction)).toBe(await contract.changeOf(word, paidSum, fraction));
		});
	});

	it("joined", async () => {
		const [nets, changes] = [[...numbers("net", 215, 200)], [...numbers("change", 86, 200)]];
		const [before, after] = [[...numbers("before", 9, 200)], [...numbers("after", 10, 200)]];
		await all(nets.entries(), async ([i, size]) => {
			const net = { net: i % 3 === 0 ? -size : size, period: before[i] as bigint };
			const change = { net: i % 2 === 0 ? -(changes[i] as bigint) : (changes[i] as bigint), period: after[i] as bigint };
			const [expected, period] = await contract.joined(net.net, net.period, change.net, change.period);
			expect(joined(net, change)).toEqual({ net: expected, period });
		});
	});

	it("values", async () => {
		const times = [...numbers("time", 40, 200)];
		await all(numbers("value", 215, 200), async (size, i) => {
			const time = times[i] as bigint;
			const { period: now } = placeOf(time);
			const period = i % 5 === 0 ? 0n : now - (BigInt(i % 300) > now ? now : BigInt(i % 300));
			const net = { net: i % 9 === 8 ? -size : size, period };
			expect(valueAt(net, time)).toBe(await contract.valueAt(net.net, period, time));
		});
		expect(valueAt({ net: UNIT * ONE, period: 3n }, 4n * HALF_LIFE)).toBe(UNIT / 2n);
	});

	it("weights", async () => {
		expect([0n, UNIT / 2n, UNIT, 10n ** 30n].map(weightOf)).toEqual([5_000n, 10_000n, 12_500n, 19_999n]);
	});
});
