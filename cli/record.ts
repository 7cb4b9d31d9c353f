/** `openledger record ...`: provenance on chain, by the author's transaction or by the author's signature and somebody else's transaction. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { keccak256, type Wallet, ZeroHash } from "ethers";
import { LedgerClient } from "../ledger/client.ts";
import { type RecordKind, recordKinds } from "../ledger/enums.ts";
import { LedgerError } from "../ledger/errors.ts";
import { formatRequest, ProvenanceClient, parseRequest, type RecordRequest, signRequest } from "../ledger/provenance.ts";
import { LedgerReader } from "../ledger/reader.ts";
import { jsonDigest } from "../network/epoch/json.ts";
import { bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText } from "./desk.ts";
import { UsageError } from "./exit.ts";

interface Flags extends DeskFlags {
	readonly digest?: string;
	readonly file?: string;
	readonly canonical?: string;
	readonly parent?: string;
	readonly model?: string;
	readonly revoke?: string;
	readonly kind?: RecordKind;
	readonly deadline: number;
}

const DAY = 86_400;

export function recordCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "record", "provenance records: datasets, manifests, checkpoints, inference logs, licences");
	const content = (command: Command): Command =>
		command
			.option("--digest <hex>", "keccak256 of the content", bytes32)
			.option("--file <file>", "take the digest of these bytes")
			.option("--canonical <file>", "take the digest of this JSON, made canonical (RFC 8785)");
	content(noun.sending("register", "publish a record of content", register))
		.addOption(kindOption())
		.option("--parent <id>", "record that it derives from", bytes32);
	content(noun.sending("log", "append the root of an inference log to the chain of a model of yours", log)).requiredOption(
		"--model <id>",
		"manifest, checkpoint or fine-tune record",
		bytes32,
	);
	noun.sending("revoke", "mark a record of yours as revoked", revoke).argument("<id>", "id of the record", bytes32);
	content(noun.reading("sign", "sign a record, a log (--model) or a revocation (--revoke) for somebody else to send; prints JSON", sign))
		.requiredOption("--key <env>", "name of the environment variable that holds the author's private key")
		.addOption(kindOption())
		.option("--parent <id>", "record that it derives from", bytes32)
		.option("--model <id>", "sign a log of this model instead", bytes32)
		.option("--revoke <id>", "sign a revocation instead", bytes32)
		.option("--deadline <seconds>", "how long the signature is good, from the latest block on", integer(1, 366 * DAY), DAY);
	noun.sending("relay", "send what an author signed", relay).argument("<file>", "what `record sign` printed");
	noun.reading("show", "one record, with the head of its log", show).argument("<id>", "id of the record", bytes32);
	return noun.command;
}

function kindOption(): Option {
	const kinds = recordKinds.filter((kind) => kind !== "None" && kind !== "InferenceLog");
	return new Option("--kind <kind>", kinds.join(", ")).argParser((value: string) => {
		if (!kinds.some((kind) => kind === value)) throw new InvalidArgumentError(`expected one of ${kinds.join(", ")}, got ${value}`);
		return value;
	});
}

/** The digest that was given, or that of what was given. */
async function digestOf({ digest, file, canonical }: Flags): Promise<string> {
	if ([digest, file, canonical].filter((given) => given !== undefined).length !== 1) {
		throw new UsageError("record: expected one of --digest, --file and --canonical", "Name the content once.");
	}
	if (digest !== undefined) return digest;
	if (canonical !== undefined) return jsonDigest(parseJson(canonical, await readText(canonical)));
	const bytes = await readFile(resolve(file as string)).catch((cause: unknown) => {
		throw new LedgerError("input.invalid", `--file: expected a readable file at ${file}, got ${(cause as Error).message}`, {
			hint: "Check the path.",
			cause,
		});
	});
	return keccak256(bytes);
}

function parseJson(file: string, text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new LedgerError("input.invalid", `--canonical: expected JSON in ${file}, got ${(cause as Error).message}`, {
			hint: "For other content use --file, which takes the bytes as they are.",
			cause,
		});
	}
}

function kindOf({ kind }: Flags): RecordKind {
	if (kind === undefined) throw new UsageError("record: expected --kind", "See `openledger record register --help`.");
	return kind;
}

async function register(desk: Desk, flags: Flags): Promise<Outcome> {
	const [kind, digest] = [kindOf(flags), await digestOf(flags)];
	const client = await desk.client(LedgerClient);
	const { id, ...outcome } = await client.registerRecord({
		kind,
		digest,
		...(flags.parent === undefined ? {} : { parent: flags.parent }),
	});
	return desk.sent([{ action: "register", outcome }], { id, kind, digest, author: client.address }, `${kind} ${id}\n  digest ${digest}`);
}

async function log(desk: Desk, flags: Flags): Promise<Outcome> {
	const [model, root] = [flags.model as string, await digestOf(flags)];
	const { id, sequence, head, ...outcome } = await (await desk.client(LedgerClient)).appendLog({ model, root });
	return desk.sent([{ action: "appendLog", outcome }], { id, model, root, sequence, head }, `log ${sequence} of ${model}: ${id}`);
}

async function revoke(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const outcome = await (await desk.client(LedgerClient)).revokeRecord(id as string);
	return desk.sent([{ action: "revoke", outcome }], { id }, `record ${id} is revoked; what was built on it stays`);
}

async function sign(desk: Desk, flags: Flags): Promise<Outcome> {
	const wallet = desk.wallet as Wallet;
	const client = await desk.client(ProvenanceClient);
	const reader = readerOf(desk);
	const terms = { nonce: await client.nonce(wallet.address), deadline: (await reader.now()) + BigInt(flags.deadline) };
	const signed = await signRequest(wallet, desk.deployment, await requestOf(reader, flags), terms);
	const text = formatRequest(desk.deployment, signed);
	return { result: JSON.parse(text), text };
}

async function requestOf(reader: LedgerReader, flags: Flags): Promise<RecordRequest> {
	if (flags.revoke !== undefined) return { action: "revoke", id: flags.revoke };
	if (flags.model !== undefined) {
		const { sequence, head } = await reader.logHead(flags.model);
		return { action: "appendLog", model: flags.model, sequence: sequence + 1n, previous: head, root: await digestOf(flags) };
	}
	return { action: "register", kind: kindOf(flags), digest: await digestOf(flags), parent: flags.parent ?? ZeroHash };
}

async function relay(desk: Desk, _: Flags, [file]: string[]): Promise<Outcome> {
	const signed = parseRequest(desk.deployment, await readText(file as string));
	const { id, ...outcome } = await (await desk.client(ProvenanceClient)).relay(signed);
	const { action } = signed.request;
	return desk.sent([{ action: `${action}For`, outcome }], { id, author: signed.author }, `${action} ${id} for ${signed.author}`);
}

async function show(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const reader = readerOf(desk);
	const record = await reader.record(id as string);
	if (record === undefined) {
		throw new LedgerError("input.invalid", `record: expected a record that was registered here, got ${id}`, {
			hint: "An id holds author, kind and digest; `record register` prints it.",
		});
	}
	const { sequence, head } = await reader.logHead(id as string);
	const fields: [string, string][] = [
		["record", id as string],
		["kind", record.kind],
		["status", record.status],
		["author", record.author],
		["digest", record.digest],
		["parent", record.parent === ZeroHash ? "none" : record.parent],
		["registered", new Date(Number(record.timestamp) * 1000).toISOString()],
		...(sequence === 0n ? [] : [["log", `${sequence} roots, head ${head}`] as [string, string]]),
	];
	const text = fields.map(([name, value]) => `${name.padEnd(12)}${value}`).join("\n");
	return { result: { id, ...record, log: { sequence, head } }, text };
}

function readerOf({ deployment, provider }: Desk): LedgerReader {
	return new LedgerReader({ deployment, provider });
}
