/**
 * The equations of proofs, and their random combination into one product of pairings.
 *
 *     e(-A, B) e(alpha, beta) e(vk_x, gamma) e(C, delta) = 1        vk_x = IC_0 + sum IC_i s_i
 *
 * is the equation of a plain proof. In that of a committed proof D stands beside vk_x, and there is a second one, `e(D, sigma) e(-P, gamma) = 1`.
 * With coefficients u_k for the first equation and v_k for the second one of proof k, the product of all is
 *
 *     prod e(-u_k A_k, B_k)  times for each key:
 *     e(sum u_k alpha, beta) e(sum u_k (vk_xk + D_k) - v_k P_k, gamma) e(sum u_k C_k, delta) e(sum v_k D_k, sigma)
 *
 * When an equation does not hold, at most one in 2^128 choices of its coefficient makes the product 1. So the coefficients have 128 bits, and nobody
 * may know them before all proofs are fixed: they come from the system's random generator. A hash of all proofs in their place would make
 * verification repeatable, which nobody needs here, cost more, and let a forger try coefficients without asking the verifier. The first one may be 1.
 *
 * @source M. Bellare, J. Garay, T. Rabin, "Fast batch verification for modular exponentiation and digital signatures", EUROCRYPT 1998, section 3
 */
import { randomBytes } from "node:crypto";
import { fromBytesBE, Q, R } from "./bn254.ts";
import { type AffineG1, type AffineG2, isOnCurve, isOnTwist } from "./engine/affine.ts";
import type { Factor } from "./engine/pairing.ts";
import { KeyError, ProofInvalid, type ProverError } from "./errors.ts";
import { checkNames, parsePlainProof, parsePublicSignals, plainG1, plainG2, recordOf, shown } from "./plain/proof.ts";
import { parseProof } from "./proof.ts";
import type { G1Decimals, G2Decimals, VerificationKey } from "./verification-key.ts";
import { type Claim, signalsOf } from "./verify.ts";

/** A committed proof that is to be verified. */
export interface CommittedCandidate {
	/** must not be changed afterwards */
	readonly key: VerificationKey;
	readonly claim: Claim;
}

/** A proof of snarkjs that is to be verified, as parsed JSON of unknown origin. */
export interface PlainCandidate {
	/** verification key; must not be changed afterwards */
	readonly key: object;
	readonly publicSignals: unknown;
	readonly proof: unknown;
}

export type Candidate = CommittedCandidate | PlainCandidate;

/** The points of a verification key, on their curves; whether those of the twist are in G2 is still to be checked. */
export interface KeyPoints {
	/** what errors call the key */
	readonly id: string;
	/** the same for equal points */
	readonly name: string;
	readonly alpha: AffineG1;
	readonly beta: AffineG2;
	readonly gamma: AffineG2;
	readonly delta: AffineG2;
	/** of committed proofs only */
	readonly sigma?: AffineG2;
	/** one for the constant, then one per public signal */
	readonly ic: readonly AffineG1[];
}

/** A proof on its curves, with its public signals. */
export interface Equation {
	readonly key: KeyPoints;
	/** in `[0, r)`, one per IC point after the first */
	readonly signals: readonly bigint[];
	readonly a: AffineG1;
	/** whether it is in G2 is still to be checked */
	readonly b: AffineG2;
	readonly c: AffineG1;
	/** D and P, of committed proofs only */
	readonly commitment?: { readonly d: AffineG1; readonly p: AffineG1 };
}

/** Longest sum of a factor. A longer one becomes several, so that no step takes long. */
const SUM = 64;

/**
 * Reads a key.
 * @throws KeyError `key.invalid`; of a plain key `vkey.format`, `vkey.invalid`
 */
export function readKey({ key, ...candidate }: Candidate): KeyPoints {
	return "claim" in candidate ? readCommittedKey(key as VerificationKey) : readPlainKey(key);
}

/**
 * Reads a proof and what it is about.
 * @param key of the same candidate
 * @throws ProofInvalid `proof.format`, `proof.point`, `proof.public`, `proof.transcript`
 */
export function readEquation(candidate: Candidate, key: KeyPoints): Equation {
	const invalid = (message: string): ProverError => new ProofInvalid("proof.point", `verify: expected ${message}`);
	if ("claim" in candidate) {
		const proof = parseProof(candidate.claim.proof);
		const signals = signalsOf(candidate.key, candidate.claim, proof);
		const [a, c, d, p] = (["a", "c", "commitment", "knowledge"] as const).map((name) => readG1(name, proof[name], invalid)) as [
			AffineG1,
			AffineG1,
			AffineG1,
			AffineG1,
		];
		return { key, signals, a, b: readG2("b", proof.b, invalid), c, commitment: { d, p } };
	}
	const [proof, signals] = [parsePlainProof(candidate.proof), parsePublicSignals(candidate.publicSignals)];
	if (signals.length !== key.ic.length - 1) {
		throw new ProofInvalid("proof.public", `verify: expected ${key.ic.length - 1} public signals, got ${signals.length}`);
	}
	const large = signals.findIndex((signal) => signal >= R);
	if (large >= 0) throw new ProofInvalid("proof.public", `verify: expected public signal ${large} in [0, r), got ${signals[large]}`);
	return { key, signals, a: readG1("pi_a", proof.a, invalid), b: readG2("pi_b", proof.b, invalid), c: readG1("pi_c", proof.c, invalid) };
}

/**
 * The product that is 1 when all equations hold, under fresh coefficients.
 * @param equations at least one
 * @returns first one factor for each proof, in their order, with B on its right side
 */
export function combine(equations: readonly Equation[]): Factor[] {
	const weighed = equations.map((equation, index) => ({
		equation,
		u: index === 0 ? 1n : coefficient(),
		v: equation.commitment ? coefficient() : 0n,
	}));
	const proofs = weighed.map(({ equation: { a, b }, u }): Factor => ({ left: [{ scalar: -u, point: a }], right: b }));
	const groups = Map.groupBy(weighed, ({ equation }) => equation.key.name);
	return [...proofs, ...[...groups.values()].flatMap((group) => factorsOfKey(group))];
}

/** The second equation of a committed proof alone. */
export function knowledgeFactors({ gamma, sigma }: KeyPoints, { d, p }: NonNullable<Equation["commitment"]>): Factor[] {
	return [
		{ left: [{ scalar: -1n, point: p }], right: gamma },
		{ left: [{ scalar: 1n, point: d }], right: sigma as AffineG2 },
	];
}

interface Weighed {
	readonly equation: Equation;
	readonly u: bigint;
	readonly v: bigint;
}

/** The factors that proofs of one key share. */
function factorsOfKey(group: readonly Weighed[]): Factor[] {
	const { alpha, beta, gamma, delta, sigma, ic } = (group[0] as Weighed).equation.key;
	const weights = ic.map(() => 0n);
	for (const { equation, u } of group) {
		weights[0] = (weights[0] as bigint) + u;
		for (const [i, signal] of equation.signals.entries()) weights[i + 1] = ((weights[i + 1] as bigint) + u * signal) % R;
	}
	const total = { scalar: weights[0] as bigint, point: alpha };
	const committed = group.flatMap(({ equation: { commitment }, ...weights }) => (commitment ? [{ ...commitment, ...weights }] : []));
	const sums: Factor[] = [
		{ left: [total], right: beta },
		{
			left: [
				...ic.map((point, i) => ({ scalar: weights[i] as bigint, point })),
				...committed.flatMap(({ d, p, u, v }) => [
					{ scalar: u, point: d },
					{ scalar: -v, point: p },
				]),
			],
			right: gamma,
		},
		{ left: group.map(({ equation, u }) => ({ scalar: u, point: equation.c })), right: delta },
		...(sigma ? [{ left: committed.map(({ d, v }) => ({ scalar: v, point: d })), right: sigma }] : []),
	];
	return sums.flatMap(({ left, right }) =>
		Array.from({ length: Math.ceil(left.length / SUM) }, (_, i) => ({ left: left.slice(i * SUM, (i + 1) * SUM), right })),
	);
}

/** In `[0, 2^128)`. */
function coefficient(): bigint {
	return fromBytesBE(randomBytes(16));
}

function readCommittedKey(key: VerificationKey): KeyPoints {
	const invalid = (message: string): ProverError => new KeyError("key.invalid", `verify: expected ${message}`);
	const points = {
		alpha: readG1("alpha", key.alpha, invalid),
		beta: readG2("beta", key.beta, invalid),
		gamma: readG2("gamma", key.gamma, invalid),
		delta: readG2("delta", key.delta, invalid),
		sigma: readG2("sigma", key.sigma, invalid),
		ic: key.ic.map((point, index) => readG1(`ic[${index}]`, point, invalid)),
	};
	return { id: key.id, name: nameOf(points), ...points };
}

function readPlainKey(value: object): KeyPoints {
	const misshapen = (name: string, expected: string, got: unknown): ProverError =>
		new KeyError("vkey.format", `verify: expected ${name} to be ${expected}, got ${shown(got)}`);
	const invalid = (message: string): ProverError => new KeyError("vkey.invalid", `verify: expected ${message}`);
	const fields = recordOf(value, (got) => misshapen("a verification key", "an object", got));
	checkNames(fields, misshapen);
	const { IC, nPublic } = fields;
	if (!Array.isArray(IC) || IC.length === 0) throw misshapen("IC", "an array of points", IC);
	if (nPublic !== undefined && nPublic !== IC.length - 1) throw misshapen("nPublic", `${IC.length - 1}`, nPublic);
	const g1 = (name: string, point: unknown): AffineG1 => readG1(name, plainG1(name, point, misshapen), invalid);
	const g2 = (name: string): AffineG2 => readG2(name, plainG2(name, fields[name], misshapen), invalid);
	const points = {
		alpha: g1("vk_alpha_1", fields.vk_alpha_1),
		beta: g2("vk_beta_2"),
		gamma: g2("vk_gamma_2"),
		delta: g2("vk_delta_2"),
		ic: IC.map((point, index) => g1(`IC[${index}]`, point)),
	};
	return { id: "the key", name: nameOf(points), ...points };
}

function nameOf(points: Omit<KeyPoints, "id" | "name">): string {
	return JSON.stringify(points, (_, value) => (typeof value === "bigint" ? value.toString(16) : value));
}

/** Complains about a point: "X to be Y, got Z". */
type Complaint = (message: string) => ProverError;

function readG1(name: string, [x, y]: G1Decimals, complain: Complaint): AffineG1 {
	const point = { x: coordinate(name, x, complain), y: coordinate(name, y, complain) };
	if (isOnCurve(point)) return point;
	throw complain(`${name} to be a point of the curve, got (${x}, ${y})`);
}

function readG2(name: string, [x, y]: G2Decimals, complain: Complaint): AffineG2 {
	const both = (pair: G2Decimals[0]): readonly [bigint, bigint] => [
		coordinate(name, pair[0], complain),
		coordinate(name, pair[1], complain),
	];
	const point = { x: both(x), y: both(y) };
	if (isOnTwist(point)) return point;
	throw complain(`${name} to be a point of the twist, got (${x}, ${y})`);
}

function coordinate(name: string, text: string, complain: Complaint): bigint {
	const value = /^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/.test(text) ? BigInt(text) : Q;
	if (value < Q) return value;
	throw complain(`coordinates of ${name} in [0, q), got ${text}`);
}
