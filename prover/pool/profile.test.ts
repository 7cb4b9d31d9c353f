import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fingerprint, type Profile, planFor, profilePath, readProfile, type SizeProfile, writeProfile } from "./profile.ts";

let root: string;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-profile-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

const size = (log: number, single: number, proofs: number, threads: number): SizeProfile => ({
	log,
	single,
	batch: { proofs, threads },
	trials: [],
});

function profile(change: Partial<Profile> = {}): Profile {
	return {
		schema: "openledger.pool.profile.v1",
		machine: fingerprint(),
		made: "2026-01-02T03:04:05.000Z",
		sizes: [size(12, 1, 8, 1), size(16, 3, 2, 2)],
		...change,
	};
}

async function planWith(content: string): Promise<ReturnType<typeof planFor>> {
	const path = join(root, "plan.json");
	await writeFile(path, content);
	return planFor(path);
}

describe("a profile", () => {
	it("is read as it was written, with nothing beside it", async () => {
		const path = profilePath(root);
		await writeProfile(profile(), path);
		expect(readProfile(path)).toEqual(profile());
		expect(await readdir(join(root, "pool"))).toEqual(["profile.json"]);
	});

	it("leaves nothing behind when it cannot take its place", async () => {
		const path = join(root, "folder", "taken");
		await writeProfile(profile(), join(path, "inside.json"));
		await expect(writeProfile(profile(), path)).rejects.toThrow();
		expect(await readdir(join(root, "folder"))).toEqual(["taken"]);
	});

	it("is undefined where there is none", () => {
		expect(readProfile(join(root, "none.json"))).toBeUndefined();
	});

	it.each([
		["cut off", JSON.stringify(profile()).slice(0, -5)],
		["of another schema", JSON.stringify({ ...profile(), schema: "openledger.pool.profile.v2" })],
		["null", "null"],
		["without machine", JSON.stringify({ ...profile(), machine: undefined })],
		["without sizes", JSON.stringify(profile({ sizes: [] }))],
		["with a size of zero threads", JSON.stringify(profile({ sizes: [size(12, 0, 1, 1)] }))],
		["with half a proof at once", JSON.stringify(profile({ sizes: [size(12, 1, 0.5, 1)] }))],
		["with sizes out of order", JSON.stringify(profile({ sizes: [size(16, 1, 1, 1), size(12, 1, 1, 1)] }))],
	])("is refused when it is %s, and a pool then uses defaults", async (_, content) => {
		const { note } = await planWith(content);
		expect(() => readProfile(join(root, "plan.json"))).toThrow(
			expect.objectContaining({ code: "pool.profile", hint: expect.stringContaining("pool tune") }),
		);
		expect(note).toMatch(/^defaults: readProfile: expected a profile/);
	});
});

describe("the plan", () => {
	it("follows the smallest measured size that is not below, else the largest", async () => {
		const plan = await planWith(JSON.stringify(profile()));
		expect(plan.note).toMatch(/^profile .*plan\.json of 2026/);
		const choices = [4, 12, 13, 16, 20].map((log) => plan.choose(log));
		expect(choices.map(({ batch }) => batch.proofs)).toEqual([8, 8, 2, 2, 2]);
		expect(choices.map(({ single }) => single)).toEqual([1, 1, 3, 3, 3]);
	});

	it("is the default one without a profile", () => {
		const plan = planFor(join(root, "none.json"));
		expect(plan.note).toMatch(/^defaults: there is no profile/);
		const cores = availableParallelism();
		expect(plan.choose(16)).toEqual({ single: cores, batch: { proofs: cores, threads: 1 } });
	});

	it.each([
		["cpu", "Another"] as const,
		["cores", 1000] as const,
		["memoryGB", 1] as const,
		["node", "v1.0.0"] as const,
		["engine", "0"] as const,
	])("is the default one when the profile has another %s", async (name, value) => {
		const { note } = await planWith(JSON.stringify(profile({ machine: { ...fingerprint(), [name]: value } })));
		expect(note).toMatch(new RegExp(`measured on another ${name};`));
	});
});
