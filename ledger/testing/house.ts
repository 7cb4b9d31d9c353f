/** A chain with everything on it, and one helper per step of an epoch with simulated proofs. For tests. */
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { type EpochPolicy, LedgerClient, type Triple } from "../client.ts";
import { contributionContext, type EpochStatement, epochContext } from "../context.ts";
import { type Deployment, type DeployStep, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { connect } from "../node.ts";
import { LedgerReader } from "../reader.ts";
import { recordId } from "../record.ts";
import { field, R, simulate, toys } from "./simulator.ts";

export const STAKE = parseEther("5");
export const POOL = parseEther("1000") + 7n;
export const DELAY = 3600;
export const GUARDIAN = "0x00000000000000000000000000000000000064a8";

/** A running test chain. Account 0 is deployer, steward, funder and vetoer; the others contribute. */
export class House {
	readonly devnet: Devnet;
	readonly provider: JsonRpcProvider;
	readonly deployment: Deployment;
	readonly steps: readonly DeployStep[];
	readonly steward: LedgerClient;
	readonly contributors: readonly LedgerClient[];
	readonly reader: LedgerReader;

	private constructor(
		devnet: Devnet,
		provider: JsonRpcProvider,
		deployed: { deployment: Deployment; steps: readonly DeployStep[] },
		clients: readonly [LedgerClient, ...LedgerClient[]],
	) {
		this.devnet = devnet;
		this.provider = provider;
		this.deployment = deployed.deployment;
		this.steps = deployed.steps;
		[this.steward, ...this.contributors] = clients;
		this.reader = new LedgerReader({ deployment: deployed.deployment, provider });
	}

	static async build(contributors: number): Promise<House> {
		const devnet = await startDevnet({ accounts: contributors + 1 });
		try {
			const provider = await connect({ url: devnet.url, chainId: devnet.chainId });
			const wallets = devnet.keys.map((key) => new Wallet(key, provider));
			const first = wallets[0] as Wallet;
			const deployed = await deploy({
				signer: first,
				treasury: first.address,
				guardian: GUARDIAN,
				activationDelay: DELAY,
				verificationKeys: Object.values(toys).map(({ key }) => key),
			});
			const clients = await Promise.all(wallets.map((signer) => LedgerClient.open({ deployment: deployed.deployment, signer })));
			const house = new House(devnet, provider, deployed, clients as [LedgerClient, ...LedgerClient[]]);
			await Promise.all(house.contributors.map(({ address }) => house.steward.transfer({ to: address, amount: STAKE * 100n })));
			return house;
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	async policy(changes: Partial<EpochPolicy> = {}): Promise<EpochPolicy> {
		const [contribution, query, optimum, attribution, payout] = Object.values(toys).map(({ key }) => key.circuitId) as string[];
		return {
			circuits: [contribution, query, optimum, attribution, payout] as unknown as EpochPolicy["circuits"],
			policyDigest: id("policy"),
			funder: this.steward.address,
			expiresAt: (await this.reader.now()) + 30n * 86_400n,
			capacity: 16,
			vetoer: this.steward.address,
			minStake: STAKE,
			...changes,
		};
	}

	async open(changes: Partial<EpochPolicy> = {}): Promise<bigint> {
		return (await this.steward.openEpoch(await this.policy(changes))).epoch;
	}

	contribution(epoch: bigint, place: number, contributor: LedgerClient) {
		const publics: Triple = [field(`rows/${epoch}/${place}`), stats(epoch, place), BigInt(10 + place)];
		const proof = simulate(toys.contribution, contributionContext(this.deployment, epoch, contributor.address), publics);
		return { epoch, datasetDigest: id("dataset"), publics, proof, stake: STAKE };
	}

	/** All contributors in order. */
	async contributeAll(epoch: bigint): Promise<void> {
		for (const [place, contributor] of this.contributors.entries()) {
			await contributor.contribute(this.contribution(epoch, place, contributor));
		}
	}

	words(epoch: bigint): bigint[] {
		return this.contributors.map((_, place) => stats(epoch, place));
	}

	prove(statement: EpochStatement, epoch: bigint, publics: readonly bigint[], words: readonly bigint[] = []) {
		return simulate(toys[statement], epochContext(this.deployment, statement, epoch), publics, words);
	}

	async records(epoch: bigint): Promise<{ manifest: string; model: string; manifestField: bigint }> {
		const digest = id(`manifest ${epoch}`);
		const { id: manifest } = await this.steward.registerRecord({ kind: "ModelManifest", digest });
		const { id: model } = await this.steward.registerRecord({ kind: "Checkpoint", digest: id(`checkpoint ${epoch}`), parent: manifest });
		return { manifest, model, manifestField: BigInt(digest) % R };
	}

	async checkpoint(epoch: bigint) {
		const { manifest, model, manifestField } = await this.records(epoch);
		const rows = (await this.reader.epoch(epoch))?.rows ?? 0n;
		const publics: Triple = [field(`model/${epoch}`), manifestField, rows];
		const words = this.words(epoch);
		return { epoch, manifest, model, publics, words, proof: this.prove("optimum", epoch, publics, words) };
	}

	async commitQueries(epoch: bigint) {
		const model = recordId(this.steward.address, "Checkpoint", id(`checkpoint ${epoch}`));
		const log = await this.steward.appendLog({ model, root: id(`log ${epoch}`) });
		return this.steward.commitQueries({ epoch, log: log.id });
	}

	queries(epoch: bigint) {
		const publics: Triple = [field(`queries/${epoch}`), field(`queryStats/${epoch}`), 300n];
		return { epoch, publics, proof: this.prove("query", epoch, publics) };
	}

	scores(epoch: bigint) {
		const publics: readonly [bigint, bigint] = [field(`scores/${epoch}`), field(`queryStats/${epoch}`)];
		const words = this.words(epoch);
		return { epoch, publics, words, proof: this.prove("attribution", epoch, publics, words) };
	}

	/** Word 1 is a charge of 2 OPEN; the others share `pool` equally, and what is left over is dust. */
	payout(epoch: bigint, pool: bigint = POOL) {
		const share = pool / BigInt(this.contributors.length - 1);
		const words = this.contributors.map((_, i) => (i === 1 ? parseEther("2") | (1n << 96n) : share) | (BigInt(i) << 128n));
		const dust = pool - share * BigInt(this.contributors.length - 1);
		const publics: Triple = [field(`scores/${epoch}`), pool, dust];
		return { epoch, publics, words, proof: this.prove("payout", epoch, publics, words) };
	}

	/** An epoch whose scores are posted. */
	async attributed(changes: Partial<EpochPolicy> = {}): Promise<bigint> {
		const epoch = await this.open(changes);
		await this.contributeAll(epoch);
		await this.steward.closeEpoch(epoch);
		await this.steward.postCheckpoint(await this.checkpoint(epoch));
		await this.commitQueries(epoch);
		await this.steward.postQueries(this.queries(epoch));
		await this.steward.postAttribution(this.scores(epoch));
		return epoch;
	}

	/** Moves the chain's clock. */
	async wait(seconds: number): Promise<void> {
		await this.provider.send("evm_increaseTime", [seconds]);
		await this.provider.send("evm_mine", []);
	}
}

function stats(epoch: bigint, place: number): bigint {
	return field(`stats/${epoch}/${place}`);
}
