/** Stored jobs through the worker pool: real circuits, keys and threads. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import { chainWitness, makePlainKey } from "../pool/chain.ts";
import type { Proved } from "../pool/statement.ts";
import { type ProvingKey, setupDevelopment } from "../setup.ts";
import { toyCircuit, toyInputs } from "../toy.ts";
import { verifyProof } from "../verify.ts";
import { cachedKeyDigest, findKeys, keyDigest } from "./keys.ts";
import { PoolProver } from "./prover.ts";
import type { TakenJob } from "./store.ts";
import { groth16Submission, type Submission, statementSubmission } from "./submission.ts";

const CONTEXT = `0x${"17".repeat(32)}` as const;
const VALUES = [3n, 0n, 15n];

let root: string;
let circuit: CompiledCircuit;
let key: ProvingKey;
let chain: Awaited<ReturnType<typeof makePlainKey>>;
let prover: PoolProver;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-jobs-prover-"));
	circuit = await compileCircuit(toyCircuit(VALUES.length), { root });
	key = await setupDevelopment(circuit, { root });
	chain = await makePlainKey(5, { root });
	prover = new PoolProver({ workers: 2, root });
});
afterAll(async () => {
	await prover.close();
	await rm(root, { recursive: true, force: true });
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

const taken = (submission: Submission): TakenJob => ({ ...submission, id: "job", priority: 0, attempt: 0 });
const prove = (submission: Submission, path: string, signal = new AbortController().signal): Promise<unknown> =>
	prover.prove(taken(submission), path, { signal, onProgress: () => {} });

async function statement(): Promise<Submission> {
	return statementSubmission(await cachedKeyDigest(key.digest, root), {
		circuit,
		inputs: toyInputs(VALUES, 100n),
		context: CONTEXT,
		words: VALUES,
	});
}

it("finds the keys of the cache and those of files by the digest of their content", async () => {
	const keys = await findKeys([chain.zkey], root);
	expect(keys.get(await cachedKeyDigest(key.digest, root))).toBe(key.path);
	expect(keys.get(await keyDigest(chain.zkey))).toBe(chain.zkey);
	expect(await cachedKeyDigest(key.digest, root)).toBe(await keyDigest(key.path));
	expect(keys.size).toBe(2);
	await expect(keyDigest(join(root, "none.zkey"))).rejects.toThrow(expect.objectContaining({ code: "key.missing" }));
	expect((await findKeys([], join(root, "empty"))).size).toBe(0);
});

it("proves a statement as the pool does", async () => {
	const { proof, publics } = (await prove(await statement(), key.path)) as Proved;
	expect(() => verifyProof(key.verification, { context: CONTEXT, publics, words: VALUES, proof })).not.toThrow();
});

it("refuses a key of another circuit", async () => {
	const other = await compileCircuit(toyCircuit(2), { root });
	const { path } = await setupDevelopment(other, { root });
	await expect(prove(await statement(), path)).rejects.toThrow(expect.objectContaining({ code: "key.foreign" }));
});

it("refuses a statement whose sources are not those of its digest", async () => {
	const { octets, ...rest } = await statement();
	const fields = JSON.parse(Buffer.from(octets).toString());
	fields.circuit.source += "// changed\n";
	const changed = { ...rest, octets: Buffer.from(JSON.stringify(fields)) };
	await expect(prove(changed, key.path)).rejects.toThrow(expect.objectContaining({ code: "key.foreign" }));
});

it("makes a plain proof that snarkjs accepts", async () => {
	const made = (await prove(groth16Submission("", await chainWitness(chain.circuit, 9n)), chain.zkey)) as {
		proof: unknown;
		publicSignals: string[];
	};
	const { exportVerificationKey } = snarkjs.zKey as unknown as { exportVerificationKey(path: string): Promise<unknown> };
	const verificationKey = await exportVerificationKey(chain.zkey);
	expect(await snarkjs.groth16.verify(verificationKey, made.publicSignals, made.proof)).toBe(true);
});

it("hands out no proof of a witness that violates a constraint", async () => {
	const witness = await chainWitness(chain.circuit, 9n);
	witness[witness.length - 32] = (witness[witness.length - 32] as number) ^ 1;
	await expect(prove(groth16Submission("", witness), chain.zkey)).rejects.toThrow(expect.objectContaining({ code: "witness.unsatisfied" }));
});

it("names a witness that is none, and goes on", async () => {
	await expect(prove(groth16Submission("", Uint8Array.of(1, 2, 3)), chain.zkey)).rejects.toThrow(
		expect.objectContaining({ name: "WitnessError" }),
	);
	await expect(prove(groth16Submission("", await chainWitness(chain.circuit, 2n)), chain.zkey)).resolves.toBeDefined();
});

it("stops at the signal with its reason", async () => {
	const controller = new AbortController();
	const proving = prove(groth16Submission("", await chainWitness(chain.circuit, 4n)), chain.zkey, controller.signal);
	controller.abort(new Error("enough"));
	await expect(proving).rejects.toThrow("enough");
});
