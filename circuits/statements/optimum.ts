/** `optimum`: the head under modelCommit is the ridge optimum of the total, up to its rounding. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { applyRidge, checkRows, offsetHead, residualBits, signedLimbs } from "../head.ts";
import { Multiplicity } from "../limbs.ts";
import { entries, LIMB_BITS } from "../page.ts";
import { pathParameters, VALUE_BITS } from "../path.ts";
import { pack, sponge, TAGS } from "../sponge.ts";
import type { Statistics } from "../statistics.ts";

export interface OptimumParameters {
	readonly d: number;
	readonly k: number;
	/** Rows in all that the residual bounds allow for. */
	readonly maxRows: number;
	/** lambda = lambda * rows. */
	readonly lambda: bigint;
}

/** log2 of the scale s of the head. */
export function headExponent(parameters: OptimumParameters): number {
	return pathParameters(parameters.d, 1, parameters.lambda).lambdaExponent;
}

export function optimumCircuit(parameters: OptimumParameters): Circuit {
	const { d, k, maxRows, lambda } = parameters;
	const signals = { publics: ["modelCommit", "manifestDigest", "rows"], links: ["totalAt"], hasWords: false };
	return {
		statement: "optimum",
		id: `optimum-d${d}-k${k}-r${maxRows}-l${lambda}`,
		source: mainSource("optimum", "Optimum", [d, k, residualBits(maxRows, d, lambda), lambda, headExponent(parameters)], signals),
		...signals,
	};
}

/** modelCommit = H("openledger.model", d + 2^16 k + 2^32 exponent + 2^48 36, manifestDigest, packed W + 2^35). */
export function commitModel(parameters: OptimumParameters, w: readonly bigint[], manifestDigest: bigint): bigint {
	const { d, k } = parameters;
	const header = BigInt(d) + (BigInt(k) << 16n) + (BigInt(headExponent(parameters)) << 32n) + (BigInt(VALUE_BITS) << 48n);
	return sponge(TAGS.model, [header, manifestDigest, ...pack(offsetHead(w), VALUE_BITS)]);
}

/** R = (A + lambda I) W - s B, exactly. */
export function optimumResidual(parameters: OptimumParameters, total: Statistics, w: readonly bigint[]): bigint[] {
	const { d, k, lambda } = parameters;
	const exponent = BigInt(headExponent(parameters));
	return applyRidge(total, lambda * total.rows, w, d, k).map((value, i) => value - ((total.b[i] as bigint) << exponent));
}

/**
 * The statement that `w` (d x k integers, feature by feature, scale 2^headExponent) solves the ridge system of `total`.
 * @throws CircuitError naming the entry when W or its residual is out of bounds; `total-rows`
 */
export function optimumInstance(parameters: OptimumParameters, total: Statistics, w: readonly bigint[], manifestDigest: bigint): Instance {
	const { d, maxRows, lambda } = parameters;
	checkRows("optimum", total, maxRows);
	const multiplicity = new Multiplicity(LIMB_BITS);
	const residual = optimumResidual(parameters, total, w);
	const valueLimb = signedLimbs(w, VALUE_BITS, "optimum: head W", multiplicity);
	const residualLimb = signedLimbs(residual, residualBits(maxRows, d, lambda), "optimum: residual R", multiplicity);
	const modelCommit = commitModel(parameters, w, manifestDigest);
	return {
		circuit: optimumCircuit(parameters),
		publics: [modelCommit, manifestDigest, total.rows],
		links: [entries(total)],
		words: [],
		inputs: {
			modelCommit,
			manifestDigest,
			rows: total.rows,
			total: entries(total),
			valueLimb,
			residualLimb,
			multiplicity: multiplicity.values(),
		},
	};
}
