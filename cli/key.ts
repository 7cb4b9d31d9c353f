/** `openledger key`: the verification key of a proving key, as snarkjs writes it, and its verifier as a contract. */
import { basename, resolve } from "node:path";
import { Command } from "commander";
import { writeJson, writeWhole } from "../network/epoch/json.ts";
import { groth16 } from "../prover/groth16.ts";
import { isForgeable } from "../prover/plain/key.ts";
import { CONTRACT_NAME, renderPlainVerifier } from "../verifier-contracts/template/plain.ts";
import type { CommandContext } from "./command.ts";
import { UsageError } from "./exit.ts";
import { prepareOutput } from "./file.ts";

/** What is wrong with a key that nobody contributed to. */
export const FORGEABLE = "INSECURE: delta equals gamma, nobody has contributed to this key, so anybody can forge proofs under it.";

export function keyCommand(context: CommandContext): Command {
	const exporting = new Command("export")
		.description("write the verification key of a proving key, as snarkjs does")
		.requiredOption("--zkey <file>", "proving key")
		.option("--out <file>", "where the verification key goes", "verification_key.json")
		.action(async ({ zkey, out }: { zkey: string; out: string }) => {
			await context.run("openledger.key.v1", async () => {
				const path = resolve(out);
				await prepareOutput(path);
				const key = await groth16.exportVerificationKey(zkey);
				await writeJson(path, key);
				const forgeable = isForgeable(key);
				return {
					result: { key, forgeable, file: path },
					text: `${out}: the verification key of ${key.nPublic} public signals${forgeable ? `\n${FORGEABLE}` : ""}`,
				};
			});
		});
	const solidity = new Command("solidity")
		.description("write the contract that verifies proofs of a proving key: one Solidity file, which imports nothing")
		.requiredOption("--zkey <file>", "proving key")
		.option("--out <file>", "where the contract goes", "Verifier.sol")
		.option("--name <name>", "of the contract; the file's name when it is left out")
		.action(async ({ zkey, out, name }: { zkey: string; out: string; name?: string }) => {
			await context.run("openledger.key-solidity.v1", async () => {
				const contract = name ?? basename(out).replace(/\.sol$/, "");
				if (!CONTRACT_NAME.test(contract)) {
					throw new UsageError(`expected a Solidity name of the contract, got "${contract}"`, "Give --name, such as --name Verifier.");
				}
				const path = resolve(out);
				await prepareOutput(path);
				const key = await groth16.exportVerificationKey(zkey);
				await writeWhole(path, renderPlainVerifier(key, contract, null));
				return {
					result: { contract, publics: key.nPublic, file: path },
					text: `${out}: contract ${contract}, which verifies proofs with ${key.nPublic} public signal${key.nPublic === 1 ? "" : "s"}`,
				};
			});
		});
	return new Command("key").description("plain Groth16 keys").addCommand(exporting).addCommand(solidity);
}
