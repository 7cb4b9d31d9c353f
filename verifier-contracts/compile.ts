// Solidity -> artifacts and types. `node verifier-contracts/compile.ts` fills `generated/`; it does nothing when the sources did not change.

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Artifact, compile, outputs, root, SolidityError, settings, version } from "./solc.ts";

/** The contracts that are deployed; each is `src/NAME.sol`. */
export const contractNames = [
	"OpenToken",
	"ProvenanceRegistry",
	"VerifierRouter",
	"StakeVault",
	"Datanets",
	"ContributionRegistry",
	"EpochBook",
	"RewardDistributor",
	"PayoutBook",
	"Reputation",
	"PaymentChannels",
	"Guardian",
	"OpenTimelock",
	"OpenGovernor",
	"Deployer",
	"IVerifier",
] as const;
export type ContractName = (typeof contractNames)[number];

const generated = join(root, "generated");
const stampFile = join(generated, "stamp");

/**
 * The artifacts of all contracts, compiled if `generated/` is missing or older than the sources.
 *
 * @returns contract name -> ABI and bytecode
 * @throws SolidityError when a source does not compile
 */
export async function contracts(): Promise<Record<ContractName, Artifact>> {
	await generate();
	const entries = contractNames.map(async (name) => {
		return [name, JSON.parse(await readFile(join(generated, "abi", `${name}.json`), "utf8"))] as const;
	});
	return Object.fromEntries(await Promise.all(entries)) as Record<ContractName, Artifact>;
}

/**
 * Fills `generated/` (`abi/NAME.json`, `types/`) unless its stamp matches the sources.
 *
 * @returns whether anything was compiled
 * @throws SolidityError when a source does not compile
 */
export async function generate(): Promise<boolean> {
	const sources = await readSources();
	const library = createRequire(import.meta.url)("@openzeppelin/contracts/package.json") as { version: string };
	const inputs = [version, settings, outputs, library.version, contractNames, sources];
	const stamp = createHash("sha256").update(JSON.stringify(inputs)).digest("hex");
	if ((await readFile(stampFile, "utf8").catch(() => "")) === stamp) return false;

	const output = await compile(sources);
	// Written aside and moved as a whole: a reader never sees half of it, and the last of two writers wins.
	const draft = await mkdtemp(join(root, ".generated-"));
	try {
		await mkdir(join(draft, "abi"));
		for (const name of contractNames) {
			const artifact = output[`src/${name}.sol`]?.[name];
			if (artifact === undefined) throw new SolidityError(`generate: src/${name}.sol has no contract ${name}`);
			await writeFile(join(draft, "abi", `${name}.json`), `${JSON.stringify(artifact, null, 1)}\n`);
		}
		await writeTypes(draft);
		await writeFile(join(draft, "stamp"), stamp);
		await rm(generated, { recursive: true, force: true });
		await rename(draft, generated);
	} finally {
		await rm(draft, { recursive: true, force: true });
	}
	return true;
}

/**
 * Compiles verifiers rendered by `template/verifier.ts`, all in one compiler run.
 *
 * @param sources contract name -> source
 * @returns contract name -> artifact
 * @throws SolidityError when a source does not compile or does not define its contract
 */
export async function compileVerifiers(sources: Record<string, string>): Promise<Record<string, Artifact>> {
	const path = (name: string) => `verifiers/${name}.sol`;
	const output = await compile(Object.fromEntries(Object.entries(sources).map(([name, text]) => [path(name), text])));
	const result: Record<string, Artifact> = {};
	for (const name of Object.keys(sources)) {
		const artifact = output[path(name)]?.[name];
		if (artifact === undefined) throw new SolidityError(`compileVerifiers: the source of ${name} has no contract ${name}`);
		result[name] = artifact;
	}
	return result;
}

/**
 * As {@link compileVerifiers} for one contract.
 *
 * @throws SolidityError when the source does not compile or does not define the contract
 */
export async function compileVerifier(source: string, contractName: string): Promise<Artifact> {
	const artifact = (await compileVerifiers({ [contractName]: source }))[contractName];
	if (artifact === undefined) throw new SolidityError(`compileVerifier: no contract ${contractName}`);
	return artifact;
}

async function readSources(): Promise<Record<string, string>> {
	const names = (await readdir(join(root, "src"))).filter((name) => name.endsWith(".sol")).sort();
	const entries = names.map(async (name) => [`src/${name}`, await readFile(join(root, "src", name), "utf8")] as const);
	return Object.fromEntries(await Promise.all(entries));
}

/** Typed ethers v6 bindings from `folder/abi` into `folder/types`. */
async function writeTypes(folder: string): Promise<void> {
	const { runTypeChain } = await import("typechain");
	const files = contractNames.map((name) => join(folder, "abi", `${name}.json`));
	await runTypeChain({
		cwd: folder,
		filesToProcess: files,
		allFiles: files,
		outDir: join(folder, "types"),
		target: "ethers-v6",
		flags: {
			alwaysGenerateOverloads: false,
			discriminateTypes: false,
			tsNocheck: true,
			node16Modules: true,
			environment: undefined,
		},
	});
}

if (import.meta.main) {
	const compiled = await generate();
	process.stderr.write(compiled ? "contracts: compiled\n" : "contracts: unchanged\n");
}
