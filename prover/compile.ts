/**
 * From a circuit's source text to the three files that keys and witnesses need: constraints, witness program, symbols.
 *
 * circom runs in a process of its own: it is WebAssembly that takes up to 4 GB and never gives memory back, and a
 * process can be stopped. What it builds is cached under a digest of all source text, the compiler and its flags.
 *
 * A committed proof commits to *every* private input, by wire number. circom -O1 drops an input that is unused, equal to
 * another signal or equal to a constant, and then still counts it in the header of the .r1cs: the wires after it would be
 * taken for inputs. So such a circuit is refused here, with the name of the input.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Circuit } from "../circuits/circuit.ts";
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "./artefact.ts";
import { ArtefactError, CompileError } from "./errors.ts";
import { readR1csHeader } from "./r1cs.ts";
import { scriptBeside } from "./script.ts";

/** One input of the main component; arrays are flat, row major, on consecutive wires. */
export interface InputSignal {
	readonly name: string;
	/** first wire */
	readonly wire: number;
	/** number of field elements */
	readonly size: number;
	readonly visibility: "public" | "private";
}

/** Sizes of a compiled circuit. */
export interface CircuitCounts {
	readonly nonLinear: number;
	readonly linear: number;
	/** all wires, with the constant 1 */
	readonly wires: number;
	/** public signals, outputs included, without the constant 1 */
	readonly nPublic: number;
	readonly nPrivateInputs: number;
}

/** A circuit with its built files. Plain data: it can be sent to a worker. */
export interface CompiledCircuit {
	readonly circuit: Circuit;
	/** SHA-256 over sources, compiler and flags, hex; names the files in the cache */
	readonly digest: string;
	/** absolute path of the constraints */
	readonly r1cs: string;
	/** absolute path of the witness program */
	readonly wasm: string;
	/** absolute path of the symbol table */
	readonly sym: string;
	readonly counts: CircuitCounts;
	readonly inputs: readonly InputSignal[];
	/** names of the public signals that the circuit computes; they come first among the publics */
	readonly outputs: readonly string[];
	/** what `circom --inspect` had to say, one line each */
	readonly warnings: readonly string[];
}

/** Where sources are looked up and built files go. */
export interface CompileOptions {
	/** folders for includes; default: `circuits/` of this package and the folder of npm packages */
	readonly libraries?: readonly string[];
	readonly root?: string;
	readonly signal?: AbortSignal;
}

const FLAGS = ["--r1cs", "--wasm", "--sym", "--O1", "--inspect"];
const FORMAT = 1;
const CIRCOM = fileURLToPath(scriptBeside(import.meta.url, "circom"));
const require = createRequire(import.meta.url);

/** Where a circuit's sources are and how its files are named. */
interface Location {
	readonly root: string;
	readonly libraries: readonly string[];
	readonly digest: string;
}

async function locate(circuit: Circuit, options: CompileOptions): Promise<Location> {
	const root = options.root ?? cacheRoot();
	const packages = dirname(dirname(require.resolve("circom2/package.json")));
	const libraries = options.libraries ?? [fileURLToPath(new URL("../circuits", import.meta.url)), packages];
	const version: string = require("circom2/package.json").version;
	return { root, libraries, digest: await sourceDigest(circuit, libraries, version) };
}

/**
 * Takes a circuit from the cache.
 * @returns undefined when these sources were not compiled yet
 * @throws ArtefactError
 */
export async function findCompiled(circuit: Circuit, options: CompileOptions = {}): Promise<CompiledCircuit | undefined> {
	return fromCache(circuit, await locate(circuit, options));
}

async function fromCache(circuit: Circuit, { root, digest }: Location): Promise<CompiledCircuit | undefined> {
	const found = await findArtefact("circuit", digest, root);
	if (found) {
		const files = await Promise.all((["r1cs", "wasm", "sym"] as const).map((kind) => findArtefact(kind, digest, root)));
		if (files.every((file) => file !== undefined)) {
			return { ...JSON.parse(await readFile(found.path, "utf8")), circuit, ...paths(digest, root) };
		}
	}
	return undefined;
}

/**
 * Compiles a circuit, or takes it from the cache.
 * @returns files, sizes and the names and wires of all inputs
 * @throws CompileError `compile.failed` with circom's own words; `compile.interface` when the public signals are not
 *   `[...publics, ...links, evaluation, challenge]` or there is no private scalar `blind`; `compile.input-dropped`
 * @throws ArtefactError, `artefact.disk-full` among them; the signal's reason
 */
export async function compileCircuit(circuit: Circuit, options: CompileOptions = {}): Promise<CompiledCircuit> {
	const location = await locate(circuit, options);
	const known = await fromCache(circuit, location);
	if (known) return known;
	const { root, libraries, digest } = location;

	await mkdir(root, { recursive: true });
	const folder = await mkdtemp(join(root, "compile-"));
	try {
		await writeFile(join(folder, "main.circom"), circuit.source);
		const { output, warnings } = await runCircom(circuit.id, folder, libraries, options.signal);
		const built = {
			r1cs: join(folder, "main.r1cs"),
			wasm: join(folder, "main_js", "main.wasm"),
			sym: join(folder, "main.sym"),
		};
		const header = await readR1csHeader(built.r1cs);
		const symbols = await readInterface(built.sym, header.nOutputs + header.nPublicInputs + header.nPrivateInputs);
		const facts = {
			digest,
			counts: {
				nonLinear: count(output, "non-linear constraints"),
				linear: count(output, "linear constraints"),
				wires: header.nWires,
				nPublic: header.nOutputs + header.nPublicInputs,
				nPrivateInputs: header.nPrivateInputs,
			},
			...checkInterface(circuit, symbols, header),
			warnings,
		};
		const publish = { root, ...(options.signal ? { signal: options.signal } : {}) };
		for (const kind of ["r1cs", "wasm", "sym"] as const) {
			await publishArtefact(kind, digest, (path) => copyFile(built[kind], path), publish);
		}
		// Last: whoever finds this record finds the files too.
		await publishArtefact("circuit", digest, (path) => writeFile(path, JSON.stringify(facts)), publish);
		return { ...facts, circuit, ...paths(digest, root) };
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function paths(digest: string, root: string): { r1cs: string; wasm: string; sym: string } {
	return {
		r1cs: artefactPath("r1cs", digest, root),
		wasm: artefactPath("wasm", digest, root),
		sym: artefactPath("sym", digest, root),
	};
}

/** Hashes the main text and, in order of first use, every included file. Paths do not enter: the digest is the same on every machine. */
async function sourceDigest(circuit: Circuit, libraries: readonly string[], version: string): Promise<string> {
	const hash = createHash("sha256");
	hash.update(JSON.stringify([FORMAT, version, FLAGS, circuit.publics, circuit.links, circuit.hasWords, circuit.source]));
	const seen = new Set<string>();
	const visit = async (text: string, folders: readonly string[], from: string): Promise<void> => {
		const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/[^\n]*/g, "");
		for (const [, name] of code.matchAll(/\binclude\s*"([^"]+)"/g)) {
			const file = await firstReadable(folders.map((folder) => join(folder, name as string)));
			if (file === undefined) {
				throw new CompileError("compile.failed", `compileCircuit: expected include "${name}" of ${from}, got no such file`, {
					hint: `looked in ${folders.join(", ")}`,
				});
			}
			hash.update(JSON.stringify([name, seen.has(file.path) ? "again" : file.text]));
			if (seen.has(file.path)) continue;
			seen.add(file.path);
			await visit(file.text, [dirname(file.path), ...libraries], file.path);
		}
	};
	await visit(circuit.source, libraries, circuit.id);
	return hash.digest("hex");
}

async function firstReadable(files: readonly string[]): Promise<{ path: string; text: string } | undefined> {
	for (const path of files) {
		const text = await readFile(path, "utf8").catch(() => undefined);
		if (text !== undefined) return { path, text };
	}
	return undefined;
}

async function runCircom(
	id: string,
	folder: string,
	libraries: readonly string[],
	signal: AbortSignal | undefined,
): Promise<{ output: string; warnings: string[] }> {
	const args = [...FLAGS, ...libraries.flatMap((library) => ["-l", library]), "-o", folder, join(folder, "main.circom")];
	// Node calls its WASI experimental; what comes out is compared with circom's own counts and names.
	const node = ["--disable-warning=ExperimentalWarning", CIRCOM];
	const child = spawn(process.execPath, [...node, ...args], { stdio: ["ignore", "pipe", "pipe"], ...(signal ? { signal } : {}) });
	let output = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		output += text;
	});
	child.stderr.setEncoding("utf8").on("data", (text: string) => {
		output += text;
	});
	const code = await new Promise<number | null>((resolve, reject) => {
		// After an abort the process is still ending and may still write: wait for its end before the folder is removed.
		let failure: Error | undefined;
		child.on("error", (error) => {
			failure = error;
			if (child.pid === undefined) reject(error);
		});
		child.on("close", (status) => (failure ? reject(signal?.aborted ? signal.reason : failure) : resolve(status)));
	});
	// biome-ignore lint/suspicious/noControlCharactersInRegex: circom colours its messages
	const plain = output.replace(/\u001b\[[0-9;]*m/g, "").replaceAll(folder, "");
	if (plain.includes("Could not write the output")) {
		// circom does not say why; its folder is a fresh one of ours, so what is left is the disk.
		throw new ArtefactError("artefact.disk-full", `compileCircuit: expected space for the files of ${id} in ${dirname(folder)}, got none`, {
			hint: "free some space, or set OPENLEDGER_CACHE to a folder on another disk",
		});
	}
	if (code !== 0 || !plain.includes("Everything went okay")) {
		throw new CompileError("compile.failed", `compileCircuit: expected circom to accept ${id}, got\n${plain.trim()}`, {
			hint: "the lines above are circom's own; line numbers of main.circom are those of the circuit's source text",
		});
	}
	return { output: plain, warnings: plain.split("\n").filter((line) => line.startsWith("warning[")) };
}

function count(output: string, label: string): number {
	return Number(new RegExp(`^${label}: (\\d+)`, "m").exec(output)?.[1] ?? Number.NaN);
}

interface Symbol {
	readonly wire: number;
	readonly name: string;
}

/** Reads the first `signals` lines of the table: outputs, public and private inputs of the main component. */
async function readInterface(path: string, signals: number): Promise<Symbol[]> {
	const symbols: Symbol[] = [];
	if (signals === 0) return symbols;
	const stream = createReadStream(path, "utf8");
	for await (const line of createInterface({ input: stream })) {
		const [, wire, , name] = line.split(",");
		symbols.push({ wire: Number(wire), name: (name as string).replace(/^main\./, "") });
		if (symbols.length === signals) break;
	}
	stream.destroy();
	return symbols;
}

function checkInterface(
	circuit: Circuit,
	symbols: readonly Symbol[],
	header: { readonly nOutputs: number; readonly nPublicInputs: number },
): { inputs: InputSignal[]; outputs: string[] } {
	const nPublic = header.nOutputs + header.nPublicInputs;
	const publics = symbols.slice(0, nPublic).map((symbol) => symbol.name);
	const expected = [...circuit.publics, ...circuit.links, ...(circuit.hasWords ? ["evaluation"] : []), "challenge"];
	if (publics.join() !== expected.join()) {
		throw new CompileError(
			"compile.interface",
			`compileCircuit: expected ${circuit.id} to have the public signals ${expected.join(", ")}, got ${publics.join(", ")}`,
			{ hint: "circom puts outputs first, then public inputs in the order of their declaration" },
		);
	}
	symbols.forEach((symbol, index) => {
		if (symbol.wire !== index + 1) {
			throw new CompileError(
				"compile.input-dropped",
				`compileCircuit: expected ${circuit.id} to keep ${symbol.name} on wire ${index + 1}, got ` +
					(symbol.wire < 0 ? "none: circom dropped the signal" : `wire ${symbol.wire}`),
				{
					hint: "an unused input, or one that equals another signal or a constant, is dropped and cannot be committed: use it in a non-trivial constraint or remove it",
				},
			);
		}
	});
	const inputs: InputSignal[] = [];
	symbols.slice(header.nOutputs).forEach((symbol, index) => {
		const name = symbol.name.replace(/\[.*$/, "");
		const last = inputs.at(-1);
		if (last?.name === name) inputs[inputs.length - 1] = { ...last, size: last.size + 1 };
		else {
			const wire = header.nOutputs + 1 + index;
			inputs.push({ name, wire, size: 1, visibility: wire <= nPublic ? "public" : "private" });
		}
	});
	if (!inputs.some((input) => input.name === "blind" && input.size === 1 && input.visibility === "private")) {
		throw new CompileError("compile.interface", `compileCircuit: expected ${circuit.id} to have a private scalar input "blind", got none`, {
			hint: "without it the commitment does not hide the private inputs",
		});
	}
	return { inputs, outputs: publics.slice(0, header.nOutputs) };
}
