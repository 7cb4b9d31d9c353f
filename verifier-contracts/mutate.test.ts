import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Mutant, MutationError, mutated, mutatedContracts } from "./mutate.ts";
import { root } from "./solc.ts";

describe("mutated", () => {
	const change = (replace: string, by: string): Mutant => ({ name: "change", replace, by });

	it("changes one place, to the letter", () => {
		expect(mutated("a + b", change("+", "$&-"))).toBe("a $&- b");
	});

	it.each([
		["is not there", "*", "/"],
		["is there twice", "a", "c"],
		["is the same", "+", "+"],
	])("refuses a text that %s", (_, replace, by) => {
		expect(() => mutated("a + b - a", change(replace, by))).toThrow(MutationError);
	});
});

it("every listed mutant fits its source, and no two have a name", async () => {
	const contracts = await mutatedContracts();
	expect(contracts).toContain("PaymentChannels");
	for (const contract of contracts) {
		const source = await readFile(join(root, "src", `${contract}.sol`), "utf8");
		const mutants = JSON.parse(await readFile(join(root, "test", "mutants", `${contract}.json`), "utf8")) as Mutant[];
		expect(mutants.length).toBeGreaterThanOrEqual(12);
		expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
		for (const mutant of mutants) expect(mutated(source, mutant)).not.toBe(source);
	}
});
