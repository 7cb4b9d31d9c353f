/** What can go wrong in an epoch beyond data, circuits, proofs and chain, which have errors of their own. */

export type EpochErrorCode = "FILE_DAMAGED" | "BUNDLE_MISSING" | "CONTRIBUTOR_UNKNOWN" | "STAKE_TOO_LOW" | "LINK_BROKEN" | "CONFIG_INVALID";

export class EpochError extends Error {
	override readonly name = "EpochError";
	readonly code: EpochErrorCode;
	/** The remedy, one sentence. */
	readonly hint: string;

	constructor(code: EpochErrorCode, message: string, hint: string, cause?: unknown) {
		super(message, { cause });
		this.code = code;
		this.hint = hint;
	}
}
