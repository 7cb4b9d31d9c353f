/**
 * What a job will take in memory, from its key's header, before anything starts.
 *
 * A thread of the pool, and each thread of the engine that helps it, has a runtime of its own. A proof then holds the witness, the vectors of the
 * transform, the digits of the scalars and the buckets: all in proportion to wires or domain. A statement also holds the witness program with its
 * signals, and the inputs as big integers. Loaded keys are shared by all threads and have a limit of their own (pool.ts).
 */
import { totalmem } from "node:os";
import { Q } from "../bn254.ts";
import { KEY_FORMAT } from "../engine/key.ts";
import { readField, Sections, type Source } from "../engine/sections.ts";
import { KeyError } from "../errors.ts";
import { SECTION } from "../zkey.ts";

/** The sizes that memory follows from. */
export interface KeySize {
	/** wires of the circuit */
	readonly wires: number;
	/** points of the domain, a power of two */
	readonly domain: number;
	/** private inputs of a statement; 0 for a plain key */
	readonly committed: number;
}

const HEADER = { wires: 72, domain: 80, end: 84 } as const;
const COMMITTED_BYTES = 64;

/**
 * Fitted to peaks of a process above what it took before its first job, the loaded key subtracted: plain and statement proofs of the chain (chain.ts)
 * of 2^8 to 2^16 wires on 1 and 2 threads. Meant to be up to a third too high rather than too low; memory.slow.test.ts holds them against peaks.
 */
const BYTES = {
	thread: 60e6,
	wire: 900,
	domain: 500,
	/** each thread that helps */
	helper: 33e6,
	helperWire: 300,
	/** the witness program and what commits */
	statement: 8e6,
	statementWire: 200,
	/** a big integer here and there, and its encoding */
	committed: 400,
} as const;

/** The part of the machine's memory, or of what the container allows, that jobs may take when nothing else is said. */
const SHARE = 0.6;

/**
 * Reads the sizes of a key.
 * @throws KeyError `key.missing`, `key.format`, `key.truncated`
 */
export async function readKeySize(zkey: Source): Promise<KeySize> {
	const key = await Sections.open(zkey, KEY_FORMAT);
	try {
		const header = await key.read(SECTION.header, 0, HEADER.end);
		if (readField(header, 0) !== Q) throw new KeyError("key.format", `prove: expected ${key.name} to be over BN254, got another curve`);
		return {
			wires: header.readUInt32LE(HEADER.wires),
			domain: header.readUInt32LE(HEADER.domain),
			committed: key.bytes(SECTION.commitment) / COMMITTED_BYTES,
		};
	} finally {
		await key.close();
	}
}

/**
 * Predicts the memory of one proof, its threads included, the loaded key not.
 * @param threads of the engine, at least 1
 * @param isStatement whether the witness is computed too
 * @returns bytes
 */
export function predictMemory({ wires, domain, committed }: KeySize, threads: number, isStatement: boolean): number {
	const statement = isStatement ? BYTES.statement + BYTES.statementWire * wires + BYTES.committed * committed : 0;
	const helpers = (threads - 1) * (BYTES.helper + BYTES.helperWire * wires);
	return BYTES.thread + BYTES.wire * wires + BYTES.domain * domain + helpers + statement;
}

/** @returns bytes that jobs may take together when nothing else is said */
export function defaultMemory(): number {
	// 0 or more than the machine has when there is no limit.
	const allowed = process.constrainedMemory();
	return SHARE * (allowed > 0 ? Math.min(allowed, totalmem()) : totalmem());
}
