import { afterAll, describe, expect, test } from "vitest";
import { mismatches } from "../conformance.ts";
import { deviations, SINGLE_PRECISION } from "../deviation.ts";
import { openForTests } from "./testing.ts";

describe.each([
	["products of four bytes of the device", true],
	["products of four bytes spelled out", false],
])("%s", async (_, dotProduct) => {
	const backend = await openForTests({ dotProduct });
	afterAll(() => backend?.close());

	test.skipIf(!backend)("known answers", async () => {
		expect(await mismatches(backend!)).toEqual([]);
	});

	test.skipIf(!backend)("floats are those of the reference, as far as single precision goes", async () => {
		for (const { name, error } of await deviations(backend!)) expect([name, error < SINGLE_PRECISION]).toEqual([name, true]);
	});
});
