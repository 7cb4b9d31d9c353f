/**
 * The initial key of a ceremony, delta = 1: what snarkjs makes of constraints and powers of tau, with two changes.
 *
 * 1. The points K of committed inputs leave section 8 for section 100. They must never meet a secret delta: with K_i / delta a prover could move
 *    committed values from D into C after the challenge is known.
 * 2. The circuit hash also covers that change, the names of the public signals and the powers, so that a contribution fits no other ceremony.
 *
 * Everybody who has the circuit and the powers makes the same file, byte for byte.
 */
import { rm } from "node:fs/promises";
import canonicalize from "canonicalize";
import type { CompiledCircuit } from "../compile.ts";
import { KEY_FORMAT } from "../engine/key.ts";
import { Sections } from "../engine/sections.ts";
import { CeremonyError } from "../errors.ts";
import { decodeHeader, type KeyFacts, type KeyHeader, SECTION } from "../zkey.ts";
import { type Content, content, writeSections } from "./file.ts";
import { blake2b } from "./hash.ts";
import type { PowersFile } from "./powers.ts";
import { type CeremonyOptions, runSnarkjs } from "./snarkjs.ts";

/** What section 102 of an initial key says. */
export interface InitialFacts extends Omit<KeyFacts, "schema" | "development" | "sigma"> {
	readonly schema: "openledger.initial.v1";
	/** BLAKE2b-512 of the powers, hex */
	readonly powers: string;
}

/** Sections 1 to 10 of a key, as snarkjs has them. */
export const SNARKJS_SECTIONS = Object.values(SECTION).filter((id) => id <= SECTION.contributions);

const G1_BYTES = 64;
const HASH_BYTES = 64;
const TAG = "openledger.initial.v1";

/**
 * Writes the initial key.
 * @param path must not exist; a partial file stays there when this fails
 * @throws CeremonyError `powers.format` when the powers are too few; `ceremony.failed`; the signal's reason
 */
export async function writeInitialKey(
	path: string,
	compiled: CompiledCircuit,
	powers: PowersFile,
	options: CeremonyOptions = {},
): Promise<void> {
	const { circuit, counts, digest } = compiled;
	const rows = counts.nonLinear + counts.linear + counts.nPublic;
	if (rows >= 2 ** powers.power) {
		throw new CeremonyError(
			"powers.format",
			`writeInitialKey: expected powers for ${rows + 1} rows of ${circuit.id}, got ${powers.path} for ${2 ** powers.power}`,
			{ hint: `use a file of power ${Math.floor(Math.log2(rows)) + 1} or more` },
		);
	}
	const { statement, id, publics, links, hasWords } = circuit;
	const facts: InitialFacts = {
		schema: "openledger.initial.v1",
		circuit: digest,
		statement,
		id,
		publics,
		links,
		hasWords,
		powers: powers.blake2b,
	};
	const plain = `${path}.plain`;
	try {
		await runSnarkjs({ name: "initial", r1cs: compiled.r1cs, powers: powers.path, to: plain }, options);
		const key = await Sections.open(plain, KEY_FORMAT);
		try {
			const committed = counts.nPrivateInputs * G1_BYTES;
			const hash = blake2b(
				TAG,
				await key.read(SECTION.contributions, 0, HASH_BYTES),
				canonicalize([facts, counts.nPrivateInputs]) as string,
			);
			const own: Record<number, Content> = {
				[SECTION.c]: {
					id: SECTION.c,
					bytes: key.bytes(SECTION.c),
					read: async () => (await key.read(SECTION.c)).fill(0, 0, committed),
				},
				[SECTION.contributions]: content(SECTION.contributions, Buffer.concat([hash, Buffer.alloc(4)])),
			};
			await writeSections(path, "zkey", [
				...SNARKJS_SECTIONS.map((id) => own[id] ?? { id, bytes: key.bytes(id), read: () => key.read(id) }),
				{ id: SECTION.commitment, bytes: committed, read: () => key.read(SECTION.c, 0, committed) },
				content(SECTION.facts, Buffer.from(canonicalize(facts) as string)),
			]);
		} finally {
			await key.close();
		}
	} finally {
		await rm(plain, { force: true });
	}
}

/** A key of a ceremony, open. */
export interface CeremonyKey {
	readonly sections: Sections;
	readonly header: KeyHeader;
}

/**
 * Opens an initial key, or one with contributions, for the time that it is used.
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`; what `use` throws
 */
export async function withKey<Value>(path: string, use: (key: CeremonyKey) => Promise<Value>): Promise<Value> {
	const sections = await Sections.open(path, KEY_FORMAT);
	try {
		return await use({ sections, header: decodeHeader(await sections.read(SECTION.header)) });
	} finally {
		await sections.close();
	}
}
