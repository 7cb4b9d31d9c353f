/** `openledger verify DIR`: holds every link of a bundle against the others, and against the chain. */
import { resolve } from "node:path";
import { Command } from "commander";
import { verifyBundle } from "../network/epoch/audit.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";

export function verifyCommand(context: CommandContext): Command {
	return new Command("verify")
		.description("verify a bundle offline, or with --rpc against the chain; exits 1 and names the first broken link")
		.argument("<dir>", "folder that `epoch run --out` wrote")
		.option("--rpc <url>", "node of the bundle's chain")
		.action(async (dir: string, flags: { rpc?: string }) => {
			await context.run("openledger.verify.v1", async ({ progress, signal }) => {
				const links = await verifyBundle({ folder: resolve(dir), rpc: flags.rpc, progress, signal });
				const broken = links.find(({ ok }) => !ok);
				const lines = table(
					["where", "link", "", "found"],
					links.map((link) => [link.where, link.name, link.ok ? "ok" : "BROKEN", link.detail]),
				);
				const verdict =
					broken === undefined ? `all ${links.length} links hold` : `first broken link: ${broken.where}, ${broken.name}: ${broken.detail}`;
				return {
					result: { links, firstBroken: broken ?? null },
					text: `${lines}\n\n${verdict}`,
					exit: broken === undefined ? EXIT.ok : EXIT.invalid,
				};
			});
		});
}
