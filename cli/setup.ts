/** `openledger setup dev`: development keys for the circuits of a parameter set. */
import { Command, InvalidArgumentError } from "commander";
import { parameterSetFor, ROLES } from "../circuits/parameters.ts";
import { developmentKeys } from "../network/epoch/keys.ts";
import type { CommandContext } from "./command.ts";
import { table } from "./output.ts";

interface Flags {
	rows: number;
	queries: number;
	features: number;
	classes: number;
	contributors: number;
}

export function setupCommand(context: CommandContext): Command {
	const positive = (value: string): number => {
		const parsed = Number(value);
		if (!Number.isInteger(parsed) || parsed < 1) {
			throw new InvalidArgumentError(`expected a positive integer, got ${value}`);
		}
		return parsed;
	};
	const dev = new Command("dev")
		.description("compile the circuits of a parameter set and make insecure development keys; what is cached is kept")
		.option("--rows <n>", "rows of one contribution", positive, 60)
		.option("--queries <n>", "query rows", positive, 80)
		.option("--features <n>", "features with the bias", positive, 16)
		.option("--classes <n>", "classes", positive, 4)
		.option("--contributors <n>", "contributions of an epoch", positive, 8)
		.action(async (flags: Flags) => {
			await context.run("openledger.setup.v1", async ({ progress, signal }) => {
				const set = parameterSetFor({ ...flags, contributions: flags.contributors });
				const keys = await developmentKeys(set, progress, signal);
				const lines = ROLES.map((role) => {
					const { circuit, key } = keys[role];
					return {
						role,
						id: circuit.circuit.id,
						circuitId: key.verification.circuitId,
						development: key.verification.development,
						constraints: circuit.counts.nonLinear + circuit.counts.linear,
						nonLinear: circuit.counts.nonLinear,
						committed: circuit.counts.nPrivateInputs,
						key: key.path,
					};
				});
				const text = table(
					["role", "circuit", "constraints", "non-linear", "committed", "circuit id"],
					lines.map((line) => [
						line.role,
						line.id,
						String(line.constraints),
						String(line.nonLinear),
						String(line.committed),
						line.circuitId,
					]),
				);
				return {
					result: { set: { ...set, lambda: set.lambda.toString() }, keys: lines },
					text: `${text}\nINSECURE: development keys, their tau is public. They register on chain 31337 alone.`,
				};
			});
		});
	return new Command("setup").description("proving keys").addCommand(dev);
}
