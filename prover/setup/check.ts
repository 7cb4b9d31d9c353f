/**
 * Checks a development key: that every section is what the secrets make of the circuit. What is short is made again and compared; points of long sections
 * are held against random combinations (combination.ts), for a fraction of what making them costs.
 */
import { stat } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { Q, toBytesLE, WORD } from "../bn254.ts";
import type { CompiledCircuit } from "../compile.ts";
import { windowBits } from "../engine/fixed-base.ts";
import { type GroupName, TERM_BYTES } from "../engine/kernels.ts";
import { Machine } from "../engine/machine.ts";
import { KEY_BYTES, loadPoints } from "../engine/msm.ts";
import { KeyError, ProverError } from "../errors.ts";
import { type R1cs, readR1cs } from "../r1cs.ts";
import { SECTION, Zkey } from "../zkey.ts";
import { encodeCoefficients } from "./coefficients.ts";
import { type Combination, combinationsHold, combinedScalars, randomCombination } from "./combination.ts";
import { factBytes, headerBytes, keyLayout, PROTOCOL, sigmaDecimals } from "./layout.ts";
import { extendedA, keyScalars, publicsOf } from "./scalars.ts";
import { DEVELOPMENT_SEED, deriveSecrets, type SetupSecrets } from "./secrets.ts";
import { multiplyGenerators } from "./worker.ts";

export interface CheckOptions {
	/** from which the secrets are derived; default: {@link DEVELOPMENT_SEED} */
	readonly seed?: string;
	/** whose facts the key must state; default: facts are only checked for what the constraints say */
	readonly compiled?: CompiledCircuit;
	readonly signal?: AbortSignal;
	/** counts constraints, then points */
	readonly onProgress?: (progress: { readonly phase: "constraints" | "points"; readonly done: number; readonly total: number }) => void;
}

const CHUNK = 1 << 18;
/** Below this many points making them again is cheaper than combinations. */
const REMADE = 4096;
const Q_WORDS = new Uint32Array(toBytesLE(Q).buffer);
/** Parts of section 2, by their ends. */
const HEADER_PARTS = [
	["the fields", 72],
	["the numbers of wires, public signals and points of the domain", 84],
	["alpha in G1", 148],
	["beta in G1", 212],
	["beta in G2", 340],
	["gamma in G2", 468],
	["delta in G1", 532],
	["delta in G2", 660],
] as const;

/**
 * Checks all sections of a development key.
 * @param path the .zkey
 * @param r1cs path of its circuit's constraints
 * @throws KeyError `key.missing`; `key.truncated`; `key.format` when sections have other lengths or another order than this circuit's key;
 *   `key.invalid` when one holds something else: the message names the section and the place. A wrong point on the curve is overlooked with a
 *   probability of at most 2^-39.
 * @throws CompileError when the .r1cs is damaged; ProverError `setup.failed`; the signal's reason
 */
export async function checkDevelopmentKey(path: string, r1cs: string, options: CheckOptions = {}): Promise<void> {
	const { signal, onProgress } = options;
	const secrets = deriveSecrets(options.seed ?? DEVELOPMENT_SEED);
	const pause = async (): Promise<void> => {
		await breathe();
		signal?.throwIfAborted();
	};
	const key = await Zkey.open(path);
	try {
		const circuit = await readR1cs(r1cs, signal);
		const a = extendedA(circuit);
		checkLayout(key, (await stat(path)).size, keyLayout(circuit, a, key.bytes(SECTION.facts)));
		await expectBytes(key, SECTION.protocol, 0, PROTOCOL, () => "Groth16's number");
		await expectBytes(
			key,
			SECTION.header,
			0,
			await headerBytes(circuit, secrets),
			(at) => HEADER_PARTS.find(([, end]) => at < end)?.[0] ?? "",
		);
		await expectBytes(key, SECTION.contributions, 0, new Uint8Array(key.bytes(SECTION.contributions)), () => "no contributions");
		await checkFacts(key, circuit, secrets, options.compiled);
		let offset = 0;
		for (const bytes of encodeCoefficients(circuit, a)) {
			const from = offset - 4;
			await expectBytes(key, SECTION.coefficients, offset, bytes, (at) => {
				return from + at < 0 ? "the number of terms" : `term ${Math.floor((from + at) / TERM_BYTES)} of the circuit`;
			});
			offset += bytes.length;
			await pause();
		}
		const all = await keyScalars(circuit, a, secrets, {
			pause,
			report: (part) => onProgress?.({ phase: "constraints", done: Math.round(part * circuit.nConstraints), total: circuit.nConstraints }),
		});
		const total = all.reduce((sum, { sections, scalars }) => sum + (sections.length * scalars.length) / WORD, 0);
		const machine = await Machine.open();
		let done = 0;
		for (const { sections, scalars } of all) {
			for (let from = 0; from < scalars.length / WORD; from += CHUNK) {
				const part = scalars.subarray(from * WORD, (from + CHUNK) * WORD);
				const combination = randomCombination(part.length / WORD);
				for (const { section, group } of sections) {
					await checkPoints(key, machine, { section, group, from, scalars: part, combination });
					done += part.length / WORD;
					onProgress?.({ phase: "points", done, total });
					await pause();
				}
			}
		}
	} finally {
		await key.close();
	}
}

/** Sections in order, without gaps, up to the end of the file. */
function checkLayout(key: Zkey, size: number, layout: ReturnType<typeof keyLayout>): void {
	let end = key.sections[0]?.start ?? 0;
	for (const [i, [id, bytes]] of layout.entries()) {
		const got = key.sections[i];
		if (got?.id !== id || got.bytes !== bytes || got.start !== end) {
			const found = got ? `section ${got.id} of ${got.bytes} bytes at ${got.start}` : "its end";
			throw layoutError(`${key.path} to hold section ${id} of ${bytes} bytes at ${end}, got ${found}`);
		}
		end += bytes + (i + 1 < layout.length ? 12 : 0);
	}
	if (key.sections.length > layout.length) throw layoutError(`${layout.length} sections in ${key.path}, got ${key.sections.length}`);
	if (size !== end) throw layoutError(`${key.path} to have ${end} bytes, got ${size}`);
}

function layoutError(rest: string): KeyError {
	return new KeyError("key.format", `checkDevelopmentKey: expected ${rest}`, { hint: "is this the key of this circuit?" });
}

async function checkFacts(key: Zkey, circuit: R1cs, secrets: SetupSecrets, compiled: CompiledCircuit | undefined): Promise<void> {
	if (compiled) {
		const expected = factBytes(compiled, secrets);
		if (expected.length !== key.bytes(SECTION.facts)) throw invalid(key, SECTION.facts, `the facts of ${compiled.circuit.id}`);
		await expectBytes(key, SECTION.facts, 0, expected, () => `the facts of ${compiled.circuit.id}`);
		return;
	}
	const { development, publics, links, hasWords, sigma } = key.facts;
	if (development !== true) throw invalid(key, SECTION.facts, "development: true");
	const names = publics.length + links.length + (hasWords ? 1 : 0) + 1;
	if (names !== publicsOf(circuit)) throw invalid(key, SECTION.facts, `names of ${publicsOf(circuit)} public signals`);
	if (JSON.stringify(sigma) !== JSON.stringify(sigmaDecimals(secrets))) throw invalid(key, SECTION.facts, "sigma");
}

/** Points of a section, from number `from` on. */
interface PointCheck {
	readonly section: number;
	readonly group: GroupName;
	readonly from: number;
	readonly scalars: Uint8Array;
	readonly combination: Combination;
}

/** By combinations, or by making the points again, which names a wrong one. */
async function checkPoints(key: Zkey, machine: Machine, { section, group, from, scalars, combination }: PointCheck): Promise<void> {
	const count = scalars.length / WORD;
	const bytes = await key.read(section, from * KEY_BYTES[group], count * KEY_BYTES[group]);
	if (count >= REMADE && isRight(machine, group, bytes, scalars, combination)) return;
	const [expected] = await multiplyGenerators({ groups: [group], bits: windowBits(count), scalars });
	const at = firstDifference(bytes, expected as Uint8Array);
	if (at >= 0) throw invalid(key, section, `point ${from + Math.floor(at / KEY_BYTES[group])} of this circuit`);
	if (count >= REMADE)
		throw new ProverError("engine.failed", `checkDevelopmentKey: expected a wrong point in section ${section}, got none`);
}

function isRight(machine: Machine, group: GroupName, bytes: Uint8Array, scalars: Uint8Array, combination: Combination): boolean {
	if (!isCanonical(bytes)) return false;
	const mark = machine.mark();
	try {
		return combinationsHold(machine, loadPoints(machine, group, bytes, "points"), combination, combinedScalars(combination, scalars));
	} catch (error) {
		if (error instanceof KeyError) return false;
		throw error;
	} finally {
		machine.release(mark);
	}
}

/** Whether all coordinates are below q; others would stand for the same point in another way. */
function isCanonical(bytes: Uint8Array): boolean {
	const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
	for (let first = 0; first < words.length; first += 8) {
		let i = 7;
		while (i > 0 && words[first + i] === Q_WORDS[i]) i--;
		if ((words[first + i] as number) >= (Q_WORDS[i] as number)) return false;
	}
	return true;
}

/** @param part names what holds the byte at an offset in `expected` */
async function expectBytes(key: Zkey, section: number, from: number, expected: Uint8Array, part: (at: number) => string): Promise<void> {
	const at = firstDifference(await key.read(section, from, expected.length), expected);
	if (at >= 0) throw invalid(key, section, part(at));
}

/** @returns -1 for equal ones, which have the same length */
function firstDifference(left: Uint8Array, right: Uint8Array): number {
	return Buffer.compare(left, right) === 0 ? -1 : left.findIndex((byte, i) => byte !== right[i]);
}

function invalid(key: Zkey, section: number, expected: string): KeyError {
	const [name] = Object.entries(SECTION).find(([, id]) => id === section) as [string, number];
	return new KeyError(
		"key.invalid",
		`checkDevelopmentKey: expected section ${section} (${name}) of ${key.path} to hold ${expected}, got something else`,
		{
			hint: "the key is damaged, or of another circuit or seed: delete it and make it again",
		},
	);
}
