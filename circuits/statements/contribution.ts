/** `contribution`: rows under rowsCommit are well formed and statsCommit holds their statistics. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { CircuitError } from "../errors.ts";
import { reduce } from "../field.ts";
import { Multiplicity } from "../limbs.ts";
import { pack, sponge, TAGS } from "../sponge.ts";
import { commitStatistics, type Rows, type Statistics, statBits, statisticsLimbs, statisticsOf } from "../statistics.ts";

export interface ContributionParameters {
	/** Rows that fit. */
	readonly n: number;
	/** Features with the bias, 2 to 256. */
	readonly d: number;
	/** Classes, 2 to 16. */
	readonly k: number;
	/** 1: every row counts once. 8: weights up to 255 (fees of queries). */
	readonly weightBits: 1 | 8;
}

/** Width of an entry of the statistics: enough for n rows of the largest weight. */
export function contributionStatBits(parameters: ContributionParameters): number {
	return statBits(parameters.n * (2 ** parameters.weightBits - 1));
}

export function contributionCircuit(parameters: ContributionParameters): Circuit {
	const { n, d, k, weightBits } = parameters;
	const signals = { publics: ["rowsCommit", "statsCommit", "rows"], links: [], hasWords: false };
	return {
		statement: "contribution",
		id: `contribution-n${n}-d${d}-k${k}-w${weightBits}`,
		source: mainSource("contribution", "Contribution", [n, d, k, weightBits, contributionStatBits(parameters)], signals),
		...signals,
	};
}

/**
 * The statement about `rows`, hidden by `salt` (a random field element).
 * @throws CircuitError when the rows do not fit the parameters: too many, a label at k or above, a bias other than 255, a weight too large.
 */
export function contributionInstance(
	parameters: ContributionParameters,
	rows: Rows,
	salt: bigint,
): Instance & { readonly statistics: Statistics } {
	checkRows(parameters, rows);
	const { n, d, k } = parameters;
	const width = contributionStatBits(parameters);
	const multiplicity = new Multiplicity(8);

	const x: bigint[] = [];
	const label: bigint[] = [];
	const labelBit: bigint[] = [];
	const weight: bigint[] = [];
	const bytes: bigint[] = [];
	const labelBits = Math.max(2, Math.ceil(Math.log2(k)));
	for (let r = 0; r < n; r++) {
		const used = r < rows.count;
		for (let j = 0; j < d - 1; j++) {
			const value = used ? BigInt(rows.x[r * d + j] as number) : 0n;
			x.push(value);
			bytes.push(value);
			multiplicity.add(value);
		}
		const y = used ? BigInt(rows.label[r] as number) : 0n;
		const w = used ? BigInt(rows.weight[r] as number) : 0n;
		label.push(y);
		weight.push(w);
		bytes.push(y, w);
		multiplicity.add(y + 256n - BigInt(k));
		if (parameters.weightBits === 8) {
			multiplicity.add(w);
		}
		for (let b = 0; b < labelBits; b++) {
			labelBit.push((y >> BigInt(b)) & 1n);
		}
	}

	const statistics = statisticsOf(rows, d, k);
	const limbs = statisticsLimbs(statistics, width, 8);
	for (const entry of limbs) {
		multiplicity.addLimbs(entry);
	}

	const header = BigInt(n) + (BigInt(d) << 32n) + (BigInt(k) << 48n) + (BigInt(parameters.weightBits) << 64n);
	const rowsCommit = sponge(TAGS.rows, [header, reduce(salt), ...pack(bytes, 8)]);
	const statsCommit = commitStatistics(statistics, d, k, width);
	const publics = [rowsCommit, statsCommit, statistics.rows];
	return {
		circuit: contributionCircuit(parameters),
		publics,
		links: [],
		words: [],
		statistics,
		inputs: {
			rowsCommit,
			statsCommit,
			rows: statistics.rows,
			salt: reduce(salt),
			x,
			label,
			labelBit,
			weight,
			statLimb: limbs.flat(),
			multiplicity: multiplicity.values(),
		},
	};
}

function checkRows({ n, d, k, weightBits }: ContributionParameters, rows: Rows): void {
	if (rows.count > n) {
		throw new CircuitError(
			"row-count",
			`contribution: expected at most ${n} rows, got ${rows.count}`,
			"Use a parameter set for more rows, or split them.",
		);
	}
	if (rows.x.length !== rows.count * d || rows.label.length !== rows.count || rows.weight.length !== rows.count) {
		throw new CircuitError(
			"row-shape",
			`contribution: expected ${rows.count} rows of ${d} features with a label and a weight each, got ${rows.x.length}, ${rows.label.length} and ${rows.weight.length} values`,
			"Pad the features to the circuit's d.",
		);
	}
	for (let r = 0; r < rows.count; r++) {
		if (rows.x[r * d + d - 1] !== 255) {
			throw new CircuitError(
				"row-bias",
				`contribution: expected 255 as the last feature of row ${r}, got ${rows.x[r * d + d - 1]}`,
				"Append the bias.",
			);
		}
		if ((rows.label[r] as number) >= k) {
			throw new CircuitError(
				"row-label",
				`contribution: expected a label in [0, ${k}) in row ${r}, got ${rows.label[r]}`,
				"Use a parameter set with more classes.",
			);
		}
		if ((rows.weight[r] as number) >= 2 ** weightBits) {
			throw new CircuitError(
				"row-weight",
				`contribution: expected a weight in [0, ${2 ** weightBits}) in row ${r}, got ${rows.weight[r]}`,
				"Scale the fees down.",
			);
		}
	}
}
