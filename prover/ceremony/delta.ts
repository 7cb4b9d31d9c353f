/**
 * The chain of contributions to delta, in snarkjs' format (section 10 of a .zkey), and what makes it valid.
 *
 * Contribution i multiplies delta by a secret x and shows that it knows x (Bowe, Gabizon, Miers 2017, section 4):
 *
 *     t = BLAKE2b(circuit hash || contributions before i || s || x s)          s a random point of G1
 *     h = hashToG2(t)                                                          then x h
 *
 *     (s, x s) = (h, x h)          (delta before, delta after) = (h, x h)      equal ratios, by pairings
 *
 * h depends on everything before, so a contribution fits nowhere else.
 */
import { createHash } from "node:crypto";
import { bn254 } from "@noble/curves/bn254.js";
import { CeremonyError } from "../errors.ts";
import { type G1Decimals, type G2Decimals, g1Decimals, g1Point, g2Decimals, g2Point } from "../verification-key.ts";
import { type Beacon, beaconFactors, blake2b, hashToG2, pointBytes } from "./hash.ts";
import { sameRatio } from "./ratio.ts";

/** One contribution. */
export interface DeltaContribution {
	/** what the contributor is called; snarkjs does not bind it to the rest */
	readonly name: string;
	/** BLAKE2b-512 of the contribution, hex, as snarkjs prints it */
	readonly hash: string;
	/** present when the factor is that of a public number */
	readonly beacon?: Beacon;
	readonly after: G1Decimals;
	readonly s: G1Decimals;
	readonly sx: G1Decimals;
	readonly spx: G2Decimals;
	/** t, hex */
	readonly transcript: string;
}

/** Section 10. */
export interface DeltaChain {
	/** BLAKE2b-512 that names the circuit and the powers, hex */
	readonly circuitHash: string;
	readonly contributions: readonly DeltaContribution[];
}

const HASH_BYTES = 64;
const POINTS_BYTES = 3 * 64 + 128;
const BEACON_TYPE = 1;
const PARAMETER = { name: 1, iterations: 2, beacon: 3 } as const;

/**
 * Reads section 10.
 * @throws CeremonyError `ceremony.format`
 */
export function parseDeltaChain(bytes: Buffer): DeltaChain {
	try {
		let position = HASH_BYTES + 4;
		const contributions = Array.from({ length: bytes.readUInt32LE(HASH_BYTES) }, () => {
			const after = g1Decimals(bytes, position);
			const s = g1Decimals(bytes, position + 64);
			const sx = g1Decimals(bytes, position + 128);
			const spx = g2Decimals(bytes.subarray(position + 192));
			position += POINTS_BYTES;
			const transcript = bytes.subarray(position, position + HASH_BYTES);
			const type = bytes.readUInt32LE(position + HASH_BYTES);
			const start = position + HASH_BYTES + 8;
			position = start + bytes.readUInt32LE(start - 4);
			const parameters = parseParameters(bytes.subarray(start, position));
			if (position > bytes.length || (type === BEACON_TYPE) !== (parameters.beacon !== undefined)) throw new RangeError("another layout");
			const hash = blake2b(...[after, s, sx, spx].map(pointBytes), transcript);
			return { ...parameters, hash: hash.toString("hex"), after, s, sx, spx, transcript: transcript.toString("hex") };
		});
		return { circuitHash: bytes.toString("hex", 0, HASH_BYTES), contributions };
	} catch (cause) {
		throw new CeremonyError("ceremony.format", `parseDeltaChain: expected contributions in section 10, got ${(cause as Error).message}`, {
			cause,
		});
	}
}

function parseParameters(bytes: Buffer): { name: string; beacon?: Beacon } {
	let name = "";
	let iterations = 0;
	let hash = "";
	for (let position = 0; position < bytes.length; ) {
		const parameter = bytes.readUInt8(position);
		if (parameter === PARAMETER.iterations) {
			iterations = bytes.readUInt8(position + 1);
			position += 2;
			continue;
		}
		const end = position + 2 + bytes.readUInt8(position + 1);
		if (parameter === PARAMETER.name) name = bytes.toString("utf8", position + 2, end);
		else if (parameter === PARAMETER.beacon) hash = bytes.toString("hex", position + 2, end);
		else throw new RangeError(`parameter ${parameter}`);
		position = end;
	}
	return hash === "" ? { name } : { name, beacon: { hash, iterations } };
}

/**
 * Checks every contribution.
 * @returns delta after the last one, in G1
 * @throws CeremonyError `ceremony.point`, `ceremony.transcript`, `ceremony.knowledge`, `ceremony.ratio`, `ceremony.unchanged`, `ceremony.beacon`, all
 *   with the number and the name of the contribution; the signal's reason
 */
export async function verifyDeltaChain(chain: DeltaChain, signal?: AbortSignal): Promise<G1Decimals> {
	const history = createHash("blake2b512").update(Buffer.from(chain.circuitHash, "hex"));
	const generator = bn254.G1.Point.BASE.toAffine();
	let before: G1Decimals = [generator.x.toString(), generator.y.toString()];
	for (const [index, one] of chain.contributions.entries()) {
		signal?.throwIfAborted();
		const refuse = refusal("delta", index, one.name);
		const read = <Point>(decode: () => Point): Point => refuse.unless(decode);
		const [s, sx, after] = [one.s, one.sx, one.after].map((point) => read(() => g1Point(point))) as [G1Point, G1Point, G1Point];
		const spx = read(() => g2Point(one.spx));
		const transcript = history.copy().update(pointBytes(one.s)).update(pointBytes(one.sx)).digest("hex");
		if (transcript !== one.transcript) throw refuse("ceremony.transcript", "to be made for the contributions before it", "one for others");
		const h = await hashToG2(Buffer.from(transcript, "hex"));
		if (!sameRatio(s, sx, h, spx)) throw refuse("ceremony.knowledge", "to prove that its factor is known", "a proof of another factor");
		if (!sameRatio(g1Point(before), after, h, spx)) throw refuse("ceremony.ratio", "to multiply delta by its factor", "another delta");
		if (after.equals(g1Point(before))) throw refuse("ceremony.unchanged", "to change delta", "a factor of 1");
		if (one.beacon) {
			checkBeacon(one.beacon, refuse);
			const expected = (await beaconFactors(one.beacon, signal)).delta;
			if (one.s.join() !== expected.s.join() || one.sx.join() !== expected.sx.join()) {
				throw refuse("ceremony.beacon", "to have the factor of its beacon", "another factor");
			}
		}
		history.update(Buffer.concat([one.after, one.s, one.sx, one.spx].map(pointBytes))).update(Buffer.from(one.transcript, "hex"));
		before = one.after;
	}
	return before;
}

type G1Point = ReturnType<typeof g1Point>;

/** How a contribution is refused. */
export interface Refusal {
	(code: CeremonyError["code"], expected: string, got: string): CeremonyError;
	/** Decodes a point, or refuses it with `ceremony.point`. */
	unless<Point>(decode: () => Point): Point;
}

/** @param index from 0 */
export function refusal(secret: "delta" | "sigma", index: number, name: string): Refusal {
	const refuse = (code: CeremonyError["code"], expected: string, got: string, cause?: unknown): CeremonyError =>
		new CeremonyError(code, `verifyCeremony: expected contribution ${index + 1} to ${secret} ("${name}") ${expected}, got ${got}`, {
			cause,
		});
	return Object.assign(refuse, {
		unless<Point>(decode: () => Point): Point {
			try {
				return decode();
			} catch (cause) {
				throw refuse("ceremony.point", "to hold points of the group", (cause as Error).message, cause);
			}
		},
	});
}

/** Bounds that keep a beacon from being a way to stop whoever verifies. */
export function checkBeacon({ hash, iterations }: Beacon, refuse: Refusal): void {
	if (/^([0-9a-f]{2}){1,255}$/.test(hash) && Number.isInteger(iterations) && iterations >= 10 && iterations <= 30) return;
	throw refuse(
		"ceremony.beacon",
		"to name 1 to 255 bytes and 10 to 30 as the logarithm of iterations",
		`${hash.length / 2} bytes and ${iterations}`,
	);
}
