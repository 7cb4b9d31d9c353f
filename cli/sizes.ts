/** The sizes of an epoch, from which a parameter set and its circuits follow, as options of a command. */
import { type Command, InvalidArgumentError } from "commander";

export interface SizeFlags {
	rows: number;
	queries: number;
	features: number;
	classes: number;
	contributors: number;
}

/** Adds the options of {@link SizeFlags}. */
export function takesSizes(command: Command): Command {
	return command
		.option("--rows <n>", "rows of one contribution", positive, 60)
		.option("--queries <n>", "query rows", positive, 80)
		.option("--features <n>", "features with the bias", positive, 16)
		.option("--classes <n>", "classes", positive, 4)
		.option("--contributors <n>", "contributions of an epoch", positive, 8);
}

function positive(value: string): number {
	const parsed = Number(value);
	if (!Number.isInteger(parsed) || parsed < 1) {
		throw new InvalidArgumentError(`expected a positive integer, got ${value}`);
	}
	return parsed;
}
