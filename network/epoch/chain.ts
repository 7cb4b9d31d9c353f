/** The chain of a run: an embedded one that ends with it, or a node; the wallets that act; every transaction that was sent. */
import { setTimeout as wait } from "node:timers/promises";
import { type JsonRpcProvider, keccak256, toUtf8Bytes, Wallet } from "ethers";
import type { Outcome } from "../../ledger/actions.ts";
import { LedgerClient } from "../../ledger/client.ts";
import { addVerifiers, type Deployment, type DeployStep, deploy } from "../../ledger/deployment.ts";
import { type Devnet, startDevnet } from "../../ledger/devnet.ts";
import { LedgerError } from "../../ledger/errors.ts";
import { connect, DEVNET_CHAIN } from "../../ledger/node.ts";
import { LedgerReader } from "../../ledger/reader.ts";
import { senderOf } from "../../ledger/sender.ts";
import type { VerificationKey } from "../../prover/verification-key.ts";
import type { TransactionLine } from "./bundle.ts";
import type { Journal } from "./journal.ts";
import type { Progress } from "./progress.ts";

/** Coins that a contributor's wallet gets for gas. */
const GAS_MONEY = 10n ** 17n;
/** The longest that a run waits for a payout to become active on a chain whose clock it cannot move. */
const LONGEST_WAIT_S = 120n;

export interface ChainOptions {
	/** A node; embedded chain when absent. */
	readonly rpc?: string | undefined;
	/** Private key of the steward; an embedded chain brings its own. */
	readonly key?: string | undefined;
	/** Whether keys of the run are development keys, which are refused off chain 31337; true when absent. */
	readonly development?: boolean | undefined;
	readonly signal?: AbortSignal | undefined;
}

export class Chain {
	readonly provider: JsonRpcProvider;
	readonly embedded: boolean;
	readonly steward: Wallet;
	private readonly devnet: Devnet | undefined;
	private readonly journal: Journal;
	private readonly lines: TransactionLine[];
	private readonly clients = new Map<string, LedgerClient>();
	private opened: { deployment: Deployment; reader: LedgerReader } | undefined;

	private constructor(provider: JsonRpcProvider, steward: Wallet, devnet: Devnet | undefined, journal: Journal, lines: TransactionLine[]) {
		this.provider = provider;
		this.embedded = devnet !== undefined;
		this.steward = steward;
		this.devnet = devnet;
		this.journal = journal;
		this.lines = lines;
	}

	/**
	 * Starts the embedded chain or connects to the node.
	 * @throws LedgerError `node.unreachable`, `node.wrong-chain` (development keys work on chain 31337 alone), `devnet.*`
	 */
	static async open(options: ChainOptions, journal: Journal): Promise<Chain> {
		const { rpc, key, signal, development = true } = options;
		if (rpc !== undefined) {
			const provider = await connect({ url: rpc, ...(development ? { chainId: DEVNET_CHAIN } : {}) });
			const lines = ((await journal.recall("transactions")) ?? []) as TransactionLine[];
			return new Chain(provider, new Wallet(key as string, provider), undefined, journal, lines);
		}
		const devnet = await startDevnet(signal === undefined ? {} : { signal });
		try {
			const provider = await connect({ url: devnet.url });
			return new Chain(provider, new Wallet(devnet.keys[0] as string, provider), devnet, journal, []);
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	async close(): Promise<void> {
		this.provider.destroy();
		await this.devnet?.close();
	}

	get deployment(): Deployment {
		return this.ready().deployment;
	}

	get reader(): LedgerReader {
		return this.ready().reader;
	}

	/** Every transaction so far. */
	get transactions(): readonly TransactionLine[] {
		return this.lines;
	}

	/** A wallet that belongs to `name`, derived from the steward's key: the run plays every role. */
	wallet(name: string): Wallet {
		return new Wallet(keccak256(toUtf8Bytes(`openledger.wallet.v1/${this.steward.privateKey}/${name}`)), this.provider);
	}

	/** Deploys the contracts, or takes the deployment of the run that this one continues, and registers the keys. */
	async deploy(keys: readonly VerificationKey[], activationDelay: number, progress: Progress): Promise<void> {
		const treasury = this.wallet("treasury");
		const onStep = (step: DeployStep): void => {
			progress({ phase: "chain", done: step.step, total: step.steps, note: step.name });
		};
		const known = this.embedded ? undefined : ((await this.journal.recall("deployment")) as Deployment | undefined);
		const { deployment, steps } =
			known === undefined
				? await deploy({
						signer: this.steward,
						treasury: treasury.address,
						guardian: this.steward.address,
						activationDelay,
						verificationKeys: keys,
						onStep,
					})
				: await addVerifiers({ signer: this.steward, deployment: known, verificationKeys: keys, onStep });
		for (const { name, hash, gasUsed } of steps) {
			const receipt = await this.provider.getTransactionReceipt(hash);
			this.note(name, { hash, blockNumber: receipt?.blockNumber ?? 0, gasUsed });
		}
		await this.journal.keep("deployment", deployment);
		this.opened = { deployment, reader: new LedgerReader({ deployment, provider: this.provider }) };
		await this.giveGas(treasury.address);
	}

	/** The actions of a wallet. */
	async client(wallet: Wallet): Promise<LedgerClient> {
		const known = this.clients.get(wallet.address);
		if (known !== undefined) {
			return known;
		}
		const client = await LedgerClient.open({ deployment: this.deployment, signer: wallet });
		this.clients.set(wallet.address, client);
		return client;
	}

	/** Makes sure that a wallet holds coins for gas and at least `amount` wei of OPEN, from the treasury. */
	async equip(wallet: Wallet, amount: bigint): Promise<void> {
		if (wallet.address !== this.steward.address) {
			await this.giveGas(wallet.address);
		}
		const held = await this.reader.balance(wallet.address);
		if (held < amount) {
			const treasury = await this.client(this.wallet("treasury"));
			await this.act("transfer OPEN", () => treasury.transfer({ to: wallet.address, amount: amount - held }));
		}
	}

	/** Does something and keeps its transaction. */
	async act<T extends Outcome>(action: string, send: () => Promise<T>): Promise<T> {
		const outcome = await send();
		const { approval, deposit } = outcome as { approval?: Outcome; deposit?: Outcome };
		if (approval !== undefined) {
			this.note("approve", approval);
		}
		if (deposit !== undefined) {
			this.note("deposit stake", deposit);
		}
		this.note(action, outcome);
		if (!this.embedded) {
			await this.journal.keep("transactions", this.lines);
		}
		return outcome;
	}

	/** Lets time pass until `moment` (Unix seconds): moves a test chain's clock, else waits. @returns false when that would take too long */
	async reach(moment: bigint, signal: AbortSignal | undefined): Promise<boolean> {
		const left = moment - (await this.reader.now());
		if (left <= 0n) {
			return true;
		}
		try {
			await this.provider.send("evm_increaseTime", [Number(left)]);
			await this.provider.send("evm_mine", []);
			return true;
		} catch {
			// Not a chain whose clock can be moved.
		}
		if (left > LONGEST_WAIT_S) {
			return false;
		}
		while ((await this.reader.now()) < moment) {
			await wait(1000, undefined, signal === undefined ? {} : { signal });
		}
		return true;
	}

	private async giveGas(address: string): Promise<void> {
		if ((await this.provider.getBalance(address)) < GAS_MONEY / 2n) {
			const sender = await senderOf(this.steward);
			await sender.send({ to: address, value: GAS_MONEY }, 60_000);
		}
	}

	private note(action: string, { hash, blockNumber, gasUsed }: { hash: string; blockNumber: number; gasUsed: bigint }): void {
		this.lines.push({ action, hash, block: blockNumber, gasUsed: gasUsed.toString() });
	}

	private ready(): { deployment: Deployment; reader: LedgerReader } {
		if (this.opened === undefined) {
			throw new LedgerError("deployment.invalid", "Chain: expected a deployment, got none", { hint: "Deploy first." });
		}
		return this.opened;
	}
}
