/** `openledger reputation ...`: what proven results say of a wallet, and the sending of words that count. */
import type { Command } from "commander";
import { rethrow } from "../ledger/actions.ts";
import { contractsAt } from "../ledger/contracts.ts";
import { LedgerError } from "../ledger/errors.ts";
import { epochHistory } from "../ledger/events.ts";
import { valueAt, weightOf } from "../ledger/half-life.ts";
import { claimOf } from "../ledger/payout-tree.ts";
import { ReputationClient, ReputationReader } from "../ledger/reputation.ts";
import { address, integer } from "./arguments.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { type Desk, type DeskFlags, Noun, type Step } from "./desk.ts";
import { table } from "./output.ts";

interface Flags extends DeskFlags {
	datanet?: number;
	wallet?: string;
	index?: number;
}

export function reputationCommand(context: CommandContext): Command {
	const noun = new Noun<Flags>(context, "reputation", "reputation: earned by proven results, per datanet, halved every 90 days");
	noun
		.reading("show", "the reputation of wallets, from events, at the latest block", show)
		.option("--datanet <number>", "only in this datanet", integer(1, 2 ** 32 - 1))
		.option("--wallet <address>", "only of this wallet", address);
	noun
		.sending("apply", "count the words of an epoch that were not counted yet; anybody may", apply)
		.argument("<epoch>", "number of the epoch", integer(1, 2 ** 48))
		.option("--index <place>", "only the contribution at this place, from 0", integer(0, 65_534));
	return noun.command;
}

async function show({ deployment, provider }: Desk, { datanet, wallet }: Flags): Promise<Outcome> {
	const [all, block] = await Promise.all([
		new ReputationReader({ deployment, provider }).standings(),
		provider.getBlock("latest").catch(rethrow),
	]);
	const time = BigInt(block?.timestamp ?? 0);
	const standings = all
		.filter((one) => (datanet === undefined || one.datanet === BigInt(datanet)) && (wallet === undefined || one.wallet === wallet))
		.map((one) => ({ ...one, reputation: valueAt(one, time), weight: weightOf(valueAt(one, time)) }));
	const rows = standings.map((one) => [
		...[String(one.datanet), one.wallet, decimals(one.reputation, 6), decimals(one.weight, 4), String(one.words.length)],
	]);
	return { result: { time, standings }, text: table(["datanet", "wallet", "reputation", "weight", "words"], rows) };
}

async function apply(desk: Desk, { index }: Flags, [number]: string[]): Promise<Outcome> {
	const { deployment, provider } = desk;
	const epoch = BigInt(number as string);
	const { payout } = await epochHistory({ provider, deployment, epoch });
	const words = payout?.words;
	if (words === undefined) {
		throw new LedgerError(
			"input.invalid",
			`apply: expected an epoch whose payout is posted with its words in the transaction, got ${epoch}`,
			{
				hint: "Words count once the payout is posted and active.",
			},
		);
	}
	const { pageSize } = await contractsAt(deployment.contracts, provider).distributor.accountOf(epoch).catch(rethrow);
	const missing = await new ReputationReader({ deployment, provider }).missing(epoch, words.length);
	const wanted = index === undefined ? missing : missing.filter((place) => place === index);
	const client = await desk.client(ReputationClient);
	const steps: Step[] = [];
	for (const place of wanted) {
		const outcome = await client.applyWord(claimOf(epoch, words, place, Number(pageSize)));
		steps.push({ action: `applyWord ${place}`, outcome });
	}
	const skipped = words.length - missing.length;
	return desk.sent(
		steps,
		{ epoch, applied: wanted, before: skipped },
		`${wanted.length} words of epoch ${epoch}; ${skipped} were counted before`,
	);
}

/** A number with this many digits behind the point. */
function decimals(value: bigint, digits: number): string {
	const text = value.toString().padStart(digits + 1, "0");
	return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
