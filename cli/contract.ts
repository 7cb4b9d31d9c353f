/** `openledger contract deploy`, `verifier` and `check`: the contracts of a chain, and whether they are what their file says. */
import { join, resolve } from "node:path";
import { Command } from "commander";
import { Wallet } from "ethers";
import { contractNames } from "../ledger/contracts.ts";
import { trialGas } from "../ledger/deployment/trial.ts";
import { addVerifiers, checkDeployment, type DeployOptions, deploy, planAddition, planDeployment } from "../ledger/deployment.ts";
import { connect } from "../ledger/node.ts";
import { writeJson } from "../network/epoch/json.ts";
import { parseVerificationKey, type VerificationKey } from "../prover/verification-key.ts";
import { keyOf } from "./account.ts";
import { address, integer } from "./arguments.ts";
import type { CommandContext, Outcome, Work } from "./command.ts";
import { type Desk, type DeskFlags, Noun } from "./desk.ts";
import { EXIT } from "./exit.ts";
import { prepareOutput, readJsonFile } from "./file.ts";
import { open as coins, table } from "./output.ts";

interface CheckFlags extends DeskFlags {
	vkey?: string[];
}

interface DeployFlags {
	rpc: string;
	key: string;
	guardian: string;
	guardianTerm?: number;
	treasury?: string;
	owner?: string;
	delegate?: string;
	activationDelay: number;
	vkey?: string[];
	label?: string;
	out?: string;
	dryRun?: boolean;
}

const DAY = 86_400;

export function contractCommand(context: CommandContext): Command {
	const noun = new Noun<CheckFlags>(context, "contract", "the contracts of a chain: deploy them, and hold a chain against its file");
	const deploying = new Command("deploy")
		.description("deploy all contracts, or what is missing of them, at addresses that follow from key and terms")
		.requiredOption("--rpc <url>", "node of the chain")
		.requiredOption("--key <env>", "name of the environment variable that holds the sender's private key")
		.requiredOption("--guardian <address>", "first member of the Guardian", address)
		.option("--guardian-term <seconds>", "its term (default: 366 days)", integer(1, 366 * DAY))
		.option("--treasury <address>", "receives the whole supply of OPEN (default: the timelock)", address)
		.option(
			"--owner <address>",
			'of router and Guardian: an address, or "timelock" (default: the timelock; the sender on chain 31337)',
			owner,
		)
		.option("--delegate <address>", "votes for the treasury until a proposal delegates elsewhere", address)
		.option("--activation-delay <seconds>", "from a posted payout to the first claim", integer(0, 30 * DAY), 2 * DAY)
		.option("--vkey <file...>", "verification keys of the first circuits, such as those of a ceremony")
		.option("--label <text>", "tells deployments of one key with the same terms apart")
		.option("--out <file>", "where the deployment file goes (default: deployments/CHAIN.json)")
		.option("--dry-run", "print addresses, transactions and costs, and send nothing")
		.action((flags: DeployFlags) => context.run("openledger.contract.deploy.v1", (work) => deployAll(flags, work)));
	noun.command.addCommand(deploying);
	noun
		.sending(
			"verifier",
			"create the verifiers of further circuits; their routes are for the router's owner, as a rule by a proposal",
			addition,
		)
		.requiredOption("--vkey <file...>", "their verification keys");
	noun
		.reading("check", "hold a chain against its deployment file: every byte of code, who names whom, every route", check)
		.option("--vkey <file...>", "verification keys, to compare the verifiers' code too");
	return noun.command;
}

async function deployAll(flags: DeployFlags, { progress }: Work): Promise<Outcome> {
	const { rpc, key, vkey = [], out, dryRun, ...terms } = flags;
	const secret = keyOf(key);
	const verificationKeys = await readKeys(vkey);
	const provider = await connect({ url: rpc });
	try {
		const signer = new Wallet(secret, provider);
		const options: DeployOptions & { signer: Wallet } = { ...terms, signer, verificationKeys };
		const chainId = Number((await provider.getNetwork()).chainId);
		const file = resolve(out ?? join("deployments", `${chainId}.json`));
		if (dryRun === true) return await trial(options, chainId);
		await prepareOutput(file);
		const { deployment, steps } = await deploy({
			...options,
			onStep: ({ step, steps: total, name }) => progress({ phase: "deploy", done: step, total, note: name }),
		});
		await writeJson(file, deployment);
		const rows = steps.map(({ name, gasUsed, hash }) => [name, String(gasUsed), hash]);
		const text = steps.length === 0 ? "everything is there already" : table(["transaction", "gas", "hash"], rows);
		return { result: { dryRun: false, file, deployment, transactions: steps }, text: `${text}\ndeployment: ${file}` };
	} finally {
		provider.destroy();
	}
}

/** What would be sent, with its cost at the chain's fee of now. */
async function trial(options: DeployOptions & { signer: Wallet }, chainId: number): Promise<Outcome> {
	const { deployment, tasks } = await planDeployment(options);
	const gas = await trialGas({ ...options, chainId });
	const { maxFeePerGas, gasPrice } = (await options.signer.provider?.getFeeData()) ?? {};
	const fee = maxFeePerGas ?? gasPrice ?? 0n;
	const transactions = tasks.map(({ name }) => ({ name, gas: gas.get(name) ?? 0n, costWei: (gas.get(name) ?? 0n) * fee }));
	const total = transactions.reduce((sum, { costWei }) => sum + costWei, 0n);
	const rows = transactions.map(({ name, gas: used, costWei }) => [name, String(used), `${coins(costWei)} coins`]);
	const text = [
		"nothing was sent; this would be:",
		table(["contract", "address"], addressRows(deployment.contracts, deployment.verifiers)),
		tasks.length === 0 ? "everything is there already" : table(["transaction", "gas", "costs at most"], rows),
		`together at most ${coins(total)} coins`,
	].join("\n\n");
	return { result: { dryRun: true, deployment, transactions, costWei: total }, text };
}

async function addition(desk: Desk, { deployment: file, vkey = [] }: CheckFlags): Promise<Outcome> {
	const signer = desk.wallet as Wallet;
	const options = { signer, deployment: desk.deployment, verificationKeys: await readKeys(vkey) };
	const { deployment, calls, steps } = desk.trial ? await estimated(options) : await addVerifiers(options);
	// A verifier without a route verifies nothing: it is no part of the deployment yet.
	if (!desk.trial && calls.length === 0) await writeJson(resolve(file), deployment);
	const circuits = options.verificationKeys.map(({ circuitId }) => ({ circuitId, ...deployment.verifiers[circuitId] }));
	const text = [
		...circuits.map(({ id, address: at }) => `verifier ${id} at ${at}`),
		...(calls.length === 0
			? []
			: [
					"the router's owner must add the routes; where that is governance:",
					`  openledger govern propose ${calls.map((call) => `--call "${call}"`).join(" ")} --description TEXT ...`,
					"and when it was executed, this command again: it completes the deployment file",
				]),
	].join("\n");
	const transactions = steps.map(({ name, hash, gasUsed }) => ({ action: name, outcome: { hash, gasUsed, blockNumber: 0, logs: [] } }));
	return desk.sent(transactions, { verifiers: circuits, calls }, text);
}

/** The same steps with the node's estimates; 0 for a route whose verifier is not there yet. */
async function estimated(options: Parameters<typeof planAddition>[0]) {
	const { deployment, tasks, calls } = await planAddition(options);
	const steps = [];
	for (const { name, request } of tasks) {
		const gasUsed = await options.signer.estimateGas(request).catch(() => 0n);
		steps.push({ name, hash: "", gasUsed });
	}
	return { deployment, calls, steps };
}

async function check({ deployment, provider }: Desk, { vkey = [] }: CheckFlags): Promise<Outcome> {
	const checks = await checkDeployment(provider, deployment, await readKeys(vkey));
	const failed = checks.filter(({ ok }) => !ok);
	const text =
		failed.length === 0
			? `${checks.length} checks hold`
			: [...failed.map(({ name, detail }) => `FAILED ${name}: ${detail}`), `${failed.length} of ${checks.length} checks failed`].join("\n");
	return { result: { ok: failed.length === 0, checks }, text, exit: failed.length === 0 ? EXIT.ok : EXIT.invalid };
}

function addressRows(contracts: Readonly<Record<string, string>>, verifiers: Readonly<Record<string, { id: string; address: string }>>) {
	return [
		...contractNames.map((name) => [name, contracts[name] as string]),
		...Object.values(verifiers).map(({ id, address: at }) => [`verifier ${id}`, at]),
	];
}

async function readKeys(files: readonly string[]): Promise<VerificationKey[]> {
	return Promise.all(files.map(async (file) => parseVerificationKey(await readJsonFile(resolve(file), "a verification key as JSON"))));
}

function owner(value: string): string {
	return value === "timelock" ? value : address(value);
}
