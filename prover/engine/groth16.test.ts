import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groth16, zKey } from "snarkjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { R, toBytesLE, WORD } from "../bn254.ts";
import { evaluationOf } from "../challenge.ts";
import { compileCircuit } from "../compile.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { writeDevelopmentKey } from "../setup.ts";
import { changed, endSnarkjs, sectionOf, snarkjsProof, uncommitted } from "../testing/plain.ts";
import { toyCircuit, toyInputs } from "../toy.ts";
import { encodeWitness, flattenInputs, WitnessProgram } from "../witness.ts";
import { SECTION } from "../zkey.ts";
import { recode } from "./digits.ts";
import { prove } from "./groth16.ts";
import { Helpers } from "./helpers.ts";
import { loadKey } from "./key.ts";
import { Machine } from "./machine.ts";
import { requestSum } from "./sums.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const BLINDING = { r: 3n ** 150n % R, s: R - 2n };
const COMMITTED_SIZE = 9;
const PLAIN_SIZE = 40;
const PLAIN_WIRES = 198;

let root: string;
/** A key as our statements have them: infinity for committed wires in section 8. */
let committed: { key: Uint8Array; witness: Uint8Array };
/** An ordinary snarkjs key. */
let plain: { key: Uint8Array; witness: Uint8Array };

async function files(size: number): Promise<{ key: Uint8Array; witness: Uint8Array }> {
	const compiled = await compileCircuit(toyCircuit(size), { root });
	const path = join(root, `toy-${size}.zkey`);
	// With delta = 1 the points of section 100 are what an ordinary key has in section 8.
	await writeDevelopmentKey(path, compiled, { ...deriveSecrets("test"), delta: 1n }, { threads: 1 });
	const values = Array.from({ length: size }, (_, i) => BigInt((7 * i + 3) % 16));
	const names = compiled.inputs.filter(({ name }) => !["blind", "evaluation", "challenge"].includes(name));
	const inputs = flattenInputs(compiled, toyInputs(values, 5n), names);
	const challenge = 3n ** 140n % R;
	inputs.set("challenge", [challenge]);
	inputs.set("evaluation", [evaluationOf(values, challenge)]);
	inputs.set("blind", [R - 99n]);
	const program = await WitnessProgram.load(compiled);
	return { key: await readFile(path), witness: encodeWitness(await program.calculate(inputs)) };
}

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-engine-"));
	committed = await files(COMMITTED_SIZE);
	const made = await files(PLAIN_SIZE);
	plain = { ...made, key: uncommitted(made.key) };
});

afterAll(async () => {
	await endSnarkjs();
	await rm(root, { recursive: true, force: true });
});

describe("prove", () => {
	it.each([BLINDING, { r: 0n, s: 0n }, { r: 1n, s: R - 1n }])("makes snarkjs' proof bit for bit, blinding %o", async (blinding) => {
		for (const { key, witness } of [committed, plain]) {
			expect(await prove(key, witness, { blinding })).toEqual(await snarkjsProof(key, witness, blinding));
		}
	});

	it("makes the same proof with plain arithmetic, from files, and with other threads", async () => {
		const expected = await prove(plain.key, plain.witness, { blinding: BLINDING });
		const [key, witness] = [join(root, "plain.zkey"), join(root, "plain.wtns")];
		await writeFile(key, plain.key);
		await writeFile(witness, plain.witness);
		expect(await prove(key, witness, { blinding: BLINDING, machine: await Machine.open("plain") })).toEqual(expected);
		const helpers = new Helpers(2);
		try {
			expect(await prove(key, witness, { blinding: BLINDING, helpers })).toEqual(expected);
			expect(await prove(plain.key, plain.witness, { blinding: BLINDING, helpers })).toEqual(expected);
		} finally {
			await helpers.close();
		}
	});

	it("makes the same proofs with a loaded key, in any thread, several times", async () => {
		const helpers = new Helpers(2);
		const path = join(root, "loaded.zkey");
		await writeFile(path, plain.key);
		try {
			const expected = await prove(plain.key, plain.witness, { blinding: BLINDING });
			const keys = [await loadKey(plain.key), await loadKey(path, { helpers }), structuredClone(await loadKey(path))];
			for (const key of keys) {
				expect(await prove(key, plain.witness, { blinding: BLINDING })).toEqual(expected);
				expect(await prove(key, plain.witness, { blinding: BLINDING, helpers })).toEqual(expected);
				expect(await prove(key, plain.witness, { blinding: BLINDING, machine: await Machine.open("plain") })).toEqual(expected);
			}
			const key = await loadKey(committed.key, { helpers });
			expect(await prove(key, committed.witness, { blinding: BLINDING, helpers })).toEqual(
				await prove(committed.key, committed.witness, { blinding: BLINDING }),
			);
		} finally {
			await helpers.close();
		}
	});

	it("stops when it is told to, and goes on", async () => {
		const helpers = new Helpers(1);
		try {
			const reason = new Error("no more");
			await expect(prove(plain.key, plain.witness, { helpers, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
			const controller = new AbortController();
			const late = prove(plain.key, plain.witness, { helpers, signal: controller.signal });
			setTimeout(() => controller.abort(reason));
			await expect(late).rejects.toBe(reason);
			expect(await prove(plain.key, plain.witness, { helpers, blinding: BLINDING })).toEqual(
				await prove(plain.key, plain.witness, { blinding: BLINDING }),
			);
		} finally {
			await helpers.close();
		}
	});

	it("makes proofs that snarkjs verifies, each blinded anew", async () => {
		const key = await zKey.exportVerificationKey({ type: "mem", data: plain.key });
		const [first, second] = [await prove(plain.key, plain.witness), await prove(plain.key, plain.witness)];
		for (const { proof, publicSignals } of [first, second]) expect(await groth16.verify(key, publicSignals, proof)).toBe(true);
		expect(first.proof.pi_a).not.toEqual(second.proof.pi_a);
		expect(first.publicSignals).toEqual(second.publicSignals);
		const [signal, ...others] = first.publicSignals as [string, ...string[]];
		expect(await groth16.verify(key, [(BigInt(signal) + 1n).toString(), ...others], first.proof)).toBe(false);
	});

	it("makes no valid proof of a witness that violates a constraint", async () => {
		const key = await zKey.exportVerificationKey({ type: "mem", data: plain.key });
		const { start, bytes } = sectionOf(plain.witness, 2);
		const witness = Uint8Array.from(plain.witness);
		witness.set(toBytesLE(12345n), start + bytes - WORD);
		const { proof, publicSignals } = await prove(plain.key, witness);
		expect(await groth16.verify(key, publicSignals, proof)).toBe(false);
	});

	it("gives memory back, also after a failure", async () => {
		const machine = await Machine.open();
		const mark = machine.mark();
		await prove(plain.key, plain.witness, { machine });
		expect(machine.mark()).toBe(mark);
		await expect(prove(plain.key, committed.witness, { machine })).rejects.toThrow();
		expect(machine.mark()).toBe(mark);
	});

	it("hands out no point off the curve", async () => {
		const machine = await Machine.open();
		const kernel = machine.kernel.bind(machine);
		vi.spyOn(machine, "kernel").mockImplementation((name) => {
			if (name !== "g1_chord_backward") return kernel(name);
			// The last inverse of a batch is wrong by one bit.
			return (left, right, out, prefixes, turns, inverse) => {
				const view = machine.doubles(inverse as number, 1);
				view[0] = (view[0] as number) + 1;
				return kernel(name)(left as number, right as number, out as number, prefixes as number, turns as number, inverse as number);
			};
		});
		await expect(prove(plain.key, plain.witness, { machine })).rejects.toMatchObject({ code: "engine.failed" });
	});
});

describe("prove refuses", () => {
	const inKey = (id: number, change: (copy: Buffer, start: number) => void): Uint8Array =>
		changed(plain.key, (copy) => change(copy, sectionOf(plain.key, id).start));
	const inWitness = (id: number, change: (copy: Buffer, start: number) => void): Uint8Array =>
		changed(plain.witness, (copy) => change(copy, sectionOf(plain.witness, id).start));

	it.each<[string, () => Uint8Array, string, RegExp]>([
		["a key that is cut off", () => plain.key.subarray(0, plain.key.length - 1), "key.truncated", /at least \d+ bytes, got \d+/],
		["a few bytes", () => plain.key.subarray(0, 5), "key.truncated", /at least 12 bytes, got 5/],
		["another kind of file", () => plain.witness, "key.format", /a file that starts "wtns"/],
		["another version", () => changed(plain.key, (copy) => copy.writeUInt32LE(3, 4)), "key.format", /version 1 or 2, got 3/],
		["a PLONK key", () => inKey(1, (copy, start) => copy.writeUInt32LE(2, start)), "key.format", /a Groth16 key, got protocol 2/],
		[
			"a key over another field",
			() => inKey(2, (copy, start) => copy.writeUInt8(0, start + 4)),
			"key.format",
			/over BN254, got another curve/,
		],
		[
			"a key over another scalar field",
			() => inKey(2, (copy, start) => copy.writeUInt8(0, start + 40)),
			"key.format",
			/over BN254, got another curve/,
		],
		[
			"a domain that is no power of two",
			() => inKey(2, (copy, start) => copy.writeUInt32LE(96, start + 80)),
			"key.format",
			/domain of 2 to 2\^27 points, got 96/,
		],
		[
			"another number of wires",
			() => inKey(2, (copy, start) => copy.writeUInt32LE(7, start + 72)),
			"key.format",
			/section 5 of .* to have 448 bytes/,
		],
		[
			"another number of terms",
			() => inKey(4, (copy, start) => copy.writeUInt32LE(7, start)),
			"key.format",
			/section 4 of .* to have 312 bytes/,
		],
		[
			"a term in a third matrix",
			() => inKey(4, (copy, start) => copy.writeUInt32LE(2, start + 4)),
			"key.invalid",
			/terms .* got number 0 or \d+ outside/,
		],
		[
			"a term outside the domain",
			() => inKey(4, (copy, start) => copy.writeUInt32LE(1 << 20, start + 8)),
			"key.invalid",
			/terms .* got number 0 or \d+ outside/,
		],
		[
			"a term of a wire that does not exist",
			() => inKey(4, (copy, start) => copy.writeUInt32LE(1 << 20, start + 12)),
			"key.invalid",
			/terms .* got number 0 or \d+ outside/,
		],
		[
			"a point of the header off the curve",
			() => inKey(2, (copy, start) => copy.writeUInt8(1, start + 84)),
			"key.invalid",
			/the header of .* to hold points of BN254/,
		],
		...[5, 6, 7, 8, 9].map((id): [string, () => Uint8Array, string, RegExp] => [
			`a point of section ${id} off the curve`,
			() => inKey(id, (copy, start) => copy.writeUInt8((copy.readUInt8(start + 64) + 1) % 256, start + 64)),
			"key.invalid",
			new RegExp(`section ${id} of .* on the curve`),
		]),
	])("%s", async (name, key, code, message) => {
		const expected = { code, message: expect.stringMatching(message) };
		await expect(prove(key(), plain.witness)).rejects.toMatchObject(expected);
		// Terms are looked at when they are used.
		if (name.startsWith("a term")) await expect(prove(await loadKey(key()), plain.witness)).rejects.toMatchObject(expected);
		else await expect(loadKey(key())).rejects.toMatchObject(expected);
	});

	it.each<[string, () => Uint8Array, string, RegExp]>([
		[
			"a witness that is cut off",
			() => plain.witness.subarray(0, plain.witness.length - 1),
			"witness.truncated",
			/at least \d+ bytes, got \d+/,
		],
		["another kind of file as witness", () => plain.key, "witness.format", /a file that starts "zkey"/],
		[
			"a witness over another field",
			() => inWitness(1, (copy, start) => copy.writeUInt8(0, start + 4)),
			"witness.format",
			/scalar field of BN254/,
		],
		["a witness of another circuit", () => committed.witness, "key.foreign", /a witness of \d+ wires for .*, got \d+/],
		[
			"a wire that is not below r",
			() => inWitness(2, (copy, start) => copy.set(toBytesLE(R), start + WORD)),
			"witness.range",
			/scalars below r, got a larger one at 1/,
		],
	])("%s", async (_, witness, code, message) => {
		await expect(prove(plain.key, witness())).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
	});

	it("a key for which the system has no memory", async () => {
		class Refused {
			constructor() {
				throw new RangeError("could not allocate memory");
			}
		}
		const memory = vi.spyOn(WebAssembly, "Memory").mockImplementation(Refused as never);
		await expect(loadKey(plain.key)).rejects.toMatchObject({ code: "engine.memory" });
		memory.mockRestore();
		expect(await loadKey(plain.key)).toMatchObject({ header: { nWires: PLAIN_WIRES } });
	});

	it("a machine without memory", async () => {
		const { program } = await Machine.open();
		const machine = Machine.of(program, 2);
		const mark = machine.mark();
		await expect(prove(plain.key, plain.witness, { machine })).rejects.toMatchObject({
			code: "engine.memory",
			hint: expect.stringContaining("fewer threads"),
		});
		expect(machine.mark()).toBe(mark);
	});

	it("files that are missing", async () => {
		await expect(prove(join(root, "none.zkey"), plain.witness)).rejects.toMatchObject({ code: "key.missing" });
		await expect(prove(plain.key, join(root, "none.wtns"))).rejects.toMatchObject({ code: "witness.missing" });
	});
});

describe("Helpers", () => {
	it("report what goes wrong in a thread, and go on", async () => {
		const helpers = new Helpers(1);
		try {
			const broken = Uint8Array.from(plain.key);
			const { start } = sectionOf(broken, SECTION.b2);
			broken[start + 64] = ((broken[start + 64] as number) + 1) % 256;
			await expect(prove(broken, plain.witness, { helpers })).rejects.toMatchObject({ code: "key.invalid", name: "KeyError" });
			expect(await prove(plain.key, plain.witness, { helpers, blinding: BLINDING })).toEqual(
				await prove(plain.key, plain.witness, { blinding: BLINDING }),
			);
		} finally {
			await helpers.close();
		}
		await expect(prove(plain.key, plain.witness, { helpers })).rejects.toMatchObject({ code: "pool.closed" });
	});

	it("serve several proofs at once", async () => {
		const helpers = new Helpers(1);
		try {
			const one = await prove(plain.key, plain.witness, { blinding: BLINDING });
			const several = [1, 2, 3].map(() => prove(plain.key, plain.witness, { helpers, blinding: BLINDING }));
			expect(await Promise.all(several)).toEqual([one, one, one]);
		} finally {
			await helpers.close();
		}
	});

	it("fail what is running or waiting when they are closed", async () => {
		const helpers = new Helpers(1);
		const key = new Uint8Array(new SharedArrayBuffer(plain.key.length));
		key.set(plain.key);
		const machine = await Machine.open();
		const digits = recode(machine, new Uint32Array(8 * PLAIN_WIRES).fill(1));
		const outcomes = [1, 2, 3].map(() => helpers.run({ program: machine.program, sums: [requestSum(key, "a", digits)] }));
		const failed = outcomes.map((outcome) => expect(outcome).rejects.toMatchObject({ code: "pool.closed" }));
		await helpers.close();
		await Promise.all(failed);
	});
});
