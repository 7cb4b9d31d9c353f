/** `openledger attribute --method M`: the scores of rows and contributors by one method. */
import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { type CatalogueOptions, catalogue, DEFAULTS, methodNamed, type Players } from "../../attribution/catalogue.ts";
import { groupSums } from "../../attribution/groups.ts";
import { type Attribution, efficiencyError } from "../../attribution/method.ts";
import { payoutShares } from "../../attribution/shares.ts";
import { type Sides, sidesOf } from "../../attribution/sides.ts";
import { renderScore } from "../../attribution/valuation/estimate.ts";
import { barChart, lineChart } from "../../compute/chart.ts";
import { integer } from "../arguments.ts";
import type { CommandContext, Outcome, Work } from "../command.ts";
import { prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { addDataOptions, type DataFlags, positive, readData } from "./setting.ts";

export interface MethodFlags extends DataFlags {
	readonly ridge: number;
	readonly neighbours: number;
	readonly draws: number;
	readonly players: Players;
	readonly hidden: readonly number[];
	readonly epochs: number;
	readonly networks: number;
}

interface Flags extends MethodFlags {
	readonly method: string;
	readonly rows: number;
	readonly plot?: string;
}

/** Contributors in a chart, or it is one line of sorted scores. */
const MOST_BARS = 40;

/** The options of methods, for the verbs that run them. */
export function addMethodOptions(command: Command): Command {
	return addDataOptions(command)
		.option("--ridge <number>", "of heads, relative to the mean loss", positive, DEFAULTS.ridge)
		.option("--neighbours <n>", "K of the KNN methods", integer(1, 2 ** 20), DEFAULTS.neighbours)
		.option("--draws <n>", "permutations, coalitions or trees at most", integer(2, 10 ** 6), DEFAULTS.draws)
		.addOption(
			new Option("--players <who>", "players of tmc-shapley, banzhaf and beta-shapley")
				.choices(["rows", "groups"])
				.default(DEFAULTS.players),
		)
		.option("--hidden <sizes>", "hidden layers of networks, such as 128,64", layers, DEFAULTS.hidden)
		.option("--epochs <n>", "of the training of networks and adapters", integer(1, 10_000), DEFAULTS.epochs)
		.option("--networks <n>", "networks of an ensemble", integer(1, 100), DEFAULTS.networks);
}

export function scoreCommand(context: CommandContext): Command {
	return addMethodOptions(new Command("score"))
		.description("the scores of rows and contributors by one method (also without the word `score`)")
		.addOption(new Option("--method <name>", "how to attribute").choices(catalogue.map(({ name }) => name)).default("ridge-path"))
		.option("--rows <n>", "most rows of each list", integer(0, 10 ** 6), 5)
		.option("--plot <file>", "write the contributors' scores as SVG")
		.action((flags: Flags) => context.run("openledger.attribute.v1", (work) => score(flags, work)));
}

async function score(flags: Flags, { progress, signal }: Work): Promise<Outcome> {
	const { method, plot } = flags;
	if (plot !== undefined) await prepareOutput(plot);
	progress({ phase: "data", done: 0, total: 1, note: flags.train });
	const sides = sidesOf(await readData(flags));
	const control = { signal, progress: (done: number, total: number) => progress({ phase: "attribute", done, total, note: method }) };
	const ready = await methodNamed(method).ready(sides, flags as CatalogueOptions, control);
	const result = await ready.attribute(sides.test, control);
	const groups = ready.players === "groups" ? result.scores : groupSums(result.scores, sides.groups);
	const shares = payoutShares(groups);
	const contributors = sides.groups.names.map((contributor, i) => ({
		contributor,
		rows: sides.groups.of.filter((group) => group === i).length,
		score: groups[i] as number,
		share: shares[i] as number,
	}));
	if (plot !== undefined) await writeFile(plot, await chart(method, result, contributors));
	const rows = ready.players === "rows" ? rowsOf(sides, result) : null;
	return {
		result: { ...meaning(result), method, players: ready.players, contributors, rows },
		text: report(flags, result, contributors, rows, ready.players),
	};
}

interface Line {
	readonly contributor: string;
	readonly rows: number;
	readonly score: number;
	readonly share: number;
}

interface Row {
	/** Its place in the training file, from 0. */
	readonly row: number;
	readonly contributor: string;
	readonly label: number;
	readonly score: number;
}

function rowsOf({ train, groups, origin }: Sides, { scores }: Attribution): Row[] {
	return Array.from(scores, (score, i) => ({
		row: origin[i] as number,
		contributor: groups.names[groups.of[i] as number] as string,
		label: train.label[i] as number,
		score,
	}));
}

/** What the numbers mean, for programs. */
function meaning(result: Attribution) {
	const { unit, positive: means, total, sampling } = result;
	return {
		...{ unit, positive: means, total, efficiencyError: efficiencyError(result) },
		sampling: sampling === undefined ? null : { ...sampling, standardErrors: Array.from(sampling.standardErrors) },
	};
}

function report(
	{ method, rows: most }: Flags,
	result: Attribution,
	lines: readonly Line[],
	rows: readonly Row[] | null,
	players: Players,
): string {
	const { unit, positive: means, total, sampling } = result;
	const sum = result.scores.reduce((all, one) => all + one, 0);
	const exact = (value: number) => String(Number(value.toPrecision(4)));
	const own = lines.map(({ contributor, rows: count, score: value, share }, i) => [
		contributor,
		String(count),
		// A drawn score is never shown without its error bar; sums of drawn row scores have none of their own.
		players === "groups" ? renderScore(result, i) : exact(value),
		`${(100 * share).toFixed(2)}%`,
	]);
	const cells = (list: readonly (Row & { at: number })[]) =>
		list.map(({ row, contributor, label, at }) => [String(row), contributor, String(label), renderScore(result, at)]);
	const ranked = (rows ?? []).map((row, at) => ({ ...row, at })).sort((a, b) => b.score - a.score || a.at - b.at);
	const lists: [string, (Row & { at: number })[]][] = [
		["highest rows", ranked.slice(0, most)],
		["lowest rows", ranked.slice(-most).reverse()],
	];
	return [
		`${method}: a score is ${unit}; a positive one ${means}.`,
		total === null ? "The scores do not add up to anything." : `They add up to ${exact(sum)}; computed without them: ${exact(total)}.`,
		...(sampling === undefined ? [] : [`From ${sampling.drawn}, ${sampling.converged ? "converged" : "NOT CONVERGED"}: ${sampling.rule}.`]),
		"",
		table(["contributor", "rows", "score", "share"], own),
		...(rows === null || most === 0
			? []
			: lists.flatMap(([title, list]) => ["", title, table(["row", "contributor", "label", "score"], cells(list))])),
	].join("\n");
}

function chart(method: string, { unit, sampling }: Attribution, lines: readonly Line[]): Promise<string> {
	const title = `${method}: scores of ${lines.length} contributors`;
	if (lines.length > MOST_BARS) {
		const sorted = lines.map(({ score: value }) => value).sort((a, b) => b - a);
		return lineChart({
			title,
			x: "contributors, highest first",
			y: unit,
			series: [{ name: method, points: sorted.map((y, x) => ({ x, y })) }],
		});
	}
	const isDrawn = sampling !== undefined && sampling.standardErrors.length === lines.length;
	const points = lines.map(({ contributor, score: y }, i) => ({
		x: contributor,
		y,
		...(isDrawn ? { error: sampling.standardErrors[i] as number } : {}),
	}));
	return barChart({ title, x: "contributor", y: unit, series: [{ name: method, points }] });
}

/** Sizes of layers, separated by commas. */
export function layers(value: string): number[] {
	return value.split(",").map(integer(1, 65_536));
}
