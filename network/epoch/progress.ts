/** What a long run tells while it runs. */

export interface ProgressEvent {
	/** "data", "circuits", "keys", "chain", "commit", "train", "queries", "attribution", "payout", "claims", "bundle". */
	readonly phase: string;
	readonly done: number;
	readonly total: number;
	/** What is counted, or what just happened. */
	readonly note: string;
}

export type Progress = (event: ProgressEvent) => void;
