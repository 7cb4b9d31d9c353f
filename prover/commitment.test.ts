import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fromMontgomery, R } from "./bn254.ts";
import { commit } from "./commitment.ts";
import { compileCircuit } from "./compile.ts";
import { setupDevelopment } from "./setup.ts";
import { toyCircuit } from "./toy.ts";
import { g1Point } from "./verification-key.ts";
import { SECTION, Zkey } from "./zkey.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let root: string;
let key: Zkey;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-commitment-"));
	key = await Zkey.open((await setupDevelopment(await compileCircuit(toyCircuit(40), { root }), { root })).path);
});
afterAll(async () => {
	await key.close();
	await rm(root, { recursive: true, force: true });
});

const SPECIAL = [0n, 1n, R - 1n, 255n, 256n, 257n, R - 255n, R - 256n, 511n, 512n, R / 2n, R / 2n + 1n, 2n ** 64n, 2n ** 253n + 12345n];

describe("commit", () => {
	it.each<[string, (i: number) => bigint]>([
		["special values", (i) => SPECIAL[i % SPECIAL.length] as bigint],
		["bytes", (i) => BigInt((37 * i) % 256)],
		["one value for all", () => R - 3n],
		["one value that is not zero", (i) => (i === 11 ? 2n ** 200n : 0n)],
	])("sums what a slow reference sums: %s", async (_, value) => {
		const values = Array.from({ length: key.nInputs }, (_, i) => value(i));
		const got = await commit(key, values);
		for (const [section, point] of [
			[SECTION.commitment, got.commitment],
			[SECTION.knowledge, got.knowledge],
		] as const) {
			const bytes = await key.read(section);
			const sum = values.reduce((total, value, i) => {
				const base = g1Point([fromMontgomery(bytes, 64 * i).toString(), fromMontgomery(bytes, 64 * i + 32).toString()]);
				return total.add(base.multiplyUnsafe(value));
			}, bn254.G1.Point.ZERO);
			expect(g1Point(point).equals(sum)).toBe(true);
		}
	});

	it("gives zeros for infinity", async () => {
		const nothing = await commit(
			key,
			Array.from({ length: key.nInputs }, () => 0n),
		);
		expect(nothing).toEqual({ commitment: ["0", "0"], knowledge: ["0", "0"] });
	});

	it.each<[string, (values: bigint[]) => bigint[], string, RegExp]>([
		["a value too few", (values) => values.slice(1), "input.size", /expected 57 values for .*, got 56/],
		["a value too many", (values) => [...values, 1n], "input.size", /expected 57 values for .*, got 58/],
		["a value that is not below r", (values) => values.with(3, R), "input.range", /in \[0, r\), got 2188\d+ at 3/],
		["a negative value", (values) => values.with(5, -1n), "input.range", /in \[0, r\), got -1 at 5/],
	])("refuses %s", async (_, change, code, message) => {
		const values = Array.from({ length: key.nInputs }, () => 1n);
		await expect(commit(key, change(values))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
	});
});
