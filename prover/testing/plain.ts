/** Circuits, keys and proofs as other people make them, for tests: circom's files, ordinary snarkjs keys, snarkjs' proofs. */
import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bn254 } from "@noble/curves/bn254.js";
import { groth16 } from "snarkjs";
import { R } from "../bn254.ts";
import type { CompiledCircuit } from "../compile.ts";
import { loadFfjavascript } from "../engine.ts";
import { deriveSecrets } from "../setup/secrets.ts";
import { writeDevelopmentKey } from "../setup.ts";
import { SECTION } from "../zkey.ts";

const packages = dirname(dirname(createRequire(import.meta.url).resolve("circom2/package.json")));

/** What circom writes. */
export interface CircuitFiles {
	readonly r1cs: string;
	readonly wasm: string;
	readonly sym: string;
}

/** The blinding values of a proof, in `[0, r)`. */
export interface Blinding {
	readonly r: bigint;
	readonly s: bigint;
}

/**
 * Compiles a circuit of any kind.
 * @param folder where the files go
 * @param source includes are looked up in the folder of npm packages, and in what packages include by file name alone
 * @param flags such as `--prime bls12381`
 */
export async function compilePlain(folder: string, name: string, source: string, flags: readonly string[] = []): Promise<CircuitFiles> {
	await mkdir(folder, { recursive: true });
	const path = join(folder, `${name}.circom`);
	await writeFile(path, source);
	const circom = fileURLToPath(new URL("../circom.ts", import.meta.url));
	const libraries = ["", "circomlib/circuits", "@zk-kit/binary-merkle-root.circom/src"]
		.map((library) => join(packages, library))
		.flatMap((library) => ["-l", library]);
	const args = ["--disable-warning=ExperimentalWarning", circom, "--r1cs", "--wasm", "--sym", ...flags, ...libraries, "-o", folder, path];
	const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
	let output = "";
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding("utf8").on("data", (text: string) => {
			output += text;
		});
	}
	const code = await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
	if (code !== 0) throw new Error(`compilePlain: expected circom to accept ${name}, got\n${output}`);
	return { r1cs: join(folder, `${name}.r1cs`), wasm: join(folder, `${name}_js`, `${name}.wasm`), sym: join(folder, `${name}.sym`) };
}

/**
 * An ordinary key from known secrets: a development key whose section C is made whole.
 * @param r1cs constraints of any circuit
 * @param path where the development key goes
 */
export async function plainKey(r1cs: string, path: string): Promise<Uint8Array> {
	const circuit = { statement: "foreign", id: "foreign", publics: [], links: [], hasWords: false, source: "" };
	const compiled = { r1cs, circuit, digest: "" } as unknown as CompiledCircuit;
	// With delta = 1 the points of section 100 are what an ordinary key has in section 8.
	await writeDevelopmentKey(path, compiled, { ...deriveSecrets("test"), delta: 1n }, { threads: 1 });
	return uncommitted(await readFile(path));
}

/** A key with delta = 1 and the C points of private inputs, as snarkjs makes it. */
export function uncommitted(key: Uint8Array): Uint8Array {
	const result = Uint8Array.from(key);
	const from = sectionOf(key, SECTION.commitment);
	result.set(key.subarray(from.start, from.start + from.bytes), sectionOf(key, SECTION.c).start);
	return result;
}

/** Where the content of a section of a .zkey, .wtns or .r1cs starts, and its length. */
export function sectionOf(file: Uint8Array, id: number): { start: number; bytes: number } {
	const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
	let position = 12;
	for (let i = 0; i < bytes.readUInt32LE(8); i++) {
		const size = Number(bytes.readBigUInt64LE(position + 4));
		if (bytes.readUInt32LE(position) === id) return { start: position + 12, bytes: size };
		position += 12 + size;
	}
	throw new RangeError(`sectionOf: expected a section ${id}, got none`);
}

/** A copy with some bytes changed. */
export function changed(file: Uint8Array, change: (copy: Buffer) => void): Uint8Array {
	const copy = Buffer.from(file);
	change(copy);
	return copy;
}

/** A copy with some bytes of a section changed. */
export function changedSection(file: Uint8Array, id: number, change: (content: Buffer) => void): Uint8Array {
	const { start, bytes } = sectionOf(file, id);
	return changed(file, (copy) => change(copy.subarray(start, start + bytes)));
}

/** A point of the twist outside the subgroup, in affine coordinates. */
export function pointOutsideSubgroup(): { x: { c0: bigint; c1: bigint }; y: { c0: bigint; c1: bigint } } {
	const { Fp2 } = bn254.fields;
	for (let i = 1n; ; i++) {
		const x = Fp2.fromBigTuple([i, 1n]);
		const square = Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b);
		try {
			const y = Fp2.sqrt(square);
			if (!bn254.G2.Point.fromAffine({ x, y }).isTorsionFree()) return { x, y };
		} catch {
			// No square: no point has this x.
		}
	}
}

interface SnarkjsCurve {
	readonly Fr: { random(): unknown; e(value: bigint): unknown };
	terminate(): Promise<void>;
}
let curve: Promise<SnarkjsCurve> | undefined;

/** What snarkjs makes with these blinding values. Not to be called twice at once. */
export async function snarkjsProof(key: Uint8Array, witness: Uint8Array, { r, s }: Blinding): ReturnType<typeof groth16.prove> {
	curve ??= loadFfjavascript().then(({ buildBn128 }) => buildBn128(false) as unknown as Promise<SnarkjsCurve>);
	const { Fr } = await curve;
	const values = [r, s];
	const { random } = Fr;
	Fr.random = () => Fr.e((values.shift() ?? 0n) % R);
	try {
		return await groth16.prove({ type: "mem", data: key }, { type: "mem", data: witness });
	} finally {
		Fr.random = random;
	}
}

/** Ends snarkjs' threads. */
export async function endSnarkjs(): Promise<void> {
	const { curve_bn128, curve_bls12381 } = globalThis as { curve_bn128?: SnarkjsCurve; curve_bls12381?: SnarkjsCurve };
	await Promise.all([curve_bn128?.terminate(), curve_bls12381?.terminate()]);
	curve = undefined;
}

/** What a small ceremony needs of snarkjs. */
interface SnarkjsSetup {
	readonly curves: { getCurveFromName(name: string): Promise<SnarkjsCurve> };
	readonly powersOfTau: {
		newAccumulator(curve: SnarkjsCurve, power: number, ptau: Memory): Promise<unknown>;
		contribute(from: Memory, to: Memory, name: string, entropy: string): Promise<unknown>;
		preparePhase2(from: Memory, to: Memory): Promise<unknown>;
	};
	readonly zKey: {
		newZKey(r1cs: string, ptau: Memory, zkey: Memory): Promise<unknown>;
		contribute(from: Memory, to: Memory, name: string, entropy: string): Promise<unknown>;
	};
}
interface Memory {
	readonly type: "mem";
	data: Uint8Array;
}

/**
 * A key from snarkjs alone: powers of tau and phase 2, a contribution each. 2^6 takes 2 CPU seconds.
 * @param power log2 of the domain
 * @param curveName snarkjs' name
 */
export async function snarkjsKey(r1cs: string, power: number, curveName = "bn128"): Promise<Uint8Array> {
	await loadFfjavascript();
	const { curves, powersOfTau, zKey } = (await import("snarkjs")) as unknown as SnarkjsSetup;
	const [fresh, contributed, prepared, initial, final] = Array.from(
		{ length: 5 },
		(): Memory => ({ type: "mem", data: new Uint8Array() }),
	) as [Memory, Memory, Memory, Memory, Memory];
	const named = await curves.getCurveFromName(curveName);
	await powersOfTau.newAccumulator(named, power, fresh);
	await powersOfTau.contribute(fresh, contributed, "one", "entropy of a test");
	await powersOfTau.preparePhase2(contributed, prepared);
	await zKey.newZKey(r1cs, prepared, initial);
	await zKey.contribute(initial, final, "one", "entropy of a test");
	return final.data;
}
