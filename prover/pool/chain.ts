/**
 * A circuit for measurements: a chain of squarings, so every wire but the first few is a full-size value and no point of the key is infinity. It
 * is the dearest witness there is; what statements prove is mostly small values.
 */
import { createHash } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import type { Circuit } from "../../circuits/circuit.ts";
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "../artefact.ts";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { type ProvingKey, setupDevelopment, writeDevelopmentKey } from "../setup.ts";
import { encodeWitness, type Inputs, WitnessProgram } from "../witness.ts";

const HEADER_SECTION = 1;
/** Of the number of private inputs in the header of an .r1cs over a field of 32 bytes. */
const PRIVATE_INPUTS_OFFSET = 4 + 32 + 3 * 4;

/** The chain's inputs as a job's. */
export const CHAIN_INPUTS: Inputs = { start: 3n };

/**
 * Makes the circuit and a development key of a chain that fills a domain; what is cached is kept.
 * @param log log2 of the domain, in `[4, 27)`
 * @throws the signal's reason; CompileError, ArtefactError
 */
export async function makeChain(
	log: number,
	options: { readonly root?: string; readonly signal?: AbortSignal } = {},
): Promise<{ circuit: CompiledCircuit; key: ProvingKey }> {
	const circuit = await compileCircuit(chainCircuit(log), options);
	return { circuit, key: await setupDevelopment(circuit, options) };
}

/**
 * @param start of the chain, in `[1, r)`
 * @returns content of a .wtns file of the chain
 */
export async function chainWitness(circuit: CompiledCircuit, start = 3n): Promise<Uint8Array> {
	const program = await WitnessProgram.load(circuit);
	const inputs = new Map([
		["start", [start]],
		["blind", [5n]],
		["challenge", [7n ** 80n]],
	]);
	return encodeWitness(await program.calculate(inputs));
}

/**
 * Makes an ordinary key of the chain, as snarkjs makes them, from secrets that anybody knows; what is cached is kept.
 * @param log as {@link makeChain}
 * @returns path of the .zkey
 * @throws as {@link makeChain}
 */
export async function makePlainKey(
	log: number,
	options: { readonly root?: string; readonly signal?: AbortSignal } = {},
): Promise<{ circuit: CompiledCircuit; zkey: string }> {
	const circuit = await compileCircuit(chainCircuit(log), options);
	const root = options.root ?? cacheRoot();
	const digest = createHash("sha256").update(`plain chain/${circuit.digest}`).digest("hex");
	if (!(await findArtefact("zkey", digest, root))) {
		const make = async (path: string): Promise<void> => {
			const r1cs = `${path}.r1cs`;
			await writeFile(r1cs, withoutPrivateInputs(await readFile(circuit.r1cs)));
			try {
				await writeDevelopmentKey(path, { ...circuit, r1cs }, deriveSecrets("chain"), options);
			} finally {
				await rm(r1cs);
			}
		};
		await publishArtefact("zkey", digest, make, options);
	}
	return { circuit, zkey: artefactPath("zkey", digest, root) };
}

/** The same constraints with private inputs that count as inner wires: nothing is committed, and the key is an ordinary one. */
function withoutPrivateInputs(r1cs: Buffer): Buffer {
	for (let offset = 12; offset < r1cs.length; offset += 12 + Number(r1cs.readBigUInt64LE(offset + 4))) {
		if (r1cs.readUInt32LE(offset) === HEADER_SECTION) r1cs.writeUInt32LE(0, offset + 12 + PRIVATE_INPUTS_OFFSET);
	}
	return r1cs;
}

/** @param log log2 of the domain, at least 4 */
export function chainCircuit(log: number): Circuit {
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
    x[0] <== start * start;
    for (var i = 0; i < k; i++) {
        x[i + 1] <== x[i] * x[i] + 1;
    }
    end <== x[k] * start;
    signal hidden;
    hidden <== blind * challenge;
}
component main {public [challenge]} = Chain(${2 ** log - 8});
`,
	};
}
