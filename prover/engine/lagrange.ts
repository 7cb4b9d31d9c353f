/**
 * Lagrange's polynomials at one point: over the domain of n roots of unity `L_j(tau) = (tau^n - 1) / n * x_j / (tau - x_j)`. The quotients of a block
 * share one inversion.
 */
import { inverse, mod, power, R } from "../bn254.ts";
import { ProverError } from "../errors.ts";
import { ELEMENT_BYTES, PAIR_BYTES } from "./field.ts";
import type { Machine } from "./machine.ts";
import { rootOfUnity } from "./transform.ts";

const BLOCK = 16384;

/**
 * `scale L_j(tau)` for the 2^log points of a domain, or for those between them, which are the odd ones of the domain of twice the size.
 * @param machine with the kernels of setup-kernels.ts
 * @param log in `[1, 27]`
 * @param scale not 0
 * @param pause called between blocks
 * @returns address of 2^log single elements, reduced
 * @throws ProverError `setup.failed` when tau is a point of the domain
 */
export async function lagrangeBasis(
	machine: Machine,
	log: number,
	points: "all" | "between",
	tau: bigint,
	scale: bigint,
	pause: () => Promise<void>,
): Promise<number> {
	const size = 2 ** log;
	const order = points === "all" ? log : log + 1;
	const vanishing = mod(power(tau, 1n << BigInt(order), R) - 1n, R);
	if (vanishing === 0n) throw new ProverError("setup.failed", "lagrangeBasis: expected tau outside the domain, got a root of unity");
	const factor = scale * vanishing * inverse(1n << BigInt(order), R);
	const basis = machine.alloc(size * ELEMENT_BYTES);
	const mark = machine.mark();
	fillPowers(machine, basis, size, points === "all" ? 1n : rootOfUnity(order), rootOfUnity(log));
	const block = Math.min(size, BLOCK);
	const taus = machine.alloc(PAIR_BYTES);
	const inverted = machine.alloc(PAIR_BYTES);
	const prefixes = machine.alloc((block / 2 + 1) * PAIR_BYTES);
	const product = prefixes + (block / 2) * PAIR_BYTES;
	machine.putPair(taus, tau, tau, R);
	for (let start = basis; start < basis + size * ELEMENT_BYTES; start += block * ELEMENT_BYTES) {
		machine.kernel("fr_lagrange_forward")(start, taus, prefixes, block);
		const [low, high] = machine.pair(product, R);
		machine.putPair(inverted, factor * inverse(low, R), factor * inverse(high, R), R);
		machine.kernel("fr_lagrange_backward")(start + block * ELEMENT_BYTES, taus, product, block, inverted);
		await pause();
	}
	machine.release(mark);
	return basis;
}

/** `first step^j`, single elements. */
function fillPowers(machine: Machine, out: number, size: number, first: bigint, step: bigint): void {
	const factor = machine.alloc(PAIR_BYTES);
	machine.putSingle(out, first, R);
	machine.putSingle(out + ELEMENT_BYTES, first * step, R);
	for (let count = 2; count < size; count *= 2) {
		const distance = power(step, BigInt(count), R);
		machine.putPair(factor, distance, distance, R);
		machine.kernel("fr_scaleSingles")(out + count * ELEMENT_BYTES, out, count, factor);
	}
}
