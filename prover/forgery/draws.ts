/** Random field elements that a seed draws again: an attack that succeeds can be repeated. Never for secrets. */
import { fieldDigest } from "../../circuits/field.ts";

export class Draws {
	readonly seed: string;
	#count = 0;

	constructor(seed: string) {
		this.seed = seed;
	}

	/** In `[0, r)`: a digest of 256 bits modulo r, so no element is more than 6/5 times as likely as another. */
	next(): bigint {
		return fieldDigest(new TextEncoder().encode(`${this.seed}/${this.#count++}`));
	}
}
