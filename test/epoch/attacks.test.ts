/** Real proofs against real contracts: what is honest is taken, and what differs in one thing is refused with the contract's reason. */
import { toBeHex, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import { type ParameterSet, ROLES, type Role } from "../../circuits/parameters.ts";
import { payoutPlaces } from "../../circuits/statements/payout.ts";
import { SMALL_SET, sampleEpoch } from "../../cli/attack/samples.ts";
import { LedgerClient, type ProofCalldata, type Triple } from "../../ledger/client.ts";
import { contributionContext, type EpochStatement, epochContext } from "../../ledger/context.ts";
import { addVerifiers, type Deployment, deploy } from "../../ledger/deployment.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { connect } from "../../ledger/node.ts";
import { payoutRoots } from "../../ledger/payout-tree.ts";
import { LedgerReader } from "../../ledger/reader.ts";
import { recordId } from "../../ledger/record.ts";
import { developmentKeys, type EpochKeys } from "../../network/epoch/keys.ts";
import type { Transcript } from "../../prover/challenge.ts";
import { type ProveJob, ProverPool } from "../../prover/pool/pool.ts";
import type { Proved } from "../../prover/pool/statement.ts";
import { toCalldata } from "../../prover/proof.ts";
import { verifyProof } from "../../prover/verify.ts";
import { quiet } from "./runs.ts";

const STAKE = 5n;
/** What the sample's optimum takes for the digest of the model manifest. */
const MANIFEST = toBeHex(4242n, 32);
/** Random small sets; the first is attacked. */
const SETS: readonly ParameterSet[] = [
	SMALL_SET,
	{ rows: 5, queries: 3, d: 2, k: 2, places: 2, queryPlaces: 1, payoutPages: 1, nodes: 3, lambda: 100n, totalRows: 15 },
	{ rows: 2, queries: 4, d: 4, k: 3, places: 3, queryPlaces: 1, payoutPages: 1, nodes: 2, lambda: 650n, totalRows: 18 },
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

/** A proof as a transaction takes it. */
interface Made {
	readonly publics: readonly bigint[];
	readonly links: readonly bigint[];
	readonly words: readonly bigint[];
	readonly transcript: Transcript;
	readonly proof: ProofCalldata;
}
type Plan = readonly [role: Role, instance: Instance];

function jobOf(key: EpochKeys, [role, instance]: Plan, context: string): ProveJob {
	const { circuit, key: proving } = key[role];
	const { inputs, words, links, publics } = instance;
	return { circuit, key: proving, inputs, words, links, publics, context: context as Hex };
}

/** Checked by the independent verifier; the witness must have the reference's public signals. */
function made({ key, context, publics, words }: ProveJob, { proof, links }: Proved, transcript: Transcript): Made {
	const claim = { context, publics: publics as readonly bigint[], links, words, transcript, proof };
	verifyProof(key.verification, claim);
	return { publics: claim.publics, links, words, transcript, proof: toCalldata(proof) };
}

/** A proof with a challenge of its own. */
async function prove(key: EpochKeys, plan: Plan, context: string): Promise<Made> {
	const job = jobOf(key, plan, context);
	return made(job, await pool.prove(job), []);
}

const proveEpoch = (key: EpochKeys, role: EpochStatement, instance: Instance, epoch: bigint, place: Deployment = deployment) =>
	prove(key, [role, instance], epochContext(place, role, epoch));

/** Proofs with one challenge. */
async function proveTogether(
	key: EpochKeys,
	plans: readonly (readonly [EpochStatement, Instance])[],
	epoch: bigint,
	place: Deployment = deployment,
): Promise<Made[]> {
	const jobs = plans.map((plan) => jobOf(key, plan, epochContext(place, plan[0], epoch)));
	const openings = await Promise.all(jobs.map((job) => pool.commit(job)));
	const transcript = openings.map(({ digest }) => digest);
	return Promise.all(
		jobs.map(async (job, i) => {
			const opening = openings[i] as (typeof openings)[number];
			return made(job, await pool.prove({ ...job, together: { opening, transcript } }), transcript);
		}),
	);
}

const checkpointPlans = ({ total, optimum }: Sample) => [...total.map((page) => ["total", page] as const), ["optimum", optimum] as const];
const attributionPlans = ({ queryTotal, score, attribution }: Sample) => [
	["query-total", queryTotal] as const,
	...score.map((page) => ["score", page] as const),
	["attribution", attribution] as const,
];

async function open(key: EpochKeys, capacity: number): Promise<bigint> {
	const { epoch } = await steward.openEpoch({
		circuits: ROLES.map((role) => key[role].key.verification.circuitId),
		policyDigest: MANIFEST,
		funder: steward.address,
		expiresAt: (await reader.now()) + 86_400n,
		capacity,
		datanet: 0n,
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
const proveContribution = async (key: EpochKeys, sample: Sample, index: number, epoch: bigint, place: Deployment = deployment) => {
	const context = contributionContext(place, epoch, (contributors[index] as LedgerClient).address);
	return (await prove(key, ["contribution", sample.contributions[index] as Instance], context)).proof;
};

/** The records of a checkpoint of `epoch`. */
async function recordsOf(epoch: bigint) {
	const manifest = recordId(steward.address, "ModelManifest", MANIFEST);
	const { id: model } = await steward.registerRecord({ kind: "Checkpoint", digest: toBeHex(10_000n + epoch, 32), parent: manifest });
	return { epoch, manifest, model };
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
		const epoch = await open(key, sample.contributions.length);
		for (const index of sample.contributions.keys()) {
			await (contributors[index] as LedgerClient).contribute(
				contributionOf(sample, index, epoch, await proveContribution(key, sample, index, epoch)),
			);
		}
		await steward.closeEpoch(epoch);
		expect((await reader.epoch(epoch))?.rows).toBe(sample.optimum.publics[2]);

		const records = await recordsOf(epoch);
		const checkpoint = await proveTogether(key, checkpointPlans(sample), epoch);
		for (const page of checkpoint.slice(0, -1)) {
			await steward.postTotal({ epoch, ...page });
		}
		await steward.postCheckpoint({ ...records, ...(checkpoint.at(-1) as Made) });
		await commitQueries(epoch, records.model);
		const query = await proveEpoch(key, "query", sample.query, epoch);
		await steward.postQueries({ epoch, publics: query.publics as unknown as Triple, proof: query.proof, last: true });

		const [queries, ...pages] = await proveTogether(key, attributionPlans(sample), epoch);
		const joined = pages.pop() as Made;
		await steward.postQueryTotal({ epoch, ...(queries as Made) });
		for (const page of pages) {
			await steward.postScores({ epoch, ...page });
		}
		await steward.postAttribution({ epoch, ...joined });
		expect((await reader.book(epoch)).scoreCommit).toBe(sample.score.at(-1)?.publics[1]);

		const { payouts } = sample;
		const pageSize = payoutPlaces(sample.statements.payout);
		const amount = payouts[0]?.publics[3] as bigint;
		await steward.fund({ epoch, amount });
		for (const payout of payouts) {
			await steward.postPayout({ epoch, pageSize, ...(await proveEpoch(key, "payout", payout, epoch)) });
		}
		const words = payouts.flatMap((payout) => payout.words);
		const dust = payouts.reduce((rest, { paid }) => rest - paid, amount);
		expect(await reader.account(epoch)).toMatchObject({ dust, count: sample.contributions.length });
		expect((await reader.account(epoch)).roots).toEqual(payoutRoots(epoch, words, pageSize));
	}, 120_000);
});

describe("attacks on an epoch", () => {
	const sample = sampleEpoch(17n, SMALL_SET, 3); // two are paid, the third is charged; two pages
	const swapped = ([first, second, ...rest]: readonly bigint[]): bigint[] => [second, first, ...rest] as bigint[];
	const aliased = ([first, ...rest]: readonly bigint[]): bigint[] => [(first as bigint) + FIELD, ...rest];
	let key: EpochKeys;
	let epoch: bigint;
	/** The same chain's contracts as another chain's proof would name them. */
	let elsewhere: Deployment;

	beforeAll(async () => {
		key = keys[0] as EpochKeys;
		epoch = await open(key, 3);
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

	test("checkpoint: pages reordered, aliased, left out or of other proofs, another epoch's or chain's proofs, posted twice", async () => {
		const records = await recordsOf(epoch);
		const [first, second, whole] = (await proveTogether(key, checkpointPlans(sample), epoch)) as [Made, Made, Made];
		const total = (page: Made, changes: Partial<Made> = {}) => refusal(steward.postTotal({ epoch, ...page, ...changes }));
		const post = (changes: Partial<Made> = {}) => refusal(steward.postCheckpoint({ ...records, ...whole, ...changes }));
		expect(await total(first, { words: swapped(first.words) })).toBe("NotInTranscript");
		expect(await total(first, { words: aliased(first.words) })).toBe("NotInTranscript");
		expect(await total(first, { publics: [(first.publics[0] as bigint) + 1n] })).toBe("NotInTranscript");
		expect(await total(first, { links: [((first.links[0] as bigint) + 1n) % FIELD] })).toBe("ProofRejected");
		expect(await total(first, { links: [(first.links[0] as bigint) + FIELD] })).toBe("LinkNotInField");
		expect(await total(first, { proof: pointNegated(first.proof) })).toBe("ProofRejected");
		expect(await total(first, { transcript: first.transcript.slice(0, 2) })).toBe("ProofRejected");
		const [foreign] = (await proveTogether(key, checkpointPlans(sample), epoch + 1n)) as [Made];
		expect(await total(foreign)).toBe("NotInTranscript");
		const [abroad] = (await proveTogether(key, checkpointPlans(sample), epoch, elsewhere)) as [Made];
		expect(await total(abroad)).toBe("NotInTranscript");
		expect(await post(), "no page is posted").toBe("ListIncomplete");
		await steward.postTotal({ epoch, ...first });
		expect(await total(first), "the same page twice").toBe("PageOutOfRange");
		expect(await post(), "a page is missing").toBe("ListIncomplete");
		// A page that was made with others counts for those alone: its link is an evaluation at another challenge.
		const other = (await proveTogether(key, checkpointPlans(sample), epoch)) as [Made, Made, Made];
		expect(await total(second, { transcript: other[1].transcript })).toBe("NotInTranscript");
		expect(await refusal(steward.postCheckpoint({ ...records, ...other[2] })), "the pages of others").toBe("ListIncomplete");
		await steward.postTotal({ epoch, ...second });
		expect(await post({ proof: pointNegated(whole.proof) })).toBe("ProofRejected");
		expect(await post({ links: [((whole.links[0] as bigint) + 1n) % FIELD] })).toBe("LinkMismatch");
		await steward.postCheckpoint({ ...records, ...whole });
		expect(await post()).toBe("WrongPhase");
		await commitQueries(epoch, records.model);
	}, 120_000);

	test("queries: another statement's proof, another epoch's proof, posted twice", async () => {
		const { publics, proof } = await proveEpoch(key, "query", sample.query, epoch);
		const request = { epoch, publics: publics as unknown as Triple, proof, last: true };
		const post = (changes: Partial<typeof request>) => refusal(steward.postQueries({ ...request, ...changes }));
		expect(await post({ proof: (await proveEpoch(key, "payout", sample.payout, epoch)).proof })).toBe("ProofRejected");
		expect(await post({ proof: (await proveEpoch(key, "query", sample.query, epoch + 1n)).proof })).toBe("ProofRejected");
		await steward.postQueries(request);
		expect(await post({})).toBe("WrongPhase");
	}, 120_000);

	test("attribution: other queries, a broken chain of scores, another path, a page left out, posted twice", async () => {
		const [queries, first, second, path] = (await proveTogether(key, attributionPlans(sample), epoch)) as [Made, Made, Made, Made];
		const scores = (page: Made, changes: Partial<Made> = {}) => refusal(steward.postScores({ epoch, ...page, ...changes }));
		const post = (changes: Partial<Made> = {}) => refusal(steward.postAttribution({ epoch, ...path, ...changes }));
		expect(await refusal(steward.postQueryTotal({ epoch, ...queries, words: [...queries.words, 0n] }))).toBe("PageOutOfRange");
		expect(await refusal(steward.postQueryTotal({ epoch, ...queries, words: [(queries.words[0] as bigint) + 1n] }))).toBe(
			"NotInTranscript",
		);
		expect(await scores(second), "the second page first").toBe("ScoreMismatch");
		expect(await scores(first, { publics: [1n, ...first.publics.slice(1)] })).toBe("ScoreMismatch");
		expect(await scores(first, { publics: first.publics.map((value, i) => (i === 1 ? value + 1n : value)) })).toBe("NotInTranscript");
		expect(await post()).toBe("ListIncomplete");
		await steward.postQueryTotal({ epoch, ...queries });
		await steward.postScores({ epoch, ...first });
		const [total, forms] = second.links as [bigint, bigint];
		expect(await scores(second, { links: [total, (forms + 1n) % FIELD] })).toBe("PathMismatch");
		expect(await post()).toBe("ListIncomplete");
		await steward.postScores({ epoch, ...second });
		for (const i of [0, 1, 2]) {
			expect(await post({ links: path.links.map((link, l) => (l === i ? (link + 1n) % FIELD : link)) })).toBe("LinkMismatch");
		}
		expect(await post({ publics: [path.publics[0] as bigint, (path.publics[1] as bigint) + 1n] })).toBe("RowsMismatch");
		expect(await post({ proof: pointNegated(path.proof) })).toBe("ProofRejected");
		await steward.postAttribution({ epoch, ...path });
		expect(await post()).toBe("WrongPhase");
	}, 120_000);

	test("payout: a wei moved, a word aliased, the order changed, another epoch's or chain's proof, posted twice", async () => {
		const { payout } = sample;
		const [first, second, third] = payout.words as [bigint, bigint, bigint];
		await steward.fund({ epoch, amount: payout.publics[3] as bigint });
		const pageSize = payoutPlaces(sample.statements.payout);
		const request = { epoch, pageSize, ...(await proveEpoch(key, "payout", payout, epoch)) };
		const post = (changes: Partial<typeof request>) => refusal(steward.postPayout({ ...request, ...changes }));
		/** The public signals with one of them one more. */
		const more = (name: string) => request.publics.map((value, i) => value + (payout.circuit.publics[i] === name ? 1n : 0n));
		expect(await post({ words: [first + 1n, second - 1n, third] })).toBe("ProofRejected");
		expect(await post({ words: [first + 1n, second, third] })).toBe("SumMismatch");
		expect(await post({ words: [first, second, third - 1n] }), "a wei less to be charged").toBe("ProofRejected");
		expect(await post({ words: [first, second, third - (1n << 96n)] }), "a charge as a payment").toBe("SumMismatch");
		expect(await post({ words: aliased(request.words) })).toBe("WordMisplaced");
		expect(await post({ words: swapped(request.words) })).toBe("WordMisplaced");
		expect(await post({ words: request.words.slice(0, 2) })).toBe("WordCount");
		expect(await post({ publics: more("previousScores") })).toBe("ScoreMismatch");
		expect(await post({ publics: more("scoreCommit") })).toBe("ScoreMismatch");
		expect(await post({ publics: more("first") })).toBe("PageMisplaced");
		expect(await post({ publics: more("pool") })).toBe("PoolMismatch");
		expect(await post({ publics: more("pagePositive") })).toBe("ProofRejected");
		expect(await post({ publics: more("paid") })).toBe("SumMismatch");
		expect(await post({ proof: wordChanged(request.proof) })).toBe("PointInvalid");
		expect(await post({ proof: (await proveEpoch(key, "payout", payout, epoch + 1n)).proof })).toBe("ProofRejected");
		expect(await post({ proof: (await proveEpoch(key, "payout", payout, epoch, elsewhere)).proof })).toBe("ProofRejected");
		await steward.postPayout(request);
		expect(await post({})).toBe("WrongStatus");
	}, 120_000);
});

test("another chain refuses the development keys themselves", async () => {
	const other = await startDevnet({ chainId: 1, accounts: 1 });
	try {
		const provider = await connect({ url: other.url });
		const signer = new Wallet(other.keys[0] as string, provider);
		const [owner, treasury, guardian] = Array<string>(3).fill(signer.address) as [string, string, string];
		const bare = await deploy({ signer, owner, treasury, guardian, activationDelay: 0, verificationKeys: [] });
		const verificationKeys = [(keys[0] as EpochKeys).payout.key.verification];
		expect(await refusal(addVerifiers({ signer, deployment: bare.deployment, verificationKeys }))).toBe("DevelopmentKey");
	} finally {
		await other.close();
	}
}, 60_000);
