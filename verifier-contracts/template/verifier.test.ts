import { describe, expect, it } from "vitest";
import { compileVerifier, compileVerifiers } from "../compile.ts";
import { SolidityError } from "../solc.ts";
import { circuitIdOf, packKey, renderVerifier, type VerificationKey } from "./verifier.ts";

// Rendering does not look at the curve, so small numbers do for coordinates.
const draft: VerificationKey = {
	schema: "openledger.vkey.v1",
	statement: "score",
	id: "score-c8",
	circuitId: "0x",
	development: true,
	publics: ["previousScores", "scoreCommit"],
	links: ["totalAt"],
	hasWords: true,
	alpha: ["1", "2"],
	beta: [
		["3", "4"],
		["5", "6"],
	],
	gamma: [
		["7", "8"],
		["9", "10"],
	],
	delta: [
		["11", "12"],
		["13", "14"],
	],
	sigma: [
		["15", "16"],
		["17", "18"],
	],
	ic: Array.from({ length: 6 }, (_, i) => [`${19 + 2 * i}`, `${20 + 2 * i}`] as const),
};
const key: VerificationKey = { ...draft, circuitId: circuitIdOf(draft) };

describe("packKey", () => {
	it("writes one word per coordinate, G2 with imaginary parts first", () => {
		const words = [...packKey(key)].filter((_, i) => i % 32 === 31);
		expect(words.slice(0, 10)).toEqual([1, 2, 4, 3, 6, 5, 8, 7, 10, 9]);
		expect(words.slice(18)).toEqual(Array.from({ length: 12 }, (_, i) => 19 + i));
	});

	it("refuses what is no coordinate", () => {
		for (const bad of ["-1", "0x1", "", "1.5", (1n << 256n).toString()]) {
			expect(() => packKey({ ...key, alpha: [bad, "2"] })).toThrow(`packKey: expected an integer in [0, 2^256), got ${bad}`);
		}
	});
});

describe("renderVerifier", () => {
	it("gives a contract that compiles, and the same bytecode under another name and path", async () => {
		const compiled = await compileVerifiers({ A: renderVerifier(key, "A"), B: renderVerifier(key, "B") });
		expect(compiled.A?.abi.map((item) => item.name)).toContain("verifyJoint");
		expect(compiled.A?.deployedBytecode).toContain(key.circuitId.slice(2));
		expect(compiled.A?.deployedBytecode).toBe(compiled.B?.deployedBytecode);
	});

	it("says the transcript of a ceremony, which only a key from one has and every such key needs", async () => {
		const transcript = `0x${"5a".repeat(32)}` as const;
		const finished = { ...key, development: false, transcript };
		const { A } = await compileVerifiers({ A: renderVerifier(finished, "A") });
		expect(A?.abi.map((item) => item.name)).toContain("transcript");
		expect(A?.deployedBytecode).toContain(transcript.slice(2));
		expect(() => renderVerifier({ ...key, development: false }, "A")).toThrow("expected the transcript hash of a ceremony");
		expect(() => renderVerifier({ ...finished, transcript: "0x5a" }, "A")).toThrow("expected the transcript hash of a ceremony");
		expect(() => renderVerifier({ ...key, transcript }, "A")).toThrow("expected no transcript of a development key");
	});

	it("refuses a key whose circuit id is not the hash of the rest", () => {
		expect(() => renderVerifier({ ...key, alpha: ["2", "2"] }, "A")).toThrow("renderVerifier: expected circuit id");
	});

	it("refuses another number of points than signals", () => {
		expect(() => renderVerifier({ ...key, hasWords: false }, "A")).toThrow("renderVerifier: expected 5 IC points for score-c8, got 6");
		expect(() => renderVerifier({ ...key, links: [] }, "A")).toThrow("renderVerifier: expected 5 IC points for score-c8, got 6");
	});

	it("refuses names that would become other Solidity", () => {
		expect(() => renderVerifier(key, "A {} contract B")).toThrow("renderVerifier: expected a Solidity identifier");
		expect(() => renderVerifier({ ...key, id: 'x"; selfdestruct' }, "A")).toThrow("renderVerifier: expected a printable ASCII id");
		expect(() => renderVerifier({ ...key, publics: ["a\n}", "b"] }, "A")).toThrow("renderVerifier: expected plain signal names");
		expect(() => renderVerifier({ ...key, links: ["a\n}"] }, "A")).toThrow("renderVerifier: expected plain signal names");
	});
});

describe("compileVerifier", () => {
	it("reports the compiler's message", async () => {
		await expect(compileVerifier("contract A { x }", "A")).rejects.toThrow(SolidityError);
	});

	it("refuses a source without the contract", async () => {
		const source = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37; contract B {}";
		await expect(compileVerifier(source, "A")).rejects.toThrow("the source of A has no contract A");
	});
});
