import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fromBytesLE, fromMontgomery, Q, R, toBytesLE, WORD } from "../bn254.ts";
import { type CompiledCircuit, compileCircuit } from "../compile.ts";
import { KEY_BYTES } from "../engine/msm.ts";
import { setupDevelopment } from "../setup.ts";
import { toyCircuit } from "../toy.ts";
import { SECTION, Zkey } from "../zkey.ts";
import { checkDevelopmentKey } from "./check.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

interface Fixture {
	readonly compiled: CompiledCircuit;
	readonly bytes: Buffer;
	/** first byte of each section */
	readonly starts: ReadonlyMap<number, number>;
}

let root: string;
/** Sections short enough to be made again. */
let short: Fixture;
/** Sections of wires and of H that are checked by combinations, and of wires that are made in two chunks. */
let long: Fixture;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-check-"));
	[short, long] = await Promise.all([fixture(9), fixture(2100)]);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function fixture(size: number): Promise<Fixture> {
	const compiled = await compileCircuit(toyCircuit(size), { root });
	const { path } = await setupDevelopment(compiled, { root });
	const key = await Zkey.open(path);
	await key.close();
	return { compiled, bytes: await readFile(path), starts: new Map(key.sections.map(({ id, start }) => [id, start])) };
}

/** Checks a copy of a key with one change. */
async function check({ compiled, bytes, starts }: Fixture, change: (copy: Buffer, start: (id: number) => number) => Buffer): Promise<void> {
	const path = join(root, "changed.zkey");
	await writeFile(
		path,
		change(Buffer.from(bytes), (id) => starts.get(id) as number),
	);
	await checkDevelopmentKey(path, compiled.r1cs, { compiled });
}

/** The negative of a point: another one, on the curve, in the subgroup. */
function negate(copy: Buffer, at: number, size: number): Buffer {
	for (let offset = size / 2; offset < size; offset += WORD) {
		const y = fromBytesLE(copy, at + offset);
		copy.set(toBytesLE(y === 0n ? 0n : Q - y), at + offset);
	}
	return copy;
}

const montgomery = (value: bigint): Uint8Array => toBytesLE((value << 256n) % Q);

/** A point of the twist of order 10,069. */
function torsion(): InstanceType<typeof bn254.G2.Point> {
	const { Fp2 } = bn254.fields;
	const b = Fp2.div(Fp2.create({ c0: 3n, c1: 0n }), Fp2.create({ c0: 9n, c1: 1n }));
	for (let c0 = 1n; ; c0++) {
		const x = Fp2.create({ c0, c1: 1n });
		try {
			const y = Fp2.sqrt(Fp2.add(Fp2.mul(Fp2.sqr(x), x), b));
			let point = bn254.G2.Point.fromAffine({ x, y });
			let product = bn254.G2.Point.ZERO;
			for (let rest = (R * (2n * Q - R)) / 10069n; rest > 0n; rest >>= 1n, point = point.double())
				if (rest & 1n) product = product.add(point);
			if (!product.is0()) return product;
		} catch {
			// no square: no point at this x
		}
	}
}

describe("checkDevelopmentKey", () => {
	it("accepts what setupDevelopment makes, and reports", async () => {
		const phases = new Set<string>();
		for (const { compiled } of [short, long]) {
			const { path } = await setupDevelopment(compiled, { root });
			await checkDevelopmentKey(path, compiled.r1cs, {
				onProgress: ({ phase, done, total }) => {
					phases.add(phase);
					expect(done).toBeLessThanOrEqual(total);
				},
			});
			await checkDevelopmentKey(path, compiled.r1cs, { compiled });
		}
		expect(phases).toEqual(new Set(["constraints", "points"]));
	});

	it.each([
		["short", SECTION.ic, "ic", "g1", 3],
		["short", SECTION.a, "a", "g1", 0],
		["short", SECTION.b1, "b1", "g1", 4],
		["short", SECTION.b2, "b2", "g2", 4],
		["short", SECTION.c, "c", "g1", 30],
		["short", SECTION.h, "h", "g1", 63],
		["short", SECTION.commitment, "commitment", "g1", 0],
		["short", SECTION.knowledge, "knowledge", "g1", 7],
		["long", SECTION.a, "a", "g1", 4321],
		["long", SECTION.b1, "b1", "g1", 4],
		["long", SECTION.b2, "b2", "g2", 4],
		["long", SECTION.c, "c", "g1", 4700],
		["long", SECTION.h, "h", "g1", 8191],
	] as const)("names a point that was negated: %s key, section %i (%s)", async (which, section, name, group, index) => {
		const size = KEY_BYTES[group];
		const changed = check(which === "short" ? short : long, (copy, start) => negate(copy, start(section) + index * size, size));
		const message = new RegExp(`section ${section} \\(${name}\\) of .* to hold point ${index} of this circuit`);
		await expect(changed).rejects.toMatchObject({ code: "key.invalid", message: expect.stringMatching(message) });
	});

	it.each<[string, (copy: Buffer, start: (id: number) => number) => Buffer, RegExp]>([
		[
			"a point of the curve where infinity belongs",
			(copy, start) => copy.fill(copy.subarray(start(SECTION.a), start(SECTION.a) + 64), start(SECTION.c), start(SECTION.c) + 64),
			/section 8 \(c\) .* point 0 /,
		],
		[
			"infinity for a point",
			(copy, start) => copy.fill(0, start(SECTION.h) + 64 * 5000, start(SECTION.h) + 64 * 5001),
			/section 9 \(h\) .* point 5000 /,
		],
		[
			"two points that changed places",
			(copy, start) => {
				const at = start(SECTION.a) + 64 * 100;
				return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 64, at + 128), copy.subarray(at, at + 64), copy.subarray(at + 128)]);
			},
			/section 5 \(a\) .* point 100 /,
		],
		[
			"a point off the curve",
			(copy, start) => {
				copy[start(SECTION.h) + 64 * 9] = (copy[start(SECTION.h) + 64 * 9] as number) ^ 1;
				return copy;
			},
			/section 9 \(h\) .* point 9 /,
		],
		[
			"a coordinate of q more",
			(copy, start) => {
				const at = start(SECTION.h) + 64 * 7;
				copy.set(toBytesLE(fromBytesLE(copy, at) + Q), at);
				return copy;
			},
			/section 9 \(h\) .* point 7 /,
		],
		[
			"a point of G2 that left the subgroup by one of small order",
			(copy, start) => {
				const at = start(SECTION.b2) + 128 * 4;
				const { Fp2 } = bn254.fields;
				const [x, y] = [0, 64].map((offset) =>
					Fp2.create({ c0: fromMontgomery(copy, at + offset), c1: fromMontgomery(copy, at + offset + 32) }),
				) as [ReturnType<typeof Fp2.create>, ReturnType<typeof Fp2.create>];
				const moved = bn254.G2.Point.fromAffine({ x, y }).add(torsion()).toAffine();
				for (const [i, value] of [moved.x.c0, moved.x.c1, moved.y.c0, moved.y.c1].entries()) copy.set(montgomery(value), at + 32 * i);
				return copy;
			},
			/section 7 \(b2\) .* point 4 /,
		],
	])("finds in a long section %s", async (_, change, message) => {
		await expect(check(long, change)).rejects.toMatchObject({ code: "key.invalid", message: expect.stringMatching(message) });
	});

	const flip =
		(id: number, offset: number) =>
		(copy: Buffer, start: (id: number) => number): Buffer => {
			copy[start(id) + offset] = (copy[start(id) + offset] as number) ^ 1;
			return copy;
		};
	it.each<[string, number, number, RegExp]>([
		["the protocol", SECTION.protocol, 0, /section 1 \(protocol\) .* Groth16/],
		["alpha", SECTION.header, 84, /section 2 \(header\) .* alpha in G1/],
		["beta in G1", SECTION.header, 211, /section 2 \(header\) .* beta in G1/],
		["beta in G2", SECTION.header, 212, /section 2 \(header\) .* beta in G2/],
		["gamma", SECTION.header, 467, /section 2 \(header\) .* gamma in G2/],
		["delta in G1", SECTION.header, 468, /section 2 \(header\) .* delta in G1/],
		["delta in G2", SECTION.header, 659, /section 2 \(header\) .* delta in G2/],
		["the number of terms", SECTION.coefficients, 0, /section 4 \(coefficients\) .* the number of terms/],
		["a term's row", SECTION.coefficients, 4 + 44 * 3 + 4, /section 4 \(coefficients\) .* term 3 of/],
		["a term's coefficient", SECTION.coefficients, 4 + 44 * 5 + 43, /section 4 \(coefficients\) .* term 5 of/],
		["the contributions", SECTION.contributions, 67, /section 10 \(contributions\) .* no contributions/],
		["the circuit's digest in the facts", SECTION.facts, 45, /section 102 \(facts\) .* the facts of toy-n9/],
	])("finds a change of %s", async (_, id, offset, message) => {
		await expect(check(short, flip(id, offset))).rejects.toMatchObject({ code: "key.invalid", message: expect.stringMatching(message) });
	});

	it("finds facts that the constraints contradict, when it does not know the circuit", async () => {
		const path = join(root, "facts.zkey");
		const start = short.starts.get(SECTION.facts) as number;
		const attempt = async (change: (facts: Record<string, unknown>) => void): Promise<void> => {
			const facts = JSON.parse(short.bytes.toString("utf8", start));
			change(facts);
			const content = Buffer.from(JSON.stringify(facts));
			const copy = Buffer.concat([short.bytes.subarray(0, start), content]);
			copy.writeBigUInt64LE(BigInt(content.length), start - 8);
			await writeFile(path, copy);
			await checkDevelopmentKey(path, short.compiled.r1cs);
		};
		await attempt(() => {});
		for (const [change, message] of [
			[{ development: false }, /development: true/],
			[{ publics: ["total"] }, /names of 4 public signals/],
			[
				{
					sigma: [
						["1", "2"],
						["3", "4"],
					],
				},
				/sigma/,
			],
		] as const) {
			await expect(attempt((facts) => Object.assign(facts, change))).rejects.toMatchObject({
				code: "key.invalid",
				message: expect.stringMatching(message),
			});
		}
	});

	it("refuses a key of another circuit, of another seed, cut off, with more behind it", async () => {
		const path = join(root, "changed.zkey");
		await expect(check(short, (copy) => copy.subarray(0, copy.length - 1))).rejects.toMatchObject({ code: "key.truncated" });
		await expect(check(short, (copy) => Buffer.concat([copy, Buffer.alloc(1)]))).rejects.toMatchObject({
			code: "key.format",
			message: /got \d+$/,
		});
		await writeFile(path, short.bytes);
		await expect(checkDevelopmentKey(path, long.compiled.r1cs)).rejects.toMatchObject({ code: "key.format", message: /section 4 of/ });
		await expect(checkDevelopmentKey(path, short.compiled.r1cs, { seed: "other" })).rejects.toMatchObject({
			code: "key.invalid",
			message: /alpha/,
		});
		await expect(checkDevelopmentKey(join(root, "none"), short.compiled.r1cs)).rejects.toMatchObject({ code: "key.missing" });
	});

	it("stops when told to", async () => {
		const controller = new AbortController();
		const path = join(root, "stopped.zkey");
		await writeFile(path, long.bytes);
		const stopped = checkDevelopmentKey(path, long.compiled.r1cs, {
			signal: controller.signal,
			onProgress: ({ phase }) => phase === "points" && controller.abort(new Error("enough")),
		});
		await expect(stopped).rejects.toThrow("enough");
	});
});
