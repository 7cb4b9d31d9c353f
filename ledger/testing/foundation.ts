/** A chain with the contracts, an owner that is a key, and three people with OPEN. For tests of launchpad and matching rounds. */
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { LedgerClient } from "../client.ts";
import { type Deployment, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { LaunchpadClient } from "../launchpad.ts";
import { LaunchpadReader } from "../launchpad-reader.ts";
import { MatchingClient } from "../matching.ts";
import { fixPublics, type GrantProposal, milestoneContext } from "../milestone.ts";
import { connect } from "../node.ts";
import { R, simulate, toys } from "./simulator.ts";

export const FUNDS = parseEther("1000");
export const DAY = 86_400;
const TARGET = 0x7a26e7n;
const LEVEL = 40n;

/** What one person can do. */
export interface Person {
	readonly address: string;
	readonly launchpad: LaunchpadClient;
	readonly matching: MatchingClient;
}

/** A running test chain. Account 0 is deployer, owner and treasury; 1 recipient, 2 challenger and donor, 3 a stranger with OPEN too. */
export class Foundation {
	readonly devnet: Devnet;
	readonly provider: JsonRpcProvider;
	readonly deployment: Deployment;
	readonly wallets: readonly Wallet[];
	readonly owner: Person;
	readonly recipient: Person;
	readonly donor: Person;
	readonly stranger: Person;
	readonly reader: LaunchpadReader;

	private constructor(
		devnet: Devnet,
		provider: JsonRpcProvider,
		deployment: Deployment,
		wallets: readonly Wallet[],
		people: readonly Person[],
	) {
		this.devnet = devnet;
		this.provider = provider;
		this.deployment = deployment;
		this.wallets = wallets;
		[this.owner, this.recipient, this.donor, this.stranger] = people as [Person, Person, Person, Person];
		this.reader = new LaunchpadReader({ deployment, provider });
	}

	static async build(): Promise<Foundation> {
		const devnet = await startDevnet({ accounts: 4 });
		try {
			const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
			const wallets = devnet.keys.map((key) => new Wallet(key, provider));
			const [deployer, ...others] = wallets as [Wallet, ...Wallet[]];
			const { address } = deployer;
			const { deployment } = await deploy({
				...{ signer: deployer, treasury: address, guardian: address, activationDelay: 0, verificationKeys: [toys.contribution.key] },
			});
			const treasury = await LedgerClient.open({ deployment, signer: deployer });
			for (const { address: to } of others) await treasury.transfer({ to, amount: FUNDS });
			const people = await Promise.all(
				wallets.map(async (signer) => ({
					address: signer.address,
					launchpad: await LaunchpadClient.open({ deployment, signer }),
					matching: await MatchingClient.open({ deployment, signer }),
				})),
			);
			return new Foundation(devnet, provider, deployment, wallets, people);
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	/** The time of the latest block. */
	async now(): Promise<bigint> {
		return BigInt((await this.provider.getBlock("latest"))?.timestamp ?? 0);
	}

	/** Moves the chain's clock. */
	async wait(seconds: number): Promise<void> {
		await this.provider.send("evm_increaseTime", [seconds]);
		await this.provider.send("evm_mine", []);
	}

	/** A proposal with two milestones that evidence meets and one that a proof of the toy circuit meets; 60 days to every deadline. */
	async proposal(name: string): Promise<GrantProposal> {
		const deadline = (await this.now()) + BigInt(60 * DAY);
		const fixed = fixPublics(
			new Map([
				[0, TARGET],
				[2, LEVEL],
			]),
		);
		return {
			recipient: this.recipient.address,
			digest: id(name),
			milestones: [
				{ amount: parseEther("60"), deadline, proof: undefined },
				{ amount: parseEther("500"), deadline, proof: undefined },
				{ amount: parseEther("7") + 3n, deadline, proof: { circuit: toys.contribution.key.circuitId, place: 1, ...fixed } },
			],
		};
	}

	/** Proposes and approves. */
	async approved(name: string): Promise<{ grant: string; proposal: GrantProposal }> {
		const proposal = await this.proposal(name);
		const { id: grant } = await this.stranger.launchpad.propose(proposal);
		await this.owner.launchpad.approve(grant);
		return { grant, proposal };
	}

	/** What proves milestone 2 of a grant of {@link proposal}. */
	proven(grant: string, digest: string) {
		const publics = [TARGET, BigInt(digest) % R, LEVEL];
		const context = milestoneContext(this.deployment, grant, 2);
		return { grant, milestone: 2, publics, proof: simulate({ toy: toys.contribution, context, publics }) };
	}
}
