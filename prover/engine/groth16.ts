/**
 * Groth16 proofs from snarkjs' files, the same proof bit for bit when the blinding values are the same.
 *
 * With z the witness, A, B the matrices of the circuit, n the size of the domain, r and s blinding values:
 * 1. a = A z, b = B z, c = a b on the domain, row by row of section 4;
 * 2. h = a b - c on the points between those of the domain (transform.ts), which the key's section 9 is for;
 * 3. the sums sum z_i A_i, sum z_i B_i in G1 and G2, sum z_i C_i, sum h_i H_i (msm.ts);
 * 4. pi_a = alpha + sum A + r delta, pi_b = beta + sum B + s delta, pi_c = sum C + sum H + s pi_a + r pi_b1 - r s delta.
 *
 * A thread's memory holds one section of the key at a time.
 */
import { randomBytes } from "node:crypto";
import { bn254 } from "@noble/curves/bn254.js";
import { fromBytesBE, fromBytesLE, fromMontgomery, mod, Q, R, WORD } from "../bn254.ts";
import { KeyError, ProverError, WitnessError } from "../errors.ts";
import type { Groth16Proof } from "../plain/proof.ts";
import { PAIR_BYTES } from "./field.ts";
import type { Helpers } from "./helpers.ts";
import { type G1Point, type G2Point, hornerG1, hornerG2 } from "./horner.ts";
import { TERM_BYTES } from "./kernels.ts";
import { Machine } from "./machine.ts";
import { type BitSums, type Digits, KEY_BYTES, recode } from "./msm.ts";
import { type Format, readField, Sections, type Source } from "./sections.ts";
import { KEY_FORMAT, runSums, type SumRequest } from "./sums.ts";
import { Domain, MAX_LOG } from "./transform.ts";

export interface ProveOptions {
	/** what makes the proof hide the witness, in `[0, r)`; default: random. Only tests have a reason to set it. */
	readonly blinding?: { readonly r: bigint; readonly s: bigint };
	/** whose memory is used, and left as it was; default: a new one for this proof */
	readonly machine?: Machine;
	/** threads that take over sums; default: all in this thread */
	readonly helpers?: Helpers;
	/** looked at between sums */
	readonly signal?: AbortSignal;
	/** parts of sums that are done, and all of them */
	readonly onProgress?: (done: number, total: number) => void;
}

/** Sizes and points of section 2. */
interface Header {
	readonly nWires: number;
	readonly nPublic: number;
	readonly log: number;
	readonly alpha1: G1Point;
	readonly beta1: G1Point;
	readonly beta2: G2Point;
	readonly delta1: G1Point;
	readonly delta2: G2Point;
}

const SECTION = { protocol: 1, header: 2, coefficients: 4, a: 5, b1: 6, b2: 7, c: 8, h: 9 } as const;
const GROTH16 = 1;
const HEADER_BYTES = 660;
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
 * @param zkey a key of any circom circuit over BN254
 * @param wtns a witness of the same circuit
 * @returns the proof and the public signals, decimal
 * @throws KeyError `key.missing`, `key.format` (another kind of file, another curve), `key.truncated`, `key.invalid` (a point off the curve, a term
 *   outside the circuit), `key.foreign` (a witness of another circuit)
 * @throws WitnessError `witness.missing`, `witness.format` (another kind of file, another field), `witness.truncated`, `witness.range`
 * @throws ProverError `engine.failed` when a result fails its check, or memory runs out; the signal's reason
 */
export async function prove(
	zkey: Source,
	wtns: Source,
	options: ProveOptions = {},
): Promise<{ proof: Groth16Proof; publicSignals: string[] }> {
	const machine = options.machine ?? (await Machine.open());
	const mark = machine.mark();
	const witness = await readWitness(wtns);
	const key = await Sections.open(zkey, KEY_FORMAT);
	try {
		const header = await readHeader(key);
		const nWitness = witness.length / WORD;
		if (nWitness !== header.nWires) {
			throw new KeyError("key.foreign", `prove: expected a witness of ${header.nWires} wires for ${key.name}, got ${nWitness}`, {
				hint: "key and witness must be of the same circuit",
			});
		}
		const { r, s } = options.blinding ?? { r: randomScalar(), s: randomScalar() };
		const ofWires = recode(wordsAt(witness));
		const g1 = (section: number, digits: Digits, offset = 0): SumRequest => ({ zkey, section, group: "g1", digits, offset });
		const [bitsB2, bitsA, bitsB1, bitsC, bitsH] = (await runSums(
			machine,
			options,
			[
				{ ...g1(SECTION.b2, ofWires), group: "g2" },
				g1(SECTION.a, ofWires),
				g1(SECTION.b1, ofWires),
				g1(SECTION.c, ofWires, header.nPublic + 1),
			],
			async () => g1(SECTION.h, recode(await quotient(machine, key, header, witness))),
		)) as [BitSums, BitSums, BitSums, BitSums, BitSums];
		const a = hornerG1(bitsA).add(header.alpha1).add(times(header.delta1, r));
		const b1 = hornerG1(bitsB1).add(header.beta1).add(times(header.delta1, s));
		const b2 = hornerG2(bitsB2).add(header.beta2).add(times(header.delta2, s));
		const c = hornerG1(bitsC)
			.add(hornerG1(bitsH))
			.add(times(a, s))
			.add(times(b1, r))
			.subtract(times(header.delta1, mod(r * s, R)));
		return {
			proof: { pi_a: g1Decimals(a), pi_b: g2Decimals(b2, key), pi_c: g1Decimals(c), protocol: "groth16", curve: "bn128" },
			publicSignals: Array.from({ length: header.nPublic }, (_, i) => fromBytesLE(witness, (i + 1) * WORD).toString()),
		};
	} finally {
		machine.release(mark);
		await key.close();
	}
}

/** Steps 1 and 2: the scalars of section 9. */
async function quotient(machine: Machine, key: Sections, { log, nWires }: Header, witness: Uint8Array): Promise<Uint32Array> {
	const mark = machine.mark();
	const domain = new Domain(machine, log);
	const { half } = domain;
	const [a, b, c] = [domain.alloc(), domain.alloc(), domain.alloc()];
	const inner = machine.mark();
	const rows = machine.alloc(4 * half * PAIR_BYTES);
	machine.bytes.fill(0, rows, rows + 4 * half * PAIR_BYTES);
	const values = machine.alloc(witness.length);
	machine.bytes.set(witness, values);
	await addTerms(machine, key, (low, high, count) => machine.kernel("fr_terms")(low, high, count, values, rows, 2 * half, nWires));
	machine.kernel("fr_rows")(rows, half, a, b, c);
	machine.release(inner);
	for (const vector of [a, b, c]) domain.shift(vector);
	const out = machine.alloc(2 * half * WORD);
	machine.kernel("fr_quotient")(a, b, c, half, out);
	const scalars = machine.words(out, 2 * half * (WORD / 4)).slice();
	machine.release(mark);
	return scalars;
}

/** Hands section 4 over in two lists at a time. */
async function addTerms(machine: Machine, key: Sections, add: (low: number, high: number, count: number) => number): Promise<void> {
	const terms = (key.bytes(SECTION.coefficients) - 4) / TERM_BYTES;
	const buffer = machine.alloc(TERMS_CHUNK * TERM_BYTES);
	for (let from = 0; from < terms; from += TERMS_CHUNK) {
		const count = Math.min(TERMS_CHUNK, terms - from);
		const half = Math.ceil(count / 2);
		machine.bytes.set(await key.read(SECTION.coefficients, 4 + from * TERM_BYTES, count * TERM_BYTES), buffer);
		// An odd number is completed by nothing times the constant wire.
		machine.bytes.fill(0, buffer + count * TERM_BYTES, buffer + 2 * half * TERM_BYTES);
		const done = add(buffer, buffer + half * TERM_BYTES, half);
		if (done < half) {
			const message = `prove: expected the terms of ${key.name} to lie in the circuit, got number ${from + done} or ${from + half + done} outside`;
			throw new KeyError("key.invalid", message);
		}
	}
}

async function readHeader(key: Sections): Promise<Header> {
	const protocol = await key.read(SECTION.protocol, 0, 4);
	if (protocol.readUInt32LE(0) !== GROTH16) {
		throw new KeyError("key.format", `prove: expected ${key.name} to be a Groth16 key, got protocol ${protocol.readUInt32LE(0)}`);
	}
	const bytes = await key.read(SECTION.header);
	if (bytes.length !== HEADER_BYTES || readField(bytes, 0) !== Q || readField(bytes, 36) !== R) {
		throw new KeyError("key.format", `prove: expected ${key.name} to be over BN254, got another curve`);
	}
	const [nWires, nPublic, domainSize] = [72, 76, 80].map((offset) => bytes.readUInt32LE(offset)) as [number, number, number];
	const log = Math.log2(domainSize);
	if (!Number.isInteger(log) || log < 1 || log >= MAX_LOG || nPublic >= nWires) {
		throw new KeyError("key.format", `prove: expected ${key.name} to have a domain of 2 to 2^27 points, got ${domainSize}`);
	}
	for (const id of [SECTION.a, SECTION.b1]) key.expect(id, nWires * KEY_BYTES.g1);
	key.expect(SECTION.b2, nWires * KEY_BYTES.g2);
	key.expect(SECTION.c, (nWires - nPublic - 1) * KEY_BYTES.g1);
	key.expect(SECTION.h, domainSize * KEY_BYTES.g1);
	const terms = (await key.read(SECTION.coefficients, 0, 4)).readUInt32LE(0);
	key.expect(SECTION.coefficients, 4 + terms * TERM_BYTES);
	return {
		nWires,
		nPublic,
		log,
		alpha1: g1At(bytes, 84, key),
		beta1: g1At(bytes, 148, key),
		beta2: g2At(bytes, 212, key),
		delta1: g1At(bytes, 468, key),
		delta2: g2At(bytes, 532, key),
	};
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

function g1At(bytes: Buffer, offset: number, key: Sections): G1Point {
	const [x, y] = [0, 1].map((i) => fromMontgomery(bytes, offset + i * WORD)) as [bigint, bigint];
	return onCurve(() => bn254.G1.Point.fromAffine({ x, y }), key);
}

function g2At(bytes: Buffer, offset: number, key: Sections): G2Point {
	const [x0, x1, y0, y1] = [0, 1, 2, 3].map((i) => fromMontgomery(bytes, offset + i * WORD)) as [bigint, bigint, bigint, bigint];
	const { Fp2 } = bn254.fields;
	return onCurve(() => bn254.G2.Point.fromAffine({ x: Fp2.fromBigTuple([x0, x1]), y: Fp2.fromBigTuple([y0, y1]) }), key);
}

function onCurve<Point extends { assertValidity(): void }>(make: () => Point, key: Sections): Point {
	try {
		const point = make();
		point.assertValidity();
		return point;
	} catch (cause) {
		throw new KeyError("key.invalid", `prove: expected the header of ${key.name} to hold points of BN254, got another`, { cause });
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

function g2Decimals(point: G2Point, key: Sections): string[][] {
	const { x, y } = point.toAffine();
	const { Fp2 } = bn254.fields;
	const isOnCurve = Fp2.eql(Fp2.sqr(y), Fp2.add(Fp2.mul(Fp2.sqr(x), x), bn254.G2.Point.CURVE().b));
	if (isOnCurve && !point.isTorsionFree()) {
		// That sums stay on the curve is checked; that all points of the key are in the subgroup would be dear to check.
		const message = `prove: expected the points of section ${SECTION.b2} of ${key.name} in the subgroup of order r, got one outside`;
		throw new KeyError("key.invalid", message);
	}
	checked(point);
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
