/** `openledger index ...`: a deployment's events in a database of one's own. */
import { homedir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { type ContractName, contractNames } from "../ledger/contracts.ts";
import type { IndexPlace } from "../ledger/indexer/database.ts";
import { Indexer, type IndexStep } from "../ledger/indexer/indexer.ts";
import { integer } from "./arguments.ts";
import type { CommandContext, Outcome, Work } from "./command.ts";
import { Desk, type DeskFlags } from "./desk.ts";
import { UsageError } from "./exit.ts";
import { jsonValue, table } from "./output.ts";

interface Flags extends DeskFlags {
	store?: string;
	database?: string;
	confirmations: number;
	span: number;
	once?: boolean;
	contract?: ContractName;
	event?: string;
	where?: string[];
	from?: number;
	to?: number;
	limit?: number;
	yes?: boolean;
}

const BLOCK = integer(0, Number.MAX_SAFE_INTEGER);

export function indexCommand(context: CommandContext): Command {
	const noun = new Command("index").description("a deployment's events in a database: follow them, ask for them, fold them to state");
	const verb = (name: string, description: string, work: (index: Indexer, flags: Flags, parts: Work) => Promise<Outcome>): Command => {
		const command = new Command(name)
			.description(description)
			.requiredOption("--rpc <url>", "node of the deployment's chain")
			.requiredOption("--deployment <file>", "deployment file, such as the deployment.json of a bundle")
			.option("--store <dir>", "folder of an embedded database (default: in the user's folder for state)")
			.option("--database <url>", "PostgreSQL server instead")
			.option("--confirmations <count>", "blocks that must lie on a block before it is taken", integer(0, 100_000), 0)
			.option("--span <blocks>", "blocks of one request for logs", integer(1, 100_000), 1_000)
			.action((flags: Flags) =>
				context.run(`openledger.index.${name}.v1`, async (parts) => {
					const desk = await Desk.open(flags);
					try {
						const { confirmations, span } = flags;
						const { deployment, provider } = desk;
						const index = await Indexer.open({ place: placeOf(flags), deployment, node: provider, confirmations, span });
						try {
							return await work(index, flags, parts);
						} finally {
							await index.close();
						}
					} finally {
						desk.close();
					}
				}),
			);
		noun.addCommand(command);
		return command;
	};
	verb("run", "follow the chain until you stop it", follow).option("--once", "end when the present end of the chain is reached");
	verb("status", "how far it is, and whether it hangs together", status);
	verb("query", "stored events", query)
		.option("--contract <name>", "of this contract", contractName)
		.option("--event <name>", "of this name; needs --contract")
		.option("--where <name=value...>", "with these indexed arguments; needs --event")
		.option("--from <block>", "from this block on", BLOCK)
		.option("--to <block>", "up to this block", BLOCK)
		.option("--limit <count>", "at most so many", integer(1, 1_000_000));
	verb("state", "the state of a contract, folded from stored events alone", state).requiredOption(
		"--contract <name>",
		"which contract",
		contractName,
	);
	verb("rebuild", "forget everything that is stored and follow the chain anew", rebuild).option("--yes", "do it");
	return noun;
}

/**
 * Where an index lies when nothing is said: `OPENLEDGER_INDEX_DATABASE` (a URL), or `OPENLEDGER_INDEX` (a directory), or `openledger/index` in the
 * user's folder for state (`XDG_STATE_HOME`, `~/.local/state`).
 */
function placeOf({ store, database }: Flags, env: NodeJS.ProcessEnv = process.env): IndexPlace {
	if (store !== undefined && database !== undefined)
		throw new UsageError("expected --store or --database, got both", "Give one of the two.");
	if (database !== undefined) return { database };
	if (store !== undefined) return { directory: store };
	if (env.OPENLEDGER_INDEX_DATABASE) return { database: env.OPENLEDGER_INDEX_DATABASE };
	return { directory: env.OPENLEDGER_INDEX || join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "openledger", "index") };
}

async function follow(index: Indexer, { once = false }: Flags, { progress, signal }: Work): Promise<Outcome> {
	const sums = { blocks: 0, logs: 0, orphaned: 0 };
	let first: number | undefined;
	await index.follow({
		...{ once, signal },
		onStep(step: IndexStep) {
			sums.blocks += step.blocks;
			sums.logs += step.logs;
			sums.orphaned += step.orphaned;
			if (step.blocks === 0 && step.orphaned === 0) return;
			first ??= (step.tip ?? 0) - step.blocks;
			const done = (step.tip ?? first) - first;
			const orphans = step.orphaned === 0 ? "" : `, ${step.orphaned} blocks of another fork replaced`;
			progress({
				phase: "blocks",
				done,
				total: Math.max(step.target - first, done),
				note: `at block ${step.tip}, ${sums.logs} events${orphans}`,
			});
		},
		onRetry: ({ message }, attempt) => process.stderr.write(`${message}; asking again (${attempt})\n`),
	});
	signal.throwIfAborted();
	return report(await index.status(), sums);
}

async function status(index: Indexer): Promise<Outcome> {
	return report(await index.status(), {});
}

async function query(index: Indexer, flags: Flags): Promise<Outcome> {
	const { contract, event, from: fromBlock, to: toBlock, limit } = flags;
	const asked = { contract, event, fromBlock, toBlock, limit };
	const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
	const logs = await index.logs({ ...given, where: whereOf(flags.where ?? []) });
	const rows = logs.map(({ blockNumber, index: place, contract: of, name, args }) => {
		const listed = Object.entries(args).map(([key, value]) => `${key}=${plain(value)}`);
		return [String(blockNumber), String(place), `${of}.${name}`, listed.join(" ")];
	});
	return { result: { logs }, text: rows.length === 0 ? "no events" : table(["block", "place", "event", "arguments"], rows) };
}

async function state(index: Indexer, flags: Flags): Promise<Outcome> {
	const folded = await index.state(flags.contract as ContractName);
	return {
		result: { contract: flags.contract, state: folded },
		text: JSON.stringify(folded, jsonValue, 2),
	};
}

async function rebuild(index: Indexer, flags: Flags, parts: Work): Promise<Outcome> {
	if (flags.yes !== true)
		throw new UsageError("rebuild: expected --yes, got nothing", "Add --yes to have everything that is stored forgotten.");
	await index.clear();
	return follow(index, { ...flags, once: true }, parts);
}

function report(found: Awaited<ReturnType<Indexer["status"]>>, sums: object): Outcome {
	const { tip, head, blocks, logs, gaps } = found;
	const at = tip === undefined ? "nothing is stored" : `at block ${tip.number} (${tip.hash})`;
	const text = `${at}, ${head - (tip?.number ?? 0)} behind the node's ${head}\n${blocks} blocks, ${logs} events, ${gaps} gaps`;
	return { result: { tip: tip ?? null, head, blocks, logs, gaps, ...sums }, text };
}

function contractName(value: string): ContractName {
	const found = contractNames.find((name) => name.toLowerCase() === value.toLowerCase());
	if (found === undefined) throw new InvalidArgumentError(`expected one of ${contractNames.join(", ")}, got ${value}`);
	return found;
}

function whereOf(pairs: readonly string[]): Record<string, string> {
	return Object.fromEntries(
		pairs.map((pair) => {
			const at = pair.indexOf("=");
			if (at < 1) throw new UsageError(`--where: expected name=value, got ${pair}`, "Write it like --where payer=0x....");
			return [pair.slice(0, at), pair.slice(at + 1)];
		}),
	);
}

function plain(value: unknown): string {
	return typeof value === "object" ? JSON.stringify(value, jsonValue) : String(value);
}
