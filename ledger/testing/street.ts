/** A chain with the contracts and three people: a payer with OPEN, a payee and a stranger. For tests of channels. */
import { type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { ChannelReader } from "../channel-reader.ts";
import { ChannelClient } from "../channels.ts";
import { LedgerClient } from "../client.ts";
import { contractsAt } from "../contracts.ts";
import { type Deployment, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { connect } from "../node.ts";

export const FUNDS = parseEther("1000");
export const DAY = 86_400;

/** A running test chain. Account 0 is deployer and treasury, 1 payer, 2 payee, 3 a stranger; the last two hold no OPEN. */
export class Street {
	readonly devnet: Devnet;
	readonly provider: JsonRpcProvider;
	readonly deployment: Deployment;
	readonly treasury: LedgerClient;
	readonly wallets: readonly Wallet[];
	readonly payer: ChannelClient;
	readonly payee: ChannelClient;
	readonly stranger: ChannelClient;
	readonly reader: ChannelReader;

	private constructor(
		devnet: Devnet,
		provider: JsonRpcProvider,
		deployment: Deployment,
		wallets: readonly Wallet[],
		treasury: LedgerClient,
		clients: readonly ChannelClient[],
	) {
		this.devnet = devnet;
		this.provider = provider;
		this.deployment = deployment;
		this.wallets = wallets;
		this.treasury = treasury;
		[this.payer, this.payee, this.stranger] = clients as [ChannelClient, ChannelClient, ChannelClient];
		this.reader = new ChannelReader({ deployment, provider });
	}

	static async build(): Promise<Street> {
		const devnet = await startDevnet({ accounts: 4 });
		try {
			const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
			const wallets = devnet.keys.map((key) => new Wallet(key, provider));
			const [deployer, ...people] = wallets as [Wallet, ...Wallet[]];
			const { address } = deployer;
			const { deployment } = await deploy({
				...{ signer: deployer, treasury: address, guardian: address, activationDelay: 0, verificationKeys: [] },
			});
			const treasury = await LedgerClient.open({ deployment, signer: deployer });
			await treasury.transfer({ to: (people[0] as Wallet).address, amount: FUNDS });
			const clients = await Promise.all(people.map((signer) => ChannelClient.open({ deployment, signer })));
			return new Street(devnet, provider, deployment, wallets, treasury, clients);
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	/** Wei of OPEN of an address. */
	async balance(address: string): Promise<bigint> {
		return contractsAt(this.deployment.contracts, this.provider).token.balanceOf(address);
	}

	/** Moves the chain's clock. */
	async wait(seconds: number): Promise<void> {
		await this.provider.send("evm_increaseTime", [seconds]);
		await this.provider.send("evm_mine", []);
	}
}
