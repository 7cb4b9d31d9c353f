/** What all commands at the contracts share: node, deployment, key, trial runs, and how transactions are printed. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { isAddress, type JsonRpcProvider, Wallet } from "ethers";
import { type ActionOptions, Actions, type Outcome as Sent } from "../ledger/actions.ts";
import { type ContractName, contractNames } from "../ledger/contracts.ts";
import type { Deployment } from "../ledger/deployment.ts";
import { LedgerError } from "../ledger/errors.ts";
import { connect } from "../ledger/node.ts";
import type { Sender } from "../ledger/sender.ts";
import { keyOf } from "./account.ts";
import type { CommandContext, Outcome } from "./command.ts";
import { open as openText, table } from "./output.ts";

/** The options that every verb has. */
export interface DeskFlags {
	readonly rpc: string;
	readonly deployment: string;
	readonly key?: string;
	readonly dryRun?: boolean;
}

/** A transaction of a command, sent or estimated. */
export interface Step {
	/** what it does, such as "redeem" */
	readonly action: string;
	readonly outcome: Sent;
}

/** A class of actions. */
type Kind<Client extends Actions> = new (options: ActionOptions, sender: Sender) => Client;

/** The chain, the deployment and the key of one command. */
export class Desk {
	readonly deployment: Deployment;
	readonly provider: JsonRpcProvider;
	/** undefined for a verb that was given no key */
	readonly wallet: Wallet | undefined;
	/** whether nothing is sent */
	readonly trial: boolean;

	private constructor(deployment: Deployment, provider: JsonRpcProvider, flags: DeskFlags) {
		this.deployment = deployment;
		this.provider = provider;
		this.wallet = flags.key === undefined ? undefined : new Wallet(keyOf(flags.key), provider);
		this.trial = flags.dryRun === true;
	}

	/** @throws UsageError for a key that is not there; LedgerError `input.invalid`, `node.*` */
	static async open(flags: DeskFlags): Promise<Desk> {
		if (flags.key !== undefined) keyOf(flags.key);
		const deployment = await readDeployment(flags.deployment);
		return new Desk(deployment, await connect({ url: flags.rpc, chainId: deployment.chainId }), flags);
	}

	close(): void {
		this.provider.destroy();
	}

	/** The actions of the key; in a trial run they are estimated only. @param kind such as `ChannelClient` */
	client<Client extends Actions>(kind: Kind<Client>): Promise<Client> {
		return Actions.open.call<Kind<Client>, [ActionOptions], Promise<Client>>(kind, {
			deployment: this.deployment,
			signer: this.wallet as Wallet,
			trial: this.trial,
		});
	}

	/**
	 * What was sent, or would be, with its gas and at most its cost.
	 *
	 * @param result of --json, beside `dryRun` and `transactions`
	 * @param text for a person, above the table of transactions
	 */
	async sent(transactions: readonly Step[], result: Record<string, unknown>, text: string): Promise<Outcome> {
		const { maxFeePerGas, gasPrice } = await this.provider.getFeeData();
		const fee = maxFeePerGas ?? gasPrice ?? 0n;
		const lines = transactions.map(({ action, outcome: { hash, gasUsed } }) => ({
			action,
			gas: gasUsed,
			...(this.trial ? { costWei: gasUsed * fee } : { transaction: hash }),
		}));
		const rows = lines.map(({ action, gas, ...rest }) => [
			action,
			String(gas),
			"transaction" in rest ? String(rest.transaction) : `${openText(rest.costWei as bigint)} coins`,
		]);
		const head = this.trial ? "nothing was sent; this would be:" : "";
		const cost = table(["transaction", "gas", this.trial ? "costs at most" : "hash"], rows);
		return { result: { dryRun: this.trial, ...result, transactions: lines }, text: [head, text, cost].filter(Boolean).join("\n") };
	}
}

/** Does a verb's work. @param args positional arguments in order, those of a list included */
export type Work<At extends Desk, Flags> = (desk: At, flags: Flags, args: string[]) => Promise<Outcome>;

/** A noun of the command line whose verbs work at a desk. */
export class Noun<Flags extends DeskFlags> {
	readonly command: Command;
	readonly #context: CommandContext;

	/** @param name such as "channel"; part of the schema of --json: openledger.NAME.VERB.v1 */
	constructor(context: CommandContext, name: string, description: string) {
		this.#context = context;
		this.command = new Command(name).description(description);
	}

	/** A verb that sends nothing. Add its own options and arguments to what this returns. */
	reading(name: string, description: string, work: Work<Desk, Flags>): Command {
		const verb = new Command(name)
			.description(description)
			.requiredOption("--rpc <url>", "node of the deployment's chain")
			.requiredOption("--deployment <file>", "deployment file, such as the deployment.json of a bundle")
			.action(async (...given: unknown[]) => {
				const command = given.at(-1) as Command;
				const flags = command.opts() as Flags;
				const args = command.processedArgs.flat().filter((value) => value !== undefined) as string[];
				await this.#context.run(`openledger.${this.command.name()}.${name}.v1`, async () => {
					const desk = await Desk.open(flags);
					try {
						return await work(desk, flags, args);
					} finally {
						desk.close();
					}
				});
			});
		this.command.addCommand(verb);
		return verb;
	}

	/** A verb that sends transactions: it takes a key, and `--dry-run`. */
	sending(name: string, description: string, work: Work<Desk, Flags>): Command {
		return this.reading(name, description, work)
			.requiredOption("--key <env>", "name of the environment variable that holds the sender's private key")
			.option("--dry-run", "print what would be sent and what it would cost, and send nothing");
	}
}

async function readDeployment(file: string): Promise<Deployment> {
	const text = await readText(file);
	let missing: ContractName | undefined = contractNames[0];
	try {
		const deployment = JSON.parse(text) as Deployment;
		missing = contractNames.find((name) => !isAddress(deployment.contracts[name]));
		if (deployment.schema === "openledger.deployment.v1" && missing === undefined) return deployment;
	} catch {
		// Named below.
	}
	throw new LedgerError("input.invalid", `--deployment: expected a deployment with ${missing ?? "its schema"} in ${file}`, {
		hint: "Give the deployment.json that the deployment wrote.",
	});
}

/** A file that the user named. @throws LedgerError `input.invalid` */
export async function readText(file: string): Promise<string> {
	return readFile(resolve(file), "utf8").catch((cause: unknown) => {
		throw new LedgerError("input.invalid", `expected a readable file at ${file}, got ${(cause as Error).message}`, {
			hint: "Check the path.",
			cause,
		});
	});
}
