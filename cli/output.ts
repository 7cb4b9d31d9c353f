/** What a command prints: data on stdout (text, or one versioned JSON object), progress and notes on stderr. */
import type { ProgressEvent } from "../network/epoch/progress.ts";
import type { Failure } from "./exit.ts";

/** The one object of --json. */
export function envelope(schema: string, started: number, outcome: { result: unknown } | { failure: Failure }): string {
	const timings = { totalMs: Math.round(performance.now() - started) };
	const body =
		"result" in outcome
			? { schema, ok: true, result: outcome.result, timings }
			: { schema, ok: false, error: { code: outcome.failure.code, message: outcome.failure.message, hint: outcome.failure.hint }, timings };
	return JSON.stringify(body, jsonValue, 2);
}

/** What JSON has no word for, as a replacer of `JSON.stringify`: big numbers as text, maps as objects. */
export function jsonValue(_key: string, value: unknown): unknown {
	if (typeof value === "bigint") return value.toString();
	return value instanceof Map ? Object.fromEntries(value) : value;
}

/** Rows as aligned columns; numbers to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
	const right = header.map((_, column) => rows.every((row) => /^[-+]?[\d.,]*\d[%s]?$|^-?$/.test(row[column] ?? "")));
	const line = (cells: readonly string[]): string =>
		cells
			.map((cell, column) => (right[column] ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number)))
			.join("  ")
			.trimEnd();
	return [line(header), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** wei as OPEN with six decimals, cut, not rounded. */
export function open(wei: bigint): string {
	const sign = wei < 0n ? "-" : "";
	const size = wei < 0n ? -wei : wei;
	return `${sign}${size / 10n ** 18n}.${(size % 10n ** 18n).toString().padStart(18, "0").slice(0, 6)}`;
}

/** Prints progress on stderr: one changing line on a terminal, else a line for every step, at most one a second within a step. */
export function progressPrinter(stream: NodeJS.WriteStream = process.stderr): { report: (event: ProgressEvent) => void; end: () => void } {
	let phase = "";
	let since = 0;
	let last = 0;
	return {
		report({ phase: current, done, total, note }) {
			const now = performance.now();
			const changed = current !== phase;
			if (changed) {
				phase = current;
				since = now;
			}
			if (!changed && done < total && now - last < (stream.isTTY ? 100 : 1000)) {
				return;
			}
			last = now;
			const left = done > 0 && done < total ? `, about ${Math.ceil((((now - since) / done) * (total - done)) / 1000)} s left` : "";
			const text = `${current.padEnd(11)} ${done}/${total} ${note}${left}`;
			stream.write(stream.isTTY ? `\r\x1b[2K${text.slice(0, (stream.columns ?? 120) - 1)}${done >= total ? "\n" : ""}` : `${text}\n`);
		},
		end() {
			if (stream.isTTY) {
				stream.write("\r\x1b[2K");
			}
		},
	};
}
