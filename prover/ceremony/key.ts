/** Whether a key with contributions is the initial key with another delta: the checks of `snarkjs zkey verify`, and that no K met delta. */
import { bn254 } from "@noble/curves/bn254.js";
import { CeremonyError } from "../errors.ts";
import { g1Decimals, g1Point, g2Decimals, g2Point } from "../verification-key.ts";
import { encodeHeader, SECTION } from "../zkey.ts";
import { type DeltaChain, parseDeltaChain, verifyDeltaChain } from "./delta.ts";
import { type CeremonyKey, SNARKJS_SECTIONS } from "./initial.ts";
import { sameRatio, weightedSums } from "./ratio.ts";
import type { CeremonyOptions } from "./snarkjs.ts";

const G1_BYTES = 64;
/** What contributions change: delta, C / delta, H / delta, their own list. */
const CHANGING: readonly number[] = [SECTION.header, SECTION.c, SECTION.h, SECTION.contributions];

/**
 * Two initial keys must be the same.
 * @throws CeremonyError `ceremony.initial`, with the number of the section
 */
export async function sameInitialKey(expected: CeremonyKey, got: CeremonyKey): Promise<void> {
	for (const id of [...SNARKJS_SECTIONS, SECTION.commitment, SECTION.facts]) {
		if (await sameSection(expected, got, id)) continue;
		throw new CeremonyError(
			"ceremony.initial",
			`verifyCeremony: expected the initial key that follows from circuit and powers, got another section ${id}`,
			{ hint: "the ceremony was not started as it says: contribute nothing to it" },
		);
	}
}

/**
 * Checks the chain of delta and every point that depends on it.
 * @param initial known to be right
 * @returns the contributions
 * @throws CeremonyError as {@link verifyDeltaChain}; `ceremony.circuit` (another circuit, or sections that nobody may change), `ceremony.leak` (a point
 *   K over delta), `ceremony.ratio`, `ceremony.point`
 */
export async function verifyDelta(
	initial: CeremonyKey,
	key: CeremonyKey,
	{ signal, onProgress }: CeremonyOptions = {},
): Promise<DeltaChain> {
	const chain = parseDeltaChain(await key.sections.read(SECTION.contributions));
	const { circuitHash } = parseDeltaChain(await initial.sections.read(SECTION.contributions));
	if (chain.circuitHash !== circuitHash) {
		throw new CeremonyError(
			"ceremony.circuit",
			"verifyCeremony: expected a key of this circuit and these powers, got one with another circuit hash",
		);
	}
	const after = await verifyDeltaChain(chain, signal);
	for (const id of SNARKJS_SECTIONS) {
		signal?.throwIfAborted();
		if (CHANGING.includes(id) || (await sameSection(initial, key, id))) continue;
		throw new CeremonyError("ceremony.circuit", `verifyCeremony: expected section ${id} as in the initial key, got another`);
	}
	const { delta1, delta2 } = key.header;
	const unchanged = encodeHeader({ ...key.header, delta1: initial.header.delta1, delta2: initial.header.delta2 });
	if (!Buffer.from(unchanged).equals(await initial.sections.read(SECTION.header))) {
		throw new CeremonyError("ceremony.circuit", "verifyCeremony: expected sizes, alpha, beta and gamma as in the initial key, got others");
	}
	const delta = g2(delta2);
	if (g1Decimals(delta1).join() !== after.join() || !sameRatio(bn254.G1.Point.BASE, g1Point(after), bn254.G2.Point.BASE, delta)) {
		throw new CeremonyError("ceremony.ratio", "verifyCeremony: expected the delta of the last contribution in both groups, got another");
	}
	await refuseLeak(initial, key);
	for (const [id, name] of [
		[SECTION.c, "C"],
		[SECTION.h, "H"],
	] as const) {
		signal?.throwIfAborted();
		onProgress?.({ note: `points ${name}`, done: id - SECTION.c, total: 2 });
		const [before, now] = [await initial.sections.read(id), await key.sections.read(id)];
		if (before.length !== now.length) {
			throw new CeremonyError("ceremony.circuit", `verifyCeremony: expected ${before.length} bytes in section ${id}, got ${now.length}`);
		}
		// Where the initial key has nothing but infinity, so must the other.
		if (before.every((byte) => byte === 0) && now.every((byte) => byte === 0)) continue;
		const [sum, divided] = await weightedSums([before, now], [`the initial points ${name}`, `the points ${name}`]);
		if (!sameRatio(divided, sum, bn254.G2.Point.BASE, delta)) {
			throw new CeremonyError(
				"ceremony.ratio",
				`verifyCeremony: expected the points ${name} to be those of the initial key over delta, got others`,
			);
		}
	}
	return chain;
}

/** No point may stand for a committed input in section 8. The sums below would find it too, without saying what it is. */
async function refuseLeak(initial: CeremonyKey, key: CeremonyKey): Promise<void> {
	const committed = initial.sections.bytes(SECTION.commitment);
	const place = (await key.sections.read(SECTION.c, 0, committed)).findIndex((byte) => byte !== 0);
	if (place < 0) return;
	throw new CeremonyError(
		"ceremony.leak",
		`verifyCeremony: expected no point over delta for committed inputs, got one for number ${Math.floor(place / G1_BYTES)}`,
		{ hint: "whoever has it can change committed values after the challenge: contribute nothing, and start the ceremony anew" },
	);
}

async function sameSection(one: CeremonyKey, other: CeremonyKey, id: number): Promise<boolean> {
	if (one.sections.bytes(id) !== other.sections.bytes(id)) return false;
	return (await one.sections.read(id)).equals(await other.sections.read(id));
}

function g2(bytes: Uint8Array): ReturnType<typeof g2Point> {
	try {
		return g2Point(g2Decimals(bytes));
	} catch (cause) {
		throw new CeremonyError("ceremony.point", `verifyCeremony: expected delta in the second group, got ${(cause as Error).message}`, {
			cause,
		});
	}
}
