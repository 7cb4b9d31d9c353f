/** `openledger verify DIR`: holds every link of a bundle against the others, and against the chain. `openledger verify --vkey V PROOF PUBLIC`: one plain Groth16 proof. */
import { resolve } from "node:path";
import { Command } from "commander";
import { verifyBundle } from "../network/epoch/audit.ts";
import { ProofInvalid } from "../prover/errors.ts";
import { groth16 } from "../prover/groth16.ts";
import { isForgeable } from "../prover/plain/key.ts";
import type { CommandContext, Outcome, Work } from "./command.ts";
import { EXIT, UsageError } from "./exit.ts";
import { readJsonFile } from "./file.ts";
import { FORGEABLE } from "./key.ts";
import { table } from "./output.ts";

interface Flags {
	rpc?: string;
	vkey?: string;
}

export function verifyCommand(context: CommandContext): Command {
	return new Command("verify")
		.description("verify a bundle, or one Groth16 proof; exits 1 when it does not hold, and says where")
		.usage("[options] <dir> | --vkey <file> <proof> <public>")
		.argument("<files...>", "folder that `epoch run --out` wrote; or, with --vkey, proof and public signals as JSON")
		.option("--rpc <url>", "with a folder: node of the bundle's chain")
		.option("--vkey <file>", "verification key as snarkjs writes it: verify one proof")
		.action(async (files: string[], { rpc, vkey }: Flags) => {
			if (vkey === undefined) {
				await context.run("openledger.verify.v1", (work) => verifyFolder(files, rpc, work));
			} else {
				await context.run("openledger.verify-proof.v1", () => verifyFiles(vkey, files, rpc));
			}
		});
}

async function verifyFolder(files: readonly string[], rpc: string | undefined, { progress, signal }: Work): Promise<Outcome> {
	const [dir, ...others] = files as [string, ...string[]];
	if (others.length > 0) {
		throw new UsageError(`expected one folder, got ${files.length} paths`, "To verify a proof: --vkey FILE PROOF PUBLIC.");
	}
	const links = await verifyBundle({ folder: resolve(dir), rpc, progress, signal });
	const broken = links.find(({ ok }) => !ok);
	const lines = table(
		["where", "link", "", "found"],
		links.map((link) => [link.where, link.name, link.ok ? "ok" : "BROKEN", link.detail]),
	);
	const verdict =
		broken === undefined ? `all ${links.length} links hold` : `first broken link: ${broken.where}, ${broken.name}: ${broken.detail}`;
	return {
		result: { links, firstBroken: broken ?? null },
		text: `${lines}\n\n${verdict}`,
		exit: broken === undefined ? EXIT.ok : EXIT.invalid,
	};
}

async function verifyFiles(vkey: string, files: readonly string[], rpc: string | undefined): Promise<Outcome> {
	const [proofPath, publicPath] = files;
	if (files.length !== 2 || proofPath === undefined || publicPath === undefined) {
		throw new UsageError(
			`expected a proof and its public signals with --vkey, got ${files.length} paths`,
			"Give --vkey FILE PROOF PUBLIC.",
		);
	}
	if (rpc !== undefined) throw new UsageError("expected no --rpc with --vkey: a proof has no chain", "Leave out --rpc.");
	const key = await readJsonFile(vkey, "a verification key as JSON");
	const proof = await readJsonFile(proofPath, "a proof as JSON");
	const publicSignals = await readJsonFile(publicPath, "public signals as JSON");
	const refusal = await refusalOf(key, publicSignals, proof);
	const forgeable = isForgeable(key);
	const note = forgeable ? `\n${FORGEABLE}` : "";
	if (refusal === undefined) return { result: { valid: true, forgeable }, text: `the proof is valid${note}` };
	const { code, message, hint } = refusal;
	return {
		result: { valid: false, forgeable, reason: { code, message, hint } },
		text: `the proof is invalid: ${message}${note}`,
		exit: EXIT.invalid,
	};
}

/** Why a proof is no good; undefined when it is. What is no proof at all is thrown. */
async function refusalOf(key: unknown, publicSignals: unknown, proof: unknown): Promise<ProofInvalid | undefined> {
	try {
		await groth16.check(key, publicSignals, proof);
		return undefined;
	} catch (error) {
		if (error instanceof ProofInvalid && error.code !== "proof.format") return error;
		throw error;
	}
}
