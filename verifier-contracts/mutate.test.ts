import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { failedTests, type Mutant, MutationError, mutated, mutatedContracts } from "./mutate.ts";
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

describe("failedTests", () => {
	it("reads tests and invariants, each once", () => {
		const output = `Ran 3 tests
[PASS] test_good() (gas: 5)
[FAIL: AssertionFailed("total", 1, 2)] test_bad() (gas: 7)
[FAIL: EvmError: Revert] setUp() (gas: 0)
[FAIL: AssertionFailed("expected to be refused", 0, 1)]
\t[Sequence] (original: 4, shrunk: 1)
\t\tsender=0x01 addr=[Handler]0x02 calldata=pay(uint256) args=[1]
 invariant_bad() (runs: 0, calls: 0, reverts: 1)
[PASS] invariant_good() (runs: 32, calls: 4096, reverts: 0)
Failing tests:
[FAIL: AssertionFailed("total", 1, 2)] test_bad() (gas: 7)`;
		expect(failedTests(output)).toEqual(["test_bad", "setUp", "invariant_bad"]);
		expect(failedTests("[PASS] test_good() (gas: 5)\nError: out of memory")).toEqual([]);
	});
});

it("every listed mutant fits its source, and no two have a name", async () => {
	const contracts = await mutatedContracts();
	expect(contracts).toContain("PaymentChannels");
	for (const contract of contracts) {
		const source = await readFile(join(root, "src", `${contract}.sol`), "utf8");
		const mutants = JSON.parse(await readFile(join(root, "test", "mutants", `${contract}.json`), "utf8")) as Mutant[];
		// The Deployer is twenty lines long; others have dozens.
		expect(mutants.length).toBeGreaterThanOrEqual(contract === "Deployer" ? 5 : 12);
		expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
		for (const mutant of mutants) expect(mutated(source, mutant)).not.toBe(source);
	}
});
