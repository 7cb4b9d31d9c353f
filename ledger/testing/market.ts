/** A chain with the contracts and the people of compute jobs. For tests of operators and jobs. */
import { id as hash, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { LedgerClient } from "../client.ts";
import { segmentContext } from "../context.ts";
import { contractsAt } from "../contracts.ts";
import { type Deployment, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { JobReader } from "../job-reader.ts";
import { JobClient, type JobTerms } from "../jobs.ts";
import { connect } from "../node.ts";
import { OperatorClient } from "../operators.ts";
import { R, simulate, toys } from "./simulator.ts";

export const HOUR = 3_600;
export const DAY = 24 * HOUR;
export const PRICE = parseEther("30");
export const SALT = hash("salt");

/** A running test chain. Account 0 is deployer, owner and treasury, 1 requester, 2 operator, 3 challenger, 4 a stranger without OPEN. */
export class Market {
	readonly devnet: Devnet;
	readonly provider: JsonRpcProvider;
	readonly deployment: Deployment;
	readonly wallets: readonly Wallet[];
	readonly owner: JobClient;
	readonly requester: JobClient;
	readonly operator: JobClient;
	readonly challenger: JobClient;
	readonly stranger: JobClient;
	/** the registration of each account */
	readonly operators: readonly OperatorClient[];
	readonly reader: JobReader;

	private constructor(
		chain: { devnet: Devnet; provider: JsonRpcProvider; deployment: Deployment; wallets: readonly Wallet[] },
		clients: readonly JobClient[],
		operators: readonly OperatorClient[],
	) {
		this.devnet = chain.devnet;
		this.provider = chain.provider;
		this.deployment = chain.deployment;
		this.wallets = chain.wallets;
		type All = [JobClient, JobClient, JobClient, JobClient, JobClient];
		[this.owner, this.requester, this.operator, this.challenger, this.stranger] = clients as All;
		this.operators = operators;
		this.reader = new JobReader(chain);
	}

	static async build(): Promise<Market> {
		const devnet = await startDevnet({ accounts: 5 });
		try {
			const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
			const wallets = devnet.keys.map((key) => new Wallet(key, provider));
			const first = wallets[0] as Wallet;
			const { address } = first;
			const { deployment } = await deploy({
				...{ signer: first, treasury: address, guardian: address, activationDelay: 0, verificationKeys: [toys.contribution.key] },
			});
			const treasury = await LedgerClient.open({ deployment, signer: first });
			for (const { address: to } of wallets.slice(1, 4)) await treasury.transfer({ to, amount: parseEther("100000") });
			const clients = await Promise.all(wallets.map((signer) => JobClient.open({ deployment, signer })));
			const operators = await Promise.all(wallets.map((signer) => OperatorClient.open({ deployment, signer })));
			return new Market({ devnet, provider, deployment, wallets }, clients, operators);
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	/** Unix seconds of the latest block. */
	async now(): Promise<bigint> {
		return BigInt((await this.provider.getBlock("latest"))?.timestamp ?? 0);
	}

	/** Terms of a job whose deadline is in an hour. */
	async terms(changes: Partial<JobTerms> = {}): Promise<JobTerms> {
		const deadline = (await this.now()) + BigInt(HOUR);
		return { description: hash("description"), gain: parseEther("10"), price: PRICE, deadline, segments: 3, ...changes };
	}

	/** Digests of the segments of a job. */
	digests(job: bigint, count = 3): string[] {
		return Array.from({ length: count }, (_, segment) => hash(`segment ${segment} of ${job}`));
	}

	async posted(changes: Partial<JobTerms> = {}): Promise<bigint> {
		return (await this.requester.post(await this.terms(changes))).job as bigint;
	}

	async taken(changes: Partial<JobTerms> = {}): Promise<bigint> {
		const job = await this.posted(changes);
		await this.operator.take(job);
		return job;
	}

	async committed(changes: Partial<JobTerms> = {}): Promise<bigint> {
		const job = await this.taken(changes);
		await this.operator.commit({ job, digests: this.digests(job), salt: SALT });
		return job;
	}

	async revealed(changes: Partial<JobTerms> = {}): Promise<bigint> {
		const job = await this.committed(changes);
		await this.wait(HOUR);
		await this.stranger.reveal({ job, digests: this.digests(job), salt: SALT });
		return job;
	}

	/** The challenger's challenge of a segment. */
	async challenged(job: bigint, segment = 1): Promise<bigint> {
		const charge = { job, segment, digests: this.digests(job), claim: hash("claim") };
		return (await this.challenger.challenge(charge)).challenge as bigint;
	}

	/** A proof that a segment is right, for the challenger. */
	proof(job: bigint, segment: number) {
		const publics = [BigInt(hash("description")) % R, BigInt(this.digests(job)[segment] as string) % R, BigInt(segment)];
		const context = segmentContext(this.deployment, job, segment, this.challenger.address);
		return simulate({ toy: toys.contribution, context, publics });
	}

	/** Stake of an address with one of the services. */
	async stake(service: "ComputeJobs" | "ComputeDisputes", address: string): Promise<{ free: bigint; locked: bigint }> {
		const { vault } = contractsAt(this.deployment.contracts, this.provider);
		const { free, locked } = await vault.accountOf(this.deployment.contracts[service], address);
		return { free, locked };
	}

	/** Mines blocks. */
	async mine(blocks: number): Promise<void> {
		await this.provider.send("anvil_mine", [`0x${blocks.toString(16)}`]);
	}

	/** Moves the chain's clock. */
	async wait(seconds: number): Promise<void> {
		await this.provider.send("evm_increaseTime", [seconds]);
		await this.provider.send("evm_mine", []);
	}
}
