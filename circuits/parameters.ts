/** Parameter sets: the sizes of one epoch's circuits in one object. Circuits, keys, verifiers and cache paths derive from it. */
import type { Circuit } from "./circuit.ts";
import { CircuitError } from "./errors.ts";
import { limbCount } from "./limbs.ts";
import { LIMB_BITS, type PageParameters } from "./page.ts";
import { packedPer } from "./sponge.ts";
import { type AttributionParameters, attributionCircuit } from "./statements/attribution.ts";
import { type ContributionParameters, contributionCircuit, contributionStatBits } from "./statements/contribution.ts";
import { type OptimumParameters, optimumCircuit } from "./statements/optimum.ts";
import { type PayoutParameters, payoutCircuit } from "./statements/payout.ts";
import { scoreCircuit } from "./statements/score.ts";
import { totalCircuit } from "./statements/total.ts";
import { entryCount, statBits } from "./statistics.ts";

export interface ParameterSet {
	/** Rows of one contribution. */
	readonly rows: number;
	/** Query rows of one proof. */
	readonly queries: number;
	/** Features with the bias. */
	readonly d: number;
	/** Classes. */
	readonly k: number;
	/** Contributions of a page. */
	readonly places: number;
	/** Query proofs of a page. */
	readonly queryPlaces: number;
	/** Pages of scores in one payout proof; places * payoutPages is at most 1,024. */
	readonly payoutPages: number;
	/** Nodes of the ridge path. */
	readonly nodes: number;
	/** lambda = lambda * rows, 65 is 1/1000 of the largest square. */
	readonly lambda: bigint;
	/** Rows of all contributions together. The closer to the truth, the tighter the residual bounds. */
	readonly totalRows: number;
}

/** The circuits of an epoch by role; `query` is `contribution` with fee weights, `query-total` is `total` over its statistics. The order is that of the contracts. */
export const ROLES = ["contribution", "query", "total", "query-total", "optimum", "score", "attribution", "payout"] as const;
export type Role = (typeof ROLES)[number];

export interface EpochStatements {
	readonly contribution: ContributionParameters;
	readonly query: ContributionParameters;
	readonly total: PageParameters;
	readonly "query-total": PageParameters;
	readonly optimum: OptimumParameters;
	readonly score: PageParameters;
	readonly attribution: AttributionParameters;
	readonly payout: PayoutParameters;
}

/** Parameters of each statement of a set. */
export function epochStatements(set: ParameterSet): EpochStatements {
	const { d, k, lambda } = set;
	const contribution: ContributionParameters = { n: set.rows, d, k, weightBits: 1 };
	const query: ContributionParameters = { n: set.queries, d, k, weightBits: 8 };
	const page: PageParameters = { places: set.places, d, k, statBits: contributionStatBits(contribution) };
	const optimum: OptimumParameters = { d, k, maxRows: set.totalRows, lambda };
	return {
		contribution,
		query,
		total: page,
		"query-total": { places: set.queryPlaces, d, k, statBits: contributionStatBits(query) },
		optimum,
		score: page,
		attribution: { ...optimum, nodes: set.nodes },
		payout: { pages: set.payoutPages, places: set.places },
	};
}

/** Circuits of a set by role. */
export function epochCircuits(set: ParameterSet): Record<Role, Circuit> {
	const statements = epochStatements(set);
	return {
		contribution: contributionCircuit(statements.contribution),
		query: contributionCircuit(statements.query),
		total: totalCircuit(statements.total),
		"query-total": totalCircuit(statements["query-total"]),
		optimum: optimumCircuit(statements.optimum),
		score: scoreCircuit(statements.score),
		attribution: attributionCircuit(statements.attribution),
		payout: payoutCircuit(statements.payout),
	};
}

const FEATURES = [4, 8, 16, 32, 64, 128];
const CLASSES = [2, 3, 4, 6, 8, 10, 16];

/** Most contributions of an epoch: their count on chain has 16 bits. */
export const MAX_CONTRIBUTIONS = 65_535;
/** Most rows of one `contribution` proof. */
export const MAX_ROWS = 2048;
/** Most payouts of one proof. */
const MAX_PAYOUTS = 1024;
/** Most proofs made together, as the verifiers bound them. */
const MAX_MEMBERS = 1024;
/**
 * Constraints that a page is filled to. Small enough that two pages are proven side by side in little memory and compiled in half a minute; large enough
 * that the page's table, 4,096, weighs little.
 */
const PAGE_CONSTRAINTS = 2 ** 17;

/** Most statistics of `width` bits that a page of at most PAGE_CONSTRAINTS opens and scores; at least 1. */
function pageCapacity(d: number, k: number, width: number): number {
	const entries = entryCount(d, k);
	const lookups = limbCount(width, LIMB_BITS) + (width % LIMB_BITS === 0 ? 0 : 1);
	const blocks = Math.ceil((1 + Math.ceil(entries / packedPer(width))) / 15);
	return Math.max(1, Math.floor((PAGE_CONSTRAINTS - 4096 - 2 * entries) / (609 * blocks + entries * (lookups + 1))));
}

/** Most pages of `places` scores of one payout proof: at most MAX_PAYOUTS payouts and twice PAGE_CONSTRAINTS; at least 1. */
function payoutCapacity(places: number): number {
	const page = 609 * Math.ceil((2 + places) / 15) + 75 * places;
	return Math.max(1, Math.min(Math.floor(MAX_PAYOUTS / places), Math.floor((2 * PAGE_CONSTRAINTS - 4096) / page)));
}

/** `count` things in equal pages of at most `capacity`. @returns things of a page */
function evenPages(count: number, capacity: number): number {
	return Math.ceil(count / Math.ceil(count / capacity));
}

/**
 * The smallest set that holds an epoch: features and classes are rounded up to a few sizes so that keys are shared,
 * rows to a multiple of 8, all rows to a multiple of 32. What one circuit does not hold is divided into pages.
 * @throws CircuitError when the data has more features or classes than any circuit, a contribution more rows, or the epoch more contributions
 */
export function parameterSetFor(size: {
	/** Rows of the largest contribution. */
	rows: number;
	/** Query rows of the epoch. */
	queries: number;
	features: number;
	classes: number;
	contributions: number;
	/** Rows of all contributions together; contributions * rows when absent. */
	totalRows?: number;
	nodes?: number;
	lambda?: bigint;
	/** Most contributions of a page; what PAGE_CONSTRAINTS hold when absent. */
	page?: number;
	/** Most query rows of a proof; what PAGE_CONSTRAINTS hold when absent. */
	queryPage?: number;
}): ParameterSet {
	const d = FEATURES.find((value) => value >= size.features);
	const k = CLASSES.find((value) => value >= size.classes);
	if (d === undefined) {
		throw new CircuitError(
			"feature-count",
			`parameters: expected at most 128 features with the bias, got ${size.features}`,
			"Use the random-features backbone.",
		);
	}
	if (k === undefined) {
		throw new CircuitError("class-count", `parameters: expected at most 16 classes, got ${size.classes}`, "Merge classes.");
	}
	if (size.rows > MAX_ROWS) {
		throw new CircuitError(
			"row-count",
			`parameters: expected at most ${MAX_ROWS} rows in a contribution, got ${size.rows}`,
			"Divide the contributor's rows among more contributions.",
		);
	}
	if (size.contributions > MAX_CONTRIBUTIONS) {
		throw new CircuitError(
			"contribution-count",
			`parameters: expected at most ${MAX_CONTRIBUTIONS} contributions, got ${size.contributions}`,
			"Divide them among more epochs.",
		);
	}
	const rows = roundUp(size.rows, 8);
	const rowCapacity = Math.max(8, Math.floor(PAGE_CONSTRAINTS / (4 * d) / 8) * 8);
	const queries = roundUp(evenPages(size.queries, Math.min(MAX_ROWS, size.queryPage ?? rowCapacity)), 8);
	const places = evenPages(size.contributions, Math.min(MAX_PAYOUTS, size.page ?? pageCapacity(d, k, statBits(rows))));
	const pages = Math.ceil(size.contributions / places);
	const payoutPages = evenPages(pages, payoutCapacity(places));
	const queryProofs = Math.ceil(size.queries / queries);
	const queryPlaces = evenPages(queryProofs, pageCapacity(d, k, statBits(255 * queries)));
	const members = pages + Math.ceil(queryProofs / queryPlaces) + 1;
	if (members > MAX_MEMBERS) {
		throw new CircuitError(
			"page-count",
			`parameters: expected at most ${MAX_MEMBERS} proofs together, got ${members} (${pages} pages of ${places} contributions)`,
			"Divide the contributions among more epochs, or use larger pages.",
		);
	}
	return {
		rows,
		queries,
		d,
		k,
		places,
		queryPlaces,
		payoutPages,
		nodes: size.nodes ?? 12,
		lambda: size.lambda ?? 65n,
		totalRows: roundUp(size.totalRows ?? size.contributions * rows, 32),
	};
}

function roundUp(value: number, step: number): number {
	return Math.ceil(value / step) * step;
}
