/** Pages of docs/ with tables that a script fills in between markers. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Case, root } from "../bench.ts";

/** Fills tables of a page in. @param tables by the name of their markers */
export async function fillPage(name: string, tables: Readonly<Record<string, string>>): Promise<void> {
	const path = join(root, "docs", name);
	const text = Object.entries(tables).reduce((page, [marker, table]) => fill(page, marker, table), await readFile(path, "utf8"));
	await writeFile(path, text);
}

/** Replace what stands between the markers of a name. */
function fill(text: string, name: string, content: string): string {
	const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
	const [from, to] = [text.indexOf(begin), text.indexOf(end)];
	if (from < 0 || to < from) throw new Error(`fill: expected the markers of "${name}"`);
	return `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`;
}

/** A table. */
export function markdown(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Cases with what was measured undefended, or elsewhere. @param peer - title of that column */
export function caseTable(cases: readonly Case[], peer: string): string {
	return markdown(
		["figure", peer, "measured", "unit", "asked for", "holds"],
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
