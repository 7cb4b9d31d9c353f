import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { epochCircuits, parameterSetFor, ROLES } from "../../circuits/parameters.ts";
import { ceremonyKeys } from "./keys.ts";

it("ceremonyKeys names every circuit without a finished key, before anything is compiled", async () => {
	const set = parameterSetFor({ rows: 12, queries: 8, features: 4, classes: 2, contributions: 4 });
	const folder = await mkdtemp(join(tmpdir(), "openledger-keys-"));
	try {
		const circuits = epochCircuits(set);
		await writeFile(join(folder, `${circuits.payout.id}.zkey`), "");
		const expected = ROLES.filter((role) => role !== "payout").map((role) => `${role} (${circuits[role].id})`);
		await expect(ceremonyKeys(set, folder, () => {}, undefined)).rejects.toMatchObject({
			code: "key.missing",
			message: expect.stringContaining(expected.join(", ")),
		});
	} finally {
		await rm(folder, { recursive: true });
	}
});
