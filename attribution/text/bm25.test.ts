import { describe, expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { efficiencyError } from "../method.ts";
import { bm25Method } from "./bm25.ts";
import type { Document } from "./document.ts";

const texts = ["the cat sat on the mat", "The dog sat.", "a bird, a cat and another bird", "nothing"];
const documents: Document[] = texts.map((text, i) => ({ id: `${i}`, contributor: `c${i % 2}`, licence: "MIT", text }));

/** The formula, word by word. */
function formula(output: string, document: number, k1: number, b: number): number {
	const split = (text: string) => text.toLowerCase().replaceAll(/[.,]/g, "").split(" ");
	const mean = texts.reduce((sum, text) => sum + split(text).length, 0) / texts.length;
	return split(output).reduce((sum, word) => {
		const holders = texts.filter((text) => split(text).includes(word)).length;
		const idf = Math.log(1 + (texts.length - holders + 0.5) / (holders + 0.5));
		const words = split(texts[document] as string);
		const f = words.filter((one) => one === word).length;
		return f === 0 ? sum : sum + (idf * f * (k1 + 1)) / (f + k1 * (1 - b + (b * words.length) / mean));
	}, 0);
}

test.each([
	[1.2, 0.75],
	[0, 0.75],
	[2, 0],
	[0.5, 1],
])("scores are those of the formula, k1 = %d, b = %d", (k1, b) => {
	const { scores } = bm25Method({ k1, b }).cache(documents);
	for (const output of ["the cat", "cat cat bird", "sat on a dog", "unknown words"]) {
		const expected = documents.map((_, document) => expect.closeTo(formula(output, document, k1, b), 12));
		expect([...scores(output)], output).toEqual(expected);
	}
});

test("credit is the share of the best documents' scores; an output of unknown words credits nobody", () => {
	const { ranking, attribute, pairs, scores } = bm25Method({ top: 2 }).cache(documents);
	const best = ranking("the cat sat");
	expect(best.map(({ document }) => document)).toEqual([0, 1]);
	const sum = best.reduce((total, { score }) => total + score, 0);
	const credit = attribute(["the cat sat", "unknown words"]);
	expect([...credit.scores]).toEqual(
		[(best[0]?.score as number) / sum / 2, (best[1]?.score as number) / sum / 2, 0, 0].map((x) => expect.closeTo(x, 12)),
	);
	expect(credit.total).toBe(0.5);
	expect(efficiencyError(credit)).toBeLessThan(1e-12);
	expect(pairs?.(["the cat sat"]).scores[0]).toBeCloseTo((best[0]?.score as number) / sum, 12);
	expect(scores("the cat sat")[2]).toBeGreaterThan(0);
});

describe("bad input", () => {
	test.each([
		[{ k1: -1 }, "k1 is -1"],
		[{ k1: Number.NaN }, "k1 is NaN"],
		[{ b: 1.5 }, "b is 1.5"],
		[{ top: 0 }, "top is 0"],
	])("parameters %o are refused", async (parameters, message) => {
		expect(await refusal(() => bm25Method(parameters))).toMatchObject({
			code: "PARAMETER_OUT_OF_RANGE",
			message: expect.stringContaining(message),
		});
	});

	test("no document, two of one id and no output are refused", async () => {
		const { cache } = bm25Method();
		expect(await refusal(() => cache([]))).toMatchObject({ code: "TOO_FEW_ROWS" });
		expect(await refusal(() => cache([...documents, ...documents]))).toMatchObject({ code: "DUPLICATE_ID" });
		expect(await refusal(() => cache(documents).attribute([]))).toMatchObject({ code: "TOO_FEW_ROWS" });
	});
});
