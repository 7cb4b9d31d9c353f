import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "./dataset.ts";
import { refusal, sample } from "./testing.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-dataset-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, bytes: string | Uint8Array): Promise<string> {
	const path = join(folder, name);
	await writeFile(path, bytes);
	return path;
}

describe("formats are recognised by their bytes", () => {
	test("CSV, plain and gzip, whatever the name", async () => {
		const plain = await readTable(await file("a", "a,y\n1,0\n2,1\n"));
		const packed = await readTable(await file("b", gzipSync("a,y\n1,0\n2,1\n")));
		expect(packed).toEqual({ ...plain, source: packed.source });
	});

	test("an IDX pair by the images, and by both files", async () => {
		const images = await file("x-images-idx2-ubyte", Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 9));
		const labels = await file("x-labels-idx1-ubyte", Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 3));
		const table = await readTable(images);
		expect(table).toMatchObject({ n: 1, m: 2, k: 4 });
		expect(await readTable(`${images},${labels}`)).toEqual(table);
		expect(await refusal(() => readTable(images, { owner: "who" }))).toEqual({
			code: "COLUMN_UNKNOWN",
			message: expect.stringContaining('no column "who"'),
		});
		await rm(labels);
		expect(await refusal(() => readTable(images))).toEqual({ code: "FILE_MISSING", message: `${labels}: no such file` });
	});
});

describe("files that cannot be read", () => {
	test("missing", async () => {
		const path = join(folder, "none.csv");
		expect(await refusal(() => readTable(path))).toEqual({ code: "FILE_MISSING", message: `${path}: no such file` });
	});

	test("a folder", async () => {
		expect(await refusal(() => readTable(folder))).toEqual({ code: "FILE_UNREADABLE", message: expect.stringContaining("EISDIR") });
	});

	test("empty", async () => {
		const path = await file("empty.csv", "");
		expect(await refusal(() => readTable(path))).toEqual({ code: "FILE_UNREADABLE", message: `${path}: the file is empty` });
	});

	test("a cut gzip file", async () => {
		const path = await file("cut.csv.gz", gzipSync("a,y\n1,0\n2,1\n").subarray(0, -6));
		expect(await refusal(() => readTable(path))).toEqual({
			code: "FILE_UNREADABLE",
			message: expect.stringContaining("damaged gzip file"),
		});
	});
});

describe("real data", () => {
	for (const [name, n, m, k, first] of [
		["sklearn/digits.csv.gz", 1797, 64, 10, "0"],
		["sklearn/breast_cancer.csv", 569, 30, 2, "malignant"],
		["sklearn/wine_data.csv", 178, 13, 3, "class_0"],
		["sklearn/iris.csv", 150, 4, 3, "setosa"],
		["mnist/train-images-idx3-ubyte.gz", 60000, 784, 10, "0"],
		["mnist/t10k-images-idx3-ubyte.gz", 10000, 784, 10, "0"],
	] as const) {
		const { path, absent } = sample(name);
		test.skipIf(absent)(name, async () => {
			const table = await readTable(path);
			expect([table.n, table.m, table.k, table.classes[0]]).toEqual([n, m, k, first]);
			expect(table.rows).toHaveLength(n * m);
		});
	}

	const adult = sample("adult/adult.csv");
	test.skipIf(adult.absent)("adult: strings as labels and owners, text columns ignored", async () => {
		const ignore = ["workclass", "education", "marital-status", "occupation", "relationship", "race", "native-country"];
		const table = await readTable(adult.path, { ignore, owner: "sex" });
		expect([table.n, table.m, table.classes]).toEqual([32561, 6, ["<=50K", ">50K"]]);
		expect(new Set(table.owners)).toEqual(new Set(["Male", "Female"]));
		expect(await refusal(() => readTable(adult.path))).toEqual({
			code: "VALUE_NOT_NUMERIC",
			message: expect.stringContaining('line 2, column 1 ("workclass"): feature "State-gov"'),
		});
	});

	const concrete = sample("concrete/concrete.data");
	test.skipIf(concrete.absent)("concrete: a target that is no class", async () => {
		expect(await refusal(() => readTable(concrete.path))).toEqual({
			code: "LABEL_NOT_INTEGER",
			message: expect.stringContaining('line 1, column 8 ("8"): label "79.99"'),
		});
	});
});
