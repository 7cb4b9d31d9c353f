/** `openledger circuit attack`: forges witnesses and proofs of every circuit, and says which attack was noticed by what. */
import { randomBytes } from "node:crypto";
import { Argument, Command } from "commander";
import { attack } from "../prover/forgery/attacks.ts";
import { Draws } from "../prover/forgery/draws.ts";
import { attackProofs } from "../prover/forgery/proofs.ts";
import { ATTACKS, type AttackReport } from "../prover/forgery/target.ts";
import { assumptionsOfGadgets, attackAssumptions } from "./attack/assumptions.ts";
import { TARGET_NAMES, targetOf } from "./attack/targets.ts";
import type { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";
import { table } from "./output.ts";

/** What cannot be tried on a circuit, and where it is tried instead. */
const ELSEWHERE =
	"Not here: proofs on chain with every public signal, word and point altered (verifier-contracts/test/Verifier.t.sol), a payout moved by the slack of the path (docs/slack.md).";

export function attackCommand(context: CommandContext): Command {
	return new Command("attack")
		.description("try to forge what the circuits prove; exit 1 when an attack succeeds")
		.addArgument(
			new Argument("[circuits...]", "what to attack: gadgets and statements about small random data")
				.choices(["all", ...TARGET_NAMES])
				.default(["all"]),
		)
		.option("--seed <text>", "draws the random values of an earlier run again (default: fresh ones, printed)")
		.action(async (names: string[], { seed }: { seed?: string }) => {
			await context.run("openledger.circuit.attack.v1", async ({ progress, signal }) => {
				const all = names.includes("all");
				const targets = all ? TARGET_NAMES : TARGET_NAMES.filter((name) => names.includes(name));
				const drawn = seed ?? randomBytes(8).toString("hex");
				const reports: AttackReport[] = [];
				for (const [done, name] of targets.entries()) {
					const target = targetOf(name);
					progress({ phase: "attacks", done: done * ATTACKS.length, total: targets.length * ATTACKS.length, note: name });
					for await (const report of attack(target, new Draws(`${drawn}/${name}`), { signal })) {
						reports.push(report);
						progress({ phase: "attacks", done: reports.length, total: targets.length * ATTACKS.length, note: `${name}: ${report.attack}` });
					}
				}
				if (all || targets.includes("toy")) {
					progress({ phase: "proofs", done: 0, total: 1, note: "toy" });
					reports.push(await attackProofs(targetOf("toy"), "counts", new Draws(`${drawn}/proofs`), signal));
				}
				if (all) {
					const { length: total } = await assumptionsOfGadgets();
					let done = 0;
					for await (const report of attackAssumptions(signal)) {
						reports.push(report);
						progress({ phase: "assumptions", done: ++done, total, note: report.target });
					}
				}
				const open = reports.filter((report) => report.open.length > 0);
				return { result: { seed: drawn, reports }, text: describe(reports, drawn), exit: open.length === 0 ? EXIT.ok : EXIT.invalid };
			});
		});
}

function describe(reports: readonly AttackReport[], seed: string): string {
	const rows = reports.map(({ attack: name, target, tried, refused, allowed, open, note }) => [
		name,
		target,
		String(tried),
		String(refused),
		String(allowed.length),
		open.length === 0 ? "holds" : "OPEN",
		note,
	]);
	const found = reports.flatMap((report) => report.open.map((finding) => `OPEN  ${report.attack}, ${report.target}: ${finding}`));
	const reasons = new Map<string, string[]>();
	for (const { attack: name, target, allowed } of reports) {
		for (const { finding, reason } of allowed) {
			const key = `${name}, ${finding.replace(/\[\d+\]/g, "[]")}: ${reason}`;
			reasons.set(key, [...(reasons.get(key) ?? []), target]);
		}
	}
	const allowed = [...reasons].map(([reason, targets]) => `allowed  ${reason} (${[...new Set(targets)].join(", ")})`);
	const total = reports.reduce((sum, { tried }) => sum + tried, 0);
	const verdict = found.length === 0 ? `none of ${total} attempts succeeded` : `${found.length} of ${total} attempts succeeded`;
	return [
		table(["attack", "target", "tried", "refused", "allowed", "result", "what"], rows),
		"",
		...allowed,
		...found,
		`${verdict}; seed ${seed}`,
		ELSEWHERE,
	].join("\n");
}
