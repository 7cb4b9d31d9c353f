import { randomBytes } from "node:crypto";
import { bn254 } from "@noble/curves/bn254.js";
import { expect, it } from "vitest";
import { fromBytesBE, mod, R } from "../bn254.ts";
import { type Factor, type Fq12, Pairing } from "./pairing.ts";

type G1 = InstanceType<typeof bn254.G1.Point>;

const PRODUCTS = 150;

/** Long and short scalars, and those next to r. */
function scalar(): bigint {
	const [kind, ...bytes] = randomBytes(33) as unknown as [number, ...number[]];
	const value = fromBytesBE(Uint8Array.from(bytes)) % R;
	return [value, value >> 126n, value >> 190n, -(value >> 126n), R - (value >> 250n), value >> 250n, -value][kind % 7] as bigint;
}

it.each(["fma", "plain"] as const)("products of random pairings are those of noble, with %s arithmetic", async (arithmetic) => {
	const pairing = await Pairing.open(arithmetic);
	for (let round = 0; round < PRODUCTS; round++) {
		const parts = Array.from({ length: 1 + (round % 7) }, () => {
			const terms = Array.from({ length: (randomBytes(1)[0] as number) % 4 }, () => ({
				by: scalar(),
				point: bn254.G1.Point.BASE.multiply(1n + mod(scalar(), R - 1n)),
			}));
			const sum = terms.reduce((total: G1, { by, point }) => total.add(point.multiplyUnsafe(mod(by, R))), bn254.G1.Point.ZERO);
			return { terms, sum, right: bn254.G2.Point.BASE.multiply(1n + mod(scalar(), R - 1n)) };
		});
		const factors = parts.map(({ terms, right }): Factor => {
			const { x, y } = right.toAffine();
			return { left: terms.map(({ by, point }) => ({ scalar: by, point: point.toAffine() })), right: { x: [x.c0, x.c1], y: [y.c0, y.c1] } };
		});
		const { value, strangers } = pairing.miller(factors);
		expect(strangers).toEqual([]);
		const pairs = parts.filter(({ sum }) => !sum.is0()).map(({ sum, right }) => ({ g1: sum, g2: right }));
		const expected = bn254.pairingBatch(pairs);
		const flat: Fq12 = [0, 1, 2, 3, 4, 5].map((k) => {
			const half = k % 2 === 0 ? expected.c0 : expected.c1;
			const { c0, c1 } = [half.c0, half.c1, half.c2][k >> 1] as { c0: bigint; c1: bigint };
			return [c0, c1] as const;
		});
		expect(pairing.exponentiate([value]), `${JSON.stringify(factors, (_, item) => (typeof item === "bigint" ? `${item}` : item))}`).toEqual(
			flat,
		);
	}
});
