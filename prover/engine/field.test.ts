import { describe, expect, it } from "vitest";
import { pair } from "../../webassembly/emitter.ts";
import { mod, Q, R } from "../bn254.ts";
import { calculator, extremes, faultOfProduct, faultOfReduced, integer, NORMAL, SUM_TOP, TOP, words } from "./calculator.ts";
import { FACTOR, limbsOf } from "./field.ts";

describe.each([
	["exact multiply-add", true],
	["plain arithmetic", false],
])("field arithmetic with %s", (_, fma) => {
	describe.each([
		["Fr", R],
		["Fq", Q],
	])("%s", (_, modulus) => {
		const special = [0n, 1n, 2n, modulus - 1n, modulus - 2n, modulus >> 1n, (modulus >> 1n) + 1n, 2n ** 51n, 2n ** 102n - 1n, 2n ** 253n];
		const source = words(1181783497276652981n);
		const random = Array.from(
			{ length: 200 },
			() => Array.from({ length: 4 }, () => source.next().value).reduce((x, y) => (x << 64n) | y) % modulus,
		);
		const centred = (value: bigint): bigint[] => limbsOf(2n * value > modulus ? value - modulus : value);

		const expectProduct = (got: readonly bigint[], expected: bigint, about: unknown): void =>
			expect(faultOfProduct(got, expected, modulus), `${about}`).toBeUndefined();

		it("multiplies special and random values as integers do", async () => {
			const { run } = await calculator(modulus, fma);
			const values = [...special, ...random];
			for (const [i, a] of values.entries()) {
				const others = i < special.length ? special : [values[(7 * i) % values.length] as bigint];
				for (const b of others) {
					const [x, y] = [centred(a), centred(b)];
					for (const [lane, [p, q]] of [[a, b] as const, [b, a] as const].entries()) {
						expectProduct(run("mul", x, y)[lane] as bigint[], p * q, [p, q]);
						expectProduct(run("mulAdd", x, y)[lane] as bigint[], 2n * p * q, [p, q]);
						expectProduct(run("square", x, y)[lane] as bigint[], p * p, p);
					}
				}
			}
		});

		it("stays exact at the limits of limbs", async () => {
			const { run } = await calculator(modulus, fma);
			const products = extremes(NORMAL, TOP, 1500);
			for (const [i, x] of products.entries()) {
				const y = products[(11 * i + 5) % products.length] as bigint[];
				expectProduct(run("mul", x, y)[0], integer(x) * integer(y), [x, y]);
				expectProduct(run("square", x, y)[0], integer(x) ** 2n, x);
				expectProduct(run("mulSum", x, y)[0], (integer(x) + integer(y)) * integer(x), [x, y]);
			}
			// Two products at once: a product times a sum of two reduced values.
			for (const [i, x] of extremes(2n * NORMAL, SUM_TOP, 1500).entries()) {
				const y = products[(13 * i + 3) % products.length] as bigint[];
				expectProduct(run("mulAdd", x, y)[0], 2n * integer(x) * integer(y), [x, y]);
			}
			// Eight products at once, of reduced values.
			const reduced = extremes(NORMAL, SUM_TOP / 2n, 1500);
			for (const [i, x] of reduced.entries()) {
				const y = reduced[(17 * i + 3) % reduced.length] as bigint[];
				for (const [a, b] of [[x, x] as const, [x, y] as const]) {
					expectProduct(run("eight", a, b)[0], 8n * integer(a) * integer(b), [a, b]);
				}
			}
			// A factor with limbs of 2^52, as no sum exceeds, times a reduced one.
			for (const [i, x] of extremes(4n * NORMAL, 3n * NORMAL, 1500).entries()) {
				const y = reduced[(13 * i + 3) % reduced.length] as bigint[];
				expectProduct(run("mul", x, y)[0], integer(x) * integer(y), [x, y]);
			}
		});

		it("reduces what the formulas add up", async () => {
			const { run } = await calculator(modulus, fma);
			const top = (5n * modulus) / 2n ** 204n - 4n;
			for (const x of extremes(3n * NORMAL, top, 3000)) {
				const [got] = run("reduce", x, x);
				expect(faultOfReduced(got, integer(x), modulus), `${x}`).toBeUndefined();
			}
			for (let k = -5n; k <= 5n; k++)
				expect(
					run(
						"reduce",
						limbsOf(0n).map((_, i) => k * (limbsOf(modulus)[i] as bigint)),
						limbsOf(0n),
					)[0],
				).toEqual([0n, 0n, 0n, 0n, 0n]);
		});

		it("reads and writes bytes", async () => {
			const { fromBytes, toBytes } = await calculator(modulus, fma);
			for (const value of [...special, ...random, 2n ** 256n - 1n]) {
				expect(integer(fromBytes(value))).toBe(value);
				if (value < modulus) {
					expect(toBytes(centred(value))).toBe(value);
					expect(toBytes(limbsOf(value - modulus))).toBe(value);
				}
			}
		});
	});
});

describe("two roundings instead of one", () => {
	it("give other products: what the self-test is for", async () => {
		const exact = pair.fRelaxedMadd;
		try {
			pair.fRelaxedMadd = (x, y, z) => pair.fAdd(pair.fMul(x as readonly number[], y as readonly number[]), z as readonly number[]);
			const { run } = await calculator(Q, true);
			const x = limbsOf(Q / 3n);
			expect(mod(integer(run("mul", x, x)[0]) * FACTOR - integer(x) ** 2n, Q)).not.toBe(0n);
		} finally {
			pair.fRelaxedMadd = exact;
		}
	});
});
