/** Values that no witness can be made of. Thrown before any proof is tried. */
export class CircuitError extends Error {
	override readonly name = "CircuitError";
	/** Short stable identifier, for example "row-range". */
	readonly code: string;
	/** What the caller can do about it. */
	readonly hint: string;

	constructor(code: string, message: string, hint: string) {
		super(message);
		this.code = code;
		this.hint = hint;
	}
}
