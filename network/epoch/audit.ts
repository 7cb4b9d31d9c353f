/**
 * Verifies a bundle: every link from the rows' commitments to the payouts is derived again from the files, and, with a node, held against
 * the chain. Proofs are checked by the pairing of @noble/curves, which no prover uses.
 */
import { access } from "node:fs/promises";
import { join } from "node:path";
import { FIELD } from "../../circuits/field.ts";
import { pagesOf } from "../../circuits/page.ts";
import { epochCircuits, epochStatements, type ParameterSet, ROLES, type Role } from "../../circuits/parameters.ts";
import { OMEGA_BITS, SHIFT } from "../../circuits/path.ts";
import { attributionPath, queryScale } from "../../circuits/statements/attribution.ts";
import { commitModel, headExponent } from "../../circuits/statements/optimum.ts";
import { payoutPlaces, payouts as payoutsOf, payoutWord, positiveSum } from "../../circuits/statements/payout.ts";
import { commitScores } from "../../circuits/statements/score.ts";
import { contributionContext, type EpochStatement, epochContext } from "../../ledger/context.ts";
import { checkDeployment, type Deployment } from "../../ledger/deployment.ts";
import { type EpochHistory, epochHistory } from "../../ledger/events.ts";
import { connect } from "../../ledger/node.ts";
import { claimOf, payoutRoots } from "../../ledger/payout-tree.ts";
import { recordId } from "../../ledger/record.ts";
import { parseVerificationKey, type VerificationKey } from "../../prover/verification-key.ts";
import { verifyProof } from "../../prover/verify.ts";
import { checkAccounts } from "./accounts.ts";
import { Broken, same, sum } from "./broken.ts";
import {
	type BundleIndex,
	bundleFiles,
	type ContributorsFile,
	type DatasetManifest,
	type PayoutsFile,
	type ProofFile,
	readIndex,
	readPart,
	sha256File,
	type TransactionLine,
} from "./bundle.ts";
import { EpochError } from "./errors.ts";
import { type Hex, jsonDigest } from "./json.ts";
import type { Progress } from "./progress.ts";

/** One thing that was checked. */
export interface Link {
	/** "bundle", "chain" or "epoch N". */
	readonly where: string;
	readonly name: string;
	readonly ok: boolean;
	/** What was found, or what broke. */
	readonly detail: string;
}

export interface AuditOptions {
	readonly folder: string;
	/** A node to hold the bundle against. */
	readonly rpc?: string | undefined;
	/** Ends with the first broken link instead of going on to the others. */
	readonly stopAtFirst?: boolean | undefined;
	readonly progress: Progress;
	readonly signal?: AbortSignal | undefined;
}

interface Model {
	readonly schema: string;
	readonly quantisation: unknown;
	readonly epoch: string;
	readonly head: { readonly d: number; readonly k: number; readonly exponent: number; readonly lambda: string };
}

interface Policy {
	readonly schema: string;
	readonly steward: string;
	readonly parameters: Omit<ParameterSet, "lambda"> & { readonly lambda: string };
	readonly queryLabels: string;
	readonly stake: string;
}

interface Checkpoint {
	readonly schema: string;
	readonly training: Hex;
	readonly modelCommit: string;
	readonly head: readonly string[];
}

interface QueryLog {
	readonly schema: string;
	readonly model: string;
	readonly labels: string;
	readonly rowsCommits: readonly string[];
	readonly entries: readonly { readonly fee: number }[];
}

/** Thrown behind the first broken link when nobody wants the others. */
class Stop extends Error {}

/**
 * Checks every link. A broken one does not stop the others, unless `stopAtFirst` says so.
 * @returns all links; the bundle is good if all are ok
 * @throws EpochError BUNDLE_MISSING, FILE_DAMAGED; LedgerError when the node does not answer
 */
export async function verifyBundle({ folder, rpc, stopAtFirst = false, progress, signal }: AuditOptions): Promise<Link[]> {
	const index = await readIndex(folder);
	const audit = new Audit(folder, index, stopAtFirst, progress, signal);
	try {
		await audit.files();
		await audit.keys();
		for (const epoch of index.epochs) {
			await audit.guard(`epoch ${epoch}`, () => audit.epoch(BigInt(epoch)));
		}
		if (rpc !== undefined) {
			await audit.guard("chain", () => audit.chain(rpc));
		}
	} catch (error) {
		if (!(error instanceof Stop)) {
			throw error;
		}
	}
	return audit.links;
}

class Audit {
	readonly links: Link[] = [];
	private readonly folder: string;
	private readonly index: BundleIndex;
	private readonly stopAtFirst: boolean;
	private readonly progress: Progress;
	private readonly signal: AbortSignal | undefined;
	private readonly vkeys = new Map<Role, VerificationKey>();
	private deployment: Deployment | undefined;

	constructor(folder: string, index: BundleIndex, stopAtFirst: boolean, progress: Progress, signal: AbortSignal | undefined) {
		this.folder = folder;
		this.index = index;
		this.stopAtFirst = stopAtFirst;
		this.progress = progress;
		this.signal = signal;
	}

	/** Every file is there, whole, and no other. */
	async files(): Promise<void> {
		const listed = Object.keys(this.index.files).sort();
		const found = (await bundleFiles(this.folder)).filter((path) => path !== "bundle.json");
		await this.check("bundle", "files", async () => {
			same(
				"files that the index does not list",
				found.filter((path) => !listed.includes(path)),
				[],
			);
			same(
				"files that are missing",
				listed.filter((path) => !found.includes(path)),
				[],
			);
			const epochs = new Set(listed.flatMap((path) => /^epochs\/(\d+)\//.exec(path)?.[1] ?? []));
			same("the list of epochs", [...this.index.epochs].sort(), [...epochs].sort());
			for (const path of listed) {
				same(`SHA-256 of ${path}`, await sha256File(join(this.folder, path)), this.index.files[path]);
			}
			return `${listed.length} files`;
		});
	}

	/** The keys are what their circuit ids name, and the deployment knows them. */
	async keys(): Promise<void> {
		await this.check("bundle", "deployment", async () => {
			const deployment = await this.part<Deployment>("deployment.json");
			same("schema", deployment.schema, "openledger.deployment.v1");
			same("chain id", deployment.chainId, this.index.chainId);
			this.deployment = deployment;
			return `chain ${deployment.chainId}`;
		});
		for (const role of ROLES) {
			await this.check("bundle", `key ${role}`, async () => {
				const key = parseVerificationKey(await this.part(`keys/${role}.json`));
				this.vkeys.set(role, key);
				const registered = this.known("the deployment", this.deployment).verifiers[key.circuitId];
				same("verifier of the circuit", { id: registered?.id, statement: registered?.statement }, { id: key.id, statement: key.statement });
				return key.development ? `${key.id} (development key: insecure)` : key.id;
			});
		}
	}

	/** The chain of one epoch, from rows to claims. */
	async epoch(epoch: bigint): Promise<void> {
		const where = `epoch ${epoch}`;
		const at = (name: string): string => `epochs/${epoch}/${name}`;
		let policy: Policy;
		let set: ParameterSet;
		let datasets: readonly DatasetManifest[];
		let contributions: ProofFile[];
		let totals: ProofFile[];
		let optimum: ProofFile;
		let queries: ProofFile[];
		let queryTotals: ProofFile[];
		let scorePages: ProofFile[];
		let attribution: ProofFile;
		let payouts: ProofFile[];
		let log: QueryLog;
		let checkpoint: Checkpoint;
		let files: PayoutsFile;
		let model: Model;
		try {
			policy = await this.part<Policy>(at("policy.json"));
			set = { ...policy.parameters, lambda: BigInt(policy.parameters.lambda) };
			datasets = await this.part(at("datasets.json"));
			log = await this.part(at("queries.json"));
			const count = datasets.length;
			const proofs = (name: string, things: number, capacity: number): Promise<ProofFile[]> =>
				Promise.all(Array.from({ length: Math.ceil(things / capacity) }, (_, i) => this.part<ProofFile>(at(`proofs/${name}-${i}.json`))));
			contributions = await proofs("contribution", count, 1);
			totals = await proofs("total", count, set.places);
			optimum = await this.part(at("proofs/optimum.json"));
			queries = await proofs("query", log.entries.length, set.queries);
			queryTotals = await proofs("query-total", queries.length, set.queryPlaces);
			scorePages = await proofs("score", count, set.places);
			attribution = await this.part(at("proofs/attribution.json"));
			payouts = await proofs("payout", count, set.places * set.payoutPages);
			checkpoint = await this.part(at("checkpoint.json"));
			model = await this.part(at("model.json"));
			files = await this.part(at("payouts.json"));
		} catch (error) {
			this.broken(where, "files of the epoch", error);
			return;
		}
		const statements = epochStatements(set);
		const deployment = (): Deployment => this.known("the deployment", this.deployment);
		const context = (statement: EpochStatement): string => epochContext(deployment(), statement, epoch);

		await this.check(where, "parameters", async () => {
			same("schema", policy.schema, "openledger.policy.v1");
			const circuits = epochCircuits(set);
			for (const role of ROLES) {
				same(`circuit of ${role}`, pick(this.key(role)), pick(circuits[role]));
			}
			return `d = ${set.d}, k = ${set.k}, ${set.nodes} nodes, lambda = ${set.lambda} rows`;
		});
		const digests = datasets.map((dataset) => jsonDigest(dataset));
		const statsCommits = contributions.map((file) => file.publics.statsCommit as string);
		for (const [i, dataset] of datasets.entries()) {
			const file = contributions[i] as ProofFile;
			await this.check(where, `contribution ${i}`, async () => {
				same("schema", dataset.schema, "openledger.dataset.v1");
				same("rowsCommit of the dataset", dataset.rowsCommit, file.publics.rowsCommit);
				same("rows of the dataset", String(dataset.rows), file.publics.rows);
				same("quantisation of the dataset", dataset.quantisation, jsonDigest(model.quantisation));
				this.proof(file, "contribution", contributionContext(deployment(), epoch, dataset.contributor));
				return `${dataset.rows} rows of ${dataset.contributor}`;
			});
		}
		await this.check(where, "distinct contributions", async () => {
			same("number of distinct statistics", new Set(statsCommits).size, statsCommits.length);
			return `${statsCommits.length}`;
		});
		await this.check(where, "manifests", async () => {
			const training = await this.part<{ schema: string; model: Hex; datasets: Hex[]; lambda: string }>(at("training.json"));
			same("schema of the model", model.schema, "openledger.model.v1");
			same("epoch of the model", model.epoch, String(epoch));
			same("schema of the training", training.schema, "openledger.training.v1");
			same("schema of the checkpoint", checkpoint.schema, "openledger.checkpoint.v1");
			same("model of the training", training.model, jsonDigest(model));
			same("datasets of the training", training.datasets, digests);
			same("lambda of the training", training.lambda, String(set.lambda));
			same("training of the checkpoint", checkpoint.training, jsonDigest(training));
			same("manifest digest in the optimum", optimum.publics.manifestDigest, String(BigInt(jsonDigest(model)) % FIELD));
			return jsonDigest(model);
		});
		await this.check(where, "checkpoint", async () => {
			const commit = commitModel(statements.optimum, checkpoint.head.map(BigInt), BigInt(optimum.publics.manifestDigest as string));
			same("exponent of the head", model.head.exponent, headExponent(statements.optimum));
			same("commitment of the head", String(commit), checkpoint.modelCommit);
			same("modelCommit of the optimum", optimum.publics.modelCommit, checkpoint.modelCommit);
			return checkpoint.modelCommit;
		});
		const rowsOf = (files: readonly ProofFile[]): string => String(sum(files.map((file) => file.publics.rows as string)));
		const linksOf = (files: readonly ProofFile[], name: string): string =>
			String(sum(files.map((file) => file.links[name] as string)) % FIELD);
		const wordsOf = (files: readonly ProofFile[]): string[] => files.flatMap((file) => file.words);
		await this.check(where, "optimum", async () => {
			same("listed statistics", wordsOf(totals), statsCommits);
			same("rows of the contributions", rowsOf(contributions), optimum.publics.rows);
			same("rows of the pages", rowsOf(totals), optimum.publics.rows);
			same("sum of the pages", linksOf(totals, "totalAt"), optimum.links.totalAt);
			this.together([...totals, optimum]);
			for (const file of totals) {
				this.proof(file, "total", context("total"));
			}
			this.proof(optimum, "optimum", context("optimum"));
			return `${optimum.publics.rows} rows in ${totals.length} pages`;
		});
		await this.check(where, "queries", async () => {
			same("schema", log.schema, "openledger.query-log.v1");
			same("model of the log", log.model, recordId(policy.steward, "Checkpoint", jsonDigest(checkpoint)));
			same("labels of the log", log.labels, policy.queryLabels);
			same(
				"rowsCommits of the log",
				log.rowsCommits,
				queries.map((file) => file.publics.rowsCommit),
			);
			same("sum of the fees", String(log.entries.reduce((total, { fee }) => total + fee, 0)), rowsOf(queries));
			for (const file of queries) {
				this.proof(file, "query", context("query"));
			}
			return `${log.entries.length} queries`;
		});
		await this.check(where, "attribution", async () => {
			same("listed statistics", wordsOf(scorePages), statsCommits);
			same(
				"query statistics",
				wordsOf(queryTotals),
				queries.map((file) => file.publics.statsCommit),
			);
			same("rows", [rowsOf(scorePages), attribution.publics.rows], [optimum.publics.rows, optimum.publics.rows]);
			same("query rows", [rowsOf(queryTotals), attribution.publics.queryRows], [rowsOf(queries), rowsOf(queries)]);
			same("sum of the pages", linksOf(scorePages, "totalAt"), attribution.links.totalAt);
			same("sum of the query pages", linksOf(queryTotals, "totalAt"), attribution.links.queryAt);
			const scores = files.scores.map(BigInt);
			same("number of scores", scores.length, datasets.length);
			let previous = 0n;
			for (const [i, page] of pagesOf(scores, set.places).entries()) {
				const file = scorePages[i] as ProofFile;
				const commit = commitScores(page, set.places, previous);
				same(`path of page ${i}`, file.links.pathAt, attribution.links.pathAt);
				same(
					`commitments of the scores of page ${i}`,
					[file.publics.previousScores, file.publics.scoreCommit],
					[previous, commit].map(String),
				);
				previous = commit;
			}
			this.together([...queryTotals, ...scorePages, attribution]);
			for (const file of queryTotals) {
				this.proof(file, "query-total", context("query-total"));
			}
			for (const file of scorePages) {
				this.proof(file, "score", context("score"));
			}
			this.proof(attribution, "attribution", context("attribution"));
			return `${scores.length} scores in ${scorePages.length} pages`;
		});
		await this.check(where, "efficiency", async () => {
			const rows = BigInt(optimum.publics.rows as string);
			const queryRows = BigInt(attribution.publics.queryRows as string);
			const t = Number(queryScale(rows, queryRows));
			const unit = 2 ** (SHIFT - attributionPath(statements.attribution).scoreExponent - OMEGA_BITS) / (t * Number(queryRows));
			same("unit of the scores", files.scoreUnit, unit);
			same("loss of the empty model", files.lossBefore, 0.5);
			const error = Math.abs((Number(sum(files.scores)) * unit) / (files.lossBefore - files.lossAfter) - 1);
			if (!(error < 0.001)) {
				throw new Broken(`scores add up to the drop of the query loss within ${(100 * error).toFixed(4)} %, expected 0.1 %`);
			}
			return `scores add up to the loss drop within ${(100 * error).toFixed(4)} %`;
		});
		const words = files.words.map(BigInt);
		const pageSize = payoutPlaces(statements.payout);
		await this.check(where, "payout", async () => {
			const pool = BigInt(files.pool);
			const scores = files.scores.map(BigInt);
			const positive = positiveSum(scores);
			const expected = payoutsOf(scores, pool);
			let previous = "0";
			for (const [i, page] of pagesOf(scores, pageSize).entries()) {
				const file = payouts[i] as ProofFile;
				const last = scorePages[Math.min((i + 1) * set.payoutPages, scorePages.length) - 1] as ProofFile;
				same(`public signals of page ${i}`, file.publics, {
					previousScores: previous,
					scoreCommit: last.publics.scoreCommit,
					first: String(i * pageSize),
					pool: files.pool,
					positive: String(positive),
					pagePositive: String(positiveSum(page)),
					paid: String(payoutsOf(page, pool, positive).paid),
				});
				previous = file.publics.scoreCommit as string;
			}
			same("dust", files.dust, String(pool - expected.paid));
			same(
				"words by the policy",
				files.words,
				expected.payouts.map((entry, i) => String(payoutWord(entry, i))),
			);
			same("words of the proofs", wordsOf(payouts), files.words);
			for (const file of payouts) {
				this.proof(file, "payout", context("payout"));
			}
			return `${words.length} words in ${payouts.length} pages`;
		});
		await this.check(where, "claim tree", async () => {
			same("words of a page", files.pageSize, pageSize);
			same("roots", files.roots, payoutRoots(epoch, words, pageSize));
			same(
				"claim proofs",
				files.claims,
				words.map((_, i) => claimOf(epoch, words, i, pageSize).proof),
			);
			return files.roots.join(" ");
		});
		await this.check(where, "accounts", async () => {
			const file = await this.part<ContributorsFile>(at("contributors.json"));
			same("schema", file.schema, "openledger.contributors.v1");
			same("schema of the payouts", files.schema, "openledger.payouts.v1");
			checkAccounts(file, files, datasets, BigInt(policy.stake));
			return `pool ${file.accounting.pool} wei = paid ${file.accounting.paid} + dust ${files.dust} + unclaimed ${file.accounting.unclaimed}`;
		});
	}

	/** The same epochs as the chain tells them. */
	async chain(rpc: string): Promise<void> {
		const deployment = this.known("the deployment", this.deployment);
		const provider = await connect({ url: rpc, chainId: deployment.chainId });
		try {
			const checks = await checkDeployment(provider, deployment, [...this.vkeys.values()]);
			await this.check("chain", "contracts and verifiers", async () => {
				const failed = checks.find(({ ok }) => !ok);
				if (failed !== undefined) {
					throw new Broken(`${failed.name}: ${failed.detail}`);
				}
				return `${checks.length} checks`;
			});
			for (const id of this.index.epochs) {
				const epoch = BigInt(id);
				const at = (name: string): string => `epochs/${epoch}/${name}`;
				await this.check("chain", `events of epoch ${epoch}`, async () => {
					const history = await epochHistory({ provider, deployment, epoch });
					await this.compare(history, at);
					return `${history.contributions.length} contributions, roots ${history.payout?.pages.map(({ root }) => root).join(" ")}`;
				});
				await this.check("chain", `transactions of epoch ${epoch}`, async () => {
					const lines = await this.part<TransactionLine[]>(at("transactions.json"));
					for (const line of lines) {
						const receipt = await provider.getTransactionReceipt(line.hash);
						same(
							`receipt of ${line.action} ${line.hash}`,
							receipt === null ? "none" : [receipt.status, receipt.blockNumber, receipt.gasUsed.toString()],
							[1, line.block, line.gasUsed],
						);
					}
					return `${lines.length} receipts`;
				});
			}
		} finally {
			provider.destroy();
		}
	}

	private async compare(history: EpochHistory, at: (name: string) => string): Promise<void> {
		const policy = await this.part<Policy>(at("policy.json"));
		const datasets = await this.part<DatasetManifest[]>(at("datasets.json"));
		const proofs = (name: string): Promise<ProofFile> => this.part(at(`proofs/${name}.json`));
		const files = await this.part<PayoutsFile>(at("payouts.json"));
		same("policy", history.policy.policyDigest, jsonDigest(policy));
		same("steward", history.steward, policy.steward);
		same(
			"circuits",
			[...history.policy.circuits],
			ROLES.map((role) => this.key(role).circuitId),
		);
		for (const [i, dataset] of datasets.entries()) {
			const contribution = history.contributions[i];
			const { publics } = await proofs(`contribution-${i}`);
			same(
				`contribution ${i}`,
				[
					contribution?.contributor,
					contribution?.datasetDigest,
					String(contribution?.rowsCommit),
					String(contribution?.statsCommit),
					String(contribution?.n),
				],
				[dataset.contributor, jsonDigest(dataset), publics.rowsCommit, publics.statsCommit, publics.rows],
			);
		}
		same("number of contributions", history.contributions.length, datasets.length);
		const checkpoint = await this.part<Checkpoint>(at("checkpoint.json"));
		same(
			"checkpoint",
			[history.checkpoint?.model, String(history.checkpoint?.modelCommit)],
			[recordId(policy.steward, "Checkpoint", jsonDigest(checkpoint)), checkpoint.modelCommit],
		);
		const log = await this.part<QueryLog>(at("queries.json"));
		same("query log", history.log?.root, jsonDigest(log));
		const queries = await Promise.all(log.rowsCommits.map((_, i) => proofs(`query-${i}`)));
		same(
			"queries",
			history.queries.map(({ rowsCommit, statsCommit }) => [rowsCommit, statsCommit].map(String)),
			queries.map(({ publics }) => [publics.rowsCommit, publics.statsCommit]),
		);
		const lastPage = Math.ceil(datasets.length / policy.parameters.places) - 1;
		same("scores", String(history.attribution?.scoreCommit), (await proofs(`score-${lastPage}`)).publics.scoreCommit);
		same(
			"payout",
			[
				history.payout?.pages.map(({ root }) => root),
				String(history.payout?.pool),
				String(history.payout?.dust),
				history.payout?.words?.map(String),
			],
			[files.roots, files.pool, files.dust, files.words],
		);
		const { contributors } = await this.part<ContributorsFile>(at("contributors.json"));
		for (const line of contributors) {
			const contribution = history.contributions[line.index];
			same(
				`account of contribution ${line.index}`,
				[line.paid, line.charged, line.claimed, line.transaction],
				[
					String(contribution?.paid ?? 0n),
					String(contribution?.charged),
					contribution?.settled !== undefined,
					contribution?.settled ?? null,
				],
			);
		}
	}

	private proof(file: ProofFile, role: Role, context: string): void {
		const key = this.key(role);
		same("schema", file.schema, "openledger.proof.v1");
		same("role", file.role, role);
		same("circuit", file.circuitId, key.circuitId);
		same("context", file.context, context);
		same("names of the public signals", Object.keys(file.publics), [...key.publics]);
		same("names of the links", Object.keys(file.links), [...key.links]);
		verifyProof(key, {
			context: context as Hex,
			publics: Object.values(file.publics).map(BigInt),
			links: Object.values(file.links).map(BigInt),
			words: file.words.map(BigInt),
			transcript: file.transcript,
			proof: file.proof,
		});
	}

	/** Proofs share one transcript, which says that they had one challenge; that each belongs to it is part of its own check. */
	private together(files: readonly ProofFile[]): void {
		const [first] = files as [ProofFile];
		same("proofs of the transcript", first.transcript.length, files.length);
		for (const file of files) {
			same(`transcript of ${file.role}`, file.transcript, first.transcript);
		}
	}

	private key(role: Role): VerificationKey {
		return this.known(`the key of ${role}`, this.vkeys.get(role));
	}

	private known<T>(what: string, value: T | undefined): T {
		if (value === undefined) {
			throw new Broken(`${what} is missing or broken`);
		}
		return value;
	}

	private async part<T>(path: string): Promise<T> {
		await access(join(this.folder, path)).catch(() => {
			throw new EpochError("BUNDLE_MISSING", `expected the file ${path}, got none`, "Get the whole bundle again.");
		});
		return readPart<T>(this.folder, path);
	}

	/** Runs checks. What a file of another shape throws between them is a broken link as well. */
	async guard(where: string, work: () => Promise<void>): Promise<void> {
		try {
			await work();
		} catch (error) {
			if (error instanceof Stop || this.signal?.aborted) {
				throw error;
			}
			this.broken(where, "shape of the files", error);
		}
	}

	/** Notes a broken link. @throws the error itself when it says that the node does not answer; Stop when one is enough */
	private broken(where: string, name: string, error: unknown): void {
		if ((error as { code?: string }).code?.startsWith("node.")) {
			throw error;
		}
		this.links.push({ where, name, ok: false, detail: (error as Error).message });
		if (this.stopAtFirst) {
			throw new Stop();
		}
	}

	private async check(where: string, name: string, work: () => Promise<string>): Promise<void> {
		this.signal?.throwIfAborted();
		try {
			this.links.push({ where, name, ok: true, detail: await work() });
		} catch (error) {
			this.broken(where, name, error);
		}
		this.progress({ phase: "verify", done: this.links.length, total: this.links.length, note: `${where}: ${name}` });
	}
}

/** What the key of a circuit says of it. */
function pick({ id, publics, links, hasWords, statement }: Pick<VerificationKey, "id" | "publics" | "links" | "hasWords" | "statement">) {
	return { id, publics: [...publics], links: [...links], hasWords, statement };
}
