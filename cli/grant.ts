/** `openledger grant ...`: time-limited access to encrypted datasets, from the offer of a licence to the end of the access. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { hexlify, isHexString, keccak256, type Wallet } from "ethers";
import { LedgerError } from "../ledger/errors.ts";
import {
	acceptanceOf,
	formatGrantRequest,
	type GrantRequest,
	type GrantTerms,
	parseGrantRequest,
	signGrantRequest,
} from "../ledger/grant.ts";
import { type AccessHistory, type AccessRequest, GrantReader } from "../ledger/grant-reader.ts";
import { GrantClient } from "../ledger/grants.ts";
import { address, bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText, type Step } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { readList } from "./list.ts";
import { table } from "./output.ts";

interface Flags extends DeskFlags {
	readonly licence?: string;
	readonly withdraw?: boolean;
	readonly publicKey?: string;
	readonly publicKeyFile?: string;
	readonly encryptedKey?: string;
	readonly encryptedKeyFile?: string;
	readonly grantee?: string;
	readonly acceptance?: string;
	readonly until?: bigint;
	readonly dataset?: string;
	readonly action?: GrantRequest["action"];
	readonly deadline?: number;
}

const DAY = 86_400;
/** The most grants of one transaction. */
const MAX_BATCH = 128;

export function grantCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "grant", "access to encrypted datasets: licences, requests, grants until a time");
	const about = (command: Command): Command => command.argument("<dataset>", "id of the dataset's record", bytes32);
	about(noun.sending("licence", "offer a licence for a dataset of yours", offer))
		.requiredOption("--licence <id>", "id of the licence's record (see `record register --kind Licence`)", bytes32)
		.option("--withdraw", "take the offer back instead");
	about(noun.sending("request", "request access to a dataset, and accept a licence by that", request))
		.option("--licence <id>", "id of the licence's record, which the author offers", bytes32)
		.option("--public-key <hex>", "to which the dataset's key will be encrypted", bytes)
		.option("--public-key-file <file>", "take these bytes as the public key")
		.option("--withdraw", "take your request back instead");
	const grantee = (command: Command): Command => command.requiredOption("--grantee <address>", "who requested or has access", address);
	const key = (command: Command): Command =>
		command
			.option("--acceptance <hex>", "the request that you answer, as `grant list` shows it", bytes32)
			.option("--encrypted-key <hex>", "the dataset's key, encrypted to the public key of the request", bytes)
			.option("--encrypted-key-file <file>", "take these bytes as the encrypted key");
	const end = (command: Command): Command =>
		command.option("--until <time>", "end of the access: Unix seconds or a date such as 2027-01-31", moment);
	key(end(grantee(about(noun.sending("give", "grant access to a dataset of yours, with its key encrypted to the grantee", give)))));
	about(noun.sending("give-many", "grant access to all that a file lists, as many as fit in each transaction", giveMany)).argument(
		"<file>",
		'JSON list of {"grantee": "0x...", "acceptance": "0x...", "until": "2027-01-31", "encryptedKey": "0x..."}',
	);
	end(grantee(about(noun.sending("renew", "let a grant of yours go on until a later time", renew))));
	grantee(about(noun.sending("revoke", "end a grant of yours at once", revoke)));
	key(end(about(noun.reading("sign", "sign an offer, a grant, a renewal or a revocation for somebody else to send; prints JSON", sign))))
		.requiredOption("--key <env>", "name of the environment variable that holds the author's private key")
		.addOption(new Option("--action <action>", "what to sign").choices(["offer", "grant", "renew", "revoke"]).makeOptionMandatory())
		.option("--grantee <address>", "who requested or has access", address)
		.option("--licence <id>", "id of the licence's record, for an offer", bytes32)
		.option("--withdraw", "take the offer back instead")
		.option("--deadline <seconds>", "how long the signature is good, from the latest block on", integer(1, 366 * DAY), DAY);
	noun.sending("relay", "send what an author signed", relay).argument("<file>", "what `grant sign` printed");
	about(noun.reading("show", "whether somebody has access, and how it came to that", show)).requiredOption(
		"--grantee <address>",
		"who asks",
		address,
	);
	noun
		.reading("list", "offers, requests and grants", list)
		.option("--dataset <id>", "only of this dataset", bytes32)
		.option("--grantee <address>", "only of this grantee", address);
	return noun.command;
}

/** Bytes as 0x and hex digits. */
function bytes(value: string): string {
	if (!isHexString(value) || value.length % 2 === 1) throw new InvalidArgumentError(`expected 0x and pairs of hex digits, got ${value}`);
	return value.toLowerCase();
}

/** Unix seconds, or anything that begins with a date, as Unix seconds. */
function moment(value: string): bigint {
	if (/^\d{1,12}$/.test(value)) return BigInt(value);
	const parsed = /^\d{4}-\d{2}-\d{2}/.test(value) ? Date.parse(value) : Number.NaN;
	if (Number.isNaN(parsed)) throw new InvalidArgumentError(`expected Unix seconds or a date such as 2027-01-31, got ${value}`);
	return BigInt(Math.floor(parsed / 1000));
}

/** The bytes that were given, in hex or in a file. */
async function given(name: string, hex: string | undefined, file: string | undefined): Promise<string> {
	if ((hex === undefined) === (file === undefined)) {
		throw new UsageError(`grant: expected one of --${name} and --${name}-file`, "Give the key once.");
	}
	if (hex !== undefined) return hex;
	const content = await readFile(resolve(file as string)).catch((cause: unknown) => {
		throw new LedgerError("input.invalid", `--${name}-file: expected a readable file at ${file}, got ${(cause as Error).message}`, {
			hint: "Check the path.",
			cause,
		});
	});
	return hexlify(content);
}

function readerOf({ deployment, provider }: Desk): GrantReader {
	return new GrantReader({ deployment, provider });
}

function needed<Name extends "grantee" | "until" | "acceptance" | "licence">(flags: Flags, name: Name): NonNullable<Flags[Name]> {
	const value = flags[name];
	if (value === undefined) throw new UsageError(`grant: expected --${name}`, "See `openledger grant --help`.");
	return value;
}

/** What the flags ask for. */
async function asked(desk: Desk, action: GrantRequest["action"], flags: Flags, dataset: string): Promise<GrantRequest> {
	if (action === "offer") return { action, dataset, licence: needed(flags, "licence"), offered: flags.withdraw !== true };
	const grantee = needed(flags, "grantee");
	if (action === "revoke") return { action, dataset, grantee };
	const until = needed(flags, "until");
	if (action === "renew") return { action, dataset, grantee, until };
	const acceptance = needed(flags, "acceptance");
	const encryptedKey = await given("encrypted-key", flags.encryptedKey, flags.encryptedKeyFile);
	const { licence, publicKey } = await requestOf(desk, dataset, grantee, acceptance);
	return { action, dataset, grantee, licence, publicKeyHash: keccak256(publicKey), until, encryptedKey };
}

/** What the flags ask for, of one kind. */
async function ask<Action extends GrantRequest["action"]>(desk: Desk, action: Action, flags: Flags, [dataset]: string[]) {
	return (await asked(desk, action, flags, dataset as string)) as Extract<GrantRequest, { action: Action }>;
}

async function offer(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const { dataset, licence, offered } = await ask(desk, "offer", flags, args);
	const outcome = await (await desk.client(GrantClient)).offer({ dataset, licence, offered });
	const text = `licence ${licence} is ${offered ? "offered" : "no longer offered"} for dataset ${dataset}`;
	return desk.sent([{ action: "offer", outcome }], { dataset, licence, offered }, text);
}

async function request(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const dataset = id as string;
	const client = await desk.client(GrantClient);
	if (flags.withdraw === true) {
		const outcome = await client.withdrawRequest(dataset);
		return desk.sent(
			[{ action: "withdrawRequest", outcome }],
			{ dataset, grantee: client.address },
			`request for ${dataset} is taken back`,
		);
	}
	const { licence } = flags;
	if (licence === undefined) throw new UsageError("request: expected --licence", "Choose one that the author offers: see `grant list`.");
	const publicKey = await given("public-key", flags.publicKey, flags.publicKeyFile);
	const outcome = await client.request({ dataset, licence, publicKey });
	const grantee = client.address;
	const acceptance = acceptanceOf(desk.deployment, { dataset, grantee, licence, publicKeyHash: keccak256(publicKey) });
	const text = `request for ${dataset}\n  licence ${licence} is accepted: ${acceptance}`;
	return desk.sent([{ action: "request", outcome }], { dataset, grantee, licence, acceptance }, text);
}

async function give(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const { action, ...terms } = await ask(desk, "grant", flags, args);
	const { dataset, grantee, licence, until, encryptedKey } = terms;
	const outcome = await (await desk.client(GrantClient)).grant(terms);
	const text = `${grantee} has access to ${dataset} until ${date(until)}\n  licence ${licence}`;
	return desk.sent([{ action, outcome }], { dataset, grantee, licence, until, keyHash: keccak256(encryptedKey) }, text);
}

/** A grant of a file, as it was written. @throws InvalidArgumentError */
function grantOf({ grantee, acceptance, until, encryptedKey }: Record<string, unknown>) {
	return {
		grantee: address(String(grantee)),
		acceptance: bytes32(String(acceptance)),
		until: moment(String(until)),
		encryptedKey: bytes(String(encryptedKey)),
	};
}

async function giveMany(desk: Desk, _: Flags, [id, file]: string[]): Promise<Outcome> {
	const dataset = id as string;
	const listed = await readList("give-many", "grant", file as string, ["grantee", "acceptance", "until", "encryptedKey"], grantOf);
	const grants: GrantTerms[] = [];
	for (const { grantee, acceptance, until, encryptedKey } of listed) {
		const { licence, publicKey } = await requestOf(desk, dataset, grantee, acceptance);
		grants.push({ grantee, licence, publicKeyHash: keccak256(publicKey), until, encryptedKey });
	}
	const client = await desk.client(GrantClient);
	const transactions: Step[] = [];
	const skipped = new Set<unknown>();
	for (let first = 0; first < grants.length; first += MAX_BATCH) {
		const batch = grants.slice(first, first + MAX_BATCH);
		const outcome = await client.grantMany(dataset, batch);
		for (const { name, args } of outcome.logs) if (name === "GrantSkipped") skipped.add(args.grantee);
		transactions.push({ action: `grantMany of ${batch.length}`, outcome });
	}
	const people = grants.map(({ grantee, licence, until, encryptedKey }) => {
		return { grantee, licence, until, keyHash: keccak256(encryptedKey), granted: !skipped.has(grantee) };
	});
	const lines = people.map(({ grantee, until, granted }) =>
		granted
			? `${grantee} has access to ${dataset} until ${date(until)}`
			: `${grantee} changed the request meanwhile, and has no access by this`,
	);
	const text = lines.join("\n");
	return desk.sent(transactions, { dataset, grants: people }, text);
}

/** The request that stands, which must be the one that the key was encrypted for. */
async function requestOf(desk: Desk, dataset: string, grantee: string, acceptance: string): Promise<AccessRequest> {
	const { accesses } = await readerOf(desk).history({ dataset, grantee });
	const found = accesses[0]?.request;
	if (found?.acceptance === acceptance) return found;
	throw new LedgerError("input.invalid", `give: expected a request ${acceptance} of ${grantee}, got ${found?.acceptance ?? "none"}`, {
		hint: "The request was changed or taken back. See `grant list`, and encrypt the key to the public key of the one that stands.",
	});
}

async function renew(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const { dataset, grantee, until } = await ask(desk, "renew", flags, args);
	const outcome = await (await desk.client(GrantClient)).renew({ dataset, grantee, until });
	return desk.sent([{ action: "renew", outcome }], { dataset, grantee, until }, `${grantee} has access to ${dataset} until ${date(until)}`);
}

async function revoke(desk: Desk, flags: Flags, args: string[]): Promise<Outcome> {
	const { dataset, grantee } = await ask(desk, "revoke", flags, args);
	const outcome = await (await desk.client(GrantClient)).revoke({ dataset, grantee });
	const text = `${grantee} has no access to ${dataset} any more; what it has read, it may keep`;
	return desk.sent([{ action: "revoke", outcome }], { dataset, grantee }, text);
}

async function sign(desk: Desk, flags: Flags, [dataset]: string[]): Promise<Outcome> {
	const wallet = desk.wallet as Wallet;
	const wanted = await asked(desk, flags.action as GrantRequest["action"], flags, dataset as string);
	const [nonce, block] = await Promise.all([(await desk.client(GrantClient)).nonce(wallet.address), desk.provider.getBlock("latest")]);
	const deadline = BigInt(block?.timestamp ?? 0) + BigInt(flags.deadline ?? DAY);
	const text = formatGrantRequest(desk.deployment, await signGrantRequest(wallet, desk.deployment, wanted, { nonce, deadline }));
	return { result: JSON.parse(text), text };
}

async function relay(desk: Desk, _: Flags, [file]: string[]): Promise<Outcome> {
	const signed = parseGrantRequest(desk.deployment, await readText(file as string));
	const outcome = await (await desk.client(GrantClient)).relay(signed);
	const { action, dataset } = signed.request;
	return desk.sent([{ action: `${action}For`, outcome }], { ...signed.request }, `${action} for dataset ${dataset}`);
}

async function show(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const reader = readerOf(desk);
	const [dataset, grantee] = [id as string, flags.grantee as string];
	const [granted, { accesses }] = await Promise.all([reader.isGranted(dataset, grantee), reader.history({ dataset, grantee })]);
	const { request: wanted, grant } = accesses[0] ?? { request: undefined, grant: undefined };
	const fields: [string, string][] = [
		["dataset", dataset],
		["grantee", grantee],
		["access", granted ? `yes, until ${date(grant?.until ?? 0n)}` : "no"],
		...(wanted === undefined
			? []
			: ([
					["request", wanted.acceptance],
					["licence", wanted.licence],
					["public key", wanted.publicKey],
				] as [string, string][])),
		...(grant === undefined
			? []
			: ([
					["grant", `${grant.status}, until ${date(grant.until)}, under ${grant.licence}`],
					["key", grant.encryptedKey],
				] as [string, string][])),
	];
	const text = fields.map(([name, value]) => `${name.padEnd(12)}${value}`).join("\n");
	return { result: { dataset, grantee, granted, request: wanted ?? null, grant: grant ?? null }, text };
}

async function list(desk: Desk, { dataset, grantee }: Flags): Promise<Outcome> {
	const { offers, accesses } = await readerOf(desk).history({
		...(dataset === undefined ? {} : { dataset }),
		...(grantee === undefined ? {} : { grantee }),
	});
	const offered = [...offers].flatMap(([id, licences]) => licences.map((licence) => ({ dataset: id, licence })));
	const text = [
		table(
			["dataset", "offered licence"],
			offered.map((one) => [one.dataset, one.licence]),
		),
		table(["dataset", "grantee", "request", "grant", "until"], accesses.map(row)),
	].join("\n\n");
	return {
		result: { offers: offered, accesses: accesses.map((one) => ({ ...one, request: one.request ?? null, grant: one.grant ?? null })) },
		text,
	};
}

function row({ dataset, grantee, request: wanted, grant }: AccessHistory): string[] {
	return [dataset, grantee, wanted?.acceptance ?? "-", grant?.status ?? "-", grant === undefined ? "-" : date(grant.until)];
}

function date(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
