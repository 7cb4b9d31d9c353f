import { mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { zKey } from "snarkjs";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { fromMontgomery, inverse, mod, power, Q, R, toBytesLE } from "./bn254.ts";
import { compileCircuit } from "./compile.ts";
import type { GroupName } from "./engine/kernels.ts";
import { readR1cs } from "./r1cs.ts";
import { deriveSecrets, type SetupSecrets } from "./setup/secrets.ts";
import { multiplyGenerators } from "./setup/worker.ts";
import { setupDevelopment, writeDevelopmentKey } from "./setup.ts";
import { toyCircuit } from "./toy.ts";
import { g1Point, g2Point } from "./verification-key.ts";
import { SECTION, Zkey } from "./zkey.ts";

// Compilers and threads share their cores with whatever else runs.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let root: string;
beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-setup-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
	await (globalThis as { curve_bn128?: { terminate(): Promise<void> } }).curve_bn128?.terminate();
});

/** Sections of a snarkjs file by id. */
function sectionsOf(file: Uint8Array): Map<number, Buffer> {
	const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
	const sections = new Map<number, Buffer>();
	let position = 12;
	for (let i = 0; i < bytes.readUInt32LE(8); i++) {
		const size = Number(bytes.readBigUInt64LE(position + 4));
		sections.set(bytes.readUInt32LE(position), bytes.subarray(position + 12, position + 12 + size));
		position += 12 + size;
	}
	return sections;
}

/** A prepared powers-of-tau file for known secrets, with the sections that snarkjs' `zkey new` reads. */
async function knownPowersOfTau(secrets: SetupSecrets, log: number): Promise<Uint8Array> {
	const lagrange = (size: number): bigint[] => {
		const root = power(power(5n, (R - 1n) >> 28n, R), 1n << BigInt(28 - Math.log2(size)), R);
		const vanishing = mod(power(secrets.tau, BigInt(size), R) - 1n, R) * inverse(BigInt(size), R);
		return Array.from({ length: size }, (_, i) => {
			const x = power(root, BigInt(i), R);
			return mod(vanishing * x * inverse(mod(secrets.tau - x, R), R), R);
		});
	};
	const multiples = async (group: GroupName, scalars: bigint[]): Promise<Buffer> => {
		const bytes = Uint8Array.from(Buffer.concat(scalars.map((s) => toBytesLE(mod(s, R)))));
		return Buffer.concat(await multiplyGenerators({ groups: [group], bits: 6, scalars: bytes }));
	};
	const levels = (factor: bigint, top: number): bigint[] =>
		Array.from({ length: top + 1 }, (_, level) => lagrange(2 ** level))
			.flat()
			.map((value) => value * factor);
	const header = Buffer.alloc(44);
	header.writeUInt32LE(32, 0);
	header.set(toBytesLE(Q), 4);
	header.writeUInt32LE(log, 36);
	header.writeUInt32LE(log, 40);
	const sections: [number, Buffer][] = [
		[1, header],
		[
			2,
			await multiples(
				"g1",
				Array.from({ length: 2 ** (log + 1) }, (_, i) => power(secrets.tau, BigInt(i), R)),
			),
		],
		[4, await multiples("g1", [secrets.alpha])],
		[5, await multiples("g1", [secrets.beta])],
		[6, await multiples("g2", [secrets.beta])],
		[12, await multiples("g1", levels(1n, log + 1))],
		[13, await multiples("g2", levels(1n, log))],
		[14, await multiples("g1", levels(secrets.alpha, log))],
		[15, await multiples("g1", levels(secrets.beta, log))],
	];
	const preamble = Buffer.from("ptau\u0001\0\0\0\0\0\0\0", "latin1");
	preamble.writeUInt32LE(sections.length, 8);
	return Buffer.concat([
		preamble,
		...sections.flatMap(([id, content]) => {
			const head = Buffer.alloc(12);
			head.writeUInt32LE(id, 0);
			head.writeBigUInt64LE(BigInt(content.length), 4);
			return [head, content];
		}),
	]);
}

/** All sections but the facts, by the formulas at the head of setup/scalars.ts. */
async function slowKey(path: string, secrets: SetupSecrets): Promise<Map<number, Buffer>> {
	const { tau, alpha, beta, delta, sigma } = secrets;
	const r1cs = await readR1cs(path);
	const nPublic = r1cs.nOutputs + r1cs.nPublicInputs;
	const size = 2 ** Math.ceil(Math.log2(r1cs.nConstraints + nPublic + 1));
	const lagrange = (order: number, j: number): bigint => {
		const x = power(power(5n, (R - 1n) / BigInt(order), R), BigInt(j), R);
		return mod((power(tau, BigInt(order), R) - 1n) * inverse(BigInt(order), R) * x * inverse(tau - x, R), R);
	};
	const terms: (readonly [matrix: number, row: number, wire: number, coefficient: bigint])[] = [];
	for (let row = 0; row < r1cs.nConstraints; row++) {
		for (const [number, { starts, wires, coefficients }] of [r1cs.a, r1cs.b, r1cs.c].entries()) {
			for (let term = starts[row] as number; term < (starts[row + 1] as number); term++) {
				terms.push([number, row, wires[term] as number, r1cs.coefficients[coefficients[term] as number] as bigint]);
			}
		}
	}
	for (let wire = 0; wire <= nPublic; wire++) terms.push([0, r1cs.nConstraints + wire, wire, 1n]);
	const columns = (matrix: number): bigint[] => {
		const sums = Array.from({ length: r1cs.nWires }, () => 0n);
		for (const [number, row, wire, coefficient] of terms) {
			if (number === matrix) sums[wire] = mod((sums[wire] as bigint) + coefficient * lagrange(size, row), R);
		}
		return sums;
	};
	const [u, v, w] = [columns(0), columns(1), columns(2)];
	const k = u.map((value, i) => mod(beta * value + alpha * (v[i] as bigint) + (w[i] as bigint), R));
	const [inputs, inner] = [k.slice(nPublic + 1, nPublic + 1 + r1cs.nPrivateInputs), k.slice(nPublic + 1 + r1cs.nPrivateInputs)];
	const stored = (values: readonly bigint[]): Buffer => Buffer.concat(values.map((value) => toBytesLE((value << 256n) % Q)));
	const g1 = (...scalars: readonly bigint[]): Buffer =>
		Buffer.concat(
			scalars.map((scalar) => {
				const { x, y } = bn254.G1.Point.BASE.multiplyUnsafe(mod(scalar, R)).toAffine();
				return stored([x, y]);
			}),
		);
	const g2 = (...scalars: readonly bigint[]): Buffer =>
		Buffer.concat(
			scalars.map((scalar) => {
				const { x, y } = bn254.G2.Point.BASE.multiplyUnsafe(mod(scalar, R)).toAffine();
				return stored([x.c0, x.c1, y.c0, y.c1]);
			}),
		);
	const number = (...values: readonly number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
	const ofAB = terms.filter(([matrix]) => matrix < 2);
	return new Map([
		[SECTION.protocol, number(1)],
		[
			SECTION.header,
			Buffer.concat([
				number(32),
				toBytesLE(Q),
				number(32),
				toBytesLE(R),
				number(r1cs.nWires, nPublic, size),
				g1(alpha, beta),
				g2(beta, 1n),
				g1(delta),
				g2(delta),
			]),
		],
		[
			SECTION.coefficients,
			Buffer.concat([
				number(ofAB.length),
				...ofAB.flatMap(([matrix, row, wire, value]) => [number(matrix, row, wire), toBytesLE((value << 512n) % R)]),
			]),
		],
		[SECTION.ic, g1(...k.slice(0, nPublic + 1))],
		[SECTION.h, g1(...Array.from({ length: size }, (_, j) => lagrange(2 * size, 2 * j + 1) * inverse(delta, R)))],
		[SECTION.c, g1(...inputs.map(() => 0n), ...inner.map((value) => value * inverse(delta, R)))],
		[SECTION.a, g1(...u)],
		[SECTION.b1, g1(...v)],
		[SECTION.b2, g2(...v)],
		[SECTION.commitment, g1(...inputs)],
		[SECTION.knowledge, g1(...inputs.map((value) => value * sigma))],
		[SECTION.contributions, Buffer.alloc(68)],
	]);
}

describe("setupDevelopment", () => {
	it("writes the same key as snarkjs' ceremony from the same secrets", async () => {
		const compiled = await compileCircuit(toyCircuit(9), { root });
		const secrets = { ...deriveSecrets("test"), delta: 1n };
		const path = join(root, "own.zkey");
		await writeDevelopmentKey(path, compiled, secrets);
		const own = sectionsOf(await readFile(path));
		const theirs = { type: "mem" as const, data: new Uint8Array() };
		const { nonLinear, linear, nPublic, nPrivateInputs } = compiled.counts;
		const log = Math.ceil(Math.log2(nonLinear + linear + nPublic + 1));
		await zKey.newZKey(compiled.r1cs, { type: "mem", data: await knownPowersOfTau(secrets, log) }, theirs);
		const expected = sectionsOf(theirs.data);

		for (const id of [SECTION.protocol, SECTION.header, SECTION.ic, SECTION.coefficients, SECTION.a, SECTION.b1, SECTION.b2, SECTION.h]) {
			expect(own.get(id)?.equals(expected.get(id) as Buffer), `section ${id}`).toBe(true);
		}
		// With delta = 1 the C points of private inputs are the K points; ours stand in their own section.
		const c = expected.get(SECTION.c) as Buffer;
		const split = nPrivateInputs * 64;
		expect(own.get(SECTION.commitment)?.equals(c.subarray(0, split))).toBe(true);
		expect(own.get(SECTION.c)?.equals(Buffer.concat([Buffer.alloc(split), c.subarray(split)]))).toBe(true);
	});

	it("writes what plain integers and another library's curve make of the same secrets", async () => {
		const compiled = await compileCircuit(toyCircuit(2), { root });
		const secrets = deriveSecrets("test");
		const path = join(root, "slow.zkey");
		await writeDevelopmentKey(path, compiled, secrets);
		const own = sectionsOf(await readFile(path));
		const expected = await slowKey(compiled.r1cs, secrets);
		expect([...expected.keys()].filter((id) => !own.get(id)?.equals(expected.get(id) as Buffer))).toEqual([]);
		const places = [...own.keys()];
		expect(places).toEqual([1, 2, 4, 3, 9, 8, 5, 6, 7, 100, 101, 10, 102]);
		expect(places.filter((id) => !expected.has(id))).toEqual([SECTION.facts]);
	});

	it("divides C and H by delta and multiplies K by sigma", async () => {
		const compiled = await compileCircuit(toyCircuit(2), { root });
		const secrets = deriveSecrets("test");
		const [one, own] = await Promise.all(
			[1n, secrets.delta].map(async (delta) => {
				const path = join(root, `delta-${delta}.zkey`);
				await writeDevelopmentKey(path, compiled, { ...secrets, delta });
				return sectionsOf(await readFile(path));
			}),
		);
		const points = (bytes: Buffer | undefined): (readonly [string, string])[] =>
			Array.from({ length: (bytes as Buffer).length / 64 }, (_, i) => [
				fromMontgomery(bytes as Buffer, 64 * i).toString(),
				fromMontgomery(bytes as Buffer, 64 * i + 32).toString(),
			]);
		const isMultiple = (id: number, source: Map<number, Buffer> | undefined, from: number, factor: bigint): void => {
			const originals = points(source?.get(from));
			points(own?.get(id)).forEach(([x, y], i) => {
				const [ox, oy] = originals[i] as readonly [string, string];
				if (ox === "0" && oy === "0") expect([x, y]).toEqual(["0", "0"]);
				else expect(g1Point([x, y]).equals(g1Point([ox, oy]).multiply(factor))).toBe(true);
			});
		};
		isMultiple(SECTION.c, one, SECTION.c, inverse(secrets.delta, R));
		isMultiple(SECTION.h, one, SECTION.h, inverse(secrets.delta, R));
		isMultiple(SECTION.knowledge, own, SECTION.commitment, secrets.sigma);
	});

	it("marks the key and puts sigma into the verification key", async () => {
		const compiled = await compileCircuit(toyCircuit(2), { root });
		const { verification } = await setupDevelopment(compiled, { root, seed: "test" });
		expect(verification).toMatchObject({ development: true, statement: "toy", id: "toy-n2", publics: ["total", "n"], hasWords: true });
		expect(verification.ic).toHaveLength(5);
		const { sigma, delta } = deriveSecrets("test");
		expect(g2Point(verification.sigma).equals(bn254.G2.Point.BASE.multiply(sigma))).toBe(true);
		expect(g2Point(verification.delta).equals(bn254.G2.Point.BASE.multiply(delta))).toBe(true);
	});

	it("spreads a larger circuit over threads, reports, and stops without a trace", async () => {
		const compiled = await compileCircuit(toyCircuit(1500), { root });
		await setupDevelopment(await compileCircuit(toyCircuit(2), { root }), { root });
		const before = await readdir(join(root, "zkey"));
		const controller = new AbortController();
		const phases = new Set<string>();
		const seed = "stopped";
		const stopped = setupDevelopment(compiled, {
			root,
			seed,
			signal: controller.signal,
			onProgress: ({ phase, done, total }) => {
				phases.add(phase);
				expect(done).toBeLessThanOrEqual(total);
				if (phase === "points") controller.abort(new Error("enough"));
			},
		});
		await expect(stopped).rejects.toThrow("enough");
		expect(phases).toEqual(new Set(["constraints", "points"]));
		expect((await readdir(join(root, "zkey"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
		expect(await readdir(join(root, "zkey"))).toEqual(before);

		const inline = await setupDevelopment(compiled, { root, seed, threads: 1 });
		const path = join(root, "again.zkey");
		await writeDevelopmentKey(path, compiled, deriveSecrets(seed), { threads: 2 });
		expect((await readFile(path)).equals(await readFile(inline.path))).toBe(true);
	});
});

describe("keys in the cache", () => {
	it("are one for each id: two parameter sets may compile to the same constraints", async () => {
		const [one, other] = [toyCircuit(2), { ...toyCircuit(2), id: "toy-of-another-set" }];
		const keys = [];
		for (const circuit of [one, other]) {
			keys.push(await setupDevelopment(await compileCircuit(circuit, { root }), { root }));
		}
		expect(keys.map(({ verification }) => verification.id)).toEqual([one.id, other.id]);
		expect(keys[0]?.verification.circuitId).not.toBe(keys[1]?.verification.circuitId);
	});
});

describe("Zkey.open", () => {
	it("names a missing, a truncated and a foreign file", async () => {
		const compiled = await compileCircuit(toyCircuit(2), { root });
		const { path } = await setupDevelopment(compiled, { root });
		const bytes = await readFile(path);
		const attempt = async (content: Uint8Array): Promise<void> => {
			const copy = join(root, "copy.zkey");
			const file = await open(copy, "w");
			await file.writeFile(content);
			await file.close();
			await (await Zkey.open(copy)).close();
		};
		await expect(attempt(bytes)).resolves.toBeUndefined();
		await expect(Zkey.open(join(root, "none"))).rejects.toMatchObject({ code: "key.missing" });
		for (const size of [0, 8, 20, 500, bytes.length - 1]) {
			await expect(attempt(bytes.subarray(0, size)), `${size} bytes`).rejects.toMatchObject({ code: "key.truncated" });
		}
		const foreign = Uint8Array.from(bytes);
		foreign[0] = 0x58;
		await expect(attempt(foreign)).rejects.toMatchObject({ code: "key.format" });
	});
});
