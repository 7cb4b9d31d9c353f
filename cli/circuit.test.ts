import { spawn } from "node:child_process";
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STATS_SETS } from "../bench/circuits.ts";
import { epochCircuits, type ParameterSet, parameterSetFor, ROLES } from "../circuits/parameters.ts";
import { artefactPath, dropArtefact, publishArtefact } from "../prover/artefact.ts";
import { compileCircuit } from "../prover/compile.ts";
import { type ProvingKey, setupDevelopment } from "../prover/setup.ts";
import { judge } from "./circuit.ts";
import { predictCost, predictCounts } from "./prediction.ts";
import { type Statements, statementsOf } from "./statements.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const SIZES = ["--rows", "3", "--queries", "2", "--features", "3", "--classes", "3", "--contributors", "2"];
const SET: ParameterSet = parameterSetFor({ rows: 3, queries: 2, features: 3, classes: 3, contributions: 2 });

interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

let cache: string;
beforeAll(async () => {
	cache = await mkdtemp(join(tmpdir(), "openledger-circuit-"));
});
afterAll(() => rm(cache, { recursive: true, force: true }));

function circuit(...args: string[]): Promise<Result> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, "circuit", ...args], {
		env: { ...process.env, OPENLEDGER_CACHE: cache },
		stdio: ["ignore", "pipe", "pipe"],
	});
	let [stdout, stderr] = ["", ""];
	child.stdout.on("data", (chunk: Buffer) => {
		stdout += chunk;
	});
	child.stderr.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

/** The `result` of a command with --json, and its exit code. */
async function json(...args: string[]) {
	const { code, stdout } = await circuit(...args, ...SIZES, "--json");
	return { code, ...JSON.parse(stdout) };
}

describe("circuit list", () => {
	test("names the circuits of the sizes, with their public signals", async () => {
		const { code, schema, result } = await json("list");
		expect({ code, schema }).toEqual({ code: 0, schema: "openledger.circuit.list.v1" });
		const circuits = epochCircuits(SET);
		expect(result.circuits.map(({ role, id }: { role: string; id: string }) => [role, id])).toEqual([
			...ROLES.map((role) => [role, circuits[role].id]),
			["evaluation", "evaluation-d4-k3-s32-l65"],
			["knn-shapley", "knn-shapley-c2-n8-d4-k3-q4-v5"],
			["training-step", "training-step-n8-d4-h16-k3-t10-f16-r655"],
		]);
		expect(result.circuits[5].publics).toEqual(["previousScores", "scoreCommit", "rows", "totalAt", "pathAt", "evaluation", "challenge"]);
		expect(await readdir(cache)).toEqual([]);
	});

	test.each([
		[["list", "training"], 2, "'training' is invalid"],
		[["info", "--rows", "0"], 2, "expected a positive integer, got 0"],
		[["info", "--features", "129"], 3, "expected at most 128 features with the bias, got 129"],
	])("refuses %j", async (args, exit, message) => {
		const { code, stdout, stderr } = await circuit(...args);
		expect({ code, stdout }).toEqual({ code: exit, stdout: "" });
		expect(stderr).toContain(message);
	});
});

describe("before anything is compiled", () => {
	test("info predicts everything, says so, and leaves nothing in the cache", async () => {
		const { code, result } = await json("info");
		expect(code).toBe(0);
		expect(result.circuits).toHaveLength(11);
		for (const { id, counted, counts, predicted } of result.circuits) {
			expect(counted, id).toBe(false);
			expect(Object.values({ ...counts, ...predicted }).every((value) => (value as number) > 0)).toBe(true);
		}
		expect(await readdir(cache)).toEqual([]);
		expect((await circuit("info", ...SIZES)).stdout).toContain("Predictions: ");
	});

	test("check says what is missing and exits 4", async () => {
		const { code, result } = await json("check", "payout");
		expect(code).toBe(4);
		expect(result.findings).toEqual([
			{ role: "payout", what: "circuit", ok: false, found: 'payout-p1-c2 is not compiled: run "circuit compile"' },
		]);
	});
});

describe("with a compiled circuit and its key", () => {
	let digest: string;
	let key: ProvingKey;

	beforeAll(async () => {
		const { code, result } = await json("compile", "contribution", "total");
		expect(code).toBe(0);
		expect(result.circuits.map(({ role }: { role: string }) => role)).toEqual(["contribution", "total"]);
		const compiled = await compileCircuit(epochCircuits(SET).contribution, { root: cache });
		digest = compiled.digest;
		expect(result.circuits[0]).toMatchObject({ digest, counts: compiled.counts, warnings: [] });
		key = await setupDevelopment(compiled, { root: cache });
	});

	test("info takes the counts of those that are compiled; the predicted key size is within 12 %", async () => {
		const { result } = await json("info");
		expect(result.circuits.map(({ counted }: { counted: boolean }) => counted)).toEqual([
			true,
			false,
			true,
			...Array.from({ length: 8 }, () => false),
		]);
		const bytes = (await stat(key.path)).size;
		expect(Math.abs(result.circuits[0].predicted.keyBytes / bytes - 1)).toBeLessThan(0.12);
	});

	test("check reads every file and the key, and gives the reason of an allowed warning", async () => {
		const { code, result } = await json("check", "contribution", "total");
		const checked = result.findings.map(({ role, what, ok }: { role: string; what: string; ok: boolean }) => `${role} ${what} ${ok}`);
		expect({ code, checked }).toEqual({
			code: 0,
			checked: [
				...["circuit", "r1cs", "wasm", "sym"].map((kind) => `contribution ${kind} true`),
				...["circuit", "r1cs", "wasm", "sym", "warning"].map((kind) => `total ${kind} true`),
				"contribution key true",
			],
		});
		expect(result.findings[8].reason).toContain("score");
	});

	test.each([["r1cs"], ["wasm"], ["sym"], ["zkey"]])("one changed byte of the %s file is found, exit 4", async (kind) => {
		const path = artefactPath(kind, kind === "zkey" ? key.digest : digest, cache);
		const file = await open(path, "r+");
		const place = Math.floor((await file.stat()).size / 2);
		const honest = Buffer.alloc(1);
		await file.read(honest, 0, 1, place);
		await file.write(Buffer.of((honest[0] as number) ^ 1), 0, 1, place);
		const { code, result } = await json("check", "contribution");
		await file.write(honest, 0, 1, place);
		await file.close();
		expect(code).toBe(4);
		expect(result.findings.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([
			{ role: "contribution", what: kind === "zkey" ? "key" : kind, ok: false, found: expect.stringContaining("to have SHA-256") },
		]);
		expect((await json("check", "contribution")).code).toBe(0);
	});

	test("a record that was overwritten is found, exit 4", async () => {
		const path = artefactPath("circuit", digest, cache);
		const honest = await readFile(path);
		await writeFile(
			path,
			honest.map((byte) => byte ^ 1),
		);
		const { code, result } = await json("check", "contribution");
		await writeFile(path, honest);
		expect(code).toBe(4);
		expect(result.findings).toMatchObject([{ role: "contribution", what: "circuit", ok: false }]);
	});

	test("a warning that is not on the list exits 1", async () => {
		const path = artefactPath("circuit", digest, cache);
		const honest = await readFile(path, "utf8");
		const warnings = ['warning[CA02]: In template "Contribution(8,4,3,1,24)": Subcomponent input/output signal a.b does not appear'];
		const record = (text: string) => publishArtefact("circuit", digest, (to) => writeFile(to, text), { root: cache });
		await record(JSON.stringify({ ...JSON.parse(honest), warnings }));
		const { code, result } = await json("check", "contribution");
		await record(honest);
		expect(code).toBe(1);
		expect(result.findings.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([
			{ role: "contribution", what: "warning", ok: false, found: warnings[0] },
		]);
	});

	// Last: the key does not come back.
	test("a key that is cut off is found, exit 4", async () => {
		await truncate(key.path, 1000);
		const { code, result } = await json("check", "total");
		await dropArtefact("zkey", key.digest, cache);
		expect(code).toBe(4);
		expect(result.findings.at(-1)).toMatchObject({ role: "unknown", what: "key", ok: false });
	});
});

describe("the allow-list of warnings", () => {
	const warning =
		'warning[CA02]: In template "Total(2,3,3,24,66111950)": Subcomponent input/output signal page.count does not appear in any constraint of the father component';

	test("holds for one statement and one signal", () => {
		expect(judge("total", "total", warning)).toMatchObject({ ok: true, reason: expect.any(String) });
		expect(judge("score", "score", warning)).toMatchObject({ ok: false, found: warning });
		expect(judge("total", "total", warning.replace("page.count", "page.evaluation")).ok).toBe(false);
	});
});

describe("predictions", () => {
	interface Line {
		readonly nonLinear: number;
		readonly linear: number;
		readonly wires: number;
		readonly nPublic: number;
		readonly nPrivateInputs: number;
	}
	let measured: Map<string, Line>;

	beforeAll(async () => {
		const text = await readFile(fileURLToPath(new URL("../circuits/stats.csv", import.meta.url)), "utf8");
		measured = new Map(
			text
				.trim()
				.split("\n")
				.slice(1)
				.map((line) => {
					const [id, ...numbers] = line.split(",");
					const [nonLinear, linear, wires, nPublic, nPrivateInputs] = numbers.map(Number) as [number, number, number, number, number];
					return [id as string, { nonLinear, linear, wires, nPublic, nPrivateInputs }];
				}),
		);
	});

	const close = (predicted: number, exact: number) => Math.abs(predicted / exact - 1);

	test.each(Object.entries(STATS_SETS).flatMap(([name, set]) => ROLES.map((role) => [role, name, set] as const)))(
		"of %s (%s) are within 2 %% of circuits/stats.csv, inputs exact",
		(role, _, set) => {
			const predicted = predictCounts[role](statementsOf(set));
			const exact = measured.get(epochCircuits(set)[role].id) as Line;
			expect([predicted.nPublic, predicted.nPrivateInputs]).toEqual([exact.nPublic, exact.nPrivateInputs]);
			expect(close(predicted.nonLinear, exact.nonLinear)).toBeLessThan(0.02);
			expect(close(predicted.nonLinear + predicted.linear, exact.nonLinear + exact.linear)).toBeLessThan(0.02);
			expect(close(predicted.wires, exact.wires)).toBeLessThan(0.02);
		},
	);

	const apart: [string, keyof Statements, Partial<Statements>][] = [
		["knn-shapley-c2-n8-d16-k4-q4-v5", "knn-shapley", { "knn-shapley": { places: 2, rows: 8, d: 16, k: 4, queries: 4, neighbours: 5 } }],
		[
			"knn-shapley-c4-n64-d64-k10-q4-v5",
			"knn-shapley",
			{ "knn-shapley": { places: 4, rows: 64, d: 64, k: 10, queries: 4, neighbours: 5 } },
		],
		[
			"training-step-n8-d16-h8-k3-t10-f16-r3000",
			"training-step",
			{ "training-step": { n: 8, d: 16, h: 8, k: 3, levels: 10, fractionBits: 16, rate: 3000 } },
		],
		[
			"training-step-n32-d64-h32-k10-t10-f16-r3000",
			"training-step",
			{ "training-step": { n: 32, d: 64, h: 32, k: 10, levels: 10, fractionBits: 16, rate: 3000 } },
		],
	];
	test.each(apart)("of %s are within 2 %% of circuits/stats.csv, inputs exact", (id, role, parameters) => {
		const predicted = predictCounts[role]({ ...statementsOf(SET), ...parameters });
		const exact = measured.get(id) as Line;
		expect([predicted.nPublic, predicted.nPrivateInputs]).toEqual([exact.nPublic, exact.nPrivateInputs]);
		expect(close(predicted.nonLinear, exact.nonLinear)).toBeLessThan(0.02);
		expect(close(predicted.nonLinear + predicted.linear, exact.nonLinear + exact.linear)).toBeLessThan(0.02);
		expect(close(predicted.wires, exact.wires)).toBeLessThan(0.02);
	});

	test("grow with the circuit", () => {
		const [small, large] = Object.values(STATS_SETS).map((set) => predictCost(predictCounts.evaluation(statementsOf(set))));
		for (const name of ["keyBytes", "proveBytes", "proveSeconds"] as const) {
			expect(large?.[name]).toBeGreaterThan(small?.[name] as number);
		}
	});
});
