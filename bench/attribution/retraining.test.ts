import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cachedMatrix } from "./retraining.ts";

let folder: string;
let computed = 0;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), "retraining-"));
	computed = 0;
});
afterEach(() => rm(folder, { recursive: true }));

const matrix = { values: Float64Array.of(1, -2.5, 1e-300, 4, 5, Math.PI), rows: 2, columns: 3 };
const compute = async () => {
	computed++;
	return matrix;
};

test("computes once for equal settings and data, and again when either changes", async () => {
	const data = [Float32Array.of(1, 2)];
	expect(await cachedMatrix({ seed: 1, rate: 0.1 }, data, compute, folder)).toEqual(matrix);
	expect(await cachedMatrix({ rate: 0.1, seed: 1 }, data, compute, folder)).toEqual(matrix);
	expect(computed).toBe(1);
	await cachedMatrix({ seed: 2, rate: 0.1 }, data, compute, folder);
	await cachedMatrix({ seed: 1, rate: 0.1 }, [Float32Array.of(1, 3)], compute, folder);
	await cachedMatrix({ seed: 1, rate: 0.1 }, [Float32Array.of(1), Float32Array.of(2)], compute, folder);
	expect(computed).toBe(4);
});

test("keeps nothing of a computation that fails", async () => {
	await expect(cachedMatrix({}, [], () => Promise.reject(new Error("stopped")), folder)).rejects.toThrow("stopped");
	expect(await cachedMatrix({}, [], compute, folder)).toEqual(matrix);
	expect(computed).toBe(1);
});

test("refuses a damaged file", async () => {
	await cachedMatrix({}, [], compute, folder);
	const [name] = (await readdir(join(folder, "retraining"))).filter((file) => file.endsWith(".retraining"));
	await truncate(join(folder, "retraining", name as string), 20);
	await expect(cachedMatrix({}, [], compute, folder)).rejects.toMatchObject({ code: "artefact.damaged" });
});
