/** Tests of circuits that others wrote: what snarkjs and the engine make of the same files. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { R } from "../bn254.ts";
import { prove } from "../engine/groth16.ts";
import { groth16 } from "../groth16.ts";
import { parseInputs } from "../plain/inputs.ts";
import { encodeWitness, WitnessProgram } from "../witness.ts";
import type { ForeignCircuit } from "./circuits.ts";
import { type CircuitFiles, compilePlain, endSnarkjs, plainKey, snarkjsProof } from "./plain.ts";

const BLINDING = { r: 3n ** 150n % R, s: R - 2n };

/** Runs each circuit through both provers and both verifiers. */
export function describeForeign(circuits: readonly ForeignCircuit[]): void {
	vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
	let root: string;
	beforeAll(async () => {
		root = await mkdtemp(join(tmpdir(), "openledger-foreign-"));
	});
	afterAll(async () => {
		await endSnarkjs();
		await rm(root, { recursive: true, force: true });
	});

	describe.each(circuits)("$name", ({ name, source, inputs, known }) => {
		let files: CircuitFiles;
		let key: Uint8Array;
		let witness: Uint8Array;
		beforeAll(async () => {
			files = await compilePlain(root, name, source);
			key = await plainKey(files.r1cs, join(root, `${name}.zkey`));
			const program = await WitnessProgram.compile(await readFile(files.wasm), name);
			witness = encodeWitness(await program.calculateChecked(parseInputs(await inputs())));
		});

		it("has snarkjs' proof, bit for bit", async () => {
			expect(await prove(key, witness, { blinding: BLINDING })).toEqual(await snarkjsProof(key, witness, BLINDING));
		});

		it("has snarkjs' verification key, and proofs that are valid here and there", async () => {
			const verificationKey = await groth16.exportVerificationKey(key);
			expect(verificationKey).toEqual(await snarkjs.zKey.exportVerificationKey(key));
			const ours = await groth16.fullProve(await inputs(), files.wasm, key, { threads: "one" });
			const theirs = await snarkjs.groth16.fullProve(await inputs(), files.wasm, key);
			expect(ours.publicSignals).toEqual(theirs.publicSignals);
			for (const [index, signal] of known?.entries() ?? []) if (signal !== undefined) expect(ours.publicSignals[index]).toBe(signal);
			for (const { verify } of [groth16, snarkjs.groth16]) {
				for (const { proof, publicSignals } of [ours, theirs]) {
					expect(await verify(verificationKey, publicSignals, proof)).toBe(true);
					const [first, ...others] = publicSignals as [string, ...string[]];
					expect(await verify(verificationKey, [((BigInt(first) + 1n) % R).toString(), ...others], proof)).toBe(false);
				}
			}
		});
	});
}
