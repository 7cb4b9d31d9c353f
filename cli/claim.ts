/** `openledger claim ...`: what an address earned over all epochs, paid to it or to whom it names. */
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Wallet } from "ethers";
import { type Owed, owedTo } from "../ledger/claim-reader.ts";
import { ClaimClient, formatClaimOrder, MAX_CLAIMS, parseClaimOrder, signClaim } from "../ledger/claims.ts";
import { LedgerError } from "../ledger/errors.ts";
import { readWord } from "../ledger/payout-tree.ts";
import { address, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, readText } from "./desk.ts";
import { open as openText, table } from "./output.ts";

interface Flags extends DeskFlags {
	wallet?: string;
	to?: string;
	validFor?: number;
}

const DAY = 86_400;

export function claimCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "claim", "rewards: what an address is owed, and how it is paid");
	noun
		.reading("list", "everything owed to an address over all epochs", list)
		.requiredOption("--wallet <address>", "whose contributions", address);
	noun
		.sending("send", "have everything that is open paid, one transaction for all epochs", send)
		.option("--wallet <address>", "for whom (default: the sender); the money goes there", address)
		.option("--to <address>", "have the sender's own rewards paid to this address", address);
	noun
		.reading("sign", "sign that everything that is open is paid to somebody; prints the order for `claim submit`", sign)
		.requiredOption("--key <env>", "name of the environment variable that holds the wallet's private key")
		.requiredOption("--to <address>", "who receives the money", address)
		.option("--valid-for <seconds>", "how long the order may be sent", integer(1, 366 * DAY), 30 * DAY);
	noun.sending("submit", "send an order that a wallet signed; anybody may", submit).argument("<file>", "order file");
	return noun.command;
}

/** The words of a wallet that can be settled now, and those that open later. */
async function wordsOf({ deployment, provider }: Desk, wallet: string): Promise<{ open: Owed[]; later: Owed[]; notes: string[] }> {
	const [{ owed, hidden }, block] = await Promise.all([owedTo({ provider, deployment, wallet }), provider.getBlock("latest")]);
	const now = BigInt(block?.timestamp ?? 0);
	const open = owed.filter(({ activatesAt }) => activatesAt <= now);
	const notes = hidden.map(({ epoch, index }) => `epoch ${epoch}, contribution ${index}: the words are not in the chain's calldata`);
	return { open, later: owed.filter((one) => !open.includes(one)), notes };
}

function totalOf(words: readonly Owed[]): bigint {
	return words.reduce((sum, { amount, isCharge }) => (isCharge ? sum : sum + amount), 0n);
}

async function list(desk: Desk, { wallet }: Flags): Promise<Outcome> {
	const { open, later, notes } = await wordsOf(desk, wallet as string);
	const rows = [...open, ...later].map((one) => [
		...[String(one.epoch), String(one.index), one.isCharge ? "charge" : "pay", openText(one.amount)],
		open.includes(one) ? "now" : new Date(Number(one.activatesAt) * 1000).toISOString(),
	]);
	const plain = (words: readonly Owed[]) => words.map(({ claim, ...one }) => ({ ...one, word: claim.word }));
	return {
		result: { wallet, total: totalOf(open), open: plain(open), later: plain(later), notes },
		text: [`${openText(totalOf(open))} OPEN can be claimed now`, table(["epoch", "index", "kind", "OPEN", "opens"], rows), ...notes].join(
			"\n",
		),
	};
}

async function send(desk: Desk, flags: Flags): Promise<Outcome> {
	const client = await desk.client(ClaimClient);
	const wallet = flags.wallet ?? client.address;
	if (flags.to !== undefined && wallet.toLowerCase() !== client.address.toLowerCase()) {
		throw new LedgerError("input.invalid", `send: expected the key of ${wallet} beside --to, got that of ${client.address}`, {
			hint: "Have the wallet sign an order with `claim sign`, and send it with `claim submit`.",
		});
	}
	const { open, later } = await wordsOf(desk, wallet);
	const claims = open.map(({ claim }) => claim);
	const outcomes = await (flags.to === undefined ? client.claimAll(wallet, claims) : client.claimTo(flags.to, claims));
	const to = flags.to ?? wallet;
	const steps = outcomes.map((outcome, i) => {
		const count = Math.min(MAX_CLAIMS, claims.length - MAX_CLAIMS * i);
		return { action: `claim ${count} ${count === 1 ? "word" : "words"}`, outcome };
	});
	const total = totalOf(open);
	const waiting = later.length === 0 ? "" : `\n${openText(totalOf(later))} OPEN more open later: see \`claim list\``;
	return desk.sent(steps, { wallet, to, total, words: claims.length }, `${openText(total)} OPEN to ${to}${waiting}`);
}

async function sign(desk: Desk, flags: Flags): Promise<Outcome> {
	const wallet = desk.wallet as Wallet;
	const { open } = await wordsOf(desk, wallet.address);
	const block = await desk.provider.getBlock("latest");
	const deadline = BigInt(block?.timestamp ?? 0) + BigInt(flags.validFor as number);
	const order = { recipient: flags.to as string, claims: open.slice(0, MAX_CLAIMS).map(({ claim }) => claim), deadline };
	const json = formatClaimOrder(desk.deployment, await signClaim(wallet, desk.deployment, order));
	return { result: JSON.parse(json), text: json };
}

async function submit(desk: Desk, _: Flags, [file]: string[]): Promise<Outcome> {
	const order = parseClaimOrder(desk.deployment, await readText(resolve(file as string)));
	const outcome = await (await desk.client(ClaimClient)).submit(order);
	const { wallet, recipient, claims } = order;
	const total = claims.map(({ word }) => readWord(word)).reduce((sum, { amount, isCharge }) => (isCharge ? sum : sum + amount), 0n);
	const step = { action: `claim ${claims.length} words`, outcome };
	return desk.sent(
		[step],
		{ wallet, recipient, total, words: claims.length },
		`at most ${openText(total)} OPEN of ${wallet} to ${recipient}`,
	);
}
