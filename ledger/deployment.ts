/**
 * Where our contracts are on a chain, as data; how they get there; and whether a chain is what the data says.
 */
import {
	type BytesLike,
	getCreateAddress,
	keccak256,
	type Provider,
	type Signer,
	solidityPacked,
	type TransactionRequest,
	toUtf8Bytes,
} from "ethers";
import { compileVerifiers } from "../verifier-contracts/compile.ts";
import { renderVerifier, type VerificationKey } from "../verifier-contracts/template/verifier.ts";
import { type Addresses, type ContractName, contractNames, contractsAt, factories, verifierAt } from "./contracts.ts";
import { nameOf, routeStatuses } from "./enums.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { type Sender, senderOf } from "./sender.ts";

/** One registered verifier. */
export interface DeployedVerifier {
	readonly address: string;
	/** name of the statement, such as "payout" */
	readonly statement: string;
	/** id of the statement with its parameters, as hashed into the circuit id */
	readonly id: string;
}

/** The content of a deployment file. */
export interface Deployment {
	readonly schema: "openledger.deployment.v1";
	readonly chainId: number;
	readonly contracts: Addresses;
	/** circuit id -> verifier */
	readonly verifiers: Readonly<Record<string, DeployedVerifier>>;
	/** block of the first contract: no event of ours is older */
	readonly block: number;
}

/** One transaction of a deployment, done. */
export interface DeployStep {
	/** place in the sequence, from 1 */
	readonly step: number;
	readonly steps: number;
	/** what was done, such as "deploy EpochBook" */
	readonly name: string;
	readonly hash: string;
	readonly gasUsed: bigint;
}

/** What a deployment did. */
export interface Deployed {
	readonly deployment: Deployment;
	readonly steps: readonly DeployStep[];
}

/**
 * Deploys all contracts and one verifier per key. The signer becomes owner of the VerifierRouter.
 *
 * The registry must know the distributor's address before it exists, so it is computed from the signer's transaction numbers: nothing
 * else may send from this key meanwhile. If something does, the distributor refuses to exist.
 *
 * @param options.signer pays the gas; holds its key and has a provider
 * @param options.treasury receives the whole token supply and charged stakes
 * @param options.guardian may stop circuits and veto payouts that are not active yet
 * @param options.activationDelay seconds from a posted payout to the first claim, at most 30 days
 * @param options.verificationKeys keys to register; development keys on chain 31337 only
 * @param options.onStep told of each transaction when it is in a block
 * @throws LedgerError `transaction.*`, `node.*`, `input.invalid` for a key that does not fit its circuit id
 */
export async function deploy(options: {
	signer: Signer;
	treasury: string;
	guardian: string;
	activationDelay: number;
	verificationKeys: readonly VerificationKey[];
	onStep?: (step: DeployStep) => void;
}): Promise<Deployed> {
	const { signer, treasury, guardian, activationDelay, verificationKeys, onStep } = options;
	const sender = await senderOf(signer);
	const sources = render(verificationKeys);
	return sender.alone(async () => {
		const steps = new Steps(sender, contractNames.length + 2 * sources.size, onStep);
		const put = async (name: ContractName, transaction: Promise<TransactionRequest>) => steps.create(name, await transaction);
		const token = await put("OpenToken", new factories.OpenToken().getDeployTransaction(treasury));
		const provenance = await put("ProvenanceRegistry", new factories.ProvenanceRegistry().getDeployTransaction());
		const router = await put("VerifierRouter", new factories.VerifierRouter().getDeployTransaction(sender.address, guardian));
		const planned = getCreateAddress({ from: sender.address, nonce: (await sender.nextNonce()) + 2 });
		const registry = await put(
			"ContributionRegistry",
			new factories.ContributionRegistry().getDeployTransaction(token.address, router.address, planned, treasury),
		);
		const book = await put("EpochBook", new factories.EpochBook().getDeployTransaction(registry.address, provenance.address));
		const distributor = await put(
			"RewardDistributor",
			new factories.RewardDistributor().getDeployTransaction(book.address, activationDelay, guardian),
		);
		const channels = await put("PaymentChannels", new factories.PaymentChannels().getDeployTransaction(token.address));
		const deployment: Deployment = {
			schema: "openledger.deployment.v1",
			chainId: await chainOf(signer.provider as Provider),
			contracts: {
				OpenToken: token.address,
				ProvenanceRegistry: provenance.address,
				VerifierRouter: router.address,
				ContributionRegistry: registry.address,
				EpochBook: book.address,
				RewardDistributor: distributor.address,
				PaymentChannels: channels.address,
			},
			verifiers: {},
			block: token.block,
		};
		return { deployment: await register(steps, deployment, sources), steps: steps.done };
	});
}

/**
 * Deploys and registers verifiers on an existing deployment; skips circuits that have their route already.
 *
 * @param options.signer owner of the VerifierRouter
 * @param options.deployment is not changed
 * @returns the deployment with all given circuits in it
 * @throws LedgerError `transaction.*`, `node.*`, `input.invalid`; `deployment.invalid` when a circuit was stopped
 */
export async function addVerifiers(options: {
	signer: Signer;
	deployment: Deployment;
	verificationKeys: readonly VerificationKey[];
	onStep?: (step: DeployStep) => void;
}): Promise<Deployed> {
	const { signer, deployment, verificationKeys, onStep } = options;
	const sender = await senderOf(signer);
	const { router } = contractsAt(deployment.contracts, signer.provider as Provider);
	const verifiers: Record<string, DeployedVerifier> = { ...deployment.verifiers };
	const wanted: VerificationKey[] = [];
	for (const key of verificationKeys) {
		const route = await router.routeOf(key.circuitId).catch(rethrow);
		const status = nameOf(routeStatuses, route.status);
		if (status === "Stopped") {
			throw new LedgerError("deployment.invalid", `addVerifiers: expected a route for ${key.id}, but it was stopped`, {
				hint: "A stopped circuit never comes back. Set up the statement with another key.",
			});
		}
		if (status === "Active") verifiers[key.circuitId] = { address: route.verifier, statement: key.statement, id: key.id };
		else wanted.push(key);
	}
	const sources = render(wanted);
	return sender.alone(async () => {
		const steps = new Steps(sender, 2 * sources.size, onStep);
		return { deployment: await register(steps, { ...deployment, verifiers }, sources), steps: steps.done };
	});
}

/** One fact of a deployment, held against the chain. */
export interface DeploymentCheck {
	readonly name: string;
	readonly ok: boolean;
	/** what was found, or what was expected instead */
	readonly detail: string;
}

/**
 * Holds a chain against a deployment: code is present, the contracts name each other, each route leads to its verifier and each
 * verifier's key is the one that its circuit id names. With the verification keys also: the verifiers' code is, byte for byte, what
 * our template and the pinned compiler make of the keys. Without them a verifier is believed to hold the key that it shows.
 *
 * @param verificationKeys keys to compile and compare; circuits without a key here are checked without
 * @returns every check, the failed ones included; not an error
 * @throws LedgerError `node.*` when the chain does not answer
 */
export async function checkDeployment(
	provider: Provider,
	deployment: Deployment,
	verificationKeys: readonly VerificationKey[] = [],
): Promise<DeploymentCheck[]> {
	const checks: DeploymentCheck[] = [];
	const hold = async (name: string, expected: string, read: () => Promise<unknown>) => {
		const actual = await read().then(String, (error: unknown) => {
			const decoded = decodeError(error);
			if (decoded.code.startsWith("node.")) throw decoded;
			return `no answer (${decoded.message})`;
		});
		const ok = actual.toLowerCase() === expected.toLowerCase();
		checks.push({ name, ok, detail: ok ? actual : `expected ${expected}, got ${actual}` });
	};
	const hasCode = async (address: string) => ((await provider.getCode(address)) === "0x" ? "no code" : "code");

	const { contracts } = deployment;
	const { token, router, registry, book, distributor, channels } = contractsAt(contracts, provider);
	await hold("chain id", String(deployment.chainId), () => chainOf(provider));
	for (const name of contractNames) await hold(`${name} has code`, "code", () => hasCode(contracts[name]));
	await hold("OpenToken supply", String(10n ** 27n), () => token.totalSupply());
	await hold("ContributionRegistry.token", contracts.OpenToken, () => registry.token());
	await hold("ContributionRegistry.router", contracts.VerifierRouter, () => registry.router());
	await hold("ContributionRegistry.distributor", contracts.RewardDistributor, () => registry.distributor());
	await hold("EpochBook.registry", contracts.ContributionRegistry, () => book.registry());
	await hold("EpochBook.router", contracts.VerifierRouter, () => book.router());
	await hold("EpochBook.provenance", contracts.ProvenanceRegistry, () => book.provenance());
	await hold("RewardDistributor.token", contracts.OpenToken, () => distributor.token());
	await hold("RewardDistributor.registry", contracts.ContributionRegistry, () => distributor.registry());
	await hold("RewardDistributor.book", contracts.EpochBook, () => distributor.book());
	await hold("RewardDistributor.router", contracts.VerifierRouter, () => distributor.router());
	await hold("PaymentChannels.token", contracts.OpenToken, () => channels.token());

	const keys = verificationKeys.filter((key) => key.circuitId in deployment.verifiers);
	const compiled = await compile(render(keys));
	for (const [circuitId, verifier] of Object.entries(deployment.verifiers)) {
		const contract = verifierAt(verifier.address, provider);
		const label = `verifier ${verifier.id}`;
		await hold(`${label}: route`, `${verifier.address} Active`, async () => {
			const route = await router.routeOf(circuitId);
			return `${route.verifier} ${nameOf(routeStatuses, route.status)}`;
		});
		await hold(`${label}: circuit id`, circuitId, () => contract.circuitId());
		await hold(`${label}: statement`, verifier.id, () => contract.statement());
		await hold(`${label}: key points`, circuitId, async () =>
			keccak256(solidityPacked(["bytes", "bytes"], [toUtf8Bytes(await contract.statement()), (await contract.keyPoints()) as BytesLike])),
		);
		const artifact = compiled[verifierName(circuitId)];
		if (artifact !== undefined) {
			await hold(`${label}: code`, keccak256(artifact.deployedBytecode), async () => keccak256(await provider.getCode(verifier.address)));
		}
	}
	return checks;
}

interface Rendered {
	readonly name: string;
	readonly source: string;
	readonly key: VerificationKey;
}

/** Solidity sources by circuit id; a key given twice counts once. */
function render(keys: readonly VerificationKey[]): Map<string, Rendered> {
	const result = new Map<string, Rendered>();
	for (const key of keys) {
		const name = verifierName(key.circuitId);
		try {
			result.set(key.circuitId, { name, source: renderVerifier(key, name), key });
		} catch (cause) {
			throw new LedgerError("input.invalid", (cause as Error).message, { hint: "The key file is damaged; make it again.", cause });
		}
	}
	return result;
}

async function compile(sources: ReadonlyMap<string, Rendered>): Promise<Awaited<ReturnType<typeof compileVerifiers>>> {
	if (sources.size === 0) return {};
	return compileVerifiers(Object.fromEntries([...sources.values()].map(({ name, source }) => [name, source])));
}

/** A name that no two keys share; it leaves no trace in the bytecode. */
function verifierName(circuitId: string): string {
	return `Verifier_${circuitId.slice(2)}`;
}

async function register(steps: Steps, deployment: Deployment, sources: ReadonlyMap<string, Rendered>): Promise<Deployment> {
	const artifacts = await compile(sources);
	const verifiers: Record<string, DeployedVerifier> = { ...deployment.verifiers };
	const router = factories.VerifierRouter.createInterface();
	for (const [circuitId, { name, key }] of sources) {
		const { address } = await steps.create(`verifier ${key.id}`, { data: artifacts[name]?.bytecode ?? null });
		const data = router.encodeFunctionData("register", [address]);
		await steps.take(`register ${key.id}`, { to: deployment.contracts.VerifierRouter, data });
		verifiers[circuitId] = { address, statement: key.statement, id: key.id };
	}
	return { ...deployment, verifiers };
}

/** A sequence of transactions that reports each one. */
class Steps {
	readonly done: DeployStep[] = [];
	readonly #sender: Sender;
	readonly #total: number;
	readonly #onStep: ((step: DeployStep) => void) | undefined;

	constructor(sender: Sender, total: number, onStep: ((step: DeployStep) => void) | undefined) {
		this.#sender = sender;
		this.#total = total;
		this.#onStep = onStep;
	}

	async take(name: string, request: TransactionRequest) {
		const receipt = await this.#sender.send(request);
		const step = { step: this.done.length + 1, steps: this.#total, name, hash: receipt.hash, gasUsed: receipt.gasUsed };
		this.done.push(step);
		this.#onStep?.(step);
		return receipt;
	}

	async create(name: string, request: TransactionRequest): Promise<{ address: string; block: number }> {
		const receipt = await this.take(`deploy ${name}`, request);
		return { address: receipt.contractAddress as string, block: receipt.blockNumber };
	}
}

async function chainOf(provider: Provider): Promise<number> {
	return Number((await provider.getNetwork()).chainId);
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
