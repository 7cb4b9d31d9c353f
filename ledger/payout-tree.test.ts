import { AbiCoder, keccak256 } from "ethers";
import { describe, expect, it } from "vitest";
import { claimOf, payoutRoot, payoutRoots, readWord } from "./payout-tree.ts";

const encode = (types: string[], values: unknown[]) => keccak256(AbiCoder.defaultAbiCoder().encode(types, values));
const leaf = (epoch: bigint, word: bigint) => encode(["uint256", "uint256"], [epoch, word]);
const words = (count: number) => Array.from({ length: count }, (_, i) => (BigInt(i) << 128n) | BigInt(i * 7 + 1));

describe("the claim tree", () => {
	it.each([1, 2, 3, 4, 5, 8, 9, 1024])("leads every one of %i words to the root", (count) => {
		const list = words(count);
		const root = payoutRoot(5n, list);
		for (const index of new Set([0, 1, count >> 1, count - 2, count - 1].filter((place) => place >= 0 && place < count))) {
			const { word, proof } = claimOf(5n, list, index, 1024);
			expect(proof).toHaveLength(Math.ceil(Math.log2(count)));
			// As the contract climbs: by position, not by order of the digests.
			const top = proof.reduce(
				(node, sibling, height) => encode(["bytes32", "bytes32"], (index >> height) & 1 ? [sibling, node] : [node, sibling]),
				leaf(5n, word),
			);
			expect(top).toBe(root);
		}
	});

	// The same page is in verifier-contracts/test/PayoutTree.t.sol.
	it("has the root that the contracts' library builds", () => {
		const page = Array.from({ length: 1000 }, (_, i) => BigInt(i * i + 1) | (i % 3 === 0 ? 1n << 96n : 0n) | (BigInt(i) << 128n));
		expect(payoutRoot(7n, page)).toBe("0xb33d3527090ba54b4d30c09628cb54a2fcfc532024710c2b79a45a54ed504307");
	});

	it("has the root of plain recomputation for pages of every size, with random words", () => {
		for (let count = 1; count <= 66; count++) {
			const page = Array.from(
				{ length: count },
				(_, i) => (BigInt(i) << 128n) | (BigInt(encode(["uint256", "uint256"], [count, i])) >> 159n),
			);
			let level = page.map((word) => leaf(BigInt(count), word));
			while (level.length & (level.length - 1)) level.push(`0x${"0".repeat(64)}`);
			while (level.length > 1) {
				level = Array.from({ length: level.length / 2 }, (_, i) => encode(["bytes32", "bytes32"], [level[2 * i], level[2 * i + 1]]));
			}
			expect(payoutRoot(BigInt(count), page)).toBe(level[0]);
		}
	});

	it("has a tree for each page", () => {
		const list = words(5);
		expect(payoutRoots(5n, list, 2)).toEqual([list.slice(0, 2), list.slice(2, 4), list.slice(4)].map((page) => payoutRoot(5n, page)));
		expect(claimOf(5n, list, 3, 2).proof).toEqual([leaf(5n, list[2] as bigint)]);
		expect(claimOf(5n, list, 4, 2).proof).toEqual([]);
	});

	it("binds the epoch", () => {
		expect(payoutRoot(1n, words(3))).not.toBe(payoutRoot(2n, words(3)));
	});

	it("refuses an empty or too long list and an index outside it", () => {
		const invalid = expect.objectContaining({ code: "input.invalid" });
		expect(() => payoutRoot(1n, [])).toThrow(invalid);
		expect(() => payoutRoot(1n, words(1025))).toThrow(invalid);
		expect(() => claimOf(1n, words(3), 3, 2)).toThrow(invalid);
	});

	it.each([0, 1.5, 1025])("has no pages of %d words", (pageSize) => {
		const invalid = expect.objectContaining({ code: "input.invalid" });
		expect(() => claimOf(1n, words(3), 0, pageSize)).toThrow(invalid);
		expect(() => payoutRoots(1n, words(3), pageSize)).toThrow(invalid);
	});
});

describe("a payout word", () => {
	it("is read by its layout", () => {
		const amount = (1n << 96n) - 1n;
		expect(readWord(amount)).toEqual({ index: 0, amount, isCharge: false });
		expect(readWord((1023n << 128n) | (1n << 96n) | 5n)).toEqual({ index: 1023, amount: 5n, isCharge: true });
	});

	it.each([97n, 127n, 160n, 255n])("has no bit %i", (bit) => {
		expect(() => readWord(1n << bit)).toThrow(expect.objectContaining({ code: "input.invalid" }));
	});
});
