/** Limbs and the multiplicities of a range lookup; the TypeScript side of `gadgets/lookup.circom`. */

/** Number of limbs of `limbBits` bits that hold `width` bits. */
export function limbCount(width: number, limbBits: number): number {
	return Math.ceil(width / limbBits);
}

/** Limbs of a value in `[0, 2^(count limbBits))`, least significant first. */
export function toLimbs(value: bigint, count: number, limbBits: number): bigint[] {
	const mask = (1n << BigInt(limbBits)) - 1n;
	const limbs: bigint[] = [];
	let rest = value;
	for (let i = 0; i < count; i++) {
		limbs.push(rest & mask);
		rest >>= BigInt(limbBits);
	}
	if (rest !== 0n) {
		throw new RangeError(`toLimbs: expected 0 <= value < 2^${count * limbBits}, got ${value}`);
	}
	return limbs;
}

/** Counts how often each entry of the table `[0, 2^bits)` is looked up. */
export class Multiplicity {
	private readonly counts: number[];

	constructor(bits: number) {
		this.counts = new Array<number>(2 ** bits).fill(0);
	}

	/** Counts `value`, which must be a table entry. */
	add(value: bigint): void {
		const entry = Number(value);
		const count = this.counts[entry];
		if (count === undefined) {
			throw new RangeError(`Multiplicity: expected a value in [0, ${this.counts.length}), got ${value}`);
		}
		this.counts[entry] = count + 1;
	}

	/** Counts every limb, and the last one shifted up by `shift` when the width is no multiple of the limb. */
	addLimbs(limbs: readonly bigint[], shift = 0): void {
		for (const limb of limbs) {
			this.add(limb);
		}
		if (shift > 0) {
			this.add((limbs[limbs.length - 1] as bigint) << BigInt(shift));
		}
	}

	/** The counts as circuit inputs. */
	values(): bigint[] {
		return this.counts.map(BigInt);
	}
}
