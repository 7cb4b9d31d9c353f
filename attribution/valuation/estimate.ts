/** Estimates with their error bars: running means, when they count as converged, and how a score is shown. */
import { DataError } from "../../compute/errors.ts";
import type { Attribution, Sampling } from "../method.ts";

/** Draws before an error bar is believed. */
const LEAST_DRAWS = 30;

/** How long a Monte-Carlo method draws. */
export interface SamplingParameters {
	/** In [0, 2^64): the same seed gives the same scores on every machine. */
	readonly seed: bigint;
	/** Draws at most. */
	readonly draws: number;
	/** Converged, and done, when the largest standard error is at most this part of the largest |score|; 0 makes all draws. 0.05 by default. */
	readonly precision?: number;
}

/** @throws {DataError} PARAMETER_OUT_OF_RANGE */
export function checkSampling(name: string, { draws, precision = 0.05 }: SamplingParameters): void {
	const refuse = (what: string) => {
		throw new DataError("PARAMETER_OUT_OF_RANGE", `${name}: expected ${what}`, "Choose a value in the range.");
	};
	if (!Number.isInteger(draws) || draws < 2) refuse(`draws to be an integer of at least 2, got ${draws}`);
	if (!(precision >= 0 && precision < 1)) refuse(`precision in [0, 1), got ${precision}`);
}

/** Whether the scores are as precise as asked for. */
export function hasConverged(scores: Float64Array, standardErrors: Float64Array, draws: number, precision = 0.05): boolean {
	if (draws < LEAST_DRAWS) return false;
	const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
	return largest(standardErrors) <= precision * largest(scores);
}

/** What a result says of its draws. */
export function samplingOf(
	scores: Float64Array,
	standardErrors: Float64Array,
	draws: number,
	what: string,
	{ precision = 0.05 }: Pick<SamplingParameters, "precision">,
): Sampling {
	return {
		standardErrors,
		drawn: `${draws} ${what}`,
		converged: hasConverged(scores, standardErrors, draws, precision),
		rule: `the largest standard error is at most ${precision * 100} % of the largest |score|, after at least ${LEAST_DRAWS} draws`,
	};
}

/** Means and their standard errors over draws that give every entry a value. Source: Welford (1962). */
export class RunningMeans {
	readonly means: Float64Array;
	readonly #squares: Float64Array;
	readonly #counts: Uint32Array;

	constructor(entries: number) {
		this.means = new Float64Array(entries);
		this.#squares = new Float64Array(entries);
		this.#counts = new Uint32Array(entries);
	}

	add(entry: number, value: number): void {
		const count = (this.#counts[entry] as number) + 1;
		const difference = value - (this.means[entry] as number);
		const mean = (this.means[entry] as number) + difference / count;
		this.#counts[entry] = count;
		this.means[entry] = mean;
		(this.#squares[entry] as number) += difference * (value - mean);
	}

	/** One standard error per entry; infinite below two draws. */
	standardErrors(): Float64Array {
		return this.#squares.map((sum, entry) => {
			const count = this.#counts[entry] as number;
			return count < 2 ? Infinity : Math.sqrt(sum / (count * (count - 1)));
		});
	}
}

/**
 * A score as text: "0.0123" where it is exact, and never without its error bar where it was drawn: "0.0123 +- 0.0004", or
 * "0.012 +- 0.004 (not converged)".
 */
export function renderScore({ scores, sampling }: Attribution, entry: number): string {
	const score = scores[entry] as number;
	if (!sampling) return String(Number(score.toPrecision(4)));
	const error = sampling.standardErrors[entry] as number;
	const suffix = sampling.converged ? "" : " (not converged)";
	if (!Number.isFinite(error)) return `unknown, never drawn twice${suffix}`;
	// Two digits of the error, and the score to the same place.
	const places = error === 0 ? 4 : Math.min(Math.max(1 - Math.floor(Math.log10(error)), 0), 20);
	return `${score.toFixed(places)} +- ${error.toFixed(places)}${suffix}`;
}
