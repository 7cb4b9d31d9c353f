/**
 * Phase 2: a key whose secrets delta and sigma nobody knows, if one of those who contributed forgot theirs (docs/ceremony.md).
 *
 * The protocol is that of Bowe, Gabizon and Miers (2017) in snarkjs' formats for delta, and the same once more for sigma. Who contributes
 * verifies everything first, from the circuit's source and the powers of tau: a prepared file could otherwise draw `K_i / delta`, or sigma times
 * another point, out of somebody honest, and be put right afterwards.
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Circuit } from "../../circuits/circuit.ts";
import { type CompiledCircuit, type CompileOptions, compileCircuit } from "../compile.ts";
import { CeremonyError } from "../errors.ts";
import { SECTION } from "../zkey.ts";
import type { DeltaChain } from "./delta.ts";
import { place } from "./file.ts";
import { type CeremonyFolder, type CeremonySubject, ceremonyPath, openFolder, SUBJECT_FILE } from "./folder.ts";
import { type Beacon, beaconFactors, factorFrom } from "./hash.ts";
import { withKey, writeInitialKey } from "./initial.ts";
import { sameInitialKey, verifyDelta } from "./key.ts";
import type { PowersFile } from "./powers.ts";
import {
	emptySigmaChain,
	extendSigmaChain,
	historyOf,
	readSigmaChain,
	type SigmaChain,
	verifySigmaChain,
	writeSigmaChain,
} from "./sigma.ts";
import { type CeremonyOptions, runSnarkjs } from "./snarkjs.ts";

export interface CeremonyRunOptions extends CeremonyOptions {
	/** libraries and cache of the compiler */
	readonly compile?: CompileOptions;
}

/** A ceremony whose every file was checked. */
export interface VerifiedCeremony {
	readonly folder: CeremonyFolder;
	readonly compiled: CompiledCircuit;
	readonly powers: PowersFile;
	readonly delta: DeltaChain;
	readonly sigma: SigmaChain;
	/** of the contributions to sigma, hex */
	readonly sigmaHashes: readonly string[];
}

const SIGMA_FACTOR = "openledger.sigma.factor.v1";

/**
 * Begins a ceremony.
 * @param folder is made; must be empty
 * @throws CeremonyError `ceremony.exists`, `powers.format`, `ceremony.failed`; CompileError; the signal's reason (the folder is then empty again)
 */
export async function startCeremony(
	folder: string,
	circuit: Circuit,
	powers: PowersFile,
	options: CeremonyRunOptions = {},
): Promise<CeremonyFolder> {
	const { signal, compile } = options;
	const compiled = await compileCircuit(circuit, { ...compile, ...(signal ? { signal } : {}) });
	await mkdir(folder, { recursive: true });
	if ((await readdir(folder)).length > 0) {
		throw new CeremonyError("ceremony.exists", `startCeremony: expected an empty folder, got files in ${folder}`, {
			hint: "choose another folder",
		});
	}
	const subject: CeremonySubject = { schema: "openledger.ceremony.v1", circuit, powers: { power: powers.power, blake2b: powers.blake2b } };
	try {
		const initial = ceremonyPath(folder, 0, "zkey");
		await place(initial, (path) => writeInitialKey(path, compiled, powers, options));
		const chain = await firstSigmaChain(initial);
		await place(ceremonyPath(folder, 0, "sigma"), (path) => writeSigmaChain(path, chain));
		await place(join(folder, SUBJECT_FILE), (path) => writeFile(path, `${JSON.stringify(subject, undefined, "\t")}\n`));
	} catch (error) {
		const paths = [ceremonyPath(folder, 0, "zkey"), ceremonyPath(folder, 0, "sigma"), join(folder, SUBJECT_FILE)];
		for (const path of paths) await rm(path, { force: true });
		throw error;
	}
	return openFolder(folder);
}

/** Sigma = 1, for the points of an initial key. */
async function firstSigmaChain(initial: string): Promise<SigmaChain> {
	return withKey(initial, async ({ sections }) => {
		const hash = (await sections.read(SECTION.contributions, 0, 64)).toString("hex");
		return emptySigmaChain(hash, await sections.read(SECTION.commitment));
	});
}

/**
 * Checks a ceremony from its files, the circuit's source and the powers alone: the initial key is made again, then every contribution and every
 * point is checked.
 * @throws CeremonyError `ceremony.*` and `powers.hash`, with what is wrong; KeyError; CompileError; the signal's reason
 */
export async function verifyCeremony(folder: string, powers: PowersFile, options: CeremonyRunOptions = {}): Promise<VerifiedCeremony> {
	return withVerified(folder, powers, options, async (ceremony) => ceremony);
}

/** The files that were verified, beyond the reach of whoever else can write to the folder. */
export interface VerifiedFiles {
	readonly initial: string;
	readonly key: string;
}

/**
 * Verifies a ceremony and goes on with copies of what was verified: a folder may be shared.
 * @param use gets paths that are gone when it is done
 * @throws as {@link verifyCeremony}; what `use` throws
 */
export async function withVerified<Value>(
	folder: string,
	powers: PowersFile,
	options: CeremonyRunOptions,
	use: (ceremony: VerifiedCeremony, files: VerifiedFiles) => Promise<Value>,
): Promise<Value> {
	const { signal, compile } = options;
	const state = await openFolder(folder);
	if (state.powers.blake2b !== powers.blake2b) {
		throw new CeremonyError("powers.hash", `verifyCeremony: expected powers with BLAKE2b-512 ${state.powers.blake2b}, got ${powers.path}`, {
			hint: `the ceremony uses powers of 2^${state.powers.power}`,
		});
	}
	const compiled = await compileCircuit(state.circuit, { ...compile, ...(signal ? { signal } : {}) });
	const scratch = await mkdtemp(join(tmpdir(), "openledger-ceremony-"));
	try {
		const files = { initial: join(scratch, "initial.zkey"), key: join(scratch, "key.zkey") };
		await writeInitialKey(files.initial, compiled, powers, options);
		await copyFile(state.key, files.key);
		const sigma = await readSigmaChain(state.sigma);
		const delta = await withKey(files.initial, async (initial) => {
			await withKey(state.initial, (claimed) => sameInitialKey(initial, claimed));
			const chain = await withKey(files.key, (key) => verifyDelta(initial, key, options));
			await verifySigmaChain(sigma, { hash: chain.circuitHash, points: await initial.sections.read(SECTION.commitment) }, signal);
			return chain;
		});
		checkLinks(delta, sigma);
		const sigmaHashes = historyOf(sigma).map(({ hash }) => hash);
		return await use({ folder: state, compiled, powers, delta, sigma, sigmaHashes }, files);
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}

/** Every contribution to sigma names one to delta, in the same order, and a beacon names that beacon; nothing follows a beacon. */
function checkLinks(delta: DeltaChain, sigma: SigmaChain): void {
	let last = -1;
	for (const [index, { name, delta: hash, beacon }] of sigma.contributions.entries()) {
		const place = delta.contributions.findIndex((one, at) => at > last && one.hash === hash);
		const partner = delta.contributions[place];
		if (!partner) {
			throw new CeremonyError(
				"ceremony.transcript",
				`verifyCeremony: expected contribution ${index + 1} to sigma ("${name}") to name one to delta, later than those before it, got another hash`,
			);
		}
		if (JSON.stringify(partner.beacon) !== JSON.stringify(beacon)) {
			throw new CeremonyError(
				"ceremony.beacon",
				`verifyCeremony: expected contribution ${index + 1} to sigma ("${name}") and its partner to have the same beacon`,
			);
		}
		last = place;
	}
	for (const { contributions } of [delta, sigma] as const) {
		const early = contributions.findIndex(({ beacon }, index) => beacon !== undefined && index < contributions.length - 1);
		if (early >= 0)
			throw new CeremonyError("ceremony.beacon", `verifyCeremony: expected the beacon to be last, got contribution ${early + 1}`);
	}
}

/** Hashes of a contribution: what its contributor publishes. */
export interface Contributed {
	readonly number: number;
	readonly name: string;
	/** BLAKE2b-512 of the contribution to delta, hex, as snarkjs prints it */
	readonly delta: string;
	/** BLAKE2b-512 of the contribution to sigma, hex */
	readonly sigma: string;
}

/**
 * Verifies a ceremony and contributes a secret factor of delta and one of sigma.
 * @param who.name 1 to 64 bytes
 * @param who.entropy is mixed with 64 bytes of the operating system's
 * @throws CeremonyError as {@link verifyCeremony}; `ceremony.beacon` when the ceremony is closed; the signal's reason (nothing is left behind)
 */
export async function contribute(
	folder: string,
	powers: PowersFile,
	who: { readonly name: string; readonly entropy?: Uint8Array },
	options: CeremonyRunOptions = {},
): Promise<Contributed> {
	const { name, entropy = new Uint8Array() } = who;
	if (!/^.{1,64}$/u.test(name) || Buffer.byteLength(name) > 64) {
		throw new CeremonyError("ceremony.format", `contribute: expected a name of 1 to 64 bytes, got ${Buffer.byteLength(name)}`);
	}
	return withVerified(folder, powers, options, async (ceremony, { key: from }) => {
		checkOpen(ceremony);
		const secret = Buffer.concat([randomBytes(64), entropy]).toString("hex");
		return append(ceremony, name, undefined, factorFrom(SIGMA_FACTOR, randomBytes(64), entropy), options, (to) =>
			runSnarkjs({ name: "contribute", from, to, by: name, entropy: secret }, options),
		);
	});
}

/**
 * Verifies a ceremony and closes it with a factor that follows from a public number.
 * @throws CeremonyError as {@link contribute}; `ceremony.secret` when nobody contributed a secret yet
 */
export async function applyBeacon(
	folder: string,
	powers: PowersFile,
	beacon: Beacon,
	options: CeremonyRunOptions = {},
): Promise<Contributed> {
	return withVerified(folder, powers, options, async (ceremony, { key: from }) => {
		checkOpen(ceremony);
		checkSecrets(ceremony);
		const { sigma } = await beaconFactors(beacon, options.signal);
		return append(ceremony, "beacon", beacon, sigma, options, (to) =>
			runSnarkjs({ name: "beacon", from, to, by: "beacon", beacon: beacon.hash, iterations: beacon.iterations }, options),
		);
	});
}

function checkOpen({ folder, delta, sigma }: VerifiedCeremony): void {
	if (![delta, sigma].some(({ contributions }) => contributions.at(-1)?.beacon)) return;
	throw new CeremonyError("ceremony.beacon", `contribute: expected an open ceremony, got one that its beacon closed in ${folder.folder}`);
}

/** Somebody must have contributed a secret to both chains: a beacon's factor is known to all. */
export function checkSecrets({ delta, sigma }: Pick<VerifiedCeremony, "delta" | "sigma">): void {
	for (const [name, { contributions }] of [
		["delta", delta],
		["sigma", sigma],
	] as const) {
		if (contributions.some(({ beacon }) => !beacon)) continue;
		throw new CeremonyError("ceremony.secret", `checkSecrets: expected a secret contribution to ${name}, got none: everybody knows it`, {
			hint: "run `setup ceremony contribute`; plain snarkjs contributes to delta alone",
		});
	}
}

/** Writes both files of a contribution. A key without a chain of sigma is a contribution to delta; the reverse would be nothing, so the key comes first. */
async function append(
	{ folder, sigma }: VerifiedCeremony,
	name: string,
	beacon: Beacon | undefined,
	factor: bigint,
	options: CeremonyRunOptions,
	writeKey: (to: string) => Promise<Uint8Array>,
): Promise<Contributed> {
	return place(ceremonyPath(folder.folder, folder.next, "sigma"), async (path) => {
		return place(ceremonyPath(folder.folder, folder.next, "zkey"), async (key) => {
			const hash = Buffer.from(await writeKey(key)).toString("hex");
			const chain = await extendSigmaChain(sigma, factor, { name, delta: hash, ...(beacon ? { beacon } : {}) }, options);
			await writeSigmaChain(path, chain);
			options.signal?.throwIfAborted();
			return { number: folder.next, name, delta: hash, sigma: historyOf(chain).at(-1)?.hash as string };
		});
	});
}
