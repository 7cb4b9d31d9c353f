/** The transactions of a deployment, one after the other, each reported. */
import type { TransactionRequest } from "ethers";
import type { Sender } from "../sender.ts";

/** One transaction that a deployment still needs. */
export interface Task {
	/** what it does, such as "deploy EpochBook" */
	readonly name: string;
	readonly request: TransactionRequest;
}

/** One transaction of a deployment, done. */
export interface DeployStep {
	/** place in the sequence, from 1 */
	readonly step: number;
	readonly steps: number;
	readonly name: string;
	readonly hash: string;
	readonly gasUsed: bigint;
}

/** Sends the tasks in order; each is in a block before the next one is sent. */
export async function take(sender: Sender, tasks: readonly Task[], onStep?: (step: DeployStep) => void): Promise<DeployStep[]> {
	const done: DeployStep[] = [];
	for (const { name, request } of tasks) {
		const { hash, gasUsed } = await sender.send(request);
		const step = { step: done.length + 1, steps: tasks.length, name, hash, gasUsed };
		done.push(step);
		onStep?.(step);
	}
	return done;
}
