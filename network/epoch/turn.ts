import { join } from "node:path";
import type { Wallet } from "ethers";
import { FIELD } from "../../circuits/field.ts";
import { pagesOf } from "../../circuits/page.ts";
import { epochStatements, ROLES } from "../../circuits/parameters.ts";
import { OMEGA_BITS, SHIFT } from "../../circuits/path.ts";
import { attributionInstance, attributionPath, queryScale } from "../../circuits/statements/attribution.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { headExponent, optimumInstance } from "../../circuits/statements/optimum.ts";
import { payoutInstance, payoutPlaces, positiveSum } from "../../circuits/statements/payout.ts";
import { scoreInstance } from "../../circuits/statements/score.ts";
import { totalInstance } from "../../circuits/statements/total.ts";
import { type Statistics as ExactStatistics, type Rows, sumStatistics } from "../../circuits/statistics.ts";
import type { Backend } from "../../compute/backend.ts";
import { accuracy, loss, predict } from "../../compute/head.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { solveRidge } from "../../compute/ridge.ts";
import { selectRows } from "../../compute/rows.ts";
import { sumStatistics as addStatistics } from "../../compute/statistics.ts";
import type { LedgerClient, Triple } from "../../ledger/client.ts";
import { contributionContext, type EpochStatement, epochContext } from "../../ledger/context.ts";
import type { RecordKind } from "../../ledger/enums.ts";
import { epochHistory } from "../../ledger/events.ts";
import { claimOf, payoutRoots } from "../../ledger/payout-tree.ts";
import { recordId } from "../../ledger/record.ts";
import type { ProverPool } from "../../prover/pool/pool.ts";
import type { ContributorLine, DatasetManifest, PayoutsFile } from "./bundle.ts";
import type { Chain } from "./chain.ts";
import type { EpochConfig } from "./config.ts";
import type { EpochData } from "./data.ts";
import type { Journal } from "./journal.ts";
import { type Hex, jsonDigest, keccakHex, writeJson } from "./json.ts";
import type { EpochKeys } from "./keys.ts";
import { outcomeOf } from "./outcome.ts";
import type { Progress } from "./progress.ts";
import { EpochProofs, type MadeProof, type ProofPlan } from "./proofs.ts";
import type { Clock, ProofFigure } from "./report.ts";

/** Seconds that an epoch stays open for posts. */
const LIFETIME_S = 7n * 86_400n;
/** Fees of the simulated queries, in turn: the weight of a row in the query statistics. */
const FEES = 5;

export interface EpochOutcome {
	readonly run: EpochRun;
	readonly epoch: bigint;
	readonly figures: readonly ProofFigure[];
	readonly checkpoint: { readonly accuracy: number; readonly loss: number; readonly efficiencyError: number };
	lines: readonly ContributorLine[];
}

export interface RunParts {
	readonly turn: number;
	readonly config: EpochConfig;
	readonly data: EpochData;
	readonly keys: EpochKeys;
	readonly journal: Journal;
	readonly pool: ProverPool;
	readonly backend: Backend;
	readonly chain: Chain;
	readonly staging: string;
	readonly progress: Progress;
	readonly signal: AbortSignal | undefined;
	readonly clock: Clock;
}

/** One epoch. */
export class EpochRun {
	private readonly parts: RunParts;
	private proofs: EpochProofs | undefined;
	private outcome: EpochOutcome | undefined;
	private facts: { manifests: DatasetManifest[]; payouts: PayoutsFile; words: readonly bigint[]; scores: readonly bigint[] } | undefined;

	constructor(parts: RunParts) {
		this.parts = parts;
	}

	async run(previous: bigint | undefined): Promise<EpochOutcome> {
		const { data, chain, clock, backend } = this.parts;
		const { d, k } = data.set;
		const statements = epochStatements(data.set);
		const steward = await chain.client(chain.steward);

		const epoch = await this.openEpoch(steward);
		const proofs = new EpochProofs(epoch, this.parts, (name, file) => this.write(epoch, name, file));
		this.proofs = proofs;
		const commit = await clock.time("commit", () => this.commit(epoch));
		const list = commit.map(({ statistics }) => statistics);
		const sum = sumStatistics(list, d, k);

		// Train.
		const train = await clock.time("train", async () => {
			this.report("train", 0, 1, "ridge head");
			const statistics = await Promise.all(data.contributors.map(({ rows }) => backend.statistics(rows, d, k)));
			const total = addStatistics(statistics);
			const exponent = headExponent(statements.optimum);
			const { x } = solveRidge(total, data.set.lambda * BigInt(total.n), 1n << BigInt(exponent));
			const held = await backend.statistics(data.evaluation, d, k);
			const checkpoint = { accuracy: accuracy(x, data.evaluation, d, k), loss: loss(held, x, 2 ** exponent) };
			this.report("train", 1, 1, `accuracy ${(100 * checkpoint.accuracy).toFixed(1)} % on ${data.evaluation.count} held-out rows`);
			return { total, head: x, scale: 2 ** exponent, checkpoint };
		});
		const head = Array.from(train.head, BigInt);
		const model = await clock.time("checkpoint", () => this.postCheckpoint(epoch, steward, sum, head, train.checkpoint, commit));

		// Queries: logged and fixed on chain before any score exists.
		const query = await clock.time("queries", () => this.postQueries(epoch, steward, model, train.head));

		// Attribution along the ridge path.
		const attributed = await clock.time("attribution", async () => {
			const parameters = attributionPath(statements.attribution);
			const queryStatistics = await backend.statistics(query.rows, d, k);
			const path = exactPath(ridgePath(train.total, queryStatistics, parameters));
			const scores = await this.postAttribution(epoch, steward, list, sum, query.statistics, path);
			const t = queryScale(BigInt(train.total.n), BigInt(queryStatistics.n));
			const scoreUnit = 2 ** (SHIFT - parameters.scoreExponent - OMEGA_BITS) / (Number(t) * queryStatistics.n);
			const before = loss(queryStatistics, new Float64Array(d * k));
			const after = loss(queryStatistics, train.head, train.scale);
			const gained = Number(scores.reduce((total, score) => total + score, 0n)) * scoreUnit;
			return { scores, scoreUnit, before, after, efficiencyError: Math.abs(gained / (before - after) - 1) };
		});

		const paid = await clock.time("payout", () => this.postPayout(epoch, steward, attributed.scores, previous));
		await clock.time("claims", () => this.claim(epoch, steward, paid.words));

		const words = paid.words;
		this.facts = {
			manifests: commit.map(({ manifest }) => manifest),
			words,
			scores: attributed.scores,
			payouts: {
				schema: "openledger.payouts.v1",
				scores: attributed.scores.map(String),
				scoreUnit: attributed.scoreUnit,
				lossBefore: attributed.before,
				lossAfter: attributed.after,
				pool: paid.pool.toString(),
				dust: paid.dust.toString(),
				words: words.map(String),
				pageSize: this.pageSize,
				roots: payoutRoots(epoch, words, this.pageSize) as Hex[],
				claims: words.map((_, index) => claimOf(epoch, words, index, this.pageSize).proof),
			},
		};
		await this.write(epoch, "payouts.json", this.facts.payouts);
		this.outcome = {
			run: this,
			epoch,
			figures: proofs.figures,
			checkpoint: { ...train.checkpoint, efficiencyError: attributed.efficiencyError },
			lines: [],
		};
		return this.outcome;
	}

	/** Pays the dust of the last epoch back to the funder. */
	async returnDust(epoch: bigint): Promise<void> {
		const { chain } = this.parts;
		const account = await chain.reader.account(epoch);
		if (account.dust > 0n && account.activatesAt <= (await chain.reader.now())) {
			const steward = await chain.client(chain.steward);
			await chain.act("returnDust", () => steward.returnDust(epoch));
		}
	}

	/** Writes who was paid, from the chain's events, and holds it against the proven words. */
	async writeOutcome(epoch: bigint): Promise<void> {
		const { chain } = this.parts;
		const facts = this.facts as NonNullable<typeof this.facts>;
		const history = await epochHistory({ provider: chain.provider, deployment: chain.deployment, epoch });
		const file = outcomeOf(history, facts.manifests, facts.scores, this.parts.turn === this.parts.config.epochs - 1);
		await this.write(epoch, "contributors.json", file);
		await this.write(epoch, "transactions.json", chain.transactions);
		(this.outcome as EpochOutcome).lines = file.contributors;
	}

	/** Words of a payout page. */
	private get pageSize(): number {
		return payoutPlaces(epochStatements(this.parts.data.set).payout);
	}

	private async openEpoch(steward: LedgerClient): Promise<bigint> {
		const { turn, config, data, keys, journal, chain } = this.parts;
		const policy = {
			schema: "openledger.policy.v1",
			steward: steward.address,
			parameters: { ...data.set, lambda: data.set.lambda.toString() },
			payout: "linear: amount = floor(pool min(|score|, P) / P), P the sum of positive scores; negative scores are charged to the stake",
			queryLabels: config.queryLabels,
			queryFees: `1 to ${FEES} in turn (simulated)`,
			stake: config.stake.toString(),
			activationDelay: config.activationDelay,
		};
		const name = `epoch-${turn}`;
		const known = chain.embedded ? undefined : ((await journal.recall(name)) as { epoch: string } | undefined);
		let epoch: bigint;
		if (known === undefined) {
			await chain.equip(chain.steward, config.pool);
			const opened = await chain.act("openEpoch", async () =>
				steward.openEpoch({
					circuits: ROLES.map((role) => keys[role].key.verification.circuitId),
					policyDigest: jsonDigest(policy),
					funder: chain.steward.address,
					expiresAt: (await chain.reader.now()) + LIFETIME_S,
					capacity: data.contributors.length,
					vetoer: chain.steward.address,
					minStake: config.stake,
				}),
			);
			epoch = opened.epoch;
			await journal.keep(name, { epoch: epoch.toString() });
		} else {
			epoch = BigInt(known.epoch);
		}
		await this.write(epoch, "policy.json", policy);
		return epoch;
	}

	/** Every contributor's records, proof and stake; then the intake is closed. */
	private async commit(epoch: bigint) {
		const { turn, config, data, journal, chain } = this.parts;
		const { contribution } = epochStatements(data.set);
		const total = data.contributors.length;
		const quantisation = jsonDigest(data.quantisation);
		let done = 0;
		this.report("commit", 0, total, "contributions proven");
		const contributions = await Promise.all(
			data.contributors.map(async ({ owner, rows }, index) => {
				const wallet = chain.wallet(`contributor/${owner}`);
				const instance = contributionInstance(contribution, rows, journal.salt(`rows/${turn}/${owner}`));
				const manifest: DatasetManifest = {
					schema: "openledger.dataset.v1",
					contributor: wallet.address,
					owner,
					rows: rows.count,
					features: data.quantisation.columns.map(({ name }) => name),
					quantisation,
					rowsCommit: (instance.publics[0] as bigint).toString(),
					licence: "UNSPECIFIED",
				};
				const context = contributionContext(chain.deployment, epoch, wallet.address) as Hex;
				const made = await this.prove({ role: "contribution", name: `contribution-${index}`, instance, context });
				done++;
				this.report("commit", done, total, "contributions proven");
				return { wallet, manifest, made, statistics: instance.statistics };
			}),
		);
		await this.write(
			epoch,
			"datasets.json",
			contributions.map(({ manifest }) => manifest),
		);

		const accepted = (await chain.reader.epoch(epoch))?.count ?? 0;
		for (const { wallet, manifest, made } of contributions.slice(accepted)) {
			this.parts.signal?.throwIfAborted();
			await chain.equip(wallet, config.stake);
			const client = await chain.client(wallet);
			const datasetDigest = await this.record(client, "Dataset", manifest);
			await chain.act("contribute", () =>
				client.contribute({
					epoch,
					datasetDigest: datasetDigest.digest,
					publics: made.publics as unknown as Triple,
					proof: made.proof,
					stake: config.stake,
				}),
			);
		}
		const steward = await chain.client(chain.steward);
		if ((await chain.reader.phase(epoch)) === "Open") {
			await chain.act("closeEpoch", () => steward.closeEpoch(epoch));
		}
		return contributions;
	}

	private async postCheckpoint(
		epoch: bigint,
		steward: LedgerClient,
		sum: ExactStatistics,
		head: readonly bigint[],
		evaluation: { accuracy: number; loss: number },
		commit: readonly { manifest: DatasetManifest; statistics: ExactStatistics }[],
	): Promise<string> {
		const { data, chain } = this.parts;
		const { optimum, total } = epochStatements(data.set);
		const model = {
			schema: "openledger.model.v1",
			backbone: data.backbone,
			quantisation: data.quantisation,
			classes: data.classes,
			epoch: epoch.toString(),
			head: { d: data.set.d, k: data.set.k, features: data.features, exponent: headExponent(optimum), lambda: data.set.lambda.toString() },
		};
		const manifest = await this.record(steward, "ModelManifest", model);
		const instance = optimumInstance(optimum, sum, head, BigInt(manifest.digest) % FIELD);
		const training = {
			schema: "openledger.training.v1",
			model: manifest.digest,
			datasets: commit.map((made) => jsonDigest(made.manifest)),
			loss: "squared loss with ridge lambda = K rows on Gram statistics",
			lambda: data.set.lambda.toString(),
			backend: this.parts.backend.name,
			solver: "float64 Cholesky with exact residual refinement",
		};
		const trained = await this.record(steward, "TrainingDescriptor", training, manifest.id);
		const checkpoint = {
			schema: "openledger.checkpoint.v1",
			training: trained.digest,
			modelCommit: (instance.publics[0] as bigint).toString(),
			head: head.map(String),
			evaluation: { rows: data.evaluation.count, ...evaluation },
		};
		const record = await this.record(steward, "Checkpoint", checkpoint, manifest.id);
		await this.write(epoch, "model.json", model);
		await this.write(epoch, "training.json", training);
		await this.write(epoch, "checkpoint.json", checkpoint);
		const pages = pagesOf(
			commit.map(({ statistics }) => statistics),
			total.places,
		);
		const made = await this.proveTogether("checkpoint", [
			...pages.map((page, i) => this.plan(epoch, "total", `total-${i}`, totalInstance(total, page))),
			this.plan(epoch, "optimum", "optimum", instance),
		]);
		const joined = made.pop() as MadeProof;
		if ((await chain.reader.phase(epoch)) === "Closed") {
			const { pages: posted } = await chain.reader.joint(epoch, "Optimum", joined.transcript);
			for (const page of made.slice(posted)) {
				await chain.act("postTotal", () => steward.postTotal({ epoch, ...page }));
			}
			await chain.act("postCheckpoint", () => steward.postCheckpoint({ epoch, manifest: manifest.id, model: record.id, ...joined }));
		}
		this.report("checkpoint", pages.length + 1, pages.length + 1, "optimum proven and posted");
		return record.id;
	}

	private async postQueries(
		epoch: bigint,
		steward: LedgerClient,
		model: string,
		head: Float64Array,
	): Promise<{ rows: Rows; statistics: ExactStatistics[] }> {
		const { turn, config, data, journal, chain } = this.parts;
		const { query } = epochStatements(data.set);
		const { d, k } = data.set;
		const asked = data.queries[turn] as Rows;
		const rows: Rows = {
			...asked,
			label: config.queryLabels === "served" ? predict(head, asked.x, d, k) : asked.label,
			weight: asked.weight.map((_, i) => 1 + (i % FEES)),
		};
		const instances = pagesOf(
			Array.from({ length: rows.count }, (_, i) => i),
			query.n,
		).map((page, i) => {
			const weight = Uint8Array.from(page, (row) => rows.weight[row] as number);
			return contributionInstance(
				query,
				selectRows(rows.x, rows.label, d, Uint32Array.from(page), weight),
				journal.salt(`queries/${turn}/${i}`),
			);
		});
		const log = {
			schema: "openledger.query-log.v1",
			model,
			labels: config.queryLabels,
			rowsCommits: instances.map(({ publics }) => (publics[0] as bigint).toString()),
			entries: Array.from({ length: rows.count }, (_, i) => ({
				row: keccakHex(Buffer.concat([journal.derive(`query/${turn}/${i}`), rows.x.subarray(i * d, (i + 1) * d)])),
				label: rows.label[i] as number,
				fee: rows.weight[i] as number,
			})),
		};
		const root = jsonDigest(log);
		const id = recordId(steward.address, "InferenceLog", root);
		this.report("queries", 0, instances.length, `${rows.count} queries`);
		if ((await chain.reader.record(id)) === undefined) {
			await chain.act("appendLog", () => steward.appendLog({ model, root }));
		}
		if ((await chain.reader.phase(epoch)) === "Checkpointed") {
			await chain.act("commitQueries", () => steward.commitQueries({ epoch, log: id }));
		}
		await this.write(epoch, "queries.json", log);
		const made = await Promise.all(instances.map((instance, i) => this.prove(this.plan(epoch, "query", `query-${i}`, instance))));
		if ((await chain.reader.phase(epoch)) === "QueriesCommitted") {
			const { queries: posted } = await chain.reader.book(epoch);
			for (const [i, { publics, proof }] of [...made.entries()].slice(posted)) {
				const last = i === made.length - 1;
				await chain.act("postQueries", () => steward.postQueries({ epoch, publics: publics as unknown as Triple, proof, last }));
			}
		}
		this.report("queries", made.length, made.length, `${rows.count} queries proven`);
		return { rows, statistics: instances.map(({ statistics }) => statistics) };
	}

	/** Proves and posts the path, the scores of every page and the queries they are for. */
	private async postAttribution(
		epoch: bigint,
		steward: LedgerClient,
		list: readonly ExactStatistics[],
		sum: ExactStatistics,
		queries: readonly ExactStatistics[],
		path: ReturnType<typeof exactPath>,
	): Promise<bigint[]> {
		const { data, chain } = this.parts;
		const { d, k } = data.set;
		const statements = epochStatements(data.set);
		const instance = attributionInstance(statements.attribution, sum, sumStatistics(queries, d, k), path);
		const pages: ReturnType<typeof scoreInstance>[] = [];
		for (const page of pagesOf(list, statements.score.places)) {
			pages.push(scoreInstance(statements.score, page, instance.forms, pages.at(-1)?.publics[1] ?? 0n));
		}
		const queryPages = pagesOf(queries, statements["query-total"].places).map((page) => totalInstance(statements["query-total"], page));
		const made = await this.proveTogether("attribution", [
			...queryPages.map((page, i) => this.plan(epoch, "query-total", `query-total-${i}`, page)),
			...pages.map((page, i) => this.plan(epoch, "score", `score-${i}`, page)),
			this.plan(epoch, "attribution", "attribution", instance),
		]);
		const joined = made.pop() as MadeProof;
		if ((await chain.reader.phase(epoch)) === "QueriesPosted") {
			const posted = await chain.reader.joint(epoch, "Attribution", joined.transcript);
			for (const page of made.slice(posted.queryPages, queryPages.length)) {
				await chain.act("postQueryTotal", () => steward.postQueryTotal({ epoch, ...page }));
			}
			for (const page of made.slice(queryPages.length + posted.pages)) {
				await chain.act("postScores", () => steward.postScores({ epoch, ...page }));
			}
			await chain.act("postAttribution", () => steward.postAttribution({ epoch, ...joined }));
		}
		this.report("attribution", made.length + 1, made.length + 1, "scores proven and posted");
		return pages.flatMap(({ scores }) => scores);
	}

	private async postPayout(epoch: bigint, steward: LedgerClient, scores: readonly bigint[], previous: bigint | undefined) {
		const { turn, config, data, journal, chain } = this.parts;
		const { payout } = epochStatements(data.set);
		const account = await chain.reader.account(epoch);
		let pool: bigint;
		if (account.status === "None") {
			if (previous !== undefined && (await chain.reader.account(previous)).dust > 0n) {
				await chain.act("carryDust", () => steward.carryDust({ from: previous, to: epoch }));
			}
			if (account.balance < config.pool) {
				await chain.equip(chain.steward, config.pool);
				await chain.act("fund", () => steward.fund({ epoch, amount: config.pool }));
			}
			pool = (await chain.reader.account(epoch)).balance;
			await journal.keep(`pool-${turn}`, { pool: pool.toString() });
		} else {
			// Posted by the run that this one continues: the account no longer says how large the pool was.
			pool = BigInt(((await journal.recall(`pool-${turn}`)) as { pool: string }).pool);
		}
		const positive = positiveSum(scores);
		const instances: ReturnType<typeof payoutInstance>[] = [];
		for (const [i, page] of pagesOf(scores, this.pageSize).entries()) {
			const previousScores = instances.at(-1)?.publics[1] ?? 0n;
			instances.push(payoutInstance(payout, page, pool, { previousScores, first: i * this.pageSize, positive }));
		}
		this.report("payout", 0, instances.length, "proving");
		const made = await Promise.all(instances.map((instance, i) => this.prove(this.plan(epoch, "payout", `payout-${i}`, instance))));
		if (account.status === "None") {
			const posted = await chain.reader.payoutPages(epoch, { pool, positive, pageSize: this.pageSize });
			for (const { publics, words, proof } of made.slice(posted)) {
				await chain.act("postPayout", () => steward.postPayout({ epoch, pageSize: this.pageSize, publics, words, proof }));
			}
		}
		this.report("payout", made.length, made.length, "payout proven and posted");
		const paid = instances.reduce((sum, instance) => sum + instance.paid, 0n);
		return { words: instances.flatMap(({ words }) => words), pool, dust: pool - paid };
	}

	/** Contributors claim what they earned; charges are settled by the steward; stakes go back. */
	private async claim(epoch: bigint, steward: LedgerClient, words: readonly bigint[]): Promise<void> {
		const { data, chain, signal } = this.parts;
		const { activatesAt } = await chain.reader.account(epoch);
		if (!(await chain.reach(activatesAt, signal))) {
			this.report("claims", 0, words.length, `claims open at ${new Date(Number(activatesAt) * 1000).toISOString()}: run again then`);
			return;
		}
		for (const [index, { owner }] of data.contributors.entries()) {
			signal?.throwIfAborted();
			const wallet: Wallet = chain.wallet(`contributor/${owner}`);
			const own = await chain.client(wallet);
			if (!(await chain.reader.isClaimed(epoch, index))) {
				const claim = claimOf(epoch, words, index, this.pageSize);
				const isCharge = ((claim.word >> 96n) & 1n) === 1n;
				await chain.act(isCharge ? "claim (charge)" : "claim", () => (isCharge ? steward : own).claim(claim));
			}
			if (((await chain.reader.contribution(epoch, index))?.stake ?? 0n) > 0n) {
				await chain.act("withdrawStake", () => own.withdrawStake({ epoch, index }));
			}
			this.report("claims", index + 1, words.length, "claimed");
		}
	}

	/** Registers a manifest unless it is there. */
	private async record(client: LedgerClient, kind: RecordKind, manifest: unknown, parent?: string): Promise<{ id: string; digest: Hex }> {
		const { chain } = this.parts;
		const digest = jsonDigest(manifest);
		const id = recordId(client.address, kind, digest);
		if ((await chain.reader.record(id)) === undefined) {
			await chain.act(`register ${kind}`, () => client.registerRecord(parent === undefined ? { kind, digest } : { kind, digest, parent }));
		}
		return { id, digest };
	}

	/** A proof that belongs to the epoch. */
	private plan(epoch: bigint, role: EpochStatement, name: string, instance: ProofPlan["instance"]): ProofPlan {
		return { role, name, instance, context: epochContext(this.parts.chain.deployment, role, epoch) as Hex };
	}

	private async prove(plan: ProofPlan): Promise<MadeProof> {
		return (this.proofs as EpochProofs).alone(plan);
	}

	private async proveTogether(phase: string, plans: readonly ProofPlan[]): Promise<MadeProof[]> {
		this.report(phase, 0, plans.length, "committing");
		return (this.proofs as EpochProofs).together(plans, (count) => this.report(phase, count, plans.length, "proofs made"));
	}

	private async write(epoch: bigint, name: string, value: unknown): Promise<void> {
		await writeJson(join(this.parts.staging, "epochs", epoch.toString(), name), value);
	}

	private report(phase: string, done: number, total: number, note: string): void {
		const { turn, config, progress } = this.parts;
		progress({ phase, done, total, note: config.epochs > 1 ? `epoch ${turn + 1} of ${config.epochs}: ${note}` : note });
	}
}
