/**
 * How good logits are, counted on this machine: sums over rows of losses and of right predictions. Each row is added to what there was, so that
 * a sum does not depend on how many rows come at once.
 */
import type { Floats } from "../matrix.ts";
import { EXPONENTIALS } from "../reference/integers.ts";

/** Sums over rows. */
export interface Sums {
	readonly rows: number;
	/** The sum of their losses; of cross-entropy in nats. */
	readonly loss: number;
	/** How many have their label as their largest logit, the first one on a tie. */
	readonly right: number;
}

export const NOTHING: Sums = { rows: 0, loss: 0, right: 0 };

/** Losses of integer logits are multiples of 2^-16 nat, so that their sums are exact. */
const LOSS_UNIT = 2 ** 16;
/** Logits come in units of 1/16 nat. */
const NAT = 16;

/**
 * Adds the softmax cross-entropy of integer logits, by the exponentials that `softmaxErrors` uses.
 * @param logits - n x k in units of 1/16 nat
 */
export function integerSums(sums: Sums, logits: Int32Array, labels: Uint8Array): Sums {
	const k = logits.length / labels.length;
	let { loss, right } = sums;
	labels.forEach((label, row) => {
		const own = logits.subarray(row * k, (row + 1) * k);
		const best = largestOf(own);
		const largest = own[best] as number;
		let total = 0;
		for (const value of own) total += EXPONENTIALS[Math.min(255, largest - value)] as number;
		const nats = (largest - (own[label] as number)) / NAT + Math.log(total / (EXPONENTIALS[0] as number));
		loss += Math.round(LOSS_UNIT * nats) / LOSS_UNIT;
		if (best === label) right++;
	});
	return { rows: sums.rows + labels.length, loss, right };
}

/** Adds losses that are known. @param logits - n x k */
export function floatSums(sums: Sums, logits: Floats, losses: Floats, labels: Uint8Array): Sums {
	const k = logits.length / labels.length;
	let { loss, right } = sums;
	labels.forEach((label, row) => {
		loss += losses[row] as number;
		if (largestOf(logits.subarray(row * k, (row + 1) * k)) === label) right++;
	});
	return { rows: sums.rows + labels.length, loss, right };
}

/** The first of the largest. */
function largestOf(values: Int32Array | Floats): number {
	let best = 0;
	for (let c = 1; c < values.length; c++) if ((values[c] as number) > (values[best] as number)) best = c;
	return best;
}
