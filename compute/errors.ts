/**
 * The one error of this room: data or numbers that cannot be used, with the place and the remedy.
 */

/** What went wrong, stable for programs. The message says where, the hint says what to do. */
export type DataErrorCode =
	| "FILE_MISSING"
	| "FILE_UNREADABLE"
	| "CSV_MALFORMED"
	| "COLUMN_UNKNOWN"
	| "COLUMN_CONSTANT"
	| "VALUE_MISSING"
	| "VALUE_NOT_NUMERIC"
	| "VALUE_OUT_OF_RANGE"
	| "LABEL_NOT_INTEGER"
	| "LABEL_OUT_OF_RANGE"
	| "TOO_FEW_ROWS"
	| "TOO_FEW_COLUMNS"
	| "TOO_MANY_FEATURES"
	| "TOO_MANY_CLASSES"
	| "CONTRIBUTOR_EMPTY"
	| "SHAPE_MISMATCH"
	| "SUM_TOO_LARGE"
	| "ILL_CONDITIONED"
	| "BACKBONE_INVALID"
	| "BACKEND_CLOSED"
	| "BACKEND_UNKNOWN"
	| "NO_ADAPTER"
	| "DEVICE_LOST"
	| "DEVICE_ERROR"
	| "OUT_OF_DEVICE_MEMORY"
	| "INEXACT_BACKEND"
	| "TENSOR_TOO_LARGE"
	| "TENSOR_UNKNOWN"
	| "SAFETENSORS_MALFORMED"
	| "CHECKPOINT_MISMATCH"
	| "GROUP_EMPTY"
	| "ONE_CLASS"
	| "NEIGHBOURS_OUT_OF_RANGE"
	| "PARAMETER_OUT_OF_RANGE"
	| "DUPLICATE_ID"
	| "CHECKPOINT_ORDER"
	| "NOT_CONVERGED"
	| "DIVERGED"
	| "TEXT_TOO_LONG"
	| "FILE_DAMAGED"
	| "DISK_FULL"
	| "LINEAGE_MALFORMED"
	| "LINEAGE_CYCLE"
	| "LINEAGE_PARENT_MISSING"
	| "LINEAGE_DIGEST_CHANGED"
	| "LINEAGE_CONTENT_MISSING";

/** A value, a file or a matrix that this room refuses. */
export class DataError extends Error {
	override readonly name = "DataError";
	readonly code: DataErrorCode;
	/** The remedy, one sentence. */
	readonly hint: string;

	/**
	 * @param code - stable name of the kind
	 * @param message - names the value, the permitted range, and line and column where there are any
	 * @param hint - the remedy
	 * @param cause - the error underneath, if another one was caught
	 */
	constructor(code: DataErrorCode, message: string, hint: string, cause?: unknown) {
		super(message, { cause });
		this.code = code;
		this.hint = hint;
	}
}
