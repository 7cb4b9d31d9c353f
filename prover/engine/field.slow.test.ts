/** Limbs at and near their bounds, by the hundred thousand: a carry too many overflows rarely. */
import { describe, expect, it } from "vitest";
import { Q, R } from "../bn254.ts";
import { calculator, extremes, faultOfProduct, faultOfReduced, integer, NORMAL, SUM_TOP, TOP, words } from "./calculator.ts";

const ROUNDS = 100;
const COUNT = 1000;
const SEED = BigInt(process.env.OPENLEDGER_SEED ?? "20250117");

describe.each([
	["exact multiply-add", true],
	["plain arithmetic", false],
])("field arithmetic with %s", (_, fma) => {
	it.each([
		["Fr", R],
		["Fq", Q],
	])(`%s stays exact in ${ROUNDS * COUNT} extremes of each kind`, async (_, modulus) => {
		const { run } = await calculator(modulus, fma);
		const seeds = words(SEED);
		const draw = (bound: bigint, top: bigint): bigint[][] => extremes(bound, top, COUNT, seeds.next().value);
		const hold = (fault: string | undefined, ...about: unknown[]): void => {
			if (fault !== undefined) expect.fail(`seed ${SEED}: expected limbs of ${about.join(" and ")} to be exact, got ${fault}`);
		};
		for (let round = 0; round < ROUNDS; round++) {
			const [products, others] = [draw(NORMAL, TOP), draw(NORMAL, TOP)];
			const [sums, large] = [draw(2n * NORMAL, SUM_TOP), draw(4n * NORMAL, 3n * NORMAL)];
			const [reduced, unreduced] = [draw(NORMAL, SUM_TOP / 2n), draw(3n * NORMAL, (5n * modulus) / 2n ** 204n - 4n)];
			for (let i = 0; i < COUNT; i++) {
				const [x, y] = [products[i] as bigint[], others[i] as bigint[]];
				const [sum, much] = [sums[i] as bigint[], large[i] as bigint[]];
				const [low, high] = [reduced[i] as bigint[], unreduced[i] as bigint[]];
				for (const [lane, got] of run("mul", x, y).entries()) hold(faultOfProduct(got, integer(x) * integer(y), modulus), lane, x, y);
				hold(faultOfProduct(run("square", x, y)[0], integer(x) ** 2n, modulus), x);
				hold(faultOfProduct(run("mulSum", x, y)[0], (integer(x) + integer(y)) * integer(x), modulus), x, y);
				hold(faultOfProduct(run("mulAdd", x, sum)[0], 2n * integer(x) * integer(sum), modulus), x, sum);
				hold(faultOfProduct(run("mul", much, low)[0], integer(much) * integer(low), modulus), much, low);
				hold(faultOfReduced(run("reduce", high, high)[0], integer(high), modulus), high);
			}
		}
	});
});
