import { join } from "node:path";
import type { Wallet } from "ethers";
import type { Instance } from "../../circuits/circuit.ts";
import { FIELD } from "../../circuits/field.ts";
import { epochStatements, ROLES, type Role } from "../../circuits/parameters.ts";
import { OMEGA_BITS, SHIFT } from "../../circuits/path.ts";
import { attributionInstance, attributionPath, queryScale } from "../../circuits/statements/attribution.ts";
import { contributionInstance } from "../../circuits/statements/contribution.ts";
import { headExponent, optimumInstance } from "../../circuits/statements/optimum.ts";
import { payoutInstance } from "../../circuits/statements/payout.ts";
import type { Statistics as ExactStatistics, Rows } from "../../circuits/statistics.ts";
import type { Backend } from "../../compute/backend.ts";
import { accuracy, loss, predict } from "../../compute/head.ts";
import { exactPath, ridgePath } from "../../compute/path.ts";
import { solveRidge } from "../../compute/ridge.ts";
import { sumStatistics } from "../../compute/statistics.ts";
import type { LedgerClient, ProofCalldata, Triple } from "../../ledger/client.ts";
import { contributionContext, epochContext } from "../../ledger/context.ts";
import type { RecordKind } from "../../ledger/enums.ts";
import { epochHistory } from "../../ledger/events.ts";
import { claimOf, payoutRoot } from "../../ledger/payout-tree.ts";
import { recordId } from "../../ledger/record.ts";
import type { ProverPool } from "../../prover/pool.ts";
import { toCalldata } from "../../prover/proof.ts";
import type { ContributorLine, ContributorsFile, DatasetManifest, PayoutsFile, ProofFile } from "./bundle.ts";
import type { Chain } from "./chain.ts";
import type { EpochConfig } from "./config.ts";
import type { EpochData } from "./data.ts";
import type { Journal, ProofRecord } from "./journal.ts";
import { type Hex, jsonDigest, keccakHex, writeJson } from "./json.ts";
import type { EpochKeys } from "./keys.ts";
import type { Progress } from "./progress.ts";
import type { Clock, ProofFigure } from "./report.ts";
import { shareOf } from "./share.ts";

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
	private readonly figures: ProofFigure[] = [];
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
		const commit = await clock.time("commit", () => this.commit(epoch));
		const list = commit.map(({ statistics }) => statistics);

		// Train.
		const train = await clock.time("train", async () => {
			this.report("train", 0, 1, "ridge head");
			const statistics = await Promise.all(data.contributors.map(({ rows }) => backend.statistics(rows, d, k)));
			const total = sumStatistics(statistics);
			const exponent = headExponent(statements.optimum);
			const { x } = solveRidge(total, data.set.lambda * BigInt(total.n), 1n << BigInt(exponent));
			const held = await backend.statistics(data.evaluation, d, k);
			const checkpoint = { accuracy: accuracy(x, data.evaluation, d, k), loss: loss(held, x, 2 ** exponent) };
			this.report("train", 1, 1, `accuracy ${(100 * checkpoint.accuracy).toFixed(1)} % on ${data.evaluation.count} held-out rows`);
			return { total, head: x, scale: 2 ** exponent, checkpoint };
		});
		const head = Array.from(train.head, BigInt);
		const model = await clock.time("checkpoint", () => this.postCheckpoint(epoch, steward, list, head, train.checkpoint, commit));

		// Queries: logged and fixed on chain before any score exists.
		const query = await clock.time("queries", () => this.postQueries(epoch, steward, model, train.head));

		// Attribution along the ridge path.
		const attributed = await clock.time("attribution", async () => {
			const parameters = attributionPath(statements.attribution);
			const queryStatistics = await backend.statistics(query.rows, d, k);
			const path = ridgePath(train.total, queryStatistics, parameters);
			const instance = attributionInstance(statements.attribution, list, query.statistics, exactPath(path));
			this.report("attribution", 0, 1, "proving");
			const made = await this.prove(
				epoch,
				"attribution",
				"attribution",
				instance,
				epochContext(chain.deployment, "attribution", epoch) as Hex,
			);
			if ((await chain.reader.book(epoch)).phase === "QueriesPosted") {
				await chain.act("postAttribution", () =>
					steward.postAttribution({ epoch, publics: instance.publics as [bigint, bigint], words: instance.words, proof: made.calldata }),
				);
			}
			this.report("attribution", 1, 1, "scores proven");
			const t = queryScale(BigInt(train.total.n), BigInt(queryStatistics.n));
			const scoreUnit = 2 ** (SHIFT - parameters.scoreExponent - OMEGA_BITS) / (Number(t) * queryStatistics.n);
			const before = loss(queryStatistics, new Float64Array(d * k));
			const after = loss(queryStatistics, train.head, train.scale);
			const sum = Number(instance.scores.reduce((total, score) => total + score, 0n)) * scoreUnit;
			return { scores: instance.scores, scoreUnit, before, after, efficiencyError: Math.abs(sum / (before - after) - 1) };
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
				root: payoutRoot(epoch, words) as Hex,
				claims: words.map((_, index) => claimOf(epoch, words, index).proof),
			},
		};
		await this.write(epoch, "payouts.json", this.facts.payouts);
		this.outcome = {
			run: this,
			epoch,
			figures: this.figures,
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
		const positive = facts.scores.reduce((sum, score) => (score > 0n ? sum + score : sum), 0n);
		const lines = history.contributions.map((contribution, index): ContributorLine => {
			const manifest = facts.manifests[index] as DatasetManifest;
			const score = facts.scores[index] as bigint;
			return {
				index,
				address: contribution.contributor,
				owner: manifest.owner,
				rows: manifest.rows,
				score: score.toString(),
				share: positive === 0n ? 0 : shareOf(score, positive),
				paid: (contribution.paid ?? 0n).toString(),
				charged: contribution.charged.toString(),
				shortfall: contribution.shortfall.toString(),
				stakeReturned: contribution.withdrawn.toString(),
				claimed: contribution.settled !== undefined,
				transaction: contribution.settled ?? null,
			};
		});
		const { money } = history;
		const dustReturned = history.contributions.length > 0 && this.parts.turn === this.parts.config.epochs - 1 ? money.dustOut : 0n;
		const file: ContributorsFile = {
			schema: "openledger.contributors.v1",
			contributors: lines,
			accounting: {
				pool: money.pool.toString(),
				paid: money.paid.toString(),
				unclaimed: money.balance.toString(),
				dust: money.dust.toString(),
				dustCarried: (money.dustOut - dustReturned).toString(),
				returned: (money.returned + dustReturned).toString(),
				charged: history.contributions.reduce((sum, { charged }) => sum + charged, 0n).toString(),
			},
		};
		await this.write(epoch, "contributors.json", file);
		await this.write(epoch, "transactions.json", chain.transactions);
		(this.outcome as EpochOutcome).lines = lines;
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
					circuits: ROLES.map((role) => keys[role].key.verification.circuitId) as unknown as [string, string, string, string, string],
					policyDigest: jsonDigest(policy),
					funder: chain.steward.address,
					expiresAt: (await chain.reader.now()) + LIFETIME_S,
					capacity: data.set.contributions,
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
		const made = await Promise.all(
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
				const { calldata } = await this.prove(epoch, "contribution", `contribution-${index}`, instance, context);
				done++;
				this.report("commit", done, total, "contributions proven");
				return { wallet, manifest, calldata, publics: instance.publics as unknown as Triple, statistics: instance.statistics };
			}),
		);
		await this.write(
			epoch,
			"datasets.json",
			made.map(({ manifest }) => manifest),
		);

		const accepted = (await chain.reader.epoch(epoch))?.count ?? 0;
		for (const { wallet, manifest, calldata, publics } of made.slice(accepted)) {
			this.parts.signal?.throwIfAborted();
			await chain.equip(wallet, config.stake);
			const client = await chain.client(wallet);
			const datasetDigest = await this.record(client, "Dataset", manifest);
			await chain.act("contribute", () =>
				client.contribute({ epoch, datasetDigest: datasetDigest.digest, publics, proof: calldata, stake: config.stake }),
			);
		}
		const steward = await chain.client(chain.steward);
		if ((await chain.reader.phase(epoch)) === "Open") {
			await chain.act("closeEpoch", () => steward.closeEpoch(epoch));
		}
		return made;
	}

	private async postCheckpoint(
		epoch: bigint,
		steward: LedgerClient,
		list: readonly ExactStatistics[],
		head: readonly bigint[],
		evaluation: { accuracy: number; loss: number },
		commit: readonly { manifest: DatasetManifest }[],
	): Promise<string> {
		const { data, chain } = this.parts;
		const { optimum } = epochStatements(data.set);
		const model = {
			schema: "openledger.model.v1",
			backbone: data.backbone,
			quantisation: data.quantisation,
			classes: data.classes,
			epoch: epoch.toString(),
			head: { d: data.set.d, k: data.set.k, features: data.features, exponent: headExponent(optimum), lambda: data.set.lambda.toString() },
		};
		const manifest = await this.record(steward, "ModelManifest", model);
		const instance = optimumInstance(optimum, list, head, BigInt(manifest.digest) % FIELD);
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
		this.report("checkpoint", 0, 1, "proving the optimum");
		const { calldata } = await this.prove(epoch, "optimum", "optimum", instance, epochContext(chain.deployment, "optimum", epoch) as Hex);
		if ((await chain.reader.phase(epoch)) === "Closed") {
			await chain.act("postCheckpoint", () =>
				steward.postCheckpoint({
					epoch,
					manifest: manifest.id,
					model: record.id,
					publics: instance.publics as unknown as Triple,
					words: instance.words,
					proof: calldata,
				}),
			);
		}
		this.report("checkpoint", 1, 1, "optimum proven");
		return record.id;
	}

	private async postQueries(
		epoch: bigint,
		steward: LedgerClient,
		model: string,
		head: Float64Array,
	): Promise<{ rows: Rows; statistics: ExactStatistics }> {
		const { turn, config, data, journal, chain } = this.parts;
		const { query } = epochStatements(data.set);
		const { d, k } = data.set;
		const asked = data.queries[turn] as Rows;
		const rows: Rows = {
			...asked,
			label: config.queryLabels === "served" ? predict(head, asked.x, d, k) : asked.label,
			weight: asked.weight.map((_, i) => 1 + (i % FEES)),
		};
		const instance = contributionInstance(query, rows, journal.salt(`queries/${turn}`));
		const log = {
			schema: "openledger.query-log.v1",
			model,
			labels: config.queryLabels,
			rowsCommit: (instance.publics[0] as bigint).toString(),
			entries: Array.from({ length: rows.count }, (_, i) => ({
				row: keccakHex(Buffer.concat([journal.derive(`query/${turn}/${i}`), rows.x.subarray(i * d, (i + 1) * d)])),
				label: rows.label[i] as number,
				fee: rows.weight[i] as number,
			})),
		};
		const root = jsonDigest(log);
		const id = recordId(steward.address, "InferenceLog", root);
		this.report("queries", 0, 1, `${rows.count} queries`);
		if ((await chain.reader.record(id)) === undefined) {
			await chain.act("appendLog", () => steward.appendLog({ model, root }));
		}
		if ((await chain.reader.phase(epoch)) === "Checkpointed") {
			await chain.act("commitQueries", () => steward.commitQueries({ epoch, log: id }));
		}
		await this.write(epoch, "queries.json", log);
		const { calldata } = await this.prove(epoch, "query", "query", instance, epochContext(chain.deployment, "query", epoch) as Hex);
		if ((await chain.reader.phase(epoch)) === "QueriesCommitted") {
			await chain.act("postQueries", () => steward.postQueries({ epoch, publics: instance.publics as unknown as Triple, proof: calldata }));
		}
		this.report("queries", 1, 1, `${rows.count} queries proven`);
		return { rows, statistics: instance.statistics };
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
		const instance = payoutInstance(payout, scores, pool);
		this.report("payout", 0, 1, "proving");
		const { calldata } = await this.prove(epoch, "payout", "payout", instance, epochContext(chain.deployment, "payout", epoch) as Hex);
		if (account.status === "None") {
			await chain.act("postPayout", () =>
				steward.postPayout({ epoch, publics: instance.publics as unknown as Triple, words: instance.words, proof: calldata }),
			);
		}
		this.report("payout", 1, 1, "payout proven and posted");
		return { words: instance.words, pool, dust: instance.dust };
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
				const claim = claimOf(epoch, words, index);
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

	private async prove(
		epoch: bigint,
		role: Role,
		name: string,
		instance: Instance,
		context: Hex,
	): Promise<ProofRecord & { calldata: ProofCalldata }> {
		const { keys, journal, pool, signal } = this.parts;
		const key = keys[role];
		const record = await journal.prove(pool, key, instance, context, signal);
		const publics = Object.fromEntries(instance.circuit.publics.map((signal, i) => [signal, (instance.publics[i] as bigint).toString()]));
		const file: ProofFile = {
			schema: "openledger.proof.v1",
			role,
			circuitId: key.key.verification.circuitId,
			context,
			publics,
			words: instance.words.map(String),
			proof: record.proof,
		};
		const { counts } = key.circuit;
		this.figures.push({
			epoch: epoch.toString(),
			name,
			statement: instance.circuit.statement,
			parameters: instance.circuit.id,
			constraints: counts.nonLinear + counts.linear,
			witnessMs: Math.round(record.witnessMs),
			proveMs: Math.round(record.proveMs),
			publicSignals: publics,
		});
		await this.write(epoch, `proofs/${name}.json`, file);
		return { ...record, calldata: toCalldata(record.proof) };
	}

	private async write(epoch: bigint, name: string, value: unknown): Promise<void> {
		await writeJson(join(this.parts.staging, "epochs", epoch.toString(), name), value);
	}

	private report(phase: string, done: number, total: number, note: string): void {
		const { turn, config, progress } = this.parts;
		progress({ phase, done, total, note: config.epochs > 1 ? `epoch ${turn + 1} of ${config.epochs}: ${note}` : note });
	}
}
