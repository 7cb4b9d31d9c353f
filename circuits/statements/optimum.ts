/** `optimum`: the head under modelCommit is the ridge optimum of the listed contributions, up to its rounding. */
import { type Circuit, type Instance, mainSource } from "../circuit.ts";
import { emptyCommit, LIMB_BITS, type ListParameters, openList } from "../contributions.ts";
import { applyRidge, offsetHead, residualBits, signedLimbs } from "../head.ts";
import { Multiplicity } from "../limbs.ts";
import { pathParameters, VALUE_BITS } from "../path.ts";
import { pack, sponge, TAGS } from "../sponge.ts";
import type { Statistics } from "../statistics.ts";

export interface OptimumParameters extends ListParameters {
	/** lambda = lambda * rows. */
	readonly lambda: bigint;
}

/** log2 of the scale s of the head. */
export function headExponent(parameters: OptimumParameters): number {
	return pathParameters(parameters.d, 1, parameters.lambda).lambdaExponent;
}

export function optimumCircuit(parameters: OptimumParameters): Circuit {
	const { contributions, d, k, statBits, maxRows, lambda } = parameters;
	const publics = ["modelCommit", "manifestDigest", "rows"];
	return {
		statement: "optimum",
		id: `optimum-c${contributions}-d${d}-k${k}-s${statBits}-r${maxRows}-l${lambda}`,
		source: mainSource(
			"optimum",
			"Optimum",
			[contributions, d, k, statBits, residualBits(maxRows, d, lambda), lambda, headExponent(parameters), emptyCommit(parameters)],
			publics,
			true,
		),
		publics,
		hasWords: true,
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
 * The statement that `w` (d x k integers, feature by feature, scale 2^headExponent) solves the ridge system of `list`.
 * @throws CircuitError naming the entry when W or its residual is out of bounds
 */
export function optimumInstance(
	parameters: OptimumParameters,
	list: readonly Statistics[],
	w: readonly bigint[],
	manifestDigest: bigint,
): Instance {
	const { d, maxRows, lambda } = parameters;
	const multiplicity = new Multiplicity(LIMB_BITS);
	const opened = openList(parameters, list, multiplicity);
	const residual = optimumResidual(parameters, opened.total, w);
	const valueLimb = signedLimbs(w, VALUE_BITS, "optimum: head W", multiplicity);
	const residualLimb = signedLimbs(residual, residualBits(maxRows, d, lambda), "optimum: residual R", multiplicity);
	const modelCommit = commitModel(parameters, w, manifestDigest);
	return {
		circuit: optimumCircuit(parameters),
		publics: [modelCommit, manifestDigest, opened.total.rows],
		words: opened.words,
		inputs: {
			modelCommit,
			manifestDigest,
			rows: opened.total.rows,
			...opened.inputs,
			valueLimb,
			residualLimb,
			multiplicity: multiplicity.values(),
		},
	};
}
