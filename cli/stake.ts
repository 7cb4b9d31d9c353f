/** `openledger stake ...`: stakes in the vault, for those who stake, and for those whom a verdict hit. */
import type { Command } from "commander";
import type { Wallet } from "ethers";
import { LedgerError } from "../ledger/errors.ts";
import { type Staking, serviceNames, VaultClient } from "../ledger/vault.ts";
import type { StakeAccount, StakeCase, VaultService } from "../ledger/vault-history.ts";
import { VaultReader } from "../ledger/vault-reader.ts";
import { address, amount, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, type Step } from "./desk.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	service?: string;
	amount?: bigint;
	owner?: string;
	reason?: string;
}

const SHORT = Object.keys(serviceNames).join(", ");

export function stakeCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "stake", "stakes in the vault: deposit, take out, and what verdicts took");
	const service = (command: Command) => command.requiredOption("--service <name>", `for whom: ${SHORT}, or the address of a service`);
	service(noun.sending("deposit", "add OPEN to an account; the approval goes along as a signed permit", deposit))
		.requiredOption("--amount <open>", "OPEN to stake", amount)
		.option("--owner <address>", "whose account, to whom it belongs from then on (default: yours)", address);
	service(noun.sending("unbond", "begin to take free stake out; what is unbonding already waits anew", unbond)).requiredOption(
		"--amount <open>",
		"OPEN to take out",
		amount,
	);
	service(noun.sending("withdraw", "have paid out what can leave now", withdraw)).option(
		"--owner <address>",
		"whose stake (default: yours)",
		address,
	);
	noun
		.reading("show", "the accounts of an owner, and what is credited to it", show)
		.argument("<owner>", "address of the owner", address)
		.option("--service <name>", `only for this service: ${SHORT}, or an address`);
	noun
		.reading("cases", "verdicts and what became of them", cases)
		.option("--owner <address>", "only against this accused", address)
		.option("--service <name>", `only of this service: ${SHORT}, or an address`);
	const number = (command: Command) => command.argument("<case>", "number of the case", integer(1, 2 ** 48));
	number(noun.sending("appeal", "appeal a verdict against you, within its window", appeal)).requiredOption(
		"--reason <text>",
		"for those who decide; it is published",
	);
	number(noun.sending("settle", "end a case that is due", settle));
	noun
		.sending("collect", "have paid what cases credited", collect)
		.option("--owner <address>", "a challenger or the treasury (default: you)", address);
	return noun.command;
}

function readerOf({ deployment, provider }: Desk): VaultReader {
	return new VaultReader({ deployment, provider });
}

/** The address of a service, and its terms. */
async function serviceOf(desk: Desk, name: string): Promise<{ service: string; terms: VaultService }> {
	const contract = serviceNames[name as keyof typeof serviceNames];
	const service = contract === undefined ? name : desk.deployment.contracts[contract];
	const terms = /^0x[0-9a-fA-F]{40}$/.test(service) ? await readerOf(desk).service(service) : undefined;
	if (terms !== undefined) return { service, terms };
	throw new LedgerError("input.invalid", `--service: expected ${SHORT} or the address of a service of the vault, got ${name}`, {
		hint: "Services are registered by governance; check the name and the deployment file.",
	});
}

/** The short name of a service, or its address. */
function nameOf({ deployment }: Desk, service: string): string {
	const known = Object.entries(serviceNames).find(([, contract]) => deployment.contracts[contract].toLowerCase() === service.toLowerCase());
	return known?.[0] ?? service;
}

async function staking(desk: Desk, flags: Flags): Promise<Staking & { readonly terms: VaultService }> {
	const { service, terms } = await serviceOf(desk, flags.service as string);
	return { service, amount: flags.amount as bigint, terms };
}

async function deposit(desk: Desk, flags: Flags): Promise<Outcome> {
	const { service, amount: added } = await staking(desk, flags);
	const client = await desk.client(VaultClient);
	const { owner = client.address } = flags;
	const steps: Step[] = [];
	if (owner.toLowerCase() === client.address.toLowerCase()) {
		steps.push({ action: "depositWithPermit", outcome: await client.depositWithPermit({ service, amount: added }) });
	} else {
		const { approval, ...outcome } = await client.deposit({ service, amount: added, owner });
		steps.push(...(approval === undefined ? [] : [{ action: "approve", outcome: approval }]), { action: "depositFor", outcome });
	}
	const text = `${openText(added)} OPEN staked of ${owner} for ${nameOf(desk, service)}`;
	return desk.sent(steps, { service, owner, deposited: added }, text);
}

async function unbond(desk: Desk, flags: Flags): Promise<Outcome> {
	const { service, amount: taken, terms } = await staking(desk, flags);
	const client = await desk.client(VaultClient);
	const outcome = await client.unbond({ service, amount: taken });
	const text =
		terms.unbonding === 0n
			? `${openText(taken)} OPEN paid to ${client.address}`
			: `${openText(taken)} OPEN unbonding for ${terms.unbonding} s; until then a verdict can still take it. Then: stake withdraw`;
	return desk.sent([{ action: "unbond", outcome }], { service, unbonding: terms.unbonding, amount: taken }, text);
}

async function withdraw(desk: Desk, flags: Flags): Promise<Outcome> {
	const { service, terms } = await serviceOf(desk, flags.service as string);
	const client = await desk.client(VaultClient);
	const { owner = client.address } = flags;
	const own = owner.toLowerCase() === client.address.toLowerCase();
	const { free, locked, unbonding } = await readerOf(desk).account(service, owner);
	const ended = terms.endsAt !== 0n && BigInt((await desk.provider.getBlock("latest"))?.timestamp ?? 0) >= terms.endsAt;
	// Free stake of a service without an unbonding period is paid at once, but to its owner's own call only.
	const atOnce = terms.unbonding === 0n && own && !ended && free > 0n;
	const outcome = atOnce ? await client.unbond({ service, amount: free }) : await client.withdraw({ service, owner });
	const paid = atOnce ? free : ended ? free + locked + unbonding : unbonding;
	const text = `${openText(paid)} OPEN paid to ${owner}`;
	return desk.sent([{ action: atOnce ? "unbond" : "withdraw", outcome }], { service, owner, paid }, text);
}

async function show(desk: Desk, flags: Flags, [owner]: string[]): Promise<Outcome> {
	const names = flags.service === undefined ? Object.keys(serviceNames) : [flags.service];
	const reader = readerOf(desk);
	const accounts: (StakeAccount & { service: string; name: string })[] = [];
	for (const name of names) {
		const { service } = await serviceOf(desk, name);
		accounts.push({ service, name: nameOf(desk, service), ...(await reader.account(service, owner as string)) });
	}
	const credit = await reader.credit(owner as string);
	const rows = accounts.map(({ name, free, locked, unbonding, unbondsAt }) => [
		name,
		openText(free),
		openText(locked),
		openText(unbonding),
		unbonding === 0n ? "" : time(unbondsAt),
	]);
	const head = table(["service", "free", "locked", "unbonding", "until"], rows);
	return { result: { owner, accounts, credit }, text: credit === 0n ? head : `${head}\n${openText(credit)} OPEN to collect` };
}

async function cases(desk: Desk, flags: Flags): Promise<Outcome> {
	const service = flags.service === undefined ? undefined : (await serviceOf(desk, flags.service)).service;
	const { owner } = flags;
	const found = await readerOf(desk).cases({
		...(owner === undefined ? {} : { owner }),
		...(service === undefined ? {} : { service }),
	});
	const rows = found.map((one) => [String(one.id), nameOf(desk, one.service), one.owner, openText(one.amount), one.status, dueText(one)]);
	const text = found.length === 0 ? "no cases" : table(["case", "service", "accused", "OPEN", "status", "until"], rows);
	return { result: { cases: found }, text };
}

async function appeal(desk: Desk, flags: Flags, [number]: string[]): Promise<Outcome> {
	const id = BigInt(number as string);
	const client = await desk.client(VaultClient);
	const outcome = await client.appeal({ id, reason: flags.reason as string });
	return desk.sent([{ action: "appeal", outcome }], { case: id }, `case ${id} appealed; it is overturned unless it is decided in 30 days`);
}

async function settle(desk: Desk, _flags: Flags, [number]: string[]): Promise<Outcome> {
	const id = BigInt(number as string);
	const client = await desk.client(VaultClient);
	const before = await readerOf(desk).case(id);
	const outcome = await client.settle(id);
	const status = before?.status === "Appealed" ? "Overturned" : "Settled";
	const text =
		status === "Settled"
			? `case ${id} settled: ${openText(before?.amount ?? 0n)} OPEN credited to challenger and treasury`
			: `case ${id} overturned: ${openText(before?.amount ?? 0n)} OPEN are free stake of ${before?.owner} again`;
	return desk.sent([{ action: "settle", outcome }], { case: id, status, amount: before?.amount ?? 0n }, text);
}

async function collect(desk: Desk, flags: Flags): Promise<Outcome> {
	const { owner = (desk.wallet as Wallet).address } = flags;
	const client = await desk.client(VaultClient);
	const credit = await readerOf(desk).credit(owner);
	const outcome = await client.collect(owner);
	return desk.sent([{ action: "collect", outcome }], { owner, paid: credit }, `${openText(credit)} OPEN paid to ${owner}`);
}

function dueText({ status, due }: StakeCase): string {
	if (status === "Open") return `${time(due)} (appeal)`;
	return status === "Appealed" ? `${time(due)} (decision)` : "";
}

function time(seconds: bigint): string {
	return new Date(Number(seconds) * 1000).toISOString();
}
