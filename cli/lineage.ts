/** `openledger lineage ...`: what a model was made from, whether that is so, and who is paid for it. */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { type Command as Base, Command, InvalidArgumentError, Option } from "commander";
import { contentDigest, readRun, verifyLineage } from "../attribution/lineage/content.ts";
import { type Credit, creditOf } from "../attribution/lineage/credit.ts";
import { drawLineage, percent } from "../attribution/lineage/drawing.ts";
import { LINEAGE_SCHEMA, type Lineage, lineageOf, nodeOf, parseLineage, youngest } from "../attribution/lineage/lineage.ts";
import { type LineageNode, type NodeKind, parseNode, RECORD_KINDS, WHOLE } from "../attribution/lineage/node.ts";
import { provenParents } from "../attribution/lineage/proven.ts";
import { sealsOf } from "../attribution/lineage/seal.ts";
import { DataError } from "../compute/errors.ts";
import { writeJson, writeWhole } from "../network/epoch/json.ts";
import { amount } from "./arguments.ts";
import type { CommandContext } from "./command.ts";
import { UsageError } from "./exit.ts";
import { FileError, prepareOutput, readJsonFile } from "./file.ts";
import { open, table } from "./output.ts";

/** A name and its part, from NAME=0.4. */
interface Weighted {
	readonly name: string;
	readonly weight: number;
}

interface ShowFlags {
	readonly svg?: string;
	readonly credit?: bigint;
	readonly node?: string;
}

interface VerifyFlags {
	readonly root?: string;
	readonly seal: readonly { readonly name: string; readonly seal: string }[];
}

interface RecordFlags {
	readonly kind: NodeKind;
	readonly content: string;
	readonly canonical?: boolean;
	readonly private?: boolean;
	readonly name: string;
	readonly licence: string;
	readonly contributor: readonly Weighted[];
	readonly parent: readonly Weighted[];
	readonly run?: Weighted;
	readonly root?: string;
}

export function lineageCommand(context: CommandContext): Base {
	const show = new Command("show")
		.description("the nodes of a lineage, a picture of it, and who gets how much of a payment")
		.argument("<file>", "lineage file")
		.option("--svg <file>", "draw it")
		.option("--credit <open>", "split this payment among all contributors", amount)
		.option("--node <name>", "id or name of the node that is paid (default: the one from which nothing was made yet)")
		.action((file: string, flags: ShowFlags) => context.run("openledger.lineage.show.v1", () => showLineage(file, flags)));
	const verify = new Command("verify")
		.description("hash the content of every node again, and derive proven weights again")
		.argument("<file>", "lineage file")
		.option("--root <folder>", "folder of the contents (default: that of the file)")
		.option("--seal <name=hex>", "expect this seal of a node: nothing above it was altered; may be given again", sealed, [])
		.action((file: string, flags: VerifyFlags) =>
			context.run("openledger.lineage.verify.v1", async ({ signal, progress }) => {
				const lineage = await readLineage(file);
				const states = await verifyLineage(lineage, resolve(flags.root ?? dirname(file)), {
					signal,
					progress: (done, total) => total > 100 && progress({ phase: "verify", done, total, note: "contents hashed" }),
				});
				const seals = sealsOf(lineage);
				for (const { name, seal } of flags.seal) checkSeal(nodeOf(lineage, name), seal, seals);
				const nodes = lineage.nodes.map(({ id, name }) => ({ name, id, content: states.get(id), seal: seals.get(id) as string }));
				const hashed = nodes.filter(({ content }) => content === "same").length;
				const text = [
					table(
						["node", "content", "seal"],
						nodes.map(({ name, content, seal }) => [name, content === "same" ? "as recorded" : "private, not checked", seal]),
					),
					"",
					`${hashed} of ${nodes.length} contents hashed again, all as recorded`,
				];
				return { result: { nodes }, text: text.join("\n") };
			}),
		);
	const record = new Command("record")
		.description("append a node, its digest computed from its content; makes the file if there is none")
		.argument("<file>", "lineage file")
		.addOption(new Option("--kind <kind>", "what it is").choices(Object.keys(RECORD_KINDS)).makeOptionMandatory())
		.requiredOption("--content <file>", "file that holds it")
		.option("--canonical", "take the digest of this JSON, made canonical (RFC 8785), not of the bytes")
		.option("--private", "keep only the digest: nobody can check it without the file")
		.requiredOption("--name <name>", "its name in this lineage")
		.requiredOption("--licence <id>", "id of its licence")
		.option("--contributor <name=part>", "who made it, and their part of what it earns, such as ann=0.6; may be given again", parts, [])
		.option("--parent <node=part>", "what it was made from, by name or id, and its declared part; may be given again", parts, [])
		.option("--run <file=part>", "attribution run whose scores divide this part among the parents that it names", (text) => part(text))
		.option("--root <folder>", "folder of the contents (default: that of the file)")
		.action((file: string, flags: RecordFlags) => context.run("openledger.lineage.record.v1", () => recordNode(file, flags)));
	return new Command("lineage")
		.description("what a model was made from, by digest, and how credit goes back up")
		.addCommand(show)
		.addCommand(verify)
		.addCommand(record);
}

async function readLineage(file: string): Promise<Lineage> {
	return parseLineage(await readJsonFile(file, "a lineage as JSON"));
}

async function showLineage(file: string, { svg, credit: payment, node: payee }: ShowFlags) {
	if (svg !== undefined) await prepareOutput(svg);
	const lineage = await readLineage(file);
	const credit = payment === undefined ? undefined : creditOf(lineage, payee ?? onlyYoungest(lineage), payment);
	if (svg !== undefined) await writeWhole(svg, await drawLineage(lineage, credit, openText));
	const seals = sealsOf(lineage);
	const nodes = table(
		["node", "kind", "licence", "contributors", "made from"],
		lineage.nodes.map(({ name, kind, licence, contributors, parents }) => [
			name,
			kind,
			licence,
			contributors.map((one) => `${one.name} ${percent(one.weight)}`).join(", "),
			parents.map(({ id, weight, basis }) => `${lineage.byId.get(id)?.name} ${percent(weight)} ${basis}`).join(", "),
		]),
	);
	return {
		result: {
			nodes: lineage.nodes.map((node) => ({ ...node, recordKind: RECORD_KINDS[node.kind], seal: seals.get(node.id) })),
			depth: lineage.depth,
			...(credit === undefined ? {} : { credit: creditResult(credit) }),
		},
		text: credit === undefined ? nodes : [nodes, "", ...creditText(lineage, credit)].join("\n"),
	};
}

function creditResult({ node, amount: paid, contributors, nodes }: Credit) {
	return { node, amount: paid, contributors, nodes: Array.from(nodes, ([id, received]) => ({ id, ...received })) };
}

function creditText(lineage: Lineage, { node, amount: paid, contributors }: Credit): string[] {
	return [
		`${openText(paid)} to ${lineage.byId.get(node)?.name}:`,
		"",
		table(
			["contributor", "OPEN", "of it by declared weights"],
			contributors.map((share) => [share.name, open(share.amount), open(share.declared)]),
		),
	];
}

/** wei as OPEN, without zeros at the end; cut to six decimals. */
function openText(wei: bigint): string {
	return `${open(wei).replace(/\.?0+$/, "")} OPEN`;
}

function onlyYoungest(lineage: Lineage): string {
	const found = youngest(lineage);
	if (found.length === 1) return (found[0] as LineageNode).id;
	const names = found.slice(0, 6).map(({ name }) => name);
	throw new UsageError(
		`lineage: expected --node, there are ${found.length} nodes to pay: ${names.join(", ")}`,
		"Name the node that is paid.",
	);
}

function checkSeal({ id, name }: LineageNode, expected: string, seals: ReadonlyMap<string, string>): void {
	const found = seals.get(id);
	if (found === expected) return;
	const message = `lineage: "${name}": expected the seal ${expected}, got ${found}`;
	throw new DataError(
		"LINEAGE_DIGEST_CHANGED",
		message,
		"This node or one above it was altered since: compare with the file that was sealed.",
	);
}

async function recordNode(file: string, flags: RecordFlags) {
	const root = resolve(flags.root ?? dirname(file));
	const exists = await readFile(file).then(
		() => true,
		(error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT") return false;
			throw new FileError("FILE_UNREADABLE", `expected a lineage at ${file}, got ${error.message}`, "Check the path.", error);
		},
	);
	const { nodes } = exists ? await readLineage(file) : { nodes: [] };
	const before = lineageOf(nodes);
	const as = flags.canonical === true ? "json" : "bytes";
	const declared = flags.parent.map(({ name, weight }) => ({ id: nodeOf(before, name).id, weight, basis: "declared" as const }));
	const run = flags.run;
	const proven = run === undefined ? [] : provenParents(await readRun(run.name), run.name, run.weight);
	const node = parseNode(
		{
			id: await contentDigest(flags.content, as),
			name: flags.name,
			kind: flags.kind,
			content: flags.private === true ? null : { path: below(root, flags.content), as },
			licence: flags.licence,
			contributors: flags.contributor,
			parents: [...declared, ...proven],
			run: run === undefined ? null : { id: await contentDigest(run.name, "bytes"), path: below(root, run.name) },
		},
		`"${flags.name}"`,
	);
	const lineage = lineageOf([...nodes, node]);
	await prepareOutput(file);
	await writeJson(file, { schema: LINEAGE_SCHEMA, nodes: lineage.nodes });
	const seal = sealsOf(lineage).get(node.id);
	return { result: { ...node, recordKind: RECORD_KINDS[node.kind], seal }, text: `${node.name} ${node.id}\nseal ${seal}` };
}

/** A path as the file has it. */
function below(root: string, path: string): string {
	const found = relative(root, resolve(path)).split(sep).join("/");
	if (!isAbsolute(found) && !found.startsWith("../")) return found;
	throw new UsageError(
		`lineage: expected ${path} below ${root}, got ${found}`,
		"Name the folder of all contents with --root, or use --private.",
	);
}

/** NAME=0.4 as parts per million; the name may hold "=". */
function part(value: string): Weighted {
	const match = /^(.+)=([01]?\.\d{1,6}|[01])$/.exec(value);
	const weight = Math.round(Number(match?.[2]) * WHOLE);
	if (match !== null && weight <= WHOLE) return { name: match[1] as string, weight };
	throw new InvalidArgumentError(`expected NAME=PART with a part from 0 to 1, at most 6 decimals, got ${value}`);
}

function parts(value: string, before: readonly Weighted[]): Weighted[] {
	return [...before, part(value)];
}

function sealed(value: string, before: VerifyFlags["seal"]): VerifyFlags["seal"] {
	const match = /^(.+)=(0x[0-9a-fA-F]{64})$/.exec(value);
	if (match === null) throw new InvalidArgumentError(`expected NAME=SEAL with a seal of 0x and 64 hex digits, got ${value}`);
	return [...before, { name: match[1] as string, seal: (match[2] as string).toLowerCase() }];
}
