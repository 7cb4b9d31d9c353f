/**
 * Gas of verification: transactions straight to a verifier, for one proof and for batches, committed and plain. The proofs are made from the secrets
 * of keys, and good under them; each run has other proofs, whose words and public signals have 32 bytes, the dearest calldata.
 */
import { type Contract, ContractFactory, Wallet } from "ethers";
import { startDevnet } from "../ledger/devnet.ts";
import { connect } from "../ledger/node.ts";
import { field, simulate, toys } from "../ledger/testing/simulator.ts";
import { Trapdoor } from "../prover/testing/trapdoor.ts";
import { compileVerifiers } from "../verifier-contracts/compile.ts";
import type { Artifact } from "../verifier-contracts/solc.ts";
import { renderPlainVerifier } from "../verifier-contracts/template/plain.ts";
import { renderVerifier } from "../verifier-contracts/template/verifier.ts";
import { atMost, type Case } from "./bench.ts";

const RUNS = 3;

/** Gas a proof that may be asked, by proofs in a transaction. Four pairings a plain proof, five a committed one. */
const PLAIN: Readonly<Record<number, number>> = { 1: 214_000, 4: 97_000, 16: 64_500, 64: 56_000 };
const COMMITTED: Readonly<Record<number, number>> = { 1: 290_000, 4: 131_000, 16: 87_500, 64: 76_500 };

export async function verifierGas(): Promise<Case[]> {
	const trapdoor = new Trapdoor("gas", 1);
	const compiled = await compileVerifiers({
		Plain: renderPlainVerifier(trapdoor.plainKey, "Plain"),
		Committed: renderVerifier(toys.contribution.key, "Committed"),
	});
	const devnet = await startDevnet({ accounts: 1 });
	try {
		const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
		const sender = new Wallet(devnet.keys[0] as string, provider);
		const [plain, committed] = [await deployed(compiled.Plain, sender), await deployed(compiled.Committed, sender)];
		const cases: Case[] = [];
		for (const [count, bound] of entries(PLAIN)) {
			const runs = await repeat((name) => {
				const items = Array.from({ length: count }, (_, i) => plainItem(trapdoor, `${name}/${i}`));
				const [first] = items as [(typeof items)[0]];
				return count === 1
					? gas(sender, plain, "verify", [first.publics, first.a, first.b, first.c], 1)
					: gas(sender, plain, "verifyBatch", [items.flatMap(({ publics }) => publics), items], count);
			});
			cases.push(atMost("verifier: plain proof", `${count} in a transaction, 1 public signal`, "gas", runs, bound, NOTE));
		}
		for (const [count, bound] of entries(COMMITTED)) {
			const runs = await repeat((name) => {
				const items = Array.from({ length: count }, (_, i) => committedItem(`${name}/${i}`));
				const [first] = items as [(typeof items)[0]];
				return count === 1
					? gas(sender, committed, "verify", [first.context, first.publics, [], first.proof], 1)
					: gas(sender, committed, "verifyBatch", [items, []], count);
			});
			cases.push(atMost("verifier: committed proof", `${count} in a transaction, 3 public signals`, "gas", runs, bound, NOTE));
		}
		return cases;
	} finally {
		await devnet.close();
	}
}

const NOTE = "a proof, of the whole transaction with intrinsic gas and calldata";

function entries(bars: Readonly<Record<number, number>>): [number, number][] {
	return Object.entries(bars).map(([count, bound]) => [Number(count), bound]);
}

async function repeat(run: (name: string) => Promise<number>): Promise<number[]> {
	const runs: number[] = [];
	for (let i = 0; i < RUNS; i++) runs.push(await run(`run ${i}`));
	return runs;
}

/** Gas of a transaction that succeeds, for each of its proofs. */
async function gas(sender: Wallet, contract: Contract, method: string, args: readonly unknown[], count: number): Promise<number> {
	const data = contract.interface.encodeFunctionData(method, args);
	const sent = await sender.sendTransaction({ to: await contract.getAddress(), data });
	const receipt = await sent.wait();
	if (receipt?.status !== 1) throw new Error(`gas: expected ${method} of ${count} proofs to pass, got a refusal`);
	return Math.round(Number(receipt.gasUsed) / count);
}

async function deployed(artifact: Artifact | undefined, sender: Wallet): Promise<Contract> {
	if (artifact === undefined) throw new Error("deployed: expected a compiled verifier, got none");
	const contract = await new ContractFactory(artifact.abi as never, artifact.bytecode, sender).deploy();
	return (await contract.waitForDeployment()) as Contract;
}

function plainItem(trapdoor: Trapdoor, name: string) {
	const { proof, publicSignals } = trapdoor.plainProof([field(name)], name);
	const [a, b, c] = [proof.pi_a.slice(0, 2), proof.pi_b.slice(0, 2).map((pair) => pair.toReversed()), proof.pi_c.slice(0, 2)];
	return { publics: publicSignals, a, b, c };
}

function committedItem(name: string) {
	const context = `0x${field(`${name} context`).toString(16).padStart(64, "0")}`;
	const publics = [field(`${name} rows`), field(`${name} statistics`), field(`${name} n`)];
	return { context, publics, links: [], words: [], proof: simulate({ toy: toys.contribution, context, publics }) };
}
