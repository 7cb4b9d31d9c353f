import { bn254 } from "@noble/curves/bn254.js";
import { groth16 } from "snarkjs";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { inverse, mod, Q, R } from "./bn254.ts";
import { digestOf } from "./challenge.ts";
import { Machine } from "./engine/machine.ts";
import { Pairing } from "./engine/pairing.ts";
import type { BatchInvalid, ProverError } from "./errors.ts";
import type { Proof } from "./proof.ts";
import { Trapdoor } from "./testing/trapdoor.ts";
import { type G1Decimals, type G1Point, type G2Decimals, g1Point, type VerificationKey } from "./verification-key.ts";
import { type Candidate, type CommittedCandidate, type PlainCandidate, Verifier, type VerifyProgress } from "./verifier.ts";
import { type Claim, verifyProof } from "./verify.ts";

const random = vi.hoisted(() => ({ bytes: undefined as unknown as ReturnType<typeof vi.fn<(size: number) => Buffer>> }));
vi.mock("node:crypto", async (original) => {
	const crypto = await original<typeof import("node:crypto")>();
	random.bytes = vi.fn((size: number) => crypto.randomBytes(size));
	return { ...crypto, randomBytes: random.bytes };
});
afterEach(() => {
	random.bytes.mockReset();
	vi.restoreAllMocks();
});
afterAll(async () => {
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

const G = bn254.G1.Point.BASE;
const trapdoor = new Trapdoor("verifier test", 3);
const key = trapdoor.key;
const plainKey = trapdoor.plainKey;
/** A point of the twist that is not in G2. */
const OUTSIDE = outside();

const committed = (i: number): CommittedCandidate => ({ key, claim: trapdoor.claim(key, [BigInt(i), R - 1n], `proof ${i}`) });
const plain = (i: number): PlainCandidate => ({ key: plainKey, ...trapdoor.plainProof([BigInt(i), R - 1n, 0n], `proof ${i}`) });
const claims = Array.from({ length: 16 }, (_, i) => committed(i));
const plains = Array.from({ length: 16 }, (_, i) => plain(i));

function outside(): G2Decimals {
	const { Fp2 } = bn254.fields;
	const { x, y } = bn254.G2.Point.BASE.toAffine();
	const b = Fp2.sub(Fp2.sqr(y), Fp2.mul(Fp2.sqr(x), x));
	for (let i = 1n; i < 100n; i++) {
		const abscissa = Fp2.fromBigTuple([i, 1n]);
		try {
			const root = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(abscissa), abscissa), b));
			return [
				[i.toString(), "1"],
				[root.c0.toString(), root.c1.toString()],
			];
		} catch {
			// not a square
		}
	}
	throw new RangeError("outside: expected a point of the twist, got none");
}

function decimals(point: G1Point): G1Decimals {
	const { x, y } = point.toAffine();
	return [x.toString(), y.toString()];
}

const moved = (point: G1Decimals, by: G1Point): G1Decimals => decimals(g1Point(point).add(by));
const altered = (candidate: CommittedCandidate, claim: Partial<Claim>): CommittedCandidate => ({
	...candidate,
	claim: { ...candidate.claim, ...claim },
});
const withProof = (candidate: CommittedCandidate, proof: Partial<Record<keyof Proof, unknown>>): CommittedCandidate =>
	altered(candidate, { proof: { ...candidate.claim.proof, ...proof } as Proof });

/** The parts of a plain proof. */
interface PlainProof {
	readonly pi_a: string[];
	readonly pi_b: string[][];
	readonly pi_c: string[];
}
const proofOf = (candidate: PlainCandidate): PlainProof => candidate.proof as PlainProof;
const withPlain = (candidate: PlainCandidate, proof: Partial<Record<keyof PlainProof | "protocol", unknown>>): PlainCandidate => ({
	...candidate,
	proof: { ...proofOf(candidate), ...proof },
});
const movedPlain = (candidate: PlainCandidate, by: G1Point): PlainCandidate => {
	const [x, y] = proofOf(candidate).pi_c as [string, string];
	return withPlain(candidate, { pi_c: [...moved([x, y], by), "1"] });
};

function codeOf(run: () => void): string {
	try {
		run();
		return "good";
	} catch (error) {
		return (error as ProverError).code ?? String(error);
	}
}

/** Index and code of what is refused. */
async function refusals(verifier: Verifier, candidates: readonly Candidate[]): Promise<(readonly [number, string])[]> {
	try {
		await verifier.verifyBatch(candidates);
		return [];
	} catch (error) {
		expect((error as BatchInvalid).code).toBe("proof.batch");
		const { failures, message } = error as BatchInvalid;
		for (const { index, error: single } of failures) expect(message).toContain(`${index} (${single.code})`);
		return failures.map(({ index, error: single }) => [index, single.code] as const);
	}
}

const q = Q.toString();
const { proof } = (claims[3] as CommittedCandidate).claim;
const fixed = {
	circuitId: key.circuitId,
	context: `0x${"11".repeat(32)}` as const,
	commitment: proof.commitment,
	publics: [3n, R - 1n],
	words: [],
};

/** One change each, and what refuses it. */
const CHANGES: Record<string, readonly [change: (candidate: CommittedCandidate) => CommittedCandidate, code: string]> = {
	nothing: [(c) => c, "good"],
	"the context": [(c) => altered(c, { context: `0x${"77".repeat(32)}` }), "proof.equation"],
	"a public signal": [(c) => altered(c, { publics: [4n, R - 1n] }), "proof.equation"],
	"a public signal by r": [(c) => altered(c, { publics: [3n + R, R - 1n] }), "proof.public"],
	"a negative public signal": [(c) => altered(c, { publics: [3n, -1n] }), "proof.public"],
	"a public signal too few": [(c) => altered(c, { publics: [3n] }), "proof.public"],
	"a link too many": [(c) => altered(c, { links: [1n] }), "proof.public"],
	"words where there are none": [(c) => altered(c, { words: [1n] }), "proof.public"],
	"a transcript of others": [(c) => altered(c, { transcript: [digestOf(fixed)] }), "proof.transcript"],
	"the order of the public signals": [(c) => altered(c, { publics: [R - 1n, 3n] }), "proof.equation"],
	"the sign of A": [(c) => withProof(c, { a: decimals(g1Point(c.claim.proof.a).negate()) }), "proof.equation"],
	"A off the curve": [(c) => withProof(c, { a: [c.claim.proof.a[0], "5"] }), "proof.point"],
	"A at infinity": [(c) => withProof(c, { a: ["0", "0"] }), "proof.point"],
	"a coordinate of A by q": [(c) => withProof(c, { a: [(BigInt(c.claim.proof.a[0]) + Q).toString(), c.claim.proof.a[1]] }), "proof.format"],
	"q for zero": [(c) => withProof(c, { c: [q, q] }), "proof.format"],
	"B with its components exchanged": [(c) => withProof(c, { b: c.claim.proof.b.map(([x, y]) => [y, x]) }), "proof.point"],
	"B at infinity": [
		(c) =>
			withProof(c, {
				b: [
					["0", "0"],
					["0", "0"],
				],
			}),
		"proof.point",
	],
	"B outside the subgroup": [(c) => withProof(c, { b: OUTSIDE }), "proof.point"],
	"B of another proof": [(c) => withProof(c, { b: (claims[4] as CommittedCandidate).claim.proof.b }), "proof.equation"],
	"C by the generator": [(c) => withProof(c, { c: moved(c.claim.proof.c, G) }), "proof.equation"],
	"the commitment": [(c) => withProof(c, { commitment: moved(c.claim.proof.commitment, G) }), "proof.knowledge"],
	"the proof of knowledge": [(c) => withProof(c, { knowledge: moved(c.claim.proof.knowledge, G) }), "proof.knowledge"],
	"a field that is no point": [(c) => withProof(c, { c: "1" }), "proof.format"],
};

const PLAIN_CHANGES: Record<string, readonly [change: (candidate: PlainCandidate) => PlainCandidate, code: string]> = {
	nothing: [(c) => c, "good"],
	"a public signal": [(c) => ({ ...c, publicSignals: ["4", (R - 1n).toString(), "0"] }), "proof.equation"],
	"a public signal by r": [(c) => ({ ...c, publicSignals: ["3", (R - 1n).toString(), R.toString()] }), "proof.public"],
	"a public signal too many": [(c) => ({ ...c, publicSignals: ["3", (R - 1n).toString(), "0", "0"] }), "proof.public"],
	"a public signal too few": [(c) => ({ ...c, publicSignals: ["3", (R - 1n).toString()] }), "proof.public"],
	"a public signal that is no number": [(c) => ({ ...c, publicSignals: ["3", "-1", "0"] }), "proof.format"],
	"no public signals": [(c) => ({ ...c, publicSignals: undefined }), "proof.format"],
	"A off the curve": [(c) => withPlain(c, { pi_a: [proofOf(c).pi_a[0], "5", "1"] }), "proof.point"],
	"A at infinity": [(c) => withPlain(c, { pi_a: ["0", "1", "0"] }), "proof.format"],
	"A at zero": [(c) => withPlain(c, { pi_a: ["0", "0", "1"] }), "proof.point"],
	"a coordinate of C by q": [
		(c) => withPlain(c, { pi_c: [(BigInt(proofOf(c).pi_c[0] as string) + Q).toString(), proofOf(c).pi_c[1], "1"] }),
		"proof.point",
	],
	"B outside the subgroup": [(c) => withPlain(c, { pi_b: [...OUTSIDE, ["1", "0"]] }), "proof.point"],
	"B off the twist": [
		(c) =>
			withPlain(c, {
				pi_b: [
					["1", "1"],
					["1", "1"],
					["1", "0"],
				],
			}),
		"proof.point",
	],
	"C by the generator": [(c) => movedPlain(c, G), "proof.equation"],
	"the protocol": [(c) => withPlain(c, { protocol: "plonk" }), "proof.format"],
	"the proof": [(c) => ({ ...c, proof: null }), "proof.format"],
};

describe.each(["fma", "plain"] as const)("a verifier with %s arithmetic", async (arithmetic) => {
	const verifier = await Verifier.open({ arithmetic });
	const [first, second] = claims as [CommittedCandidate, CommittedCandidate];

	it.each(Object.entries(CHANGES))("answers as verifyProof to a proof with a change of %s", (_, [change, code]) => {
		const candidate = change(claims[3] as CommittedCandidate);
		expect(codeOf(() => verifyProof(candidate.key, candidate.claim))).toBe(code);
		expect(codeOf(() => verifier.verify(candidate))).toBe(code);
	});

	it.each(Object.entries(PLAIN_CHANGES))("judges a plain proof with a change of %s", (_, [change, code]) => {
		expect(codeOf(() => verifier.verify(change(plains[3] as PlainCandidate)))).toBe(code);
	});

	it("accepts batches of any size, of both kinds and of several keys", async () => {
		const other = new Trapdoor("another key", 3);
		const others = Array.from({ length: 3 }, (_, i): CommittedCandidate => {
			const otherKey = other.key;
			return { key: otherKey, claim: other.claim(otherKey, [1n, 2n], `other ${i}`) };
		});
		for (const batch of [
			[],
			claims.slice(0, 1),
			claims.slice(0, 2),
			claims,
			plains,
			[...plains, ...others, ...claims],
			[...claims, ...claims],
		]) {
			expect(await refusals(verifier, batch)).toEqual([]);
		}
	});

	it("names each bad proof of a batch, wherever it stands", async () => {
		for (const places of [[0], [7], [15], [0, 1], [3, 12], [14, 15], Array.from({ length: 16 }, (_, i) => i)]) {
			const bad = <C extends Candidate>(list: readonly C[], spoil: (candidate: C) => C): C[] =>
				list.map((candidate, i) => (places.includes(i) ? spoil(candidate) : candidate));
			expect(
				await refusals(
					verifier,
					bad(plains, (candidate) => movedPlain(candidate, G)),
				),
			).toEqual(places.map((i) => [i, "proof.equation"]));
			expect(
				await refusals(
					verifier,
					bad(claims, (c) => withProof(c, { knowledge: c.claim.proof.c })),
				),
			).toEqual(places.map((i) => [i, "proof.knowledge"]));
		}
	});

	it("says of each bad proof of a batch what it says of it alone", async () => {
		const batch: Candidate[] = [];
		const expected: [number, string][] = [];
		for (const [candidate, code] of [
			...Object.values(CHANGES).map(([change, code]) => [change(claims[3] as CommittedCandidate), code] as const),
			...Object.values(PLAIN_CHANGES).map(([change, code]) => [change(plains[3] as PlainCandidate), code] as const),
		]) {
			if (code !== "good") expected.push([batch.length, code]);
			batch.push(candidate);
		}
		expect(await refusals(verifier, batch)).toEqual(expected);
	});

	it("says which check refuses B", async () => {
		const offTwist = withProof(first, { b: [first.claim.proof.b[1], first.claim.proof.b[0]] });
		expect(() => verifier.verify(offTwist)).toThrow(/b to be a point of the twist/);
		// Even where the product is 1.
		vi.spyOn(Pairing.prototype, "exponentiate").mockReturnValue(Array.from({ length: 6 }, (_, k) => [k === 0 ? 1n : 0n, 0n] as const));
		const stranger = withProof(first, { b: OUTSIDE });
		expect(() => verifier.verify(stranger)).toThrow(/b to be in G2/);
		expect(await refusals(verifier, [second, stranger, ...plains])).toEqual([[1, "proof.point"]]);
	});

	it("refuses keys that are none, and the proofs under them", async () => {
		const bad: [object, string][] = [
			[{ ...plainKey, vk_delta_2: [...OUTSIDE, ["1", "0"]] }, "vkey.invalid"],
			[{ ...plainKey, vk_alpha_1: ["1", "3", "1"] }, "vkey.invalid"],
			[{ ...plainKey, IC: plainKey.IC.slice(1) }, "vkey.format"],
			[{ ...plainKey, curve: "bls12381" }, "vkey.format"],
			[{ ...plainKey, vk_beta_2: undefined }, "vkey.format"],
			[[], "vkey.format"],
		];
		for (const [badKey, code] of bad) expect(codeOf(() => verifier.verify({ ...(plains[0] as PlainCandidate), key: badKey }))).toBe(code);
		const badKeys: VerificationKey[] = [
			{ ...key, sigma: OUTSIDE },
			{ ...key, alpha: ["1", "3"] },
			{ ...key, beta: [key.beta[1], key.beta[0]] },
		];
		for (const badKey of badKeys)
			expect(codeOf(() => verifier.verify({ ...(claims[0] as CommittedCandidate), key: badKey }))).toBe("key.invalid");
		const batch = [...bad.map(([badKey]) => ({ ...(plains[0] as PlainCandidate), key: badKey })), ...plains];
		expect(await refusals(verifier, batch)).toEqual(bad.map(([, code], i) => [i, code]));
	});

	it("reads a key that was changed again", () => {
		const candidate = plains[0] as PlainCandidate;
		const changing = structuredClone(plainKey) as { IC: string[][] };
		verifier.verify({ ...candidate, key: changing });
		[changing.IC[1], changing.IC[2]] = [changing.IC[2] as string[], changing.IC[1] as string[]];
		expect(codeOf(() => verifier.verify({ ...candidate, key: changing }))).toBe("proof.equation");
	});

	it("forgets keys that were not used for long, and reads them again", () => {
		const candidate = plains[0] as PlainCandidate;
		const named = (i: number): PlainCandidate => ({ ...candidate, key: { ...plainKey, name: `${i}` } });
		const loops = vi.spyOn(Pairing.prototype, "miller");
		const reads = (i: number): number => {
			loops.mockClear();
			verifier.verify(named(i));
			// One loop for the proof, one more where the key is read.
			return loops.mock.calls.length - 1;
		};
		for (let i = 0; i < 64; i++) expect(reads(i)).toBe(1);
		expect([reads(0), reads(64), reads(0), reads(2), reads(1), reads(64)]).toEqual([0, 1, 0, 0, 1, 0]);
	});

	it("refuses proofs under keys of other circuits", async () => {
		const other = new Trapdoor("another key", 3).plainKey;
		const batch = plains.map((candidate, i) => (i === 5 ? { ...candidate, key: other } : candidate));
		expect(await refusals(verifier, batch)).toEqual([[5, "proof.equation"]]);
	});

	/** Sets of bad proofs whose product is 1 when all coefficients are equal. */
	const secret = (name: string): bigint => trapdoor.secret(name);
	const T = G.multiply(secret("any"));
	const [firstPlain, secondPlain] = plains as [PlainCandidate, PlainCandidate];
	const otherTrapdoor = new Trapdoor("a third key", 3);
	const otherPlain = { key: otherTrapdoor.plainKey, ...otherTrapdoor.plainProof([1n, 2n, 3n], "third") };
	const deltas = mod(secret("delta") * inverse(otherTrapdoor.secret("delta"), R), R);
	const toC = mod(secret("gamma") * inverse(secret("delta"), R), R);
	const cancelling: Record<string, readonly Candidate[]> = {
		"C of two plain proofs": [movedPlain(firstPlain, T), movedPlain(secondPlain, T.negate())],
		"C of two plain proofs under two keys": [movedPlain(firstPlain, T), movedPlain(otherPlain, T.multiply(deltas).negate())],
		"C of two committed proofs": [
			withProof(first, { c: moved(first.claim.proof.c, T) }),
			withProof(second, { c: moved(second.claim.proof.c, T.negate()) }),
		],
		"P of two proofs": [
			withProof(first, { knowledge: moved(first.claim.proof.knowledge, T) }),
			withProof(second, { knowledge: moved(second.claim.proof.knowledge, T.negate()) }),
		],
		"C and P of one proof": [
			withProof(first, { c: moved(first.claim.proof.c, T.multiply(toC)), knowledge: moved(first.claim.proof.knowledge, T) }),
		],
		"C of one proof and P of another": [
			withProof(first, { c: moved(first.claim.proof.c, T.multiply(toC)) }),
			withProof(second, { knowledge: moved(second.claim.proof.knowledge, T) }),
		],
	};

	it.each(Object.entries(cancelling))("refuses errors that cancel each other: %s", async (_, bad) => {
		const ones = (size: number): Buffer => Buffer.alloc(size).fill(1, size - 1);
		random.bytes.mockImplementation(ones);
		const batch = [...bad, ...plains.slice(2)];
		// Equal coefficients would let them pass.
		expect(await refusals(verifier, batch)).toEqual([]);
		random.bytes.mockReset();
		expect((await refusals(verifier, batch)).map(([index]) => index)).toEqual(bad.map((_, i) => i));
		// An engine that is deceived is not believed when noble decides as well.
		random.bytes.mockImplementation(ones);
		const onProgress = ({ phase }: VerifyProgress): void => {
			if (phase === "pairings") random.bytes.mockReset();
		};
		await expect(verifier.verifyBatch(batch, { secondOpinion: true, onProgress })).rejects.toMatchObject({ code: "engine.failed" });
	});

	it("takes fresh coefficients of 128 bits for every batch", async () => {
		await verifier.verifyBatch(claims.slice(0, 4));
		await verifier.verifyBatch(claims.slice(0, 4));
		const drawn = random.bytes.mock.results.map(({ value }) => (value as Buffer).toString("hex"));
		expect(new Set(drawn).size).toBe(drawn.length);
		for (const coefficient of drawn) expect(coefficient).toHaveLength(32);
	});

	it("accepts what noble accepts too, where a second opinion is wanted", async () => {
		const phases = new Set<string>();
		await verifier.verifyBatch([...claims.slice(0, 2), ...plains.slice(0, 2)], {
			secondOpinion: true,
			onProgress: ({ phase }) => phases.add(phase),
		});
		expect([...phases]).toEqual(["read", "pairings", "second opinion"]);
	});

	it("reports progress and stops when it is told to", async () => {
		const seen: string[] = [];
		await verifier.verifyBatch(plains, { onProgress: ({ phase, done, total }) => seen.push(`${phase} ${done}/${total}`) });
		expect(seen).toEqual(["read 16/16", "pairings 19/19"]);
		await expect(verifier.verifyBatch(plains, { signal: AbortSignal.abort("enough") })).rejects.toBe("enough");
		const controller = new AbortController();
		const stopped = verifier.verifyBatch(plains, { signal: controller.signal, onProgress: () => controller.abort("now") });
		await expect(stopped).rejects.toBe("now");
		expect(await refusals(verifier, plains)).toEqual([]);
	});

	it("verifies batches at once, and gives memory back", async () => {
		const allocate = vi.spyOn(Machine.prototype, "alloc");
		const highest = (): number => Math.max(...allocate.mock.results.map(({ value }) => value as number));
		const bad = plains.map((candidate, i) => (i === 9 ? movedPlain(candidate, G) : candidate));
		expect(await refusals(verifier, bad)).toEqual([[9, "proof.equation"]]);
		const before = highest();
		expect(await Promise.all([refusals(verifier, bad), refusals(verifier, claims.slice(0, 4)), refusals(verifier, bad)])).toEqual([
			[[9, "proof.equation"]],
			[],
			[[9, "proof.equation"]],
		]);
		allocate.mockClear();
		expect(await refusals(verifier, bad)).toEqual([[9, "proof.equation"]]);
		expect(highest()).toBe(before);
	});
});

describe("proofs of a trapdoor", () => {
	it("are good for snarkjs", async () => {
		for (const candidate of plains.slice(0, 2)) {
			expect(await groth16.verify(candidate.key, candidate.publicSignals as string[], candidate.proof)).toBe(true);
			expect(await groth16.verify(candidate.key, ["9", "9", "9"], candidate.proof)).toBe(false);
		}
	});
});
