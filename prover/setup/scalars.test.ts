import { describe, expect, it } from "vitest";
import { fromBytesLE, inverse, mod, power, R, WORD } from "../bn254.ts";
import { ProverError } from "../errors.ts";
import type { R1cs, SparseMatrix } from "../r1cs.ts";
import { SECTION } from "../zkey.ts";
import { domainLog, extendedA, keyScalars } from "./scalars.ts";
import { deriveSecrets, type SetupSecrets } from "./secrets.ts";

const random = (i: number): bigint => power(11n, BigInt(i + 80), R);
const COEFFICIENTS = [1n, R - 1n, 0n, 2n, R >> 1n, (R >> 1n) + 1n, ...Array.from({ length: 6 }, (_, i) => random(i))];

interface Shape {
	readonly nConstraints: number;
	readonly nWires: number;
	readonly nOutputs: number;
	readonly nPublicInputs: number;
	readonly nPrivateInputs: number;
	/** terms of a row */
	readonly terms: (matrix: number, row: number) => number;
}

/** A constraint system of drawn terms; a wire may occur twice in a row. */
function systemOf({ terms, ...sizes }: Shape): R1cs {
	let state = 1n;
	const draw = (below: number): number => {
		state = (state * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n;
		return Number((state >> 33n) % BigInt(below));
	};
	const [a, b, c] = [0, 1, 2].map((matrix): SparseMatrix => {
		const starts = new Uint32Array(sizes.nConstraints + 1);
		for (let row = 0; row < sizes.nConstraints; row++) starts[row + 1] = (starts[row] as number) + terms(matrix, row);
		const total = starts[sizes.nConstraints] as number;
		return {
			starts,
			wires: Uint32Array.from({ length: total }, () => draw(sizes.nWires)),
			coefficients: Uint32Array.from({ length: total }, () => draw(COEFFICIENTS.length)),
		};
	}) as [SparseMatrix, SparseMatrix, SparseMatrix];
	return { ...sizes, a, b, c, coefficients: COEFFICIENTS };
}

/** The formulas at the head of scalars.ts, one by one. */
function expectedScalars(r1cs: R1cs, secrets: SetupSecrets): Map<number, bigint[]> {
	const size = 2 ** domainLog(r1cs);
	const nPublic = r1cs.nOutputs + r1cs.nPublicInputs;
	const lagrange = (order: number, j: number): bigint => {
		const x = power(power(5n, (R - 1n) / BigInt(order), R), BigInt(j), R);
		return mod((power(secrets.tau, BigInt(order), R) - 1n) * inverse(BigInt(order), R) * x * inverse(secrets.tau - x, R), R);
	};
	const columns = (matrix: SparseMatrix): bigint[] => {
		const sums = Array.from({ length: r1cs.nWires }, () => 0n);
		for (let row = 0; row < r1cs.nConstraints; row++) {
			for (let term = matrix.starts[row] as number; term < (matrix.starts[row + 1] as number); term++) {
				const wire = matrix.wires[term] as number;
				const coefficient = r1cs.coefficients[matrix.coefficients[term] as number] as bigint;
				sums[wire] = mod((sums[wire] as bigint) + coefficient * lagrange(size, row), R);
			}
		}
		return sums;
	};
	const [u, v, w] = [columns(r1cs.a), columns(r1cs.b), columns(r1cs.c)];
	for (let wire = 0; wire <= nPublic; wire++) u[wire] = mod((u[wire] as bigint) + lagrange(size, r1cs.nConstraints + wire), R);
	const k = u.map((value, i) => mod(secrets.beta * value + secrets.alpha * (v[i] as bigint) + (w[i] as bigint), R));
	const inner = nPublic + 1 + r1cs.nPrivateInputs;
	const inputs = k.slice(nPublic + 1, inner);
	const overDelta = (value: bigint): bigint => mod(value * inverse(secrets.delta, R), R);
	return new Map([
		[SECTION.ic, k.slice(0, nPublic + 1)],
		[SECTION.h, Array.from({ length: size }, (_, j) => overDelta(lagrange(2 * size, 2 * j + 1)))],
		[SECTION.c, [...inputs.map(() => 0n), ...k.slice(inner).map(overDelta)]],
		[SECTION.a, u],
		[SECTION.b1, v],
		[SECTION.b2, v],
		[SECTION.commitment, inputs],
		[SECTION.knowledge, inputs.map((value) => mod(value * secrets.sigma, R))],
	]);
}

async function gotScalars(r1cs: R1cs, secrets: SetupSecrets): Promise<Map<number, bigint[]>> {
	const all = await keyScalars(r1cs, extendedA(r1cs), secrets, { pause: async () => {}, report: () => {} });
	return new Map(
		all.flatMap(({ sections, scalars }) => {
			const values = Array.from({ length: scalars.length / WORD }, (_, i) => fromBytesLE(scalars, WORD * i));
			return sections.map(({ section }) => [section, values] as const);
		}),
	);
}

const SMALL = { nOutputs: 0, nPublicInputs: 1, nPrivateInputs: 1 };
const EXTREME: SetupSecrets = { tau: R - 2n, alpha: R - 1n, beta: 1n, delta: R - 1n, sigma: R >> 1n };

describe("keyScalars", () => {
	it.each<[string, Shape]>([
		["no constraint", { ...SMALL, nConstraints: 0, nWires: 3, terms: () => 0 }],
		["one constraint", { ...SMALL, nConstraints: 1, nWires: 3, terms: () => 1 }],
		["a domain that is full", { ...SMALL, nConstraints: 14, nWires: 9, terms: (matrix) => matrix + 1 }],
		["a domain that is as empty as can be", { ...SMALL, nConstraints: 15, nWires: 10, terms: (_, row) => row % 4 }],
		["no terms in B", { ...SMALL, nConstraints: 5, nWires: 6, terms: (matrix, row) => (matrix === 1 ? 0 : row) }],
		["odd numbers of everything", { nOutputs: 2, nPublicInputs: 2, nPrivateInputs: 7, nConstraints: 33, nWires: 41, terms: () => 3 }],
		[
			"a wire of all wires' kinds",
			{ nOutputs: 1, nPublicInputs: 0, nPrivateInputs: 3, nConstraints: 20, nWires: 5, terms: (_, row) => row },
		],
	])("gives what the formulas give: %s", async (_, shape) => {
		const r1cs = systemOf(shape);
		for (const secrets of [deriveSecrets("test"), EXTREME]) {
			expect(await gotScalars(r1cs, secrets)).toEqual(expectedScalars(r1cs, secrets));
		}
	});

	it("fills more than one chunk of terms and more than one block of the basis", async () => {
		const shape = { ...SMALL, nConstraints: 20_000, nWires: 12, terms: (matrix: number) => (matrix === 0 ? 5 : 1) };
		const r1cs = systemOf(shape);
		const secrets = deriveSecrets("test");
		const [got, one] = [await gotScalars(r1cs, secrets), BigInt(2 ** domainLog(r1cs))];
		// The sum of all H_j delta is that of half the Lagrange polynomials of the doubled domain: (1 - tau^n) / 2.
		const sum = (got.get(SECTION.h) as bigint[]).reduce((total, value) => total + value, 0n);
		expect(mod(2n * sum * secrets.delta, R)).toBe(mod(1n - power(secrets.tau, one, R), R));
		const weights = lagrangeOf(secrets.tau, domainLog(r1cs), r1cs.nConstraints);
		const [v] = [got.get(SECTION.b1) as bigint[]];
		const expected = Array.from({ length: 12 }, () => 0n);
		for (let row = 0; row < r1cs.nConstraints; row++) {
			const wire = r1cs.b.wires[row] as number;
			expected[wire] = mod(
				(expected[wire] as bigint) + (COEFFICIENTS[r1cs.b.coefficients[row] as number] as bigint) * (weights[row] as bigint),
				R,
			);
		}
		expect(v).toEqual(expected);
		const a = Array.from({ length: 12 }, () => 0n);
		const extended = extendedA(r1cs);
		const all = lagrangeOf(secrets.tau, domainLog(r1cs), extended.starts.length - 1);
		for (let row = 0; row + 1 < extended.starts.length; row++) {
			for (let term = extended.starts[row] as number; term < (extended.starts[row + 1] as number); term++) {
				const wire = extended.wires[term] as number;
				a[wire] = mod((a[wire] as bigint) + (COEFFICIENTS[extended.coefficients[term] as number] as bigint) * (all[row] as bigint), R);
			}
		}
		expect(got.get(SECTION.a)).toEqual(a);
	});

	it("refuses a tau in the domain, and circuits above 2^27", async () => {
		const r1cs = systemOf({ ...SMALL, nConstraints: 5, nWires: 6, terms: () => 1 });
		const root = power(5n, (R - 1n) / 8n, R);
		for (const tau of [1n, root, power(5n, (R - 1n) / 16n, R)]) {
			await expect(gotScalars(r1cs, { ...deriveSecrets("test"), tau })).rejects.toMatchObject({ code: "setup.failed" });
		}
		expect(domainLog({ ...r1cs, nConstraints: 2 ** 27 - 2 })).toBe(27);
		expect(() => domainLog({ ...r1cs, nConstraints: 2 ** 27 - 1 })).toThrow(ProverError);
	});
});

/** L_j(tau) by one inversion each would be slow: all by a running product, then backwards. */
function lagrangeOf(tau: bigint, log: number, count: number): bigint[] {
	const step = power(5n, (R - 1n) >> BigInt(log), R);
	const factor = mod((power(tau, 1n << BigInt(log), R) - 1n) * inverse(1n << BigInt(log), R), R);
	const points: bigint[] = [];
	const prefixes = [1n];
	for (let j = 0, x = 1n; j < count; j++, x = (x * step) % R) {
		points.push(x);
		prefixes.push(((prefixes[j] as bigint) * mod(tau - x, R)) % R);
	}
	let inverted = inverse(prefixes[count] as bigint, R);
	const result: bigint[] = [];
	for (let j = count - 1; j >= 0; j--) {
		const x = points[j] as bigint;
		result[j] = mod(factor * x * (prefixes[j] as bigint) * inverted, R);
		inverted = (inverted * mod(tau - x, R)) % R;
	}
	return result;
}
