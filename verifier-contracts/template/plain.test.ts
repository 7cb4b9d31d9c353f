import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it } from "vitest";
import { compile } from "../solc.ts";
import { CONTRACT_NAME, type PlainVerificationKey, renderPlainVerifier } from "./plain.ts";

const point1 = (k: bigint): string[] => {
	const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine();
	return [`${x}`, `${y}`, "1"];
};
const point2 = (k: bigint): string[][] => {
	const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine();
	return [
		[`${x.c0}`, `${x.c1}`],
		[`${y.c0}`, `${y.c1}`],
		["1", "0"],
	];
};

const key: PlainVerificationKey = {
	vk_alpha_1: point1(2n),
	vk_beta_2: point2(3n),
	vk_gamma_2: point2(1n),
	vk_delta_2: point2(4n),
	IC: [point1(5n), point1(6n)],
};
const Q = bn254.fields.Fp.ORDER;

/** On the twist, outside the group of order r: the curve's cofactor is not 1. */
function strangerToG2(): string[][] {
	const { Fp2 } = bn254.fields;
	for (let i = 1n; ; i++) {
		const x = Fp2.fromBigTuple([i, 1n]);
		try {
			const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
			return [
				[`${x.c0}`, `${x.c1}`],
				[`${y.c0}`, `${y.c1}`],
				["1", "0"],
			];
		} catch {
			// No square: no point has this x.
		}
	}
}

describe("renderPlainVerifier", () => {
	it("gives a contract that compiles alone, with the bytecode of the one that imports", async () => {
		const output = await compile({
			"alone.sol": renderPlainVerifier(key, "Alone", null),
			"verifiers/importing.sol": renderPlainVerifier(key, "Importing"),
		});
		const [alone, importing] = [output["alone.sol"]?.Alone, output["verifiers/importing.sol"]?.Importing];
		expect(alone?.abi.map(({ name }) => name)).toEqual(expect.arrayContaining(["verify", "verifyBatch", "publicCount", "keyDigest"]));
		expect(alone?.deployedBytecode).toBe(importing?.deployedBytecode);
		expect(renderPlainVerifier(key, "Alone", null)).not.toContain("import ");
		expect(renderPlainVerifier(key, "A", "openledger/verifier-contracts/src/PlainGroth16.sol")).toContain(
			'from "openledger/verifier-contracts/src/PlainGroth16.sol";',
		);
	});

	it("fits a contract with the most public signals, and says so with one more", async () => {
		const wide = (publics: number) => ({ ...key, IC: Array.from({ length: publics + 1 }, (_, i) => point1(BigInt(i + 5))) });
		const output = await compile({ "V.sol": renderPlainVerifier(wide(156), "V", null) });
		expect(((output["V.sol"]?.V?.deployedBytecode.length ?? Number.NaN) - 2) / 2).toBeLessThanOrEqual(24_576);
		expect(() => renderPlainVerifier(wide(157), "V")).toThrow("expected at most 156 public signals");
	});

	it.each<[string, Partial<PlainVerificationKey>, string]>([
		["that nobody contributed to", { vk_delta_2: key.vk_gamma_2 }, "delta is gamma"],
		["whose delta is the generator", { vk_gamma_2: point2(7n), vk_delta_2: point2(1n) }, "delta is the generator"],
		["with alpha at infinity", { vk_alpha_1: ["0", "1", "0"] }, "infinity"],
		["with alpha at infinity, as the EVM writes it", { vk_alpha_1: ["0", "0", "1"] }, "infinity"],
		[
			"with beta at infinity",
			{
				vk_beta_2: [
					["0", "0"],
					["1", "0"],
					["0", "0"],
				],
			},
			"infinity",
		],
		[
			"with gamma at infinity",
			{
				vk_gamma_2: [
					["0", "0"],
					["0", "0"],
					["1", "0"],
				],
			},
			"infinity",
		],
		[
			"with delta at infinity",
			{
				vk_delta_2: [
					["0", "0"],
					["1", "0"],
					["0", "0"],
				],
			},
			"infinity",
		],
		["that ignores a public signal", { IC: [point1(5n), ["0", "1", "0"]] }, "infinity"],
		["with a point off the curve", { vk_alpha_1: ["1", "3", "1"] }, "point"],
		["with a coordinate above q", { vk_alpha_1: [`${Q + 1n}`, "2", "1"] }, "point"],
		["with a point outside the group", { vk_beta_2: strangerToG2() }, "point"],
		["with an IC point off the curve", { IC: [point1(5n), ["1", "3", "1"]] }, "point"],
		["with a projective point", { vk_alpha_1: ["1", "2", "2"] }, "shape"],
		["with a projective point of G2", { vk_beta_2: [...point2(3n).slice(0, 2), ["1", "1"]] }, "shape"],
		["with two coordinates", { vk_alpha_1: ["1", "2"] }, "shape"],
		["with a word", { vk_alpha_1: ["one", "2", "1"] }, "shape"],
		["without beta", { vk_beta_2: undefined as never }, "shape"],
		["with too short a pair", { vk_beta_2: [["1"], ["1", "2"], ["1", "0"]] }, "shape"],
		["without public signals", { IC: [point1(5n)] }, "no public signal"],
		["without IC", { IC: undefined as never }, "no public signal"],
	])("refuses a key %s", (_, change, fault) => {
		expect(() => renderPlainVerifier({ ...key, ...change }, "V")).toThrow(
			expect.objectContaining({
				name: "PlainKeyRefused",
				fault,
				hint: expect.stringMatching(/\.$/),
				message: expect.stringContaining("expected"),
			}),
		);
	});

	it("refuses names that would become other Solidity, or the template's own", () => {
		for (const name of ["", "1V", "A {} contract B", "BN254", "PlainGroth16", "PlainProof"]) {
			expect(() => renderPlainVerifier(key, name)).toThrow(RangeError);
			expect(CONTRACT_NAME.test(name)).toBe(false);
		}
		for (const name of ["V", "_v1", "PlainGroth16Of"]) expect(CONTRACT_NAME.test(name)).toBe(true);
	});
});
