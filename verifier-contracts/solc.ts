// The pinned Solidity compiler and the settings that every contract here is compiled with. One place, because the bytecode that
// voters compare before a verifier is registered depends on each of them.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The folder of this file, with `src/` beside it. */
export const root: string = import.meta.dirname;

/** The compiler version that the sources are pinned to. */
export const version = "0.8.37";

/** Standard-JSON settings; `foundry.toml` repeats them for the tests. */
export const settings = {
	evmVersion: "cancun",
	optimizer: { enabled: true, runs: 1000 },
	viaIR: true,
	// No metadata hash: equal sources give equal bytecode wherever they lie.
	metadata: { bytecodeHash: "none", appendCBOR: false },
} as const;

/** What is asked of the compiler for each contract. */
export const outputs: readonly string[] = [
	"abi",
	"evm.bytecode.object",
	"evm.deployedBytecode.object",
	"evm.deployedBytecode.immutableReferences",
];

/** One entry of a contract ABI, as in the Solidity documentation. */
export type AbiItem = { readonly type: string; readonly name?: string } & Record<string, unknown>;

/** Bytes of a contract's code. */
export interface Place {
	readonly start: number;
	readonly length: number;
}

/** What deploying, calling and recognising a contract takes. Bytecodes are 0x-prefixed hex. */
export interface Artifact {
	readonly contractName: string;
	readonly abi: readonly AbiItem[];
	readonly bytecode: `0x${string}`;
	/** zero where immutables will stand */
	readonly deployedBytecode: `0x${string}`;
	/** the compiler's number of an immutable -> every place where its value stands in the deployed code */
	readonly immutables: Readonly<Record<string, readonly Place[]>>;
}

interface Compiled {
	abi: AbiItem[];
	evm: { bytecode: { object: string }; deployedBytecode: { object: string; immutableReferences?: Record<string, Place[]> } };
}

interface Output {
	errors?: { severity: string; formattedMessage: string }[];
	contracts?: Record<string, Record<string, Compiled>>;
}

/** The compiler found a fault in a source. The message is the compiler's own. */
export class SolidityError extends Error {
	override name = "SolidityError";
}

/**
 * Compiles sources that may import each other, `src/` of this folder and npm packages.
 *
 * @param sources path -> Solidity source; relative imports are resolved against the path
 * @returns path -> contract name -> artifact, for the given paths only
 * @throws SolidityError when the compiler reports an error or another compiler version is installed
 */
export async function compile(sources: Record<string, string>): Promise<Record<string, Record<string, Artifact>>> {
	const solc = await load();
	if (!solc.version().startsWith(`${version}+`)) {
		throw new SolidityError(`compile: expected solc ${version}, got ${solc.version()}`);
	}
	const require = createRequire(import.meta.url);
	const input = {
		language: "Solidity",
		sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
		settings: {
			...settings,
			outputSelection: { "*": { "*": outputs } },
		},
	};
	const findImports = (path: string) => {
		try {
			const file = path.startsWith("@") ? require.resolve(path) : join(root, path);
			return { contents: readFileSync(file, "utf8") };
		} catch (cause) {
			return { error: `import ${path}: ${cause instanceof Error ? cause.message : String(cause)}` };
		}
	};
	const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImports })) as Output;
	const faults = (output.errors ?? []).filter((fault) => fault.severity === "error");
	if (faults.length > 0) throw new SolidityError(faults.map((fault) => fault.formattedMessage).join("\n"));

	const result: Record<string, Record<string, Artifact>> = {};
	for (const path of Object.keys(sources)) {
		result[path] = {};
		for (const [contractName, contract] of Object.entries(output.contracts?.[path] ?? {})) {
			result[path][contractName] = {
				contractName,
				abi: contract.abi,
				bytecode: `0x${contract.evm.bytecode.object}`,
				deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
				immutables: contract.evm.deployedBytecode.immutableReferences ?? {},
			};
		}
	}
	return result;
}

/** The compiler, without the handler for unhandled rejections that its runtime leaves in the process: errors are the program's own business. */
async function load() {
	const before = new Set(process.listeners("unhandledRejection"));
	const solc = (await import("solc")).default;
	for (const listener of process.listeners("unhandledRejection")) {
		if (!before.has(listener)) process.off("unhandledRejection", listener);
	}
	return solc;
}
