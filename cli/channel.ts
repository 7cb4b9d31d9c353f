/** `openledger channel ...`: payments by voucher, from the opening to the end, for payer and payee. */
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import type { Command } from "commander";
import { hexlify, type Wallet } from "ethers";
import { type ChannelHistory, ChannelReader } from "../ledger/channel-reader.ts";
import { ChannelClient } from "../ledger/channels.ts";
import { LedgerError } from "../ledger/errors.ts";
import { channelId, formatVoucher, parseVoucher, signVoucher, type Voucher } from "../ledger/voucher.ts";
import { VoucherBook } from "../ledger/voucher-book.ts";
import { address, amount, bytes32, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText, type Step } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	book?: string;
	voucher?: string;
	payee?: string;
	payer?: string;
	amount?: bigint;
	delay?: number;
	salt?: string;
	contractWallet?: boolean;
}

const DAY = 86_400;

export function channelCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "channel", "payment channels: pay for many small services with one deposit and signed vouchers");
	noun
		.sending("open", "deposit OPEN for one payee; the approval goes along as a signed permit", openChannel)
		.requiredOption("--payee <address>", "who is paid", address)
		.requiredOption("--amount <open>", "OPEN to deposit", amount)
		.option("--delay <seconds>", "how long vouchers are paid after you start to close", integer(DAY, 90 * DAY), DAY)
		.option("--salt <hex>", "32 bytes that tell channels of the same two apart (default: random)", bytes32);
	noun
		.sending("topup", "add to the deposit of an open channel", topUp)
		.argument("<channel>", "id of the channel", bytes32)
		.requiredOption("--amount <open>", "OPEN to add", amount);
	noun
		.reading("voucher", "sign a voucher as the payer; prints the JSON to hand to the payee", voucher)
		.argument("<channel>", "id of the channel", bytes32)
		.requiredOption("--key <env>", "name of the environment variable that holds the payer's private key")
		.requiredOption("--amount <open>", "OPEN owed in total since the opening", amount);
	noun
		.reading("accept", "check a voucher against signature and chain as the payee, and keep it", accept)
		.argument("<file>", "voucher file; - for standard input")
		.requiredOption("--book <dir>", "folder where the payee keeps vouchers")
		.option("--contract-wallet", "take vouchers that a contract wallet signed, which it may take back");
	noun
		.sending("redeem", "have the best vouchers paid to their payee", redeem)
		.argument("[channels...]", "ids of channels in the book (default: all)")
		.option("--book <dir>", "folder where the payee keeps vouchers")
		.option("--voucher <file>", "one voucher file instead");
	noun
		.sending("close", "end a channel: at once as its payee, after the delay as its payer", close)
		.argument("<channel>", "id of the channel", bytes32)
		.option("--book <dir>", "redeem the best voucher of this folder first (as the payee)");
	noun
		.sending("withdraw", "have the remainder paid to the payer, after the delay", withdraw)
		.argument("<channel>", "id of the channel", bytes32);
	noun
		.reading("show", "one channel, with every payment", show)
		.argument("<channel>", "id of the channel", bytes32)
		.option("--book <dir>", "show the best voucher of this folder too");
	noun
		.reading("list", "the channels of a payer, of a payee, or all", list)
		.option("--payer <address>", "only of this payer", address)
		.option("--payee <address>", "only of this payee", address);
	return noun.command;
}

function readerOf({ deployment, provider }: Desk): ChannelReader {
	return new ChannelReader({ deployment, provider });
}

async function channelOf(desk: Desk, id: string): Promise<ChannelHistory> {
	const found = await readerOf(desk).channel(id);
	if (found === undefined) {
		throw new LedgerError("input.invalid", `channel: expected a channel that was opened here, got ${id}`, {
			hint: "See `channel list`, and check the deployment file.",
		});
	}
	return found;
}

function bookOf({ deployment }: Desk, folder: string): VoucherBook {
	return new VoucherBook({ folder: resolve(folder), place: deployment });
}

async function openChannel(desk: Desk, flags: Flags): Promise<Outcome> {
	const { payee, amount: deposit, delay } = flags as Required<Flags>;
	const client = await desk.client(ChannelClient);
	const salt = flags.salt ?? hexlify(randomBytes(32));
	const outcome = await client.openWithPermit({ payee, delay, salt, amount: deposit });
	const { id, key } = outcome;
	const text = `channel ${id}\n  ${openText(deposit)} OPEN from ${key.payer} for ${payee}, delay ${delay} s`;
	return desk.sent([{ action: "open", outcome }], { channel: id, ...key, deposited: deposit }, text);
}

async function topUp(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { key } = await channelOf(desk, id as string);
	const client = await desk.client(ChannelClient);
	const { amount: deposit } = flags as Required<Flags>;
	const outcome = await client.topUpWithPermit({ key, amount: deposit });
	return desk.sent([{ action: "topUp", outcome }], { channel: id, added: deposit }, `${openText(deposit)} OPEN into channel ${id}`);
}

async function voucher(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { key } = await channelOf(desk, id as string);
	const signed = await signVoucher(desk.wallet as Wallet, desk.deployment, key, flags.amount as bigint);
	// Before it is handed over: a payee would refuse it for the same reasons.
	await readerOf(desk).checkVoucher(signed);
	const json = formatVoucher(desk.deployment, signed);
	return { result: JSON.parse(json), text: json };
}

async function accept(desk: Desk, flags: Flags, [file]: string[]): Promise<Outcome> {
	const offered = parseVoucher(desk.deployment, await readVoucher(file as string));
	const worth = await readerOf(desk).checkVoucher(offered);
	if (worth.signedBy === "contract" && flags.contractWallet !== true) {
		throw new LedgerError(
			"voucher.refused",
			`accept: expected a voucher signed by a key, got one of the contract wallet ${offered.key.payer}`,
			{
				hint: "A contract may take its signature back. If you trust it, add --contract-wallet.",
			},
		);
	}
	const best = await bookOf(desk, flags.book as string).keep(offered);
	const { status, closesAt } = worth.state;
	const channel = channelId(desk.deployment, offered.key);
	const ending = status === "Closing" ? `\nthe payer is closing: redeem before ${new Date(Number(closesAt) * 1000).toISOString()}` : "";
	return {
		result: { channel, amount: offered.amount, due: worth.due, signedBy: worth.signedBy, best, status, closesAt },
		text: `good for ${openText(worth.due)} OPEN now (${openText(offered.amount)} in total); ${best ? "kept" : "a better one is kept already"}${ending}`,
	};
}

async function redeem(desk: Desk, flags: Flags, ids: string[]): Promise<Outcome> {
	const vouchers = await vouchersOf(desk, flags, ids);
	const good: { voucher: Voucher; due: bigint; signedBy: string }[] = [];
	const skipped: { channel: string; reason: string }[] = [];
	for (const one of vouchers) {
		try {
			good.push({ voucher: one, ...(await readerOf(desk).checkVoucher(one)) });
		} catch (error) {
			if ((error as LedgerError).code !== "voucher.refused") throw error;
			skipped.push({ channel: channelId(desk.deployment, one.key), reason: (error as LedgerError).message });
		}
	}
	const client = await desk.client(ChannelClient);
	const transactions: Step[] = [];
	// Contract wallets alone: one that burns gas would take the others down with it. At most 128 in a batch.
	const keyed = good.filter(({ signedBy }) => signedBy === "key");
	const batches = Object.values(Object.groupBy(keyed, ({ voucher: { key } }) => key.payee)).flatMap((list = []) =>
		Array.from({ length: Math.ceil(list.length / MAX_VOUCHERS) }, (_, i) => list.slice(MAX_VOUCHERS * i, MAX_VOUCHERS * (i + 1))),
	);
	for (const batch of [...batches, ...good.filter(({ signedBy }) => signedBy !== "key").map((one) => [one])]) {
		const [first, ...others] = batch.map((one) => one.voucher) as [Voucher, ...Voucher[]];
		const outcome = await (others.length === 0 ? client.redeem(first) : client.redeemMany([first, ...others]));
		transactions.push({ action: others.length === 0 ? "redeem" : `redeemMany of ${batch.length}`, outcome });
	}
	const due = good.reduce((sum, one) => sum + one.due, 0n);
	const text = [`${openText(due)} OPEN from ${good.length} channels`, ...skipped.map(({ reason }) => `skipped: ${reason}`)].join("\n");
	const redeemed = good.map(({ voucher: one, due: paid }) => ({ channel: channelId(desk.deployment, one.key), due: paid }));
	return desk.sent(transactions, { due, redeemed, skipped }, text);
}

async function close(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const { key } = await channelOf(desk, id as string);
	const client = await desk.client(ChannelClient);
	const transactions: Step[] = [];
	if (client.address === key.payee) {
		const best = flags.book === undefined ? undefined : await bookOf(desk, flags.book).best(id as string);
		const { redeemed } = await readerOf(desk).state(id as string);
		if (best !== undefined && best.amount > redeemed) transactions.push({ action: "redeem", outcome: await client.redeem(best) });
		transactions.push({ action: "close", outcome: await client.close(key) });
		return desk.sent(transactions, { channel: id, by: "payee" }, `channel ${id} ends; the remainder goes to ${key.payer}`);
	}
	if (client.address !== key.payer) {
		throw new LedgerError("input.invalid", `close: expected the key of ${key.payer} or ${key.payee}, got that of ${client.address}`, {
			hint: "Only payer and payee end a channel.",
		});
	}
	transactions.push({ action: "startClose", outcome: await client.startClose(key) });
	const text = `channel ${id} ends in ${key.delay} s; then run: openledger channel withdraw ${id}`;
	return desk.sent(transactions, { channel: id, by: "payer", delay: key.delay }, text);
}

async function withdraw(desk: Desk, _: Flags, [id]: string[]): Promise<Outcome> {
	const { key, deposited, redeemed } = await channelOf(desk, id as string);
	const outcome = await (await desk.client(ChannelClient)).withdraw(key);
	const remainder = deposited - redeemed;
	return desk.sent([{ action: "withdraw", outcome }], { channel: id, remainder }, `${openText(remainder)} OPEN back to ${key.payer}`);
}

async function show(desk: Desk, flags: Flags, [id]: string[]): Promise<Outcome> {
	const history = await channelOf(desk, id as string);
	const best = flags.book === undefined ? undefined : await bookOf(desk, flags.book).best(id as string);
	const { key, status, deposited, redeemed, closesAt, payments, remainder } = history;
	const fields: [string, string][] = [
		["channel", history.id],
		["payer", key.payer],
		["payee", key.payee],
		["status", status === "Closing" ? `Closing; takes effect ${new Date(Number(closesAt) * 1000).toISOString()}` : status],
		["delay", `${key.delay} s`],
		["deposited", `${openText(deposited)} OPEN`],
		["redeemed", `${openText(redeemed)} OPEN in ${payments.length} payments`],
		...(remainder === undefined ? [] : [["returned", `${openText(remainder)} OPEN`] as [string, string]]),
		...(best === undefined ? [] : [["voucher", `${openText(best.amount)} OPEN in total`] as [string, string]]),
	];
	const text = fields.map(([name, value]) => `${name.padEnd(11)}${value}`).join("\n");
	return { result: { ...history, voucher: best ?? null }, text };
}

async function list(desk: Desk, { payer, payee }: Flags): Promise<Outcome> {
	const channels = await readerOf(desk).channels({ ...(payer === undefined ? {} : { payer }), ...(payee === undefined ? {} : { payee }) });
	const rows = channels.map(({ id, key, status, deposited, redeemed }) => [
		...[id, key.payer, key.payee, status],
		...[openText(deposited), openText(redeemed)],
	]);
	return { result: { channels }, text: table(["channel", "payer", "payee", "status", "deposited OPEN", "redeemed OPEN"], rows) };
}

const MAX_VOUCHERS = 128;

async function vouchersOf(desk: Desk, flags: Flags, ids: string[]): Promise<Voucher[]> {
	if (flags.voucher !== undefined) return [parseVoucher(desk.deployment, await readVoucher(flags.voucher))];
	if (flags.book === undefined) throw new UsageError("redeem: expected --book DIR or --voucher FILE, got neither", "Give one of them.");
	const book = bookOf(desk, flags.book);
	const wanted = ids.length > 0 ? ids.map(bytes32) : await book.channels();
	return Promise.all(
		wanted.map(async (id) => {
			const best = await book.best(id);
			if (best !== undefined) return best;
			throw new LedgerError("input.invalid", `redeem: expected a voucher of channel ${id} in ${flags.book}, got none`, {
				hint: "Accept a voucher first.",
			});
		}),
	);
}

async function readVoucher(file: string): Promise<string> {
	if (file !== "-") return readText(file);
	let text = "";
	for await (const chunk of process.stdin) text += chunk;
	return text;
}
