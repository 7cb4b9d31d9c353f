import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Circuit } from "../circuits/circuit.ts";
import { fromBytesLE, R } from "./bn254.ts";
import { evaluationOf } from "./challenge.ts";
import { type CompileOptions, compileCircuit } from "./compile.ts";
import { readR1cs, type SparseMatrix } from "./r1cs.ts";
import { toyCircuit, toyInputs } from "./toy.ts";
import { flattenInputs, WitnessProgram } from "./witness.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let root: string;
let options: CompileOptions;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-compile-"));
	options = { root };
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A passing circuit; each refused one below differs from it in one place. */
function circuit(change: { body?: string; inputs?: string; publics?: string[] } = {}): Circuit {
	return {
		statement: "small",
		id: "small",
		publics: change.publics ?? ["n"],
		links: [],
		hasWords: false,
		source: `pragma circom 2.1.6;
template Small() {
    signal input n;
    signal input challenge;
    ${change.inputs ?? "signal input blind;"}
    signal input y;
    signal hidden;
    hidden <== blind * challenge;
    signal square;
    square <== y * y + n;
    ${change.body ?? ""}
}
component main {public [n, challenge]} = Small();
`,
	};
}

describe("compileCircuit", () => {
	it("builds files and names wires", async () => {
		const compiled = await compileCircuit(toyCircuit(3), options);
		expect(compiled.counts).toMatchObject({ nPublic: 4, nPrivateInputs: 3 + 16 + 1, linear: 2 });
		expect(compiled.outputs).toEqual(["total"]);
		expect(compiled.inputs).toEqual([
			{ name: "n", wire: 2, size: 1, visibility: "public" },
			{ name: "evaluation", wire: 3, size: 1, visibility: "public" },
			{ name: "challenge", wire: 4, size: 1, visibility: "public" },
			{ name: "x", wire: 5, size: 3, visibility: "private" },
			{ name: "counts", wire: 8, size: 16, visibility: "private" },
			{ name: "blind", wire: 24, size: 1, visibility: "private" },
		]);
		expect(await compileCircuit(toyCircuit(3), options)).toEqual(compiled);
		expect((await readdir(root)).filter((name) => name.startsWith("compile-"))).toEqual([]);
	});

	it("accepts the circuit that the refused ones are made of", async () => {
		await expect(compileCircuit(circuit(), options)).resolves.toBeDefined();
	});

	it.each([
		["unused", { inputs: "signal input blind; signal input spare;" }, /spare.*dropped/],
		["equal to another", { body: "y === n;" }, /keep y on wire 4/],
		["equal to a constant", { body: "y === 255;" }, /y.*dropped/],
	])("refuses an input that is %s", async (_, change, message) => {
		await expect(compileCircuit(circuit(change), options)).rejects.toMatchObject({
			code: "compile.input-dropped",
			message: expect.stringMatching(message),
		});
	});

	it("refuses a circuit without a blinding input", async () => {
		const change = { inputs: "signal input hider; signal blind; blind <== hider * hider;" };
		await expect(compileCircuit(circuit(change), options)).rejects.toMatchObject({ code: "compile.interface", message: /blind/ });
	});

	it("refuses other public signals than declared", async () => {
		await expect(compileCircuit(circuit({ publics: ["m"] }), options)).rejects.toMatchObject({
			code: "compile.interface",
			message: "compileCircuit: expected small to have the public signals m, challenge, got n, challenge",
		});
	});

	it("passes on what circom says", async () => {
		await expect(compileCircuit(circuit({ body: "nothing;" }), options)).rejects.toMatchObject({
			code: "compile.failed",
			message: /nothing/,
		});
	});

	it("follows includes, and notices when one changes", async () => {
		const library = join(root, "library");
		await mkdir(library);
		const source = circuit().source.replace("template", 'include "gadget.circom";\ntemplate');
		const main = { ...circuit(), source };
		const within = { root, libraries: [library] };
		await expect(compileCircuit(main, within)).rejects.toMatchObject({ code: "compile.failed", message: /gadget\.circom/ });
		await writeFile(join(library, "gadget.circom"), "pragma circom 2.1.6;\n");
		const first = await compileCircuit(main, within);
		await writeFile(join(library, "gadget.circom"), "pragma circom 2.1.6;\n// changed\n");
		expect((await compileCircuit(main, within)).digest).not.toBe(first.digest);
	});

	it("stops when told to and leaves nothing", async () => {
		const signal = AbortSignal.timeout(60);
		await expect(compileCircuit(toyCircuit(20_000), { root, signal })).rejects.toThrow(/abort|timeout/i);
		expect((await readdir(root)).filter((name) => name.startsWith("compile-"))).toEqual([]);
	});
});

describe("readR1cs", () => {
	it("reads constraints that hold for the circuit's own witness, and for no altered one", async () => {
		const compiled = await compileCircuit(toyCircuit(5), options);
		const r1cs = await readR1cs(compiled.r1cs);
		const values = [0n, 15n, 7n, 7n, 1n];
		const inputs = toyInputs(values, -3n);
		const flat = flattenInputs(
			compiled,
			inputs,
			compiled.inputs.filter(({ name }) => name in inputs),
		);
		flat
			.set("blind", [R - 5n])
			.set("challenge", [123456789n])
			.set("evaluation", [evaluationOf(values, 123456789n)]);
		const bytes = await (await WitnessProgram.load(compiled)).calculate(flat);
		const witness = Array.from({ length: r1cs.nWires }, (_, wire) => fromBytesLE(bytes, 32 * wire));
		const row = (matrix: SparseMatrix, j: number): bigint => {
			let sum = 0n;
			for (let term = matrix.starts[j] as number; term < (matrix.starts[j + 1] as number); term++) {
				const coefficient = r1cs.coefficients[matrix.coefficients[term] as number] as bigint;
				sum += coefficient * (witness[matrix.wires[term] as number] as bigint);
			}
			return sum % R;
		};
		const holds = (): boolean[] =>
			Array.from({ length: r1cs.nConstraints }, (_, j) => (row(r1cs.a, j) * row(r1cs.b, j) - row(r1cs.c, j)) % R === 0n);
		expect(r1cs.nConstraints).toBe(compiled.counts.nonLinear + compiled.counts.linear);
		expect(holds()).not.toContain(false);
		witness[1] = (witness[1] as bigint) + 1n;
		expect(holds()).toContain(false);
	});

	it("names a file that is cut off", async () => {
		const compiled = await compileCircuit(toyCircuit(6), options);
		await truncate(compiled.r1cs, 3000);
		await expect(readR1cs(compiled.r1cs)).rejects.toMatchObject({ code: "r1cs.truncated", message: /3000/ });
	});
});
