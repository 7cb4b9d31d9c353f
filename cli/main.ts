/** The command line: noun, then verb. Data on stdout, progress on stderr; exit codes in exit.ts. */
import { Command, CommanderError } from "commander";
import { CommandContext } from "./command.ts";
import { EXIT } from "./exit.ts";

type Make = (context: CommandContext) => Command;

/** Nouns, loaded when they are asked for: all of them together take three times as long as one. */
const nouns: Readonly<Record<string, () => Promise<Make>>> = {
	epoch: async () => (await import("./epoch.ts")).epochCommand,
	verify: async () => (await import("./verify.ts")).verifyCommand,
	prove: async () => (await import("./prove.ts")).proveCommand,
	key: async () => (await import("./key.ts")).keyCommand,
	receipt: async () => (await import("./receipt.ts")).receiptCommand,
	attribute: async () => (await import("./attribute.ts")).attributeCommand,
	backbone: async () => (await import("./backbone.ts")).backboneCommand,
	train: async () => (await import("./train.ts")).trainCommand,
	setup: async () => (await import("./setup.ts")).setupCommand,
	circuit: async () => (await import("./circuit.ts")).circuitCommand,
	pool: async () => (await import("./pool.ts")).poolCommand,
	worker: async () => (await import("./worker.ts")).workerCommand,
	channel: async () => (await import("./channel.ts")).channelCommand,
	claim: async () => (await import("./claim.ts")).claimCommand,
	launchpad: async () => (await import("./launchpad.ts")).launchpadCommand,
	index: async () => (await import("./indexer.ts")).indexCommand,
	contract: async () => (await import("./contract.ts")).contractCommand,
	govern: async () => (await import("./govern.ts")).governCommand,
	guardian: async () => (await import("./guardian.ts")).guardianCommand,
	record: async () => (await import("./record.ts")).recordCommand,
	operator: async () => (await import("./operator.ts")).operatorCommand,
	job: async () => (await import("./job.ts")).jobCommand,
	stake: async () => (await import("./stake.ts")).stakeCommand,
	fees: async () => (await import("./fees.ts")).feesCommand,
	grant: async () => (await import("./grant.ts")).grantCommand,
	datanet: async () => (await import("./datanet.ts")).datanetCommand,
	reputation: async () => (await import("./reputation.ts")).reputationCommand,
	lineage: async () => (await import("./lineage.ts")).lineageCommand,
	compute: async () => (await import("./compute.ts")).computeCommand,
	doctor: async () => (await import("./doctor.ts")).doctorCommand,
};

const context = new CommandContext();
const program = new Command("openledger")
	.description("verifiable AI: contributors are paid by proven attribution")
	.option("--json", "print one JSON object on stdout");

// --json may stand before or behind the command's own options.
const args = process.argv.slice(2);
context.json = args.includes("--json");
const noun = args.find((arg) => !arg.startsWith("-"));
const wanted = noun !== undefined && Object.hasOwn(nouns, noun) ? [noun] : Object.keys(nouns);
const loaded = await Promise.all(wanted.map((name) => (nouns[name] as () => Promise<Make>)()));
for (const make of loaded) program.addCommand(make(context));
const strict = (command: Command): void => {
	command.exitOverride().showHelpAfterError();
	command.commands.forEach(strict);
};
strict(program);

try {
	await program.parseAsync(
		args.filter((arg) => arg !== "--json"),
		{ from: "user" },
	);
} catch (error) {
	if (!(error instanceof CommanderError)) {
		context.fail("openledger.error.v1", error);
	} else if (error.exitCode !== 0) {
		context.exitCode = EXIT.usage;
	}
}
process.exitCode = context.exitCode;
