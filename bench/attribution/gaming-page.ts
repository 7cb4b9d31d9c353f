/** `node bench/attribution/gaming-page.ts`: measures gaming anew and writes the tables and plots of docs/attribution-gaming.md. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { AuditLine } from "../../attribution/attack/audit.ts";
import { auditChart } from "../../attribution/attack/audit-chart.ts";
import { type Case, median, root } from "../bench.ts";
import { casesOfLines, honestCases, payerCases } from "./gaming.ts";
import { attackDigits, attackEdge, countAllHonest, type HonestCount, SHARINGS } from "./gaming-study.ts";

const page = join(root, "docs", "attribution-gaming.md");

/** Replace what stands between the markers of a name. */
function fill(text: string, name: string, content: string): string {
	const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
	const [from, to] = [text.indexOf(begin), text.indexOf(end)];
	if (from < 0 || to < from) throw new Error(`gaming-page: expected the markers of "${name}" in ${page}`);
	return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

function caseTable(cases: readonly Case[]): string {
	return markdown(
		["figure", "undefended", "measured", "unit", "asked for", "holds"],
		cases.map(({ name, peerValue, value, unit, bar, holds, note }) => [
			note === undefined ? name : `${name} (${note})`,
			peerValue === undefined ? "" : String(peerValue),
			String(value),
			unit,
			bar,
			bar === "none" ? "" : holds ? "yes" : "**no**",
		]),
	);
}

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

const lines = await attackDigits();
const counts = await countAllHonest();
const payers = await payerCases();
const edges = { digits: await attackEdge("digits"), "breast cancer": await attackEdge("breast cancer"), wine: await attackEdge("wine") };

let text = await readFile(page, "utf8");
text = fill(text, "attacks", lineTable(lines));
text = fill(text, "figures", caseTable([...casesOfLines(lines), ...payers.filter(({ bar }) => bar !== "none"), ...honestCases(counts)]));
text = fill(text, "payers", caseTable(payers.filter(({ bar }) => bar === "none")));
text = fill(text, "honest", honestTable(counts));
for (const [name, edge] of Object.entries(edges)) text = fill(text, `edge ${name}`, lineTable(edge));
await writeFile(page, text);
const size = { contributors: 10, rows: 1348 };
await writeFile(
	join(root, "docs", "attribution-gaming.svg"),
	await auditChart({ ...size, lines }, "What an attacker gets: digits, 10 contributors, 1,348 rows"),
);
await writeFile(
	join(root, "docs", "attribution-gaming-edge.svg"),
	await auditChart({ ...size, lines: edges.digits }, "At the edge of the default policy: digits, 10 contributors, 1,348 rows"),
);
