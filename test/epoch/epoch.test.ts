import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { id } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { epochStatements } from "../../circuits/parameters.ts";
import { attributionPath, pathForms } from "../../circuits/statements/attribution.ts";
import { score } from "../../circuits/statements/score.ts";
import { type Rows, statisticsOf, sumStatistics } from "../../circuits/statistics.ts";
import { floatStatistics } from "../../cli/attack/samples.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { openReference } from "../../compute/reference/backend.ts";
import { sample } from "../../compute/testing.ts";
import type { Deployment } from "../../ledger/deployment.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { LedgerReader } from "../../ledger/reader.ts";
import type { Link } from "../../network/epoch/audit/findings.ts";
import { verifyBundle } from "../../network/epoch/audit.ts";
import {
	type ContributorLine,
	type ContributorsFile,
	type PayoutsFile,
	readPart,
	type TransactionLine,
} from "../../network/epoch/bundle.ts";
import type { EpochConfig } from "../../network/epoch/config.ts";
import { prepareData } from "../../network/epoch/data.ts";
import type { ProgressEvent } from "../../network/epoch/progress.ts";
import type { RunReport } from "../../network/epoch/report.ts";
import { runEpochs } from "../../network/epoch/run.ts";
import { digitsConfig, quiet, temporaryFolder } from "./runs.ts";

const digits = sample("sklearn/digits.csv.gz");
const broken = (links: readonly Link[]): Link[] => links.filter(({ ok }) => !ok);
const sum = (values: readonly string[]): bigint => values.reduce((total, value) => total + BigInt(value), 0n);

describe.skipIf(digits.absent)("two epochs on handwritten digits", () => {
	let temporary: Awaited<ReturnType<typeof temporaryFolder>>;
	let devnet: Devnet;
	let config: EpochConfig;
	let out: string;
	let report: RunReport;

	beforeAll(async () => {
		temporary = await temporaryFolder();
		devnet = await startDevnet();
		const own = await digitsConfig(temporary.folder, digits.path, 400);
		config = { ...own, contributors: 4, epochs: 2, page: 3, queryPage: 16 };
		out = join(temporary.folder, "epochs");
		report = await runEpochs({ config, out, rpc: devnet.url, key: devnet.keys[0], progress: quiet });
	}, 300_000);
	afterAll(async () => {
		await devnet?.close();
		await temporary?.remove();
	});

	const part = <T>(epoch: number, name: string): Promise<T> => readPart<T>(out, `epochs/${epoch}/${name}.json`);

	test("the model learns and every contributor of each epoch has a line", () => {
		expect(report.resumed).toBe(false);
		expect(report.contributors.map(({ epoch, owner }) => `${epoch}/${owner}`)).toEqual([
			"1/0",
			"1/1",
			"1/2",
			"1/3",
			"2/0",
			"2/1",
			"2/2",
			"2/3",
		]);
		expect(report.contributors.every(({ claimed }) => claimed)).toBe(true);
		expect(report.checkpoints.every(({ accuracy }) => accuracy > 0.6)).toBe(true);
		expect(report.proofs.map(({ name }) => name).slice(0, 14)).toEqual([
			"attribution",
			"contribution-0",
			"contribution-1",
			"contribution-2",
			"contribution-3",
			"optimum",
			"payout-0",
			"query-0",
			"query-1",
			"query-total-0",
			"score-0",
			"score-1",
			"total-0",
			"total-1",
		]);
	});

	test("scores add up to the drop of the query loss within 0.1 %", async () => {
		for (const { epoch, efficiencyError } of report.checkpoints) {
			const { scores, scoreUnit, lossBefore, lossAfter } = await part<PayoutsFile>(Number(epoch), "payouts");
			expect(Math.abs((Number(sum(scores)) * scoreUnit) / (lossBefore - lossAfter) - 1)).toBeLessThan(0.001);
			expect(efficiencyError).toBeLessThan(0.001);
		}
	});

	test("every wei is accounted for: pool = paid + unclaimed + dust, carried or returned", async () => {
		for (const epoch of [1, 2]) {
			const { accounting, contributors } = await part<ContributorsFile>(epoch, "contributors");
			const { pool, paid, unclaimed, dust, dustCarried, returned } = accounting;
			expect(BigInt(pool)).toBe(sum([paid, unclaimed, dust, dustCarried, returned]));
			expect(paid).toBe(sum(contributors.map((line) => line.paid)).toString());
			expect(unclaimed).toBe("0");
		}
	});

	test("the dust of the first epoch is in the pool of the second, whose own goes back to the funder", async () => {
		const first = (await part<ContributorsFile>(1, "contributors")).accounting;
		const second = (await part<ContributorsFile>(2, "contributors")).accounting;
		const dust = [(await part<PayoutsFile>(1, "payouts")).dust, (await part<PayoutsFile>(2, "payouts")).dust];
		expect(BigInt(dust[0] as string)).toBeGreaterThan(0n);
		expect(first).toMatchObject({ pool: config.pool.toString(), dust: "0", dustCarried: dust[0], returned: "0" });
		expect(second).toMatchObject({
			pool: (config.pool + BigInt(dust[0] as string)).toString(),
			dust: "0",
			dustCarried: "0",
			returned: dust[1],
		});
	});

	test("the balances on chain say the same", async () => {
		const provider = await connect({ url: devnet.url });
		const deployment = await readPart<Deployment>(out, "deployment.json");
		const { OpenToken, StakeVault, RewardDistributor } = deployment.contracts;
		const reader = new LedgerReader({ deployment, provider });
		const files = await Promise.all([1, 2].map((epoch) => part<ContributorsFile>(epoch, "contributors")));
		const word = (address: string): string => `0x${address.slice(2).toLowerCase().padStart(64, "0")}`;
		for (const { address, index } of files[0]?.contributors ?? []) {
			// What a wallet holds: what it was equipped with from outside, what it was paid, less what it was charged.
			const received = await provider.getLogs({
				address: OpenToken,
				topics: [id("Transfer(address,address,uint256)"), null, word(address)],
				fromBlock: 0,
			});
			const outside = received.filter(({ topics }) => ![word(StakeVault), word(RewardDistributor)].includes(topics[1] as string));
			const lines = files.map((file) => file.contributors[index] as ContributorLine);
			const earned = sum(lines.map(({ paid }) => paid)) - sum(lines.map(({ charged }) => charged));
			expect(await reader.balance(address)).toBe(sum(outside.map(({ data }) => data)) + earned);
		}
		expect(await reader.balance(RewardDistributor)).toBe(0n);
		// All stakes went back; what was charged waits in the vault for the treasury.
		const charged = sum(files.flatMap(({ contributors }) => contributors.map((line) => line.charged)));
		expect(await reader.balance(StakeVault)).toBe(charged);
		provider.destroy();
	});

	test("the bundle verifies offline and against the chain", async () => {
		const offline = await verifyBundle({ folder: out, progress: quiet });
		expect(broken(offline)).toEqual([]);
		const online = await verifyBundle({ folder: out, rpc: devnet.url, progress: quiet });
		expect(broken(online)).toEqual([]);
		expect(online.map(({ where }) => where).filter((where) => where === "chain")).toHaveLength(6);
	});

	test("a run that was stopped goes on where it was: no proof is made again, nothing is posted twice", async () => {
		const again = join(temporary.folder, "again");
		const options = { config: { ...config, epochs: 1 }, out: again, rpc: devnet.url, key: devnet.keys[0] };
		/** Runs until a moment, then stops. @returns the finished proofs */
		const runUntil = async (isMoment: (event: ProgressEvent) => boolean): Promise<Map<string, string>> => {
			const controller = new AbortController();
			const stop = new Error("stopped by the test");
			const progress = (event: ProgressEvent): void => {
				if (isMoment(event)) {
					controller.abort(stop);
				}
			};
			await expect(runEpochs({ ...options, signal: controller.signal, progress })).rejects.toThrow(stop);
			expect(await readdir(again)).toEqual([".private"]);
			return proofFiles(again);
		};
		// First while contributions are proven, nothing of which is on chain; then with the contributions and the checkpoint on chain.
		const early = await runUntil(({ phase, done }) => phase === "commit" && done === 2);
		expect(early.size).toBeGreaterThanOrEqual(2);
		expect(early.size).toBeLessThanOrEqual(4);
		const late = await runUntil(({ phase }) => phase === "queries");
		// Four contributions, two totals, the optimum, and the commitments that these three were made under.
		expect(late.size).toBe(8);
		expect([...late]).toEqual(expect.arrayContaining([...early]));

		let last: Promise<Map<string, string>> | undefined;
		const continued = await runEpochs({
			...options,
			progress: ({ phase }) => {
				// The proofs are forgotten when the bundle is complete.
				last ??= phase === "claims" ? proofFiles(again) : undefined;
			},
		});
		expect(continued.resumed).toBe(true);
		const finished = [...((await last) ?? [])];
		// And four queries, four of the attribution with their commitments, the payout.
		expect(finished).toHaveLength(18);
		expect(finished).toEqual(expect.arrayContaining([...late]));
		expect(broken(await verifyBundle({ folder: again, rpc: devnet.url, progress: quiet }))).toEqual([]);
		const epoch = continued.contributors[0]?.epoch as string;
		const actions = (await readPart<TransactionLine[]>(again, `epochs/${epoch}/transactions.json`)).map(({ action }) => action);
		const count = (wanted: string): number => actions.filter((action) => action === wanted).length;
		const posts = ["postTotal", "postCheckpoint", "postQueries", "postQueryTotal", "postScores", "postAttribution", "postPayout"];
		expect(["openEpoch", "contribute", "closeEpoch", ...posts].map(count)).toEqual([1, 4, 1, 2, 1, 4, 1, 2, 1, 1]);
	}, 120_000);

	/** Finished proofs and what identifies each: its time and content. */
	async function proofFiles(folder: string): Promise<Map<string, string>> {
		const proofs = join(folder, ".private", "proofs");
		const names = (await readdir(proofs)).filter((name) => name.endsWith(".json")).sort();
		return new Map(
			await Promise.all(
				names.map(async (name): Promise<[string, string]> => {
					const path = join(proofs, name);
					return [name, `${(await stat(path)).mtimeMs} ${await readFile(path, "utf8")}`];
				}),
			),
		);
	}

	test("splitting a contributor into five changes its total by exactly 0", async () => {
		const { set, contributors, queries } = await prepareData(config, openReference());
		const { d, k } = set;
		const { attribution } = epochStatements(set);
		const whole = contributors.map(({ rows }) => statisticsOf(rows, d, k));
		const parts = Array.from({ length: 5 }, (_, p) => statisticsOf(every(contributors[1]?.rows as Rows, 5, p, d), d, k));
		const query = statisticsOf(queries[0] as Rows, d, k);
		const parameters = attributionPath(attribution);
		const total = sumStatistics(whole, d, k);
		expect(sumStatistics([whole[0], ...parts, whole[2], whole[3]] as typeof whole, d, k)).toEqual(total);
		const path = exactPath(ridgePath(floatStatistics(total, d, k), floatStatistics(query, d, k), parameters));
		const forms = pathForms(path, parameters, d, k);
		expect(parts.reduce((sum, one) => sum + score(one, forms), 0n)).toBe(score(whole[1] as (typeof whole)[number], forms));
	});
});

/** Rows p, p + step, p + 2 step, ... */
function every(rows: Rows, step: number, p: number, d: number): Rows {
	const picked = Array.from({ length: rows.count }, (_, i) => i).filter((i) => i % step === p);
	return {
		x: Uint8Array.from(picked.flatMap((i) => [...rows.x.subarray(i * d, (i + 1) * d)])),
		label: Uint8Array.from(picked, (i) => rows.label[i] as number),
		weight: Uint8Array.from(picked, (i) => rows.weight[i] as number),
		count: picked.length,
	};
}
