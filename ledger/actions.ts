/** What all clients of the contracts share: one key on one deployment, one transaction per action, approve-then-spend, and trial runs. */
import type { ContractTransaction, Signer } from "ethers";
import { type Contracts, contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { decodeError, LedgerError } from "./errors.ts";
import { decodeLogs, type LedgerLog } from "./logs.ts";
import { type Permit, signPermit } from "./permit.ts";
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

/** The actions of one key on one deployment. Any number may run at once. */
export abstract class Actions {
	readonly deployment: Deployment;
	readonly address: string;
	protected readonly contracts: Contracts;
	protected readonly sender: Sender;
	protected readonly signer: Signer;
	/** whether nothing is sent */
	protected readonly trial: boolean;
	readonly #deadlineMs: number;

	/** Use {@link open}, which holds the signer's chain against the deployment. */
	constructor(options: ActionOptions, sender: Sender) {
		const { deployment, signer, deadlineMs = RECEIPT_DEADLINE_MS, trial = false } = options;
		this.deployment = deployment;
		this.address = sender.address;
		this.contracts = contractsAt(deployment.contracts, signer);
		this.sender = sender;
		this.signer = signer;
		this.#deadlineMs = deadlineMs;
		this.trial = trial;
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
	protected permitted(spender: string, value: bigint, call: (permit: Permit) => Promise<ContractTransaction>): Promise<Outcome> {
		const { token } = this.contracts;
		return this.sender.alone(async () => this.send(call(await signPermit(this.signer, { token, spender, value }))));
	}

	/** Sends a call and waits for its receipt; in a trial run, asks the node what it would take. */
	protected async send(call: Promise<ContractTransaction>): Promise<Outcome> {
		const request = await call.catch(rethrow);
		if (this.trial) {
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
