/** A chain with everything on it, and one helper per step of an epoch with simulated proofs. For tests. */
import { id, type JsonRpcProvider, parseEther, Wallet } from "ethers";
import { type EpochPolicy, LedgerClient, type PageProof, type Triple } from "../client.ts";
import { contributionContext, type EpochStatement, epochContext } from "../context.ts";
import { type Deployment, type DeployStep, deploy } from "../deployment.ts";
import { type Devnet, startDevnet } from "../devnet.ts";
import { connect } from "../node.ts";
import { LedgerReader } from "../reader.ts";
import { recordId } from "../record.ts";
import { digest, field, R, type Statement, simulate, toys } from "./simulator.ts";

export const STAKE = parseEther("5");
export const POOL = parseEther("1000") + 7n;
export const DELAY = 3600;
/** Contributions of a page of `total` and `score`, and words of a page of the payout, unless a house says otherwise. */
export const PLACES = 2;
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
	readonly #places: number;

	private constructor(
		devnet: Devnet,
		provider: JsonRpcProvider,
		deployed: { deployment: Deployment; steps: readonly DeployStep[] },
		clients: readonly [LedgerClient, ...LedgerClient[]],
		places: number,
	) {
		this.devnet = devnet;
		this.provider = provider;
		this.deployment = deployed.deployment;
		this.steps = deployed.steps;
		[this.steward, ...this.contributors] = clients;
		this.reader = new LedgerReader({ deployment: deployed.deployment, provider });
		this.#places = places;
	}

	/** @param places contributions of a page */
	static async build(contributors: number, places = PLACES): Promise<House> {
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
			const house = new House(devnet, provider, deployed, clients as [LedgerClient, ...LedgerClient[]], places);
			await Promise.all(house.contributors.map(({ address }) => house.steward.transfer({ to: address, amount: STAKE * 100n })));
			return house;
		} catch (error) {
			await devnet.close();
			throw error;
		}
	}

	async policy(changes: Partial<EpochPolicy> = {}): Promise<EpochPolicy> {
		return {
			circuits: Object.values(toys).map(({ key }) => key.circuitId),
			policyDigest: id("policy"),
			funder: this.steward.address,
			expiresAt: (await this.reader.now()) + 30n * 86_400n,
			capacity: 16,
			datanet: 0n,
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
		const context = contributionContext(this.deployment, epoch, contributor.address);
		const proof = simulate({ toy: toys.contribution, context, publics });
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

	statement(statement: EpochStatement, epoch: bigint, about: Omit<Statement, "toy" | "context">): Statement {
		return { toy: toys[statement], context: epochContext(this.deployment, statement, epoch), ...about };
	}

	/** Proofs made together, in order. */
	together(epoch: bigint, statements: readonly Statement[]): PageProof[] {
		const transcript = statements.map(digest);
		return statements.map((statement) => {
			const { publics, links = [], words = [] } = statement;
			return { epoch, transcript, publics, links, words, proof: simulate(statement, transcript) };
		});
	}

	/** The list in pages, with the rows of each. */
	pages(epoch: bigint): { words: bigint[]; rows: bigint }[] {
		const all = this.words(epoch);
		return Array.from({ length: Math.ceil(all.length / this.#places) }, (_, page) => {
			const words = all.slice(this.#places * page, this.#places * (page + 1));
			return { words, rows: words.reduce((sum, _word, i) => sum + BigInt(10 + this.#places * page + i), 0n) };
		});
	}

	/** Registers manifest and checkpoint unless they are there. */
	async records(epoch: bigint): Promise<{ manifest: string; model: string; manifestField: bigint }> {
		const [manifestDigest, modelDigest] = [id(`manifest ${epoch}`), id(`checkpoint ${epoch}`)];
		const manifest = recordId(this.steward.address, "ModelManifest", manifestDigest);
		const model = recordId(this.steward.address, "Checkpoint", modelDigest);
		if ((await this.reader.record(model)) === undefined) {
			await this.steward.registerRecord({ kind: "ModelManifest", digest: manifestDigest });
			await this.steward.registerRecord({ kind: "Checkpoint", digest: modelDigest, parent: manifest });
		}
		return { manifest, model, manifestField: BigInt(manifestDigest) % R };
	}

	/** Pages of the total, and the checkpoint that joins them. @param changed replaces statements before they are proven */
	async checkpoint(epoch: bigint, changed: (statements: Statement[]) => Statement[] = (same) => same) {
		const { manifest, model, manifestField } = await this.records(epoch);
		const pages = this.pages(epoch).map(({ words, rows }, page) =>
			this.statement("total", epoch, { publics: [rows], links: [totalAt(page)], words }),
		);
		const rows = pages.reduce((sum, { publics }) => sum + (publics[0] as bigint), 0n);
		const publics = [field(`model/${epoch}`), manifestField, rows];
		const optimum = this.statement("optimum", epoch, { publics, links: [sumOfPages(pages.length)] });
		const made = this.together(epoch, changed([...pages, optimum]));
		return { pages: made.slice(0, -1), checkpoint: { manifest, model, ...(made.at(-1) as PageProof) } };
	}

	async postCheckpoint(epoch: bigint): Promise<void> {
		const { pages, checkpoint } = await this.checkpoint(epoch);
		for (const page of pages) await this.steward.postTotal(page);
		await this.steward.postCheckpoint(checkpoint);
	}

	async commitQueries(epoch: bigint) {
		const model = recordId(this.steward.address, "Checkpoint", id(`checkpoint ${epoch}`));
		const log = await this.steward.appendLog({ model, root: id(`log ${epoch}`) });
		return this.steward.commitQueries({ epoch, log: log.id });
	}

	/** Two proofs of queries. */
	queries(epoch: bigint) {
		return [0, 1].map((part) => {
			const publics: Triple = [field(`queries/${epoch}/${part}`), queryStats(epoch, part), 300n];
			return { epoch, publics, proof: simulate(this.statement("query", epoch, { publics })), last: part === 1 };
		});
	}

	/** A page of queries, pages of scores, and the path that joins them. */
	scores(epoch: bigint, changed: (statements: Statement[]) => Statement[] = (same) => same) {
		const pathAt = field(`path/${epoch}`);
		const words = [0, 1].map((part) => queryStats(epoch, part));
		const queries = this.statement("query-total", epoch, { publics: [600n], links: [field("queryAt")], words });
		const pages = this.pages(epoch).map((page, i) => {
			const publics = [i === 0 ? 0n : scoreCommit(epoch, i - 1), scoreCommit(epoch, i), page.rows];
			return this.statement("score", epoch, { publics, links: [totalAt(i), pathAt], words: page.words });
		});
		const rows = pages.reduce((sum, { publics }) => sum + (publics[2] as bigint), 0n);
		const links = [sumOfPages(pages.length), field("queryAt"), pathAt];
		const path = this.statement("attribution", epoch, { publics: [rows, 600n], links });
		const [first, ...made] = this.together(epoch, changed([queries, ...pages, path]));
		return { queries: first as PageProof, pages: made.slice(0, -1), path: made.at(-1) as PageProof };
	}

	async postScores(epoch: bigint): Promise<void> {
		const { queries, pages, path } = this.scores(epoch);
		await this.steward.postQueryTotal(queries);
		for (const page of pages) await this.steward.postScores(page);
		await this.steward.postAttribution(path);
	}

	/** The commitment to the scores of an epoch. */
	scoreCommit(epoch: bigint): bigint {
		return scoreCommit(epoch, this.pages(epoch).length - 1);
	}

	/** Words of an epoch: word 1 is a charge of 2 OPEN; the others share `pool` equally, and what is left over is dust. */
	payouts(pool: bigint = POOL): { words: bigint[]; dust: bigint } {
		const share = pool / BigInt(this.contributors.length - 1);
		const words = this.contributors.map((_, i) => (i === 1 ? parseEther("2") | (1n << 96n) : share) | (BigInt(i) << 128n));
		return { words, dust: pool - share * BigInt(this.contributors.length - 1) };
	}

	/** Pages of the payout. */
	payout(epoch: bigint, pool: bigint = POOL) {
		const share = pool / BigInt(this.contributors.length - 1);
		const { words: all } = this.payouts(pool);
		return this.pages(epoch).map((_, page) => {
			const words = all.slice(this.#places * page, this.#places * (page + 1));
			const paying = BigInt(words.filter((word) => ((word >> 96n) & 1n) === 0n).length);
			const previous = page === 0 ? 0n : scoreCommit(epoch, page - 1);
			// Every paying contribution has a score of 1.
			const positive = BigInt(this.contributors.length - 1);
			const publics = [previous, scoreCommit(epoch, page), BigInt(this.#places * page), pool, positive, paying, paying * share];
			const proof = simulate(this.statement("payout", epoch, { publics, words }));
			return { epoch, pageSize: this.#places, publics, words, proof };
		});
	}

	async postPayout(epoch: bigint): Promise<void> {
		for (const page of this.payout(epoch)) await this.steward.postPayout(page);
	}

	/** An epoch whose scores are posted. */
	async attributed(changes: Partial<EpochPolicy> = {}): Promise<bigint> {
		const epoch = await this.open(changes);
		await this.contributeAll(epoch);
		await this.steward.closeEpoch(epoch);
		await this.postCheckpoint(epoch);
		await this.commitQueries(epoch);
		for (const queries of this.queries(epoch)) await this.steward.postQueries(queries);
		await this.postScores(epoch);
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

function queryStats(epoch: bigint, part: number): bigint {
	return field(`queryStats/${epoch}/${part}`);
}

function scoreCommit(epoch: bigint, page: number): bigint {
	return field(`scores/${epoch}/${page}`);
}

function totalAt(page: number): bigint {
	return field(`totalAt/${page}`);
}

function sumOfPages(pages: number): bigint {
	return Array.from({ length: pages }, (_, page) => totalAt(page)).reduce((sum, value) => (sum + value) % R, 0n);
}
