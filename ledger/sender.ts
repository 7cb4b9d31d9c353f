/**
 * Sending transactions from one key: in order, and never twice.
 *
 * - Numbers (nonces) are given one after the other, however many sends are started at once; receipts are awaited side by side.
 * - A transaction is signed once. When an answer is lost, the same bytes are sent again: a chain takes them at most once.
 * - New bytes are signed only when the node refused the first try outright because the number was taken; then the old
 *   bytes were never accepted anywhere. In any doubt the error carries the hash, and nothing is sent.
 */
import { keccak256, type Provider, type Signer, type TransactionReceipt, type TransactionRequest } from "ethers";
import { decodeError, LedgerError, revertError } from "./errors.ts";

/** Tries per transaction when the node does not answer. */
const TRIES = 4;
/** Gas is estimated before the transactions of others that come first; they may make ours dearer by a few storage slots. */
const GAS_MARGIN = 120n;
/** The most gas of one transaction (EIP-7825). The margin must not carry a transaction over it that fits. */
const GAS_CAP = 2n ** 24n;

/** The default deadline for a receipt, in milliseconds. */
export const RECEIPT_DEADLINE_MS = 120_000;

const senders = new WeakMap<Provider, Map<string, Sender>>();

/**
 * The sender of a key on a connection; the same object for every wallet object of that key and connection.
 *
 * @param signer a wallet that holds its key and has a provider
 * @throws LedgerError `input.invalid` when the signer has no provider
 */
export async function senderOf(signer: Signer): Promise<Sender> {
	const provider = signer.provider;
	if (provider === null) {
		throw new LedgerError("input.invalid", "senderOf: expected a signer with a provider", {
			hint: "Connect the wallet to a node: wallet.connect(await connect({ url })).",
		});
	}
	const address = await signer.getAddress();
	const known = senders.get(provider) ?? new Map<string, Sender>();
	senders.set(provider, known);
	const sender = known.get(address) ?? new Sender(signer, provider, address);
	known.set(address, sender);
	return sender;
}

/** One key on one connection. Get it from {@link senderOf}. */
export class Sender {
	readonly address: string;
	readonly #signer: Signer;
	readonly #provider: Provider;
	/** ends when all earlier transactions have their number and are sent */
	#placed: Promise<unknown> = Promise.resolve();
	/** ends when all earlier exclusive tasks are done */
	#exclusive: Promise<unknown> = Promise.resolve();
	#inFlight = 0;
	/** the number after the last one given */
	#next = 0;
	/** the number after the last one in a block; nodes behind one address may lag */
	#floor = 0;

	constructor(signer: Signer, provider: Provider, address: string) {
		this.#signer = signer;
		this.#provider = provider;
		this.address = address;
	}

	/**
	 * Sends a transaction and waits until it is in a block.
	 *
	 * @param request to, data, value; the rest is filled in. Gas is estimated first, so a call that must fail costs nothing
	 * @param deadlineMs longest wait for the receipt
	 * @throws LedgerError any `transaction.*` or `node.*`; with `transaction` set when it was or may have been sent
	 */
	async send(request: TransactionRequest, deadlineMs: number = RECEIPT_DEADLINE_MS): Promise<TransactionReceipt> {
		const deadline = Date.now() + deadlineMs;
		const placed = this.#placed.then(() => this.#place(request, deadline));
		this.#placed = placed.catch(() => {});
		const { hash, nonce } = await placed;
		try {
			const receipt = await this.#receipt(hash, deadline);
			this.#floor = Math.max(this.#floor, nonce + 1);
			if (receipt.status === 1) return receipt;
			throw await this.#reason(request, receipt);
		} finally {
			this.#inFlight -= 1;
		}
	}

	/**
	 * Runs a task of several transactions that no other such task of this key may interleave, such as approve-then-spend.
	 * Do not nest.
	 */
	alone<Result>(task: () => Promise<Result>): Promise<Result> {
		const result = this.#exclusive.then(task);
		this.#exclusive = result.catch(() => {});
		return result;
	}

	/**
	 * The number that the next transaction gets if nothing else is sent before it.
	 *
	 * @throws LedgerError `node.*`
	 */
	async nextNonce(): Promise<number> {
		const pending = await this.#provider.getTransactionCount(this.address, "pending").catch((error: unknown) => {
			throw decodeError(error);
		});
		// What was given is trusted only while something is under way: a dropped transaction must not block the key for ever.
		return Math.max(pending, this.#floor, this.#inFlight > 0 ? this.#next : 0);
	}

	/** Gives a number, signs and sends. One at a time. */
	async #place(request: TransactionRequest, deadline: number): Promise<{ hash: string; nonce: number }> {
		try {
			const gas = await this.#provider.estimateGas({ ...request, from: this.address });
			const roomy = (gas * GAS_MARGIN) / 100n;
			const gasLimit = gas <= GAS_CAP && roomy > GAS_CAP ? GAS_CAP : roomy;
			while (true) {
				const nonce = await this.nextNonce();
				const filled = await this.#signer.populateTransaction({ ...request, gasLimit, nonce });
				const raw = await this.#signer.signTransaction(filled);
				const hash = keccak256(raw);
				if (await this.#broadcast(raw, hash, deadline)) {
					this.#inFlight += 1;
					this.#next = nonce + 1;
					return { hash, nonce };
				}
				if (Date.now() > deadline) throw timeout("expected a free transaction number before the deadline");
				await delay(this.#interval);
			}
		} catch (error) {
			throw decodeError(error);
		}
	}

	/** @returns true when the node has the transaction, false when its number was taken and it was never sent */
	async #broadcast(raw: string, hash: string, deadline: number): Promise<boolean> {
		for (let tries = 1; ; tries += 1) {
			try {
				await this.#provider.broadcastTransaction(raw);
				return true;
			} catch (cause) {
				if (await this.#isKnown(hash)) return true;
				const error = decodeError(cause);
				const taken = error.code === "transaction.nonce";
				if (taken && tries === 1) return false;
				// An earlier try may have arrived and be in a block that this node has not seen: never sign anew here.
				const lost = error.code === "node.unreachable";
				if (!taken && !lost) throw error;
				if (tries === TRIES || Date.now() > deadline) throw doubt(hash, error);
				await delay(100 * 2 ** tries);
			}
		}
	}

	async #isKnown(hash: string): Promise<boolean> {
		// No answer is no knowledge; the caller asks again.
		const found = await this.#provider.getTransaction(hash).catch(() => null);
		return found !== null;
	}

	async #receipt(hash: string, deadline: number): Promise<TransactionReceipt> {
		while (true) {
			// A failed look-up is repeated until the deadline: the transaction is on its way whatever the node answers now.
			const receipt = await this.#provider.getTransactionReceipt(hash).catch(() => null);
			if (receipt !== null) return receipt;
			if (Date.now() > deadline) throw timeout(`expected a receipt of ${hash} before the deadline`, hash);
			await delay(this.#interval);
		}
	}

	/** Why a transaction in a block failed: the same call after that block, for mostly another transaction in it came first. */
	async #reason(request: TransactionRequest, receipt: TransactionReceipt): Promise<LedgerError> {
		const call = { ...request, from: this.address, blockTag: receipt.blockNumber };
		const error = await this.#provider.call(call).then(() => undefined, decodeError);
		if (error?.revert === undefined) return revertError("0x", { transaction: receipt.hash });
		const { message, hint, revert } = error;
		return new LedgerError("transaction.reverted", message, { hint, revert, transaction: receipt.hash });
	}

	/** Milliseconds between two looks. */
	get #interval(): number {
		return (this.#provider as Provider & { pollingInterval?: number }).pollingInterval ?? 2_000;
	}
}

function delay(milliseconds: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function timeout(message: string, transaction?: string): LedgerError {
	return new LedgerError("transaction.timeout", message, {
		hint: "Look the transaction up before you send anything again: it may still be taken into a block.",
		...(transaction === undefined ? {} : { transaction }),
	});
}

function doubt(transaction: string, cause: LedgerError): LedgerError {
	return new LedgerError("transaction.timeout", `it is not known whether transaction ${transaction} was sent: ${cause.message}`, {
		hint: "Look the transaction up before you send anything again: it may be in a block.",
		cause,
		transaction,
	});
}
