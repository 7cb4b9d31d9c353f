/**
 * What gaming pays, measured: attacks on digits (1,348 rows of ten contributors, index mod 4 = 3 are queries, owner = position mod 10), honest
 * contributors of several data sets under several ways to share the rows out, and what the defences do not catch.
 */
import { join } from "node:path";
import type { Attack } from "../../attribution/attack/attack.ts";
import { type AuditLine, audit } from "../../attribution/attack/audit.ts";
import { copyAttack, copyAttacks, mixedCopyAttack, partialCopyAttack, repeatAttack } from "../../attribution/attack/copy.ts";
import { type Setting, settingOf } from "../../attribution/attack/setting.ts";
import { ATTACKS } from "../../attribution/attack/suite.ts";
import { DEFAULT_POLICY } from "../../attribution/defence/policy.ts";
import { screen } from "../../attribution/defence/screen.ts";
import { readTable } from "../../compute/dataset.ts";
import { below, generator } from "../../compute/random.ts";
import type { Table } from "../../compute/table.ts";
import { root } from "../bench.ts";

const data = process.env.OPENLEDGER_DATA ?? join(root, "..", "shared", "data");

/** Data sets by name: the file, how many rows of it, and among how many contributors they are shared out. */
const SETS = {
	digits: { file: "sklearn/digits.csv.gz", contributors: 10 },
	"breast cancer": { file: "sklearn/breast_cancer.csv", contributors: 10 },
	wine: { file: "sklearn/wine_data.csv", contributors: 5 },
	iris: { file: "sklearn/iris.csv", contributors: 5 },
	MNIST: { file: "mnist/train-images-idx3-ubyte.gz", contributors: 10, rows: 2000 },
	adult: {
		file: "adult/adult.csv",
		contributors: 10,
		rows: 2000,
		// The parameters of the policy were chosen with the first eight parts in view.
		skip: 8,
		// Words; the six columns of numbers are left.
		ignore: ["workclass", "education", "marital-status", "occupation", "relationship", "race", "sex", "native-country"],
	},
} as const;
export type SetName = keyof typeof SETS;

/** The table, and for a part of it the rows from `from` on. */
export async function tableOf(name: SetName, from = 0): Promise<Table> {
	const set = SETS[name];
	const table = await readTable(join(data, set.file), "ignore" in set ? { ignore: set.ignore } : {});
	if (!("rows" in set)) return table;
	const n = set.rows;
	return { ...table, n, rows: table.rows.slice(from * table.m, (from + n) * table.m), labels: table.labels.slice(from, from + n) };
}

export async function honestSetting(name: SetName): Promise<Setting> {
	return settingOf(await tableOf(name), undefined, { contributors: SETS[name].contributors });
}

/** Attacks with every contributor as the attacker and a seed of noise each; the exact Shapley value with the first three. */
export async function attackDigits(): Promise<AuditLine[]> {
	const setting = await honestSetting("digits");
	const lines: AuditLine[] = [];
	for (const [turn, { contributor }] of setting.submissions.entries()) {
		const attacks = ATTACKS.filter(({ payer }) => payer === undefined || turn < 3);
		const { lines: own } = await audit(setting, DEFAULT_POLICY, { attacks, attackers: [contributor], seed: BigInt(turn + 1) });
		lines.push(...own);
		process.stderr.write(`gaming: attacks of contributor ${contributor} done\n`);
	}
	return lines;
}

/** The first row of the part of a data set that a split takes. */
function partOf(name: SetName, split: number): number {
	const set = SETS[name];
	return "rows" in set ? set.rows * (split + ("skip" in set ? set.skip : 0)) : 0;
}

/** How rows are shared out among honest contributors. */
export const SHARINGS = ["random", "in file order", "by class", "by region", "twins"] as const;
export type Sharing = (typeof SHARINGS)[number];

export interface HonestCount {
	readonly set: SetName;
	readonly sharing: Sharing;
	readonly splits: number;
	readonly contributors: number;
	readonly flagged: number;
	readonly rows: number;
	readonly clamped: number;
}

/** Honest contributors under the default policy, all counted. */
export async function countHonest(name: SetName, sharing: Sharing, splits: number): Promise<HonestCount> {
	let [contributors, flagged, rows, clamped] = [0, 0, 0, 0];
	for (let split = 0; split < splits; split++) {
		const table = await tableOf(name, partOf(name, split));
		const owners = shareOut(table, SETS[name].contributors, sharing, BigInt(split + 1));
		const { submissions, context } = settingOf({ ...table, owners }, undefined, { seed: BigInt(split + 1) });
		for (const one of (await screen(submissions, DEFAULT_POLICY, context)).contributors) {
			contributors += 1;
			flagged += one.flags.length > 0 ? 1 : 0;
			rows += one.weights.length;
			clamped += one.clamps.length;
		}
	}
	process.stderr.write(`gaming: honest contributors of ${name}, ${sharing}, done\n`);
	return { set: name, sharing, splits, contributors, flagged, rows, clamped };
}

/**
 * Owners of rows: by chance; contiguous parts; 80 % of a class with one contributor; the region of the nearest of as many rows; twins
 * share a region by chance.
 */
function shareOut({ n, m, rows, labels }: Table, contributors: number, sharing: Sharing, seed: bigint): string[] {
	const next = generator(seed);
	const all = Array.from({ length: n }, (_, row) => row);
	if (sharing === "random") return all.map(() => String(below(next, contributors)));
	if (sharing === "in file order") return all.map((row) => String(Math.floor((row * contributors) / n)));
	if (sharing === "by class") {
		return all.map((row) => String(below(next, 100) < 80 ? (labels[row] as number) % contributors : below(next, contributors)));
	}
	const regions = sharing === "twins" ? Math.ceil(contributors / 2) : contributors;
	const centres = Array.from({ length: regions }, () => below(next, n));
	const distance = (a: number, b: number) => {
		let sum = 0;
		for (let l = 0; l < m; l++) sum += ((rows[a * m + l] as number) - (rows[b * m + l] as number)) ** 2;
		return sum;
	};
	return all.map((row) => {
		const distances = centres.map((centre) => distance(row, centre));
		const region = distances.indexOf(Math.min(...distances));
		return String(sharing === "twins" ? 2 * region + below(next, 2) : region);
	});
}

/** How many splits of each data set are counted under each sharing; the file has one order only. */
export const SPLITS: Readonly<Record<SetName, number>> = { digits: 20, "breast cancer": 60, wine: 60, iris: 60, MNIST: 3, adult: 8 };

export async function countAllHonest(): Promise<HonestCount[]> {
	const counts: HonestCount[] = [];
	for (const name of Object.keys(SETS) as SetName[]) {
		for (const sharing of SHARINGS) counts.push(await countHonest(name, sharing, sharing === "in file order" ? 1 : SPLITS[name]));
	}
	return counts;
}

/** Attacks at the edge of what the default policy finds. */
const EDGE: readonly Attack[] = [
	...[1, 2, 3, 4, 6].map(copyAttack),
	...copyAttacks.filter(({ name }) => name === "blend"),
	...[2, 3].map(mixedCopyAttack),
	...[0, 1, 2].map(partialCopyAttack),
	...[1, 2, 3, 4].map(repeatAttack),
];

export async function attackEdge(name: SetName): Promise<readonly AuditLine[]> {
	const setting = await honestSetting(name);
	const attackers = [setting.submissions[0]?.contributor as string];
	const { lines } = await audit(setting, DEFAULT_POLICY, { attacks: EDGE, attackers });
	process.stderr.write(`gaming: the edge on ${name} done\n`);
	return lines;
}
