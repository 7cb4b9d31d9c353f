/**
 * Datanets, submissions and challenges as the chain knows them now, and all of them from events alone.
 *
 * Every function throws LedgerError `node.*`, or `deployment.invalid` when there is no contract of ours. Amounts are in wei, times in Unix seconds.
 */
import type { Provider } from "ethers";
import { rethrow } from "./actions.ts";
import { contractsAt } from "./contracts.ts";
import { type DatanetHistory, isStanding, replayDatanets, type SubmissionState, statusAt } from "./datanet-history.ts";
import type { Deployment } from "./deployment.ts";
import type { SubmissionStatus } from "./enums.ts";
import { decodeError, type LedgerError } from "./errors.ts";
import { decodeLogs, fetchLogs } from "./logs.ts";

/** Everything, and the status of each submission at the latest block. */
export interface DatanetsNow extends DatanetHistory {
	/** time of the latest block */
	readonly time: bigint;
	/** of a submission, now */
	status(submission: SubmissionState): SubmissionStatus;
}

/** Reads of the datanets of one deployment. */
export class DatanetReader {
	readonly deployment: Deployment;
	readonly #provider: Provider;

	/** @param options.provider connected to a node of the deployment's chain, see `connect` */
	constructor(options: { deployment: Deployment; provider: Provider }) {
		this.deployment = options.deployment;
		this.#provider = options.provider;
	}

	/** Everything that ever happened, from events alone. */
	async history(): Promise<DatanetsNow> {
		const { contracts, block: fromBlock } = this.deployment;
		const latest = await this.#provider.getBlock("latest").catch(rethrow);
		const toBlock = latest?.number ?? fromBlock;
		const logs = await fetchLogs(this.#provider, { address: contracts.Datanets, topics: [], fromBlock, toBlock });
		const history = replayDatanets(decodeLogs(contracts, logs));
		const time = BigInt(latest?.timestamp ?? 0);
		const status = (submission: SubmissionState) => {
			const datanet = history.datanets[Number(submission.datanet) - 1];
			return datanet === undefined ? submission.status : statusAt(submission, datanet, time);
		};
		return { ...history, time, status };
	}

	/**
	 * Why a contribution would be refused by the datanet of an epoch, as the registry asks it.
	 *
	 * @returns undefined when it would be taken
	 */
	async obstacle(contribution: { datanet: bigint; contributor: string; digest: string; rows: bigint }): Promise<LedgerError | undefined> {
		const { datanet, contributor, digest, rows } = contribution;
		const { datanets } = contractsAt(this.deployment.contracts, this.#provider);
		try {
			await datanets.checkContribution(datanet, contributor, digest, rows);
			return undefined;
		} catch (error) {
			const decoded = decodeError(error);
			if (decoded.code !== "transaction.reverted") throw decoded;
			return decoded;
		}
	}
}

/** The bonds that an owner has locked, in wei: of submissions that stand and challenges that are open. @param owner address with its checksum */
export function bondsOf({ datanets, submissions, challenges }: DatanetHistory, owner: string): bigint {
	const bondOf = (id: bigint) => datanets[Number(id) - 1]?.bond ?? 0n;
	const standing = submissions.filter(({ contributor, status }) => contributor === owner && isStanding(status));
	const open = challenges.filter(({ challenger, ruling }) => challenger === owner && ruling === "Open");
	return [...standing.map(({ datanet }) => datanet), ...open.map(({ submission }) => submissions[Number(submission) - 1]?.datanet ?? 0n)]
		.map(bondOf)
		.reduce((sum, bond) => sum + bond, 0n);
}
