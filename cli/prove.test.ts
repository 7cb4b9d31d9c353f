/** prove, verify --vkey and key export as a user runs them: exit codes, one clear error, no half-written file. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Q, R, toBytesLE, WORD } from "../prover/bn254.ts";
import { changedSection, compilePlain, endSnarkjs, plainKey, snarkjsKey } from "../prover/testing/plain.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const CIRCUIT = `pragma circom 2.1.6;
template Root() { signal input x; signal input unused; signal output y; signal z; z <== x * unused; y <== x * z; }
component main = Root();
`;

interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

let folder: string;

function openledger(...args: string[]): Promise<Result> {
	const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], {
		cwd: folder,
		stdio: ["ignore", "pipe", "pipe"],
	});
	let [stdout, stderr] = ["", ""];
	child.stdout.on("data", (chunk: Buffer) => {
		stdout += chunk;
	});
	child.stderr.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	return new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
}

const json = async (name: string): Promise<never> => JSON.parse(await readFile(join(folder, name), "utf8")) as never;
const write = (name: string, content: string | Uint8Array): Promise<void> => writeFile(join(folder, name), content);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-prove-"));
	const { r1cs, wasm } = await compilePlain(folder, "root", CIRCUIT);
	const key = await snarkjsKey(r1cs, 3);
	await write("root.zkey", key);
	await write("forgeable.zkey", await plainKey(r1cs, join(folder, "development.zkey")));
	await write("input.json", '{"x": "3", "unused": 4}');
	await snarkjs.wtns.calculate({ x: 3, unused: 4 }, wasm, join(folder, "root.wtns"));
	const witness = await readFile(join(folder, "root.wtns"));
	await write(
		"wrong.wtns",
		changedSection(witness, 2, (values) => values.set(toBytesLE(7n), WORD)),
	);
	await write("cut.zkey", key.subarray(0, -1));
	await write("cut.wtns", witness.subarray(0, -1));
	await write("garbage.json", "{]");
	await write("words.json", '["one"]');
	await mkdir(join(folder, "directory"));
});
afterAll(async () => {
	await endSnarkjs();
	await rm(folder, { recursive: true, force: true });
});

/** One error with its remedy, and nothing on stdout. */
function expectRefusal({ code, stdout, stderr }: Result, exit: number, message: string): void {
	expect({ code, stdout, stderr }).toEqual({ code: exit, stdout: "", stderr: expect.stringContaining(message) });
	expect(stderr.split("\n").filter((line) => line.startsWith("openledger: "))).toHaveLength(1);
	expect(stderr).not.toContain("    at ");
}

describe("prove and verify", () => {
	test("a witness: files that snarkjs verifies, and the key that snarkjs exports", async () => {
		const made = await openledger("prove", "--zkey", "root.zkey", "--wtns", "root.wtns", "--threads", "one");
		expect(made).toMatchObject({ code: 0, stdout: "proof.json and public.json: a valid proof of 1 public signals\n" });
		expect(made.stderr).toMatch(/^prove +6\/6 /m);
		expect(await openledger("key", "export", "--zkey", "root.zkey")).toMatchObject({ code: 0 });
		expect(await json("verification_key.json")).toEqual(await snarkjs.zKey.exportVerificationKey(join(folder, "root.zkey")));
		expect(await snarkjs.groth16.verify(await json("verification_key.json"), await json("public.json"), await json("proof.json"))).toBe(
			true,
		);
		const verified = await openledger("verify", "--vkey", "verification_key.json", "proof.json", "public.json");
		expect(verified).toEqual({ code: 0, stdout: "the proof is valid\n", stderr: "" });
	});

	test("inputs and a program: one JSON object with proof, signals and files", async () => {
		const args = [
			"--zkey",
			"root.zkey",
			"--input",
			"input.json",
			"--wasm",
			join("root_js", "root.wasm"),
			"--r1cs",
			"root.r1cs",
			"--sym",
			"root.sym",
		];
		const { code, stdout } = await openledger(
			"prove",
			...args,
			"--proof",
			join("made", "p.json"),
			"--public",
			join("made", "s.json"),
			"--json",
		);
		const { schema, ok, result } = JSON.parse(stdout);
		expect({ code, schema, ok }).toEqual({ code: 0, schema: "openledger.prove.v1", ok: true });
		expect(result).toMatchObject({
			publicSignals: ["36"],
			files: { proof: join(folder, "made", "p.json"), public: join(folder, "made", "s.json") },
		});
		expect(await json("made/p.json")).toEqual(result.proof);
		expect((await readdir(join(folder, "made"))).sort()).toEqual(["p.json", "s.json"]);
	});

	test("an altered proof: 1, with the reason", async () => {
		await write("altered.json", '["37"]');
		const altered = await openledger("verify", "--vkey", "verification_key.json", "proof.json", "altered.json");
		expect(altered).toMatchObject({
			code: 1,
			stdout: expect.stringContaining("the proof is invalid: verify: expected the pairing equation"),
		});
		await write("high.json", JSON.stringify([(36n + R).toString()]));
		const { code, stdout } = await openledger("verify", "--vkey", "verification_key.json", "proof.json", "high.json", "--json");
		expect(code).toBe(1);
		expect(JSON.parse(stdout)).toMatchObject({
			schema: "openledger.verify-proof.v1",
			ok: true,
			result: { valid: false, forgeable: false, reason: { code: "proof.public" } },
		});
		const proof: { pi_a: string[] } = await json("proof.json");
		await write("off.json", JSON.stringify({ ...proof, pi_a: ["1", (Q - 1n).toString(), "1"] }));
		const off = await openledger("verify", "--vkey", "verification_key.json", "off.json", "public.json", "--json");
		expect(JSON.parse(off.stdout).result.reason.code).toBe("proof.point");
	});

	test("a key that nobody contributed to is said to be one", async () => {
		const made = await openledger("key", "export", "--zkey", "forgeable.zkey", "--out", "forgeable.json");
		expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("INSECURE") });
		const { code, stdout } = await openledger("verify", "--vkey", "forgeable.json", "proof.json", "public.json");
		expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("INSECURE") });
	});
});

describe("prove refuses, and writes nothing", () => {
	const prove = (...args: string[]): Promise<Result> => openledger("prove", "--proof", "none.json", "--public", "none2.json", ...args);
	test.each<[string, string[], number, string]>([
		["a violated constraint", ["--zkey", "root.zkey", "--wtns", "wrong.wtns", "--r1cs", "root.r1cs", "--sym", "root.sym"], 3, "main.y = 7"],
		["a witness that is cut off", ["--zkey", "root.zkey", "--wtns", "cut.wtns"], 3, "cut.wtns to have at least"],
		["a witness that is not there", ["--zkey", "root.zkey", "--wtns", "no.wtns"], 3, "no.wtns"],
		["inputs that are no JSON", ["--zkey", "root.zkey", "--input", "garbage.json", "--wasm", "root_js/root.wasm"], 3, "got no JSON"],
		["inputs that are not there", ["--zkey", "root.zkey", "--input", "no.json", "--wasm", "root_js/root.wasm"], 3, "no.json"],
		["inputs of another circuit", ["--zkey", "root.zkey", "--input", "words.json", "--wasm", "root_js/root.wasm"], 3, "signal name"],
		["a key that is cut off", ["--zkey", "cut.zkey", "--wtns", "root.wtns"], 4, "cut.zkey to have at least"],
		["a folder as key", ["--zkey", "directory", "--wtns", "root.wtns"], 4, "a folder"],
		["constraints that are not there", ["--zkey", "root.zkey", "--wtns", "root.wtns", "--r1cs", "no.r1cs"], 4, "no.r1cs"],
		["a folder as proof", ["--zkey", "root.zkey", "--wtns", "root.wtns", "--proof", "directory"], 3, "a folder of this name"],
		["no witness", ["--zkey", "root.zkey"], 2, "expected a witness, or inputs"],
		["inputs without a program", ["--zkey", "root.zkey", "--input", "input.json"], 2, "expected a witness, or inputs"],
		["both", ["--zkey", "root.zkey", "--wtns", "root.wtns", "--input", "input.json"], 2, "got both"],
		["names without constraints", ["--zkey", "root.zkey", "--wtns", "root.wtns", "--sym", "root.sym"], 2, "--sym alone"],
		["one file for both results", ["--zkey", "root.zkey", "--wtns", "root.wtns", "--public", "./none.json"], 2, "got one"],
	])("%s", async (_, args, exit, message) => {
		const before = await readdir(folder);
		expectRefusal(await prove(...args), exit, message);
		expect(await readdir(folder)).toEqual(before);
	});
});

describe("verify and key export refuse", () => {
	test.each<[string, string[], number, string]>([
		["a proof that is no JSON", ["verify", "--vkey", "verification_key.json", "garbage.json", "public.json"], 3, "got no JSON"],
		["a proof that is none", ["verify", "--vkey", "verification_key.json", "words.json", "public.json"], 3, "expected a proof"],
		["public signals that are words", ["verify", "--vkey", "verification_key.json", "proof.json", "words.json"], 3, "decimal numbers"],
		["a key that is none", ["verify", "--vkey", "public.json", "proof.json", "public.json"], 3, "expected a verification key"],
		["a key that is not there", ["verify", "--vkey", "no.json", "proof.json", "public.json"], 3, "no.json"],
		["a folder as proof", ["verify", "--vkey", "verification_key.json", "directory", "public.json"], 3, "directory"],
		[
			"a proof without public signals",
			["verify", "--vkey", "verification_key.json", "proof.json"],
			2,
			"expected a proof and its public signals",
		],
		[
			"a chain with a proof",
			["verify", "--vkey", "verification_key.json", "proof.json", "public.json", "--rpc", "http://x"],
			2,
			"no chain",
		],
		["two folders", ["verify", "directory", "directory"], 2, "expected one folder"],
		["a damaged key to export", ["key", "export", "--zkey", "cut.zkey", "--out", "no.json"], 4, "cut.zkey"],
	])("%s", async (_, args, exit, message) => {
		const before = await readdir(folder);
		expectRefusal(await openledger(...args), exit, message);
		expect(await readdir(folder)).toEqual(before);
	});
});
