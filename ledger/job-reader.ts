/**
 * Operators and jobs as the chain knows them now, and all of them from events alone.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in Unix seconds.
 */
import type { Provider } from "ethers";
import { rethrow } from "./actions.ts";
import { type ContractName, contractsAt } from "./contracts.ts";
import type { Deployment } from "./deployment.ts";
import { type JobHistory, replayJobs } from "./job-history.ts";
import { decodeLogs, fetchLogs, type LedgerLog } from "./logs.ts";
import { type OperatorHistory, replayOperators } from "./operator-history.ts";

/** Reads of the operators and jobs of one deployment. */
export class JobReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** All jobs and challenges, from events alone. */
	async jobs(): Promise<JobHistory> {
		const logs = [...(await this.#logs("ComputeJobs")), ...(await this.#logs("ComputeDisputes"))];
		return replayJobs(logs.sort((one, other) => one.blockNumber - other.blockNumber || one.index - other.index));
	}

	/** All operators, attestations and policies, from events alone. */
	async operators(): Promise<OperatorHistory> {
		const logs = await this.#logs("ComputeOperators");
		const revoked = logs.filter(({ name }) => name === "AttestationRevoked").map(({ blockNumber }) => blockNumber);
		const times = new Map<number, bigint>();
		for (const block of new Set(revoked)) times.set(block, BigInt((await this.#provider.getBlock(block).catch(rethrow))?.timestamp ?? 0));
		return replayOperators(logs, (block) => times.get(block) as bigint);
	}

	/** What a job posted now would have: the version of its policy, and the bond of whoever takes it. */
	async terms(job: { readonly gain: bigint; readonly price: bigint }): Promise<{ version: bigint; bond: bigint }> {
		const { operators } = contractsAt(this.deployment.contracts, this.#provider);
		const { version, bond } = await operators.termsOf(job.gain, job.price).catch(rethrow);
		return { version, bond };
	}

	/** Wei that ended jobs credited and nobody withdrew yet. */
	async credit(who: string): Promise<bigint> {
		return contractsAt(this.deployment.contracts, this.#provider).jobs.creditOf(who).catch(rethrow);
	}

	async #logs(name: ContractName): Promise<LedgerLog[]> {
		const { contracts, block: fromBlock } = this.deployment;
		const toBlock = await this.#provider.getBlockNumber().catch(rethrow);
		return decodeLogs(contracts, await fetchLogs(this.#provider, { address: contracts[name], topics: [], fromBlock, toBlock }));
	}
}
