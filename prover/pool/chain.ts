/**
 * A circuit for measurements: a chain of squarings, so every wire but the first few is a full-size value and no point of the key is infinity. It
 * is the dearest witness there is; what statements prove is mostly small values.
 */
import { readFile, writeFile } from "node:fs/promises";
import type { Circuit } from "../../circuits/circuit.ts";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { type ProvingKey, setupDevelopment, writeDevelopmentKey } from "../setup.ts";
import { encodeWitness, type Inputs, WitnessProgram } from "../witness.ts";
import { SECTION } from "../zkey.ts";

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

/** @returns a .wtns file of the chain */
export async function chainWitness(circuit: CompiledCircuit): Promise<Uint8Array> {
	const program = await WitnessProgram.load(circuit);
	const challenge = [7n ** 80n];
	return encodeWitness(
		await program.calculate(
			new Map([
				["start", [3n]],
				["blind", [5n]],
				["challenge", challenge],
			]),
		),
	);
}

/**
 * Writes an ordinary key, as snarkjs makes it, from secrets that anybody knows.
 * @param path must not exist
 */
export async function writePlainKey(path: string, circuit: CompiledCircuit): Promise<void> {
	// With delta = 1 the points of section 100 are what an ordinary key has for the private inputs in section 8.
	await writeDevelopmentKey(path, circuit, { ...deriveSecrets("plain"), delta: 1n });
	const key = await readFile(path);
	const sections = new Map<number, Buffer>();
	for (let at = 12; at < key.length; ) {
		const bytes = Number(key.readBigUInt64LE(at + 4));
		sections.set(key.readUInt32LE(at), key.subarray(at + 12, at + 12 + bytes));
		at += 12 + bytes;
	}
	(sections.get(SECTION.c) as Buffer).set(sections.get(SECTION.commitment) as Buffer);
	await writeFile(path, key);
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
