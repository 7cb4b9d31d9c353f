import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Q, R } from "../bn254.ts";
import { groth16, type ProofWithSignals } from "../groth16.ts";
import { CHAIN, SQUARE } from "../testing/circuits.ts";
import { type CircuitFiles, compilePlain, endSnarkjs, pointOutsideSubgroup, snarkjsKey } from "../testing/plain.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let root: string;
let square: CircuitFiles;
let good: ProofWithSignals;
let verificationKey: { IC: string[][] } & Record<string, unknown>;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-equation-"));
	const files = await compilePlain(root, "chain", CHAIN);
	square = await compilePlain(root, "square", SQUARE);
	const key = await snarkjsKey(files.r1cs, 6);
	good = await groth16.fullProve({ x: [1, 2, 3, -4], y: 5 }, files.wasm, key);
	verificationKey = structuredClone(await groth16.exportVerificationKey(key)) as unknown as typeof verificationKey;
});
afterAll(async () => {
	await endSnarkjs();
	await rm(root, { recursive: true, force: true });
});

const snarkjsVerify = (key: unknown, signals: unknown, proof: unknown): Promise<boolean> =>
	snarkjs.groth16.verify(key, signals as string[], proof);

describe("verify", () => {
	const invalidG2 = (): string[][] => {
		const { x, y } = pointOutsideSubgroup();
		return [
			[`${x.c0}`, `${x.c1}`],
			[`${y.c0}`, `${y.c1}`],
			["1", "0"],
		];
	};
	const signals = (change: (list: string[]) => unknown[]) => (): [unknown, unknown, unknown] => [
		verificationKey,
		change([...good.publicSignals]),
		good.proof,
	];
	const proof = (change: object) => (): [unknown, unknown, unknown] => [verificationKey, good.publicSignals, { ...good.proof, ...change }];
	const vkey = (change: object) => (): [unknown, unknown, unknown] => [{ ...verificationKey, ...change }, good.publicSignals, good.proof];

	it("takes hexadecimal numbers, bigints and keys without e(alpha, beta), as snarkjs does", async () => {
		const hex = good.publicSignals.map((signal) => `0x${BigInt(signal).toString(16)}`);
		const big = good.publicSignals.map(BigInt);
		const { vk_alphabeta_12: _, ...short } = verificationKey;
		for (const [key, list] of [
			[verificationKey, hex],
			[verificationKey, big],
			[short, good.publicSignals],
		]) {
			expect(await groth16.verify(key, list, good.proof)).toBe(true);
			expect(await snarkjsVerify(key, list, good.proof)).toBe(true);
		}
	});

	it.each<[string, () => [unknown, unknown, unknown], string]>([
		["another public signal", signals(([first, ...rest]) => [(BigInt(first as string) + 1n).toString(), ...rest]), "proof.equation"],
		["public signals in another order", signals((list) => list.reverse()), "proof.equation"],
		["a public signal that is r more", signals(([first, ...rest]) => [(BigInt(first as string) + R).toString(), ...rest]), "proof.public"],
		["a public signal that is r", signals(([_, ...rest]) => [R.toString(), ...rest]), "proof.public"],
		[
			"a negated point",
			() => proof({ pi_c: [good.proof.pi_c[0], (Q - BigInt(good.proof.pi_c[1] as string)).toString(), "1"] })(),
			"proof.equation",
		],
		["a point of another place", () => proof({ pi_a: good.proof.pi_c })(), "proof.equation"],
		["a point off the curve", proof({ pi_a: ["1", "3", "1"] }), "proof.point"],
		["a G2 point outside the subgroup", () => proof({ pi_b: invalidG2() })(), "proof.point"],
		["another key's delta", () => vkey({ vk_delta_2: verificationKey.vk_beta_2 })(), "proof.equation"],
	])("says no to %s, as snarkjs does", async (_, make, code) => {
		expect(await groth16.verify(...make())).toBe(false);
		await expect(groth16.check(...make())).rejects.toMatchObject({ code, name: "ProofInvalid" });
		expect(await snarkjsVerify(...make())).toBe(false);
	});

	it("says no where snarkjs says yes: coordinates above q, and missing signals that are zero", async () => {
		const shifted = good.proof.pi_a.map((value, i) => (i === 0 ? (BigInt(value) + Q).toString() : value));
		const [key, list, high] = proof({ pi_a: shifted })();
		expect(await snarkjsVerify(key, list, high)).toBe(true);
		await expect(groth16.check(key, list, high)).rejects.toMatchObject({ code: "proof.point" });

		const otherKey = await snarkjsKey(square.r1cs, 3);
		const zero = await groth16.fullProve({ x: 0 }, square.wasm, otherKey);
		expect(zero.publicSignals).toEqual(["0"]);
		const squareKey = await groth16.exportVerificationKey(otherKey);
		expect(await snarkjsVerify(squareKey, [], zero.proof)).toBe(true);
		expect(await groth16.verify(squareKey, [], zero.proof)).toBe(false);
		expect(await groth16.verify(squareKey, ["0"], zero.proof)).toBe(true);
	});

	it.each<[string, () => [unknown, unknown, unknown], string]>([
		["no proof", () => [verificationKey, good.publicSignals, "proof"], "proof.format"],
		["a list as proof", () => [verificationKey, good.publicSignals, []], "proof.format"],
		["null as proof", () => [verificationKey, good.publicSignals, null], "proof.format"],
		["another protocol's proof", proof({ protocol: "plonk" }), "proof.format"],
		["another curve's proof", proof({ curve: "bls12381" }), "proof.format"],
		["a proof without pi_b", proof({ pi_b: undefined }), "proof.format"],
		["a word as coordinate", proof({ pi_a: ["one", "2", "1"] }), "proof.format"],
		["a negative coordinate", proof({ pi_a: ["1", "-2", "1"] }), "proof.format"],
		["a fraction as coordinate", proof({ pi_a: [1.5, 2, 1] }), "proof.format"],
		["a coordinate of 90 digits", proof({ pi_a: ["1".repeat(90), "2", "1"] }), "proof.format"],
		["a coordinate of 2^256", proof({ pi_a: [2n ** 256n, "2", "1"] }), "proof.format"],
		["a point at infinity", proof({ pi_a: ["0", "1", "0"] }), "proof.format"],
		["two coordinates", proof({ pi_c: ["1", "2"] }), "proof.format"],
		["public signals that are no list", () => [verificationKey, { 0: "1" }, good.proof], "proof.format"],
		["a word as public signal", signals(([_, ...rest]) => ["one", ...rest]), "proof.format"],
		["an empty public signal", signals(([_, ...rest]) => ["", ...rest]), "proof.format"],
		["a negative public signal", signals(([_, ...rest]) => ["-1", ...rest]), "proof.format"],
		["a public signal that JSON has rounded", signals(([_, ...rest]) => [2 ** 60, ...rest]), "proof.format"],
		["no key", () => ["key", good.publicSignals, good.proof], "vkey.format"],
		["a proof as key", () => [good.proof, good.publicSignals, good.proof], "vkey.format"],
		["another protocol's key", vkey({ protocol: "plonk" }), "vkey.format"],
		["another curve's key", vkey({ curve: "bls12381" }), "vkey.format"],
		["a key with another number of signals", vkey({ nPublic: 2 }), "vkey.format"],
		["a key without IC", vkey({ IC: [] }), "vkey.format"],
		["a word in a key", vkey({ vk_alpha_1: ["a", "2", "1"] }), "vkey.format"],
		["a point of a key off the curve", vkey({ vk_alpha_1: ["1", "3", "1"] }), "vkey.invalid"],
		["a point of a key above q", vkey({ vk_alpha_1: [(Q + 1n).toString(), "2", "1"] }), "vkey.invalid"],
		["a point of a key outside the subgroup", () => vkey({ vk_gamma_2: invalidG2() })(), "vkey.invalid"],
		["an IC point off the curve", () => vkey({ IC: [...verificationKey.IC.slice(1), ["1", "3", "1"]] })(), "vkey.invalid"],
	])("throws for %s", async (_, make, code) => {
		await expect(groth16.verify(...make())).rejects.toMatchObject({ code, message: expect.stringContaining("expected") });
	});

	it("says no to another number of public signals", async () => {
		for (const change of [(list: string[]) => list.slice(1), (list: string[]) => [...list, "0"], () => []]) {
			const claim = signals(change)();
			expect(await groth16.verify(...claim)).toBe(false);
			await expect(groth16.check(...claim)).rejects.toMatchObject({ code: "proof.public" });
		}
	});
});
