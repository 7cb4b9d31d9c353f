/**
 * Where our contracts are on a chain, as data; how they get there; and whether a chain is what the data says.
 *
 * What is deployed and with what stands in `deployment/plan.ts`. A deployment may be stopped and run again at any time: what is there, with
 * the code that is expected, is left alone.
 */
import { type BytesLike, keccak256, type Provider, type Signer, solidityPacked, toUtf8Bytes, ZeroAddress } from "ethers";
import { contracts as artifactsOfAll } from "../verifier-contracts/compile.ts";
import type { Artifact } from "../verifier-contracts/solc.ts";
import type { VerificationKey } from "../verifier-contracts/template/verifier.ts";
import { type Addresses, contractsAt, deployerAt, factories, verifierAt } from "./contracts.ts";
import { compareCode } from "./deployment/code.ts";
import { addressesOf, create3Address, creation, DEPLOYER, deployerCreation, ensureProxy } from "./deployment/create3.ts";
import { rows, type ServiceTerms, saltOf, services, slowCalls, type Terms } from "./deployment/plan.ts";
import { type DeployStep, type Task, take } from "./deployment/steps.ts";
import { type CompiledVerifier, compileKeys, verifierName } from "./deployment/verifiers.ts";
import { nameOf, type RouteStatus, routeStatuses } from "./enums.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { DEVNET_CHAIN } from "./node.ts";
import { senderOf } from "./sender.ts";

export type { DeployStep };

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
	/** the key that had the contracts created, and the salt: the addresses follow from them */
	readonly sender: string;
	readonly salt: string;
	/** what the contracts were given */
	readonly terms: Terms;
	/** tells deployments with the same terms apart; the salt follows from terms and label */
	readonly label: string;
}

/** What a deployment is asked for. */
export interface DeployOptions {
	/** pays the gas; holds its key and has a provider */
	readonly signer: Signer;
	/** receives the whole token supply and charged stakes; the timelock by default */
	readonly treasury?: string;
	/** first member of the Guardian */
	readonly guardian: string;
	/** seconds of the member's term, 366 days by default */
	readonly guardianTerm?: number;
	/** seconds from a posted payout to the first claim, at most 30 days */
	readonly activationDelay: number;
	/** keys to register; development keys on chain 31337 only */
	readonly verificationKeys: readonly VerificationKey[];
	/** adds routes later on and appoints the Guardian's member: an address, or "timelock"; by default the timelock, on chain 31337 the signer */
	readonly owner?: string;
	/** votes for the treasury until a proposal delegates elsewhere; needed where the timelock is the treasury of a real chain */
	readonly delegate?: string;
	/** tells deployments of one key with the same terms apart; "" by default */
	readonly label?: string;
}

/** What a deployment did. */
export interface Deployed {
	readonly deployment: Deployment;
	readonly steps: readonly DeployStep[];
}

/** What a deployment would do. */
export interface Planned {
	/** its `block` is 0 unless all contracts are there */
	readonly deployment: Deployment;
	readonly tasks: readonly Task[];
}

/** The longest term of a Guardian's member, in seconds. */
const GUARDIAN_TERM = 366 * 86_400;
/** Stands for the timelock of the deployment itself, whose address follows from the terms. */
const TIMELOCK = "timelock";

/**
 * Deploys all contracts and one verifier per key, or what is missing of them. Addresses follow from the signer, the terms and the label.
 *
 * The first routes are named at the router's construction, so nobody needs to be its owner for a moment: see `VerifierRouter`.
 *
 * @param options.onStep told of each transaction when it is in a block
 * @throws LedgerError `transaction.*`, `node.*`, `input.invalid` for a key that does not fit its circuit id; `deployment.invalid` when
 *   other code is at an address of ours, or the chain lacks the CREATE2 proxy
 */
export async function deploy(options: DeployOptions & { readonly onStep?: (step: DeployStep) => void }): Promise<Deployed> {
	const { signer, onStep } = options;
	const provider = signer.provider as Provider;
	const sender = await senderOf(signer);
	return sender.alone(async () => {
		await ensureProxy(sender, provider);
		const { deployment, tasks } = await planDeployment(options);
		const steps = await take(sender, tasks, onStep);
		return { deployment: { ...deployment, block: await firstBlock(provider, deployment.contracts) }, steps };
	});
}

/**
 * What {@link deploy} would do: every address, and the transactions that are missing.
 *
 * @throws as {@link deploy}, without `transaction.*`
 */
export async function planDeployment(options: DeployOptions): Promise<Planned> {
	const { signer, verificationKeys, label = "" } = options;
	const provider = signer.provider as Provider;
	const sender = await signer.getAddress();
	const verifiers = await compileKeys(verificationKeys);
	const chainId = Number((await provider.getNetwork()).chainId);
	const asked: Terms = {
		owner: options.owner ?? (chainId === DEVNET_CHAIN ? sender : TIMELOCK),
		treasury: options.treasury ?? TIMELOCK,
		guardian: options.guardian,
		guardianTerm: options.guardianTerm ?? GUARDIAN_TERM,
		activationDelay: options.activationDelay,
		delegate: options.delegate ?? ZeroAddress,
		initial: verifiers.map(({ codeHash }) => codeHash),
	};
	if (asked.treasury === TIMELOCK && asked.delegate === ZeroAddress && chainId !== DEVNET_CHAIN) {
		throw new LedgerError("input.invalid", "deploy: expected a delegate for the treasury's votes, got none", {
			hint: "The timelock holds the whole supply: without a delegate nobody could ever propose. Name one, or another treasury.",
		});
	}
	const salt = saltOf(asked, label);
	const contracts = addressesOf(sender, salt);
	const resolved = (who: string) => (who === TIMELOCK ? contracts.OpenTimelock : who);
	const terms = { ...asked, owner: resolved(asked.owner), treasury: resolved(asked.treasury) };
	const draft: Deployment = { schema: "openledger.deployment.v1", chainId, contracts, verifiers: {}, block: 0, sender, salt, terms, label };

	const tasks: Task[] = [];
	const artifacts = await artifactsOfAll();
	if (!(await isThere(provider, "Deployer", DEPLOYER, artifacts.Deployer)))
		tasks.push({ name: "deploy Deployer", request: deployerCreation });
	for (const { name, code } of await creationCodes(contracts, terms)) {
		if (await isThere(provider, name, contracts[name], artifacts[name])) continue;
		tasks.push({ name: `deploy ${name}`, request: creation(name, salt, code) });
	}
	const added = await planVerifiers(provider, draft, sender, verifiers);
	return { deployment: added.deployment, tasks: [...tasks, ...added.tasks] };
}

/** Verifiers for a deployment. */
export interface VerifierOptions {
	readonly signer: Signer;
	/** is not changed */
	readonly deployment: Deployment;
	readonly verificationKeys: readonly VerificationKey[];
}

/** What verifiers still need from others. */
interface Routes {
	/** calls that only the router's owner may make, where that is not the signer: "VerifierRouter.register(0x...)", as a proposal takes them */
	readonly calls: readonly string[];
}

/**
 * Deploys and registers verifiers on an existing deployment; skips circuits that have their route already. Where another account owns the
 * VerifierRouter (governance, as a rule), and the verifiers are not among its first, their routes are left to its owner.
 *
 * @returns the deployment with all given circuits in it, also with those whose routes are left to the owner
 * @throws LedgerError `transaction.*`, `node.*`, `input.invalid`; `deployment.invalid` when a circuit was stopped
 */
export async function addVerifiers(
	options: VerifierOptions & { readonly onStep?: (step: DeployStep) => void },
): Promise<Deployed & Routes> {
	const sender = await senderOf(options.signer);
	return sender.alone(async () => {
		const { deployment, tasks, calls } = await planAddition(options);
		return { deployment, calls, steps: await take(sender, tasks, options.onStep) };
	});
}

/** What {@link addVerifiers} would do. @throws as {@link addVerifiers}, without `transaction.*` */
export async function planAddition({ signer, deployment, verificationKeys }: VerifierOptions): Promise<Planned & Routes> {
	const verifiers = await compileKeys(verificationKeys);
	return planVerifiers(signer.provider as Provider, deployment, await signer.getAddress(), verifiers);
}

/** The creation of verifiers and of their routes, as far as they are missing. */
async function planVerifiers(
	provider: Provider,
	deployment: Deployment,
	sender: string,
	verifiers: readonly CompiledVerifier[],
): Promise<Planned & Routes> {
	const { router } = contractsAt(deployment.contracts, provider);
	const known: Record<string, DeployedVerifier> = { ...deployment.verifiers };
	const tasks: Task[] = [];
	const calls: string[] = [];
	const hasRouter = (await provider.getCode(deployment.contracts.VerifierRouter)) !== "0x";
	const owner = hasRouter ? await router.owner().catch(rethrow) : sender;
	for (const { key, artifact, codeHash } of verifiers) {
		const { circuitId, statement, id } = key;
		const route = hasRouter ? await router.routeOf(circuitId).catch(rethrow) : undefined;
		const status: RouteStatus = route === undefined ? "Unknown" : nameOf(routeStatuses, route.status);
		if (status === "Stopped") {
			throw new LedgerError("deployment.invalid", `addVerifiers: expected a route for ${id}, but it was stopped`, {
				hint: "A stopped circuit never comes back. Set up the statement with another key.",
			});
		}
		const address = status === "Active" ? (route?.verifier as string) : create3Address(sender, verifierName(circuitId), deployment.salt);
		known[circuitId] = { address, statement, id };
		if (status === "Active") continue;
		if (!(await isThere(provider, `verifier ${id}`, address, artifact))) {
			tasks.push({ name: `deploy verifier ${id}`, request: creation(verifierName(circuitId), deployment.salt, artifact.bytecode) });
		}
		const initial = hasRouter ? await router.isInitial(codeHash).catch(rethrow) : deployment.terms.initial.includes(codeHash);
		if (!initial && owner !== sender) {
			calls.push(`VerifierRouter.register(${address})`);
			continue;
		}
		const call = initial ? "registerInitial" : "register";
		const data = factories.VerifierRouter.createInterface().encodeFunctionData(call as "register", [address]);
		tasks.push({ name: `register ${id}`, request: { to: deployment.contracts.VerifierRouter, data } });
	}
	return { deployment: { ...deployment, verifiers: known }, tasks, calls };
}

/** Whether a contract of ours is at an address. @throws LedgerError `deployment.invalid` when something else is */
async function isThere(provider: Provider, name: string, address: string, artifact: Artifact): Promise<boolean> {
	const code = await provider.getCode(address).catch(rethrow);
	if (code === "0x") return false;
	const found = compareCode(artifact, code);
	if (found === "same") return true;
	throw new LedgerError("deployment.invalid", `deploy: expected ${name} or nothing at ${address}, got other code: ${found}`, {
		hint: "Another version of the contracts was deployed with this key and these terms. Deploy with another label.",
	});
}

/** Each contract's creation code with its arguments. */
async function creationCodes(at: Addresses, terms: Terms) {
	return Promise.all(
		rows.map(async ([name, { create }]) => {
			const factory = new factories[name]() as { getDeployTransaction(...given: unknown[]): Promise<{ data: string }> };
			return { name, code: (await factory.getDeployTransaction(...create(at, terms))).data };
		}),
	);
}

async function firstBlock(provider: Provider, contracts: Addresses): Promise<number> {
	const deployer = deployerAt(DEPLOYER, provider);
	const blocks = await Promise.all(Object.values(contracts).map((address) => deployer.blockOf(address).catch(rethrow)));
	return Math.min(...blocks.map(Number));
}

/** One fact of a deployment, held against the chain. */
export interface DeploymentCheck {
	readonly name: string;
	readonly ok: boolean;
	/** what was found, or what was expected instead */
	readonly detail: string;
}

/**
 * Holds a chain against a deployment: the file's salt follows from its terms, its addresses from sender and salt; each contract's code is, byte for byte, what the pinned compiler makes of our sources (immutables
 * left out); the contracts name each other and show the terms; each route leads to its verifier and each verifier's key is the one that
 * its circuit id names. With the verification keys also: the verifiers' code is what our template and the pinned compiler make of the
 * keys. Without them a verifier is believed to hold the key that it shows.
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
	const { contracts, terms } = deployment;
	await hold("chain id", String(deployment.chainId), async () => (await provider.getNetwork()).chainId);
	await hold("salt", deployment.salt, async () => derived(deployment).salt);
	const artifacts = await artifactsOfAll();
	const code = async (artifact: Artifact, address: string) => compareCode(artifact, await provider.getCode(address));
	for (const [name, { shows }] of rows) {
		await hold(`${name}: address`, contracts[name], async () => create3Address(deployment.sender, name, deployment.salt));
		await hold(`${name}: code`, "same", () => code(artifacts[name], contracts[name]));
		const contract = factories[name].connect(contracts[name], provider);
		for (const [getter, value] of Object.entries(shows?.(contracts, terms) ?? {})) {
			await hold(`${name}.${getter}`, String(value), () => contract.getFunction(getter)());
		}
	}

	const { router, vault, timelock } = contractsAt(contracts, provider);
	for (const { service, terms: expected } of services(contracts)) {
		const terms = ({ unbonding, appealWindow, cap, challengerShare }: ServiceTerms) =>
			`unbonding ${unbonding}, appeal window ${appealWindow}, cap ${cap}, challenger's share ${challengerShare}`;
		await hold(`StakeVault: terms of ${service}`, terms(expected), async () => terms(await vault.serviceOf(service)));
	}
	for (const { contract, name, target, selector } of slowCalls(contracts)) {
		await hold(`OpenTimelock: ${contract}.${name} is slow`, "true", () => timelock.isSlow(target, selector));
	}
	for (const [role, holder] of roles(contracts)) {
		await hold(`OpenTimelock: ${role}`, "true", async () => timelock.hasRole(await timelock.getFunction(role)(), holder));
	}
	const keys = verificationKeys.filter((key) => key.circuitId in deployment.verifiers);
	const compiled = new Map((await compileKeys(keys)).map((verifier) => [verifier.key.circuitId as string, verifier.artifact]));
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
		const artifact = compiled.get(circuitId);
		if (artifact !== undefined) await hold(`${label}: code`, "same", () => code(artifact, verifier.address));
	}
	return checks;
}

/** What follows from the rest of a deployment file: the salt from terms and label, the addresses from sender and salt. */
export function derived({ contracts, sender, salt, terms, label }: Deployment): { readonly salt: string; readonly contracts: Addresses } {
	const asked = (who: string) => (who === contracts.OpenTimelock ? TIMELOCK : who);
	return {
		salt: saltOf({ ...terms, owner: asked(terms.owner), treasury: asked(terms.treasury) }, label),
		contracts: addressesOf(sender, salt),
	};
}

/** Who may do what at the timelock. */
function roles({ OpenGovernor, OpenTimelock }: Addresses): [role: string, holder: string][] {
	return [
		["PROPOSER_ROLE", OpenGovernor],
		["CANCELLER_ROLE", OpenGovernor],
		["EXECUTOR_ROLE", ZeroAddress],
		["DEFAULT_ADMIN_ROLE", OpenTimelock],
	];
}

function rethrow(error: unknown): never {
	throw decodeError(error);
}
