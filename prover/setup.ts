/**
 * Development keys: the setup from a tau that everybody knows, in seconds instead of a ceremony.
 *
 * 1. read the constraints and compute the scalars of all points (setup/scalars.ts): field arithmetic, this thread
 * 2. multiply the generators by them (setup/multiples.ts): chunks, all threads
 * 3. write each chunk to its place in the file as it comes
 *
 * Anybody can forge proofs for such a key. It says `development: true` in the file and in the verification key.
 */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { setImmediate as breathe } from "node:timers/promises";
import { bn254 } from "@noble/curves/bn254.js";
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "./artefact.ts";
import { toBytesLE, WORD } from "./bn254.ts";
import type { CompiledCircuit } from "./compile.ts";
import type { GroupName } from "./engine/kernels.ts";
import { KEY_BYTES } from "./engine/msm.ts";
import { type R1cs, readR1cs } from "./r1cs.ts";
import { coefficientBytes, encodeCoefficients } from "./setup/coefficients.ts";
import { multiplySections } from "./setup/multiples.ts";
import { domainLog, extendedA, keyScalars, publicsOf } from "./setup/scalars.ts";
import { DEVELOPMENT_SEED, deriveSecrets, type SetupSecrets } from "./setup/secrets.ts";
import { multiplyGenerators } from "./setup/worker.ts";
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

const FORMAT = 1;

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
	const r1cs = await readR1cs(compiled.r1cs, signal);
	const a = extendedA(r1cs);
	const points = await keyScalars(r1cs, a, secrets, {
		async pause() {
			await breathe();
			signal?.throwIfAborted();
		},
		report: (part) => onProgress?.({ phase: "constraints", done: Math.round(part * r1cs.nConstraints), total: r1cs.nConstraints }),
	});
	const facts = Buffer.from(JSON.stringify(keyFacts(compiled, secrets)));
	const file = await open(path, "wx");
	try {
		const sections = await layOut(file, [
			[SECTION.protocol, 4],
			[SECTION.header, HEADER_BYTES],
			[SECTION.coefficients, coefficientBytes(r1cs, a)],
			...points.flatMap(({ sections, scalars }) =>
				sections.map(({ section, group }) => [section, (scalars.length / WORD) * KEY_BYTES[group]] as const),
			),
			[SECTION.contributions, CONTRIBUTIONS_BYTES],
			[SECTION.facts, facts.length],
		]);
		const write = async (section: number, bytes: Uint8Array, offset = 0): Promise<void> => {
			const place = sections.get(section) as KeySection;
			await writeFully(file, bytes, place.start + offset);
		};
		await write(SECTION.protocol, Uint8Array.of(1, 0, 0, 0));
		await write(SECTION.header, await headerBytes(r1cs, secrets));
		await write(SECTION.facts, facts);
		let offset = 0;
		for (const bytes of encodeCoefficients(r1cs, a)) {
			await write(SECTION.coefficients, bytes, offset);
			offset += bytes.length;
			signal?.throwIfAborted();
		}
		await multiplySections(points, write, {
			...options,
			report: (done, total) => onProgress?.({ phase: "points", done, total }),
		});
		onProgress?.({ phase: "write", done: 1, total: 1 });
	} finally {
		await file.close();
	}
}

/** Section 10 of a key without contributions: 64 bytes that a ceremony would fill, and their number. */
export const CONTRIBUTIONS_BYTES = 68;

/** What section 102 says of a circuit's development key. */
export function keyFacts(compiled: CompiledCircuit, { sigma }: SetupSecrets): KeyFacts {
	const { x, y } = bn254.G2.Point.BASE.multiply(sigma).toAffine();
	return {
		schema: "openledger.key.v1",
		circuit: compiled.digest,
		statement: compiled.circuit.statement,
		id: compiled.circuit.id,
		development: true,
		publics: compiled.circuit.publics,
		links: compiled.circuit.links,
		hasWords: compiled.circuit.hasWords,
		sigma: [
			[x.c0.toString(), x.c1.toString()],
			[y.c0.toString(), y.c1.toString()],
		],
	};
}

/** Section 2. */
export async function headerBytes(r1cs: R1cs, { alpha, beta, delta }: SetupSecrets): Promise<Uint8Array> {
	const multiples = async (group: GroupName, scalars: readonly bigint[]): Promise<(index: number) => Uint8Array> => {
		const [points] = await multiplyGenerators({
			groups: [group],
			bits: 4,
			scalars: Uint8Array.from(Buffer.concat(scalars.map(toBytesLE))),
		});
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
