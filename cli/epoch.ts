/** `openledger epoch run`: one command from a data set to paid contributors. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { checkPolicy } from "../attribution/defence/policy.ts";
import { MAX_CONTRIBUTIONS, MAX_ROWS } from "../circuits/parameters.ts";
import { DEFAULT_CONFIG, type EpochConfig } from "../network/epoch/config.ts";
import type { RunReport } from "../network/epoch/report.ts";
import { runEpochs } from "../network/epoch/run.ts";
import { keyOf } from "./account.ts";
import { amount, integer, seed } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { UsageError } from "./exit.ts";
import { prepareFolder, readJsonFile } from "./file.ts";
import { open, table } from "./output.ts";

interface Flags {
	data?: string;
	label?: string;
	owner?: string;
	contributors?: number;
	epochs?: number;
	pool?: bigint;
	stake?: bigint;
	ridge?: bigint;
	page?: number;
	queryPage?: number;
	dropConstant?: boolean;
	clip?: boolean;
	oneRange?: boolean;
	scale?: string;
	backbone?: string;
	randomFeatures?: number;
	seed?: bigint;
	queryLabels?: "served" | "feedback";
	policy?: string;
	config?: string;
	rpc?: string;
	key?: string;
	keys?: string;
	out: string;
}

export function epochCommand(context: CommandContext): Command {
	const run = new Command("run")
		.description("run whole epochs: commit, train, prove, attribute, pay; writes a bundle that anybody can verify")
		.option("--data <file>", "CSV (also .gz), Parquet or IDX; built-in glyphs when absent")
		.option("--label <column>", "label column, by name or 0-based index (default: the last)")
		.option("--contributors <n>", "split the rows round robin over n contributors", integer(1, MAX_CONTRIBUTIONS))
		.option("--owner <column>", "split the rows by this column instead")
		.option("--epochs <n>", "epochs to run; the queries are divided among them", integer(1, 100))
		.option("--pool <open>", "OPEN paid out in each epoch", amount)
		.option("--stake <open>", "OPEN that each contribution stakes", amount)
		.option("--ridge <n>", "ridge of the head, lambda = n * rows; 65 is 1/1000 of the largest square", (text) =>
			BigInt(integer(1, 1_000_000)(text)),
		)
		.option("--page <n>", "most contributions of a page (default: what 2^17 constraints hold)", integer(1, 1024))
		.option("--query-page <n>", "most query rows of a proof (default: what 2^17 constraints hold)", integer(1, MAX_ROWS))
		.option("--drop-constant", "leave out columns with a single value")
		.option("--clip", "clip held-out values to the range of the training rows")
		.option("--one-range", "one range for all columns instead of one for each, for pictures: constant columns may stay")
		.option("--scale <file>", "JSON with the scale of other rows (features, a model, a training run) instead of the training rows' own")
		.option("--backbone <file>", "map rows by this frozen backbone (`openledger backbone make`) instead of taking them as they are")
		.option(
			"--random-features <n>",
			"map rows to n seeded random features (with the bias) instead of taking them as they are",
			integer(2, 128),
		)
		.option("--seed <n>", "seed of the random features", seed)
		.option(
			"--query-labels <source>",
			"label of a query: what the model served, or the true label (served | feedback)",
			choice("served", "feedback"),
		)
		.option("--policy <file>", "JSON of a defence policy: which rows count, and who is left out (default: all defences on)")
		.option("--config <file>", "JSON with any of these settings; flags win")
		.option("--rpc <url>", "node of a chain, with id 31337 unless --keys is given; an embedded chain when absent")
		.option("--key <env>", "name of the environment variable that holds the steward's private key (with --rpc)")
		.option("--keys <dir>", "folder of finished ceremony keys; development keys when absent")
		.option("--out <dir>", "folder of the bundle", "epoch")
		.action(async (flags: Flags) => {
			await context.run("openledger.epoch.v1", async ({ progress, signal }) => {
				const config = await configOf(flags);
				await prepareFolder(resolve(flags.out));
				const report = await runEpochs({
					config,
					out: resolve(flags.out),
					rpc: flags.rpc,
					key: flags.rpc === undefined ? undefined : keyOf(flags.key),
					ceremonyKeys: flags.keys,
					progress,
					signal,
				});
				return { result: report, text: reportText(report, flags.out) };
			});
		});
	return new Command("epoch").description("epochs: from a data set to paid contributors").addCommand(run);
}

async function configOf(flags: Flags): Promise<EpochConfig> {
	const file = flags.config === undefined ? {} : await readConfig(flags.config);
	const given: Record<string, unknown> = { ...file };
	for (const [flag, name] of [
		["data", "data"],
		["label", "label"],
		["owner", "owner"],
		["contributors", "contributors"],
		["epochs", "epochs"],
		["pool", "pool"],
		["stake", "stake"],
		["ridge", "ridge"],
		["page", "page"],
		["queryPage", "queryPage"],
		["dropConstant", "dropConstantColumns"],
		["clip", "clip"],
		["oneRange", "oneRange"],
		["queryLabels", "queryLabels"],
	] as const) {
		if (flags[flag] !== undefined) {
			given[name] = flags[flag];
		}
	}
	for (const name of ["scale", "backbone"] as const) if (flags[name] !== undefined) given[name] = resolve(flags[name]);
	if (flags.randomFeatures !== undefined && given.backbone !== undefined) {
		throw new UsageError("expected --backbone or --random-features, got both", "Leave one of them out.");
	}
	if (flags.randomFeatures !== undefined) {
		given.randomFeatures = { features: flags.randomFeatures, seed: flags.seed ?? 1n };
	}
	if (flags.policy !== undefined) given.defence = checkPolicy(await readJsonFile(resolve(flags.policy), "a defence policy"));
	return { ...DEFAULT_CONFIG, ...given } as EpochConfig;
}

/** Settings of a --config file, checked by name and type. Amounts are strings in OPEN. */
async function readConfig(path: string): Promise<Record<string, unknown>> {
	let parsed: unknown;
	try {
		parsed = JSON.parse(await readFile(path, "utf8"));
	} catch (error) {
		throw new UsageError(
			`--config: expected a JSON file at ${path}, got ${(error as Error).message}`,
			'Give a file such as {"contributors": 10, "pool": "1000"}.',
		);
	}
	const readers: Record<string, (value: unknown) => unknown> = {
		data: text,
		label: (value) => text(String(value)),
		owner: (value) => text(String(value)),
		contributors: (value) => integer(1, MAX_CONTRIBUTIONS)(String(value)),
		epochs: (value) => integer(1, 100)(String(value)),
		pool: (value) => amount(String(value)),
		stake: (value) => amount(String(value)),
		ridge: (value) => BigInt(integer(1, 1_000_000)(String(value))),
		nodes: (value) => integer(2, 32)(String(value)),
		page: (value) => integer(1, 1024)(String(value)),
		queryPage: (value) => integer(1, MAX_ROWS)(String(value)),
		dropConstantColumns: flag,
		clip: flag,
		oneRange: flag,
		scale: text,
		backbone: text,
		queryLabels: (value) => choice("served", "feedback")(String(value)),
		defence: (value) => checkPolicy(value),
		activationDelay: (value) => integer(0, 2_592_000)(String(value)),
	};
	const settings: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(parsed as Record<string, unknown>)) {
		const read = readers[name];
		if (read === undefined) {
			throw new UsageError(`--config: expected one of ${Object.keys(readers).join(", ")}, got "${name}"`, "Correct the name.");
		}
		try {
			settings[name] = read(value);
		} catch (error) {
			throw new UsageError(`--config: ${name}: ${(error as Error).message}`, "Correct the value.");
		}
	}
	return settings;
}

function reportText(report: RunReport, out: string): string {
	const many = new Set(report.contributors.map(({ epoch }) => epoch)).size > 1;
	const people = table(
		[...(many ? ["epoch"] : []), "contributor", "owner", "rows", "score", "share", "paid OPEN", "charged OPEN"],
		report.contributors.map((line) => [
			...(many ? [line.epoch] : []),
			line.address,
			line.owner,
			String(line.rows),
			Number(line.score).toExponential(3),
			`${(100 * line.share).toFixed(2)}%`,
			open(BigInt(line.paid)),
			open(BigInt(line.charged)),
		]),
	);
	const proofs = table(
		["proof", "constraints", "witness s", "prove s"],
		report.proofs.map((proof) => [
			many ? `${proof.epoch}/${proof.name}` : proof.name,
			String(proof.constraints),
			(proof.witnessMs / 1000).toFixed(2),
			(proof.proveMs / 1000).toFixed(2),
		]),
	);
	const gas = table(
		["transaction", "gas"],
		Object.entries(report.gas).map(([action, used]) => [action, String(used)]),
	);
	// `npm start` in a clone: the command is not on the path there.
	const program = process.env.npm_lifecycle_event === undefined ? "openledger" : "node cli/openledger.mjs";
	const seconds = Object.entries(report.timings).map(([phase, ms]) => `${phase} ${(ms / 1000).toFixed(1)}`);
	const model = report.checkpoints.map(
		({ epoch, accuracy, efficiencyError }) =>
			`epoch ${epoch}: accuracy ${(100 * accuracy).toFixed(1)} % on held-out rows; scores add up to the drop of the query loss within ${(100 * efficiencyError).toFixed(4)} %`,
	);
	const screened = report.screening.flatMap(({ owner, rows, clamped, flags, isLeftOut }) => [
		`${owner}: ${isLeftOut ? "left out" : `${clamped.length} of ${rows} rows count nothing`}${flags.map(({ reason }) => `; ${reason}`).join("")}`,
	]);
	return [
		people,
		...(screened.length === 0 ? [] : ["", ...screened]),
		"",
		...model,
		"",
		proofs,
		"",
		gas,
		"",
		`seconds: ${seconds.join(", ")}; peak memory ${report.peakMemoryMB} MB`,
		`bundle: ${out}    check it: ${program} verify ${out}    why was I paid: ${program} receipt ${out} --contributor ADDRESS`,
	].join("\n");
}

function choice(...allowed: string[]): (value: string) => string {
	return (value) => {
		if (!allowed.includes(value)) {
			throw new InvalidArgumentError(`expected ${allowed.join(" or ")}, got ${value}`);
		}
		return value;
	};
}

function text(value: unknown): string {
	if (typeof value !== "string") {
		throw new Error(`expected a string, got ${typeof value}`);
	}
	return value;
}

function flag(value: unknown): boolean {
	if (typeof value !== "boolean") {
		throw new Error(`expected true or false, got ${String(value)}`);
	}
	return value;
}
