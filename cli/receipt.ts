/** `openledger receipt DIR --contributor ADDRESS`: rows, score, share, amount, claim, and why. */
import { resolve } from "node:path";
import { Command } from "commander";
import { type Receipt, receiptsOf } from "../network/epoch/receipt.ts";
import type { CommandContext } from "./command.ts";
import { open } from "./output.ts";

export function receiptCommand(context: CommandContext): Command {
	return new Command("receipt")
		.description("why a contributor was paid or charged, step by step, with the proof of each step")
		.argument("<dir>", "folder that `epoch run --out` wrote")
		.requiredOption("--contributor <address>", "address of the contributor, or name of the owner")
		.action(async (dir: string, flags: { contributor: string }) => {
			await context.run("openledger.receipt.v1", async () => {
				const receipts = await receiptsOf(resolve(dir), flags.contributor);
				return { result: { receipts }, text: receipts.map(receiptText).join("\n\n") };
			});
		});
}

function receiptText({ epoch, line, dataset, lossDrop, pool, reason, links }: Receipt): string {
	const fields: [string, string][] = [
		["epoch", epoch],
		["contributor", `${line.address} (${line.owner})`],
		["rows", `${dataset.rows} rows under ${dataset.rowsCommit}   [${links.rows}]`],
		["model", `trained on them and proven optimal   [${links.model}]`],
		["queries", `fixed before any score existed   [${links.queries}]`],
		[
			"score",
			`${line.score}: ${lossDrop >= 0 ? "lowered" : "raised"} the mean query loss by ${Math.abs(lossDrop).toExponential(4)}   [${links.score}]`,
		],
		["share", `${(100 * line.share).toFixed(4)} % of a pool of ${open(BigInt(pool))} OPEN`],
		["amount", `paid ${open(BigInt(line.paid))} OPEN, charged ${open(BigInt(line.charged))} OPEN   [${links.amount}]`],
		[
			"claim",
			line.claimed ? `settled in ${links.claim}; stake returned: ${open(BigInt(line.stakeReturned))} OPEN` : `open   [${links.claim}]`,
		],
		["why", reason],
	];
	return fields.map(([name, value]) => `${name.padEnd(12)}${value}`).join("\n");
}
