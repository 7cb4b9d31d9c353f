/** What the parts of this bench share: where the data lies, flipped labels, measured seconds, lower bounds. */
import { join } from "node:path";
import type { Examples } from "../../attribution/examples.ts";
import { shuffle } from "../../attribution/valuation/permutations.ts";
import { below, generator } from "../../compute/random.ts";
import { type Case, median, root } from "../bench.ts";

export const DATA = process.env.OPENLEDGER_DATA ?? join(root, "../shared/data");

/** Labels, a part of which is moved to another class. */
export function flip(
	{ label, n, k }: Pick<Examples, "label" | "n" | "k">,
	part: number,
	seed: bigint,
): { label: Uint8Array; isFlipped: boolean[] } {
	const next = generator(seed);
	const rows = Uint32Array.from({ length: n }, (_, row) => row);
	shuffle(rows, next);
	const flipped = label.slice();
	const isFlipped = new Array<boolean>(n).fill(false);
	for (const row of rows.subarray(0, Math.round(part * n))) {
		flipped[row] = ((label[row] as number) + 1 + below(next, k - 1)) % k;
		isFlipped[row] = true;
	}
	return { label: flipped, isFlipped };
}

/** CPU seconds of this process for each of several runs. @param warm - whether one more run goes before them */
export async function cpuSeconds(runs: number, work: () => unknown, warm = true): Promise<number[]> {
	const seconds: number[] = [];
	for (let run = warm ? -1 : 0; run < runs; run++) {
		const before = process.cpuUsage();
		await work();
		const { user, system } = process.cpuUsage(before);
		if (run >= 0) seconds.push((user + system) / 1e6);
	}
	return seconds;
}

/** A case from its runs and a lower bound. */
export function atLeast(name: string, size: string, unit: string, runs: readonly number[], bound: number): Case {
	const value = round(median(runs));
	return { name, size, value, unit, bar: `>= ${bound}`, holds: value >= bound, runs: runs.map(round) };
}

export function round(value: number): number {
	return Math.round(value * 1e4) / 1e4;
}
