import { bn254 } from "@noble/curves/bn254.js";
import { describe, expect, it } from "vitest";
import { mod, Q, R } from "../bn254.ts";
import type { AffineG1, AffineG2 } from "./affine.ts";
import { isOnCurve, isOnTwist, multiplyFq2 } from "./affine.ts";
import type { Term } from "./multiples.ts";
import { type Factor, type Fq12, isOne, Pairing } from "./pairing.ts";

type G1 = InstanceType<typeof bn254.G1.Point>;
type G2 = InstanceType<typeof bn254.G2.Point>;

const G = bn254.G1.Point.BASE;
const H = bn254.G2.Point.BASE;
const { Fp2, Fp12 } = bn254.fields;
/** Order of the twist over r, and its smallest divisor. */
const COFACTOR = 2n * Q - R;
const SMALL = 10069n;

function g1(point: G1): AffineG1 {
	const { x, y } = point.toAffine();
	return { x, y };
}

function g2(point: G2): AffineG2 {
	const { x, y } = point.toAffine();
	return { x: [x.c0, x.c1], y: [y.c0, y.c1] };
}

const factor = (terms: readonly (readonly [bigint, G1])[], right: G2): Factor => ({
	left: terms.map(([scalar, point]): Term => ({ scalar, point: g1(point) })),
	right: g2(right),
});

/** Coefficients of noble's tower: v = w^2. */
function flat(value: ReturnType<typeof bn254.pairing>): Fq12 {
	return [0, 1, 2, 3, 4, 5].map((k) => {
		const half = k % 2 === 0 ? value.c0 : value.c1;
		const { c0, c1 } = [half.c0, half.c1, half.c2][k >> 1] as { c0: bigint; c1: bigint };
		return [c0, c1] as const;
	});
}

/** A point of the twist of no particular order. */
function twistPoint(start: bigint): G2 {
	for (let x = start; ; x++) {
		const abscissa = Fp2.fromBigTuple([x, 1n]);
		const b = Fp2.sub(Fp2.sqr(H.toAffine().y), Fp2.mul(Fp2.sqr(H.toAffine().x), H.toAffine().x));
		try {
			const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(abscissa), abscissa), b));
			return bn254.G2.Point.fromAffine({ x: abscissa, y });
		} catch {
			// no square root: the next one
		}
	}
}

/** A multiple by any scalar: noble's own stops at r. */
function times(point: G2, scalar: bigint): G2 {
	let sum = bn254.G2.Point.ZERO;
	for (const bit of scalar.toString(2)) {
		sum = sum.double();
		if (bit === "1") sum = sum.add(point);
	}
	return sum;
}

/** Scalars that repeat. */
function scalars(seed: bigint, count: number): bigint[] {
	let state = seed;
	return Array.from({ length: count }, () => {
		state = mod(state * state + 0x9e3779b97f4a7c15n, R);
		return state;
	});
}

describe.each(["fma", "plain"] as const)("pairings with %s arithmetic", async (arithmetic) => {
	const pairing = await Pairing.open(arithmetic);
	const evaluate = (factors: readonly Factor[]): Fq12 => {
		const { value, strangers } = pairing.miller(factors);
		expect(strangers).toEqual([]);
		return pairing.exponentiate([value]);
	};
	const expected = (pairs: readonly (readonly [G1, G2])[]): Fq12 =>
		flat(bn254.pairingBatch(pairs.filter(([p]) => !p.is0()).map(([p, q]) => ({ g1: p, g2: q }))));

	it("are those of noble, for generators, their negatives and random points", () => {
		const [a, b, c, d] = scalars(3n, 4) as [bigint, bigint, bigint, bigint];
		const pairs: (readonly [G1, G2])[] = [
			[G, H],
			[G.negate(), H],
			[G, H.negate()],
			[G.multiply(a), H.multiply(b)],
			[G.multiply(R - 1n), H.multiply(c)],
			[G.multiply(d), H.multiply(R - 2n)],
		];
		for (const [p, q] of pairs) expect(evaluate([factor([[1n, p]], q)])).toEqual(flat(bn254.pairing(p, q)));
		// Even and odd numbers, so that the last one has a lane of its own or shares it.
		for (let count = 2; count <= pairs.length; count++) {
			const some = pairs.slice(0, count);
			expect(evaluate(some.map(([p, q]) => factor([[1n, p]], q)))).toEqual(expected(some));
		}
	});

	it("of sums of multiples are those of the sums", () => {
		const special = [0n, 1n, 15n, 16n, 17n, 2n ** 127n, 2n ** 128n - 1n, R - 1n, R >> 1n, R, 2n ** 256n - 1n];
		const points = scalars(5n, special.length).map((scalar) => G.multiply(scalar));
		const terms = special.flatMap((scalar, i) => [
			[scalar, points[i] as G1] as const,
			[-scalar, points[(i + 1) % points.length] as G1] as const,
		]);
		const sum = (list: readonly (readonly [bigint, G1])[]): G1 =>
			list.reduce((total, [scalar, point]) => total.add(point.multiplyUnsafe(mod(scalar, R))), bn254.G1.Point.ZERO);
		const sums = [terms, terms.slice(0, 7), terms.slice(3, 4), terms.slice(9, 11), []];
		const rights = scalars(7n, sums.length).map((scalar) => H.multiply(scalar));
		expect(evaluate(sums.map((list, i) => factor(list, rights[i] as G2)))).toEqual(
			expected(sums.map((list, i) => [sum(list), rights[i] as G2])),
		);
		for (const list of [...terms.map((term) => [term]), terms]) {
			if (sum(list).is0()) continue;
			expect(evaluate([factor(list, H)])).toEqual(flat(bn254.pairing(sum(list), H)));
		}
	});

	it("of infinity are 1, however it comes about", () => {
		const P = G.multiply(77n);
		const nothing: (readonly (readonly [bigint, G1])[])[] = [
			[],
			[[0n, P]],
			[[R, P]],
			[
				[1n, P],
				[-1n, P],
			],
			[
				[5n, P],
				[-2n, P],
				[3n, P.negate()],
			],
			[
				[1n, P],
				[1n, P.negate()],
			],
		];
		for (const list of nothing) expect(isOne(evaluate([factor(list, H)]))).toBe(true);
		expect(isOne(evaluate([]))).toBe(true);
		expect(evaluate([factor([], H), factor([[1n, G]], H), factor([[R, G]], H)])).toEqual(flat(bn254.pairing(G, H)));
	});

	it("add equal points and opposite ones", () => {
		const P = G.multiply(99n);
		for (const [x, y] of [
			[1n, 1n],
			[2n, 1n],
			[16n, 16n],
			[1n, R - 2n],
		] as const) {
			const value = evaluate([
				factor(
					[
						[x, P],
						[y, P],
					],
					H,
				),
			]);
			expect(value).toEqual(flat(bn254.pairing(P.multiply(mod(x + y, R)), H)));
		}
	});

	it("are bilinear", () => {
		const [a, b] = scalars(11n, 2) as [bigint, bigint];
		expect(isOne(evaluate([factor([[a, G]], H.multiply(b)), factor([[-mod(a * b, R), G]], H)]))).toBe(true);
		expect(isOne(evaluate([factor([[a, G]], H.multiply(b)), factor([[1n - mod(a * b, R), G]], H)]))).toBe(false);
	});

	it("are multiplied before the final exponentiation", () => {
		const factors = scalars(13n, 5).map((scalar) => factor([[scalar, G]], H.multiply(scalar)));
		const values = [factors.slice(0, 2), factors.slice(2, 3), factors.slice(3)].map((part) => pairing.miller(part).value);
		expect(pairing.exponentiate(values)).toEqual(evaluate(factors));
		expect(isOne(pairing.exponentiate([]))).toBe(true);
	});

	it("name points of the twist that are not in G2", () => {
		const any = twistPoint(1n);
		const cofactor = times(any, R);
		const small = times(cofactor, COFACTOR / SMALL);
		expect(times(small, SMALL).is0() && !small.is0()).toBe(true);
		const member = H.multiply(12345n);
		const outside = [any, cofactor, small, times(small, 2n), small.negate(), member.add(small), member.add(cofactor)];
		for (const point of outside) expect(isOnTwist(g2(point))).toBe(true);
		const inside = [H, member, H.negate(), H.multiply(R - 1n), times(any, COFACTOR)];
		for (const right of inside) expect(pairing.miller([factor([[1n, G]], right)]).strangers).toEqual([]);
		for (const right of outside) {
			expect(pairing.miller([factor([[1n, G]], right)]).strangers).toEqual([0]);
			expect(pairing.miller([factor([], right)]).strangers).toEqual([0]);
		}
		// In either lane, and where sums of different lengths change the order.
		const mixed = [...outside, ...inside].map((right, i) =>
			factor(
				Array.from({ length: (5 * i) % 4 }, () => [1n, G] as const),
				right,
			),
		);
		expect(pairing.miller(mixed).strangers).toEqual(outside.map((_, i) => i));
		const turned = mixed.toReversed();
		expect(pairing.miller(turned).strangers).toEqual(outside.map((_, i) => inside.length + i));
	});
});

describe("membership in G2", () => {
	it("follows from (6 x + 2) Q + psi(Q) - psi^2(Q) + psi^3(Q) = 0", () => {
		// psi^2 - t psi + q = 0. The norm of an endomorphism that takes Q to 0 is a multiple of the order of Q.
		const x = 4965661367192848881n;
		const trace = Q + 1n - R;
		const multiply = ([a0, a1]: readonly [bigint, bigint], [b0, b1]: readonly [bigint, bigint]): [bigint, bigint] => [
			a0 * b0 - a1 * b1 * Q,
			a0 * b1 + a1 * b0 + a1 * b1 * trace,
		];
		const psi = [0n, 1n] as const;
		const psi2 = multiply(psi, psi);
		const psi3 = multiply(psi2, psi);
		const [a, b] = [6n * x + 2n - psi2[0] + psi3[0], 1n - psi2[1] + psi3[1]];
		const norm = a * a + a * b * trace + b * b * Q;
		const gcd = (m: bigint, n: bigint): bigint => (n === 0n ? m : gcd(n, m % n));
		expect(gcd(norm, R * COFACTOR)).toBe(R);
		// The order of the twist is r times the cofactor.
		expect(times(times(twistPoint(5n), COFACTOR), R).is0()).toBe(true);
		expect(COFACTOR % SMALL).toBe(0n);
	});
});

describe("curve equations", () => {
	it("hold for points and for nothing else", () => {
		const [p, q] = [g1(G.multiply(5n)), g2(H.multiply(7n))];
		expect([isOnCurve(p), isOnTwist(q)]).toEqual([true, true]);
		expect(isOnCurve({ x: p.x, y: mod(p.y + 1n, Q) })).toBe(false);
		expect(isOnCurve({ x: 0n, y: 0n })).toBe(false);
		expect(isOnTwist({ x: [0n, 0n], y: [0n, 0n] })).toBe(false);
		expect(isOnTwist({ x: q.x, y: [q.y[0], mod(q.y[1] + 1n, Q)] })).toBe(false);
		expect(isOnTwist({ x: q.x, y: [mod(q.y[0] + 1n, Q), q.y[1]] })).toBe(false);
		const { c0, c1 } = Fp2.mul(Fp2.fromBigTuple([...q.x]), Fp2.fromBigTuple([...q.y]));
		expect(multiplyFq2(q.x, q.y)).toEqual([c0, c1]);
		expect(Fp12.eql(bn254.pairing(G, H), Fp12.ONE)).toBe(false);
	});
});
