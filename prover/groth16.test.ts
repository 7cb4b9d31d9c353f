import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { mod, Q, R, toBytesLE, WORD } from "./bn254.ts";
import { Machine } from "./engine/machine.ts";
import { type BinaryFile, groth16, type ProofWithSignals, type ProveProgress, ProverError } from "./groth16.ts";
import { readR1cs } from "./r1cs.ts";
import { CHAIN, SQUARE } from "./testing/circuits.ts";
import {
	type CircuitFiles,
	changed,
	changedSection,
	compilePlain,
	endSnarkjs,
	pointOutsideSubgroup,
	sectionOf,
	snarkjsKey,
} from "./testing/plain.ts";
import { SECTION } from "./zkey.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const INPUT = {
	x: [
		[1, "2"],
		[3n, -4],
	],
	y: "0x5",
};

let root: string;
let files: CircuitFiles;
let other: CircuitFiles;
let key: Uint8Array;
let witness: Uint8Array;
let good: ProofWithSignals;
let verificationKey: { IC: string[][] } & Record<string, unknown>;
/** Another curve's files. */
let bls: { readonly files: CircuitFiles; readonly key: Uint8Array; readonly witness: Uint8Array };

async function calculate(wasm: string, input: unknown): Promise<Uint8Array> {
	const wtns = { type: "mem" as const, data: new Uint8Array() };
	await snarkjs.wtns.calculate(input, wasm, wtns);
	return wtns.data;
}

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-groth16-"));
	files = await compilePlain(root, "chain", CHAIN);
	other = await compilePlain(root, "other", SQUARE);
	key = await snarkjsKey(files.r1cs, 6);
	witness = await calculate(files.wasm, INPUT);
	good = await groth16.prove(key, witness);
	verificationKey = structuredClone(await groth16.exportVerificationKey(key)) as unknown as typeof verificationKey;
	const blsFiles = await compilePlain(root, "bls", SQUARE, ["--prime", "bls12381"]);
	bls = { files: blsFiles, key: await snarkjsKey(blsFiles.r1cs, 3, "bls12381"), witness: await calculate(blsFiles.wasm, { x: 3 }) };
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
	await endSnarkjs();
	await rm(root, { recursive: true, force: true });
});

/** A witness with one wire changed. */
const altered = (wire: number, value: bigint): Uint8Array =>
	changedSection(witness, 2, (values) => values.set(toBytesLE(value), wire * WORD));

/** The same as a key stores it. */
function outsideSubgroupBytes(): Uint8Array {
	const { x, y } = pointOutsideSubgroup();
	return Buffer.concat([x.c0, x.c1, y.c0, y.c1].map((value) => toBytesLE(mod(value << 256n, Q))));
}

const snarkjsVerify = (key: unknown, signals: unknown, proof: unknown): Promise<boolean> =>
	snarkjs.groth16.verify(key, signals as string[], proof);

describe("prove", () => {
	it("takes files as snarkjs does, and makes proofs that snarkjs verifies, on one thread and on all", async () => {
		const [keyPath, witnessPath] = [join(root, "chain.zkey"), join(root, "chain.wtns")];
		await writeFile(keyPath, key);
		await writeFile(witnessPath, witness);
		const sources: [BinaryFile, BinaryFile][] = [
			[keyPath, witnessPath],
			[key, witness],
			[
				{ type: "mem", data: key },
				{ type: "mem", data: witness },
			],
			[
				{ type: "file", fileName: keyPath },
				{ type: "file", fileName: witnessPath },
			],
		];
		for (const [index, [zkey, wtns]] of sources.entries()) {
			const made = await groth16.prove(zkey, wtns, { threads: index % 2 === 0 ? "all" : "one" });
			expect(made.publicSignals).toEqual(good.publicSignals);
			expect(await snarkjsVerify(verificationKey, made.publicSignals, made.proof)).toBe(true);
		}
		const theirs = await snarkjs.groth16.prove(key, witness);
		expect(await groth16.verify(verificationKey, theirs.publicSignals, theirs.proof)).toBe(true);
		expect(Object.keys(good.proof).sort()).toEqual(Object.keys(theirs.proof).sort());
	});

	it("says how far it is", async () => {
		const seen: ProveProgress[] = [];
		await groth16.fullProve(INPUT, files.wasm, key, { onProgress: (progress) => seen.push(progress) });
		expect([...new Set(seen.map(({ phase }) => phase))]).toEqual(["witness", "prove", "check"]);
		for (const phase of ["witness", "prove", "check"]) {
			const steps = seen.filter((progress) => progress.phase === phase);
			expect(steps.map(({ done }) => done)).toEqual(steps.map(({ done }) => done).toSorted((a, b) => a - b));
			expect(steps.at(-1)?.done).toBe(steps.at(-1)?.total);
		}
	});

	it.each(["one", "all"] as const)("stops when it is told to, and works again, threads: %s", async (threads) => {
		await expect(groth16.prove(key, witness, { threads, signal: AbortSignal.abort(new Error("before")) })).rejects.toThrow("before");
		for (const phase of ["prove", "check"]) {
			const controller = new AbortController();
			const onProgress = (progress: ProveProgress): void => {
				if (progress.phase === phase) controller.abort(new Error("enough"));
			};
			const stopped = groth16.prove(key, witness, { threads, signal: controller.signal, onProgress });
			// A proof that is already being checked is finished.
			if (phase === "prove") await expect(stopped).rejects.toThrow("enough");
			else await stopped;
		}
		expect((await groth16.prove(key, witness, { threads })).publicSignals).toEqual(good.publicSignals);
	});

	it("hands out no proof of an engine that miscalculates", async () => {
		const kernel = Machine.prototype.kernel;
		let faults = 1;
		vi.spyOn(Machine.prototype, "kernel").mockImplementation(function (this: Machine, name) {
			if (name !== "fr_quotient" || faults === 0) return kernel.call(this, name);
			faults--;
			return (a, b, c, half, out) => {
				const result = kernel.call(this, name)(a as number, b as number, c as number, half as number, out as number);
				this.bytes[out as number] = (this.bytes[out as number] as number) ^ 1;
				return result;
			};
		});
		await expect(groth16.prove(key, witness)).rejects.toMatchObject({
			code: "engine.failed",
			message: expect.stringContaining("second one passes"),
		});
	});
});

describe("memory that is refused", () => {
	it("is named, and the next proof works", async () => {
		const path = join(root, "memory.zkey");
		await writeFile(path, key);
		vi.spyOn(Buffer, "allocUnsafeSlow").mockImplementation((size) => {
			throw new RangeError(`Array buffer allocation failed: ${size}`);
		});
		await expect(groth16.prove(path, witness, { threads: "one" })).rejects.toMatchObject({
			code: "engine.memory",
			hint: expect.stringMatching(/memory/),
		});
		vi.restoreAllMocks();
		expect((await groth16.prove(path, witness)).publicSignals).toEqual(good.publicSignals);
	});
});

describe("a witness that violates a constraint", () => {
	const code = "witness.unsatisfied";
	/** Wire of a signal. */
	async function wireOf(name: string): Promise<number> {
		const line = (await readFile(files.sym, "utf8")).split("\n").find((entry) => entry.endsWith(`,main.${name}`)) as string;
		return Number(line.split(",")[1]);
	}

	it("has no proof", async () => {
		await expect(groth16.prove(key, altered(await wireOf("ratio"), 7n))).rejects.toMatchObject({
			code,
			name: "WitnessError",
			hint: expect.stringContaining(".r1cs"),
		});
	});

	it("is told which, by wires, and by names when there are any", async () => {
		const ratio = await wireOf("ratio");
		const end = BigInt(good.publicSignals[0] as string);
		const wrong = altered(ratio, 7n);
		const { a: left, b: right, c: product, nConstraints } = await readR1cs(files.r1cs);
		const uses = (row: number): boolean =>
			[left, right, product].some(({ starts, wires }) => wires.subarray(starts[row], starts[row + 1]).includes(ratio));
		const [constraint, ...others] = Array.from({ length: nConstraints }, (_, row) => row).filter(uses);
		expect(others).toEqual([]);
		for (const [sym, name] of [
			[undefined, `wire ${ratio}`],
			[files.sym, "main.ratio"],
			[await readFile(files.sym), "main.ratio"],
		] as const) {
			const options = { r1cs: files.r1cs, ...(sym === undefined ? {} : { sym }) };
			const failure = await groth16.prove(key, wrong, options).catch((error: ProverError) => error);
			expect(failure).toMatchObject({ code, message: expect.stringContaining(`violates constraint ${constraint}: `) });
			const { message } = failure as ProverError;
			// circom writes the constraint as it likes, with either sign on each form.
			const forms = /\((\d+)\) \* \((\d+)\) is not (\d+), with/.exec(message) as RegExpExecArray;
			const [a, b, c] = forms.slice(1).map(BigInt) as [bigint, bigint, bigint];
			expect(new Set([a, R - a, b, R - b]), message).toEqual(new Set([5n, R - 5n, 7n, R - 7n]));
			expect([end, R - end]).toContain(c);
			expect(message).toContain(`${name} = 7`);
			expect(message).not.toContain("fail in all");
		}
	});

	it("is told the first of several", async () => {
		const wrong = changedSection(witness, 2, (values) => values.fill(3, 10 * WORD));
		await expect(
			groth16.prove(
				key,
				changedSection(wrong, 2, (values) => mask(values)),
				{ r1cs: files.r1cs },
			),
		).rejects.toMatchObject({
			code,
			message: expect.stringMatching(/violates constraint \d+: .*; \d+ constraints fail in all/),
		});
	});

	it("is not blamed when the key is of another circuit of the same size", async () => {
		const sibling = await compilePlain(root, "sibling", CHAIN.replace("+ x[1][1]", "+ 2 * x[1][1]"));
		const theirs = await calculate(sibling.wasm, INPUT);
		await expect(groth16.prove(key, theirs, { r1cs: sibling.r1cs })).rejects.toMatchObject({ code: "key.foreign" });
		await expect(groth16.prove(key, theirs)).rejects.toMatchObject({ code });
	});

	it("is refused by circom's assertions first, with template and line", async () => {
		const asserted = await compilePlain(root, "asserted", SQUARE.replace("y <== x * x;", "y <== x * x; assert(x == 3);"));
		const foreignKey = await snarkjsKey(asserted.r1cs, 3);
		await groth16.fullProve({ x: 3 }, asserted.wasm, foreignKey);
		await expect(groth16.fullProve({ x: 4 }, asserted.wasm, foreignKey)).rejects.toMatchObject({
			code,
			message: expect.stringMatching(/template T.*line: 1/i),
		});
	});

	/** Brings all wires below r. */
	function mask(values: Buffer): void {
		for (let i = WORD - 1; i < values.length; i += WORD) values[i] = (values[i] as number) & 0x0f;
	}
});

describe("prove refuses", () => {
	const text = Buffer.from('{"protocol": "groth16", "curve": "bn128"}');
	const empty = new Uint8Array();
	const header = (change: (content: Buffer) => void) => (): Uint8Array => changedSection(key, SECTION.header, change);

	it.each<[string, () => BinaryFile, string]>([
		["a key that is cut off", () => key.subarray(0, -1), "key.truncated"],
		["an empty key", () => empty, "key.truncated"],
		["no key but text", () => text, "key.format"],
		["no key but a witness", () => witness, "key.format"],
		["no key but constraints", () => files.r1cs, "key.format"],
		["a key over another curve", () => bls.key, "key.format"],
		["a key that is not there", () => join(root, "none.zkey"), "key.missing"],
		["a folder as key", () => root, "key.missing"],
		["memory without content as key", () => ({ type: "mem" }), "key.missing"],
		["a number as key", () => 7 as unknown as string, "key.missing"],
		["alpha off the curve", header((content) => content.writeUInt8(content.readUInt8(84) ^ 1, 84)), "key.invalid"],
		["beta outside the subgroup", header((content) => content.set(outsideSubgroupBytes(), 212)), "key.invalid"],
		["gamma outside the subgroup", header((content) => content.set(outsideSubgroupBytes(), 340)), "key.invalid"],
		["delta outside the subgroup", header((content) => content.set(outsideSubgroupBytes(), 532)), "key.invalid"],
		[
			"an IC point off the curve",
			() => changedSection(key, SECTION.ic, (content) => content.writeUInt8(content.readUInt8(64) ^ 1, 64)),
			"key.invalid",
		],
		[
			"a B point outside the subgroup",
			() => changedSection(key, SECTION.b2, (content) => content.set(outsideSubgroupBytes(), 128 * 3)),
			"key.invalid",
		],
	])("%s", async (_, zkey, code) => {
		await expect(groth16.prove(zkey(), witness, { threads: "one" })).rejects.toMatchObject({
			code,
			message: expect.stringContaining("expected"),
		});
	});

	it("a point of the key that was replaced by another good one", async () => {
		for (const section of [SECTION.ic, SECTION.a, SECTION.b1, SECTION.c, SECTION.h]) {
			const { bytes } = sectionOf(key, section);
			const damaged = changedSection(key, section, (content) => content.copy(content, bytes - 64, bytes - 128, bytes - 64));
			await expect(groth16.prove(damaged, witness, { r1cs: files.r1cs }), `section ${section}`).rejects.toMatchObject({
				code: "key.foreign",
			});
		}
	});

	it.each<[string, () => BinaryFile | Promise<BinaryFile>, string]>([
		["a witness that is cut off", () => witness.subarray(0, -1), "witness.truncated"],
		["an empty witness", () => empty, "witness.truncated"],
		["no witness but text", () => text, "witness.format"],
		["no witness but a key", () => key, "witness.format"],
		["a witness over another curve", () => bls.witness, "witness.format"],
		["a witness with an empty header", () => changed(witness, (copy) => copy.writeUInt32LE(9, 12)), "witness.format"],
		["a witness of another circuit", () => calculate(other.wasm, { x: 3 }), "key.foreign"],
		["a public signal that is r", () => altered(1, R), "witness.range"],
		["a public signal that is the largest number", () => altered(1, 2n ** 256n - 1n), "witness.range"],
		["a private wire that is r", () => altered(20, R), "witness.range"],
		["a witness that is not there", () => join(root, "none.wtns"), "witness.missing"],
		["a folder as witness", () => root, "witness.missing"],
		["memory without content as witness", () => ({ type: "mem" }), "witness.missing"],
	])("%s", async (_, wtns, code) => {
		await expect(groth16.prove(key, await wtns())).rejects.toMatchObject({ code, message: expect.stringContaining("expected") });
	});

	it.each<[string, () => BinaryFile | Promise<BinaryFile>, string]>([
		["constraints that are cut off", async () => (await readFile(files.r1cs)).subarray(0, -1), "r1cs.truncated"],
		["empty constraints", () => empty, "r1cs.truncated"],
		["no constraints but text", () => text, "r1cs.format"],
		["no constraints but a key", () => key, "r1cs.format"],
		["constraints over another curve", () => bls.files.r1cs, "r1cs.format"],
		["constraints of another circuit", () => other.r1cs, "r1cs.foreign"],
		["constraints that are not there", () => join(root, "none.r1cs"), "r1cs.missing"],
		["a folder as constraints", () => root, "r1cs.missing"],
		[
			"constraints on a wire that does not exist",
			async () => changedSection(await readFile(files.r1cs), 2, (content) => content.writeUInt32LE(1 << 20, 4)),
			"r1cs.format",
		],
		[
			"constraints with a row longer than the file",
			async () => changedSection(await readFile(files.r1cs), 2, (content) => content.writeUInt32LE(2 ** 32 - 1, 0)),
			"r1cs.format",
		],
	])("%s", async (_, r1cs, code) => {
		const options = { r1cs: await r1cs() };
		// Another circuit's constraints are told from this one's by their number of wires, when they are needed.
		await expect(groth16.prove(key, altered(2, 7n), options)).rejects.toMatchObject({ code, message: expect.stringContaining("expected") });
	});

	it("a symbol table that is not there, or a folder, before it is needed", async () => {
		for (const sym of [join(root, "none.sym"), root]) {
			await expect(groth16.prove(key, witness, { r1cs: files.r1cs, sym })).rejects.toMatchObject({ code: "sym.missing" });
		}
	});

	it("files that cannot be read", async () => {
		const folder = join(root, "unreadable");
		await mkdir(folder);
		const circle = join(folder, "circle");
		await symlink(circle, circle);
		const locked = join(folder, "locked");
		await writeFile(locked, key);
		await chmod(locked, 0);
		const paths = [circle, join(files.r1cs, "below-a-file")];
		// The superuser may read everything.
		if (process.getuid?.() !== 0 && process.platform !== "win32") paths.push(locked);
		// A file whose first byte no process can read.
		if (process.platform === "linux") paths.push("/proc/self/mem");
		for (const path of paths) {
			await expect(groth16.prove(path, witness), path).rejects.toMatchObject({ code: "key.missing" });
			await expect(groth16.prove(key, path), path).rejects.toMatchObject({ code: "witness.missing" });
			await expect(groth16.prove(key, witness, { r1cs: path }), path).rejects.toMatchObject({ code: "r1cs.missing" });
		}
	});

	it("damage anywhere by name, or not at all", async () => {
		let state = 1n;
		const random = (below: number): number => {
			state = (state * 6364136223846793005n + 1442695040888963407n) & (2n ** 64n - 1n);
			return Number((state >> 33n) % BigInt(below));
		};
		const attempt = async (zkey: Uint8Array, wtns: Uint8Array, r1cs: Uint8Array): Promise<string> => {
			try {
				const { proof, publicSignals } = await groth16.prove(zkey, wtns, { r1cs, threads: "one" });
				expect(await groth16.verify(verificationKey, publicSignals, proof)).toBe(true);
				return "none";
			} catch (error) {
				if (error instanceof ProverError) return error.code;
				throw error;
			}
		};
		const r1cs = await readFile(files.r1cs);
		const originals = [key, witness, r1cs] as const;
		const codes = new Set<string>();
		for (let round = 0; round < 60; round++) {
			const which = round % 3;
			const original = originals[which] as Uint8Array;
			// The first half of the rounds aims at heads, which decide how the rest is read.
			const at = random(round < 30 ? 100 : original.length);
			const damaged = round % 4 === 0 ? original.subarray(0, at) : changed(original, (copy) => copy.writeUInt8(random(256), at));
			const [zkey, wtns, constraints] = originals.map((file, i) => (i === which ? damaged : file)) as [Uint8Array, Uint8Array, Uint8Array];
			codes.add(await attempt(zkey, wtns, constraints));
		}
		expect([...codes].length).toBeGreaterThan(6);
	});
});

describe("fullProve", () => {
	it("proves what snarkjs proves from the same inputs", async () => {
		const { publicSignals } = await snarkjs.groth16.fullProve(INPUT, files.wasm, key);
		for (const wasm of [files.wasm, await readFile(files.wasm), { type: "mem", data: await readFile(files.wasm) } as const]) {
			const made = await groth16.fullProve(INPUT, wasm, key);
			expect(made.publicSignals).toEqual(publicSignals);
			expect(await snarkjsVerify(verificationKey, made.publicSignals, made.proof)).toBe(true);
		}
	});

	it.each<[string, unknown, string]>([
		["no object", [1, 2], "input.format"],
		["null", null, "input.format"],
		["a word", { ...INPUT, y: "five" }, "input.format"],
		["a fraction", { ...INPUT, y: 0.5 }, "input.format"],
		["a number that JSON has rounded", { ...INPUT, y: 2 ** 60 }, "input.format"],
		["an empty string", { ...INPUT, y: "" }, "input.format"],
		["null in an array", { ...INPUT, x: [1, 2, 3, null] }, "input.format"],
		["an object in an array", { ...INPUT, x: [1, 2, 3, {}] }, "input.format"],
		["a public input that is r", { ...INPUT, y: R }, "input.range"],
		["a public input that is -r", { ...INPUT, y: -R }, "input.range"],
		["a signal too many", { ...INPUT, z: 1 }, "input.unknown"],
		["a signal too few", { x: INPUT.x }, "input.missing"],
		["a value too many", { ...INPUT, y: [5, 5] }, "input.size"],
		["a value too few", { ...INPUT, x: [1, 2, 3] }, "input.size"],
	])("refuses %s", async (_, input, code) => {
		await expect(groth16.fullProve(input as typeof INPUT, files.wasm, key)).rejects.toMatchObject({ code, name: "WitnessError" });
	});

	it.each<[string, () => BinaryFile]>([
		["nothing", () => join(root, "none.wasm")],
		["a folder", () => root],
		["no WebAssembly", () => key],
		["another WebAssembly", () => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)],
		["a program over another curve", () => bls.files.wasm],
	])("refuses %s as witness program", async (_, wasm) => {
		await expect(groth16.fullProve({ x: 3 }, wasm(), key)).rejects.toMatchObject({ code: "witness.program" });
	});

	it("refuses a program of another circuit than the key's", async () => {
		await expect(groth16.fullProve({ x: 3 }, other.wasm, key)).rejects.toMatchObject({ code: "key.foreign" });
	});
});

describe("exportVerificationKey", () => {
	it("writes what snarkjs writes", async () => {
		expect(verificationKey).toEqual(await snarkjs.zKey.exportVerificationKey(key));
		expect(Object.keys(verificationKey)).toEqual(Object.keys((await snarkjs.zKey.exportVerificationKey(key)) as object));
	});

	it("refuses a damaged key", async () => {
		for (const [file, code] of [
			[key.subarray(0, -1), "key.truncated"],
			[bls.key, "key.format"],
			[changedSection(key, SECTION.protocol, (content) => content.writeUInt32LE(2, 0)), "key.format"],
			[changedSection(key, SECTION.header, (content) => content.writeUInt32LE(5, 76)), "key.format"],
			[changedSection(key, SECTION.header, (content) => content.set(outsideSubgroupBytes(), 340)), "key.invalid"],
		] as const) {
			await expect(groth16.exportVerificationKey(file)).rejects.toMatchObject({ code });
		}
	});
});
