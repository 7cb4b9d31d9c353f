/** Charts as SVG text, drawn by vega. Loaded when a chart is asked for: vega takes a third of a second to start. */
import type { TopLevelSpec } from "vega-lite";

/** Points of one line, or bars of one colour. */
export interface Series {
	readonly name: string;
	readonly points: readonly { readonly x: number | string; readonly y: number /** half of an error bar */; readonly error?: number }[];
}

export interface ChartOptions {
	readonly title: string;
	/** what the horizontal axis shows, with its unit */
	readonly x: string;
	readonly y: string;
	readonly series: readonly Series[];
	/** Pixels of the plotted area; 560 x 320 by default. */
	readonly width?: number;
	readonly height?: number;
}

/** Lines through the points of each series, with error bars where they are given. */
export function lineChart(options: ChartOptions): Promise<string> {
	return draw(options, "quantitative", { type: "line", point: options.series.every(({ points }) => points.length <= 60) });
}

/** Groups of bars: one group per x in the order of the first series, one bar per series. */
export function barChart(options: ChartOptions): Promise<string> {
	return draw(options, "nominal", { type: "bar" });
}

async function draw(options: ChartOptions, type: "quantitative" | "nominal", mark: Record<string, unknown>): Promise<string> {
	const [vega, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
	const { title, x, y, series, width = 560, height = 320 } = options;
	const values = series.flatMap(({ name, points }) =>
		points.map(({ error = 0, ...point }) => ({ ...point, series: name, low: point.y - error, high: point.y + error })),
	);
	const isGrouped = type === "nominal" && series.length > 1;
	const encoding = {
		x: { field: "x", type, title: x, sort: null, axis: { labelAngle: 0 } },
		...(isGrouped ? { xOffset: { field: "series", sort: null } } : {}),
		color: { field: "series", type: "nominal", sort: null, title: null, legend: series.length > 1 ? { labelLimit: 400 } : null },
	};
	const layer: unknown[] = [{ mark, encoding: { y: { field: "y", type: "quantitative", title: y } } }];
	if (values.some(({ low, high }) => low < high)) {
		layer.push({ mark: "rule", encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" }, color: { value: "#333" } } });
	}
	const spec = { title, width, height, background: "white", data: { values }, encoding, layer } as unknown as TopLevelSpec;
	const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
	const svg = await view.toSVG();
	view.finalize();
	return `${svg}\n`;
}
