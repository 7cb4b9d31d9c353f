/**
 * The circom sources of a circuit as far as an attack needs them: which signals are assigned without a constraint (`<--`), which template each
 * component is an instance of, and what a template's header leaves to its caller (ASSUMED, MUST).
 *
 * The symbol table does not say which template a component is of, so a component counts as an instance of every template that declares all its signals and
 * whose inputs and outputs it has. A doubt adds attacks and hides none.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Circuit } from "../../circuits/circuit.ts";
import { CompileError } from "../errors.ts";

export interface Template {
	readonly name: string;
	/** All signals that it declares. */
	readonly signals: ReadonlySet<string>;
	/** Its inputs and outputs. */
	readonly ports: ReadonlySet<string>;
	/** Signals that it assigns without a constraint. */
	readonly hints: ReadonlySet<string>;
	/** Templates that its body may instantiate. */
	readonly uses: readonly string[];
	/** Items of its header that put a duty on the caller. */
	readonly assumptions: readonly Assumption[];
}

/** Something that a template relies on and does not constrain. */
export interface Assumption {
	readonly template: string;
	/** The signals, as the header lists them. */
	readonly signals: string;
	readonly text: string;
}

/** The usual folders for includes: `circuits/` and the folder of npm packages. */
export function sourceLibraries(): string[] {
	const packages = dirname(dirname(createRequire(import.meta.url).resolve("circom2/cli.js")));
	return [fileURLToPath(new URL("../../circuits", import.meta.url)), packages];
}

/**
 * All templates that a circuit's text includes, by name.
 * @throws CompileError when an include is missing, or when a `<--` does not assign a signal of its own template
 */
export async function readTemplates(circuit: Circuit, libraries: readonly string[] = sourceLibraries()): Promise<Map<string, Template>> {
	const texts: string[] = [];
	const seen = new Set<string>();
	const visit = async (text: string, folders: readonly string[]): Promise<void> => {
		texts.push(text);
		for (const [, name] of withoutComments(text).matchAll(/\binclude\s*"([^"]+)"/g)) {
			const file = await firstReadable(folders.map((folder) => join(folder, name as string)));
			if (file === undefined) {
				throw new CompileError("compile.failed", `readTemplates: expected include "${name}" of ${circuit.id}, got no such file`);
			}
			if (!seen.has(file.path)) {
				seen.add(file.path);
				await visit(file.text, [dirname(file.path), ...libraries]);
			}
		}
	};
	await visit(circuit.source, libraries);
	return new Map(texts.flatMap(parseTemplates).map((template) => [template.name, template]));
}

/**
 * The templates that one source text defines.
 * @throws CompileError when a `<--` does not assign a signal of its own template
 */
export function parseTemplates(text: string): Template[] {
	const code = withoutComments(text);
	return [...code.matchAll(/\btemplate\s+(?:(?:custom|parallel)\s+)*([A-Za-z_$][\w$]*)\s*\(/g)].map((match) => {
		const name = match[1] as string;
		const body = bodyFrom(code, match.index);
		const signals = new Set<string>();
		const ports = new Set<string>();
		for (const [, direction, declared] of body.matchAll(/\bsignal\b\s*(input|output)?\s*(?:\{[^}]*\})?([^;<=]*)/g)) {
			for (const signal of withoutIndices(declared as string).split(",")) {
				signals.add(signal.trim());
				if (direction !== undefined) {
					ports.add(signal.trim());
				}
			}
		}
		const hints = new Set<string>();
		for (const statement of body.split(/[;{}]/).filter((part) => /<--|-->/.test(part))) {
			const bare = withoutIndices(statement).replace(/\bsignal\b\s*(input|output)?\s*/, "");
			const target = /([\w$.]+)\s*<--/.exec(bare)?.[1] ?? /-->\s*([\w$.]+)/.exec(bare)?.[1];
			if (target === undefined || !signals.has(target)) {
				throw new CompileError(
					"compile.failed",
					`parseTemplates: expected "<--" of ${name} to assign one of its signals, got ${statement.trim()}`,
				);
			}
			hints.add(target);
		}
		const uses = [...body.matchAll(/\b([A-Za-z_$][\w$]*)\s*\(/g)].map(([, used]) => used as string);
		return { name, signals, ports, hints, uses, assumptions: assumptionsOf(name, text) };
	});
}

/** Paths of the components that are instances of a template, such as "main.range". */
export function componentsOf(template: Template, symbols: Iterable<string>): string[] {
	const owned = new Map<string, Set<string>>();
	for (const symbol of symbols) {
		const dot = symbol.lastIndexOf(".");
		const path = symbol.slice(0, dot);
		const signal = withoutIndices(symbol.slice(dot + 1));
		const signals = owned.get(path);
		if (signals === undefined) {
			owned.set(path, new Set([signal]));
		} else {
			signals.add(signal);
		}
	}
	return [...owned]
		.filter(([, signals]) => [...signals].every((one) => template.signals.has(one)) && [...template.ports].every((one) => signals.has(one)))
		.map(([path]) => path);
}

/** Templates that the main component may instantiate, itself included. */
export function reachable(circuit: Circuit, templates: ReadonlyMap<string, Template>): Template[] {
	const main = /component\s+main\s*(?:\{[^}]*\})?\s*=\s*([A-Za-z_$][\w$]*)/.exec(withoutComments(circuit.source))?.[1];
	const found = new Map<string, Template>();
	const visit = (name: string): void => {
		const template = templates.get(name);
		if (template !== undefined && !found.has(name)) {
			found.set(name, template);
			template.uses.forEach(visit);
		}
	};
	visit(main ?? "");
	return [...found.values()];
}

/** Header items with ASSUMED or MUST: "@input   limb   limbs ... ASSUMED in [0, 2^12)". */
function assumptionsOf(name: string, text: string): Assumption[] {
	const lines = text.split("\n");
	const at = lines.findIndex((line) =>
		new RegExp(`^\\s*template\\s+(?:(?:custom|parallel)\\s+)*${name.replaceAll("$", "\\$")}\\s*\\(`).test(line),
	);
	let from = at;
	while (from > 0 && lines[from - 1]?.trimStart().startsWith("///")) {
		from--;
	}
	const header = lines.slice(from, at).map((line) => line.trim().replace(/^\/\/\/ ?/, ""));
	const items: string[] = [];
	for (const line of header) {
		if (line.startsWith("@") || items.length === 0) {
			items.push(line);
		} else {
			items.push(`${items.pop()} ${line.trim()}`);
		}
	}
	return items
		.filter((item) => /\b(ASSUMED|MUST)\b/.test(item))
		.map((item) => {
			const [, signals] = /^@\w+\s+(.*?)(?:\s{2,}|\s=|\s*$)/.exec(item) ?? [];
			return { template: name, signals: signals ?? "", text: item };
		});
}

function withoutComments(text: string): string {
	return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/[^\n]*/g, "");
}

/** Drops [...] groups, innermost first. */
function withoutIndices(text: string): string {
	let rest = text;
	for (let next = rest.replace(/\[[^[\]]*\]/g, ""); next !== rest; next = rest.replace(/\[[^[\]]*\]/g, "")) {
		rest = next;
	}
	return rest;
}

/** The text between the braces that open after `start`. */
function bodyFrom(code: string, start: number): string {
	const open = code.indexOf("{", start);
	let depth = 0;
	for (let at = open; at < code.length; at++) {
		if (code[at] === "{") {
			depth++;
		} else if (code[at] === "}" && --depth === 0) {
			return code.slice(open + 1, at);
		}
	}
	return code.slice(open + 1);
}

async function firstReadable(files: readonly string[]): Promise<{ path: string; text: string } | undefined> {
	for (const path of files) {
		const text = await readFile(path, "utf8").catch(() => undefined);
		if (text !== undefined) {
			return { path, text };
		}
	}
	return undefined;
}
