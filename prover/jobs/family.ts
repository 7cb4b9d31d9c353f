/**
 * What a store is for. Queue, promises and code are the same for every family of jobs; a family has tables of its own and says which
 * submissions it takes. Stores of two families lie side by side in one database and know nothing of each other: status, limits, draining and
 * retention are each one's own.
 */
import type { Submission } from "./submission.ts";

export interface JobFamily {
	/** stable name, which the owner of an embedded database announces */
	readonly name: string;
	/** schema of our tables */
	readonly schema: string;
	/** schema of pg-boss' tables, so that it does not meet another program's, nor another family's */
	readonly bossSchema: string;
	/** variable that names the directory of its embedded database, and where that is when nothing does, below openledger/ in the user's state folder */
	readonly variable: string;
	readonly folder: string;
	/** for hints: the command that users of the family know */
	readonly command: string;
	/**
	 * Refuses what is no job of the family.
	 * @throws ProverError `jobs.format`, `jobs.size`
	 */
	check(submission: Submission): void;
}
