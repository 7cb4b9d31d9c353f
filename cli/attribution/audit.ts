/** `openledger attribute audit`: what cheating would gain on one's own data, without defences and with them. */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { type Audit, type AuditLine, audit, type Outcome } from "../../attribution/attack/audit.ts";
import { auditChart } from "../../attribution/attack/audit-chart.ts";
import type { CommandContext } from "../command.ts";
import { prepareOutput } from "../file.ts";
import { table } from "../output.ts";
import { addSettingOptions, readSetting, type SettingFlags } from "./setting.ts";

interface Flags extends SettingFlags {
	readonly attacker?: string[];
	readonly plot?: string;
}

export function auditCommand(context: CommandContext): Command {
	return addSettingOptions(new Command("audit"))
		.description("run the attack suite on your own data and print what each attack gains")
		.option("--attacker <names...>", "contributors that turn attacker, one after the other (default: the first)")
		.option("--plot <file>", "write the shares before and after each attack as SVG")
		.action(async (flags: Flags) => {
			await context.run("openledger.attribute.audit.v1", async ({ progress, signal }) => {
				if (flags.plot !== undefined) await prepareOutput(flags.plot);
				progress({ phase: "data", done: 0, total: 1, note: flags.train });
				const { setting, policy } = await readSetting(flags);
				const result = await audit(
					setting,
					policy,
					{ seed: flags.seed, ...(flags.attacker === undefined ? {} : { attackers: flags.attacker }) },
					{ signal, progress: (done, total) => progress({ phase: "attacks", done, total, note: "attacks" }) },
				);
				if (flags.plot !== undefined) await writeFile(flags.plot, await auditChart(result));
				return { result, text: describe(result) };
			});
		});
}

function describe(result: Audit): string {
	const { lines, contributors, rows, queries, policy, falselyFlagged, clampedRows, leftOut } = result;
	const header = ["attack", "by", "before", "undefended", "defended before", "defended", "victim loses", "found", "falsely flagged"];
	return [
		`${contributors} contributors, ${rows} rows, ${queries} queries; policy ${policy}`,
		"Shares of the pool, all names of an attacker together; negative ones are charged.",
		"",
		table(header, lines.map(cellsOf)),
		"",
		`Without an attack: ${falselyFlagged.length} of ${contributors} contributors flagged, ${clampedRows} of ${rows} rows clamped.`,
		...leftOut.map(({ attack, reason }) => `Not tried: ${attack}: ${reason}.`),
	].join("\n");
}

function cellsOf({ title, by, undefended, defended }: AuditLine): string[] {
	const { victim } = defended;
	return [
		title,
		by ?? "a newcomer",
		percent(undefended.attacker.before),
		percent(undefended.attacker.after),
		percent(defended.attacker.before),
		percent(defended.attacker.after),
		victim === undefined ? "" : percent(1 - victim.after / victim.before),
		found(defended),
		String(defended.falselyFlagged.length),
	];
}

function found({ quarantined, flagged }: Outcome): string {
	return quarantined ? "quarantined" : flagged ? "flagged" : "";
}

function percent(share: number): string {
	return `${(100 * share).toFixed(1)}%`;
}
