/** What docs/attribution-gaming.md shows: measured anew. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditLine } from "../../attribution/attack/audit.ts";
import { auditChart } from "../../attribution/attack/audit-chart.ts";
import { median, root } from "../bench.ts";
import { casesOfLines, honestCases, payerCases } from "./gaming.ts";
import { attackDigits, attackEdge, countAllHonest, type HonestCount, SHARINGS } from "./gaming-study.ts";
import { caseTable, fillPage, markdown } from "./page.ts";

/** Median shares of each attack, in % of the pool. */
function lineTable(lines: readonly AuditLine[]): string {
	const percent = (values: readonly number[]) => (100 * median(values)).toFixed(1);
	return markdown(
		["attack", "attackers", "before", "undefended", "before, defended", "defended", "flagged", "quarantined"],
		[...new Set(lines.map(({ attack }) => attack))].map((attack) => {
			const own = lines.filter((line) => line.attack === attack);
			return [
				`\`${attack}\`: ${own[0]?.title}`,
				String(own.length),
				percent(own.map(({ undefended }) => undefended.attacker.before)),
				percent(own.map(({ undefended }) => undefended.attacker.after)),
				percent(own.map(({ defended }) => defended.attacker.before)),
				percent(own.map(({ defended }) => defended.attacker.after)),
				String(own.filter(({ defended }) => defended.flagged).length),
				String(own.filter(({ defended }) => defended.quarantined).length),
			];
		}),
	);
}

function honestTable(counts: readonly HonestCount[]): string {
	return markdown(
		["data set", ...SHARINGS.map((sharing) => `${sharing}: flagged of contributors`), "rows clamped"],
		[...new Set(counts.map(({ set }) => set))].map((set) => {
			const own = counts.filter((count) => count.set === set);
			const clamped = own.reduce((sum, count) => sum + count.clamped, 0);
			const rows = own.reduce((sum, count) => sum + count.rows, 0);
			return [set, ...own.map(({ flagged, contributors }) => `${flagged} of ${contributors}`), `${clamped} of ${rows}`];
		}),
	);
}

/** Measures gaming and writes the tables and plots of the page; about two CPU minutes. */
export async function writeGamingPage(): Promise<void> {
	const lines = await attackDigits();
	const counts = await countAllHonest();
	const payers = await payerCases();
	const edges = { digits: await attackEdge("digits"), "breast cancer": await attackEdge("breast cancer"), wine: await attackEdge("wine") };
	const asked = [...casesOfLines(lines), ...payers.filter(({ bar }) => bar !== "none"), ...honestCases(counts)];
	await fillPage("attribution-gaming.md", {
		attacks: lineTable(lines),
		figures: caseTable(asked, "undefended"),
		payers: caseTable(
			payers.filter(({ bar }) => bar === "none"),
			"undefended",
		),
		honest: honestTable(counts),
		...Object.fromEntries(Object.entries(edges).map(([name, edge]) => [`edge ${name}`, lineTable(edge)])),
	});
	const size = { contributors: 10, rows: 1348 };
	const draw = async (name: string, drawn: readonly AuditLine[], title: string) =>
		writeFile(join(root, "docs", name), await auditChart({ ...size, lines: drawn }, title));
	await draw("attribution-gaming.svg", lines, "What an attacker gets: digits, 10 contributors, 1,348 rows");
	await draw("attribution-gaming-edge.svg", edges.digits, "At the edge of the default policy: digits, 10 contributors, 1,348 rows");
}
