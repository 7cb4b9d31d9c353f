/** `openledger operator ...`: who computes, what they can do, and who vouches for them. */
import { type Command, InvalidArgumentError } from "commander";
import { keccak256, toUtf8Bytes } from "ethers";
import { JobReader } from "../ledger/job-reader.ts";
import type { OperatorState } from "../ledger/operator-history.ts";
import { capabilities, capabilityBits, capabilityNames, OperatorClient } from "../ledger/operators.ts";
import { address, bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { table } from "./output.ts";

interface Flags extends DeskFlags {
	manifest?: string;
	can?: number;
	digest?: string;
	days?: number;
	revoke?: boolean;
	all?: boolean;
}

const DAY = 86_400n;

export function operatorCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "operator", "compute operators: registration, capabilities, attestations");
	noun
		.sending("register", "register as an operator, or publish another manifest and other capabilities", register)
		.requiredOption("--manifest <file>", "canonical JSON manifest; its keccak256 is published")
		.requiredOption("--can <names>", `what you can do, separated by commas: ${capabilities.join(", ")}`, bits);
	noun
		.sending("attest", "vouch for an operator, renew your word, or take it back", attest)
		.argument("<operator>", "address of the operator", address)
		.option("--digest <hex>", "keccak256 of what you verified", bytes32)
		.option("--days <count>", "how long it is valid", integer(1, 366), 30)
		.option("--revoke", "take your word back");
	noun.sending("retire", "take no further job; jobs in flight go on", retire);
	noun.reading("show", "one operator, with all attestations", show).argument("<operator>", "address of the operator", address);
	noun.reading("list", "active operators", list).option("--all", "those that retired too");
	return noun.command;
}

function bits(value: string): number {
	try {
		return capabilityBits(value.split(","));
	} catch (error) {
		throw new InvalidArgumentError((error as Error).message);
	}
}

async function operatorsOf({ deployment, provider }: Desk): Promise<readonly OperatorState[]> {
	return (await new JobReader({ deployment, provider }).operators()).operators;
}

async function register(desk: Desk, flags: Flags): Promise<Outcome> {
	const { manifest: file, can } = flags as Required<Flags>;
	const manifest = keccak256(toUtf8Bytes(await readText(file)));
	const client = await desk.client(OperatorClient);
	const known = (await operatorsOf(desk)).find((one) => one.address === client.address);
	const publication = { manifest, capabilities: can };
	const action = known?.status === "Active" ? "setCapabilities" : "register";
	const outcome = await client[action](publication);
	const text = `operator ${client.address}\n  can ${capabilityNames(can).join(", ")}\n  manifest ${manifest}`;
	return desk.sent([{ action, outcome }], { operator: client.address, manifest, capabilities: capabilityNames(can) }, text);
}

async function attest(desk: Desk, flags: Flags, [operator]: string[]): Promise<Outcome> {
	const { digest, revoke = false, days = 30 } = flags;
	if (revoke === (digest !== undefined)) {
		throw new UsageError("attest: expected either --digest or --revoke", "Give the digest of what you verified, or take your word back.");
	}
	const client = await desk.client(OperatorClient);
	if (digest === undefined) {
		const outcome = await client.revokeAttestation(operator as string);
		return desk.sent([{ action: "revokeAttestation", outcome }], { operator, attester: client.address }, `${operator}: taken back`);
	}
	const now = BigInt((await desk.provider.getBlock("latest"))?.timestamp ?? 0);
	const expiresAt = now + BigInt(days) * DAY;
	const outcome = await client.attest({ operator: operator as string, digest, expiresAt });
	const text = `${operator}: attested by ${client.address} until ${time(expiresAt)}`;
	return desk.sent([{ action: "attest", outcome }], { operator, attester: client.address, digest, expiresAt }, text);
}

async function retire(desk: Desk): Promise<Outcome> {
	const client = await desk.client(OperatorClient);
	const outcome = await client.retire();
	return desk.sent([{ action: "retire", outcome }], { operator: client.address }, `${client.address} takes no further job`);
}

async function show(desk: Desk, _: Flags, [operator]: string[]): Promise<Outcome> {
	const found = (await operatorsOf(desk)).find((one) => one.address === operator);
	if (found === undefined) throw new UsageError(`show: expected a registered operator, got ${operator}`, "See `operator list`.");
	const now = BigInt((await desk.provider.getBlock("latest"))?.timestamp ?? 0);
	const rows = found.attestations.map(({ attester, digest, expiresAt }) => [
		...[attester, digest, time(expiresAt), expiresAt > now ? "valid" : "over"],
	]);
	const text = [
		`operator     ${found.address}`,
		`status       ${found.status}`,
		`can          ${capabilityNames(found.capabilities).join(", ")}`,
		`manifest     ${found.manifest}`,
		...(rows.length === 0 ? [] : [table(["attester", "digest", "until", "now"], rows)]),
	].join("\n");
	return { result: { ...found, capabilities: capabilityNames(found.capabilities) }, text };
}

async function list(desk: Desk, { all = false }: Flags): Promise<Outcome> {
	const operators = (await operatorsOf(desk)).filter(({ status }) => all || status === "Active");
	const rows = operators.map((one) => [
		...[one.address, one.status, capabilityNames(one.capabilities).join(","), String(one.attestations.length)],
	]);
	const shown = operators.map((one) => ({ ...one, capabilities: capabilityNames(one.capabilities) }));
	return { result: { operators: shown }, text: table(["operator", "status", "can", "attesters"], rows) };
}

function time(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
