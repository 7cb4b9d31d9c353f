/**
 * The end of a ceremony: the committed key, its verification key, and the transcript that says how they came about.
 *
 * | file | content |
 * |---|---|
 * | ID.zkey | sections 1 to 10 of the last key, the points K, sigma K, and what section 102 says of the circuit |
 * | ID.vkey.json | the verification key |
 * | ID.transcript.json | {@link Transcript}; its keccak256 is the transcript hash |
 *
 * All three follow from the ceremony's files: who verifies them makes them again and compares bytes.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { keccak_256 } from "@noble/hashes/sha3.js";
import type { CompiledCircuit } from "../compile.ts";
import { CeremonyError, KeyError } from "../errors.ts";
import type { ProvingKey } from "../setup.ts";
import { readVerificationKey, type VerificationKey } from "../verification-key.ts";
import { type KeyFacts, SECTION, Zkey } from "../zkey.ts";
import { type CeremonyRunOptions, checkSecrets, type VerifiedCeremony, type VerifiedFiles, withVerified } from "./ceremony.ts";
import { content, place, writeSections } from "./file.ts";
import type { Beacon } from "./hash.ts";
import { SNARKJS_SECTIONS, withKey } from "./initial.ts";
import type { PowersFile } from "./powers.ts";
import type { SigmaContribution } from "./sigma.ts";

/** Who contributed what. */
export interface Participation {
	readonly name: string;
	/** BLAKE2b-512 of the contribution, hex */
	readonly hash: string;
	readonly beacon?: Beacon;
}

/** How a key came about. */
export interface Transcript {
	readonly schema: "openledger.transcript.v1";
	readonly circuit: { readonly statement: string; readonly id: string; readonly digest: string };
	readonly powers: { readonly power: number; readonly blake2b: string; readonly published?: string };
	/** circuit hash of the initial key, hex */
	readonly initial: string;
	readonly delta: readonly Participation[];
	readonly sigma: readonly (Participation & Pick<SigmaContribution, "delta">)[];
	readonly circuitId: `0x${string}`;
}

/** A finished key. */
export interface FinishedKey {
	/** absolute path of the .zkey */
	readonly path: string;
	readonly verification: CeremonyVerificationKey;
	readonly transcript: Transcript;
}

/** A verification key that says which transcript it comes from. */
export type CeremonyVerificationKey = VerificationKey & { readonly transcript: `0x${string}` };

/** @param kind of the file */
export function finishedPath(folder: string, id: string, kind: "zkey" | "vkey.json" | "transcript.json"): string {
	return join(folder, `${id}.${kind}`);
}

/**
 * Verifies a ceremony and writes its key.
 * @param out folder of finished keys, is made
 * @throws CeremonyError as {@link withVerified}; `ceremony.secret`, `ceremony.beacon` when it is not closed yet, `ceremony.exists`
 */
export async function finishCeremony(
	folder: string,
	powers: PowersFile,
	out: string,
	options: CeremonyRunOptions = {},
): Promise<FinishedKey> {
	return withVerified(folder, powers, options, async (ceremony, files) => {
		checkClosed(ceremony);
		await mkdir(out, { recursive: true });
		return writeFinished(ceremony, files, out);
	});
}

/**
 * Verifies a ceremony and the key that was made of it, byte for byte.
 * @param out folder of finished keys
 * @throws CeremonyError as {@link finishCeremony}; `ceremony.key` when a file is another one, `ceremony.missing`
 */
export async function verifyFinished(
	folder: string,
	powers: PowersFile,
	out: string,
	options: CeremonyRunOptions = {},
): Promise<FinishedKey & { readonly ceremony: VerifiedCeremony }> {
	return withVerified(folder, powers, options, async (ceremony, files) => {
		checkClosed(ceremony);
		const { id } = ceremony.folder.circuit;
		const scratch = join(dirname(files.key), "finished");
		await mkdir(scratch);
		const expected = await writeFinished(ceremony, files, scratch);
		for (const kind of ["zkey", "vkey.json", "transcript.json"] as const) {
			const path = finishedPath(out, id, kind);
			const found = await readFile(path).catch((cause) => {
				throw new CeremonyError("ceremony.missing", `verifyFinished: expected ${path}, got ${(cause as Error).message}`, { cause });
			});
			if (found.equals(await readFile(finishedPath(scratch, id, kind)))) continue;
			throw new CeremonyError("ceremony.key", `verifyFinished: expected ${path} to be what the ceremony made, got another file`, {
				hint: "use it for nothing; make it again with `setup ceremony finish`",
			});
		}
		return { ...expected, path: finishedPath(out, id, "zkey"), ceremony };
	});
}

/**
 * Takes a finished key for use. That it is what its ceremony made, {@link verifyFinished} says.
 * @param folder of finished keys
 * @returns the key as the pool takes it
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`, `key.foreign` (of another circuit or compilation), `key.invalid` (a development key, or
 *   a transcript or verification key of another one)
 */
export async function readFinished(folder: string, { circuit, digest }: CompiledCircuit): Promise<ProvingKey> {
	const path = finishedPath(folder, circuit.id, "zkey");
	const key = await Zkey.open(path);
	const { facts } = key;
	await key.close();
	const invalid = (expected: string, got: string): KeyError =>
		new KeyError("key.invalid", `readFinished: expected ${expected} at ${path}, got ${got}`);
	if (facts.circuit !== digest || facts.id !== circuit.id) {
		throw new KeyError(
			"key.foreign",
			`readFinished: expected the key of ${circuit.id} (${digest}) at ${path}, got one of ${facts.id} (${facts.circuit})`,
			{
				hint: "the circuit changed since the ceremony, or the file was renamed: it needs a ceremony of its own",
			},
		);
	}
	if (facts.development) throw invalid("a key of a ceremony", "a development key, whose secrets everybody knows");
	const points = await readVerificationKey(path);
	const [vkey, text] = await Promise.all([readText(folder, circuit.id, "vkey.json"), readText(folder, circuit.id, "transcript.json")]);
	const { circuitId } = parseJson(text) as Partial<Transcript>;
	if (circuitId !== points.circuitId) throw invalid(`a transcript for circuit id ${points.circuitId}`, `one for ${circuitId}`);
	const verification = withTranscript(points, text);
	if (vkey !== jsonText(verification)) throw invalid("its verification key beside it", "another");
	return { path, digest: verification.circuitId.slice(2), verification };
}

function withTranscript(key: VerificationKey, text: string): CeremonyVerificationKey {
	return { ...key, transcript: transcriptHashOf(text) };
}

async function readText(folder: string, id: string, kind: "vkey.json" | "transcript.json"): Promise<string> {
	const path = finishedPath(folder, id, kind);
	return readFile(path, "utf8").catch((cause) => {
		throw new KeyError("key.missing", `readFinished: expected ${path} beside the key, got ${(cause as Error).message}`, { cause });
	});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text) ?? {};
	} catch {
		return {};
	}
}

function checkClosed(ceremony: VerifiedCeremony): void {
	checkSecrets(ceremony);
	for (const [name, { contributions }] of [
		["delta", ceremony.delta],
		["sigma", ceremony.sigma],
	] as const) {
		if (contributions.at(-1)?.beacon) continue;
		throw new CeremonyError("ceremony.beacon", `finishCeremony: expected a beacon as the last contribution to ${name}, got none`, {
			hint: "close the ceremony with `setup ceremony beacon`",
		});
	}
}

async function writeFinished(ceremony: VerifiedCeremony, files: VerifiedFiles, out: string): Promise<FinishedKey> {
	const { compiled } = ceremony;
	const { id } = compiled.circuit;
	const path = finishedPath(out, id, "zkey");
	return place(finishedPath(out, id, "transcript.json"), (transcriptPath) =>
		place(finishedPath(out, id, "vkey.json"), (vkeyPath) =>
			// The key gets its name first: the other files say nothing without it, and a key alone is not taken.
			place(path, async (temporary) => {
				await writeCommittedKey(temporary, ceremony, files);
				const points = await readVerificationKey(temporary);
				const transcript = transcriptOf(ceremony, points);
				const verification = withTranscript(points, jsonText(transcript));
				await writeFile(vkeyPath, jsonText(verification));
				await writeFile(transcriptPath, jsonText(transcript));
				return { path, verification, transcript };
			}),
		),
	);
}

async function writeCommittedKey(path: string, { compiled, sigma }: VerifiedCeremony, files: VerifiedFiles): Promise<void> {
	const { statement, id, publics, links, hasWords } = compiled.circuit;
	const facts: KeyFacts = {
		schema: "openledger.key.v1",
		circuit: compiled.digest,
		statement,
		id,
		development: false,
		publics,
		links,
		hasWords,
		sigma: (sigma.contributions.at(-1) as SigmaContribution).sigma,
	};
	const points = await withKey(files.initial, ({ sections }) => sections.read(SECTION.commitment));
	await withKey(files.key, ({ sections }) =>
		writeSections(path, "zkey", [
			...SNARKJS_SECTIONS.map((id) => ({ id, bytes: sections.bytes(id), read: () => sections.read(id) })),
			content(SECTION.commitment, points),
			content(SECTION.knowledge, sigma.points),
			content(SECTION.facts, Buffer.from(JSON.stringify(facts))),
		]),
	);
}

function transcriptOf({ compiled, powers, delta, sigma, sigmaHashes }: VerifiedCeremony, { circuitId }: VerificationKey): Transcript {
	const { statement, id } = compiled.circuit;
	const { power, blake2b, published } = powers;
	return {
		schema: "openledger.transcript.v1",
		circuit: { statement, id, digest: compiled.digest },
		powers: { power, blake2b, ...(published === undefined ? {} : { published }) },
		initial: delta.circuitHash,
		delta: participations(delta.contributions),
		sigma: participations(sigma.contributions.map((one, index) => ({ ...one, hash: sigmaHashes[index] as string }))).map((one, index) => ({
			...one,
			delta: sigma.contributions[index]?.delta as string,
		})),
		circuitId,
	};
}

function participations(contributions: readonly Participation[]): Participation[] {
	return contributions.map(({ name, hash, beacon }) => ({ name, hash, ...(beacon ? { beacon } : {}) }));
}

/** keccak256 of a transcript's file. */
export function transcriptHashOf(text: string): `0x${string}` {
	return `0x${Buffer.from(keccak_256(Buffer.from(text))).toString("hex")}`;
}

function jsonText(value: unknown): string {
	return `${JSON.stringify(value, undefined, "\t")}\n`;
}
