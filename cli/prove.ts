/** `openledger prove`: a plain Groth16 proof from snarkjs' files. */
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { writeJson } from "../network/epoch/json.ts";
import { type CircuitInputs, groth16, type ProofWithSignals, type ProveOptions } from "../prover/groth16.ts";
import type { CommandContext } from "./command.ts";
import { UsageError } from "./exit.ts";
import { prepareOutput, readJsonFile } from "./file.ts";

interface Flags {
	zkey: string;
	wtns?: string;
	input?: string;
	wasm?: string;
	r1cs?: string;
	sym?: string;
	proof: string;
	public: string;
	threads: "one" | "all";
}

export function proveCommand(context: CommandContext): Command {
	return new Command("prove")
		.description("make a Groth16 proof for any circom circuit's key and check it; files are snarkjs'")
		.requiredOption("--zkey <file>", "proving key")
		.option("--wtns <file>", "witness")
		.option("--input <file>", "instead of --wtns: inputs as JSON, with --wasm")
		.option("--wasm <file>", "witness program that circom wrote")
		.option("--r1cs <file>", "constraints: says which one a witness violates")
		.option("--sym <file>", "with --r1cs: says it by the names of signals")
		.option("--proof <file>", "where the proof goes", "proof.json")
		.option("--public <file>", "where the public signals go", "public.json")
		.addOption(new Option("--threads <count>", "one, or one per core").choices(["one", "all"]).default("all"))
		.action(async (flags: Flags) => {
			await context.run("openledger.prove.v1", async ({ progress, signal }) => {
				checkUsage(flags);
				const [proofPath, publicPath] = [resolve(flags.proof), resolve(flags.public)];
				for (const path of [proofPath, publicPath]) await prepareOutput(path);
				const made = await proveFiles(flags, {
					threads: flags.threads,
					signal,
					onProgress: (step) => progress({ ...step, note: NOTES[step.phase] }),
					...(flags.r1cs === undefined ? {} : { r1cs: flags.r1cs }),
					...(flags.sym === undefined ? {} : { sym: flags.sym }),
				});
				await writeJson(proofPath, made.proof);
				await writeJson(publicPath, made.publicSignals);
				return {
					result: { ...made, files: { proof: proofPath, public: publicPath } },
					text: `${flags.proof} and ${flags.public}: a valid proof of ${made.publicSignals.length} public signals`,
				};
			});
		});
}

const NOTES = { witness: "calculating the witness", prove: "parts of the sums", check: "checking the proof" };

function checkUsage({ wtns, input, wasm, r1cs, sym, proof, public: publicPath }: Flags): void {
	const hint = "Give --wtns FILE, or --input FILE and --wasm FILE.";
	if (wtns !== undefined && (input !== undefined || wasm !== undefined)) {
		throw new UsageError("expected a witness or inputs with their program, got both", hint);
	}
	if (wtns === undefined && (input === undefined || wasm === undefined)) {
		throw new UsageError("expected a witness, or inputs with their program, got none", hint);
	}
	if (sym !== undefined && r1cs === undefined) throw new UsageError("expected --r1cs with --sym, got --sym alone", "Give --r1cs FILE too.");
	if (resolve(proof) === resolve(publicPath)) {
		throw new UsageError("expected two files for the proof and the public signals, got one", "Give --proof and --public different paths.");
	}
}

async function proveFiles({ zkey, wtns, input, wasm }: Flags, options: ProveOptions): Promise<ProofWithSignals> {
	if (wtns !== undefined) return groth16.prove(zkey, wtns, options);
	const inputs = (await readJsonFile(input as string, "inputs as JSON")) as CircuitInputs;
	return groth16.fullProve(inputs, wasm as string, zkey, options);
}
