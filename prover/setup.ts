/**
 * Development keys: the setup from a tau that everybody knows, in seconds instead of a ceremony.
 *
 * With N the size of the domain (a power of two, at least nConstraints + nPublic + 1), L_j its Lagrange polynomials and
 * A, B, C the matrices of the circuit (A extended by one row per public signal, which keeps the public signals apart):
 *
 *     u_i = sum_j A_ji L_j(tau)     v_i = sum_j B_ji L_j(tau)     w_i = sum_j C_ji L_j(tau)     k_i = beta u_i + alpha v_i + w_i
 *
 * 1. read the constraints, evaluate L_j(tau), accumulate u, v, w per wire: field arithmetic, this thread
 * 2. multiply the generators: A = u, B1 = B2 = v, IC = k on public wires, K = k and sigma K on private inputs, C = k / delta
 *    on all other wires (infinity on private inputs), H_j = L'_(2j+1)(tau) / delta with L' over the domain of size 2N: chunks, all threads
 * 3. write each chunk to its place in the file as it comes
 *
 * H is in this form because snarkjs' prover evaluates A B - C on the odd points of the doubled domain; it vanishes on the even ones.
 * Anybody can forge proofs for such a key. It says `development: true` in the file and in the verification key.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { setImmediate as breathe } from "node:timers/promises";
import { bn254 } from "@noble/curves/bn254.js";
import { Piscina } from "piscina";
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "./artefact.ts";
import { fromBytesBE, inverse, mod, power, R, toBytesLE, WORD } from "./bn254.ts";
import type { CompiledCircuit } from "./compile.ts";
import { Curve, G1, G2, type GroupLayout } from "./curve.ts";
import { ProverError, unpackError } from "./errors.ts";
import { windowBits } from "./fixed-base.ts";
import { multiplyChunk } from "./multiplication.ts";
import { type R1cs, readR1cs, type SparseMatrix } from "./r1cs.ts";
import { readVerificationKey, type VerificationKey } from "./verification-key.ts";
import { encodeHeader, HEADER_BYTES, type KeyFacts, type KeySection, layOut, SECTION, writeFully } from "./zkey.ts";

/** A proving key in the cache. Plain data: it can be sent to a worker. */
export interface ProvingKey {
	/** absolute path of the .zkey */
	readonly path: string;
	/** digest of the circuit, its id and the seed; names the file in the cache */
	readonly digest: string;
	readonly verification: VerificationKey;
}

/** How far a setup is. `done` and `total` count group multiplications once phase "points" is reached. */
export interface SetupProgress {
	readonly phase: "constraints" | "points" | "write";
	readonly done: number;
	readonly total: number;
}

export interface SetupOptions {
	/** from which tau and the other secrets are derived; default: {@link DEVELOPMENT_SEED} */
	readonly seed?: string;
	readonly root?: string;
	/** worker threads; default: one per core */
	readonly threads?: number;
	readonly signal?: AbortSignal;
	readonly onProgress?: (progress: SetupProgress) => void;
}

/** Secrets of a key, in `[1, r)`. */
export interface SetupSecrets {
	readonly tau: bigint;
	readonly alpha: bigint;
	readonly beta: bigint;
	readonly delta: bigint;
	readonly sigma: bigint;
}

/** The published default seed. */
export const DEVELOPMENT_SEED = "openledger.setup.development.v1";

const FORMAT = 1;
const CHUNK = 8192;
/** Below this many multiplications starting threads costs more than it saves. */
const INLINE = 6000;
const ROOT_OF_UNITY_LOG = 28;
const ROOT_OF_UNITY = power(5n, (R - 1n) >> 28n, R);

/**
 * Derives the secrets of a development key.
 * @param seed any string
 */
export function deriveSecrets(seed: string): SetupSecrets {
	const secret = (name: string): bigint => mod(fromBytesBE(createHash("sha512").update(`${seed}/${name}`).digest()), R - 1n) + 1n;
	return {
		tau: secret("tau"),
		alpha: secret("alpha"),
		beta: secret("beta"),
		delta: secret("delta"),
		sigma: secret("sigma"),
	};
}

/**
 * Makes the development key of a circuit, or takes it from the cache.
 * @returns the key with its verification key
 * @throws ProverError `setup.failed` when the circuit is larger than 2^27 constraints or a worker fails
 * @throws CompileError when the .r1cs is damaged; ArtefactError; the signal's reason (nothing is left behind)
 */
export async function setupDevelopment(compiled: CompiledCircuit, options: SetupOptions = {}): Promise<ProvingKey> {
	const root = options.root ?? cacheRoot();
	const seed = options.seed ?? DEVELOPMENT_SEED;
	const digest = createHash("sha256")
		.update(JSON.stringify([FORMAT, compiled.digest, compiled.circuit.id, seed]))
		.digest("hex");
	if (!(await findArtefact("zkey", digest, root))) {
		const publish = { root, ...(options.signal ? { signal: options.signal } : {}) };
		await publishArtefact("zkey", digest, (path) => writeDevelopmentKey(path, compiled, deriveSecrets(seed), options), publish);
	}
	const path = artefactPath("zkey", digest, root);
	return { path, digest, verification: await readVerificationKey(path) };
}

/** Scalars of one section and where their multiples go. */
interface PointSection {
	readonly section: number;
	readonly group: GroupLayout;
	readonly scalars: Uint8Array;
}

/**
 * Writes a key from given secrets, outside the cache. {@link setupDevelopment} is what callers want.
 * @param path must not exist; a partial file stays there when this fails
 * @throws as {@link setupDevelopment}
 */
export async function writeDevelopmentKey(
	path: string,
	compiled: CompiledCircuit,
	secrets: SetupSecrets,
	options: SetupOptions = {},
): Promise<void> {
	const { signal, onProgress } = options;
	const curve = await Curve.open();
	const r1cs = await readR1cs(compiled.r1cs, signal);
	const nPublic = r1cs.nOutputs + r1cs.nPublicInputs;
	const log = Math.ceil(Math.log2(r1cs.nConstraints + nPublic + 1));
	if (log >= ROOT_OF_UNITY_LOG) {
		throw new ProverError("setup.failed", `setupDevelopment: expected less than 2^27 constraints, got ${r1cs.nConstraints}`);
	}
	// A domain of one point has no odd neighbours to speak of in snarkjs' transforms.
	const domainSize = 2 ** Math.max(log, 1);
	const report = (done: number): void => onProgress?.({ phase: "constraints", done, total: r1cs.nConstraints });
	const points = await scalarSections(curve, r1cs, domainSize, secrets, signal, report);

	const facts: KeyFacts = {
		schema: "openledger.key.v1",
		circuit: compiled.digest,
		statement: compiled.circuit.statement,
		id: compiled.circuit.id,
		development: true,
		publics: compiled.circuit.publics,
		links: compiled.circuit.links,
		hasWords: compiled.circuit.hasWords,
		sigma: g2Decimals(secrets.sigma),
	};
	const factBytes = Buffer.from(JSON.stringify(facts));
	const terms = r1cs.a.wires.length + r1cs.b.wires.length + nPublic + 1;
	const file = await open(path, "wx");
	try {
		const sections = await layOut(file, [
			[SECTION.protocol, 4],
			[SECTION.header, HEADER_BYTES],
			[SECTION.coefficients, 4 + terms * (12 + WORD)],
			...points.map(({ section, group, scalars }) => [section, (scalars.length / WORD) * group.affineBytes] as const),
			[SECTION.contributions, 68],
			[SECTION.facts, factBytes.length],
		]);
		const write = async (section: number, bytes: Uint8Array, offset = 0): Promise<void> => {
			const place = sections.get(section) as KeySection;
			await writeFully(file, bytes, place.start + offset);
		};
		await write(SECTION.protocol, Uint8Array.of(1, 0, 0, 0));
		await write(SECTION.facts, factBytes);
		const singles = await multiplyChunk({
			group: "g1m",
			bits: 4,
			scalars: concat([secrets.alpha, secrets.beta, secrets.delta].map(toBytesLE)),
		});
		const doubles = await multiplyChunk({
			group: "g2m",
			bits: 4,
			scalars: concat([secrets.beta, 1n, secrets.delta].map(toBytesLE)),
		});
		await write(
			SECTION.header,
			encodeHeader({
				nWires: r1cs.nWires,
				nPublic,
				domainSize,
				alpha1: singles.subarray(0, 64),
				beta1: singles.subarray(64, 128),
				delta1: singles.subarray(128),
				beta2: doubles.subarray(0, 128),
				gamma2: doubles.subarray(128, 256),
				delta2: doubles.subarray(256),
			}),
		);
		await writeCoefficients(curve, r1cs, nPublic, (bytes, offset) => write(SECTION.coefficients, bytes, offset), signal);
		await multiplySections(points, write, options);
		onProgress?.({ phase: "write", done: 1, total: 1 });
	} finally {
		await file.close();
	}
}

/** Step 1: all scalars that multiply a generator, by section. */
async function scalarSections(
	curve: Curve,
	r1cs: R1cs,
	domainSize: number,
	secrets: SetupSecrets,
	signal: AbortSignal | undefined,
	report: (done: number) => void,
): Promise<PointSection[]> {
	const nPublic = r1cs.nOutputs + r1cs.nPublicInputs;
	const { nWires, nPrivateInputs } = r1cs;
	const mark = curve.mark();
	const add = curve.operation("frm_add");
	const sub = curve.operation("frm_sub");
	const mul = curve.operation("frm_mul");

	const rootOf = (size: number): bigint => power(ROOT_OF_UNITY, 1n << BigInt(ROOT_OF_UNITY_LOG - Math.log2(size)), R);
	const lagrange = await lagrangeBasis(curve, secrets.tau, 1n, rootOf(domainSize), domainSize, domainSize, 1n, signal);
	const [u, v, w] = [0, 1, 2].map(() => {
		const pointer = curve.alloc(nWires * WORD);
		curve.bytes.fill(0, pointer, pointer + nWires * WORD);
		return pointer;
	}) as [number, number, number];

	const table = montgomeryTable(curve, r1cs.coefficients);
	const product = curve.alloc(WORD);
	const accumulate = async (matrix: SparseMatrix, target: number): Promise<void> => {
		for (let row = 0; row < r1cs.nConstraints; row++) {
			const weight = lagrange + row * WORD;
			const end = matrix.starts[row + 1] as number;
			for (let term = matrix.starts[row] as number; term < end; term++) {
				const sum = target + (matrix.wires[term] as number) * WORD;
				const coefficient = matrix.coefficients[term] as number;
				if (coefficient === 0) add(sum, weight, sum);
				else if (coefficient === 1) sub(sum, weight, sum);
				else {
					mul(table + coefficient * WORD, weight, product);
					add(sum, product, sum);
				}
			}
			if (row % 16384 === 0) {
				await breathe();
				signal?.throwIfAborted();
				report(Math.floor(row / 3));
			}
		}
	};
	await accumulate(r1cs.a, u);
	for (let wire = 0; wire <= nPublic; wire++) {
		add(u + wire * WORD, lagrange + (r1cs.nConstraints + wire) * WORD, u + wire * WORD);
	}
	await accumulate(r1cs.b, v);
	await accumulate(r1cs.c, w);
	report(r1cs.nConstraints);

	// k overwrites w.
	const alpha = montgomery(curve, secrets.alpha);
	const beta = montgomery(curve, secrets.beta);
	for (let wire = 0; wire < nWires; wire++) {
		mul(beta, u + wire * WORD, product);
		add(w + wire * WORD, product, w + wire * WORD);
		mul(alpha, v + wire * WORD, product);
		add(w + wire * WORD, product, w + wire * WORD);
	}
	const firstInput = w + (nPublic + 1) * WORD;
	const firstInner = firstInput + nPrivateInputs * WORD;
	const inner = nWires - nPublic - 1 - nPrivateInputs;
	const scaled = (from: number, count: number, factor: bigint): number => {
		const scale = montgomery(curve, factor);
		const target = curve.alloc(count * WORD);
		for (let i = 0; i < count; i++) mul(from + i * WORD, scale, target + i * WORD);
		return target;
	};
	const knowledge = scaled(firstInput, nPrivateInputs, secrets.sigma);
	const c = scaled(firstInner, inner, inverse(secrets.delta, R));
	const h = await lagrangeBasis(
		curve,
		secrets.tau,
		rootOf(2 * domainSize),
		rootOf(domainSize),
		domainSize,
		2 * domainSize,
		inverse(secrets.delta, R),
		signal,
	);

	const plain = (pointer: number, count: number): Uint8Array => {
		curve.operation("frm_batchFromMontgomery")(pointer, count, pointer);
		const bytes = new Uint8Array(new SharedArrayBuffer(count * WORD));
		bytes.set(curve.bytes.subarray(pointer, pointer + count * WORD));
		return bytes;
	};
	const uBytes = plain(u, nWires);
	const vBytes = plain(v, nWires);
	const kBytes = plain(w, nPublic + 1 + nPrivateInputs);
	const cBytes = new Uint8Array(new SharedArrayBuffer((nPrivateInputs + inner) * WORD));
	cBytes.set(plain(c, inner), nPrivateInputs * WORD);
	const sections: PointSection[] = [
		{ section: SECTION.ic, group: G1, scalars: kBytes.subarray(0, (nPublic + 1) * WORD) },
		{ section: SECTION.h, group: G1, scalars: plain(h, domainSize) },
		{ section: SECTION.c, group: G1, scalars: cBytes },
		{ section: SECTION.a, group: G1, scalars: uBytes },
		{ section: SECTION.b1, group: G1, scalars: vBytes },
		{ section: SECTION.b2, group: G2, scalars: vBytes },
		{ section: SECTION.commitment, group: G1, scalars: kBytes.subarray((nPublic + 1) * WORD) },
		{ section: SECTION.knowledge, group: G1, scalars: plain(knowledge, nPrivateInputs) },
	];
	curve.release(mark);
	return sections;
}

/**
 * `scale * L_j(tau)` for the points `x_j = first * step^j` of a domain of `order` points: `L(tau) = (tau^order - 1) / order * x / (tau - x)`.
 * @returns pointer to `count` elements in Montgomery form
 */
async function lagrangeBasis(
	curve: Curve,
	tau: bigint,
	first: bigint,
	step: bigint,
	count: number,
	order: number,
	scale: bigint,
	signal: AbortSignal | undefined,
): Promise<number> {
	const mul = curve.operation("frm_mul");
	const sub = curve.operation("frm_sub");
	const batchInverse = curve.operation("frm_batchInverse");
	const vanishing = mod(power(tau, BigInt(order), R) - 1n, R);
	if (vanishing === 0n) throw new ProverError("setup.failed", "setupDevelopment: expected tau outside the domain, got a root of unity");
	const factor = mod(scale * vanishing * inverse(BigInt(order), R), R);
	const block = Math.min(count, 4096);
	const result = curve.alloc(count * WORD);
	const mark = curve.mark();
	const taus = montgomery(curve, tau);
	const steps = montgomery(curve, step);
	const point = montgomery(curve, first);
	const numerator = montgomery(curve, factor * first);
	const denominators = curve.alloc(block * WORD, 2 * (block + 1) * WORD);
	for (let from = 0; from < count; from += block) {
		const size = Math.min(block, count - from);
		for (let i = 0; i < size; i++) {
			const target = result + (from + i) * WORD;
			curve.bytes.copyWithin(target, numerator, numerator + WORD);
			sub(taus, point, denominators + i * WORD);
			mul(point, steps, point);
			mul(numerator, steps, numerator);
		}
		batchInverse(denominators, WORD, size, denominators, WORD);
		for (let i = 0; i < size; i++) {
			const target = result + (from + i) * WORD;
			mul(target, denominators + i * WORD, target);
		}
		await breathe();
		signal?.throwIfAborted();
	}
	curve.release(mark);
	return result;
}

/** Section 4: the terms of A and B with coefficients times 2^512, by constraint, then one row per public signal. */
async function writeCoefficients(
	curve: Curve,
	r1cs: R1cs,
	nPublic: number,
	write: (bytes: Uint8Array, offset: number) => Promise<void>,
	signal: AbortSignal | undefined,
): Promise<void> {
	const mark = curve.mark();
	const pointer = montgomeryTable(curve, r1cs.coefficients);
	const toMontgomery = curve.operation("frm_toMontgomery");
	for (const index of r1cs.coefficients.keys()) toMontgomery(pointer + index * WORD, pointer + index * WORD);
	const table = curve.get(pointer, r1cs.coefficients.length * WORD);
	curve.release(mark);

	const TERM = 12 + WORD;
	const block = Buffer.alloc(TERM * 16384);
	let filled = 0;
	let offset = 4;
	const terms = r1cs.a.wires.length + r1cs.b.wires.length + nPublic + 1;
	const count = Buffer.alloc(4);
	count.writeUInt32LE(terms);
	await write(count, 0);
	const flush = async (): Promise<void> => {
		await write(block.subarray(0, filled), offset);
		offset += filled;
		filled = 0;
		signal?.throwIfAborted();
	};
	const put = (matrix: number, row: number, wire: number, coefficient: number): void => {
		block.writeUInt32LE(matrix, filled);
		block.writeUInt32LE(row, filled + 4);
		block.writeUInt32LE(wire, filled + 8);
		block.set(table.subarray(coefficient * WORD, (coefficient + 1) * WORD), filled + 12);
		filled += TERM;
	};
	for (let row = 0; row < r1cs.nConstraints; row++) {
		for (const [number, matrix] of [r1cs.a, r1cs.b].entries()) {
			const end = matrix.starts[row + 1] as number;
			for (let term = matrix.starts[row] as number; term < end; term++) {
				if (filled === block.length) await flush();
				put(number, row, matrix.wires[term] as number, matrix.coefficients[term] as number);
			}
		}
	}
	for (let wire = 0; wire <= nPublic; wire++) {
		if (filled === block.length) await flush();
		put(0, r1cs.nConstraints + wire, wire, 0);
	}
	await flush();
}

/** Step 2 and 3: multiples of the generators, in chunks, on all threads, written as they come. */
async function multiplySections(
	sections: readonly PointSection[],
	write: (section: number, bytes: Uint8Array, offset: number) => Promise<void>,
	options: SetupOptions,
): Promise<void> {
	const total = sections.reduce((sum, { scalars }) => sum + scalars.length / WORD, 0);
	const threads = options.threads ?? availableParallelism();
	const pool =
		total < INLINE
			? undefined
			: new Piscina({ filename: new URL("./multiplication.ts", import.meta.url).href, minThreads: threads, maxThreads: threads });
	const chunks = sections.flatMap(({ section, group, scalars }) => {
		const count = scalars.length / WORD;
		return Array.from({ length: Math.ceil(count / CHUNK) }, (_, i) => ({
			section,
			offset: i * CHUNK * group.affineBytes,
			task: { group: group.prefix, bits: 0, scalars: scalars.subarray(i * CHUNK * WORD, (i + 1) * CHUNK * WORD) },
		}));
	});
	const perThread = (prefix: string): number =>
		chunks.reduce((sum, { task }) => sum + (task.group === prefix ? task.scalars.length / WORD : 0), 0) / (pool ? threads : 1);
	const widths = { g1m: windowBits(perThread("g1m")), g2m: windowBits(perThread("g2m")) };
	const abort = options.signal ? { signal: options.signal } : {};
	let done = 0;
	let next = 0;
	let failed = false;
	// Two chunks in flight per thread keep it busy and bound the memory.
	const lane = async (): Promise<void> => {
		while (next < chunks.length && !failed) {
			const { section, offset, task } = chunks[next++] as (typeof chunks)[number];
			options.signal?.throwIfAborted();
			const sized = { ...task, bits: widths[task.group] };
			try {
				const bytes = pool ? await runInPool(pool, sized, abort) : await multiplyChunk(sized);
				await write(section, bytes, offset);
			} catch (error) {
				failed = true;
				throw options.signal?.aborted ? options.signal.reason : error;
			}
			done += task.scalars.length / WORD;
			options.onProgress?.({ phase: "points", done, total });
		}
	};
	try {
		const lanes = await Promise.allSettled(Array.from({ length: pool ? 2 * threads : 1 }, lane));
		for (const outcome of lanes) if (outcome.status === "rejected") throw outcome.reason;
	} finally {
		await pool?.destroy();
	}
}

async function runInPool(pool: Piscina, task: Parameters<typeof multiplyChunk>[0], abort: { signal?: AbortSignal }): Promise<Uint8Array> {
	const outcome = await pool.run(task, { name: "multiply", ...abort });
	if (!outcome.ok) throw unpackError(outcome.error);
	return outcome.value;
}

/** Puts a field element into curve memory, in Montgomery form. */
function montgomery(curve: Curve, value: bigint): number {
	const pointer = curve.put(toBytesLE(mod(value, R)));
	curve.operation("frm_toMontgomery")(pointer, pointer);
	return pointer;
}

function montgomeryTable(curve: Curve, values: readonly bigint[]): number {
	const table = curve.put(concat(values.map(toBytesLE)));
	curve.operation("frm_batchToMontgomery")(table, values.length, table);
	return table;
}

function g2Decimals(scalar: bigint): KeyFacts["sigma"] {
	const { x, y } = bn254.G2.Point.BASE.multiply(scalar).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
	const bytes = new Uint8Array(parts.length * WORD);
	for (const [index, part] of parts.entries()) bytes.set(part, index * WORD);
	return bytes;
}
