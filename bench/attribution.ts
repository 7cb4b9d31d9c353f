/** `npm run bench -- attribution [PART ...]`: quality, speed and robustness of attribution on real data; all parts by default. */
import type { Case } from "./bench.ts";

const PARTS: Readonly<Record<string, () => Promise<Case[]>>> = {
	valuation: async () => (await import("./attribution/valuation.ts")).valuationCases(),
	influence: async () => (await import("./attribution/influence.ts")).influenceCases(),
	network: async () => (await import("./attribution/network.ts")).networkCases(),
	gaming: async () => (await import("./attribution/gaming.ts")).gamingCases(),
	tokens: async () => (await import("./attribution/tokens.ts")).tokensCases(),
};

/** @param args names of parts */
export async function run(args: readonly string[]): Promise<Case[]> {
	const unknown = args.find((name) => !Object.hasOwn(PARTS, name));
	if (unknown !== undefined) throw new Error(`bench attribution: expected parts among ${Object.keys(PARTS).join(", ")}, got ${unknown}`);
	const cases: Case[] = [];
	for (const [name, part] of Object.entries(PARTS)) {
		if (args.length === 0 || args.includes(name)) cases.push(...(await part()));
	}
	return cases;
}
