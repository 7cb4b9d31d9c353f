/**
 * The chain of contributions to sigma, which binds a commitment to the committed wires, and its file (.sigma).
 *
 * It is kept as the chain of delta is (delta.ts). With K the points of the initial key and A the first of them that is not infinity,
 * contribution i multiplies sigma by a secret x and publishes
 *
 *     [sigma]_2     sigma A     x h     and, in the file that is handed on, all sigma K
 *     h = hashToG2(t)     t = BLAKE2b(tag || initial || hash of the contribution before || name, beacon, delta || [sigma]_2 || sigma A)
 *
 *     (A, sigma A) = ([1]_2, [sigma]_2)     (sigma A before, after) = (h, x h)     (K, sigma K) = ([1]_2, [sigma]_2)
 *
 * x h shows that x is known, for this place in the chain alone. sigma is published times the points K and in G2, never times another point of
 * G1: whoever had sigma P for a P outside their span could commit to P. `delta` names the contribution to delta that was made with it.
 */
import { bn254 } from "@noble/curves/bn254.js";
import canonicalize from "canonicalize";
import { Sections } from "../engine/sections.ts";
import { CeremonyError } from "../errors.ts";
import { type G1Decimals, type G2Decimals, type G2Point, g1Decimals, g1Point, g2Point } from "../verification-key.ts";
import { checkBeacon, refusal } from "./delta.ts";
import { content, writeSections } from "./file.ts";
import { type Beacon, beaconFactors, blake2b, hashToG2 } from "./hash.ts";
import { sameRatio, weightedSums } from "./ratio.ts";
import { type CeremonyOptions, runSnarkjs } from "./snarkjs.ts";

/** One contribution. */
export interface SigmaContribution {
	readonly name: string;
	/** hash of the contribution to delta that was made with it, hex */
	readonly delta: string;
	/** present when the factor is that of a public number */
	readonly beacon?: Beacon;
	/** `[sigma]_2` after it */
	readonly sigma: G2Decimals;
	/** `sigma A` after it */
	readonly anchor: G1Decimals;
	/** `x h` */
	readonly proof: G2Decimals;
}

/** A .sigma file. */
export interface SigmaChain {
	readonly schema: "openledger.sigma.v1";
	/** the circuit hash of the initial key, hex */
	readonly initial: string;
	readonly contributions: readonly SigmaContribution[];
	/** `sigma K`, affine, as in a key */
	readonly points: Uint8Array;
}

const TAG = "openledger.sigma.v1";
const SECTION = { record: 1, points: 2 } as const;
const G1_BYTES = 64;

/** The chain before the first contribution: sigma = 1. */
export function emptySigmaChain(initial: string, points: Uint8Array): SigmaChain {
	return { schema: "openledger.sigma.v1", initial, contributions: [], points };
}

/** Writes a .sigma file. */
export async function writeSigmaChain(path: string, { points, ...record }: SigmaChain): Promise<void> {
	await writeSections(path, "sgma", [content(SECTION.record, Buffer.from(JSON.stringify(record))), content(SECTION.points, points)]);
}

/**
 * Reads a .sigma file. What it says is not checked yet.
 * @throws CeremonyError `ceremony.missing`, `ceremony.format`
 */
export async function readSigmaChain(path: string): Promise<SigmaChain> {
	const wrong = (message: string): CeremonyError => new CeremonyError("ceremony.format", message);
	const missing = (message: string, cause: unknown): CeremonyError => new CeremonyError("ceremony.missing", message, { cause });
	const file = await Sections.open(path, { letters: "sgma", versions: [1], missing, malformed: wrong, truncated: wrong });
	try {
		const record = parseRecord((await file.read(SECTION.record)).toString("utf8"), path);
		return { ...record, points: await file.read(SECTION.points) };
	} finally {
		await file.close();
	}
}

/** The parts of a record that are read as they are; points are decoded when they are checked. */
function parseRecord(text: string, path: string): Omit<SigmaChain, "points"> {
	try {
		const record = JSON.parse(text);
		const hex = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{128}$/.test(value);
		const decimals = (value: unknown, count: number): boolean =>
			Array.isArray(value) &&
			value.flat().length === count &&
			value.flat().every((word) => typeof word === "string" && /^\d{1,78}$/.test(word));
		const whole = record.contributions.every(
			(one: Record<string, unknown>) =>
				typeof one.name === "string" && hex(one.delta) && decimals(one.sigma, 4) && decimals(one.anchor, 2) && decimals(one.proof, 4),
		);
		if (record.schema !== "openledger.sigma.v1" || !hex(record.initial) || !whole) throw new TypeError("another shape");
		return record;
	} catch (cause) {
		throw new CeremonyError(
			"ceremony.format",
			`readSigmaChain: expected the record of a chain in ${path}, got ${(cause as Error).message}`,
			{
				cause,
			},
		);
	}
}

/** BLAKE2b-512 of a contribution, hex: what its contributor publishes. */
export function sigmaHash(contribution: SigmaContribution, transcript: Uint8Array): string {
	return blake2b(transcript, canonicalize(contribution.proof) as string).toString("hex");
}

/** t. Canonical JSON (RFC 8785) keeps the parts apart. */
function transcriptOf(
	initial: string,
	previous: string,
	{ proof: _, ...statement }: Omit<SigmaContribution, "proof"> & { proof?: G2Decimals },
): Buffer {
	return blake2b(TAG, canonicalize([initial, previous, statement]) as string);
}

/**
 * Adds a contribution.
 * @param chain whole and verified: who multiplies points of others by a secret must know which points they are
 * @param factor in `[2, r)`
 * @returns the longer chain
 */
export async function extendSigmaChain(
	chain: SigmaChain,
	factor: bigint,
	who: Pick<SigmaContribution, "name" | "delta" | "beacon">,
	options: CeremonyOptions = {},
): Promise<SigmaChain> {
	const points = await runSnarkjs({ name: "multiply", points: chain.points, factor }, options);
	const before = chain.contributions.at(-1);
	const sigma = decimalsOf((before ? g2Point(before.sigma) : bn254.G2.Point.BASE).multiply(factor));
	const statement = { ...who, sigma, anchor: g1Decimals(points, anchorOf(points)) };
	const previous = historyOf(chain).at(-1)?.hash ?? "";
	const h = await hashToG2(transcriptOf(chain.initial, previous, statement));
	return { ...chain, points, contributions: [...chain.contributions, { ...statement, proof: decimalsOf(h.multiply(factor)) }] };
}

/** Transcript and hash of each contribution. */
export function historyOf({ initial, contributions }: SigmaChain): { transcript: Buffer; hash: string }[] {
	const history: { transcript: Buffer; hash: string }[] = [];
	for (const one of contributions) {
		const transcript = transcriptOf(initial, history.at(-1)?.hash ?? "", one);
		history.push({ transcript, hash: sigmaHash(one, transcript) });
	}
	return history;
}

/**
 * Checks every contribution and every point.
 * @param initial circuit hash and points K of an initial key that is known to be right
 * @throws CeremonyError `ceremony.circuit`, `ceremony.point`, `ceremony.knowledge`, `ceremony.ratio`, `ceremony.unchanged`, `ceremony.beacon`, with the
 *   number and the name of the contribution where there is one; the signal's reason
 */
export async function verifySigmaChain(
	chain: SigmaChain,
	initial: { hash: string; points: Uint8Array },
	signal?: AbortSignal,
): Promise<void> {
	if (chain.initial !== initial.hash || chain.points.length !== initial.points.length) {
		throw new CeremonyError(
			"ceremony.circuit",
			"verifyCeremony: expected a chain of sigma for this circuit and these powers, got one for others",
		);
	}
	const history = historyOf(chain);
	const generator = bn254.G2.Point.BASE;
	const anchor = g1Point(g1Decimals(initial.points, anchorOf(initial.points)));
	let before = anchor;
	for (const [index, one] of chain.contributions.entries()) {
		signal?.throwIfAborted();
		const refuse = refusal("sigma", index, one.name);
		const sigma = refuse.unless(() => g2Point(one.sigma));
		const after = refuse.unless(() => g1Point(one.anchor));
		const proof = refuse.unless(() => g2Point(one.proof));
		if (after.equals(before)) throw refuse("ceremony.unchanged", "to change sigma", "a factor of 1");
		if (!sameRatio(anchor, after, generator, sigma)) throw refuse("ceremony.ratio", "to have one sigma in both groups", "two");
		const h = await hashToG2(history[index]?.transcript as Buffer);
		if (!sameRatio(before, after, h, proof)) {
			throw refuse("ceremony.knowledge", "to prove that its factor is known, at this place in the chain", "another proof");
		}
		if (one.beacon) {
			checkBeacon(one.beacon, refuse);
			const factor = (await beaconFactors(one.beacon, signal)).sigma;
			if (!before.multiply(factor).equals(after)) throw refuse("ceremony.beacon", "to have the factor of its beacon", "another factor");
		}
		before = after;
	}
	const last = chain.contributions.at(-1);
	await verifyMultiples(initial.points, chain.points, last ? g2Point(last.sigma) : generator);
}

/** `(K, sigma K) = ([1]_2, [sigma]_2)`, and infinity where K is infinity. */
async function verifyMultiples(points: Uint8Array, multiples: Uint8Array, sigma: G2Point): Promise<void> {
	const [sum, multiple] = await weightedSums([points, multiples], ["the points K", "the points sigma K"]);
	if (sameRatio(sum, multiple, bn254.G2.Point.BASE, sigma)) return;
	throw new CeremonyError("ceremony.ratio", "verifyCeremony: expected the points sigma K to be the points K times sigma, got others");
}

/** Offset of the first point that is not infinity. */
function anchorOf(points: Uint8Array): number {
	for (let offset = 0; offset < points.length; offset += G1_BYTES) {
		if (points.subarray(offset, offset + G1_BYTES).some((byte) => byte !== 0)) return offset;
	}
	throw new CeremonyError("ceremony.circuit", "anchorOf: expected a committed input that a constraint uses, got none");
}

function decimalsOf(point: G2Point): G2Decimals {
	const { x, y } = point.toAffine();
	return [
		[x.c0.toString(), x.c1.toString()],
		[y.c0.toString(), y.c1.toString()],
	];
}
