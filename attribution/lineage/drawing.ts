/**
 * A lineage as SVG: a box for each node, what it was made from above it, and beside each line the part of the node's earnings that goes up it. Solid lines are proven
 * weights, dashed ones are declared. With a payment, boxes and lines also say its amounts.
 *
 * Places come from dagre (layers, few crossings); it is loaded when something is drawn.
 */
import { DataError } from "../../compute/errors.ts";
import { type Credit, edgeKey } from "./credit.ts";
import type { Lineage } from "./lineage.ts";
import { type LineageNode, type NodeKind, WHOLE } from "./node.ts";

/** Nodes of the largest picture. */
export const MAX_DRAWN = 500;

const COLOURS: Readonly<Record<NodeKind, string>> = {
	Dataset: "#1f77b4",
	DerivedDataset: "#17a2b8",
	ModelManifest: "#6c757d",
	TrainingDescriptor: "#8c6d31",
	Checkpoint: "#2e8b57",
	FineTune: "#d2691e",
	Merge: "#8a4fbf",
};
const TITLES: Readonly<Record<NodeKind, string>> = {
	Dataset: "dataset",
	DerivedDataset: "derived dataset",
	ModelManifest: "model manifest",
	TrainingDescriptor: "training descriptor",
	Checkpoint: "checkpoint",
	FineTune: "fine-tune",
	Merge: "merge",
};

const FONT = "font-family='Helvetica, Arial, sans-serif'";
const MONO = "font-family='DejaVu Sans Mono, Menlo, monospace'";
const [MARGIN, PADDING, LINE] = [24, 14, 16];
/** Contributors that a box names. */
const NAMED = 3;

interface Line {
	readonly text: string;
	readonly size: number;
	readonly style: string;
}

interface Point {
	readonly x: number;
	readonly y: number;
}

/**
 * Draws a lineage.
 * @param credit - a payment to show
 * @param write - an amount as text, such as "12.5 OPEN"
 * @throws {DataError} PARAMETER_OUT_OF_RANGE for more than 500 nodes
 */
export async function drawLineage(lineage: Lineage, credit?: Credit, write: (amount: bigint) => string = String): Promise<string> {
	const { nodes } = lineage;
	if (nodes.length > MAX_DRAWN) {
		const message = `lineage: expected at most ${MAX_DRAWN} nodes to draw, got ${nodes.length}`;
		throw new DataError("PARAMETER_OUT_OF_RANGE", message, "Draw a part of it, or use --json.");
	}
	const { Graph, layout } = await import("@dagrejs/dagre");
	const graph = new Graph();
	graph.setGraph({ rankdir: "TB", nodesep: 36, ranksep: 44, edgesep: 24, marginx: MARGIN, marginy: MARGIN });
	const boxes = new Map(nodes.map((node) => [node.id, boxLines(node, credit, write)]));
	for (const { id } of nodes) graph.setNode(id, sizeOf(boxes.get(id) as Line[]));
	for (const { id, parents } of nodes) {
		for (const parent of parents) {
			const text = edgeText(parent.weight, credit?.edges.get(edgeKey(id, parent.id)), write);
			graph.setEdge(parent.id, id, { width: widthOf(text, 11) + 8, height: 18, labelpos: "c" });
		}
	}
	layout(graph);

	const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
	const kinds = (Object.keys(COLOURS) as NodeKind[]).filter((kind) => nodes.some((node) => node.kind === kind));
	const legend = legendOf(kinds, credit !== undefined, height);
	const lines = nodes.flatMap(({ id, parents }) =>
		parents.map((parent) => {
			const { points, x, y } = graph.edge(parent.id, id) as { points: Point[]; x: number; y: number };
			const text = edgeText(parent.weight, credit?.edges.get(edgeKey(id, parent.id)), write);
			return edgeSvg(points, { x, y }, text, parent.basis === "declared");
		}),
	);
	const drawn = nodes.map((node) =>
		boxSvg(node, boxes.get(node.id) as Line[], graph.node(node.id) as Point & { width: number; height: number }),
	);
	const [w, h] = [Math.ceil(Math.max(width, legend.width)), Math.ceil(height + legend.height)];
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">`,
		`<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="#555"/></marker></defs>`,
		`<rect width="${w}" height="${h}" fill="white"/>`,
		...lines,
		...drawn,
		...legend.svg,
		"</svg>",
		"",
	].join("\n");
}

/** "40 %", rounded to hundredths. */
export function percent(weight: number): string {
	return `${Number(((100 * weight) / WHOLE).toFixed(2))} %`;
}

function boxLines(node: LineageNode, credit: Credit | undefined, write: (amount: bigint) => string): Line[] {
	const owners = node.contributors.filter(({ weight }) => weight > 0).toSorted((a, b) => b.weight - a.weight);
	const more = owners.length - NAMED;
	const named = more === 1 ? owners : owners.slice(0, NAMED);
	const received = credit?.nodes.get(node.id);
	const plain = (text: string): Line => ({ text, size: 11, style: `${FONT} fill='#333'` });
	return [
		{ text: TITLES[node.kind], size: 11, style: `${FONT} fill='${COLOURS[node.kind]}'` },
		{ text: cut(node.name), size: 14, style: `${FONT} font-weight='bold' fill='#111'` },
		{ text: `${node.id.slice(0, 10)}…${node.id.slice(-6)}`, size: 10, style: `${MONO} fill='#666'` },
		plain(node.content === null ? `${cut(node.licence)}, private` : cut(node.licence)),
		...named.map(({ name, weight }) => plain(`${cut(name)}  ${percent(weight)}`)),
		...(named.length < owners.length ? [plain(`and ${owners.length - named.length} more`)] : []),
		...(received === undefined
			? []
			: [{ text: `gets ${write(received.amount)}`, size: 11, style: `${FONT} font-weight='bold' fill='#0a6b2d'` }]),
	];
}

function edgeText(weight: number, amount: bigint | undefined, write: (amount: bigint) => string): string {
	return amount === undefined ? percent(weight) : `${percent(weight)}: ${write(amount)}`;
}

/** About what a text takes in a sans-serif font, or in a monospaced one; pixels. */
function widthOf(text: string, size: number, style = ""): number {
	return text.length * size * (style.includes(MONO) ? 0.61 : style.includes("bold") ? 0.6 : 0.55);
}

function sizeOf(lines: readonly Line[]): { width: number; height: number } {
	const widest = Math.max(...lines.map(({ text, size, style }) => widthOf(text, size, style)));
	return { width: Math.ceil(Math.max(110, widest + 2 * PADDING)), height: lines.length * LINE + 2 * PADDING - 4 };
}

function boxSvg({ kind }: LineageNode, lines: readonly Line[], place: Point & { width: number; height: number }): string {
	const { width, height } = place;
	const [left, top] = [place.x - width / 2, place.y - height / 2];
	const texts = lines.map(
		({ text, size, style }, i) =>
			`<text x="${round(place.x)}" y="${round(top + PADDING + 8 + i * LINE)}" font-size="${size}" text-anchor="middle" ${style}>${escaped(text)}</text>`,
	);
	return [
		`<rect x="${round(left)}" y="${round(top)}" width="${width}" height="${height}" rx="7" fill="#fbfcfd" stroke="${COLOURS[kind]}" stroke-width="1.6"/>`,
		...texts,
	].join("\n");
}

/** A smooth line through the points: each inner one pulls, the middles between them are met. */
function edgeSvg(points: readonly Point[], label: Point, text: string, isDeclared: boolean): string {
	const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
	const inner = points.slice(1, -1);
	const curves = inner.map((point, i) => {
		const next = points[i + 2] as Point;
		const end = i === inner.length - 1 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
		return `Q${at(point)} ${at(end)}`;
	});
	const path = `M${at(points[0] as Point)} ${inner.length > 0 ? curves.join(" ") : `L${at(points.at(-1) as Point)}`}`;
	const width = widthOf(text, 11) + 8;
	return [
		`<path d="${path}" fill="none" stroke="#555" stroke-width="1.4"${isDeclared ? ' stroke-dasharray="6 4"' : ""} marker-end="url(#tip)"/>`,
		`<rect x="${round(label.x - width / 2)}" y="${round(label.y - 9)}" width="${round(width)}" height="18" rx="4" fill="white" fill-opacity="0.92"/>`,
		`<text x="${round(label.x)}" y="${round(label.y + 4)}" font-size="11" text-anchor="middle" ${FONT} fill="#222">${escaped(text)}</text>`,
	].join("\n");
}

function legendOf(kinds: readonly NodeKind[], isPaid: boolean, top: number): { svg: string[]; width: number; height: number } {
	const svg: string[] = [];
	let x = MARGIN;
	const text = (from: number, y: number, value: string): string =>
		`<text x="${round(from)}" y="${y}" font-size="11" ${FONT} fill="#333">${value}</text>`;
	for (const kind of kinds) {
		svg.push(
			`<rect x="${round(x)}" y="${top + 4}" width="16" height="12" rx="3" fill="#fbfcfd" stroke="${COLOURS[kind]}" stroke-width="1.6"/>`,
		);
		svg.push(text(x + 22, top + 14, TITLES[kind]));
		x += 22 + widthOf(TITLES[kind], 11) + 20;
	}
	const rows = [
		{ dash: "", value: "made into; credit goes back up by this weight, proven by an attribution run" },
		{ dash: ' stroke-dasharray="6 4"', value: "the same, weight declared by the author" },
	];
	let width = x + MARGIN;
	rows.forEach(({ dash, value }, i) => {
		const y = top + 34 + i * 18;
		svg.push(
			`<path d="M${MARGIN} ${y} h36" fill="none" stroke="#555" stroke-width="1.4"${dash} marker-end="url(#tip)"/>`,
			text(MARGIN + 46, y + 4, value),
		);
		width = Math.max(width, MARGIN + 46 + widthOf(value, 11) + MARGIN);
	});
	const notes = [
		"percentages in a box: what its own contributors keep of what it earns",
		...(isPaid ? ["amounts: a payment to the node that got it first, split up to the last unit"] : []),
	];
	notes.forEach((note, i) => {
		svg.push(text(MARGIN, top + 74 + i * 16, note));
		width = Math.max(width, MARGIN + widthOf(note, 11) + MARGIN);
	});
	return { svg, width, height: 74 + notes.length * 16 };
}

function cut(text: string): string {
	return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
	return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
