/** A chain with the contracts and the people of a datanet. For tests of datanets. */
import { id as hash, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { LedgerClient } from "../client.ts";
import { disputeContext } from "../context.ts";
import { contractsAt } from "../contracts.ts";
import { DatanetReader } from "../datanet-reader.ts";
import { DatanetClient, type DatanetTerms } from "../datanets.ts";
import { type Deployment, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { connect } from "../node.ts";
import { disputeToy, R, simulate } from "./simulator.ts";

export const BOND = parseEther("10");
export const DAY = 86_400;
export const WINDOW = 3 * DAY;
export const PERIOD = 5 * DAY;
export const DISPUTE = 21 * DAY;

/** A running test chain. Account 0 is deployer, owner and treasury, 1 curator, 2 author, 3 challenger, 4 a stranger without OPEN. */
export class Nets {
	readonly devnet: Devnet;
	readonly provider: JsonRpcProvider;
	readonly deployment: Deployment;
	readonly ledger: readonly LedgerClient[];
	readonly owner: DatanetClient;
	readonly curator: DatanetClient;
	readonly author: DatanetClient;
	readonly challenger: DatanetClient;
	readonly stranger: DatanetClient;
	readonly reader: DatanetReader;
	readonly licence: string;

	private constructor(
		chain: { devnet: Devnet; provider: JsonRpcProvider; deployment: Deployment },
		ledger: readonly LedgerClient[],
		clients: readonly DatanetClient[],
		licence: string,
	) {
		this.devnet = chain.devnet;
		this.provider = chain.provider;
		this.deployment = chain.deployment;
		this.ledger = ledger;
		[this.owner, this.curator, this.author, this.challenger, this.stranger] = clients as [
			DatanetClient,
			DatanetClient,
			DatanetClient,
			DatanetClient,
			DatanetClient,
		];
		this.reader = new DatanetReader(chain);
		this.licence = licence;
	}

	static async build(): Promise<Nets> {
		const devnet = await startDevnet({ accounts: 5 });
		try {
			const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
			const wallets = devnet.keys.map((key) => new Wallet(key, provider));
			const first = wallets[0] as Wallet;
			const { address } = first;
			const { deployment } = await deploy({
				...{ signer: first, treasury: address, guardian: address, activationDelay: 0, verificationKeys: [disputeToy.key] },
			});
			const ledger = await Promise.all(wallets.map((signer) => LedgerClient.open({ deployment, signer })));
			const clients = await Promise.all(wallets.map((signer) => DatanetClient.open({ deployment, signer })));
			const treasury = ledger[0] as LedgerClient;
			for (const { address: to } of clients.slice(2, 4)) await treasury.transfer({ to, amount: 100n * BOND });
			const licence = await treasury.registerRecord({ kind: "Licence", digest: hash("licence") });
			return new Nets({ devnet, provider, deployment }, ledger, clients, licence.id);
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	/** The wallet of an account. */
	devnetWallet(account: number): Wallet {
		return new Wallet(this.devnet.keys[account] as string, this.provider);
	}

	terms(mode: DatanetTerms["mode"]): DatanetTerms {
		return {
			...{ mode, curator: this.curator.address, bond: BOND, maxRows: 1000, maxSubmissions: 3, challengeWindow: WINDOW },
			...(mode === "Curated" ? { decisionPeriod: PERIOD } : {}),
			...{ licence: this.licence, circuit: disputeToy.key.circuitId },
		};
	}

	async create(mode: DatanetTerms["mode"]): Promise<bigint> {
		return (await this.stranger.create(this.terms(mode))).datanet as bigint;
	}

	/** A Dataset record of one of the accounts. @param name of which the digest is made */
	async record(account: number, name: string): Promise<string> {
		return (await (this.ledger[account] as LedgerClient).registerRecord({ kind: "Dataset", digest: hash(name) })).id;
	}

	/** A submission of the author. */
	async submit(datanet: bigint, name: string): Promise<bigint> {
		return (await this.author.submit({ datanet, record: await this.record(2, name) })).submission as bigint;
	}

	/** A proof that a submission of `name` must go, for the challenger. @param original name of the earlier dataset */
	dispute(submission: bigint, name: string, original?: string) {
		const publics = [BigInt(hash(name)) % R, original === undefined ? 0n : BigInt(hash(original)) % R, 7n];
		const context = disputeContext(this.deployment, submission, this.challenger.address);
		return { publics: [7n], proof: simulate({ toy: disputeToy, context, publics }) };
	}

	/** Stake of an address with the datanets. */
	async stake(address: string): Promise<{ free: bigint; locked: bigint }> {
		const { vault } = contractsAt(this.deployment.contracts, this.provider);
		const { free, locked } = await vault.accountOf(this.deployment.contracts.Datanets, address);
		return { free, locked };
	}

	/** Moves the chain's clock. */
	async wait(seconds: number): Promise<void> {
		await this.provider.send("evm_increaseTime", [seconds]);
		await this.provider.send("evm_mine", []);
	}
}
