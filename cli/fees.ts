/** `openledger fees ...`: payments for inference, for payers, contributors, stewards and whoever is credited. */
import type { Command } from "commander";
import type { Wallet } from "ethers";
import { LedgerError } from "../ledger/errors.ts";
import { type EpochFees, inEffect, noFees } from "../ledger/fee-history.ts";
import { FeeReader, type OwedFees } from "../ledger/fee-reader.ts";
import { FeeClient, type FeePayment } from "../ledger/fees.ts";
import { address, amount, bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, type Step } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { readList } from "./list.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	readonly epoch?: number;
	readonly model?: string;
	readonly amount?: bigint;
	readonly operator?: string | number;
	readonly trainer?: number;
	readonly entry?: string;
	readonly wallet?: string;
	readonly account?: string;
}

const EPOCHS = 2 ** 48;
const BASIS = 10_000;
/** What the contract takes in one transaction, payments or claims. */
const MAX_BATCH = 128;

export function feesCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "fees", "inference fees: pay for a model, and have its contributors, trainer and operators paid");
	const epoch = integer(1, EPOCHS);
	noun
		.sending("pay", "pay for inference; the approval goes along as a signed permit", pay)
		.option("--epoch <number>", "epoch whose model was used", epoch)
		.option("--model <id>", "its model instead: the id of the checkpoint's record", bytes32)
		.requiredOption("--amount <open>", "OPEN to pay", amount)
		.option("--operator <address>", "who ran the inference (default: nobody; its part goes to the contributors)", address)
		.option("--entry <hex>", "digest of the inference log's entry", bytes32);
	noun
		.sending("pay-many", "make the payments that a file lists, as many as fit in each transaction, all or none of them", payMany)
		.argument(
			"<file>",
			'JSON list of {"epoch": 3, "amount": "0.5", "operator": "0x...", "entry": "0x..."}; operator and entry may be left out',
		);
	noun
		.sending("claim", "have contributors of an epoch paid what they are owed, at their wallets", claim)
		.argument("<epoch>", "number of the epoch")
		.option("--wallet <address>", "only contributions of this wallet", address);
	noun
		.sending("split", "set how payments of an epoch are split from three days on, as its steward", split)
		.argument("<epoch>", "number of the epoch")
		.requiredOption("--trainer <points>", "basis points for the steward", integer(0, BASIS))
		.requiredOption("--operator <points>", "basis points for whoever payers name", integer(0, BASIS));
	noun
		.sending("withdraw", "have an account paid what was credited to it", withdraw)
		.option("--account <address>", "trainer, operator or treasury (default: the key's own)", address);
	noun
		.reading("show", "bounds, credits and epochs; or one epoch, with its split and what each contribution is owed", show)
		.argument("[epoch]", "number of the epoch")
		.option("--account <address>", "only the credit of this account", address);
	return noun.command;
}

function readerOf({ deployment, provider }: Desk): FeeReader {
	return new FeeReader({ deployment, provider });
}

function epochNumber(text: string): bigint {
	if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError(`fees: expected the number of an epoch, got ${text}`, "Epochs count from 1.");
	return BigInt(text);
}

async function paidEpoch(reader: FeeReader, { epoch, model }: Flags): Promise<bigint> {
	if ((epoch === undefined) === (model === undefined)) {
		throw new UsageError("pay: expected one of --epoch and --model", "Name what was used once.");
	}
	if (epoch !== undefined) return BigInt(epoch);
	const found = await reader.epochOf(model as string);
	if (found !== undefined) return found;
	throw new LedgerError("input.invalid", `--model: expected the checkpoint of an epoch, got ${model}`, {
		hint: "Give the id of the Checkpoint record that the epoch posted, or the epoch's number.",
	});
}

async function pay(desk: Desk, flags: Flags): Promise<Outcome> {
	const reader = readerOf(desk);
	const epoch = await paidEpoch(reader, flags);
	const { amount: wei, operator, entry } = flags as { amount: bigint; operator?: string; entry?: string };
	const parts = await reader.split(epoch);
	const outcome = await (await desk.client(FeeClient)).payWithPermit({
		...{ epoch, amount: wei },
		...(operator === undefined ? {} : { operator }),
		...(entry === undefined ? {} : { entry }),
	});
	const share = (points: number): string => `${openText((wei * BigInt(points)) / BigInt(BASIS))} OPEN`;
	const contributors = parts.contributors + (operator === undefined ? parts.operator : 0);
	const text = [
		`${openText(wei)} OPEN for epoch ${epoch}`,
		`  contributors ${share(contributors)}, trainer ${share(parts.trainer)}, treasury ${share(parts.treasury)}`,
		...(operator === undefined ? [] : [`  operator ${operator} ${share(parts.operator)}`]),
	].join("\n");
	return desk.sent(
		[{ action: "pay", outcome }],
		{ epoch, amount: wei, operator: operator ?? null, entry: entry ?? null, split: parts },
		text,
	);
}

async function payMany(desk: Desk, _: Flags, [file]: string[]): Promise<Outcome> {
	const payments = await readList("pay-many", "payment", file as string, ["epoch", "amount", "operator", "entry"], paymentOf);
	const client = await desk.client(FeeClient);
	const transactions: Step[] = [];
	for (let first = 0; first < payments.length; first += MAX_BATCH) {
		const batch = payments.slice(first, first + MAX_BATCH);
		transactions.push({ action: `payMany of ${batch.length}`, outcome: await client.payManyWithPermit(batch) });
	}
	const total = payments.reduce((sum, one) => sum + one.amount, 0n);
	return desk.sent(transactions, { payments, amount: total }, `${openText(total)} OPEN in ${payments.length} payments`);
}

/** A payment of a file. @throws InvalidArgumentError */
function paymentOf({ epoch, amount: open, operator, entry }: Record<string, unknown>): FeePayment {
	return {
		epoch: BigInt(integer(1, EPOCHS)(String(epoch))),
		amount: amount(String(open)),
		...(operator === undefined ? {} : { operator: address(String(operator)) }),
		...(entry === undefined ? {} : { entry: bytes32(String(entry)) }),
	};
}

async function claim(desk: Desk, { wallet }: Flags, [number]: string[]): Promise<Outcome> {
	const epoch = epochNumber(number as string);
	const owed = (await readerOf(desk).owed(epoch)).filter((one) => one.owed > 0n && (wallet === undefined || one.wallet === wallet));
	const client = await desk.client(FeeClient);
	const transactions: Step[] = [];
	for (let first = 0; first < owed.length; first += MAX_BATCH) {
		const batch = owed.slice(first, first + MAX_BATCH);
		const outcome = await client.claimMany(batch.map((one) => one.claim));
		transactions.push({ action: `claimMany of ${batch.length}`, outcome });
	}
	const due = owed.reduce((sum, one) => sum + one.owed, 0n);
	const paid = owed.map(({ index, wallet: to, owed: wei }) => ({ index, wallet: to, amount: wei }));
	return desk.sent(transactions, { epoch, due, paid }, `${openText(due)} OPEN to ${owed.length} contributions of epoch ${epoch}`);
}

async function split(desk: Desk, flags: Flags, [number]: string[]): Promise<Outcome> {
	const epoch = epochNumber(number as string);
	const { trainer, operator } = flags as { trainer: number; operator: number };
	const outcome = await (await desk.client(FeeClient)).setSplit({ epoch, trainer, operator });
	const text = `epoch ${epoch}: trainer ${percent(trainer)}, operator ${percent(operator)}, from three days on`;
	return desk.sent([{ action: "setSplit", outcome }], { epoch, trainer, operator }, text);
}

async function withdraw(desk: Desk, flags: Flags): Promise<Outcome> {
	const account = flags.account ?? (desk.wallet as Wallet).address;
	const credit = await readerOf(desk).credit(account);
	const outcome = await (await desk.client(FeeClient)).withdraw(account);
	return desk.sent([{ action: "withdraw", outcome }], { account, amount: credit }, `${openText(credit)} OPEN to ${account}`);
}

async function show(desk: Desk, { account }: Flags, [number]: string[]): Promise<Outcome> {
	const reader = readerOf(desk);
	if (account !== undefined) {
		const credit = await reader.credit(account);
		return { result: { account, credit }, text: `${openText(credit)} OPEN are credited to ${account}` };
	}
	const { bounds, credits, epochs } = await reader.history();
	if (number !== undefined) {
		const epoch = epochNumber(number);
		return showEpoch(reader, epoch, epochs.get(epoch) ?? noFees);
	}
	const listed = [...epochs].map(([epoch, { total, balance, payments }]) => ({ epoch, total, balance, payments: payments.length }));
	const credited = [...credits].map(([who, amount]) => ({ account: who, amount }));
	const text = [
		`treasury ${percent(bounds.treasury)}; trainers at most ${percent(bounds.maxTrainer)}, operators at most ${percent(bounds.maxOperator)}`,
		table(
			["epoch", "payments", "for contributors OPEN", "unclaimed OPEN"],
			listed.map(({ epoch, total, balance, payments }) => [`${epoch}`, `${payments}`, openText(total), openText(balance)]),
		),
		table(
			["credited to", "OPEN"],
			credited.map(({ account: who, amount }) => [who, openText(amount)]),
		),
	].join("\n\n");
	return { result: { bounds, epochs: listed, credits: credited }, text };
}

async function showEpoch(reader: FeeReader, epoch: bigint, fees: EpochFees): Promise<Outcome> {
	const parts = await reader.split(epoch);
	// An epoch whose payout is not active has no shares yet.
	const owed = await reader.owed(epoch).catch((error: LedgerError): OwedFees[] => {
		if (error.code === "transaction.reverted") return [];
		throw error;
	});
	const { total, balance, schedule, payments } = fees;
	const next = { trainer: schedule.nextTrainer, operator: schedule.nextOperator };
	const current = inEffect(schedule, schedule.nextAt - 1n);
	const fields: [string, string][] = [
		["epoch", `${epoch}`],
		[
			"split",
			`contributors ${percent(parts.contributors)}, trainer ${percent(parts.trainer)}, operator ${percent(parts.operator)}, treasury ${percent(parts.treasury)}`,
		],
		...(schedule.nextAt === 0n
			? []
			: [
					[
						"set",
						`trainer ${percent(next.trainer)}, operator ${percent(next.operator)} from ${new Date(Number(schedule.nextAt) * 1000).toISOString()} (before: ${percent(current.trainer)}, ${percent(current.operator)})`,
					] as [string, string],
				]),
		["paid", `${openText(total)} OPEN for contributors in ${payments.length} payments; ${openText(balance)} OPEN unclaimed`],
	];
	const rows = owed.map((one) => [`${one.index}`, one.wallet, openText(one.share), openText(one.claimed), openText(one.owed)]);
	const text = [
		fields.map(([name, value]) => `${name.padEnd(7)}${value}`).join("\n"),
		table(["contribution", "wallet", "word OPEN", "claimed OPEN", "owed OPEN"], rows),
	].join("\n\n");
	const contributions = owed.map(({ index, wallet, share, claimed, owed: due }) => ({ index, wallet, share, claimed, owed: due }));
	return { result: { epoch, split: parts, schedule, total, balance, payments, contributions }, text };
}

function percent(points: number): string {
	return `${points / 100}%`;
}
