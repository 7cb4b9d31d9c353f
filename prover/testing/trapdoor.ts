/**
 * Keys whose secrets are known, and proofs made with the secrets in place of a witness, for the tests and benches of verification: good under their
 * key for any public signals, at the cost of a few multiples of the generators.
 *
 *     C = (a b - alpha beta - (vk_x + d) gamma) / delta,   P = d sigma / gamma        for A = a G, B = b H, D = d G
 */
import { bn254 } from "@noble/curves/bn254.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { fromBytesBE, inverse, mod, R } from "../bn254.ts";
import type { Proof } from "../proof.ts";
import { circuitIdOf, type G1Decimals, type G2Decimals, type VerificationKey } from "../verification-key.ts";
import { type Claim, signalsOf } from "../verify.ts";

/** A proof of snarkjs with its public signals. */
export interface PlainProofFile {
	readonly publicSignals: readonly string[];
	readonly proof: {
		readonly pi_a: string[];
		readonly pi_b: string[][];
		readonly pi_c: string[];
		readonly protocol: "groth16";
		readonly curve: "bn128";
	};
}

/** Secrets drawn from a seed. */
export class Trapdoor {
	readonly #seed: string;
	readonly #ic: readonly bigint[];

	/**
	 * @param seed the same one gives the same key
	 * @param nSignals public signals of the equation
	 */
	constructor(seed: string, nSignals: number) {
		this.#seed = seed;
		this.#ic = Array.from({ length: nSignals + 1 }, (_, i) => this.secret(`ic ${i}`));
	}

	/** The verification key as snarkjs writes it. */
	get plainKey() {
		return {
			protocol: "groth16",
			curve: "bn128",
			nPublic: this.#ic.length - 1,
			vk_alpha_1: plainG1(g1(this.secret("alpha"))),
			vk_beta_2: plainG2(g2(this.secret("beta"))),
			vk_gamma_2: plainG2(g2(this.secret("gamma"))),
			vk_delta_2: plainG2(g2(this.secret("delta"))),
			IC: this.#ic.map((scalar) => plainG1(g1(scalar))),
		};
	}

	/** The verification key of committed proofs: all signals but the last, the challenge, are public signals. */
	get key(): VerificationKey {
		const points = {
			id: `trapdoor-${this.#seed}`,
			alpha: g1(this.secret("alpha")),
			beta: g2(this.secret("beta")),
			gamma: g2(this.secret("gamma")),
			delta: g2(this.secret("delta")),
			sigma: g2(this.secret("sigma")),
			ic: this.#ic.map(g1),
		};
		return {
			schema: "openledger.vkey.v1",
			statement: "trapdoor",
			circuitId: circuitIdOf(points),
			development: true,
			publics: this.#ic.slice(2).map((_, i) => `signal ${i}`),
			links: [],
			hasWords: false,
			...points,
		};
	}

	/**
	 * A plain proof.
	 * @param signals in `[0, r)`
	 * @param name proofs of other names have other points
	 */
	plainProof(signals: readonly bigint[], name: string): PlainProofFile {
		const { a, b, c } = this.#solve(signals, 0n, name);
		return {
			publicSignals: signals.map(String),
			proof: { pi_a: plainG1(g1(a)), pi_b: plainG2(g2(b)), pi_c: plainG1(g1(c)), protocol: "groth16", curve: "bn128" },
		};
	}

	/**
	 * A committed proof in its claim.
	 * @param publics in `[0, r)`, without the challenge
	 * @param name as {@link plainProof}
	 */
	claim(key: VerificationKey, publics: readonly bigint[], name: string): Claim {
		const d = this.secret(`d ${name}`);
		const knowledge = mod(d * this.secret("sigma") * inverse(this.secret("gamma"), R), R);
		const open = { commitment: g1(d), knowledge: g1(knowledge) };
		const context: `0x${string}` = `0x${Buffer.from(keccak_256(utf8ToBytes(name))).toString("hex")}`;
		const claim = (proof: Proof): Claim => ({ context, publics, words: [], proof });
		// The challenge follows from the commitment: the other points may be any.
		const draft = { ...open, a: open.commitment, b: key.beta, c: open.commitment };
		const { a, b, c } = this.#solve(signalsOf(key, claim(draft), draft), d, name);
		return claim({ ...open, a: g1(a), b: g2(b), c: g1(c) });
	}

	#solve(signals: readonly bigint[], d: bigint, name: string): { a: bigint; b: bigint; c: bigint } {
		const [a, b] = [this.secret(`a ${name}`), this.secret(`b ${name}`)];
		const [alpha, beta, gamma, delta] = ["alpha", "beta", "gamma", "delta"].map((secret) => this.secret(secret)) as [
			bigint,
			bigint,
			bigint,
			bigint,
		];
		const publicTerm = this.#ic.reduce((sum, scalar, i) => sum + scalar * (i === 0 ? 1n : (signals[i - 1] as bigint)), 0n);
		return { a, b, c: mod((a * b - alpha * beta - (publicTerm + d) * gamma) * inverse(delta, R), R) };
	}

	/**
	 * @param name "alpha", "beta", "gamma", "delta", "sigma"; any other name gives a scalar that the key does not use
	 * @returns in `[1, r)`
	 */
	secret(name: string): bigint {
		return 1n + (fromBytesBE(keccak_256(utf8ToBytes(`${this.#seed}/${name}`))) % (R - 1n));
	}
}

function g1(scalar: bigint): G1Decimals {
	const { x, y } = bn254.G1.Point.BASE.multiply(scalar).toAffine();
	return [x.toString(), y.toString()];
}

function g2(scalar: bigint): G2Decimals {
	const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}

function plainG1(point: G1Decimals): string[] {
	return [...point, "1"];
}

function plainG2(point: G2Decimals): string[][] {
	return [[...point[0]], [...point[1]], ["1", "0"]];
}
