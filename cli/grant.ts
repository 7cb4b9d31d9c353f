/** `openledger grant ...`: time-limited access to encrypted datasets, from the offer of a licence to the end of the access. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { hexlify, isHexString, keccak256 } from "ethers";
import { LedgerError } from "../ledger/errors.ts";
import { acceptanceOf } from "../ledger/grant.ts";
import { type AccessHistory, type AccessRequest, GrantReader } from "../ledger/grant-reader.ts";
import { GrantClient } from "../ledger/grants.ts";
import { address, bytes32 } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun } from "./desk.ts";
import { UsageError } from "./exit.ts";
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
}

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
	about(noun.sending("give", "grant access to a dataset of yours, with its key encrypted to the grantee", give))
		.requiredOption("--grantee <address>", "who requested access", address)
		.requiredOption("--acceptance <hex>", "the request that you answer, as `grant list` shows it", bytes32)
		.requiredOption("--until <time>", "end of the access: Unix seconds or a date such as 2027-01-31", moment)
		.option("--encrypted-key <hex>", "the dataset's key, encrypted to the public key of the request", bytes)
		.option("--encrypted-key-file <file>", "take these bytes as the encrypted key");
	about(noun.sending("renew", "let a grant of yours go on until a later time", renew))
		.requiredOption("--grantee <address>", "who has access", address)
		.requiredOption("--until <time>", "end of the access: Unix seconds or a date such as 2027-01-31", moment);
	about(noun.sending("revoke", "end a grant of yours at once", revoke)).requiredOption("--grantee <address>", "who has access", address);
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

async function offer(desk: Desk, flags: Flags, [dataset]: string[]): Promise<Outcome> {
	const [licence, offered] = [flags.licence as string, flags.withdraw !== true];
	const outcome = await (await desk.client(GrantClient)).offer({ dataset: dataset as string, licence, offered });
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

async function give(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const [dataset, grantee, until] = [id as string, flags.grantee as string, flags.until as bigint];
	const encryptedKey = await given("encrypted-key", flags.encryptedKey, flags.encryptedKeyFile);
	const { licence, publicKey } = await requestOf(desk, dataset, grantee, flags.acceptance as string);
	const terms = { grantee, licence, publicKeyHash: keccak256(publicKey), until, encryptedKey };
	const outcome = await (await desk.client(GrantClient)).grant({ dataset, ...terms });
	const text = `${grantee} has access to ${dataset} until ${date(until)}\n  licence ${licence}`;
	return desk.sent([{ action: "grant", outcome }], { dataset, grantee, licence, until, keyHash: keccak256(encryptedKey) }, text);
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

async function renew(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const [dataset, grantee, until] = [id as string, flags.grantee as string, flags.until as bigint];
	const outcome = await (await desk.client(GrantClient)).renew({ dataset, grantee, until });
	return desk.sent([{ action: "renew", outcome }], { dataset, grantee, until }, `${grantee} has access to ${dataset} until ${date(until)}`);
}

async function revoke(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const [dataset, grantee] = [id as string, flags.grantee as string];
	const outcome = await (await desk.client(GrantClient)).revoke({ dataset, grantee });
	const text = `${grantee} has no access to ${dataset} any more; what it has read, it may keep`;
	return desk.sent([{ action: "revoke", outcome }], { dataset, grantee }, text);
}

async function show(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const reader = readerOf(desk);
	const [dataset, grantee] = [id as string, flags.grantee as string];
	const [granted, { accesses }] = await Promise.all([reader.isGranted(dataset, grantee), reader.history({ dataset, grantee })]);
	const { request: asked, grant } = accesses[0] ?? { request: undefined, grant: undefined };
	const fields: [string, string][] = [
		["dataset", dataset],
		["grantee", grantee],
		["access", granted ? `yes, until ${date(grant?.until ?? 0n)}` : "no"],
		...(asked === undefined
			? []
			: ([
					["request", asked.acceptance],
					["licence", asked.licence],
					["public key", asked.publicKey],
				] as [string, string][])),
		...(grant === undefined
			? []
			: ([
					["grant", `${grant.status}, until ${date(grant.until)}, under ${grant.licence}`],
					["key", grant.encryptedKey],
				] as [string, string][])),
	];
	const text = fields.map(([name, value]) => `${name.padEnd(12)}${value}`).join("\n");
	return { result: { dataset, grantee, granted, request: asked ?? null, grant: grant ?? null }, text };
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

function row({ dataset, grantee, request: asked, grant }: AccessHistory): string[] {
	return [dataset, grantee, asked?.acceptance ?? "-", grant?.status ?? "-", grant === undefined ? "-" : date(grant.until)];
}

function date(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
