/**
 * The scalars of a key: by what each of its points multiplies a generator.
 *
 * With n the size of the domain, L_j its Lagrange polynomials and A, B, C the matrices of the circuit (A extended by one row per public signal, which
 * keeps the public signals apart):
 *
 *     u_i = sum_j A_ji L_j(tau)     v_i = sum_j B_ji L_j(tau)     w_i = sum_j C_ji L_j(tau)     k_i = beta u_i + alpha v_i + w_i
 *
 * A = u, B1 = B2 = v, IC = k on public wires, K = k and sigma K on private inputs, C = k / delta on all other wires (0 on private inputs),
 * H_j = L'_(2j+1)(tau) / delta with L' over the domain of size 2n. H is in this form because snarkjs' prover evaluates A B - C on the odd points of
 * the doubled domain; it vanishes on the even ones.
 */
import { inverse, R, WORD } from "../bn254.ts";
import { ELEMENT_BYTES, FACTOR, PAIR_BYTES } from "../engine/field.ts";
import type { GroupName } from "../engine/kernels.ts";
import { lagrangeBasis } from "../engine/lagrange.ts";
import { Machine } from "../engine/machine.ts";
import { buildSetupKernels, MATRIX_TERM_BYTES } from "../engine/setup-kernels.ts";
import { ProverError } from "../errors.ts";
import type { R1cs, SparseMatrix } from "../r1cs.ts";
import { SECTION } from "../zkey.ts";
import type { SetupSecrets } from "./secrets.ts";

/** Sections that hold multiples of generators by the same scalars. */
export interface PointSections {
	readonly sections: readonly { readonly section: number; readonly group: GroupName }[];
	/** 32 bytes each, little endian, in `[0, r)`, in shared memory */
	readonly scalars: Uint8Array<SharedArrayBuffer>;
}

/** How the caller follows a long computation. */
export interface Watch {
	/** lets the process do other things; throws when it shall stop */
	pause(): Promise<void>;
	/** @param part of all constraints, in `[0, 1]` */
	report(part: number): void;
}

const MOST_LOG = 27;
const TERMS_CHUNK = 32768;

/**
 * @returns log2 of the size of the domain
 * @throws ProverError `setup.failed` above 2^27
 */
export function domainLog(r1cs: R1cs): number {
	// A domain of one point has no odd neighbours to speak of in snarkjs' transforms.
	const log = Math.max(1, Math.ceil(Math.log2(r1cs.nConstraints + publicsOf(r1cs) + 1)));
	if (log <= MOST_LOG) return log;
	throw new ProverError("setup.failed", `setupDevelopment: expected less than 2^27 constraints, got ${r1cs.nConstraints}`);
}

/** Public signals: outputs and public inputs. */
export function publicsOf(r1cs: R1cs): number {
	return r1cs.nOutputs + r1cs.nPublicInputs;
}

/** A with its row for each public signal and the constant. */
export function extendedA(r1cs: R1cs): SparseMatrix {
	const { a, nConstraints } = r1cs;
	const rows = publicsOf(r1cs) + 1;
	const terms = a.wires.length;
	const starts = new Uint32Array(nConstraints + rows + 1);
	const wires = new Uint32Array(terms + rows);
	// Coefficient 0 is the number of 1.
	const coefficients = new Uint32Array(terms + rows);
	starts.set(a.starts);
	wires.set(a.wires);
	coefficients.set(a.coefficients);
	for (let wire = 0; wire < rows; wire++) {
		starts[nConstraints + wire + 1] = terms + wire + 1;
		wires[terms + wire] = wire;
	}
	return { starts, wires, coefficients };
}

/**
 * All scalars that multiply a generator, by section of the key.
 * @param a see {@link extendedA}
 * @throws ProverError `setup.failed` when tau is a point of the domain; what `pause` throws
 */
export async function keyScalars(r1cs: R1cs, a: SparseMatrix, secrets: SetupSecrets, watch: Watch): Promise<PointSections[]> {
	const machine = await Machine.open(undefined, buildSetupKernels);
	const { nWires, nPrivateInputs, coefficients } = r1cs;
	const log = domainLog(r1cs);
	const size = vectorLength(nWires);
	const [u, v, w] = [0, 1, 2].map(() => machine.alloc(size * ELEMENT_BYTES)) as [number, number, number];
	const mark = machine.mark();
	const weights = await lagrangeBasis(machine, log, "all", secrets.tau, 1n, watch.pause);
	// One more, for what fills up the shorter of two lists: zero.
	const table = machine.alloc((coefficients.length + 1) * ELEMENT_BYTES);
	for (const [i, value] of [...coefficients, 0n].entries()) machine.putSingle(table + i * ELEMENT_BYTES, value, R);
	const sums = machine.alloc(size * PAIR_BYTES);
	for (const [i, [matrix, out]] of (
		[
			[a, u],
			[r1cs.b, v],
			[r1cs.c, w],
		] as const
	).entries()) {
		machine.bytes.fill(0, sums, sums + size * PAIR_BYTES);
		const report = (part: number): void => watch.report((i + part) / 3);
		await accumulate(machine, matrix, { weights, table, zero: coefficients.length, sums }, { ...watch, report });
		machine.kernel("fr_fold")(out, sums, size);
	}
	machine.release(mark);

	// k overwrites w.
	const factors = machine.alloc(2 * PAIR_BYTES);
	machine.putPair(factors, secrets.beta, secrets.beta, R);
	machine.putPair(factors + PAIR_BYTES, secrets.alpha, secrets.alpha, R);
	machine.kernel("fr_combine")(u, v, w, size, factors, factors + PAIR_BYTES);
	const [firstInput, firstInner] = [publicsOf(r1cs) + 1, publicsOf(r1cs) + 1 + nPrivateInputs];
	const k = (from: number, end: number, factor = 1n, zeros = 0): PointSections["scalars"] =>
		saved(machine, w + from * ELEMENT_BYTES, end - from, factor, zeros);
	const ofWires = [saved(machine, u, nWires), saved(machine, v, nWires)] as const;
	const overDelta = inverse(secrets.delta, R);
	const points = [k(0, firstInput), k(firstInput, firstInner), k(firstInput, firstInner, secrets.sigma)] as const;
	const c = k(firstInner, nWires, overDelta, nPrivateInputs);
	machine.release(mark);
	const h = await lagrangeBasis(machine, log, "between", secrets.tau, overDelta, watch.pause);
	const g1 = (section: number, scalars: PointSections["scalars"]): PointSections => ({ sections: [{ section, group: "g1" }], scalars });
	return [
		g1(SECTION.ic, points[0]),
		g1(SECTION.h, saved(machine, h, 2 ** log)),
		g1(SECTION.c, c),
		g1(SECTION.a, ofWires[0]),
		{
			sections: [
				{ section: SECTION.b1, group: "g1" },
				{ section: SECTION.b2, group: "g2" },
			],
			scalars: ofWires[1],
		},
		g1(SECTION.commitment, points[1]),
		g1(SECTION.knowledge, points[2]),
	];
}

/** Kernels take two elements at a time, from any place: an even number, and two more. */
function vectorLength(count: number): number {
	return 2 * Math.ceil(count / 2) + 2;
}

/** Adds to the sum of each wire, two lanes of half the terms each, its coefficients times the weights of their rows. */
async function accumulate(
	machine: Machine,
	matrix: SparseMatrix,
	{ weights, table, zero, sums }: { weights: number; table: number; zero: number; sums: number },
	watch: Watch,
): Promise<void> {
	const mark = machine.mark();
	const terms = matrix.wires.length;
	const half = Math.ceil(terms / 2);
	const chunk = Math.min(half, TERMS_CHUNK);
	const lists = [0, 1].map((lane) => ({
		pointer: machine.alloc(chunk * MATRIX_TERM_BYTES),
		write: termWriter(matrix, lane * half, zero),
	})) as [TermList, TermList];
	for (let from = 0; from < half; from += chunk) {
		const count = Math.min(chunk, half - from);
		for (const { pointer, write } of lists) write(machine.words(pointer, (count * MATRIX_TERM_BYTES) / 4), count);
		machine.kernel("fr_accumulate")(lists[0].pointer, lists[1].pointer, count, table, weights, sums);
		watch.report((from + count) / half);
		await watch.pause();
	}
	machine.release(mark);
}

interface TermList {
	readonly pointer: number;
	write(out: Uint32Array, count: number): void;
}

/** Writes the terms from number `first` on, a part with each call, and behind the last one nothing times the constant wire. */
function termWriter({ starts, wires, coefficients }: SparseMatrix, first: number, zero: number): TermList["write"] {
	let term = first;
	let row = 0;
	return (out, count) => {
		for (let i = 0; i < count; i++) {
			const isTerm = term < wires.length;
			while (isTerm && (starts[row + 1] as number) <= term) row++;
			out[3 * i] = isTerm ? row : 0;
			out[3 * i + 1] = isTerm ? (wires[term] as number) : 0;
			out[3 * i + 2] = isTerm ? (coefficients[term] as number) : zero;
			term++;
		}
	};
}

/** Elements times a factor as bytes, behind a number of zeros. */
function saved(machine: Machine, elements: number, count: number, factor = 1n, zeros = 0): PointSections["scalars"] {
	const mark = machine.mark();
	const even = 2 * Math.ceil(count / 2);
	const scale = machine.alloc(PAIR_BYTES);
	// The kernel takes a factor that stands for itself.
	const plain = factor * inverse(FACTOR, R);
	machine.putPair(scale, plain, plain, R);
	const out = machine.alloc(even * WORD);
	machine.kernel("fr_save")(out, elements, even, scale);
	const bytes = new Uint8Array(new SharedArrayBuffer((zeros + count) * WORD));
	bytes.set(machine.bytes.subarray(out, out + count * WORD), zeros * WORD);
	machine.release(mark);
	return bytes;
}
