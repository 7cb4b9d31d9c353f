/**
 * A circuit for benches and tests of plain proofs: a chain of squarings, so every wire but the first few is a full-size value and no point of
 * the key is infinity. It is the dearest witness there is; what statements prove is mostly small values.
 */
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import type { Circuit } from "../../circuits/circuit.ts";
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "../artefact.ts";
import { compileCircuit } from "../compile.ts";
import { deriveSecrets, writeDevelopmentKey } from "../setup.ts";
import { encodeWitness, WitnessProgram } from "../witness.ts";

/** A key and what makes witnesses for it. */
export interface Chain {
	/** path of an ordinary .zkey, without commitment */
	readonly zkey: string;
	/**
	 * @param start of the chain, in `[1, r)`
	 * @returns content of a .wtns file
	 */
	witness(start: bigint): Promise<Uint8Array>;
}

const HEADER_SECTION = 1;
/** Of the number of private inputs in the header of an .r1cs over a field of 32 bytes. */
const PRIVATE_INPUTS_OFFSET = 4 + 32 + 3 * 4;

/**
 * Makes the key of a chain that fills a domain of 2^log points; what is cached is kept.
 * @param log in `[4, 27)`
 * @throws CompileError, ArtefactError; the signal's reason
 */
export async function makeChain(log: number, options: { readonly root?: string; readonly signal?: AbortSignal } = {}): Promise<Chain> {
	const compiled = await compileCircuit(chainCircuit(log), options);
	const root = options.root ?? cacheRoot();
	const digest = createHash("sha256").update(`plain chain/${compiled.digest}`).digest("hex");
	if (!(await findArtefact("zkey", digest, root))) {
		await publishArtefact(
			"zkey",
			digest,
			async (path) => {
				const r1cs = `${path}.r1cs`;
				await writeFile(r1cs, withoutPrivateInputs(await readFile(compiled.r1cs)));
				try {
					await writeDevelopmentKey(path, { ...compiled, r1cs }, deriveSecrets("chain"), options);
				} finally {
					await rm(r1cs);
				}
			},
			options,
		);
	}
	const program = await WitnessProgram.load(compiled);
	return {
		zkey: artefactPath("zkey", digest, root),
		async witness(start) {
			const inputs = new Map([
				["start", [start]],
				["blind", [5n]],
				["challenge", [7n ** 80n]],
			]);
			return encodeWitness(await program.calculate(inputs));
		},
	};
}

/** The same constraints with private inputs that count as inner wires: nothing is committed, and the key is an ordinary one. */
function withoutPrivateInputs(r1cs: Buffer): Buffer {
	for (let offset = 12; offset < r1cs.length; offset += 12 + Number(r1cs.readBigUInt64LE(offset + 4))) {
		if (r1cs.readUInt32LE(offset) === HEADER_SECTION) r1cs.writeUInt32LE(0, offset + 12 + PRIVATE_INPUTS_OFFSET);
	}
	return r1cs;
}

function chainCircuit(log: number): Circuit {
	return {
		statement: "chain",
		id: `chain-${log}`,
		publics: ["end"],
		links: [],
		hasWords: false,
		source: `pragma circom 2.1.6;
template Chain(k) {
    signal input start;
    signal input blind;
    signal input challenge;
    signal output end;
    signal x[k + 1];
    x[0] <== start * challenge;
    for (var i = 0; i < k; i++) {
        x[i + 1] <== x[i] * x[i] + challenge;
    }
    end <== x[k] * start;
    signal hidden;
    hidden <== blind * blind;
}
component main {public [challenge]} = Chain(${2 ** log - 8});
`,
	};
}
