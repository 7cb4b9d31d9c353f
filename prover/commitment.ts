/**
 * The commitment to all private inputs: `D = sum v_i K_i` and `P = sum v_i sigma K_i` over sections 100 and 101 of a key, by the engine's sums
 * (engine/msm.ts) over the same digits. Most private inputs are bytes or small limbs, which cost one addition each.
 */
import { R, WORD } from "./bn254.ts";
import { recode } from "./engine/digits.ts";
import { hornerG1 } from "./engine/horner.ts";
import { Machine } from "./engine/machine.ts";
import { loadPoints, sumBits } from "./engine/msm.ts";
import { WitnessError } from "./errors.ts";
import type { G1Decimals } from "./verification-key.ts";
import { SECTION, type Zkey } from "./zkey.ts";

/**
 * Commits in this thread, in memory of its own.
 * @param values one per committed wire, in wire order, in `[0, r)`
 * @returns D and P, decimal; "0" twice for infinity
 * @throws WitnessError `input.size` when the key has another number of committed wires, `input.range`
 * @throws KeyError `key.truncated`, `key.invalid` for a point off the curve
 */
export async function commit(key: Zkey, values: readonly bigint[]): Promise<{ commitment: G1Decimals; knowledge: G1Decimals }> {
	if (values.length !== key.nInputs) {
		throw new WitnessError("input.size", `commit: expected ${key.nInputs} values for ${key.path}, got ${values.length}`);
	}
	const machine = await Machine.open();
	const digits = recode(machine, wordsOf(values));
	const sum = async (section: number): Promise<G1Decimals> => {
		const mark = machine.mark();
		const points = loadPoints(machine, "g1", await key.read(section), `the points of section ${section} of ${key.path}`);
		const { x, y } = hornerG1(sumBits(machine, points, digits)).toAffine();
		machine.release(mark);
		return [x.toString(), y.toString()];
	};
	return { commitment: await sum(SECTION.commitment), knowledge: await sum(SECTION.knowledge) };
}

/** Eight words a value, least significant first. */
function wordsOf(values: readonly bigint[]): Uint32Array {
	const words = new BigUint64Array((values.length * WORD) / 8);
	for (const [i, value] of values.entries()) {
		if (value < 0n || value >= R) throw new WitnessError("input.range", `commit: expected values in [0, r), got ${value} at ${i}`);
		// An element takes the lowest 64 bits of what it is assigned.
		for (let rest = value, place = 4 * i; rest > 0n; rest >>= 64n) words[place++] = rest;
	}
	return new Uint32Array(words.buffer);
}
