import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fingerprint, readProfile, type Trial, writeProfile } from "./profile.ts";
import { bestOf, olderSizes, tune, waysOf } from "./tuning.ts";

let root: string;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-tuning-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

const trial = (proofs: number, threads: number, secondsPerProof: number, peakBytes: number): Trial => ({
	...{ proofs, threads, secondsPerProof, peakBytes },
	cpuSecondsPerProof: secondsPerProof,
});

describe("waysOf", () => {
	it.each([
		[1, ["1x1"]],
		[2, ["1x1", "2x1", "1x2"]],
		[6, ["1x1", "6x1", "1x2", "3x2", "1x4", "1x6"]],
		[8, ["1x1", "8x1", "1x2", "4x2", "1x4", "2x4", "1x8"]],
	])("fills %i cores", (cores, expected) => {
		expect(waysOf(cores).map(({ proofs, threads }) => `${proofs}x${threads}`)).toEqual(expected);
	});
});

describe("bestOf", () => {
	it("takes the fastest proof for a job alone and the most proofs a second for many", () => {
		const best = bestOf(16, [trial(1, 1, 2, 100), trial(1, 2, 1.3, 120), trial(2, 1, 1, 200)]);
		expect(best).toMatchObject({ log: 16, single: 2, batch: { proofs: 2, threads: 1 } });
	});
	it("takes less memory where the gain is small", () => {
		const trials = [trial(1, 2, 1.02, 120), trial(2, 1, 1, 200)];
		expect(bestOf(16, trials).batch).toEqual({ proofs: 1, threads: 2 });
		expect(bestOf(16, [trial(1, 2, 1.04, 120), trial(2, 1, 1, 200)]).batch).toEqual({ proofs: 2, threads: 1 });
	});
});

describe("tune", () => {
	it("measures, writes the profile, and keeps other sizes of the same machine", async () => {
		const path = join(root, "profile.json");
		const older = { log: 9, single: 1, batch: { proofs: 1, threads: 1 }, trials: [] };
		const schema = "openledger.pool.profile.v1" as const;
		await writeProfile({ schema, machine: fingerprint(), made: "2026-01-02T03:04:05.000Z", sizes: [older] }, path);
		const told: string[] = [];
		const profile = await tune({
			sizes: [5],
			quick: true,
			path,
			root,
			onProgress: (done, total, note) => told.push(`${done}/${total} ${note}`),
		});
		expect(readProfile(path)).toEqual(profile);
		expect(profile.machine).toEqual(fingerprint());
		expect(profile.sizes.map(({ log }) => log)).toEqual([5, 9]);
		const [size] = profile.sizes;
		const ways = waysOf(availableParallelism());
		expect(size?.trials.map(({ proofs, threads }) => ({ proofs, threads }))).toEqual(ways);
		for (const { secondsPerProof, cpuSecondsPerProof, peakBytes } of size?.trials ?? []) {
			expect(secondsPerProof).toBeGreaterThan(0);
			expect(cpuSecondsPerProof).toBeGreaterThan(0);
			expect(peakBytes).toBeGreaterThan(30e6);
		}
		expect(told[0]).toBe(`0/${ways.length} 2^5: circuit and key`);
		expect(told.at(-1)).toBe(`${ways.length}/${ways.length} measured`);
	});

	it("stops by its signal in mid-trial and writes nothing", async () => {
		const controller = new AbortController();
		const folder = join(root, "stopped");
		const stopped = tune({
			...{ sizes: [5], quick: true, path: join(folder, "profile.json"), root, signal: controller.signal },
			onProgress: (_done, _total, note) => {
				if (note.includes("at once")) setTimeout(() => controller.abort(new Error("enough")), 50);
			},
		});
		await expect(stopped).rejects.toThrow("enough");
		await expect(readdir(folder)).rejects.toMatchObject({ code: "ENOENT" });
	});
});

describe("olderSizes", () => {
	it("are those of the same machine, and none of a profile that cannot be read", async () => {
		const path = join(root, "older.json");
		const machine = fingerprint();
		const sizes = [{ log: 9, single: 1, batch: { proofs: 1, threads: 1 }, trials: [] }];
		expect(olderSizes(path, machine)).toEqual([]);
		await writeProfile({ schema: "openledger.pool.profile.v1", machine, made: "2026-01-02T03:04:05.000Z", sizes }, path);
		expect(olderSizes(path, machine)).toEqual(sizes);
		expect(olderSizes(path, { ...machine, cores: machine.cores + 1 })).toEqual([]);
		await writeFile(path, "{");
		expect(olderSizes(path, machine)).toEqual([]);
	});
});
