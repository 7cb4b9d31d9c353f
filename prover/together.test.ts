import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Circuit } from "../circuits/circuit.ts";
import { R } from "./bn254.ts";
import { challengeOf, combinerOf, evaluationOf } from "./challenge.ts";
import { type CompiledCircuit, compileCircuit } from "./compile.ts";
import { type ProveJob, ProverPool } from "./pool/pool.ts";
import type { Opening, Proved } from "./pool/statement.ts";
import { type ProvingKey, setupDevelopment } from "./setup.ts";
import { type G1Decimals, g1Point } from "./verification-key.ts";
import { verifyProof } from "./verify.ts";

const CONTEXT = `0x${"5a".repeat(32)}` as const;
const SIZE = 4;

/** `total = sum x_i` and `listAt = sum x_i challenge^(i+1)`: a page, or the whole that the pages add up to. */
const circuit: Circuit = {
	statement: "toy",
	id: `toy-list-n${SIZE}`,
	publics: ["total"],
	links: ["listAt"],
	hasWords: false,
	source: `pragma circom 2.1.6;
include "gadgets/projection.circom";
template List(k) {
    signal input total;
    signal input listAt;
    signal input challenge;
    signal input blind;
    signal input x[k];
    signal hidden <== blind * blind;
    component list = Evaluation(k);
    list.challenge <== challenge;
    list.in <== x;
    listAt === list.out;
    var sum = 0;
    for (var i = 0; i < k; i++) {
        sum += x[i];
    }
    total === sum;
}
component main {public [total, listAt, challenge]} = List(${SIZE});
`,
};

const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);
const pages = [
	[1n, 2n, 3n, 4n],
	[10n, 0n, R - 1n, 5n],
];
const whole = pages[0]?.map((value, i) => (value + (pages[1]?.[i] as bigint)) % R) as bigint[];

describe("proofs made together", () => {
	const pool = new ProverPool({ workers: 1 });
	let compiled: CompiledCircuit;
	let key: ProvingKey;
	let jobs: ProveJob[];
	let openings: Opening[];
	let transcript: Opening["digest"][];
	let made: Proved[];
	const job = (x: readonly bigint[]): ProveJob => ({
		circuit: compiled,
		key,
		inputs: { total: sum(x) % R, x },
		context: CONTEXT,
		words: [],
		links: [x],
	});
	const claim = (index: number) => {
		const { proof, publics, links } = made[index] as Proved;
		return { context: CONTEXT, publics, links, words: [], proof, transcript };
	};

	beforeAll(async () => {
		compiled = await compileCircuit(circuit);
		key = await setupDevelopment(compiled);
		jobs = [...pages, whole].map(job);
		openings = await Promise.all(jobs.map((one) => pool.commit(one)));
		transcript = openings.map(({ digest }) => digest);
		made = await Promise.all(jobs.map((one, i) => pool.prove({ ...one, together: { opening: openings[i] as Opening, transcript } })));
	}, 60_000);
	afterAll(() => pool.close());

	it("have one challenge, and links that add up", () => {
		expect(new Set(made.map(({ challenge }) => challenge)).size).toBe(1);
		made.forEach((_, i) => {
			verifyProof(key.verification, claim(i));
		});
		const [first, second, all] = made.map(({ links }) => links[0] as bigint);
		expect(((first as bigint) + (second as bigint)) % R).toBe(all);
		expect(all).toBe(evaluationOf(whole, (made[0] as Proved).challenge));
	});

	it("have a challenge that depends on every member and on their order", () => {
		const { publics, proof } = made[0] as Proved;
		const fixed = { circuitId: key.verification.circuitId, context: CONTEXT, commitment: proof.commitment, publics, words: [] };
		const challenge = challengeOf(fixed, transcript);
		const others = [[], transcript.slice(0, 2), transcript.toReversed(), [...transcript, transcript[0] as Opening["digest"]]];
		for (const other of others) {
			expect(challengeOf(fixed, other)).not.toBe(challenge);
		}
	});

	it("are refused when a link, a public signal, the context or the transcript is another", () => {
		const honest = claim(0);
		const refused = (change: Partial<typeof honest>, code: string) =>
			expect(() => verifyProof(key.verification, { ...honest, ...change })).toThrow(expect.objectContaining({ code }));
		refused({ links: [((honest.links[0] as bigint) + 1n) % R] }, "proof.equation");
		refused({ links: [(honest.links[0] as bigint) + R] }, "proof.public");
		refused({ links: [] }, "proof.public");
		refused({ publics: [11n] }, "proof.transcript");
		refused({ context: `0x${"5b".repeat(32)}` }, "proof.transcript");
		refused({ transcript: transcript.slice(1) }, "proof.transcript");
		refused({ transcript: transcript.slice(0, 2) }, "proof.equation");
		refused({ transcript: [] }, "proof.equation");
		refused({ proof: { ...honest.proof, commitment: (made[1] as Proved).proof.commitment } }, "proof.transcript");
	});

	it("are refused when a link is chosen after a combiner that does not follow from it", () => {
		const honest = claim(0);
		const { challenge } = made[0] as Proved;
		// k IC_link added to P costs rho k IC_link, which rho k in the link brings back.
		const k = 42n;
		const forged = g1Point(honest.proof.knowledge)
			.add(g1Point(key.verification.ic[2] as G1Decimals).multiply(k))
			.toAffine();
		const proof = { ...honest.proof, knowledge: [`${forged.x}`, `${forged.y}`] as const };
		const rho = combinerOf([challenge], proof);
		const links = [((honest.links[0] as bigint) + rho * k) % R];
		expect(() => verifyProof(key.verification, { ...honest, proof, links })).toThrow(expect.objectContaining({ code: "proof.knowledge" }));
	});

	it("cannot be made for other values than were committed", async () => {
		const together = { opening: openings[0] as Opening, transcript };
		await expect(pool.prove({ ...job([2n, 1n, 3n, 4n]), together })).rejects.toMatchObject({ code: "engine.failed" });
		await expect(pool.prove({ ...job([2n, 2n, 3n, 4n]), together })).rejects.toMatchObject({ code: "proof.transcript" });
		await expect(pool.prove({ ...(jobs[0] as ProveJob), links: [] })).rejects.toMatchObject({ code: "input.unknown" });
		await expect(pool.prove({ ...(jobs[0] as ProveJob), links: [whole] })).rejects.toMatchObject({ code: "witness.unsatisfied" });
	});

	it("of another transcript do not add up: their challenges differ", async () => {
		const alone = await pool.prove(jobs[0] as ProveJob);
		verifyProof(key.verification, { context: CONTEXT, publics: alone.publics, links: alone.links, words: [], proof: alone.proof });
		expect(((alone.links[0] as bigint) + (made[1]?.links[0] as bigint)) % R).not.toBe(made[2]?.links[0]);
	});
});
