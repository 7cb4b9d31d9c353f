import { keccak256, toUtf8Bytes } from "ethers";
import { expect, test } from "vitest";
import { refusal } from "../../compute/testing.ts";
import { checkPolicy, DEFAULT_POLICY, DEFENCES, NO_DEFENCE, policyDigest, without } from "./policy.ts";

test("survives JSON, every defence is on by default, and each can be left out", () => {
	expect(checkPolicy(JSON.parse(JSON.stringify(DEFAULT_POLICY)))).toEqual(DEFAULT_POLICY);
	expect(DEFENCES.every((name) => DEFAULT_POLICY[name].on)).toBe(true);
	expect(DEFENCES.some((name) => NO_DEFENCE[name].on)).toBe(false);
	const one = without(DEFAULT_POLICY, "bounds");
	expect(DEFENCES.filter((name) => !one[name].on)).toEqual(["bounds"]);
	expect(one.bounds.leverage).toBe(DEFAULT_POLICY.bounds.leverage);
});

test("the digest is the keccak of its sorted JSON, whatever the order of its parts, and changes with each number", () => {
	const small = { b: 1, a: { d: true, c: 0.5 } };
	expect(JSON.stringify(small)).not.toBe('{"a":{"c":0.5,"d":true},"b":1}');
	const reversed = Object.fromEntries(Object.entries(DEFAULT_POLICY).reverse()) as unknown as typeof DEFAULT_POLICY;
	expect(policyDigest(reversed)).toBe(policyDigest(DEFAULT_POLICY));
	const sorted = (value: unknown): unknown =>
		typeof value === "object" && value !== null
			? Object.fromEntries(
					Object.entries(value)
						.sort(([a], [b]) => (a < b ? -1 : 1))
						.map(([key, part]) => [key, sorted(part)]),
				)
			: value;
	expect(policyDigest(DEFAULT_POLICY)).toBe(keccak256(toUtf8Bytes(JSON.stringify(sorted(DEFAULT_POLICY)))));
	expect(policyDigest({ ...DEFAULT_POLICY, bounds: { on: true, leverage: 21 } })).not.toBe(policyDigest(DEFAULT_POLICY));
});

const { copies, neighbourLeg, reputation } = DEFAULT_POLICY;
test.each([
	["another schema", { schema: "v2" }, 'schema: expected "openledger.defence-policy.v1", got "v2"'],
	["an unknown defence", { magic: { on: true } }, "magic: expected no such part"],
	["an unknown parameter", { stake: { on: true, least: 1 } }, "stake.least: expected no such part, got 1"],
	["a missing defence", { stake: undefined }, "stake: expected an object, got undefined"],
	["a switch that is a word", { stake: { on: "yes" } }, 'stake.on: expected true or false, got "yes"'],
	["a radius of 0", { nearDuplicates: { on: true, radius: 0 } }, "nearDuplicates.radius: expected a number in (0, 1), got 0"],
	["a radius that is no number", { copies: { ...copies, radius: null } }, "copies.radius: expected a number in (0, 2], got null"],
	["a false-alarm rate of 1", { copies: { ...copies, falseAlarm: 1 } }, "copies.falseAlarm: expected a number in (0, 0.1], got 1"],
	[
		"flags above quarantine",
		{ copies: { ...copies, flagFrom: 0.6 } },
		"copies.flagFrom: expected at most copies.quarantineFrom = 0.5, got 0.6",
	],
	["no hidden query", { hiddenQueries: { on: true, share: 0 } }, "hiddenQueries.share: expected a number in (0, 1), got 0"],
	["half a neighbour", { neighbourLeg: { ...neighbourLeg, neighbours: 0.5 } }, "neighbours: expected an integer in [1, 100], got 0.5"],
	[
		"another payer",
		{ neighbourLeg: { ...neighbourLeg, pays: "most" } },
		'neighbourLeg.pays: expected "minimum" or "ridge-path", got "most"',
	],
	["a ratio of 1", { neighbourLeg: { ...neighbourLeg, ratio: 1 } }, "neighbourLeg.ratio: expected a finite number above 1, got 1"],
	["NaN", { bounds: { on: true, leverage: Number.NaN } }, "bounds.leverage: expected a finite number above 1, got NaN"],
	[
		"a reputation without end",
		{ reputation: { ...reputation, most: Infinity } },
		"reputation.most: expected a finite number of at least 1",
	],
])("refuses %s", async (_, change, message) => {
	expect(checkPolicy({ ...DEFAULT_POLICY })).toEqual(DEFAULT_POLICY);
	expect(await refusal(() => checkPolicy({ ...DEFAULT_POLICY, ...change }))).toEqual({
		code: "PARAMETER_OUT_OF_RANGE",
		message: expect.stringContaining(message),
	});
});

test("refuses what is no policy at all", async () => {
	for (const value of [null, [], "policy", 3]) {
		expect((await refusal(() => checkPolicy(value))).message).toContain("a policy: expected an object");
	}
	const { stake: _, ...rest } = DEFAULT_POLICY;
	expect((await refusal(() => checkPolicy(rest))).message).toContain("stake: expected a value, got undefined");
});
