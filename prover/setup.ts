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
import { artefactPath, cacheRoot, findArtefact, publishArtefact } from "./artefact.ts";
import type { CompiledCircuit } from "./compile.ts";
import { readR1cs } from "./r1cs.ts";
import { encodeCoefficients } from "./setup/coefficients.ts";
import { factBytes, headerBytes, keyLayout, PROTOCOL } from "./setup/layout.ts";
import { multiplySections } from "./setup/multiples.ts";
import { extendedA, keyScalars } from "./setup/scalars.ts";
import { DEVELOPMENT_SEED, deriveSecrets, type SetupSecrets } from "./setup/secrets.ts";
import { readVerificationKey, type VerificationKey } from "./verification-key.ts";
import { type KeySection, layOut, SECTION, writeFully } from "./zkey.ts";

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
	const facts = factBytes(compiled, secrets);
	const file = await open(path, "wx");
	try {
		const sections = await layOut(file, keyLayout(r1cs, a, facts.length));
		const write = async (section: number, bytes: Uint8Array, offset = 0): Promise<void> => {
			const place = sections.get(section) as KeySection;
			await writeFully(file, bytes, place.start + offset);
		};
		await write(SECTION.protocol, PROTOCOL);
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
