/**
 * The copy test of whole sets: a single row near another one proves nothing, a hundred of them do. Two rows match if they have one
 * label and lie within the policy's radius. Given which rows match, the null hypothesis is that it is chance who owns them:
 *
 *   one contributor    row i, with h_i matches among the U_y rows of its label that others hold, has one among the n_vy of v with
 *                      chance p_i = 1 - C(U_y - h_i, n_vy) / C(U_y, n_vy) (hypergeometric)
 *   itself             as many matches among its own earlier rows as their number gives at the density of others' rows around each row
 *   all earlier ones   for copies from many: its rate of matches against the median rate of the other contributors
 *
 * The number K of its rows that have a match is held against the mean of those chances by the Chernoff bound; a test is positive at
 * falseAlarm / (number of tests), so that the chance of any false alarm in an epoch is at most falseAlarm under that hypothesis.
 * Contributors who share a source break the hypothesis and not the policy: below `flagFrom` (`manyFrom`) nobody is flagged, however
 * unlikely.
 */
import { atLeastOne, logTail } from "./chance.ts";
import type { Evidence } from "./evidence.ts";
import type { CopyLevel } from "./policy.ts";
import type { Proximity } from "./proximity.ts";

/** A positive test. */
export interface CopyFinding {
	/** The owner whose rows were copied; itself for repeated rows; null for rows of many. */
	readonly of: number | null;
	/** Matched rows, as positions in the evidence. */
	readonly rows: readonly number[];
	/** Matched rows as a share of all rows, in (0, 1]. */
	readonly share: number;
	/** What chance gives, as a share of all rows. */
	readonly expected: number;
	/** The natural logarithm of the bound on the chance of so many matches. */
	readonly logChance: number;
}

/** Fewer others give no rate to compare with. */
const LEAST_OTHERS = 3;

/**
 * Findings of every submission, most matches first.
 * @param level - what a match is, and how many are too many
 * @param submissions - how many; the owner after them are the queries
 * @param manyFrom - `flagFrom` of the tests against the queries, all earlier ones and own rows; without it the last two are not made
 */
export function findCopies(
	evidence: Evidence,
	{ close }: Proximity,
	level: CopyLevel,
	submissions: number,
	manyFrom?: number,
): CopyFinding[][] {
	const { label, owner, start, count, k } = evidence;
	const held = Array.from(count, () => new Float64Array(k));
	const total = new Float64Array(k);
	label.forEach((y, row) => {
		const own = held[owner[row] as number] as Float64Array;
		own[y] = (own[y] as number) + 1;
		(total[y] as number) += 1;
	});
	const matches = close.map((near, row) =>
		near.filter((one) => one.distance <= level.radius && label[one.row] === label[row]).map((one) => one.row),
	);
	const rowsOf = (c: number) => Array.from({ length: count[c] as number }, (_, i) => (start[c] as number) + i);
	const isEarlier = (v: number, c: number) => (start[v] as number) < (start[c] as number);

	/** Whether the rows of c that match rows of v are more than chance gives. */
	const against = (c: number, v: number): Test => {
		const rows: number[] = [];
		let chance = 0;
		const before = new Float64Array(k);
		for (const row of rowsOf(c)) {
			const y = label[row] as number;
			const near = matches[row] as number[];
			const mine = near.filter((other) => owner[other] === c);
			const others = (total[y] as number) - (held[c]?.[y] as number);
			if (c === v) {
				if (mine.some((other) => other < row)) rows.push(row);
				const density = others === 0 ? 1 : (near.length - mine.length) / others;
				chance += 1 - (1 - density) ** (before[y] as number);
				(before[y] as number) += 1;
			} else {
				if (near.some((other) => owner[other] === v)) rows.push(row);
				chance += atLeastOne(others, near.length - mine.length, held[v]?.[y] as number);
			}
		}
		return { of: v, rows, expected: chance / (count[c] as number) };
	};

	/** The share of rows of u with a match among contributors other than c and u. */
	const rate = (u: number, c: number) => {
		const matched = rowsOf(u).filter((row) => matches[row]?.some((other) => isContributor(owner[other], u, c)));
		return matched.length / (count[u] as number);
	};
	const isContributor = (v: number | undefined, u: number, c: number) => v !== undefined && v < submissions && v !== u && v !== c;

	const contributors = Array.from({ length: submissions }, (_, c) => c);
	const tests = contributors.map((c): Test[] => {
		const earlier = [...contributors, submissions].filter((v) => v !== c && isEarlier(v, c));
		const list = earlier.map((v) => against(c, v));
		if (manyFrom === undefined) return list;
		list.push(against(c, c));
		const others = contributors.filter((u) => u !== c);
		if (others.length >= LEAST_OTHERS && earlier.some((v) => v < submissions)) {
			const first = start[c] as number;
			const rows = rowsOf(c).filter((row) => matches[row]?.some((other) => other < first && (owner[other] as number) < submissions));
			const rates = others.map((u) => rate(u, c)).sort((a, b) => a - b);
			list.push({ of: null, rows, expected: rates[Math.floor(rates.length / 2)] as number });
		}
		return list;
	});
	const limit = Math.log(level.falseAlarm / tests.flat().length);
	return tests.map((list, c) => {
		const n = count[c] as number;
		return list
			.map((test): CopyFinding => {
				// Nothing is impossible: a chance of 0 was estimated from rows that are no more than these.
				const mean = Math.max(test.expected, 1 / evidence.n);
				return { ...test, share: test.rows.length / n, logChance: logTail(test.rows.length, n, mean) };
			})
			.filter(({ of, share, logChance }) => {
				const isOne = of !== null && of !== c && of !== submissions;
				const from = isOne ? level.flagFrom : (manyFrom ?? level.flagFrom);
				return share >= from && logChance < limit;
			})
			.sort((a, b) => b.share - a.share);
	});
}

interface Test {
	readonly of: number | null;
	readonly rows: readonly number[];
	readonly expected: number;
}
