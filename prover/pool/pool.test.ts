import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { groth16 } from "snarkjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Q, R } from "../bn254.ts";
import { evaluationOf } from "../challenge.ts";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import type { Proof } from "../proof.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { type ProvingKey, setupDevelopment } from "../setup.ts";
import { toyCircuit, toyInputs } from "../toy.ts";
import {
	circuitIdOf,
	type G1Decimals,
	type G1Point,
	type G2Decimals,
	g1Point,
	parseVerificationKey,
	toSnarkjsVerificationKey,
	type VerificationKey,
} from "../verification-key.ts";
import { type Claim, checkEquation, verifyProof } from "../verify.ts";
import { ProverPool } from "./pool.ts";
import type { Proved } from "./statement.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SEED = "pool test";
const CONTEXT: `0x${string}` = `0x${"17".repeat(32)}`;
const VALUES = [3n, 0n, 15n, 3n, 9n];

let root: string;
let pool: ProverPool;
let circuit: CompiledCircuit;
let key: ProvingKey;
let proved: Proved;
let claim: Claim;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-pool-"));
	pool = new ProverPool({ workers: 2 });
	circuit = await compileCircuit(toyCircuit(VALUES.length), { root });
	key = await setupDevelopment(circuit, { root, seed: SEED });
	proved = await pool.prove(job());
	claim = { context: CONTEXT, publics: proved.publics, words: VALUES, proof: proved.proof };
});
afterAll(async () => {
	await pool.close();
	await rm(root, { recursive: true, force: true });
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

function job(): Parameters<ProverPool["prove"]>[0] {
	return { circuit, key, inputs: toyInputs(VALUES, 100n), context: CONTEXT, words: VALUES };
}

function decimals(point: G1Point): G1Decimals {
	const { x, y } = point.toAffine();
	return [x.toString(), y.toString()];
}

function signals(proof: Proved): bigint[] {
	return [...proof.publics, evaluationOf(VALUES, proof.challenge), proof.challenge];
}

describe("a proof", () => {
	it("shows the public signals in order", () => {
		expect(proved.publics).toEqual([100n + 9n + 0n + 225n + 9n + 81n, 100n]);
	});

	it("is accepted by noble", () => {
		expect(() => verifyProof(key.verification, claim)).not.toThrow();
	});

	it("is accepted by snarkjs with the commitment folded into the key", async () => {
		const { a, b, c } = proved.proof;
		const plain = { pi_a: [...a, "1"], pi_b: [...b, ["1", "0"]], pi_c: [...c, "1"], protocol: "groth16", curve: "bn128" };
		const folded = toSnarkjsVerificationKey(key.verification, proved.proof);
		const texts = signals(proved).map(String);
		expect(await groth16.verify(folded, texts, plain)).toBe(true);
		expect(await groth16.verify(folded, [...texts.slice(0, -1), "1"], plain)).toBe(false);
	});

	it("hides the inputs: another proof of the same has another commitment", async () => {
		const again = await pool.prove({ ...job(), threads: "one" });
		expect(again.proof.commitment).not.toEqual(proved.proof.commitment);
		expect(() => verifyProof(key.verification, { ...claim, proof: again.proof })).not.toThrow();
	});

	it("is the same whether the caller knows the public signals or not", async () => {
		const known = await pool.prove({ ...job(), publics: proved.publics });
		expect(known.publics).toEqual(proved.publics);
	});
});

describe("verifyProof refuses", () => {
	const altered =
		(change: Partial<Claim>): (() => void) =>
		() =>
			verifyProof(key.verification, { ...claim, ...change });
	const withProof = (change: Partial<Proof>): (() => void) => altered({ proof: { ...proved.proof, ...change } });
	const code = (expected: string): Record<string, unknown> => expect.objectContaining({ code: expected });
	const shifted = (point: G1Decimals): G1Decimals => decimals(g1Point(point).add(bn254.G1.Point.BASE));

	it("another public signal", () => {
		expect(altered({ publics: [(proved.publics[0] as bigint) + 1n, 100n] })).toThrow(code("proof.equation"));
	});
	it("an alias of a public signal", () => {
		expect(altered({ publics: [(proved.publics[0] as bigint) + R, 100n] })).toThrow(code("proof.public"));
	});
	it("a public signal too few", () => {
		expect(altered({ publics: proved.publics.slice(1) })).toThrow(code("proof.public"));
	});
	it("another context", () => {
		expect(altered({ context: `0x${"18".repeat(32)}` })).toThrow(code("proof.equation"));
	});
	it("another word", () => {
		expect(altered({ words: [3n, 0n, 15n, 3n, 10n] })).toThrow(code("proof.equation"));
	});
	it("another order of the words", () => {
		expect(altered({ words: [0n, 3n, 15n, 3n, 9n] })).toThrow(code("proof.equation"));
	});
	it("A, C or B replaced", () => {
		expect(withProof({ a: shifted(proved.proof.a) })).toThrow(code("proof.equation"));
		expect(withProof({ c: shifted(proved.proof.c) })).toThrow(code("proof.equation"));
		const { x, y } = bn254.G2.Point.BASE.toAffine();
		const b: G2Decimals = [
			[`${x.c0}`, `${x.c1}`],
			[`${y.c0}`, `${y.c1}`],
		];
		expect(withProof({ b })).toThrow(code("proof.equation"));
	});
	it("D replaced", () => {
		expect(withProof({ commitment: shifted(proved.proof.commitment) })).toThrow(code("proof.knowledge"));
	});
	it("P replaced", () => {
		expect(withProof({ knowledge: shifted(proved.proof.knowledge) })).toThrow(code("proof.knowledge"));
	});
	it("D and P replaced by those of another proof", async () => {
		const other = await pool.prove(job());
		const { commitment, knowledge } = other.proof;
		expect(withProof({ commitment, knowledge })).toThrow(code("proof.equation"));
	});
	it("a point off the curve, and infinity", () => {
		expect(withProof({ a: ["1", "1"] })).toThrow(code("proof.point"));
		expect(withProof({ c: ["0", "0"] })).toThrow(code("proof.point"));
	});
	it("a point of the twist outside the subgroup", () => {
		const { Fp2 } = bn254.fields;
		const point = Array.from({ length: 50 }, (_, i) => {
			const x = Fp2.create({ c0: BigInt(i), c1: 1n });
			const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b);
			try {
				return { x, y: Fp2.sqrt(square) };
			} catch {
				return undefined;
			}
		}).find((found) => found !== undefined) as { x: { c0: bigint; c1: bigint }; y: { c0: bigint; c1: bigint } };
		const b: G2Decimals = [
			[`${point.x.c0}`, `${point.x.c1}`],
			[`${point.y.c0}`, `${point.y.c1}`],
		];
		expect(withProof({ b })).toThrow(code("proof.point"));
	});
	it("words for a circuit without words", () => {
		const bare = { ...key.verification, hasWords: false };
		expect(() => verifyProof(bare, claim)).toThrow(code("proof.public"));
	});
	it("a key of another circuit", async () => {
		const other = await compileCircuit(toyCircuit(VALUES.length + 1), { root });
		const { verification } = await setupDevelopment(other, { root, seed: SEED });
		expect(() => verifyProof(verification, claim)).toThrow(code("proof.equation"));
	});

	it("a public signal moved into D, by P alone", () => {
		// vk_x + D is the same for s_1 - t and D + t IC_1: only the proof of knowledge tells them apart.
		const t = 5n;
		const icPoint = g1Point(key.verification.ic[1] as G1Decimals);
		const commitment = decimals(g1Point(proved.proof.commitment).add(icPoint.multiply(t)));
		const moved = signals(proved).map((signal, i) => (i === 0 ? signal - t : signal));
		const forged = { ...proved.proof, commitment };
		expect(() => checkEquation(key.verification, signals(proved), proved.proof)).not.toThrow();
		expect(() => checkEquation(key.verification, moved, forged)).toThrow(code("proof.knowledge"));
		// With sigma, which nobody may know, the forgery goes through: nothing else stood in its way.
		const { sigma } = deriveSecrets(SEED);
		const knowledge = decimals(g1Point(proved.proof.knowledge).add(icPoint.multiply((t * sigma) % R)));
		expect(() => checkEquation(key.verification, moved, { ...forged, knowledge })).not.toThrow();
	});
});

describe("parseVerificationKey", () => {
	const refuse = (change: Partial<Record<keyof VerificationKey, unknown>>, expected: string): void => {
		expect(() => parseVerificationKey({ ...key.verification, ...change })).toThrow(expect.objectContaining({ code: expected }));
	};
	it("reads what was written", () => {
		expect(parseVerificationKey(JSON.parse(JSON.stringify(key.verification)))).toEqual(key.verification);
	});
	it("refuses misshapen fields", () => {
		refuse({ schema: "openledger.vkey.v2" }, "key.format");
		refuse({ alpha: ["1"] }, "key.format");
		refuse({ alpha: ["01", "2"] }, "key.format");
		refuse({ ic: key.verification.ic.slice(1) }, "key.format");
		refuse({ development: "yes" }, "key.format");
		expect(() => parseVerificationKey(null)).toThrow(/schema/);
	});
	it("refuses points outside the group", () => {
		refuse({ alpha: ["1", "3"] }, "key.invalid");
		refuse({ alpha: [(BigInt(key.verification.alpha[0]) + Q).toString(), key.verification.alpha[1]] }, "key.invalid");
	});
	it("refuses a key that was never completed", () => {
		const delta = key.verification.gamma;
		refuse({ delta, circuitId: circuitIdOf({ ...key.verification, delta }) }, "key.invalid");
	});
	it("refuses another name", () => {
		refuse({ id: "toy-n6" }, "key.invalid");
	});
});

describe("a failing job", () => {
	const failure = async (change: Partial<Parameters<ProverPool["prove"]>[0]>): Promise<unknown> => {
		return pool.prove({ ...job(), ...change }).catch((thrown: unknown) => thrown);
	};
	/** Number of the line of the circuit that holds a text. */
	const line = (text: string): number => circuit.circuit.source.slice(0, circuit.circuit.source.indexOf(text)).split("\n").length;
	const inputs = (change: Record<string, unknown>): { inputs: never } => ({ inputs: { ...job().inputs, ...change } as never });

	it("names a value outside the table with circom's template and line", async () => {
		const values = [3n, 0n, 16n, 3n, 9n];
		const counts = toyInputs(VALUES, 0n).counts;
		expect(await failure({ ...inputs({ x: values, counts }), words: values })).toMatchObject({
			name: "WitnessError",
			code: "witness.unsatisfied",
			message: expect.stringMatching(`toy-n5.*Toy_\\d+ line: ${line("left === right")}`),
		});
	});
	it("names words that are not those of the circuit", async () => {
		expect(await failure({ words: [3n, 0n, 15n, 3n, 10n] })).toMatchObject({
			message: expect.stringMatching(`line: ${line("horner[0] ===")}`),
		});
	});
	it.each([
		["missing", { x: undefined }, "input.missing"],
		["unknown", { y: 1n }, "input.unknown"],
		["set by the prover", { blind: 1n }, "input.unknown"],
		["too short", { x: [1n] }, "input.size"],
		["too large", { n: R }, "input.range"],
	])("names an input that is %s", async (_, change, expected) => {
		expect(await failure(inputs(change))).toMatchObject({ code: expected });
	});
	it("names public signals that do not follow from the inputs", async () => {
		expect(await failure({ publics: [1n, 100n] })).toMatchObject({
			code: "witness.output",
			message: expect.stringMatching("expected total"),
		});
		expect(await failure({ publics: [R, 100n] })).toMatchObject({ code: "proof.public" });
	});
	it("names a key of another circuit", async () => {
		const other = await compileCircuit(toyCircuit(VALUES.length + 1), { root });
		expect(await failure({ key: await setupDevelopment(other, { root, seed: SEED }) })).toMatchObject({
			name: "KeyError",
			code: "key.foreign",
		});
	});
	it("names a truncated and a missing key", async () => {
		const path = join(root, "cut.zkey");
		await copyFile(key.path, path);
		await truncate(path, (await readFile(path)).length - 100);
		expect(await failure({ key: { ...key, path } })).toMatchObject({ code: "key.truncated" });
		expect(await failure({ key: { ...key, path: join(root, "none.zkey") } })).toMatchObject({ code: "key.missing" });
	});
	it("never hands out a bad proof: an altered byte in the key is found", async () => {
		const path = join(root, "altered.zkey");
		const bytes = await readFile(key.path);
		// In the middle of the H points, which every proof uses.
		const position = bytes.length - Math.floor(bytes.length * 0.75);
		bytes[position] = (bytes[position] as number) ^ 1;
		await writeFile(path, bytes);
		expect(await failure({ key: { ...key, path } })).toMatchObject({ name: "KeyError", code: "key.invalid" });
	});
	it("never hands out a bad proof: a key with two points exchanged is found", async () => {
		const path = join(root, "exchanged.zkey");
		const bytes = await readFile(key.path);
		// Sections follow a head of 12 bytes, each with its number (4 bytes) and length (8); the H points are section 9.
		let at = 12;
		while (bytes.readUInt32LE(at) !== 9) at += 12 + Number(bytes.readBigUInt64LE(at + 4));
		const first = Buffer.from(bytes.subarray(at + 12, at + 76));
		bytes.copy(bytes, at + 12, at + 76, at + 140);
		first.copy(bytes, at + 76);
		await writeFile(path, bytes);
		expect(await failure({ key: { ...key, path } })).toMatchObject({ code: "engine.failed" });
	});
	it("leaves the pool alive", async () => {
		const again = await pool.prove(job());
		expect(() => verifyProof(key.verification, { ...claim, proof: again.proof })).not.toThrow();
	});
});

describe("the pool", () => {
	it("stops a job and goes on", async () => {
		const controller = new AbortController();
		const phases: string[] = [];
		const stopped = pool.prove({
			...job(),
			signal: controller.signal,
			onProgress: (phase) => {
				phases.push(phase);
				if (phase === "prove") controller.abort(new Error("enough"));
			},
		});
		await expect(stopped).rejects.toThrow("enough");
		expect(phases).toEqual(["commit", "witness", "prove"]);
		await expect(pool.prove({ ...job(), signal: AbortSignal.abort(new Error("never")) })).rejects.toThrow("never");
		await expect(pool.prove(job())).resolves.toBeDefined();
	});

	it("makes a batch side by side", async () => {
		const proofs = await Promise.all(Array.from({ length: 4 }, () => pool.prove(job())));
		for (const { proof } of proofs) expect(() => verifyProof(key.verification, { ...claim, proof })).not.toThrow();
	});

	it("refuses jobs after close", async () => {
		const closing = new ProverPool({ workers: 1 });
		const running = closing.prove(job());
		running.catch(() => {});
		await closing.close();
		await expect(running).rejects.toMatchObject({ code: "pool.closed" });
		await expect(closing.prove(job())).rejects.toMatchObject({ code: "pool.closed" });
	});

	it.each(["one", "all"])("lets a process exit by itself without close, engine threads: %s", async (threads) => {
		const script = `
      import { ProverPool } from ${JSON.stringify(new URL("./pool.ts", import.meta.url).href)};
      const big = (_, value) => (typeof value === "string" && /^\\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value);
      const { publics } = await new ProverPool().prove(JSON.parse(process.argv[1], big));
      console.log(publics.join());
    `;
		const text = JSON.stringify({ ...job(), threads }, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
		const child = spawn(process.execPath, ["--input-type=module", "-e", script, text], { stdio: ["ignore", "pipe", "pipe"] });
		let output = "";
		for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
		const ended = await new Promise((resolve) => child.on("close", resolve));
		expect({ output, ended }).toEqual({ output: `${proved.publics.join()}\n`, ended: 0 });
	});
});
