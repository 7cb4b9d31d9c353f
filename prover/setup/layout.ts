/** The parts of a development key that are not many: its table of contents, its header, its facts. */
import { bn254 } from "@noble/curves/bn254.js";
import { toBytesLE } from "../bn254.ts";
import type { CompiledCircuit } from "../compile.ts";
import type { GroupName } from "../engine/kernels.ts";
import { KEY_BYTES } from "../engine/msm.ts";
import type { R1cs, SparseMatrix } from "../r1cs.ts";
import { encodeHeader, HEADER_BYTES, type KeyFacts, SECTION } from "../zkey.ts";
import { coefficientBytes } from "./coefficients.ts";
import { domainLog, publicsOf } from "./scalars.ts";
import type { SetupSecrets } from "./secrets.ts";
import { multiplyGenerators } from "./worker.ts";

/** Section 10 of a key without contributions: 64 bytes that a ceremony would fill, and their number. */
const CONTRIBUTIONS_BYTES = 68;

/** Content of section 1: Groth16. */
export const PROTOCOL = Uint8Array.of(1, 0, 0, 0);

/**
 * Content bytes by section, in file order.
 * @param a with the rows of public signals
 * @param factBytes length of section 102, the last one
 */
export function keyLayout(r1cs: R1cs, a: SparseMatrix, factBytes: number): (readonly [section: number, bytes: number])[] {
	const nPublic = publicsOf(r1cs);
	const { nWires, nPrivateInputs } = r1cs;
	return [
		[SECTION.protocol, PROTOCOL.length],
		[SECTION.header, HEADER_BYTES],
		[SECTION.coefficients, coefficientBytes(r1cs, a)],
		[SECTION.ic, (nPublic + 1) * KEY_BYTES.g1],
		[SECTION.h, 2 ** domainLog(r1cs) * KEY_BYTES.g1],
		[SECTION.c, (nWires - nPublic - 1) * KEY_BYTES.g1],
		[SECTION.a, nWires * KEY_BYTES.g1],
		[SECTION.b1, nWires * KEY_BYTES.g1],
		[SECTION.b2, nWires * KEY_BYTES.g2],
		[SECTION.commitment, nPrivateInputs * KEY_BYTES.g1],
		[SECTION.knowledge, nPrivateInputs * KEY_BYTES.g1],
		[SECTION.contributions, CONTRIBUTIONS_BYTES],
		[SECTION.facts, factBytes],
	];
}

/** Content of section 2. */
export async function headerBytes(r1cs: R1cs, { alpha, beta, delta }: SetupSecrets): Promise<Uint8Array> {
	const multiples = async (group: GroupName, factors: readonly bigint[]): Promise<(index: number) => Uint8Array> => {
		const scalars = Uint8Array.from(Buffer.concat(factors.map(toBytesLE)));
		const [points] = await multiplyGenerators({ groups: [group], bits: 4, scalars });
		return (index) => (points as Uint8Array).subarray(index * KEY_BYTES[group], (index + 1) * KEY_BYTES[group]);
	};
	const [g1, g2] = [await multiples("g1", [alpha, beta, delta]), await multiples("g2", [beta, 1n, delta])];
	return encodeHeader({
		nWires: r1cs.nWires,
		nPublic: publicsOf(r1cs),
		domainSize: 2 ** domainLog(r1cs),
		alpha1: g1(0),
		beta1: g1(1),
		delta1: g1(2),
		beta2: g2(0),
		gamma2: g2(1),
		delta2: g2(2),
	});
}

/** Content of section 102. */
export function factBytes(compiled: CompiledCircuit, secrets: SetupSecrets): Uint8Array {
	const facts: KeyFacts = {
		schema: "openledger.key.v1",
		circuit: compiled.digest,
		statement: compiled.circuit.statement,
		id: compiled.circuit.id,
		development: true,
		publics: compiled.circuit.publics,
		links: compiled.circuit.links,
		hasWords: compiled.circuit.hasWords,
		sigma: sigmaDecimals(secrets),
	};
	return Buffer.from(JSON.stringify(facts));
}

/** `[sigma]_2` as facts state it. */
export function sigmaDecimals({ sigma }: SetupSecrets): KeyFacts["sigma"] {
	const { x, y } = bn254.G2.Point.BASE.multiply(sigma).toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}
