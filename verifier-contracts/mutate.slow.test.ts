import { describe, expect, it } from "vitest";
import { mutate, mutatedContracts } from "./mutate.ts";

describe.each(await mutatedContracts())("%s", (contract) => {
	it("has tests that notice every mutant", async () => {
		const verdicts = await mutate(contract);
		expect(verdicts.filter(({ killed }) => !killed)).toEqual([]);
	}, 3_600_000);
});
