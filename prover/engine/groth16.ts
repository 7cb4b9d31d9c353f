/**
 * Groth16 proofs from snarkjs' files, the same proof bit for bit when the blinding values are the same.
 *
 * With z the witness, A, B the matrices of the circuit, n the size of the domain, r and s blinding values:
 * 1. a = A z, b = B z, c = a b on the domain, row by row of section 4;
 * 2. h = a b - c on the points between those of the domain (transform.ts), which the key's section 9 is for;
 * 3. the sums sum z_i A_i, sum z_i B_i in G1 and G2, sum z_i C_i, sum h_i H_i (msm.ts);
 * 4. pi_a = alpha + sum A + r delta, pi_b = beta + sum B + s delta, pi_c = sum C + sum H + s pi_a + r pi_b1 - r s delta.
 *
 * Other threads begin with the sums of z while this one computes h; then all do sums. Of a key that is not loaded, a thread's memory holds one
 * section at a time.
 */
import { randomBytes } from "node:crypto";
import { fromBytesBE, fromBytesLE, mod, R, WORD } from "../bn254.ts";
import { KeyError, ProverError, WitnessError } from "../errors.ts";
import type { Groth16Proof } from "../plain/proof.ts";
import { recode } from "./digits.ts";
import { PAIR_BYTES } from "./field.ts";
import type { Helpers } from "./helpers.ts";
import type { G1Point, G2Point } from "./horner.ts";
import { TERM_BYTES } from "./kernels.ts";
import { checkHeader, KEY_FORMAT, type KeyHeader, type LoadedKey, readHeader, readTerms } from "./key.ts";
import { Machine } from "./machine.ts";
import type { BitSums } from "./msm.ts";
import { type Format, readField, Sections, type Source } from "./sections.ts";
import { isLoaded, requestSum, type SumRequest, Sums } from "./sums.ts";
import { Domain } from "./transform.ts";

export interface ProveOptions {
	/** what makes the proof hide the witness, in `[0, r)`; default: random. Only tests have a reason to set it. */
	readonly blinding?: { readonly r: bigint; readonly s: bigint };
	/** whose memory is used, and left as it was; default: one that this thread keeps while it is small */
	readonly machine?: Machine;
	/** threads that take part in sums; default: all in this thread */
	readonly helpers?: Helpers;
	/** aborts between the steps of a proof, with its reason */
	readonly signal?: AbortSignal;
	/** sums of this thread that are done, and all of them; the quotient counts as one */
	readonly onProgress?: (done: number, total: number) => void;
}

/** Of a proof. */
const SUMS = 5;
const WITNESS_SECTION = { header: 1, values: 2 } as const;
const WITNESS_HEADER_BYTES = 4 + WORD + 4;
const TERMS_CHUNK = 32768;

const WITNESS: Format = {
	letters: "wtns",
	versions: [1, 2],
	missing: (message, cause) => new WitnessError("witness.missing", message, { cause }),
	malformed: (message) => new WitnessError("witness.format", message),
	truncated: (message) => new WitnessError("witness.truncated", message, { hint: "calculate the witness again" }),
};

/**
 * Makes a proof. Like snarkjs it does not check that the witness satisfies the circuit: a proof of a wrong witness does not verify.
 * @param key of any circom circuit over BN254: a .zkey, or what {@link loadKey} made of one
 * @param wtns a witness of the same circuit
 * @returns the proof and the public signals, decimal
 * @throws KeyError `key.missing`, `key.format` (another kind of file, another curve), `key.truncated`, `key.invalid` (a point off the curve, a term
 *   outside the circuit), `key.foreign` (a witness of another circuit)
 * @throws WitnessError `witness.missing`, `witness.format` (another kind of file, another field), `witness.truncated`, `witness.range`
 * @throws ProverError `engine.failed` when a result fails its check, `engine.memory`; the signal's reason
 */
export async function prove(
	key: Source | LoadedKey,
	wtns: Source,
	options: ProveOptions = {},
): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	const { helpers, signal } = options;
	const machine = options.machine ?? (await Machine.take());
	const mark = machine.mark();
	let file: Sections | undefined;
	const started: Sums[] = [];
	let done = 0;
	const advance = (): void => options.onProgress?.(++done, SUMS + 1);
	const start = (...requests: SumRequest[]): Sums => {
		const sums = new Sums(machine, helpers, requests);
		started.push(sums);
		return sums;
	};
	try {
		const witness = await readWitness(wtns);
		if (!isLoaded(key)) file = await Sections.open(key, KEY_FORMAT);
		const { name } = file ?? (key as LoadedKey);
		const header = file ? await readHeader(file) : (key as LoadedKey).header;
		const nWitness = witness.length / WORD;
		if (nWitness !== header.nWires) {
			throw new KeyError("key.foreign", `prove: expected a witness of ${header.nWires} wires for ${name}, got ${nWitness}`, {
				hint: "key and witness must be of the same circuit",
			});
		}
		const { r, s } = options.blinding ?? { r: randomScalar(), s: randomScalar() };
		const ofWires = recode(machine, wordsAt(witness));
		const early = start(
			requestSum(key, "b2", ofWires),
			requestSum(key, "a", ofWires),
			requestSum(key, "b1", ofWires),
			requestSum(key, "c", ofWires, header.nPublic + 1),
		);
		// While other threads are at it.
		const { g1Point, g2Point, hornerG1, hornerG2, isOutsideSubgroup } = await import("./horner.ts");
		if (file) await checkHeader(header, name);
		const [alpha1, beta1, delta1] = [header.alpha1, header.beta1, header.delta1].map(g1Point) as [G1Point, G1Point, G1Point];
		const [beta2, delta2] = [header.beta2, header.delta2].map(g2Point) as [G2Point, G2Point];
		const values = await quotient(machine, header, witness, (add) =>
			file ? addTerms(machine, file, header.terms, add) : addLoaded(key as LoadedKey, add),
		);
		advance();
		signal?.throwIfAborted();
		const late = start(requestSum(key, "h", recode(machine, values)));
		const [bitsB2, bitsA, bitsB1, bitsC] = (await early.finish(signal, advance)) as [BitSums, BitSums, BitSums, BitSums];
		// All but the sum over H, while other threads are at that.
		const a = hornerG1(bitsA).add(alpha1).add(times(delta1, r));
		const b1 = hornerG1(bitsB1).add(beta1).add(times(delta1, s));
		const b2 = hornerG2(bitsB2).add(beta2).add(times(delta2, s));
		const c = hornerG1(bitsC)
			.add(times(a, s))
			.add(times(b1, r))
			.subtract(times(delta1, mod(r * s, R)));
		// That all points of the key are on the curve is checked; that they are in the subgroup would be dear to check one by one.
		if (isOutsideSubgroup(b2)) {
			throw new KeyError("key.invalid", `prove: expected the points of section 7 of ${name} in the subgroup of order r, got one outside`);
		}
		const [piA, piB] = [g1Decimals(a), g2Decimals(b2)];
		const [bitsH] = (await late.finish(signal, advance)) as [BitSums];
		return {
			proof: { pi_a: piA, pi_b: piB, pi_c: g1Decimals(c.add(hornerG1(bitsH))), protocol: "groth16", curve: "bn128" },
			publicSignals: Array.from({ length: header.nPublic }, (_, i) => fromBytesLE(witness, (i + 1) * WORD).toString()),
		};
	} finally {
		await Promise.all(started.map((sums) => sums.stop()));
		machine.release(mark);
		if (!options.machine) machine.giveBack();
		await file?.close();
	}
}

/** Adds terms, in two lists of the same length, to the rows; returns how many of each it could. */
type AddTerms = (low: number, high: number, count: number, key?: WebAssembly.Memory) => number;

/** Steps 1 and 2: the scalars of section 9. */
async function quotient(
	machine: Machine,
	{ log, nWires }: KeyHeader,
	witness: Uint8Array,
	addAll: (add: AddTerms) => void | Promise<void>,
): Promise<Uint32Array> {
	const mark = machine.mark();
	const domain = new Domain(machine, log);
	const { half } = domain;
	const [a, b, c] = [domain.alloc(), domain.alloc(), domain.alloc()];
	const inner = machine.mark();
	const rows = machine.alloc(4 * half * PAIR_BYTES);
	machine.bytes.fill(0, rows, rows + 4 * half * PAIR_BYTES);
	const values = machine.alloc(witness.length);
	machine.bytes.set(witness, values);
	await addAll((low, high, count, key) => machine.kernel("fr_terms", key)(low, high, count, values, rows, 2 * half, nWires));
	machine.kernel("fr_rows")(rows, half, a, b, c);
	machine.release(inner);
	for (const vector of [a, b, c]) domain.shift(vector);
	const out = machine.alloc(2 * half * WORD);
	machine.kernel("fr_quotient")(a, b, c, half, out);
	const scalars = machine.words(out, 2 * half * (WORD / 4)).slice();
	machine.release(mark);
	return scalars;
}

/** Hands the terms of a loaded key over. An odd number is completed by nothing times the constant wire. */
function addLoaded({ memory, terms, header, name }: LoadedKey, add: AddTerms): void {
	const half = Math.ceil(header.terms / 2);
	const done = add(terms, terms + half * TERM_BYTES, half, memory);
	if (done < half) throw outside(name, done, half + done);
}

/** Hands section 4 over, two lists at a time. */
async function addTerms(machine: Machine, file: Sections, terms: number, add: AddTerms): Promise<void> {
	const buffer = machine.alloc(TERMS_CHUNK * TERM_BYTES);
	for (let from = 0; from < terms; from += TERMS_CHUNK) {
		const count = Math.min(TERMS_CHUNK, terms - from);
		const half = Math.ceil(count / 2);
		machine.bytes.set(await readTerms(file, from, count), buffer);
		machine.bytes.fill(0, buffer + count * TERM_BYTES, buffer + 2 * half * TERM_BYTES);
		const done = add(buffer, buffer + half * TERM_BYTES, half);
		if (done < half) throw outside(file.name, from + done, from + half + done);
	}
}

function outside(name: string, one: number, other: number): KeyError {
	return new KeyError("key.invalid", `prove: expected the terms of ${name} to lie in the circuit, got number ${one} or ${other} outside`);
}

/**
 * @returns the values of a .wtns, 32 bytes each, little endian; whether they are below r is not looked at
 * @throws WitnessError `witness.missing`, `witness.format`, `witness.truncated`
 */
export async function readWitness(source: Source): Promise<Buffer> {
	const file = await Sections.open(source, WITNESS);
	try {
		const header = await file.read(WITNESS_SECTION.header);
		if (header.length !== WITNESS_HEADER_BYTES || readField(header, 0) !== R) {
			throw new WitnessError("witness.format", `prove: expected ${file.name} to be over the scalar field of BN254, got another field`);
		}
		file.expect(WITNESS_SECTION.values, header.readUInt32LE(4 + WORD) * WORD);
		return await file.read(WITNESS_SECTION.values);
	} finally {
		await file.close();
	}
}

/** noble refuses to multiply by zero, and infinity. */
function times<Point extends { multiply(scalar: bigint): Point; subtract(other: Point): Point; is0(): boolean }>(
	point: Point,
	scalar: bigint,
): Point {
	return scalar === 0n || point.is0() ? point.subtract(point) : point.multiply(scalar);
}

function g1Decimals(point: G1Point): string[] {
	const { x, y } = checked(point).toAffine();
	return [x.toString(), y.toString(), "1"];
}

function g2Decimals(point: G2Point): string[][] {
	const { x, y } = checked(point).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
		["1", "0"],
	];
}

/** An error of the arithmetic almost never leaves a point on the curve. */
function checked<Point extends { assertValidity(): void }>(point: Point): Point {
	try {
		point.assertValidity();
		return point;
	} catch (cause) {
		throw new ProverError("engine.failed", "prove: expected the proof's points on the curve, got one outside", { cause });
	}
}

function randomScalar(): bigint {
	return fromBytesBE(randomBytes(48)) % R;
}

function wordsAt(bytes: Uint8Array): Uint32Array {
	if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
	return new Uint32Array(bytes.slice().buffer);
}
