/** `openledger key export`: the verification key of a proving key, as snarkjs writes it. */
import { resolve } from "node:path";
import { Command } from "commander";
import { writeJson } from "../network/epoch/json.ts";
import { groth16 } from "../prover/groth16.ts";
import { isForgeable } from "../prover/plain/key.ts";
import type { CommandContext } from "./command.ts";
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
	return new Command("key").description("plain Groth16 keys").addCommand(exporting);
}
