/** `openledger attribute compare`: methods side by side on one's own data. */
import { writeFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { type CatalogueOptions, catalogue } from "../../attribution/catalogue.ts";
import { type ComparisonLine, compare } from "../../attribution/comparison.ts";
import { sidesOf } from "../../attribution/sides.ts";
import { barChart } from "../../compute/chart.ts";
import { integer } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { addMethodOptions, type MethodFlags } from "./score.ts";
import { positive, readData } from "./setting.ts";

interface Flags extends MethodFlags {
	readonly methods: readonly string[];
	readonly subsets: number;
	readonly flips: number;
	readonly plot?: string;
}

const USUAL = ["ridge-path", "influence-ridge", "leave-one-out", "knn-shapley", "soft-knn-shapley", "out-of-fold"];

export function compareCommand(context: CommandContext): Command {
	return addMethodOptions(new Command("compare"))
		.description("methods side by side: cost, whether they add up, agreement with the one that pays, LDS, flipped labels found")
		.addOption(new Option("--methods <names...>", "methods to compare").choices(catalogue.map(({ name }) => name)).default(USUAL))
		.option("--subsets <n>", "half subsets that the ridge head is retrained on, for the LDS", integer(3, 10_000), 50)
		.option("--flips <share>", "share of labels that are flipped, to be found again", positive, 0.1)
		.option("--plot <file>", "write LDS and AUC of the methods as SVG")
		.action(async (flags: Flags) => {
			await context.run("openledger.attribute.compare.v1", async ({ progress, signal }) => {
				if (flags.plot !== undefined) await prepareOutput(flags.plot);
				const sides = sidesOf(await readData(flags));
				const options = flags as Flags & CatalogueOptions;
				const lines = await compare(flags.methods, sides, options, {
					signal,
					progress: (done, total) => progress({ phase: "compare", done, total, note: "methods" }),
				});
				if (flags.plot !== undefined) await writeFile(flags.plot, await chart(lines));
				const { train, test, groups } = sides;
				const head = `${train.n} rows of ${groups.names.length} contributors, ${test.n} queries, d = ${train.d}, k = ${train.k}, seed ${flags.seed}`;
				const notes = [
					`LDS: against the ridge head retrained on ${flags.subsets} halves of the rows, with its standard error. AUC: ${100 * flags.flips} % of labels flipped.`,
					"Agreement: Spearman's correlation with ridge-path. CPU seconds of this process, on a machine that may do other things.",
				];
				return {
					result: { rows: train.n, queries: test.n, contributors: groups.names.length, subsets: flags.subsets, flips: flags.flips, lines },
					text: [head, "", report(lines), "", ...notes].join("\n"),
				};
			});
		});
}

function report(lines: readonly ComparisonLine[]): string {
	const fixed = (value: number | null): string => (value === null || Number.isNaN(value) ? "-" : value.toFixed(3));
	return table(
		["method", "players", "CPU s", "efficiency error", "agreement by contributor", "by row", "LDS", "AUC", "converged"],
		lines.map((line) => [
			line.method,
			line.players,
			line.cpuSeconds.toFixed(2),
			line.efficiencyError === null ? "-" : line.efficiencyError.toExponential(1),
			fixed(line.agreementByContributor),
			fixed(line.agreementByRow),
			line.lds === null ? "-" : `${fixed(line.lds.mean)} +- ${fixed(line.lds.standardError)}`,
			fixed(line.mislabelAuc),
			line.converged === null ? "" : line.converged ? "yes" : "NO",
		]),
	);
}

function chart(lines: readonly ComparisonLine[]): Promise<string> {
	const lds = lines.flatMap(({ method, lds: one }) => (one === null ? [] : [{ x: method, y: one.mean, error: one.standardError }]));
	const auc = lines.flatMap(({ method, mislabelAuc: one }) => (one === null ? [] : [{ x: method, y: one }]));
	return barChart({
		title: "How well methods foretell retraining, and find flipped labels",
		...{ x: "method", y: "LDS; AUC", width: 900 },
		series: [
			{ name: "LDS", points: lds },
			{ name: "AUC of flipped labels", points: auc },
		],
	});
}
