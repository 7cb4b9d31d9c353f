/** The package as somebody else installs it: packed, unpacked into another folder's node_modules, its dependencies linked. */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compilePlain, endSnarkjs, snarkjsKey } from "../../prover/testing/plain.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const CIRCUIT = `pragma circom 2.1.6;
include "circomlib/circuits/bitify.circom";
template Root() { signal input x; signal output y; component bits = Num2Bits(8); bits.in <== x; y <== x * x; }
component main = Root();
`;

interface Result {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

let folder: string;

/** Runs a command in the user's folder. It must end by itself. */
function run(command: string, args: readonly string[], cwd = folder): Promise<Result> {
	const child = spawn(command, args, {
		cwd,
		env: { ...process.env, OPENLEDGER_CACHE: join(folder, "cache") },
		stdio: ["ignore", "pipe", "pipe"],
		shell: process.platform === "win32" && command === "npm",
	});
	let [stdout, stderr] = ["", ""];
	child.stdout.on("data", (chunk: Buffer) => {
		stdout += chunk;
	});
	child.stderr.on("data", (chunk: Buffer) => {
		stderr += chunk;
	});
	return new Promise((resolve, reject) => {
		child.on("error", reject);
		child.on("close", (code) => resolve({ code, stdout, stderr }));
	});
}

async function succeed(command: string, args: readonly string[], cwd?: string): Promise<string> {
	const { code, stdout, stderr } = await run(command, args, cwd);
	if (code !== 0) throw new Error(`succeed: expected ${command} ${args.join(" ")} to exit with 0, got ${code}\n${stdout}${stderr}`);
	return stdout;
}

const openledger = (...args: string[]): Promise<Result> => run("node", ["node_modules/openledger/cli/openledger.mjs", ...args]);

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "openledger-package-"));
	await succeed(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "cli", "build.ts")]);
	await succeed("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], root);
	await succeed("tar", ["-xzf", (await readdir(folder)).find((name) => name.endsWith(".tgz")) as string]);
	const modules = join(folder, "node_modules");
	await mkdir(modules);
	for (const name of await readdir(join(root, "node_modules"))) {
		if (!name.startsWith(".")) await symlink(join(root, "node_modules", name), join(modules, name), "junction");
	}
	await rename(join(folder, "package"), join(modules, "openledger"));
	await writeFile(join(folder, "package.json"), JSON.stringify({ name: "user", version: "1.0.0", type: "module" }));

	const { r1cs, wasm } = await compilePlain(folder, "circuit", CIRCUIT);
	await rename(wasm, join(folder, "circuit.wasm"));
	await writeFile(join(folder, "circuit.zkey"), await snarkjsKey(r1cs, 4));
	await writeFile(join(folder, "input.json"), JSON.stringify({ x: "12" }));
});
afterAll(async () => {
	await endSnarkjs();
	await rm(folder, { recursive: true, force: true });
});

describe("a module of somebody else", () => {
	const SCRIPT = `
import { groth16, ProverError } from "openledger/prover";
import * as snarkjs from "snarkjs";
const made = await groth16.fullProve({ x: 12 }, "circuit.wasm", "circuit.zkey", { threads: "all" });
const key = await groth16.exportVerificationKey("circuit.zkey");
const failure = await groth16.prove("none.zkey", "none.wtns").catch((error) => error);
const results = {
	signals: made.publicSignals,
	here: await groth16.verify(key, made.publicSignals, made.proof),
	altered: await groth16.verify(key, ["143"], made.proof),
	there: await snarkjs.groth16.verify(key, made.publicSignals, made.proof),
	error: [failure instanceof ProverError, failure.code],
};
await globalThis.curve_bn128.terminate();
console.log(JSON.stringify(results));
`;
	const EXPECTED = { signals: ["144"], here: true, altered: false, there: true, error: [true, "witness.missing"] };

	test("proves and verifies, and its process ends", async () => {
		await writeFile(join(folder, "user.mjs"), SCRIPT);
		expect(JSON.parse(await succeed(process.execPath, ["user.mjs"]))).toEqual(EXPECTED);
	});

	test("is told what it needs when its Node is too old", async () => {
		const version = Number((await succeed("node", ["--version"])).match(/\d+/)?.[0]);
		const { code, stderr } = await run("node", ["user.mjs"]);
		expect({ code, stderr }).toEqual(
			version < 22 ? { code: 1, stderr: expect.stringContaining("the engine needs Node 22 or newer") } : { code: 0, stderr: "" },
		);
	});

	test("in TypeScript is checked against the package's types, those of the package included", async () => {
		const lines = [
			'import { type BinaryFile, groth16, type Groth16Proof, type Groth16VerificationKey, ProverError } from "openledger/prover";',
			'const key: BinaryFile = { type: "mem", data: new Uint8Array() };',
			"const { proof, publicSignals }: { proof: Groth16Proof; publicSignals: string[] } = await groth16.prove(key, new Uint8Array(), {",
			'	threads: "one", signal: AbortSignal.timeout(1000), onProgress: ({ phase, done, total }) => console.log(phase, done / total),',
			"});",
			"const verificationKey: Groth16VerificationKey = await groth16.exportVerificationKey(key);",
			"const valid: boolean = await groth16.verify(verificationKey, publicSignals, proof);",
			'if (valid) await groth16.fullProve({ x: [1, "2", [3n]] }, "circuit.wasm", "circuit.zkey");',
			'new ProverError("key.missing", "message").code satisfies string;',
			"// @ts-expect-error a number is no file",
			'await groth16.prove(7, "witness.wtns");',
			"// @ts-expect-error an unknown code",
			'new ProverError("key.lost", "message");',
		];
		await writeFile(join(folder, "user.ts"), `${lines.join("\n")}\n`);
		const compilerOptions = { strict: true, noEmit: true, module: "nodenext", target: "es2023", types: ["node"], skipLibCheck: false };
		await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["user.ts"] }));
		const { code, stdout } = await run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", "."]);
		expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
	});
});

describe("the command", () => {
	test("proves, exports the key, verifies, writes the contract", async () => {
		expect(await openledger("prove", "--zkey", "circuit.zkey", "--input", "input.json", "--wasm", "circuit.wasm")).toMatchObject({
			code: 0,
		});
		expect(JSON.parse(await readFile(join(folder, "public.json"), "utf8"))).toEqual(["144"]);
		expect(await openledger("key", "export", "--zkey", "circuit.zkey")).toMatchObject({ code: 0 });
		const verified = await openledger("verify", "--vkey", "verification_key.json", "proof.json", "public.json");
		expect(verified).toMatchObject({ code: 0, stdout: "the proof is valid\n" });
		expect(await openledger("key", "solidity", "--zkey", "circuit.zkey")).toMatchObject({ code: 0 });
		expect(await readFile(join(folder, "Verifier.sol"), "utf8")).toContain("contract Verifier is PlainGroth16 {");
	});

	test("compiles the package's own circuits", async () => {
		const sizes = ["--rows", "3", "--queries", "2", "--features", "3", "--classes", "3", "--contributors", "2"];
		expect(await openledger("circuit", "compile", "total", ...sizes)).toMatchObject({ code: 0 });
	});

	test("starts no TypeScript: scripts are named by scriptBeside", async () => {
		const dist = join(folder, "node_modules", "openledger", "dist");
		const modules = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith(".js"));
		expect(modules.length).toBeGreaterThan(100);
		const texts = await Promise.all(modules.map(async (name) => [name, await readFile(join(dist, name), "utf8")] as const));
		expect(texts.filter(([, text]) => /new URL\("[^"]*\.ts"/.test(text)).map(([name]) => name)).toEqual([]);
	});

	test("finds what it runs in processes and threads: the compiler, the pool's workers", async () => {
		const script = `
import { compileCircuit } from "./node_modules/openledger/dist/prover/compile.js";
import { ProverPool } from "./node_modules/openledger/dist/prover/pool/pool.js";
import { setupDevelopment } from "./node_modules/openledger/dist/prover/setup.js";
import { toyCircuit, toyInputs } from "./node_modules/openledger/dist/prover/toy.js";
const words = [3n, 5n];
const circuit = await compileCircuit(toyCircuit(2));
const key = await setupDevelopment(circuit);
const { publics } = await new ProverPool().prove({ circuit, key, inputs: toyInputs(words, 7n), context: "0x" + "11".repeat(32), words });
console.log(String(publics));
`;
		await writeFile(join(folder, "pool.mjs"), script);
		expect(await succeed(process.execPath, ["pool.mjs"])).toBe("41,7\n");
	});
});

describe("docs/prover.md", () => {
	test("runs as it stands", async () => {
		const text = await readFile(join(root, "docs", "prover.md"), "utf8");
		const outputs: string[] = [];
		// A file's name stands before it; commands and files alternate as a reader meets them.
		for (const [, name, language, body] of text.matchAll(/(?:`([\w.]+)`:\n\n)?```(\w+)\n([\s\S]*?)```/g)) {
			if (language !== "sh") await writeFile(join(folder, name as string), body as string);
			else for (const line of (body as string).trim().split("\n")) outputs.push(await command(line));
		}
		expect(outputs).toContain("the proof is valid\n");
		expect(outputs).toContainEqual(expect.stringMatching(/snarkJS.*: OK!/));
		expect(outputs.at(-2)).toMatch(/^\[ '33' \] true\nwitness\.missing/);
		expect(outputs.at(-1)).toBe("[ [ 1, 'proof.equation' ] ]\n");
		expect(outputs.length).toBeGreaterThan(10);
	});

	/** Without npx, which asks a registry for what it does not find; and on a Node that is new enough. */
	const PROGRAMS: Record<string, string> = {
		circom2: "circom2/cli.js",
		snarkjs: "snarkjs/build/cli.cjs",
		openledger: "openledger/cli/openledger.mjs",
	};
	function command(line: string): Promise<string> {
		const [program, ...args] = line.split(" ") as [string, ...string[]];
		if (program !== "npx") return succeed(process.execPath, args);
		const [name, ...rest] = args as [string, ...string[]];
		return succeed(process.execPath, [join("node_modules", PROGRAMS[name] as string), ...rest]);
	}

	test("lists every code of the errors that plain proofs have, and no other", async () => {
		const text = await readFile(join(root, "docs", "prover.md"), "utf8");
		const source = await readFile(join(root, "prover", "errors.ts"), "utf8");
		const codes = [...source.matchAll(/\| "([\w.-]+)"/g)].map(([, code]) => code as string);
		const rows = text.split("\n").filter((line) => line.startsWith("| `") && line.includes("."));
		const listed = rows.flatMap((line) =>
			[...(line.split("|")[1] as string).matchAll(/`([a-z0-9]+\.[a-z]+)`/g)].map(([, code]) => code as string),
		);
		expect(codes).toEqual(expect.arrayContaining(listed));
		const families = /^(key|vkey|r1cs|sym|witness|input|engine)\./;
		const elsewhere = ["witness.output"];
		expect(listed).toEqual(expect.arrayContaining(codes.filter((code) => families.test(code) && !elsewhere.includes(code))));
	});
});
