/** `openledger attribute explain CONTRIBUTOR`: why a contributor is paid what it is paid. */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { type Explanation, explain, type RowPart } from "../../attribution/explanation.ts";
import { barChart } from "../../compute/chart.ts";
import { integer } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { addSettingOptions, readSetting, type SettingFlags } from "./setting.ts";

interface Flags extends SettingFlags {
	readonly rows: number;
	readonly plot?: string;
}

export function explainCommand(context: CommandContext): Command {
	return addSettingOptions(new Command("explain"))
		.description("which rows of a contributor earned and which cost, what lies near them, and what each defence changes")
		.argument("<contributor>", "its name in --groups, or its number from 0 without that")
		.option("--rows <n>", "most rows of each list", integer(1, 1000), 5)
		.option("--plot <file>", "write its share with and without each defence as SVG")
		.action(async (contributor: string, flags: Flags) => {
			await context.run("openledger.attribute.explain.v1", async ({ progress, signal }) => {
				if (flags.plot !== undefined) await prepareOutput(flags.plot);
				progress({ phase: "data", done: 0, total: 1, note: flags.train });
				const { setting, policy } = await readSetting(flags);
				const { submissions, context: epoch, origins } = setting;
				const control = {
					signal,
					progress: (done: number, total: number) => progress({ phase: "defences", done, total, note: "policies" }),
				};
				const result = await explain(contributor, submissions, policy, epoch, { rows: flags.rows }, control);
				const origin = origins[submissions.findIndex((one) => one.contributor === contributor)] as Uint32Array;
				if (flags.plot !== undefined) await writeFile(flags.plot, await chartOf(result));
				return { result: { ...result, fileRows: Array.from(origin) }, text: describe(result, origin) };
			});
		});
}

function describe(result: Explanation, origin: Uint32Array): string {
	const { verdict, earned, cost, counts, nearest, cluster, shares } = result;
	const others = cluster.filter((name) => name !== verdict.contributor);
	const rowLines = (rows: readonly RowPart[]) => rows.map(({ row, label, share }) => [fileRow(origin, row), String(label), signed(share)]);
	const near = nearest.map(({ row, of, distance, isEarlier }) => [
		fileRow(origin, row),
		of.contributor === "" ? "a query" : of.contributor,
		String(of.row),
		distance.toFixed(2),
		isEarlier ? "before" : "after",
	]);
	const variants = Object.entries(shares.without).map(([name, share]) => [
		`without ${name}`,
		percent(share),
		signed(share - shares.policy),
	]);
	return [
		`${verdict.contributor}: ${percent(verdict.share)} of the pool (ridge path ${percent(verdict.ridgePathShare)}${
			verdict.neighbourShare === null ? "" : `, KNN-Shapley ${percent(verdict.neighbourShare)}`
		})${verdict.quarantined ? ", quarantined" : ""}`,
		`${counts.earning} rows earn, ${counts.costing} cost, ${counts.clamped} count nothing`,
		others.length === 0 ? "in no cluster with others" : `in one cluster with ${others.join(", ")}`,
		...verdict.flags.map(({ defence, reason }) => `flagged by ${defence}: ${reason}`),
		"",
		"Rows that earned most (numbers as in the file, from 0):",
		table(["row", "label", "share"], rowLines(earned)),
		"",
		"Rows that cost most:",
		table(["row", "label", "share"], rowLines(cost)),
		"",
		"Nearest rows (distance in typical distances; committed before or after):",
		table(["row", "of", "its row", "distance", "committed"], near),
		"",
		table(
			["share", "of the pool", "change"],
			[
				["under the policy", percent(shares.policy), ""],
				["without any defence", percent(shares.undefended), signed(shares.undefended - shares.policy)],
				...variants,
			],
		),
	].join("\n");
}

function chartOf({ verdict, shares }: Explanation): Promise<string> {
	const points = [
		["policy", shares.policy],
		["no defence", shares.undefended],
		...Object.entries(shares.without).map(([name, share]) => [`no ${name}`, share]),
	] as [string, number][];
	return barChart({
		title: `Share of ${verdict.contributor} with and without each defence`,
		x: "what is on",
		y: "share of the pool in %",
		series: [{ name: "share", points: points.map(([x, share]) => ({ x, y: 100 * share })) }],
		width: 110 * points.length,
	});
}

function fileRow(origin: Uint32Array, row: number): string {
	return String(origin[row]);
}

function percent(share: number): string {
	return `${(100 * share).toFixed(2)}%`;
}

function signed(share: number): string {
	return `${share < 0 ? "" : "+"}${(100 * share).toFixed(3)}%`;
}
