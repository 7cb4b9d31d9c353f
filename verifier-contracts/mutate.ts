// `node verifier-contracts/mutate.ts [NAME ...]`: are the tests of a contract worth anything? Each mutant of test/mutants/NAME.json is one
// exact replacement in src/NAME.sol; the tests test/NAME*.t.sol must fail for it. Exits 1 when one survives. Nothing in the tree is touched.
//
// The tests deploy by artifact (see Test._create), so they are compiled once, and only the mutated contract again. A mutant of a contract that
// is not deployed itself (an abstract one) is exercised through the verifiers of test/vectors/ that extend it.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Artifact, compile, root } from "./solc.ts";

/** One change that a test must notice. */
export interface Mutant {
	/** what the change breaks */
	readonly name: string;
	/** text of the source that is there exactly once */
	readonly replace: string;
	readonly by: string;
}

/** What became of a mutant. */
export interface Verdict {
	readonly name: string;
	readonly killed: boolean;
	/** names of tests that failed before the run was stopped */
	readonly detail: string;
}

/** The suite did not do what it must do before mutants mean anything. */
export class MutationError extends Error {
	override name = "MutationError";
}

/**
 * Runs all mutants of a contract.
 *
 * @param contract name of `src/NAME.sol` and `test/mutants/NAME.json`
 * @param report told of each verdict when it is there
 * @throws MutationError when the list is not usable, or the tests fail without a mutant
 * @throws SolidityError when a mutant does not compile
 */
export async function mutate(contract: string, report: (verdict: Verdict) => void = () => {}): Promise<Verdict[]> {
	const source = await readFile(join(root, "src", `${contract}.sol`), "utf8");
	const mutants = JSON.parse(await readFile(join(root, "test", "mutants", `${contract}.json`), "utf8")) as Mutant[];
	const sources = mutants.map((mutant) => [mutant, mutated(source, mutant)] as const);
	const folder = await mkdtemp(join(tmpdir(), "openledger-mutants-"));
	try {
		const suite = new Suite(contract, folder);
		const healthy = await suite.run();
		if (!healthy.passed) throw new MutationError(`mutate: expected the tests of ${contract} to pass, got\n${healthy.output}`);
		// The same way that mutants go, without a change: shows that a swapped artifact is one that runs.
		await suite.swap(await suite.artifactsOf(source));
		const same = await suite.run();
		if (!same.passed) throw new MutationError(`mutate: expected an equal artifact to pass, got\n${same.output}`);
		await suite.swap(broken(await suite.artifactsOf(source)));
		const none = await suite.run();
		if (none.failed.length === 0)
			throw new MutationError(`mutate: expected the tests of ${contract} to deploy it with _create, got none that do`);
		const verdicts: Verdict[] = [];
		for (const [{ name }, text] of sources) {
			await suite.swap(await suite.artifactsOf(text));
			const { failed } = await suite.run();
			const verdict = { name, killed: failed.length > 0, detail: failed.slice(0, 3).join(", ") };
			verdicts.push(verdict);
			report(verdict);
		}
		return verdicts;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/**
 * A source with one change.
 *
 * @throws MutationError when the text to replace is not there exactly once
 */
export function mutated(source: string, { name, replace, by }: Mutant): string {
	const count = source.split(replace).length - 1;
	if (count !== 1 || replace === by) {
		throw new MutationError(`mutated: expected "${name}" to change one place, got ${replace === by ? "no change" : `${count} places`}`);
	}
	return source.replace(replace, () => by);
}

/** Artifacts that cannot be deployed: whoever deploys them by artifact fails. */
function broken(artifacts: Record<string, Artifact>): Record<string, Artifact> {
	return Object.fromEntries(Object.entries(artifacts).map(([name, artifact]) => [name, { ...artifact, bytecode: "0xfe" }]));
}

/** The names of the tests that forge says failed. An invariant's stands behind the calls that broke it, on a line of its own. */
export function failedTests(output: string): string[] {
	const names = [...output.matchAll(/^\[FAIL[^\n]*\](?:\n\t[^\n]*)*\n? (\w+)/gm)].map(([, name]) => name as string);
	return [...new Set(names)];
}

/** The contracts that have mutants. */
export async function mutatedContracts(): Promise<string[]> {
	return (await readdir(join(root, "test", "mutants"))).map((name) => name.replace(/\.json$/, "")).sort();
}

/** The tests of one contract, compiled in a folder of their own. */
class Suite {
	readonly #contract: string;
	readonly #out: string;

	constructor(contract: string, folder: string) {
		this.#contract = contract;
		this.#out = join(folder, "out");
	}

	/** What the tests deploy of a contract, by name: itself, or if it is abstract the verifiers that extend it. */
	async artifactsOf(source: string): Promise<Record<string, Artifact>> {
		const path = `src/${this.#contract}.sol`;
		const sources: Record<string, string> = { [path]: source };
		if (new RegExp(`^abstract contract ${this.#contract} `, "m").test(source)) {
			const folder = join(root, "test", "vectors");
			const compiled = new Set(await readdir(this.#out));
			for (const file of (await readdir(folder)).filter((name) => compiled.has(name))) {
				const text = await readFile(join(folder, file), "utf8");
				if (new RegExp(`^contract \\w+ is ${this.#contract} `, "m").test(text)) sources[`test/vectors/${file}`] = text;
			}
		}
		const artifacts = Object.values(await compile(sources)).flatMap((file) => Object.values(file));
		return Object.fromEntries(artifacts.filter(({ bytecode }) => bytecode !== "0x").map((artifact) => [artifact.contractName, artifact]));
	}

	/** Puts other contracts in the places of the compiled ones. */
	async swap(artifacts: Record<string, Artifact>): Promise<void> {
		for (const [name, { bytecode, deployedBytecode }] of Object.entries(artifacts)) {
			const path = join(this.#out, `${name}.sol`, `${name}.json`);
			const artifact = JSON.parse(await readFile(path, "utf8"));
			artifact.bytecode.object = bytecode;
			artifact.deployedBytecode.object = deployedBytecode;
			await writeFile(path, JSON.stringify(artifact));
		}
	}

	/** @returns names of failed tests; no failed test and not passed when forge itself broke off */
	async run(): Promise<{ passed: boolean; failed: string[]; output: string }> {
		const args = ["test", "--fail-fast", "--match-path", `verifier-contracts/test/${this.#contract}*.t.sol`];
		const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(root, "forge.ts"), ...args], {
			env: { ...process.env, FOUNDRY_OUT: this.#out, FOUNDRY_CACHE_PATH: join(this.#out, "cache"), NO_COLOR: "1" },
			stdio: ["ignore", "pipe", "pipe"],
		});
		let output = "";
		for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk));
		const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
		const failed = failedTests(output);
		return { passed: code === 0 && failed.length === 0, failed, output };
	}
}

if (import.meta.main) {
	const names = process.argv.length > 2 ? process.argv.slice(2) : await mutatedContracts();
	for (const name of names) {
		const verdicts = await mutate(name, ({ name: mutant, killed, detail }) => {
			console.log(`${killed ? "killed  " : "SURVIVED"}  ${name}: ${mutant}${detail === "" ? "" : ` (${detail})`}`);
		});
		const killed = verdicts.filter((verdict) => verdict.killed).length;
		console.log(`${name}: ${killed} of ${verdicts.length} mutants killed`);
		if (killed < verdicts.length) process.exitCode = 1;
	}
}
