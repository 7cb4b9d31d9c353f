/** The chain of one epoch, from rows to claims: what each link says must follow from the files before it. */
import { FIELD } from "../../../circuits/field.ts";
import { pagesOf } from "../../../circuits/page.ts";
import { epochCircuits, epochStatements, ROLES } from "../../../circuits/parameters.ts";
import { OMEGA_BITS, SHIFT } from "../../../circuits/path.ts";
import { attributionPath, queryScale } from "../../../circuits/statements/attribution.ts";
import { commitModel, headExponent } from "../../../circuits/statements/optimum.ts";
import { payoutPlaces, payouts as payoutsOf, payoutWord, positiveSum } from "../../../circuits/statements/payout.ts";
import { commitScores } from "../../../circuits/statements/score.ts";
import { openBackbone } from "../../../compute/backbone/backbone.ts";
import { contributionContext, type EpochStatement, epochContext } from "../../../ledger/context.ts";
import { claimOf, payoutRoots } from "../../../ledger/payout-tree.ts";
import { recordId } from "../../../ledger/record.ts";
import type { VerificationKey } from "../../../prover/verification-key.ts";
import { checkAccounts } from "../accounts.ts";
import { Broken, same, sum } from "../broken.ts";
import type { DatasetManifest, ProofFile } from "../bundle.ts";
import { jsonDigest } from "../json.ts";
import { type EpochFiles, readEpoch } from "./epoch-files.ts";
import { type Evidence, together } from "./evidence.ts";
import type { Findings } from "./findings.ts";

/** Checks every link of an epoch. */
export async function auditEpoch(evidence: Evidence, findings: Findings, epoch: bigint): Promise<void> {
	const where = `epoch ${epoch}`;
	let files: EpochFiles;
	try {
		files = await readEpoch(evidence, epoch);
	} catch (error) {
		findings.broken(where, "files of the epoch", error);
		return;
	}
	const audit = new EpochAudit(evidence, epoch, files);
	const check = (name: string, work: () => string): Promise<void> => findings.check(where, name, async () => work());
	await check("parameters", () => audit.parameters());
	await check("screening", () => audit.screening());
	for (const [i, dataset] of files.datasets.entries()) {
		await check(`contribution ${i}`, () => audit.contribution(i, dataset));
	}
	await check("distinct contributions", () => audit.distinct());
	await check("manifests", () => audit.manifests());
	await check("backbone", () => audit.backbone());
	await check("checkpoint", () => audit.checkpoint());
	await check("optimum", () => audit.optimum());
	await check("queries", () => audit.queries());
	await check("attribution", () => audit.attribution());
	await check("efficiency", () => audit.efficiency());
	await check("payout", () => audit.payout());
	await check("claim tree", () => audit.claims());
	await check("accounts", () => audit.accounts());
}

/** One method a link: returns what was found, throws what broke. */
class EpochAudit {
	private readonly evidence: Evidence;
	private readonly epoch: bigint;
	private readonly files: EpochFiles;
	private readonly statements: ReturnType<typeof epochStatements>;
	private readonly scores: readonly bigint[];
	/** Words of a payout page. */
	private readonly pageSize: number;

	constructor(evidence: Evidence, epoch: bigint, files: EpochFiles) {
		this.evidence = evidence;
		this.epoch = epoch;
		this.files = files;
		this.statements = epochStatements(files.set);
		this.scores = files.payouts.scores.map(BigInt);
		this.pageSize = payoutPlaces(this.statements.payout);
	}

	parameters(): string {
		const { policy, set } = this.files;
		same("schema", policy.schema, "openledger.policy.v1");
		const circuits = epochCircuits(set);
		for (const role of ROLES) {
			same(`circuit of ${role}`, pick(this.evidence.key(role)), pick(circuits[role]));
		}
		return `d = ${set.d}, k = ${set.k}, ${set.nodes} nodes, lambda = ${set.lambda} rows`;
	}

	/** That the decisions are those on record, and that what was proven follows them. Whether the policy asks for them, only who has the rows can tell. */
	screening(): string {
		const { policy, screening, datasets } = this.files;
		same("schema", screening.schema, "openledger.screening.v1");
		same("screening of the policy", policy.screening, jsonDigest(screening));
		same("policy of the screening", screening.policy, jsonDigest(policy.defence));
		const left = screening.contributors.filter(({ isLeftOut }) => !isLeftOut);
		same(
			"rows that count",
			datasets.map(({ owner, rows }) => [owner, rows]),
			left.map(({ owner, rows, clamped }) => [owner, rows - clamped.length]),
		);
		return `${datasets.length} of ${screening.contributors.length} contributors`;
	}

	contribution(i: number, dataset: DatasetManifest): string {
		const { proofs, model } = this.files;
		const file = proofs.contributions[i] as ProofFile;
		same("schema", dataset.schema, "openledger.dataset.v1");
		same("rowsCommit of the dataset", dataset.rowsCommit, file.publics.rowsCommit);
		same("rows of the dataset", String(dataset.rows), file.publics.rows);
		same("quantisation of the dataset", dataset.quantisation, jsonDigest(model.quantisation));
		this.evidence.proof(file, "contribution", contributionContext(this.evidence.deployment, this.epoch, dataset.contributor));
		return `${dataset.rows} rows of ${dataset.contributor}`;
	}

	distinct(): string {
		const { statsCommits } = this;
		same("number of distinct statistics", new Set(statsCommits).size, statsCommits.length);
		return `${statsCommits.length}`;
	}

	manifests(): string {
		const { model, training, checkpoint, datasets, set, proofs } = this.files;
		same("schema of the model", model.schema, "openledger.model.v1");
		same("epoch of the model", model.epoch, String(this.epoch));
		same("schema of the training", training.schema, "openledger.training.v1");
		same("schema of the checkpoint", checkpoint.schema, "openledger.checkpoint.v1");
		same("model of the training", training.model, jsonDigest(model));
		same(
			"datasets of the training",
			training.datasets,
			datasets.map((dataset) => jsonDigest(dataset)),
		);
		same("lambda of the training", training.lambda, String(set.lambda));
		same("training of the checkpoint", checkpoint.training, jsonDigest(training));
		same("manifest digest in the optimum", proofs.optimum.publics.manifestDigest, String(BigInt(jsonDigest(model)) % FIELD));
		return jsonDigest(model);
	}

	/** That the manifest defines a backbone, weights included. Whether the rows are its features, only who has the data can tell. */
	backbone(): string {
		const { model, weights } = this.files;
		const { manifest, digest } = openBackbone(model.backbone, weights);
		same("features of the head", model.head.features, manifest.features);
		return `${manifest.kind} ${digest}`;
	}

	checkpoint(): string {
		const { checkpoint, model } = this.files;
		const { publics } = this.files.proofs.optimum;
		const commit = commitModel(this.statements.optimum, checkpoint.head.map(BigInt), BigInt(publics.manifestDigest as string));
		same("exponent of the head", model.head.exponent, headExponent(this.statements.optimum));
		same("commitment of the head", String(commit), checkpoint.modelCommit);
		same("modelCommit of the optimum", publics.modelCommit, checkpoint.modelCommit);
		return checkpoint.modelCommit;
	}

	optimum(): string {
		const { contributions, totals, optimum } = this.files.proofs;
		same("listed statistics", wordsOf(totals), this.statsCommits);
		same("rows of the contributions", rowsOf(contributions), optimum.publics.rows);
		same("rows of the pages", rowsOf(totals), optimum.publics.rows);
		same("sum of the pages", linksOf(totals, "totalAt"), optimum.links.totalAt);
		together([...totals, optimum]);
		this.prove(totals, "total");
		this.prove([optimum], "optimum");
		return `${optimum.publics.rows} rows in ${totals.length} pages`;
	}

	queries(): string {
		const { log, policy, checkpoint, proofs } = this.files;
		same("schema", log.schema, "openledger.query-log.v1");
		same("model of the log", log.model, recordId(policy.steward, "Checkpoint", jsonDigest(checkpoint)));
		same("labels of the log", log.labels, policy.queryLabels);
		same(
			"rowsCommits of the log",
			log.rowsCommits,
			proofs.queries.map((file) => file.publics.rowsCommit),
		);
		same("sum of the fees", String(log.entries.reduce((total, { fee }) => total + fee, 0)), rowsOf(proofs.queries));
		this.prove(proofs.queries, "query");
		return `${log.entries.length} queries`;
	}

	attribution(): string {
		const { set, datasets, proofs } = this.files;
		const { optimum, queries, queryTotals, scores: pages, attribution } = proofs;
		same("listed statistics", wordsOf(pages), this.statsCommits);
		same(
			"query statistics",
			wordsOf(queryTotals),
			queries.map((file) => file.publics.statsCommit),
		);
		same("rows", [rowsOf(pages), attribution.publics.rows], [optimum.publics.rows, optimum.publics.rows]);
		same("query rows", [rowsOf(queryTotals), attribution.publics.queryRows], [rowsOf(queries), rowsOf(queries)]);
		same("sum of the pages", linksOf(pages, "totalAt"), attribution.links.totalAt);
		same("sum of the query pages", linksOf(queryTotals, "totalAt"), attribution.links.queryAt);
		same("number of scores", this.scores.length, datasets.length);
		let previous = 0n;
		for (const [i, page] of pagesOf(this.scores, set.places).entries()) {
			const { publics, links } = pages[i] as ProofFile;
			const commit = commitScores(page, set.places, previous);
			same(`path of page ${i}`, links.pathAt, attribution.links.pathAt);
			same(`commitments of the scores of page ${i}`, [publics.previousScores, publics.scoreCommit], [previous, commit].map(String));
			previous = commit;
		}
		together([...queryTotals, ...pages, attribution]);
		this.prove(queryTotals, "query-total");
		this.prove(pages, "score");
		this.prove([attribution], "attribution");
		return `${this.scores.length} scores in ${pages.length} pages`;
	}

	efficiency(): string {
		const { payouts, proofs } = this.files;
		const queryRows = BigInt(proofs.attribution.publics.queryRows as string);
		const t = Number(queryScale(BigInt(proofs.optimum.publics.rows as string), queryRows));
		const { scoreExponent } = attributionPath(this.statements.attribution);
		const unit = 2 ** (SHIFT - scoreExponent - OMEGA_BITS) / (t * Number(queryRows));
		same("unit of the scores", payouts.scoreUnit, unit);
		same("loss of the empty model", payouts.lossBefore, 0.5);
		const error = Math.abs((Number(sum(payouts.scores)) * unit) / (payouts.lossBefore - payouts.lossAfter) - 1);
		const found = `scores add up to the drop of the query loss within ${(100 * error).toFixed(4)} %`;
		if (!(error < 0.001)) {
			throw new Broken(`${found}, expected 0.1 %`);
		}
		return found;
	}

	payout(): string {
		const { payouts: file, proofs, set } = this.files;
		const pool = BigInt(file.pool);
		const positive = positiveSum(this.scores);
		const expected = payoutsOf(this.scores, pool);
		let previous = "0";
		for (const [i, page] of pagesOf(this.scores, this.pageSize).entries()) {
			const { publics } = proofs.payouts[i] as ProofFile;
			const last = proofs.scores[Math.min((i + 1) * set.payoutPages, proofs.scores.length) - 1] as ProofFile;
			same(`public signals of page ${i}`, publics, {
				previousScores: previous,
				scoreCommit: last.publics.scoreCommit,
				first: String(i * this.pageSize),
				pool: file.pool,
				positive: String(positive),
				pagePositive: String(positiveSum(page)),
				paid: String(payoutsOf(page, pool, positive).paid),
			});
			previous = publics.scoreCommit as string;
		}
		same("dust", file.dust, String(pool - expected.paid));
		same(
			"words by the policy",
			file.words,
			expected.payouts.map((entry, i) => String(payoutWord(entry, i))),
		);
		same("words of the proofs", wordsOf(proofs.payouts), file.words);
		this.prove(proofs.payouts, "payout");
		return `${file.words.length} words in ${proofs.payouts.length} pages`;
	}

	claims(): string {
		const { payouts: file } = this.files;
		const words = file.words.map(BigInt);
		same("words of a page", file.pageSize, this.pageSize);
		same("roots", file.roots, payoutRoots(this.epoch, words, this.pageSize));
		same(
			"claim proofs",
			file.claims,
			words.map((_, i) => claimOf(this.epoch, words, i, this.pageSize).proof),
		);
		return file.roots.join(" ");
	}

	accounts(): string {
		const { contributors, payouts, datasets, policy } = this.files;
		same("schema", contributors.schema, "openledger.contributors.v1");
		same("schema of the payouts", payouts.schema, "openledger.payouts.v1");
		checkAccounts(contributors, payouts, datasets, BigInt(policy.stake));
		const { pool, paid, unclaimed } = contributors.accounting;
		return `pool ${pool} wei = paid ${paid} + dust ${payouts.dust} + unclaimed ${unclaimed}`;
	}

	private get statsCommits(): string[] {
		return this.files.proofs.contributions.map((file) => file.publics.statsCommit as string);
	}

	/** Proofs whose context is the EpochBook's or the RewardDistributor's. */
	private prove(files: readonly ProofFile[], statement: EpochStatement): void {
		for (const file of files) {
			this.evidence.proof(file, statement, epochContext(this.evidence.deployment, statement, this.epoch));
		}
	}
}

function rowsOf(files: readonly ProofFile[]): string {
	return String(sum(files.map((file) => file.publics.rows as string)));
}

function linksOf(files: readonly ProofFile[], name: string): string {
	return String(sum(files.map((file) => file.links[name] as string)) % FIELD);
}

function wordsOf(files: readonly ProofFile[]): string[] {
	return files.flatMap((file) => file.words);
}

/** What the key of a circuit says of it. */
function pick({ id, publics, links, hasWords, statement }: Pick<VerificationKey, "id" | "publics" | "links" | "hasWords" | "statement">) {
	return { id, publics: [...publics], links: [...links], hasWords, statement };
}
