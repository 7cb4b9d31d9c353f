/** The code of docs/integrators.md, to the letter. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Contract, ContractFactory, Interface, type TransactionReceipt, type Wallet } from "ethers";
import { type Artifact, compile, root } from "../../verifier-contracts/solc.ts";

const guide = fileURLToPath(new URL("../../docs/integrators.md", import.meta.url));

/** Blocks of the guide in one language, in order. */
export async function blocks(language: string): Promise<string[]> {
	const text = await readFile(guide, "utf8");
	return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, code]) => code as string);
}

/** The Solidity block that defines a contract. */
export async function contractBlock(name: string): Promise<string> {
	const found = (await blocks("solidity")).filter((code) => code.includes(`contract ${name} `));
	if (found.length !== 1) throw new Error(`contractBlock: expected one block of the guide with ${name}, got ${found.length}`);
	return found[0] as string;
}

/** Compiles blocks as a project would that has the package in its node_modules. */
export async function compileBlocks(sources: Record<string, string>): Promise<Record<string, Artifact>> {
	const files = Object.fromEntries(Object.entries(sources).map(([name, text]) => [`contracts/${name}.sol`, text]));
	for (const name of ["IVerifier", "VerifierRouter", "BN254"]) {
		files[`openledger/verifier-contracts/src/${name}.sol`] = await readFile(join(root, "src", `${name}.sol`), "utf8");
	}
	const output = await compile(files);
	return Object.fromEntries(Object.keys(sources).map((name) => [name, output[`contracts/${name}.sol`]?.[name] as Artifact]));
}

/** Deploys a compiled contract. */
export async function deployed({ abi, bytecode }: Artifact, signer: Wallet, args: readonly unknown[], value = 0n): Promise<Contract> {
	const contract = await new ContractFactory(abi as never, bytecode, signer).deploy(...args, { value });
	return (await contract.waitForDeployment()) as Contract;
}

/** Sends a transaction and waits for its receipt. */
export async function send(contract: Contract, signer: Wallet, method: string, args: readonly unknown[], value = 0n) {
	const sent = await (contract.connect(signer) as Contract).getFunction(method).send(...args, { value });
	return (await sent.wait()) as TransactionReceipt;
}

/** What a transaction would return or revert with. */
export function ask(contract: Contract, signer: Wallet, method: string, args: readonly unknown[]): Promise<unknown> {
	return (contract.connect(signer) as Contract).getFunction(method).staticCall(...args);
}

/** The error that a transaction would revert with, as one of the contracts names it. */
export async function refusal(artifacts: readonly Artifact[], ...transaction: Parameters<typeof ask>): Promise<string> {
	const error = await ask(...transaction).then(
		() => new Error("refusal: expected the call to revert, got none"),
		(cause) => cause,
	);
	const { data } = error as { data?: unknown };
	for (const { abi } of artifacts) {
		const found = typeof data === "string" ? new Interface(abi as never).parseError(data) : null;
		if (found) return `${found.name}(${found.args.join(", ")})`;
	}
	throw error;
}
