/** `openledger setup dev`: development keys for the circuits of a parameter set. */
import { Command } from "commander";
import { parameterSetFor, ROLES } from "../../circuits/parameters.ts";
import { developmentKeys } from "../../network/epoch/keys.ts";
import { checkDevelopmentKey } from "../../prover/setup/check.ts";
import type { CommandContext } from "../command.ts";
import { table } from "../output.ts";
import { type SizeFlags, takesSizes } from "../sizes.ts";

export function developmentCommand(context: CommandContext): Command {
	return takesSizes(new Command("dev"))
		.description("compile the circuits of a parameter set and make insecure development keys; what is cached is kept")
		.option("--check", "hold every section of every key against its circuit; exits 4 and names what is wrong")
		.action(async (flags: SizeFlags & { check?: boolean }) => {
			await context.run("openledger.setup.v1", async ({ progress, signal }) => {
				const set = parameterSetFor({ ...flags, contributions: flags.contributors });
				const keys = await developmentKeys(set, progress, signal);
				if (flags.check) {
					for (const role of ROLES) {
						const { circuit, key } = keys[role];
						await checkDevelopmentKey(key.path, circuit.r1cs, {
							compiled: circuit,
							signal,
							onProgress: ({ phase, done, total }) => progress({ phase: "check", done, total, note: `${circuit.circuit.id}: ${phase}` }),
						});
					}
				}
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
					text: `${text}\n${flags.check ? "All keys are what their circuits and the development seed make.\n" : ""}INSECURE: development keys, their tau is public. They register on chain 31337 alone.`,
				};
			});
		});
}
