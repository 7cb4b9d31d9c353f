/** docs/integrators.md, section 2 and 3: the guide's contracts, real proofs of a real circuit on a chain, and the ways in which others lost money. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Contract, type JsonRpcProvider, parseEther, type TransactionReceipt, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { randomRows, SMALL_SET, sampleEpoch } from "../../cli/attack/samples.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { R } from "../../prover/bn254.ts";
import { compileCircuit } from "../../prover/compile.ts";
import { ProverPool } from "../../prover/pool/pool.ts";
import { toCalldata } from "../../prover/proof.ts";
import { setupDevelopment } from "../../prover/setup.ts";
import { compileVerifiers, contracts } from "../../verifier-contracts/compile.ts";
import { type Artifact, root } from "../../verifier-contracts/solc.ts";
import { renderVerifier } from "../../verifier-contracts/template/verifier.ts";
import { ask, blocks, compileBlocks, contractBlock, deployed, refusal, send } from "./guide.ts";

const BOUNTY = parseEther("1");
const pool = new ProverPool({ workers: 1 });

let devnet: Devnet;
let buyer: Wallet;
let payee: Wallet;
let thief: Wallet;
let artifacts: Artifact[];
let pay: Contract;
let batch: Contract;
let other: Contract;
let folder: string;
let contextOf: (chainId: number, contract: string, payee: string) => `0x${string}`;

/** A proof of rows that differ by seed, for one contract and payee. */
let prove: (seed: bigint, contract: Contract, who: Wallet) => Promise<{ publics: bigint[]; proof: ReturnType<typeof toCalldata> }>;

beforeAll(async () => {
	const { contribution } = sampleEpoch(1n).statements;
	const instance = (seed: bigint) =>
		contributionInstance(contribution, randomRows(seed, SMALL_SET.rows, SMALL_SET.d, SMALL_SET.k, 1), seed);
	const circuit = await compileCircuit(instance(1n).circuit);
	const key = await setupDevelopment(circuit);

	devnet = await startDevnet({ accounts: 4 });
	const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
	const [owner, ...people] = devnet.keys.map((secret) => new Wallet(secret, provider)) as [Wallet, Wallet, Wallet];
	[payee, thief] = people as [Wallet, Wallet];
	const { VerifierRouter } = await contracts();
	const { Verifier } = await compileVerifiers({ Verifier: renderVerifier(key.verification, "Verifier") });
	const router = await deployed(VerifierRouter, owner, [owner.address, owner.address, []]);
	const verifier = await deployed(Verifier as Artifact, owner, []);
	await send(router, owner, "register", [await verifier.getAddress()]);

	const guide = await compileBlocks({ PayOnProof: await contractBlock("PayOnProof"), PayOnBatch: await contractBlock("PayOnBatch") });
	artifacts = [...Object.values(guide), VerifierRouter, Verifier as Artifact];
	const args = [await router.getAddress(), key.verification.circuitId];
	pay = await deployed(guide.PayOnProof as Artifact, owner, args);
	other = await deployed(guide.PayOnProof as Artifact, owner, args);
	batch = await deployed(guide.PayOnBatch as Artifact, owner, args);
	buyer = owner;

	// The guide's module finds ethers as a user's would: from a folder beside node_modules' packages.
	folder = await mkdtemp(join(root, "..", "node_modules", ".guide-"));
	const [module] = await blocks("js");
	await writeFile(join(folder, "context.mjs"), module as string);
	({ contextOf } = await import(/* @vite-ignore */ pathToFileURL(join(folder, "context.mjs")).href));

	prove = async (seed, contract, who) => {
		const { inputs } = instance(seed);
		const context = contextOf(devnet.chainId, await contract.getAddress(), who.address);
		const { publics, proof } = await pool.prove({ circuit, key, inputs, context, words: [] });
		return { publics, proof: toCalldata(proof) };
	};
}, 300_000);

afterAll(async () => {
	await pool.close();
	await devnet?.close();
	if (folder) await rm(folder, { recursive: true, force: true });
});

const offer = (contract: Contract, rowsCommit: unknown) => send(contract, buyer, "offer", [rowsCommit], BOUNTY);
const balance = (who: Wallet) => (who.provider as JsonRpcProvider).getBalance(who.address);
const cost = ({ gasUsed, gasPrice }: TransactionReceipt) => gasUsed * gasPrice;

describe("PayOnProof", () => {
	test("pays on a valid proof, once", async () => {
		const { publics, proof } = await prove(1n, pay, payee);
		const claim = [pay, payee, "claim", [publics, proof]] as const;
		expect(await refusal(artifacts, ...claim)).toBe(`NothingOffered(${publics[0]})`);
		await offer(pay, publics[0]);
		const before = await balance(payee);
		const receipt = await send(...claim);
		expect(await balance(payee)).toBe(before + BOUNTY - cost(receipt));
		expect(await refusal(artifacts, ...claim), "replay").toBe(`NothingOffered(${publics[0]})`);
	});

	test("says the context that the guide's module says", async () => {
		expect(await ask(pay, payee, "contextOf", [payee.address])).toBe(contextOf(devnet.chainId, await pay.getAddress(), payee.address));
	});

	test("refuses another sender, another contract, altered publics and an altered proof, and pays nobody", async () => {
		const { publics, proof } = await prove(2n, pay, payee);
		await offer(pay, publics[0]);
		await offer(other, publics[0]);
		const refused = (contract: Contract, who: Wallet, values: readonly bigint[], points: unknown = proof) =>
			refusal(artifacts, contract, who, "claim", [values, points]);
		expect(await refused(pay, thief, publics)).toBe("ProofRejected()");
		expect(await refused(other, payee, publics)).toBe("ProofRejected()");
		const [rows, statistics, n] = publics as [bigint, bigint, bigint];
		expect(await refused(pay, payee, [rows + 1n, statistics, n])).toBe("ProofRejected()");
		expect(await refused(pay, payee, [rows, statistics, n + 1n])).toBe("ProofRejected()");
		expect(await refused(pay, payee, [rows + R, statistics, n])).toBe(`PublicNotInField(0, ${rows + R})`);
		expect(await refused(pay, payee, [rows, statistics])).toBe("PublicCount(3, 2)");
		expect(await refused(pay, payee, publics, { ...proof, c: proof.a })).toBe("ProofRejected()");
		expect(await refused(pay, payee, publics, { ...proof, c: [proof.c[0], proof.c[1] + 1n] })).toBe("PointInvalid()");
		expect(await (buyer.provider as JsonRpcProvider).getBalance(await pay.getAddress())).toBe(BOUNTY);
		await send(pay, payee, "claim", [publics, proof]);
	});
});

describe("PayOnBatch", () => {
	test("pays for all of a batch or for none", async () => {
		const made = [await prove(3n, batch, payee), await prove(4n, batch, payee), await prove(5n, batch, payee)];
		const context = contextOf(devnet.chainId, await batch.getAddress(), payee.address);
		const items = made.map((one) => ({ ...one, context, links: [], words: [] }));
		for (const { publics } of made) await offer(batch, publics[0]);
		const refused = (who: Wallet, list: unknown) => refusal(artifacts, batch, who, "claimBatch", [list]);
		expect(await refused(thief, items)).toBe("ContextDiffers(0)");
		const stolen = contextOf(devnet.chainId, await batch.getAddress(), thief.address);
		expect(
			await refused(
				thief,
				items.map((item) => ({ ...item, context: stolen })),
			),
		).toBe("ProofRejected()");
		expect(await refused(payee, [items[0], items[1], items[1]])).toBe(`NothingOffered(${made[1]?.publics[0]})`);
		const [first, second] = items as [(typeof items)[0], (typeof items)[0]];
		const swapped = [
			{ ...first, proof: second.proof },
			{ ...second, proof: first.proof },
		];
		expect(await refused(payee, swapped)).toBe("ProofRejected()");
		expect(await refused(payee, [])).toBe("BatchSize(128, 0)");
		const before = await balance(payee);
		const receipt = await send(batch, payee, "claimBatch", [items]);
		expect(await balance(payee)).toBe(before + 3n * BOUNTY - cost(receipt));
	});
});
