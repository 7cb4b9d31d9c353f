/** An audit as a chart: the attacker's share without the attack, and with it, undefended and defended. */
import { barChart } from "../../compute/chart.ts";
import type { Audit, AuditLine } from "./audit.ts";

/** Pixels of the plotted area for one attack. */
const WIDTH = 118;

/** SVG text. Lines of several attackers with one attack are averaged. */
export function auditChart({ lines, contributors, rows }: Pick<Audit, "lines" | "contributors" | "rows">, title?: string): Promise<string> {
	const attacks = [...new Set(lines.map(({ attack }) => attack))];
	const mean = (attack: string, value: (line: AuditLine) => number) => {
		const own = lines.filter((line) => line.attack === attack);
		return (100 * own.reduce((sum, line) => sum + value(line), 0)) / own.length;
	};
	const series = (name: string, value: (line: AuditLine) => number) => ({
		name,
		points: attacks.map((attack) => ({ x: attack, y: mean(attack, value) })),
	});
	return barChart({
		title: title ?? `What an attacker gets: ${contributors} contributors, ${rows} rows`,
		x: "attack",
		y: "share of the pool in %, negative: charged",
		series: [
			series("without the attack", ({ undefended }) => undefended.attacker.before),
			series("attack, undefended", ({ undefended }) => undefended.attacker.after),
			series("attack, defended", ({ defended }) => defended.attacker.after),
		],
		width: Math.max(360, WIDTH * attacks.length),
	});
}
