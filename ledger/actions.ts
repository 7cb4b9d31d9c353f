/** What all clients of the contracts share: one key on one deployment, one transaction per action, approve-then-spend, permits, and trial runs. */
import { type ContractTransaction, Signature, type Signer } from "ethers";
import { type Contracts, contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { decodeLogs, type LedgerLog } from "./logs.ts";
import { RECEIPT_DEADLINE_MS, type Sender, senderOf } from "./sender.ts";

/** A transaction in a block. In a trial run nothing is sent: `hash` is empty, there are no logs, and `gasUsed` is the node's estimate. */
export interface Outcome {
	readonly hash: string;
	readonly blockNumber: number;
	readonly gasUsed: bigint;
	/** events of our contracts, in order */
	readonly logs: readonly LedgerLog[];
}

/** How a client is opened. */
export interface ActionOptions {
	readonly deployment: Deployment;
	/** a wallet that holds its key, connected to a node of the deployment's chain */
	readonly signer: Signer;
	/** longest wait for one receipt, 120,000 by default */
	readonly deadlineMs?: number;
	/** whether transactions are only estimated and never sent */
	readonly trial?: boolean;
}

/** An approval that is signed and goes along with the call that spends (ERC-2612). */
export interface Permit {
	/** last second of its validity */
	readonly deadline: bigint;
	readonly v: number;
	readonly r: string;
	readonly s: string;
}

/** How long a permit stays valid, in seconds after the latest block. */
const PERMIT_LIFE = 3_600n;

/** ERC-2612. */
const permit = {
	Permit: [
		{ name: "owner", type: "address" },
		{ name: "spender", type: "address" },
		{ name: "value", type: "uint256" },
		{ name: "nonce", type: "uint256" },
		{ name: "deadline", type: "uint256" },
	],
};

/** The actions of one key on one deployment. Any number may run at once. */
export abstract class Actions {
	readonly deployment: Deployment;
	readonly address: string;
	protected readonly contracts: Contracts;
	protected readonly sender: Sender;
	protected readonly signer: Signer;
	readonly #deadlineMs: number;
	readonly #trial: boolean;

	/** Use {@link open}, which holds the signer's chain against the deployment. */
	constructor(options: ActionOptions, sender: Sender) {
		const { deployment, signer, deadlineMs = RECEIPT_DEADLINE_MS, trial = false } = options;
		this.deployment = deployment;
		this.address = sender.address;
		this.contracts = contractsAt(deployment.contracts, signer);
		this.sender = sender;
		this.signer = signer;
		this.#deadlineMs = deadlineMs;
		this.#trial = trial;
	}

	/** @throws LedgerError `node.wrong-chain`, `node.unreachable`, `input.invalid` */
	static async open<Client extends Actions>(
		this: new (
			options: ActionOptions,
			sender: Sender,
		) => Client,
		options: ActionOptions,
	): Promise<Client> {
		const { deployment, signer } = options;
		const sender = await senderOf(signer);
		const chainId = await signer.provider?.getNetwork().then((network) => Number(network.chainId), rethrow);
		if (chainId !== deployment.chainId) {
			throw new LedgerError("node.wrong-chain", `open: expected chain ${deployment.chainId}, got ${chainId}`, {
				hint: "Use the deployment file of this chain.",
			});
		}
		return new this(options, sender);
	}

	/** Approves what is missing, then spends, with no other spending of this key in between. */
	protected spending<Result>(
		spender: string,
		amount: bigint,
		spend: () => Promise<Result>,
	): Promise<Result & { approval: Outcome | undefined }> {
		return this.sender.alone(async () => {
			const { token } = this.contracts;
			const allowance = await token.allowance(this.address, spender).catch(rethrow);
			const approval = allowance >= amount ? undefined : await this.send(token.approve.populateTransaction(spender, amount));
			return { ...(await spend()), approval };
		});
	}

	/** Signs a permit and sends the call that uses it, with no other spending of this key in between: permits are numbered. */
	protected permitted(spender: string, amount: bigint, call: (permit: Permit) => Promise<ContractTransaction>): Promise<Outcome> {
		return this.sender.alone(async () => this.send(call(await this.#permit(spender, amount))));
	}

	async #permit(spender: string, value: bigint): Promise<Permit> {
		const { token } = this.contracts;
		const [domain, nonce, block] = await Promise.all([
			token.eip712Domain().catch(rethrow),
			token.nonces(this.address).catch(rethrow),
			this.signer.provider?.getBlock("latest").catch(rethrow),
		]);
		const { name, version, chainId, verifyingContract } = domain;
		const deadline = BigInt(block?.timestamp ?? 0) + PERMIT_LIFE;
		const message = { owner: this.address, spender, value, nonce, deadline };
		const signed = await this.signer.signTypedData({ name, version, chainId, verifyingContract }, permit, message).catch(rethrow);
		const { v, r, s } = Signature.from(signed);
		return { deadline, v, r, s };
	}

	/** Sends a call and waits for its receipt; in a trial run, asks the node what it would take. */
	protected async send(call: Promise<ContractTransaction>): Promise<Outcome> {
		const request = await call.catch(rethrow);
		if (this.#trial) {
			const gasUsed = await this.signer.estimateGas(request).catch(rethrow);
			return { hash: "", blockNumber: 0, gasUsed, logs: [] };
		}
		const receipt = await this.sender.send(request, this.#deadlineMs);
		const logs = decodeLogs(this.deployment.contracts, receipt.logs);
		return { hash: receipt.hash, blockNumber: receipt.blockNumber, gasUsed: receipt.gasUsed, logs };
	}
}

/** @throws LedgerError always, made of what was caught */
export function rethrow(error: unknown): never {
	throw decodeError(error);
}
