/**
 * Phase 2: a key whose secrets delta and sigma nobody knows, if one of those who contributed forgot theirs (docs/ceremony.md).
 *
 * The protocol is that of Bowe, Gabizon and Miers (2017) in snarkjs' formats for delta, and the same once more for sigma. Who contributes
 * verifies everything first, from the circuit's source and the powers of tau: a prepared file could otherwise draw `K_i / delta`, or sigma times
 * another point, out of somebody honest, and be put right afterwards.
 */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
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
import { openCeremonyKey, writeInitialKey } from "./initial.ts";
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
		for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
		throw error;
	}
	return openFolder(folder);
}

/** Sigma = 1, for the points of an initial key. */
async function firstSigmaChain(initial: string): Promise<SigmaChain> {
	const key = await openCeremonyKey(initial);
	try {
		const hash = (await key.sections.read(SECTION.contributions, 0, 64)).toString("hex");
		return emptySigmaChain(hash, await key.sections.read(SECTION.commitment));
	} finally {
		await key.close();
	}
}

/**
 * Checks a ceremony from its files, the circuit's source and the powers alone: the initial key is made again, then every contribution and every
 * point is checked.
 * @throws CeremonyError `ceremony.*` and `powers.hash`, with what is wrong; KeyError; CompileError; the signal's reason
 */
export async function verifyCeremony(folder: string, powers: PowersFile, options: CeremonyRunOptions = {}): Promise<VerifiedCeremony> {
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
		const again = join(scratch, "initial.zkey");
		await writeInitialKey(again, compiled, powers, options);
		const [expected, initial, key] = await Promise.all([again, state.initial, state.key].map(openCeremonyKey));
		try {
			if (!expected || !initial || !key) throw new TypeError("three keys");
			await sameInitialKey(expected, initial);
			const delta = await verifyDelta(expected, key, options);
			const sigma = await readSigmaChain(state.sigma);
			await verifySigmaChain(sigma, { hash: delta.circuitHash, points: await expected.sections.read(SECTION.commitment) }, signal);
			checkLinks(delta, sigma);
			const sigmaHashes = historyOf(sigma).map(({ hash }) => hash);
			return { folder: state, compiled, powers, delta, sigma, sigmaHashes };
		} finally {
			await Promise.all([expected, initial, key].map((one) => one?.close()));
		}
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
	const ceremony = await verifyOpen(folder, powers, options);
	const secret = Buffer.concat([randomBytes(64), entropy]);
	return append(ceremony, name, undefined, factorFrom(SIGMA_FACTOR, randomBytes(64), entropy), options, (from, to) =>
		runSnarkjs({ name: "contribute", from, to, by: name, entropy: secret.toString("hex") }, options),
	);
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
	const ceremony = await verifyOpen(folder, powers, options);
	checkSecrets(ceremony);
	const { sigma } = await beaconFactors(beacon, options.signal);
	return append(ceremony, "beacon", beacon, sigma, options, (from, to) =>
		runSnarkjs({ name: "beacon", from, to, by: "beacon", beacon: beacon.hash, iterations: beacon.iterations }, options),
	);
}

async function verifyOpen(folder: string, powers: PowersFile, options: CeremonyRunOptions): Promise<VerifiedCeremony> {
	const ceremony = await verifyCeremony(folder, powers, options);
	if ([ceremony.delta, ceremony.sigma].some(({ contributions }) => contributions.at(-1)?.beacon)) {
		throw new CeremonyError("ceremony.beacon", `contribute: expected an open ceremony, got one that its beacon closed in ${folder}`);
	}
	return ceremony;
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
	writeKey: (from: string, to: string) => Promise<Uint8Array>,
): Promise<Contributed> {
	return place(ceremonyPath(folder.folder, folder.next, "sigma"), async (path) => {
		return place(ceremonyPath(folder.folder, folder.next, "zkey"), async (key) => {
			const hash = Buffer.from(await writeKey(folder.key, key)).toString("hex");
			const chain = await extendSigmaChain(sigma, factor, { name, delta: hash, ...(beacon ? { beacon } : {}) }, options);
			await writeSigmaChain(path, chain);
			options.signal?.throwIfAborted();
			return { number: folder.next, name, delta: hash, sigma: historyOf(chain).at(-1)?.hash as string };
		});
	});
}
