/** What the verbs of `attribute` read: a table with its contributors, queries, and for those about gaming a policy. */
import { readFile } from "node:fs/promises";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Setting, settingOf } from "../../attribution/attack/setting.ts";
import { checkPolicy, DEFAULT_POLICY, type DefencePolicy } from "../../attribution/defence/policy.ts";
import { readTable } from "../../compute/dataset.ts";
import { integer, seed } from "../arguments.ts";
import { readJsonFile } from "../file.ts";

/** Rows, contributors and queries. */
export interface DataFlags {
	readonly train: string;
	readonly test?: string;
	readonly label?: string;
	readonly groups?: string;
	readonly contributors: number;
	readonly seed: bigint;
}

/** The same, and a policy. */
export interface SettingFlags extends DataFlags {
	readonly policy?: string;
}

/** The options of verbs that read data. */
export function addDataOptions(command: Command): Command {
	return command
		.requiredOption("--train <file>", "rows of the contributors: CSV (also .gz), Parquet or IDX")
		.option("--test <file>", "the queries; every fourth row of the training file when absent")
		.option("--label <column>", "label column, by name or 0-based index (default: the last)")
		.option("--groups <column>", "the column that names the contributor of each row")
		.option("--contributors <n>", "without --groups: split the rows round robin over n contributors", integer(2, 1024), 10)
		.addOption(new Option("--seed <n>", "of everything that is drawn").argParser(seed).default(1n, "1"));
}

/** The options of verbs about gaming. */
export function addSettingOptions(command: Command): Command {
	return addDataOptions(command).option("--policy <file>", "JSON of a defence policy (default: all defences on)");
}

/**
 * @throws {DataError} of the files, and PARAMETER_OUT_OF_RANGE for a policy that is none
 * @throws {FileError} for a policy that cannot be read
 */
export async function readSetting(flags: SettingFlags): Promise<{ readonly setting: Setting; readonly policy: DefencePolicy }> {
	const policy = flags.policy === undefined ? DEFAULT_POLICY : checkPolicy(await readJsonFile(flags.policy, "a defence policy"));
	return { setting: await readData(flags, policy.hiddenQueries.share), policy };
}

/** @throws {DataError} of the files */
export async function readData(flags: DataFlags, hiddenShare = DEFAULT_POLICY.hiddenQueries.share): Promise<Setting> {
	const train = await readTable(flags.train, { label: flags.label, owner: flags.groups });
	const test = flags.test === undefined ? undefined : await readTable(flags.test, { label: flags.label, ignore: await ownersIn(flags) });
	return settingOf(train, test, { contributors: flags.contributors, hiddenShare, seed: flags.seed });
}

/** The column of contributors, where the file of queries has it too. */
async function ownersIn({ test = "", groups }: DataFlags): Promise<string[]> {
	if (groups === undefined) return [];
	const [header = ""] = (await readFile(test, "latin1").catch(() => "")).split(/\r?\n/, 1);
	return header.split(/[,;\t]/).some((name) => name.replaceAll('"', "").trim() === groups) ? [groups] : [];
}

/** A number above 0. */
export function positive(value: string): number {
	const number = Number(value);
	if (number > 0 && Number.isFinite(number)) return number;
	throw new InvalidArgumentError(`expected a number above 0, got ${value}`);
}
