/**
 * Keys with known secrets, for tests, and proofs made from the secrets.
 *
 * With B = the generator the verifier's equation reads a = alpha beta + x + v + c delta in scalars, so C follows from any A and any
 * commitment v. To a verifier such a proof is a real one, for any publics, words and context; no circuit is behind it.
 */
import { bn254 } from "@noble/curves/bn254.js";
import { AbiCoder, concat, id, keccak256, toBeHex } from "ethers";
import { circuitIdOf, type G1, type G2, type VerificationKey } from "../../verifier-contracts/template/verifier.ts";
import type { ProofCalldata } from "../client.ts";

const Fr = bn254.fields.Fr;

/** The order of the scalar field. */
export const R = Fr.ORDER;

/** A key with its secrets. */
export interface Toy {
	readonly key: VerificationKey;
	readonly secrets: { readonly alphaBeta: bigint; readonly delta: bigint; readonly sigma: bigint; readonly ic: readonly bigint[] };
}

/** The key of a toy circuit; everything follows from its name. @param id of the statement with its parameters */
export function toy(
	statement: string,
	publics: readonly string[],
	hasWords: boolean,
	links: readonly string[] = [],
	id = `ledger-toy-${statement}`,
): Toy {
	const secret = (part: string) => field(`${statement}/${part}`);
	const ic = Array.from({ length: publics.length + links.length + (hasWords ? 3 : 2) }, (_, i) => secret(`ic${i}`));
	const [alpha, beta, delta, sigma] = [secret("alpha"), secret("beta"), secret("delta"), secret("sigma")];
	const draft: VerificationKey = {
		schema: "openledger.vkey.v1",
		statement,
		id,
		circuitId: "0x",
		development: true,
		publics,
		links,
		hasWords,
		alpha: decimals1(alpha),
		beta: decimals2(beta),
		gamma: decimals2(1n),
		delta: decimals2(delta),
		sigma: decimals2(sigma),
		ic: ic.map(decimals1),
	};
	return { key: { ...draft, circuitId: circuitIdOf(draft) }, secrets: { alphaBeta: Fr.mul(alpha, beta), delta, sigma, ic } };
}

/** One toy per statement of an epoch, in the order of the policy. */
export const toys = {
	contribution: toy("contribution", ["rowsCommit", "statsCommit", "n"], false),
	query: toy("query", ["rowsCommit", "statsCommit", "n"], false),
	total: toy("total", ["n"], true, ["totalAt"]),
	"query-total": toy("query-total", ["n"], true, ["totalAt"]),
	optimum: toy("optimum", ["modelCommit", "manifestDigest", "n"], false, ["totalAt"]),
	score: toy("score", ["previousScores", "scoreCommit", "n"], true, ["totalAt", "pathAt"]),
	attribution: toy("attribution", ["n", "nQ"], false, ["totalAt", "queryAt", "pathAt"]),
	payout: toy("payout", ["previousScores", "scoreCommit", "first", "pool", "positive", "pagePositive", "paid"], true),
} as const;

/** Decides disputes over submissions to a datanet. */
export const disputeToy: Toy = toy("dispute", ["submission", "original", "rows"], false, [], "dispute-ledger-toy");

/** What a simulated proof is about. */
export interface Statement {
	readonly toy: Toy;
	readonly context: string;
	readonly publics: readonly bigint[];
	readonly links?: readonly bigint[];
	readonly words?: readonly bigint[];
}

/** The place of a simulated proof in a transcript: keccak256(TAG, circuitId, context, D, publics..., keccak256(words...)). */
export function digest({ toy: { key }, context, publics, words = [], ...rest }: Statement): string {
	const commitment = point(scalars({ context, publics, words, ...rest }).v);
	const wordsDigest = keccak256(concat(words.map(bytes32)));
	return keccak256(
		concat([id("openledger.challenge.v1"), key.circuitId, context, ...[...commitment, ...publics].map(bytes32), wordsDigest]),
	);
}

/**
 * A proof that the verifier of `toy` accepts for these publics, links and words in this context.
 *
 * @param transcript digests of all proofs made together; empty for a proof made alone
 */
export function simulate(statement: Statement, transcript: readonly string[] = []): ProofCalldata {
	const { toy, publics, links = [], words = [] } = statement;
	const { key, secrets } = toy;
	const { a, v } = scalars(statement);
	const seed = transcript.length === 0 ? digest(statement) : keccak256(concat([id("openledger.joint.v1"), ...transcript]));
	const z = Fr.create(BigInt(seed));
	const evaluation = words.reduce((sum, word, i) => Fr.add(sum, Fr.mul(Fr.create(word), Fr.pow(z, BigInt(i + 1)))), 0n);
	const signals = [1n, ...publics, ...links, ...(key.hasWords ? [evaluation] : []), z];
	const x = signals.reduce((sum, signal, i) => Fr.add(sum, Fr.mul(Fr.create(signal), secrets.ic[i] as bigint)), 0n);
	const c = Fr.div(Fr.create(a - secrets.alphaBeta - x - v), secrets.delta);
	const [[x0, x1], [y0, y1]] = decimals2(1n).map((pair) => pair.map(BigInt)) as [[bigint, bigint], [bigint, bigint]];
	return {
		a: point(a),
		b: [
			[x1, x0],
			[y1, y0],
		],
		c: point(c),
		commitment: point(v),
		knowledge: point(Fr.mul(secrets.sigma, v)),
	};
}

/** A and the commitment, which follow from what is proven. */
function scalars({ context, publics, words = [] }: Omit<Statement, "toy">): { a: bigint; v: bigint } {
	const seed = keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "uint256[]", "uint256[]"], [context, publics, words]));
	return { a: field(`${seed}/a`), v: field(`${seed}/v`) };
}

/** A field element that follows from a label. */
export function field(label: string): bigint {
	return Fr.create(BigInt(id(`openledger ledger toy ${label}`)));
}

function point(k: bigint): readonly [bigint, bigint] {
	const { x, y } = bn254.G1.Point.BASE.multiply(k).toAffine();
	return [x, y];
}

function decimals1(k: bigint): G1 {
	const [x, y] = point(k);
	return [x.toString(), y.toString()];
}

function decimals2(k: bigint): G2 {
	const { x, y } = bn254.G2.Point.BASE.multiply(k).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}

function bytes32(value: bigint): string {
	return toBeHex(value, 32);
}
