/**
 * One epoch after the other, every role played by this process: contributors commit and prove, the steward trains, logs queries, proves
 * attribution and payout, everybody claims.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ROLES } from "../../circuits/parameters.ts";
import { openWasm } from "../../compute/wasm/backend.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { publishBundle, type TransactionLine } from "./bundle.ts";
import { Chain, type ChainOptions } from "./chain.ts";
import type { EpochConfig } from "./config.ts";
import { type EpochData, prepareData } from "./data.ts";
import { EpochError } from "./errors.ts";
import { Journal } from "./journal.ts";
import { jsonDigest, keccakHex, writeJson } from "./json.ts";
import { ceremonyKeys, developmentKeys } from "./keys.ts";
import type { Progress } from "./progress.ts";
import { Clock, type RunReport } from "./report.ts";
import { type EpochOutcome, returnDust, runTurn, writeOutcome } from "./turn.ts";

export interface RunOptions extends Omit<ChainOptions, "signal" | "development"> {
	readonly config: EpochConfig;
	/** Folder of the bundle; made when missing. */
	readonly out: string;
	/** Folder of finished ceremony keys; development keys when absent. */
	readonly ceremonyKeys?: string | undefined;
	readonly progress: Progress;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `config.epochs` epochs and writes the bundle to `out`.
 * @throws DataError, CircuitError, ProverError, LedgerError, EpochError, or the signal's reason; finished proofs are kept under `out`/.private
 */
export async function runEpochs(options: RunOptions): Promise<RunReport> {
	const { config, out, progress, signal } = options;
	const clock = new Clock();
	progress({ phase: "data", done: 0, total: 1, note: config.data ?? "built-in glyphs" });
	const data = await clock.time("data", () => prepareData(config));
	progress({ phase: "data", done: 1, total: 1, note: `${data.contributors.length} contributors, ${data.source}` });
	checkStakes(config);
	const keys = await clock.time("keys", () =>
		options.ceremonyKeys === undefined
			? developmentKeys(data.set, progress, signal)
			: ceremonyKeys(data.set, options.ceremonyKeys, progress, signal),
	);

	const plan = jsonDigest({
		...planOf(config, data),
		rpc: options.rpc ?? null,
		circuits: ROLES.map((role) => keys[role].key.verification.circuitId),
	});
	const { journal, resumed } = await Journal.open(join(out, ".private"), plan);
	if (resumed) {
		progress({ phase: "data", done: 1, total: 1, note: "continuing a run that was stopped" });
	}
	const staging = join(out, ".private", "bundle");
	await rm(staging, { recursive: true, force: true });
	await mkdir(staging, { recursive: true });

	const pool = new ProverPool();
	const backend = openWasm();
	let chain: Chain | undefined;
	try {
		const development = ROLES.some((role) => keys[role].key.verification.development);
		chain = await Chain.open({ rpc: options.rpc, key: options.key, signal, development }, journal);
		const open = chain;
		await clock.time("chain", () =>
			open.deploy(
				ROLES.map((role) => keys[role].key.verification),
				config.activationDelay,
				progress,
			),
		);
		const epochs: EpochOutcome[] = [];
		for (let turn = 0; turn < config.epochs; turn++) {
			signal?.throwIfAborted();
			const parts = { turn, config, data, keys, journal, pool, backend, chain, staging, progress, signal, clock };
			epochs.push(await runTurn(parts, epochs.at(-1)?.turn.epoch));
		}
		await returnDust((epochs.at(-1) as EpochOutcome).turn);
		const contributors: RunReport["contributors"][number][] = [];
		for (const outcome of epochs) {
			const epoch = outcome.turn.epoch.toString();
			for (const line of await writeOutcome(outcome)) {
				contributors.push({ ...line, epoch });
			}
		}
		progress({ phase: "bundle", done: 0, total: 1, note: out });
		await writeJson(join(staging, "deployment.json"), chain.deployment);
		for (const role of ROLES) {
			await writeJson(join(staging, "keys", `${role}.json`), keys[role].key.verification);
		}
		const report = reportOf(epochs, contributors, data, chain.transactions, clock, resumed);
		await writeJson(join(staging, "report.json"), report);
		await publishBundle(
			staging,
			out,
			chain.deployment.chainId,
			epochs.map(({ turn }) => turn.epoch.toString()),
		);
		// With claims left to open later, the same command continues this run.
		if (report.contributors.every(({ claimed }) => claimed)) {
			await journal.finish();
		}
		progress({ phase: "bundle", done: 1, total: 1, note: out });
		return report;
	} finally {
		await Promise.all([pool.close(), backend.close(), chain?.close()]);
	}
}

/** What makes two runs the same: the journal of another plan is not used. */
function planOf(config: EpochConfig, data: EpochData) {
	return {
		config: {
			...config,
			pool: config.pool.toString(),
			stake: config.stake.toString(),
			ridge: config.ridge.toString(),
			randomFeatures: String(config.randomFeatures?.seed),
		},
		rows: [...data.contributors.map(({ rows }) => rows), ...data.queries].map((rows) =>
			keccakHex(Buffer.concat([rows.x, rows.label, rows.weight])),
		),
	};
}

function checkStakes({ pool, stake }: EpochConfig): void {
	for (const [name, value] of [
		["pool", pool],
		["stake", stake],
	] as const) {
		if (value <= 0n || value >= 1n << 96n) {
			throw new EpochError("CONFIG_INVALID", `epoch: expected a ${name} in (0, 2^96) wei, got ${value}`, `Choose another --${name}.`);
		}
	}
}

function reportOf(
	epochs: readonly EpochOutcome[],
	contributors: RunReport["contributors"],
	{ screening }: EpochData,
	transactions: readonly TransactionLine[],
	clock: Clock,
	resumed: boolean,
): RunReport {
	const gas: Record<string, number> = {};
	for (const { action, gasUsed } of transactions) {
		gas[action] = Math.max(gas[action] ?? 0, Number(gasUsed));
	}
	return {
		schema: "openledger.report.v1",
		contributors,
		screening: screening.contributors.filter(({ clamped, flags, isLeftOut }) => clamped.length > 0 || flags.length > 0 || isLeftOut),
		proofs: epochs.flatMap(({ figures }) => figures.toSorted((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }))),
		gas,
		timings: clock.phases,
		peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024),
		checkpoints: epochs.map(({ turn, checkpoint }) => ({ epoch: turn.epoch.toString(), ...checkpoint })),
		resumed,
	};
}
