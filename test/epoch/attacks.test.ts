/** Real proofs against real contracts: what is honest is taken, and what differs in one thing is refused with the contract's reason. */
import { toBeHex, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import { type ParameterSet, ROLES, type Role } from "../../circuits/parameters.ts";
import { attributionPath, pathForms, score } from "../../circuits/statements/attribution.ts";
import { LedgerClient, type ProofCalldata, type Triple } from "../../ledger/client.ts";
import { contributionContext, type EpochStatement, epochContext } from "../../ledger/context.ts";
import { addVerifiers, type Deployment, deploy } from "../../ledger/deployment.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { payoutRoot } from "../../ledger/payout-tree.ts";
import { LedgerReader } from "../../ledger/reader.ts";
import { recordId } from "../../ledger/record.ts";
import { developmentKeys, type EpochKeys } from "../../network/epoch/keys.ts";
import { ProverPool } from "../../prover/pool.ts";
import { type Proof, toCalldata } from "../../prover/proof.ts";
import { verifyProof } from "../../prover/verify.ts";
import { SMALL_SET, sampleEpoch } from "../fixtures/samples.ts";
import { quiet } from "./runs.ts";

const STAKE = 5n;
/** What the sample's optimum takes for the digest of the model manifest. */
const MANIFEST = toBeHex(4242n, 32);
/** Random small sets; the first is attacked. */
const SETS: readonly ParameterSet[] = [
	SMALL_SET,
	{ rows: 5, queries: 3, d: 2, k: 2, contributions: 2, nodes: 3, lambda: 100n },
	{ rows: 2, queries: 4, d: 4, k: 3, contributions: 5, nodes: 2, lambda: 650n },
];

/** Seeds whose influence vectors fit the circuit: a query may lie far outside of a handful of random rows. */
const SEEDS = [100n, 103n, 102n];

type Sample = ReturnType<typeof sampleEpoch>;
type Hex = `0x${string}`;

let devnet: Devnet;
let pool: ProverPool;
let deployment: Deployment;
let reader: LedgerReader;
let steward: LedgerClient;
let contributors: LedgerClient[];
const keys: EpochKeys[] = [];

beforeAll(async () => {
	pool = new ProverPool();
	devnet = await startDevnet();
	for (const set of SETS) {
		keys.push(await developmentKeys(set, quiet, undefined));
	}
	const provider = await connect({ url: devnet.url });
	const wallets = devnet.keys.map((key) => new Wallet(key, provider));
	const signer = wallets[0] as Wallet;
	const verifications = keys.flatMap((set) => ROLES.map((role) => set[role].key.verification));
	({ deployment } = await deploy({
		signer,
		treasury: signer.address,
		guardian: signer.address,
		activationDelay: 0,
		verificationKeys: verifications,
	}));
	reader = new LedgerReader({ deployment, provider });
	steward = await LedgerClient.open({ deployment, signer });
	contributors = await Promise.all(wallets.slice(1, 6).map((wallet) => LedgerClient.open({ deployment, signer: wallet })));
	for (const { address } of contributors) {
		await steward.transfer({ to: address, amount: 100n * STAKE });
	}
	await steward.registerRecord({ kind: "ModelManifest", digest: MANIFEST });
}, 300_000);
afterAll(async () => {
	await pool?.close();
	await devnet?.close();
});

/** A proof of `instance` in `context`, checked by the independent verifier; the witness must have the reference's public signals. */
async function prove(key: EpochKeys, role: Role, instance: Instance, context: string): Promise<Proof> {
	const { circuit, key: proving } = key[role];
	const made = await pool.prove({
		circuit,
		key: proving,
		inputs: instance.inputs,
		context: context as Hex,
		words: instance.words,
		publics: instance.publics,
	});
	verifyProof(proving.verification, { context: context as Hex, publics: instance.publics, words: instance.words, proof: made.proof });
	return made.proof;
}

const proveEpoch = async (key: EpochKeys, statement: EpochStatement, instance: Instance, epoch: bigint, place: Deployment = deployment) =>
	toCalldata(await prove(key, statement, instance, epochContext(place, statement, epoch)));

async function open(key: EpochKeys, set: ParameterSet): Promise<bigint> {
	const circuits = ROLES.map((role) => key[role].key.verification.circuitId) as unknown as [string, string, string, string, string];
	const { epoch } = await steward.openEpoch({
		circuits,
		policyDigest: MANIFEST,
		funder: steward.address,
		expiresAt: (await reader.now()) + 86_400n,
		capacity: set.contributions,
		vetoer: steward.address,
		minStake: STAKE,
	});
	return epoch;
}

const contributionOf = (sample: Sample, index: number, epoch: bigint, proof: ProofCalldata) => ({
	epoch,
	datasetDigest: MANIFEST,
	publics: (sample.contributions[index] as Instance).publics as unknown as Triple,
	proof,
	stake: STAKE,
});
const proveContribution = async (key: EpochKeys, sample: Sample, index: number, epoch: bigint, place: Deployment = deployment) =>
	toCalldata(
		await prove(
			key,
			"contribution",
			sample.contributions[index] as Instance,
			contributionContext(place, epoch, (contributors[index] as LedgerClient).address),
		),
	);

/** The records of a checkpoint of `epoch`, its post and its log. */
async function checkpointOf(key: EpochKeys, sample: Sample, epoch: bigint) {
	const manifest = recordId(steward.address, "ModelManifest", MANIFEST);
	const { id: model } = await steward.registerRecord({ kind: "Checkpoint", digest: toBeHex(10_000n + epoch, 32), parent: manifest });
	const { optimum } = sample;
	return {
		epoch,
		manifest,
		model,
		publics: optimum.publics as unknown as Triple,
		words: optimum.words,
		proof: await proveEpoch(key, "optimum", optimum, epoch),
	};
}

async function commitQueries(epoch: bigint, model: string): Promise<void> {
	const log = await steward.appendLog({ model, root: toBeHex(20_000n + epoch, 32) });
	await steward.commitQueries({ epoch, log: log.id });
}

/** Runs what must be refused and returns the name of the contract's reason. */
async function refusal(action: Promise<unknown>): Promise<string | undefined> {
	const error = await action.then(
		() => undefined,
		(thrown: unknown) => thrown as { code: string; revert?: { name: string } },
	);
	expect(error).toMatchObject({ code: "transaction.reverted" });
	return error?.revert?.name;
}

/** The proof with one of its twelve words another. */
function wordChanged(proof: ProofCalldata): ProofCalldata {
	return { ...proof, c: [proof.c[0] + 1n, proof.c[1]] };
}
/** The proof with one point another point of the curve: its negative. */
function pointNegated(proof: ProofCalldata): ProofCalldata {
	return { ...proof, a: [proof.a[0], 21888242871839275222246405745257275088696311157297823662689037894645226208583n - proof.a[1]] };
}

describe.each(
	SETS.map((set, i) => ({ name: JSON.stringify(set, (_, value) => (typeof value === "bigint" ? Number(value) : value)), set, i })),
)("reference = witness = proof = contract: $name", ({ set, i }) => {
	test("a whole epoch is taken, and the contract ends with the reference's numbers", async () => {
		const key = keys[i] as EpochKeys;
		const sample = sampleEpoch(SEEDS[i] as bigint, set);
		const epoch = await open(key, set);
		for (const index of sample.contributions.keys()) {
			await (contributors[index] as LedgerClient).contribute(
				contributionOf(sample, index, epoch, await proveContribution(key, sample, index, epoch)),
			);
		}
		await steward.closeEpoch(epoch);
		expect((await reader.epoch(epoch))?.rows).toBe(sample.optimum.publics[2]);
		const checkpoint = await checkpointOf(key, sample, epoch);
		await steward.postCheckpoint(checkpoint);
		await commitQueries(epoch, checkpoint.model);
		await steward.postQueries({
			epoch,
			publics: sample.query.publics as unknown as Triple,
			proof: await proveEpoch(key, "query", sample.query, epoch),
		});
		const { attribution, payout } = sample;
		await steward.postAttribution({
			epoch,
			publics: attribution.publics as [bigint, bigint],
			words: attribution.words,
			proof: await proveEpoch(key, "attribution", attribution, epoch),
		});
		const forms = pathForms(sample.path, attributionPath(sample.statements.attribution), set.d, set.k);
		expect(sample.list.map((statistics) => score(statistics, forms))).toEqual(attribution.scores);
		expect((await reader.book(epoch)).scoreCommit).toBe(attribution.publics[0]);
		await steward.fund({ epoch, amount: payout.publics[1] as bigint });
		await steward.postPayout({
			epoch,
			publics: payout.publics as unknown as Triple,
			words: payout.words,
			proof: await proveEpoch(key, "payout", payout, epoch),
		});
		expect(await reader.account(epoch)).toMatchObject({
			root: payoutRoot(epoch, payout.words),
			dust: payout.dust,
			count: sample.contributions.length,
		});
	}, 120_000);
});

describe("attacks on an epoch", () => {
	const sample = sampleEpoch(17n, SMALL_SET, 3); // two are paid, the third is charged
	const swapped = ([first, second, ...rest]: readonly bigint[]): bigint[] => [second, first, ...rest] as bigint[];
	const aliased = ([first, ...rest]: readonly bigint[]): bigint[] => [(first as bigint) + FIELD, ...rest];
	let key: EpochKeys;
	let epoch: bigint;
	/** The same chain's contracts as another chain's proof would name them. */
	let elsewhere: Deployment;

	beforeAll(async () => {
		key = keys[0] as EpochKeys;
		epoch = await open(key, SMALL_SET);
		elsewhere = { ...deployment, chainId: 1 };
	});

	test("contributions: low stake, altered, copied, of another epoch or chain, posted twice", async () => {
		const [mine, theirs] = contributors as [LedgerClient, LedgerClient];
		const request = contributionOf(sample, 0, epoch, await proveContribution(key, sample, 0, epoch));
		expect(await refusal(mine.contribute({ ...request, stake: STAKE - 1n }))).toBe("StakeTooLow");
		expect(await refusal(mine.contribute({ ...request, proof: wordChanged(request.proof) }))).toBe("PointInvalid");
		expect(await refusal(mine.contribute({ ...request, proof: pointNegated(request.proof) }))).toBe("ProofRejected");
		const [rowsCommit, statsCommit, rows] = request.publics;
		expect(await refusal(mine.contribute({ ...request, publics: [rowsCommit, statsCommit, rows + 1n] }))).toBe("ProofRejected");
		expect(await refusal(mine.contribute({ ...request, publics: [rowsCommit, statsCommit + FIELD, rows] }))).toBe("PublicNotInField");
		// A pending contribution, seen in the mempool and sent by somebody else first.
		expect(await refusal(theirs.contribute(request))).toBe("ProofRejected");
		expect(await refusal(mine.contribute({ ...request, proof: await proveContribution(key, sample, 0, epoch + 1n) }))).toBe(
			"ProofRejected",
		);
		expect(await refusal(mine.contribute({ ...request, proof: await proveContribution(key, sample, 0, epoch, elsewhere) }))).toBe(
			"ProofRejected",
		);
		await mine.contribute(request);
		expect(await refusal(mine.contribute(request))).toBe("CommitTaken");
		for (const index of [1, 2]) {
			await (contributors[index] as LedgerClient).contribute(
				contributionOf(sample, index, epoch, await proveContribution(key, sample, index, epoch)),
			);
		}
		await steward.closeEpoch(epoch);
	}, 120_000);

	test("checkpoint: list reordered, aliased or short, another epoch's or chain's proof, posted twice", async () => {
		const request = await checkpointOf(key, sample, epoch);
		const post = (changes: Partial<typeof request>) => refusal(steward.postCheckpoint({ ...request, ...changes }));
		expect(await post({ words: swapped(request.words) })).toBe("ListMismatch");
		expect(await post({ words: aliased(request.words) })).toBe("ListMismatch");
		expect(await post({ words: request.words.slice(1) })).toBe("WordCount");
		expect(await post({ proof: pointNegated(request.proof) })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "optimum", sample.optimum, epoch + 1n) })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "optimum", sample.optimum, epoch, elsewhere) })).toBe("ProofRejected");
		await steward.postCheckpoint(request);
		expect(await post({})).toBe("WrongPhase");
		await commitQueries(epoch, request.model);
	}, 120_000);

	test("queries: another statement's proof, another epoch's proof, posted twice", async () => {
		const request = {
			epoch,
			publics: sample.query.publics as unknown as Triple,
			proof: await proveEpoch(key, "query", sample.query, epoch),
		};
		const post = (changes: Partial<typeof request>) => refusal(steward.postQueries({ ...request, ...changes }));
		expect(await post({ proof: await proveEpoch(key, "optimum", sample.optimum, epoch) })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "query", sample.query, epoch + 1n) })).toBe("ProofRejected");
		await steward.postQueries(request);
		expect(await post({})).toBe("WrongPhase");
	}, 120_000);

	test("attribution: list reordered or aliased, another epoch's or chain's proof, other queries, posted twice", async () => {
		const { attribution } = sample;
		const request = {
			epoch,
			publics: attribution.publics as [bigint, bigint],
			words: attribution.words,
			proof: await proveEpoch(key, "attribution", attribution, epoch),
		};
		const post = (changes: Partial<typeof request>) => refusal(steward.postAttribution({ ...request, ...changes }));
		expect(await post({ words: swapped(request.words) })).toBe("ListMismatch");
		expect(await post({ words: aliased(request.words) })).toBe("ListMismatch");
		expect(await post({ publics: [request.publics[0], request.publics[1] + 1n] })).toBe("QueryMismatch");
		expect(await post({ publics: [request.publics[0] + 1n, request.publics[1]] })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "attribution", attribution, epoch + 1n) })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "attribution", attribution, epoch, elsewhere) })).toBe("ProofRejected");
		await steward.postAttribution(request);
		expect(await post({})).toBe("WrongPhase");
	}, 120_000);

	test("payout: a wei moved, a word aliased, the order changed, another epoch's or chain's proof, posted twice", async () => {
		const { payout } = sample;
		const { words } = payout;
		const [first, second, third] = words as [bigint, bigint, bigint];
		await steward.fund({ epoch, amount: payout.publics[1] as bigint });
		const request = { epoch, publics: payout.publics as unknown as Triple, words, proof: await proveEpoch(key, "payout", payout, epoch) };
		const post = (changes: Partial<typeof request>) => refusal(steward.postPayout({ ...request, ...changes }));
		const [scoreCommit, amount, dust] = request.publics;
		expect(await post({ words: [first + 1n, second - 1n, third] })).toBe("ProofRejected");
		expect(await post({ words: [first + 1n, second, third] })).toBe("SumMismatch");
		expect(await post({ words: [first, second, third - 1n] }), "a wei less to be charged").toBe("ProofRejected");
		expect(await post({ words: [first, second, third - (1n << 96n)] }), "a charge as a payment").toBe("SumMismatch");
		expect(await post({ words: aliased(words) })).toBe("WordMisplaced");
		expect(await post({ words: swapped(words) })).toBe("WordMisplaced");
		expect(await post({ words: words.slice(0, 2) })).toBe("WordCount");
		expect(await post({ publics: [scoreCommit + 1n, amount, dust] })).toBe("ScoreMismatch");
		expect(await post({ publics: [scoreCommit, amount + 1n, dust] })).toBe("PoolMismatch");
		expect(await post({ publics: [scoreCommit, amount, dust + 1n] })).toBe("SumMismatch");
		expect(await post({ proof: wordChanged(request.proof) })).toBe("PointInvalid");
		expect(await post({ proof: await proveEpoch(key, "payout", payout, epoch + 1n) })).toBe("ProofRejected");
		expect(await post({ proof: await proveEpoch(key, "payout", payout, epoch, elsewhere) })).toBe("ProofRejected");
		await steward.postPayout(request);
		expect(await post({})).toBe("WrongStatus");
	}, 120_000);
});

test("another chain refuses the development keys themselves", async () => {
	const other = await startDevnet({ chainId: 1, accounts: 1 });
	try {
		const provider = await connect({ url: other.url });
		const signer = new Wallet(other.keys[0] as string, provider);
		const bare = await deploy({ signer, treasury: signer.address, guardian: signer.address, activationDelay: 0, verificationKeys: [] });
		const verificationKeys = [(keys[0] as EpochKeys).payout.key.verification];
		expect(await refusal(addVerifiers({ signer, deployment: bare.deployment, verificationKeys }))).toBe("DevelopmentKey");
	} finally {
		await other.close();
	}
}, 60_000);
