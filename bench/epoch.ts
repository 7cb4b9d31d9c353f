/** The figures of the epoch: a first run in a fresh clone, a second one, digits with and without keys, exactness, the floating-point attribution. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ridgePathMethod } from "../attribution/ridge-path.ts";
import { epochStatements } from "../circuits/parameters.ts";
import { attributionPath } from "../circuits/statements/attribution.ts";
import { openReference } from "../compute/reference/backend.ts";
import { DEFAULT_CONFIG } from "../network/epoch/config.ts";
import { prepareData } from "../network/epoch/data.ts";
import type { RunReport } from "../network/epoch/report.ts";
import { atMost, type Case, measure, root } from "./bench.ts";

const DIGITS = join(process.env.OPENLEDGER_DATA ?? join(root, "..", "shared", "data"), "sklearn", "digits.csv.gz");
const DIGITS_FLAGS = ["--data", DIGITS, "--contributors", "10", "--drop-constant", "--clip"];

export async function run(): Promise<Case[]> {
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		return [...(await freshClone(folder)), ...(await digits(folder)), ...(await pages(folder)), ...(await floating())];
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function freshClone(folder: string): Promise<Case[]> {
	const clone = join(folder, "clone");
	await measure("git", ["clone", "--quiet", root, clone]);
	const env = { OPENLEDGER_CACHE: join(folder, "cache-glyphs") };
	const first = await measure("npm", ["start", "--silent"], { cwd: clone, env });
	const second: number[] = [];
	for (let i = 0; i < 3; i++) {
		second.push((await measure("npm", ["start", "--silent"], { cwd: clone, env })).wallSeconds);
	}
	const size = "built-in glyphs, 8 contributors of 60 rows, d = 16, k = 4";
	return [
		atMost(
			"npm start, fresh clone",
			size,
			"s wall",
			[first.wallSeconds],
			240,
			"install, contracts, circuits, keys and the epoch; the package manager's cache as found",
		),
		atMost("npm start again", size, "s wall", second, 60),
	];
}

async function digits(folder: string): Promise<Case[]> {
	const env = { OPENLEDGER_CACHE: join(folder, "cache-digits") };
	const size = "1,797 x 64, 10 contributors, d = 64, k = 10, 12 nodes";
	const out = join(folder, "digits");
	const once = () => measure("node", ["cli/openledger.mjs", "epoch", "run", ...DIGITS_FLAGS, "--out", out], { env });
	const cold = await once();
	const warm = [];
	for (let i = 0; i < 3; i++) {
		warm.push(await once());
	}
	const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as RunReport;
	const accounts = JSON.parse(await readFile(join(out, "epochs", "1", "contributors.json"), "utf8"));
	return [
		atMost("digits with keys", size, "s wall", [cold.wallSeconds], 600),
		atMost(
			"digits without keys",
			size,
			"s wall",
			warm.map(({ wallSeconds }) => wallSeconds),
			180,
		),
		{
			...atMost(
				"digits without keys",
				size,
				"CPU s",
				warm.map(({ cpuSeconds }) => cpuSeconds),
				Infinity,
			),
			bar: "none",
			holds: true,
		},
		atMost("peak memory", size, "MB per process", [report.peakMemoryMB], 4096),
		atMost("scores against the loss drop", size, "relative error", [report.checkpoints[0]?.efficiencyError ?? 1], 0.001),
		atMost(
			"wei unaccounted for",
			size,
			"wei",
			[
				Number(
					BigInt(accounts.accounting.pool) -
						["paid", "unclaimed", "dust", "dustCarried", "returned"].reduce((sum, name) => sum + BigInt(accounts.accounting[name]), 0n),
				),
			],
			0,
		),
	];
}

/** More contributions than one circuit holds. */
async function pages(folder: string): Promise<Case[]> {
	const env = { OPENLEDGER_CACHE: join(folder, "cache-pages") };
	const size = "built-in glyphs, 200 contributors of 60 rows, 2,000 queries, d = 16, k = 4";
	const out = join(folder, "pages");
	const { wallSeconds, cpuSeconds } = await measure("node", ["cli/openledger.mjs", "epoch", "run", "--contributors", "200", "--out", out], {
		env,
	});
	const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as RunReport;
	const none = { bar: "none", holds: true };
	return [
		{ ...atMost("200 contributions in pages, with keys", size, "s wall", [wallSeconds], Infinity), ...none },
		{ ...atMost("200 contributions in pages, with keys", size, "CPU s", [cpuSeconds], Infinity), ...none },
		{ ...atMost("200 contributions in pages, peak memory", size, "MB per process", [report.peakMemoryMB], Infinity), ...none },
		atMost("200 contributions, scores against the loss drop", size, "relative error", [report.checkpoints[0]?.efficiencyError ?? 1], 0.001),
	];
}

async function floating(): Promise<Case[]> {
	const backend = openReference();
	const data = await prepareData({ ...DEFAULT_CONFIG, data: DIGITS, contributors: 10, dropConstantColumns: true, clip: true }, backend);
	const { d, k } = data.set;
	const train = await Promise.all(data.contributors.map(({ rows }) => backend.statistics(rows, d, k)));
	const query = await backend.statistics(data.queries[0] as (typeof data.queries)[number], d, k);
	const parameters = attributionPath(epochStatements(data.set).attribution);
	const seconds: number[] = [];
	for (let i = 0; i < 9; i++) {
		const before = process.cpuUsage();
		ridgePathMethod(parameters).cache(train).attribute(query);
		const { user, system } = process.cpuUsage(before);
		seconds.push((user + system) / 1e6);
	}
	return [
		atMost(
			"attribution in floating point",
			"digits, 10 contributors, d = 64, k = 10, 12 nodes",
			"CPU s",
			seconds,
			0.1,
			"from statistics to scores",
		),
	];
}
