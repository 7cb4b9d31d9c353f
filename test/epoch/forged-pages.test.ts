/**
 * Bundles whose proofs are all good, made together, but speak of different data: only the comparison of links can tell. Each forgery differs from the
 * honest proofs in one list.
 */
import { createHash } from "node:crypto";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../../circuits/circuit.ts";
import { epochStatements, type ParameterSet, type Role } from "../../circuits/parameters.ts";
import { attributionInstance, attributionPath, type PathForms, pathForms } from "../../circuits/statements/attribution.ts";
import { headExponent, optimumInstance } from "../../circuits/statements/optimum.ts";
import { scoreInstance } from "../../circuits/statements/score.ts";
import { totalInstance } from "../../circuits/statements/total.ts";
import { type Rows, type Statistics, statisticsOf, sumStatistics } from "../../circuits/statistics.ts";
import { floatStatistics } from "../../cli/attack/samples.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { solveRidge } from "../../compute/ridge.ts";
import type { Link } from "../../network/epoch/audit/findings.ts";
import { verifyBundle } from "../../network/epoch/audit.ts";
import { type ProofFile, readPart } from "../../network/epoch/bundle.ts";
import { type EpochData, prepareData } from "../../network/epoch/data.ts";
import { developmentKeys, type EpochKeys } from "../../network/epoch/keys.ts";
import { runEpochs } from "../../network/epoch/run.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { quiet, temporaryFolder, tinyConfig } from "./runs.ts";

let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
let data: EpochData;
let keys: EpochKeys;
let honest: string;
const pool = new ProverPool();

beforeAll(async () => {
	temporary = await temporaryFolder();
	const config = { ...(await tinyConfig(temporary.folder)), queryLabels: "feedback" } as const;
	honest = join(temporary.folder, "honest");
	await runEpochs({ config, out: honest, progress: quiet });
	data = await prepareData(config, openReference());
	keys = await developmentKeys(data.set, quiet, undefined);
}, 300_000);
afterAll(async () => {
	await pool.close();
	await temporary?.remove();
});

/** The same number of rows with one label another. */
function relabelled(rows: Rows): Rows {
	return { ...rows, label: rows.label.map((label, i) => (i === 0 ? 1 - label : label)) };
}

/** What the epoch is about, and what a forger may put in its place. */
function epoch() {
	const { set, contributors, queries } = data;
	const { d, k } = set;
	const fees = (rows: Rows): Rows => ({ ...rows, weight: rows.weight.map((_, i) => 1 + (i % 5)) });
	const [first, ...rest] = contributors.map(({ rows }) => rows) as [Rows, ...Rows[]];
	const asked = fees(queries[0] as Rows);
	const list = [first, ...rest].map((rows) => statisticsOf(rows, d, k));
	return {
		list,
		query: statisticsOf(asked, d, k),
		total: sumStatistics(list, d, k),
		otherTotal: sumStatistics(
			[relabelled(first), ...rest].map((rows) => statisticsOf(rows, d, k)),
			d,
			k,
		),
		otherQuery: statisticsOf(relabelled(asked), d, k),
	};
}

function attributed(set: ParameterSet, total: Statistics, query: Statistics) {
	const { attribution } = epochStatements(set);
	const { d, k } = set;
	const path = exactPath(ridgePath(floatStatistics(total, d, k), floatStatistics(query, d, k), attributionPath(attribution)));
	const forms: PathForms = pathForms(path, attributionPath(attribution), d, k);
	return { instance: attributionInstance(attribution, total, query, path), forms };
}

/** A copy of the bundle with these proofs, made together in the honest contexts, and with these scores. @returns its links by name */
async function forge(plans: readonly (readonly [Role, string, Instance])[], scores?: readonly bigint[]): Promise<Map<string, Link>> {
	const folder = join(temporary.folder, `forged-${plans.map(([, name]) => name).join()}-${Math.random()}`);
	await cp(honest, folder, { recursive: true });
	const put = async (path: string, value: unknown): Promise<void> => {
		const text = JSON.stringify(value);
		await writeFile(join(folder, path), text);
		const index = JSON.parse(await readFile(join(folder, "bundle.json"), "utf8"));
		index.files[path] = createHash("sha256").update(text).digest("hex");
		await writeFile(join(folder, "bundle.json"), JSON.stringify(index));
	};
	const jobs = await Promise.all(
		plans.map(async ([role, name, { inputs, words, links }]) => {
			const path = `epochs/1/proofs/${name}.json`;
			const file = await readPart<ProofFile>(honest, path);
			return { path, file, job: { ...keys[role], inputs, words, links, context: file.context } };
		}),
	);
	const openings = await Promise.all(jobs.map(({ job }) => pool.commit(job)));
	const transcript = openings.map(({ digest }) => digest);
	for (const [i, { path, file, job }] of jobs.entries()) {
		const opening = openings[i] as (typeof openings)[number];
		const made = await pool.prove({ ...job, together: { opening, transcript } });
		const named = (names: readonly string[], values: readonly bigint[]) =>
			Object.fromEntries(names.map((signal, place) => [signal, String(values[place])]));
		const { publics, links } = job.circuit.circuit;
		await put(path, { ...file, publics: named(publics, made.publics), links: named(links, made.links), transcript, proof: made.proof });
	}
	if (scores !== undefined) {
		const payouts = await readPart<object>(honest, "epochs/1/payouts.json");
		await put("epochs/1/payouts.json", { ...payouts, scores: scores.map(String) });
	}
	const links = await verifyBundle({ folder, progress: quiet });
	return new Map(links.map((link) => [link.name, link]));
}

test("the same proofs made again are accepted", async () => {
	const { list, query, total } = epoch();
	const statements = epochStatements(data.set);
	const { instance, forms } = attributed(data.set, total, query);
	const score = scoreInstance(statements.score, list, forms, 0n);
	const links = await forge(
		[
			["query-total", "query-total-0", totalInstance(statements["query-total"], [query])],
			["score", "score-0", score],
			["attribution", "attribution", instance],
		],
		score.scores,
	);
	expect([...links.values()].filter(({ ok }) => !ok)).toEqual([]);
}, 60_000);

test("an optimum of another total than the pages add up to", async () => {
	const { list, otherTotal } = epoch();
	const statements = epochStatements(data.set);
	const { d, k, lambda } = data.set;
	const { x } = solveRidge(floatStatistics(otherTotal, d, k), lambda * otherTotal.rows, 1n << BigInt(headExponent(statements.optimum)));
	const { publics } = await readPart<ProofFile>(honest, "epochs/1/proofs/optimum.json");
	const optimum = optimumInstance(statements.optimum, otherTotal, Array.from(x, BigInt), BigInt(publics.manifestDigest as string));
	const links = await forge([
		["total", "total-0", totalInstance(statements.total, list)],
		["optimum", "optimum", optimum],
	]);
	expect(links.get("optimum")).toMatchObject({ ok: false, detail: expect.stringContaining("sum of the pages") });
}, 60_000);

test.each([
	["another total", "otherTotal", "query", "sum of the pages"],
	["other queries", "total", "otherQuery", "sum of the query pages"],
] as const)(
	"a path of %s than the pages add up to",
	async (_, total, query, detail) => {
		const parts = epoch();
		const statements = epochStatements(data.set);
		const { instance, forms } = attributed(data.set, parts[total], parts[query]);
		const score = scoreInstance(statements.score, parts.list, forms, 0n);
		const links = await forge(
			[
				["query-total", "query-total-0", totalInstance(statements["query-total"], [parts.query])],
				["score", "score-0", score],
				["attribution", "attribution", instance],
			],
			score.scores,
		);
		expect(links.get("attribution")).toMatchObject({ ok: false, detail: expect.stringContaining(detail) });
	},
	60_000,
);

test("scores along another path than is proven", async () => {
	const { list, query, total } = epoch();
	const statements = epochStatements(data.set);
	const { instance, forms } = attributed(data.set, total, query);
	const score = scoreInstance(statements.score, list, { ...forms, m: forms.m.map((value, e) => (e === 0 ? value + 1n : value)) }, 0n);
	const links = await forge(
		[
			["query-total", "query-total-0", totalInstance(statements["query-total"], [query])],
			["score", "score-0", score],
			["attribution", "attribution", instance],
		],
		score.scores,
	);
	expect(links.get("attribution")).toMatchObject({ ok: false, detail: expect.stringContaining("path of page 0") });
}, 60_000);
