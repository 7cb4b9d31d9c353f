/**
 * Methods side by side on the same rows: what they cost, whether they add up, how far they agree with the method that pays, how well they
 * foretell retraining (LDS), and how well they find labels that were flipped on purpose.
 */
import { DataError } from "../compute/errors.ts";
import { below, generator } from "../compute/random.ts";
import { type CatalogueEntry, type CatalogueOptions, methodNamed, type Players } from "./catalogue.ts";
import { type Examples, selectExamples } from "./examples.ts";
import { groupSums } from "./groups.ts";
import { ridgeHead, squaredErrors } from "./influence/influence-ridge.ts";
import { type Attribution, type Control, efficiencyError } from "./method.ts";
import { spearman } from "./metrics/correlation.ts";
import { linearDatamodelingScore, retrainedOutputs, subsets } from "./metrics/datamodel.ts";
import { mislabelAuc } from "./metrics/mislabel.ts";
import type { PerTest } from "./metrics/per-test.ts";
import { floatsOf, type Sides } from "./sides.ts";

/** The method that pays: what the others are held against. */
const PAYING = "ridge-path";

export interface ComparisonOptions extends CatalogueOptions {
	/** Half subsets on which the ridge head is retrained, at least 3. */
	readonly subsets: number;
	/** The share of labels that are flipped, in (0, 1/2]. */
	readonly flips: number;
}

export interface ComparisonLine {
	readonly method: string;
	readonly players: Players;
	readonly unit: string;
	/** Of this process, for `cache` and `attribute`, training of networks included. */
	readonly cpuSeconds: number;
	/** |sum - total| / |total|; null for a method whose scores do not add up. */
	readonly efficiencyError: number | null;
	/** Spearman's correlation with the method that pays, by contributor; NaN below 2 contributors. */
	readonly agreementByContributor: number;
	/** By row; null for a method over contributors. */
	readonly agreementByRow: number | null;
	/** Linear datamodeling score with the ridge head's squared loss; null for a method without a score per test example. */
	readonly lds: Pick<PerTest, "mean" | "standardError"> | null;
	/** How well low scores find flipped labels; null for a method over contributors. */
	readonly mislabelAuc: number | null;
	/** Whether a method that draws has converged; null where nothing is drawn. */
	readonly converged: boolean | null;
}

/**
 * Compare methods.
 * @param methods - names of the catalogue
 * @throws {DataError} PARAMETER_OUT_OF_RANGE for a name, a number of subsets or a share of flips; what the methods throw
 */
export async function compare(
	methods: readonly string[],
	sides: Sides,
	options: ComparisonOptions,
	{ signal, progress }: Control = {},
): Promise<ComparisonLine[]> {
	const entries = methods.map(methodNamed);
	if (!(options.flips > 0 && options.flips <= 0.5)) {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `compare: expected flips in (0, 0.5], got ${options.flips}`, "A tenth is usual.");
	}
	const flipped = flipLabels(sides, options);
	const drawn = subsets(sides.train.n, options.subsets, 0.5, options.seed);
	const outputs = await retrainedOutputs(drawn, ridgeRetraining(floatsOf(sides.train), floatsOf(sides.test), options.ridge), { signal });
	const paying = await run(methodNamed(PAYING), sides, options, { signal });
	const lines: ComparisonLine[] = [];
	for (const entry of entries) {
		const one = await run(entry, sides, options, { signal });
		const { result, ready, cpuSeconds } = one;
		const isByRow = ready.players === "rows";
		const pairs = isByRow ? await ready.pairs?.(sides.test, { signal }) : undefined;
		const { mean, standardError } = pairs === undefined ? { mean: 0, standardError: 0 } : linearDatamodelingScore(pairs, drawn, outputs);
		const found = isByRow ? (await run(entry, flipped.sides, options, { signal })).result.scores : undefined;
		lines.push({
			method: entry.name,
			players: ready.players,
			unit: result.unit,
			cpuSeconds,
			efficiencyError: efficiencyError(result),
			agreementByContributor:
				sides.groups.names.length < 2 ? Number.NaN : spearman(byContributor(one, sides), byContributor(paying, sides)),
			agreementByRow: isByRow ? spearman(result.scores, paying.result.scores) : null,
			lds: pairs === undefined ? null : { mean, standardError },
			mislabelAuc: found === undefined ? null : mislabelAuc(found, flipped.isFlipped),
			converged: result.sampling?.converged ?? null,
		});
		progress?.(lines.length, entries.length);
	}
	return lines;
}

interface Run {
	readonly result: Attribution;
	readonly ready: Awaited<ReturnType<CatalogueEntry["ready"]>>;
	readonly cpuSeconds: number;
}

async function run(entry: CatalogueEntry, sides: Sides, options: CatalogueOptions, control: Control): Promise<Run> {
	const before = process.cpuUsage();
	const ready = await entry.ready(sides, options, control);
	const result = await ready.attribute(sides.test, control);
	const { user, system } = process.cpuUsage(before);
	return { result, ready, cpuSeconds: (user + system) / 1e6 };
}

function byContributor({ result, ready }: Run, { groups }: Sides): Float64Array {
	return ready.players === "groups" ? result.scores : groupSums(result.scores, groups);
}

/** Losses of the ridge head of some rows, per test example: half the squared error. */
function ridgeRetraining(train: Examples, test: Examples, ridge: number): (rows: Uint32Array) => Float64Array {
	return (rows) => {
		const { weights } = ridgeHead(selectExamples(train, rows), ridge * rows.length);
		const { values, columns } = squaredErrors(test, weights);
		const losses = new Float64Array(test.n);
		values.forEach((error, i) => {
			(losses[Math.floor(i / columns)] as number) += (error * error) / 2;
		});
		return losses;
	};
}

/** The same sides with a share of the training labels moved to another class. */
function flipLabels(sides: Sides, { flips, seed }: ComparisonOptions): { sides: Sides; isFlipped: boolean[] } {
	const { train } = sides;
	const next = generator(seed);
	const [flippedRows] = subsets(train.n, 1, flips, seed) as [Uint32Array];
	const label = train.label.slice();
	const isFlipped = new Array<boolean>(train.n).fill(false);
	for (const row of flippedRows) {
		label[row] = ((label[row] as number) + 1 + below(next, train.k - 1)) % train.k;
		isFlipped[row] = true;
	}
	return { sides: { ...sides, train: { ...train, label } }, isFlipped };
}
