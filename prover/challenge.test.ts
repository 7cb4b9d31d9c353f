import { keccak256, toBeHex, toUtf8Bytes } from "ethers";
import { describe, expect, it } from "vitest";
import { R } from "./bn254.ts";
import { challengeOf, combinerOf, digestOf, evaluationOf, type Fixed } from "./challenge.ts";
import { type Proof, parseProof, proofWords, toCalldata } from "./proof.ts";

const fixed: Fixed = {
	circuitId: `0x${"a1".repeat(32)}`,
	context: `0x${"b2".repeat(32)}`,
	commitment: ["3", "4"],
	publics: [5n, R - 1n],
	words: [6n, 7n, 8n],
};
const proof: Proof = {
	a: ["1", "2"],
	b: [
		["3", "4"],
		["5", "6"],
	],
	c: ["7", "8"],
	commitment: ["9", "10"],
	knowledge: ["11", "12"],
};
const hex = (value: bigint): string => toBeHex(value, 32).slice(2);
const hash = (...parts: string[]): string => keccak256(`0x${parts.map((part) => part.replace(/^0x/, "")).join("")}`);

describe("transcript", () => {
	it("is what ethers computes from the page that fixes it", () => {
		const expected = hash(
			keccak256(toUtf8Bytes("openledger.challenge.v1")),
			fixed.circuitId,
			fixed.context,
			hex(3n),
			hex(4n),
			hex(5n),
			hex(R - 1n),
			hash(hex(6n), hex(7n), hex(8n)),
		);
		expect(challengeOf(fixed)).toBe(BigInt(expected) % R);
	});

	it("of several proofs is what ethers computes from their digests", () => {
		const digest = digestOf(fixed);
		const other = `0x${"c3".repeat(32)}` as const;
		expect(challengeOf(fixed)).toBe(BigInt(digest) % R);
		const expected = hash(keccak256(toUtf8Bytes("openledger.joint.v1")), digest, other);
		expect(challengeOf(fixed, [digest, other])).toBe(BigInt(expected) % R);
		expect(() => challengeOf(fixed, [other])).toThrow(expect.objectContaining({ code: "proof.transcript" }));
		expect(() => challengeOf(fixed, [digest, "0x12"])).toThrow(/transcript\[1\]/);
	});

	it("depends on every item", () => {
		const challenge = challengeOf(fixed);
		const others: Partial<Fixed>[] = [
			{ circuitId: fixed.context },
			{ context: fixed.circuitId },
			{ commitment: ["3", "5"] },
			{ publics: [5n, R - 2n] },
			{ publics: [5n] },
			{ words: [6n, 7n] },
			{ words: [6n, 8n, 7n] },
			{ words: [] },
		];
		for (const other of others) expect(challengeOf({ ...fixed, ...other })).not.toBe(challenge);
	});

	it("refuses an alias of a public signal or of a word", () => {
		expect(() => challengeOf({ ...fixed, publics: [5n + R, R - 1n] })).toThrow(/publics\[0\]/);
		expect(() => challengeOf({ ...fixed, words: [6n, 7n + R, 8n] })).toThrow(/words\[1\]/);
		expect(() => challengeOf({ ...fixed, context: "0x12" })).toThrow(/context/);
	});

	it("takes long lists", () => {
		expect(challengeOf({ ...fixed, words: new Array(300_000).fill(1n) })).toBeGreaterThan(0n);
	});

	it("evaluates words as a polynomial without constant term", () => {
		expect(evaluationOf([], 5n)).toBe(0n);
		expect(evaluationOf([6n, 7n, 8n], 10n)).toBe(60n + 700n + 8000n);
		expect(evaluationOf([1n, 1n], R - 1n)).toBe(0n);
	});

	it("takes the low 128 bits for the combiner, which follows from every signal", () => {
		const expected = BigInt(hash(hex(98n), hex(99n), ...proofWords(proof).map(hex))) & (2n ** 128n - 1n);
		expect(combinerOf([98n, 99n], proof)).toBe(expected);
		expect(combinerOf([97n, 99n], proof)).not.toBe(expected);
	});
});

describe("proof", () => {
	it("writes words in the EVM's order", () => {
		expect(proofWords(proof)).toEqual([1n, 2n, 4n, 3n, 6n, 5n, 7n, 8n, 9n, 10n, 11n, 12n]);
		expect(toCalldata(proof).b).toEqual([
			[4n, 3n],
			[6n, 5n],
		]);
	});

	it("is read from decimal and 0x strings", () => {
		expect(parseProof({ ...proof, a: ["0x1", "0x02"] })).toEqual(proof);
	});

	it.each([
		["a missing point", { c: undefined }, /c to be two words/],
		["a number", { a: [1, 2] }, /a to be decimal/],
		["a word of q", { a: ["21888242871839275222246405745257275088696311157297823662689037894645226208583", "2"] }, /below q/],
		["a flat b", { b: ["1", "2", "3", "4"] }, /b to be two pairs/],
	])("refuses %s", (_, change, message) => {
		expect(() => parseProof({ ...proof, ...change })).toThrow(message);
	});
});
