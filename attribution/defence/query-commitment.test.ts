import { concat, keccak256 } from "ethers";
import { describe, expect, test } from "vitest";
import { generator } from "../../compute/random.ts";
import { refusal } from "../../compute/testing.ts";
import { checkOpenings, commitQueries, hiddenQueries, openQueries } from "./query-commitment.ts";
import { D, drawRows } from "./testing.ts";

const queries = drawRows(20, generator(1n));
const salt = Uint8Array.from({ length: 32 }, (_, i) => i);
const beacon = new Uint8Array(32).fill(7);
const commitment = commitQueries(queries, salt);

test("the root is the keccak of the formula", () => {
	const word = (i: number) => Uint8Array.of(0, 0, 0, i);
	const leaves = Array.from({ length: 20 }, (_, i) => {
		const own = keccak256(concat([salt, word(i)]));
		const row = queries.x.slice(i * D, (i + 1) * D);
		return keccak256(concat([own, word(i), Uint8Array.of(queries.label[i] as number, 1), row]));
	});
	expect(`0x${Buffer.from(commitment.root).toString("hex")}`).toBe(keccak256(concat(leaves)));
});

test("what is hidden and what is shown are all, none twice, and follow from the beacon", () => {
	const hidden = hiddenQueries(commitment, beacon, 0.5);
	expect(hidden).toHaveLength(10);
	expect(hidden).toEqual(Uint32Array.from(new Set(hidden)).sort());
	expect(hiddenQueries(commitment, beacon, 0.5)).toEqual(hidden);
	expect(hiddenQueries(commitment, new Uint8Array(32), 0.5)).not.toEqual(hidden);
	expect(hiddenQueries(commitQueries(queries, beacon), beacon, 0.5)).not.toEqual(hidden);
	const shown = Array.from({ length: 20 }, (_, i) => i).filter((i) => !hidden.includes(i));
	checkOpenings(commitment, openQueries(queries, salt, shown));
	checkOpenings(commitment, openQueries(queries, salt, hidden));
	const two = commitQueries(drawRows(2, generator(2n)), salt);
	expect(hiddenQueries(two, beacon, 0.99)).toHaveLength(1);
	expect(hiddenQueries(commitQueries(drawRows(1, generator(2n)), salt), beacon, 0.5)).toEqual(Uint32Array.of(0));
});

test("every query is equally likely to be hidden", () => {
	const times = new Array<number>(20).fill(0);
	for (let round = 0; round < 400; round++) {
		for (const query of hiddenQueries(commitment, Uint8Array.of(round & 255, round >> 8), 0.5)) times[query] = (times[query] as number) + 1;
	}
	// 200 on average, with a standard deviation of 10.
	expect(Math.min(...times)).toBeGreaterThan(150);
	expect(Math.max(...times)).toBeLessThan(250);
});

describe("refused", () => {
	const open = () => openQueries(queries, salt, [3])[0] as ReturnType<typeof openQueries>[0];

	test.each([
		["another value", { x: open().x.map((value, i) => (i === 4 ? value ^ 1 : value)) }],
		["another label", { label: (open().label + 1) % 3 }],
		["another weight", { weight: 2 }],
		["another place", { index: 4 }],
		["another salt", { salt: open().salt.map((value) => value ^ 1) }],
	])("%s", async (_, change) => {
		checkOpenings(commitment, [open()]);
		expect(await refusal(() => checkOpenings(commitment, [{ ...open(), ...change }]))).toEqual({
			code: "LINEAGE_DIGEST_CHANGED",
			message: expect.stringMatching(/query \d is not the one that was committed/),
		});
	});

	test("other leaves, an index outside, a short salt, no query, a share of 1", async () => {
		const leaves = commitment.leaves.with(0, commitment.leaves[1] as Uint8Array);
		expect((await refusal(() => checkOpenings({ ...commitment, leaves }, []))).message).toContain("published was 0x");
		const outside = { code: "PARAMETER_OUT_OF_RANGE", message: expect.stringContaining("in [0, 19], got 20") };
		expect(await refusal(() => openQueries(queries, salt, [20]))).toEqual(outside);
		expect(await refusal(() => checkOpenings(commitment, [{ ...open(), index: 20 }]))).toEqual(outside);
		expect((await refusal(() => commitQueries(queries, salt.slice(1)))).code).toBe("SHAPE_MISMATCH");
		const none = { x: new Uint8Array(), label: new Uint8Array(), weight: new Uint8Array(), count: 0 };
		expect((await refusal(() => commitQueries(none, salt))).code).toBe("TOO_FEW_ROWS");
		expect((await refusal(() => hiddenQueries(commitment, beacon, 1))).message).toContain("a share in (0, 1), got 1");
	});
});
