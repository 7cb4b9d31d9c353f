/** A ceremony of three people, one of whom uses snarkjs, and everything that an attacker may do to its files. */
import { writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bn254 } from "@noble/curves/bn254.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { R } from "../bn254.ts";
import { compileCircuit } from "../compile.ts";
import { KEY_FORMAT } from "../engine/key.ts";
import { Sections } from "../engine/sections.ts";
import { loadFfjavascript } from "../engine.ts";
import { ProverPool } from "../pool/pool.ts";
import { setupDevelopment } from "../setup.ts";
import { toyCircuit, toyInputs } from "../toy.ts";
import { type G1Decimals, g1Decimals, g1Point, g2Point, parseVerificationKey, toSnarkjsVerificationKey } from "../verification-key.ts";
import { verifyProof } from "../verify.ts";
import { SECTION } from "../zkey.ts";
import { applyBeacon, contribute, startCeremony, verifyCeremony } from "./ceremony.ts";
import { type DeltaContribution, parseDeltaChain, verifyDeltaChain } from "./delta.ts";
import { finishCeremony, readFinished, transcriptHashOf, verifyFinished } from "./finish.ts";
import { blake2b, hashToG2, pointBytes } from "./hash.ts";
import { checkPowers, type PowersFile } from "./powers.ts";
import { extendSigmaChain, readSigmaChain, type SigmaChain, type SigmaContribution, writeSigmaChain } from "./sigma.ts";
import { runSnarkjs } from "./snarkjs.ts";
import { makePowers } from "./testing.ts";

const BEACON = { hash: "0a1b2c3d4e5f", iterations: 10 };
const CIRCUIT = toyCircuit(3);
let root: string;
let powers: PowersFile;
/** initial; Alice; Bob with snarkjs; Carol; beacon */
let closed: string;
/** the same before the beacon */
let opened: string;
let keys: string;
let folder: string;
let options: { compile: { root: string } };

async function blake2bOf(path: string): Promise<string> {
	const { createHash } = await import("node:crypto");
	return createHash("blake2b512")
		.update(await readFile(path))
		.digest("hex");
}

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-ceremony-test-"));
	options = { compile: { root: join(root, "cache") } };
	const path = join(root, "small.ptau");
	await makePowers(path, 8);
	powers = await checkPowers(path, { blake2b: await blake2bOf(path) });
	opened = join(root, "opened");
	await startCeremony(opened, CIRCUIT, powers, options);
	await contribute(opened, powers, { name: "Alice" }, options);
	await runSnarkjs({ name: "contribute", from: join(opened, "0001.zkey"), to: join(opened, "0002.zkey"), by: "Bob", entropy: "dice" });
	await contribute(opened, powers, { name: "Carol", entropy: Buffer.from("more dice") }, options);
	closed = join(root, "closed");
	await cp(opened, closed, { recursive: true });
	await applyBeacon(closed, powers, BEACON, options);
	keys = join(root, "keys");
	await finishCeremony(closed, powers, keys, options);
});

afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

beforeEach(async () => {
	folder = await mkdtemp(join(root, "work-"));
});

/** A copy of a ceremony that an attacker may alter. */
async function copyOf(source: string): Promise<string> {
	await cp(source, folder, { recursive: true });
	return folder;
}

const verify = (): Promise<unknown> => verifyCeremony(folder, powers, options);

/** Rewrites bytes of a section in place. */
async function alter(path: string, section: number, edit: (bytes: Buffer) => void): Promise<void> {
	const bytes = await readFile(path);
	for (let position = 12; position < bytes.length; ) {
		const size = Number(bytes.readBigUInt64LE(position + 4));
		if (bytes.readUInt32LE(position) === section) edit(bytes.subarray(position + 12, position + 12 + size));
		position += 12 + size;
	}
	await writeFile(path, bytes);
}

async function section(path: string, id: number): Promise<Buffer> {
	const key = await Sections.open(path, KEY_FORMAT);
	try {
		return await key.read(id);
	} finally {
		await key.close();
	}
}

/** Changes the chain of sigma of a copy. */
async function rewrite(path: string, edit: (chain: SigmaChain) => SigmaChain | Promise<SigmaChain>): Promise<void> {
	const chain = await edit(await readSigmaChain(path));
	await rm(path);
	await writeSigmaChain(path, chain);
}

const withContributions = (chain: SigmaChain, edit: (list: SigmaContribution[]) => SigmaContribution[]): SigmaChain => ({
	...chain,
	contributions: edit([...chain.contributions]),
});

async function snarkjsAccepts(initial: string, key: string): Promise<boolean> {
	const { buildBn128 } = await loadFfjavascript();
	const { zKey } = await import("snarkjs");
	try {
		return await zKey.verifyFromInit(initial, powers.path, key);
	} finally {
		await (await buildBn128(false)).terminate();
	}
}

describe("a ceremony", () => {
	it("is verified from its files and says who contributed what", async () => {
		const { delta, sigma } = await verifyCeremony(closed, powers, options);
		expect(delta.contributions.map(({ name, beacon }) => [name, beacon])).toEqual([
			["Alice", undefined],
			["Bob", undefined],
			["Carol", undefined],
			["beacon", BEACON],
		]);
		expect(sigma.contributions.map(({ name, delta: link }) => [name, link])).toEqual(
			[0, 2, 3].map((i) => [delta.contributions[i]?.name, delta.contributions[i]?.hash]),
		);
		expect(sigma.initial).toBe(delta.circuitHash);
	});

	it("makes keys that snarkjs takes for its own", async () => {
		const initial = join(closed, "0000.zkey");
		expect(await snarkjsAccepts(initial, join(closed, "0004.zkey"))).toBe(true);
		expect(await snarkjsAccepts(initial, join(keys, `${CIRCUIT.id}.zkey`))).toBe(true);
		await cp(join(closed, "0004.zkey"), join(folder, "key.zkey"));
		await alter(join(folder, "key.zkey"), SECTION.h, (bytes) => bytes.copyWithin(0, 64, 128));
		expect(await snarkjsAccepts(initial, join(folder, "key.zkey"))).toBe(false);
	});

	it("holds K over no delta, sigma K, and delta in all of C and H", async () => {
		const path = join(keys, `${CIRCUIT.id}.zkey`);
		const k = await section(path, SECTION.commitment);
		const knowledge = await section(path, SECTION.knowledge);
		const c = await section(path, SECTION.c);
		expect(c.subarray(0, k.length).every((byte) => byte === 0)).toBe(true);
		const plain = join(folder, "plain.zkey");
		const compiled = await compileCircuit(CIRCUIT, options.compile);
		await runSnarkjs({ name: "initial", r1cs: compiled.r1cs, powers: powers.path, to: plain });
		const plainC = await section(plain, SECTION.c);
		expect(plainC.subarray(0, k.length).equals(k)).toBe(true);
		const { Fp12 } = bn254.fields;
		const vkey = parseVerificationKey(JSON.parse(await readFile(join(keys, `${CIRCUIT.id}.vkey.json`), "utf8")));
		const check = (a: Buffer, b: Buffer, ratio: InstanceType<typeof bn254.G2.Point>): void => {
			for (let offset = 0; offset < a.length; offset += 64) {
				if (a.subarray(offset, offset + 64).every((byte) => byte === 0)) {
					expect(b.subarray(offset, offset + 64).every((byte) => byte === 0)).toBe(true);
					continue;
				}
				const [one, other] = [a, b].map((list) => g1Point(g1Decimals(list, offset)));
				const paired = Fp12.eql(bn254.pairing(one as never, ratio), bn254.pairing(other as never, bn254.G2.Point.BASE));
				expect(paired, `point ${offset / 64}`).toBe(true);
			}
		};
		check(k, knowledge, g2Point(vkey.sigma));
		check(c.subarray(k.length, k.length + 5 * 64), plainC.subarray(k.length, k.length + 5 * 64), g2Point(vkey.delta));
	});

	it("makes proofs that the verifier and snarkjs accept", async () => {
		const verification = parseVerificationKey(JSON.parse(await readFile(join(keys, `${CIRCUIT.id}.vkey.json`), "utf8")));
		expect(verification).toMatchObject({ development: false, id: CIRCUIT.id });
		const circuit = await compileCircuit(CIRCUIT, options.compile);
		const words = [3n, 1n, 15n];
		const context = `0x${"07".repeat(32)}` as const;
		const pool = new ProverPool({ workers: 1 });
		try {
			const key = { path: join(keys, `${CIRCUIT.id}.zkey`), digest: "", verification };
			const { proof, publics, challenge } = await pool.prove({ circuit, key, inputs: toyInputs(words, 5n), context, words });
			verifyProof(verification, { context, publics, words, proof });
			const { groth16 } = await import("snarkjs");
			const { evaluationOf } = await import("../challenge.ts");
			const signals = [...publics, evaluationOf(words, challenge), challenge].map(String);
			const plain = {
				pi_a: [...proof.a, "1"],
				pi_b: [...proof.b, ["1", "0"]],
				pi_c: [...proof.c, "1"],
				protocol: "groth16",
				curve: "bn128",
			};
			expect(await groth16.verify(toSnarkjsVerificationKey(verification, proof), signals, plain)).toBe(true);
		} finally {
			await pool.close();
			const { buildBn128 } = await loadFfjavascript();
			await (await buildBn128(false)).terminate();
		}
	});

	it("has a transcript whose hash is that of its file", async () => {
		const { transcript, verification, ceremony } = await verifyFinished(closed, powers, keys, options);
		const text = await readFile(join(keys, `${CIRCUIT.id}.transcript.json`), "utf8");
		expect(JSON.parse(text)).toEqual(transcript);
		expect(transcriptHashOf(text)).toBe(verification.transcript);
		expect(JSON.parse(await readFile(join(keys, `${CIRCUIT.id}.vkey.json`), "utf8"))).toEqual(verification);
		expect(transcript.delta.map(({ hash }) => hash)).toEqual(ceremony.delta.contributions.map(({ hash }) => hash));
		expect(transcript.powers).toEqual({ power: 8, blake2b: powers.blake2b });
	});

	it("has the contribution hashes that snarkjs prints", async () => {
		const to = join(folder, "next.zkey");
		const hash = await runSnarkjs({ name: "contribute", from: join(opened, "0003.zkey"), to, by: "Dave", entropy: "x" });
		const chain = parseDeltaChain(await section(to, SECTION.contributions));
		expect(chain.contributions.at(-1)?.hash).toBe(Buffer.from(hash).toString("hex"));
	});
});

describe("a contribution", () => {
	it("is refused after the beacon, and the beacon before any secret", async () => {
		await copyOf(closed);
		await expect(contribute(folder, powers, { name: "late" }, options)).rejects.toMatchObject({ code: "ceremony.beacon" });
		const fresh = join(folder, "fresh");
		await startCeremony(fresh, CIRCUIT, powers, options);
		await expect(applyBeacon(fresh, powers, BEACON, options)).rejects.toMatchObject({ code: "ceremony.secret" });
		// Bob alone, with snarkjs: sigma is still known to all.
		await runSnarkjs({ name: "contribute", from: join(fresh, "0000.zkey"), to: join(fresh, "0001.zkey"), by: "Bob", entropy: "dice" });
		await verifyCeremony(fresh, powers, options);
		await expect(applyBeacon(fresh, powers, BEACON, options)).rejects.toMatchObject({ code: "ceremony.secret" });
		await expect(startCeremony(fresh, CIRCUIT, powers, options)).rejects.toMatchObject({ code: "ceremony.exists" });
	});

	it("leaves nothing when it is stopped, and the ceremony goes on", async () => {
		await copyOf(opened);
		const before = await readdir(folder);
		for (const phase of ["Writing points", "multiples", "C points"]) {
			const controller = new AbortController();
			const stopped = contribute(
				folder,
				powers,
				{ name: "stopped" },
				{
					...options,
					signal: controller.signal,
					onProgress: ({ note }) => note.includes(phase.split(" ")[0] as string) && controller.abort(new Error("enough")),
				},
			);
			await expect(stopped, phase).rejects.toThrow("enough");
			expect(await readdir(folder)).toEqual(before);
		}
		expect(await contribute(folder, powers, { name: "Dave" }, options)).toMatchObject({ number: 4, name: "Dave" });
	});

	it("needs a name of 1 to 64 bytes", async () => {
		for (const name of ["", "x".repeat(65), "é".repeat(33), "two\nlines"]) {
			await expect(contribute(opened, powers, { name }, options)).rejects.toMatchObject({ code: "ceremony.format" });
		}
	});

	it("is not made for other powers, or too few", async () => {
		const other = join(root, "other.ptau");
		await makePowers(other, 4);
		const few = await checkPowers(other, { blake2b: await blake2bOf(other) });
		await expect(contribute(opened, few, { name: "Dave" }, options)).rejects.toMatchObject({ code: "powers.hash" });
		await expect(startCeremony(join(folder, "few"), CIRCUIT, few, options)).rejects.toMatchObject({ code: "powers.format" });
		expect(await readdir(join(folder, "few"))).toEqual([]);
	});
});

describe("an attacker who prepares a file for somebody honest", () => {
	it("gets no K over delta: points for committed inputs are refused", async () => {
		await copyOf(opened);
		const k = await section(join(folder, "0000.zkey"), SECTION.commitment);
		await alter(join(folder, "0003.zkey"), SECTION.c, (bytes) => k.copy(bytes, 0, 0, 64));
		await expect(contribute(folder, powers, { name: "Dave" }, options)).rejects.toMatchObject({ code: "ceremony.leak" });
		expect(await readdir(folder)).toEqual(await readdir(opened));
	});

	it("gets no K over delta by an initial key that keeps them", async () => {
		const fresh = join(folder, "fresh");
		await startCeremony(fresh, CIRCUIT, powers, options);
		const k = await section(join(fresh, "0000.zkey"), SECTION.commitment);
		await alter(join(fresh, "0000.zkey"), SECTION.c, (bytes) => k.copy(bytes));
		await expect(contribute(fresh, powers, { name: "Dave" }, options)).rejects.toMatchObject({ code: "ceremony.initial" });
	});

	it("gets no IC over delta by a point of C or H", async () => {
		for (const id of [SECTION.c, SECTION.h]) {
			await rm(folder, { recursive: true });
			await copyOf(opened);
			const ic = await section(join(folder, "0000.zkey"), SECTION.ic);
			await alter(join(folder, "0003.zkey"), id, (bytes) => ic.copy(bytes, bytes.length - 64, 64, 128));
			await expect(contribute(folder, powers, { name: "Dave" }, options)).rejects.toMatchObject({ code: "ceremony.ratio" });
		}
	});

	it("gets nothing by exchanging the file after it was verified", async () => {
		await copyOf(opened);
		const k = await section(join(folder, "0000.zkey"), SECTION.commitment);
		const path = join(folder, "0003.zkey");
		const leaky = Buffer.from(await readFile(path));
		let exchanged = false;
		const onProgress = ({ note }: { note: string }): void => {
			if (note !== "points H" || exchanged) return;
			exchanged = true;
			writeFileSync(path, leaky);
		};
		for (let position = 12; position < leaky.length; position += 12 + Number(leaky.readBigUInt64LE(position + 4))) {
			if (leaky.readUInt32LE(position) === SECTION.c) k.copy(leaky, position + 12);
		}
		await contribute(folder, powers, { name: "Dave" }, { ...options, onProgress });
		expect(exchanged).toBe(true);
		await verifyCeremony(folder, powers, options);
	});

	it("gets no sigma times another point", async () => {
		await copyOf(opened);
		const ic = await section(join(folder, "0000.zkey"), SECTION.ic);
		await rewrite(join(folder, "0003.sigma"), (chain) => {
			ic.copy(chain.points as Buffer, 64, 0, 64);
			return chain;
		});
		await expect(contribute(folder, powers, { name: "Dave" }, options)).rejects.toMatchObject({ code: "ceremony.ratio" });
	});
});

describe("an attacker of the chain of sigma", () => {
	const last = (): string => join(folder, "0004.sigma");
	const attacks: [name: string, code: string, edit: (chain: SigmaChain) => SigmaChain | Promise<SigmaChain>][] = [
		["skips somebody", "ceremony.knowledge", (chain) => withContributions(chain, ([, ...rest]) => rest)],
		["swaps two", "ceremony.knowledge", (chain) => withContributions(chain, ([a, b, ...rest]) => [b, a, ...rest] as SigmaContribution[])],
		["repeats one", "ceremony.unchanged", (chain) => withContributions(chain, ([a, ...rest]) => [a, a, ...rest] as SigmaContribution[])],
		["leaves out the last", "ceremony.ratio", (chain) => withContributions(chain, (list) => list.slice(0, -1))],
		["takes another's name", "ceremony.knowledge", (chain) => edited(chain, 0, { name: "Mallory" })],
		[
			"names another contribution to delta",
			"ceremony.knowledge",
			(chain) => edited(chain, 0, { delta: chain.contributions[1]?.delta as string }),
		],
		["takes another's proof", "ceremony.knowledge", (chain) => edited(chain, 1, { proof: chain.contributions[0]?.proof as never })],
		[
			"sets sigma to 0",
			"ceremony.point",
			(chain) =>
				edited(chain, 0, {
					sigma: [
						["0", "0"],
						["0", "0"],
					],
				}),
		],
		["has two sigmas", "ceremony.ratio", (chain) => edited(chain, 0, { sigma: chain.contributions[1]?.sigma as never })],
		["goes off the curve", "ceremony.point", (chain) => edited(chain, 0, { anchor: ["1", "1"] })],
		["calls a person a beacon", "ceremony.knowledge", (chain) => edited(chain, 0, { beacon: BEACON })],
		["changes the beacon", "ceremony.knowledge", (chain) => edited(chain, 2, { beacon: { ...BEACON, iterations: 11 } })],
		["changes a point", "ceremony.ratio", (chain) => moved(chain, (points) => points.copyWithin(64, 0, 64))],
		["drops a point", "ceremony.ratio", (chain) => moved(chain, (points) => points.fill(0, 64, 128))],
		["puts a point off the curve", "ceremony.point", (chain) => moved(chain, (points) => points.fill(1, 64, 96))],
		["uses another circuit", "ceremony.circuit", (chain) => ({ ...chain, initial: "00".repeat(64) })],
	];
	const edited = (chain: SigmaChain, index: number, change: Partial<SigmaContribution>): SigmaChain =>
		withContributions(chain, (list) => list.with(index, { ...(list[index] as SigmaContribution), ...change }));
	const moved = (chain: SigmaChain, edit: (points: Buffer) => void): SigmaChain => {
		edit(chain.points as Buffer);
		return chain;
	};

	it.each(attacks)("who %s is refused with %s", async (_name, code, edit) => {
		await copyOf(closed);
		await rewrite(last(), edit);
		await expect(verify()).rejects.toMatchObject({ code });
	});

	it("who contributes a factor of 1 is refused", async () => {
		await copyOf(opened);
		const { delta } = await verifyCeremony(opened, powers, options);
		await rewrite(join(folder, "0003.sigma"), (chain) =>
			extendSigmaChain(chain, 1n, { name: "Mallory", delta: delta.contributions[2]?.hash as string }),
		);
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.unchanged" });
	});

	it("who replaces sigma by one that they know cannot prove it", async () => {
		await copyOf(opened);
		const { delta } = await verifyCeremony(opened, powers, options);
		await rewrite(join(folder, "0003.sigma"), async (chain) => {
			// As if nobody had contributed: their own sigma from the initial points, in the place of the next contribution.
			const initial = await readSigmaChain(join(folder, "0000.sigma"));
			const own = await extendSigmaChain(initial, 12345n, { name: "Mallory", delta: delta.contributions[2]?.hash as string });
			const [mine] = own.contributions as [SigmaContribution];
			const h = await hashToG2(new Uint8Array(64));
			const { x, y } = h.multiply(12345n).toAffine();
			const proof: SigmaContribution["proof"] = [
				[String(x.c0), String(x.c1)],
				[String(y.c0), String(y.c1)],
			];
			return { ...own, contributions: [...chain.contributions.slice(0, 1), { ...mine, proof }] };
		});
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.knowledge" });
	});

	it("who names no contribution to delta, or an earlier one, is refused", async () => {
		const { delta } = await verifyCeremony(opened, powers, options);
		for (const link of ["00".repeat(64), delta.contributions[0]?.hash as string]) {
			await rm(folder, { recursive: true });
			await copyOf(opened);
			await rewrite(join(folder, "0003.sigma"), (chain) => extendSigmaChain(chain, 7n, { name: "Mallory", delta: link }));
			await expect(verify()).rejects.toMatchObject({ code: "ceremony.transcript" });
		}
	});

	it("who gives a beacon another factor, or a partner without it, is refused", async () => {
		const { delta } = await verifyCeremony(closed, powers, options);
		const link = delta.contributions[3]?.hash as string;
		const carol = join(opened, "0003.sigma");
		const attempts: [string, (chain: SigmaChain) => Promise<SigmaChain>][] = [
			["another factor", (chain) => extendSigmaChain(chain, 7n, { name: "beacon", delta: link, beacon: BEACON })],
			["no beacon", (chain) => extendSigmaChain(chain, 7n, { name: "Mallory", delta: link })],
		];
		for (const [name, edit] of attempts) {
			await rm(folder, { recursive: true });
			await copyOf(closed);
			await cp(carol, last());
			await rewrite(last(), edit);
			await expect(verify(), name).rejects.toMatchObject({ code: "ceremony.beacon" });
		}
	});
});

describe("an attacker of the chain of delta", () => {
	/** Offsets within a contribution, and its length without parameters. */
	const POINTS = { after: 0, s: 64, sx: 128, spx: 192, transcript: 320 } as const;
	const start = async (index: number): Promise<number> => {
		const bytes = await section(join(closed, "0004.zkey"), SECTION.contributions);
		let position = 68;
		for (let i = 0; i < index; i++) position += 392 + bytes.readUInt32LE(position + 388);
		return position;
	};
	const attacks: [name: string, code: string, edit: (bytes: Buffer, at: (index: number) => number) => void][] = [
		["takes another's s", "ceremony.transcript", (bytes, at) => bytes.copy(bytes, at(0) + POINTS.s, at(1) + POINTS.s, at(1) + POINTS.sx)],
		[
			"changes the transcript",
			"ceremony.transcript",
			(bytes, at) => bytes.fill(7, at(0) + POINTS.transcript, at(0) + POINTS.transcript + 64),
		],
		[
			"takes another's proof",
			"ceremony.knowledge",
			(bytes, at) => bytes.copy(bytes, at(0) + POINTS.spx, at(1) + POINTS.spx, at(1) + POINTS.transcript),
		],
		["takes another's delta", "ceremony.ratio", (bytes, at) => bytes.copy(bytes, at(0), at(1), at(1) + POINTS.s)],
		["goes off the curve", "ceremony.point", (bytes, at) => bytes.fill(1, at(0), at(0) + 32)],
		["goes to infinity", "ceremony.point", (bytes, at) => bytes.fill(0, at(0), at(0) + 64)],
		["changes the beacon", "ceremony.beacon", (bytes) => bytes.fill(9, bytes.length - 1)],
		["uses another circuit", "ceremony.circuit", (bytes) => bytes.fill(9, 0, 64)],
		["claims more contributions", "ceremony.format", (bytes) => bytes.writeUInt32LE(5, 64)],
		["leaves out the last", "ceremony.ratio", (bytes) => bytes.writeUInt32LE(3, 64)],
	];

	it.each(attacks)("who %s is refused with %s", async (_name, code, edit) => {
		await copyOf(closed);
		const starts = await Promise.all([0, 1, 2, 3].map(start));
		await alter(join(folder, "0004.zkey"), SECTION.contributions, (bytes) => edit(bytes, (index) => starts[index] as number));
		await expect(verify()).rejects.toMatchObject({ code });
	});

	const points: [name: string, code: string, section: number, edit: (bytes: Buffer) => void][] = [
		["a point of C", "ceremony.ratio", SECTION.c, (bytes) => bytes.copyWithin(bytes.length - 64, bytes.length - 128, bytes.length - 64)],
		["a point of H", "ceremony.ratio", SECTION.h, (bytes) => bytes.copyWithin(0, 64, 128)],
		["a point of H off the curve", "ceremony.point", SECTION.h, (bytes) => bytes.fill(1, 0, 32)],
		["a point of A", "ceremony.circuit", SECTION.a, (bytes) => bytes.copyWithin(0, 64, 128)],
		["a point of IC", "ceremony.circuit", SECTION.ic, (bytes) => bytes.copyWithin(0, 64, 128)],
		["a coefficient", "ceremony.circuit", SECTION.coefficients, (bytes) => bytes.fill(3, 16, 20)],
		["alpha", "ceremony.circuit", SECTION.header, (bytes) => bytes.copyWithin(84, 148, 212)],
		["gamma", "ceremony.circuit", SECTION.header, (bytes) => bytes.copyWithin(340, 532, 660)],
		["delta in one group", "ceremony.ratio", SECTION.header, (bytes) => bytes.copyWithin(532, 340, 468)],
	];

	it.each(points)("who changes %s is refused with %s", async (_name, code, id, edit) => {
		await copyOf(closed);
		await alter(join(folder, "0004.zkey"), id, edit);
		await expect(verify()).rejects.toMatchObject({ code });
	});

	it("who contributes a factor of 1 is refused", async () => {
		const generator: G1Decimals = ["1", "2"];
		const circuitHash = "00".repeat(64);
		const transcript = blake2b(Buffer.from(circuitHash, "hex"), pointBytes(generator), pointBytes(generator));
		const { x, y } = (await hashToG2(transcript)).toAffine();
		const one: DeltaContribution = {
			name: "Mallory",
			hash: "",
			after: generator,
			s: generator,
			sx: generator,
			spx: [
				[String(x.c0), String(x.c1)],
				[String(y.c0), String(y.c1)],
			],
			transcript: transcript.toString("hex"),
		};
		await expect(verifyDeltaChain({ circuitHash, contributions: [one] })).rejects.toMatchObject({ code: "ceremony.unchanged" });
	});

	it("who swaps two is refused", async () => {
		await copyOf(opened);
		const path = join(folder, "0003.zkey");
		const [a, b, c] = [await start(0), await start(1), await start(2)];
		await alter(path, SECTION.contributions, (bytes) => {
			const [first, second] = [Buffer.from(bytes.subarray(a, b)), Buffer.from(bytes.subarray(b, c))];
			second.copy(bytes, a);
			first.copy(bytes, a + second.length);
		});
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.transcript" });
	});
});

describe("an attacker of the initial files", () => {
	it("cannot start from another key, or say another circuit", async () => {
		for (const id of [SECTION.a, SECTION.b2, SECTION.h, SECTION.commitment]) {
			await rm(folder, { recursive: true });
			await copyOf(opened);
			await alter(join(folder, "0000.zkey"), id, (bytes) => bytes.fill(bytes[64] === 5 ? 6 : 5, 64, 65));
			await expect(verify(), `section ${id}`).rejects.toMatchObject({ code: "ceremony.initial" });
		}
		for (const change of [{ id: "toy-of-another-set" }, { publics: ["n", "total"] }]) {
			await rm(folder, { recursive: true });
			await copyOf(opened);
			const subject = JSON.parse(await readFile(join(folder, "circuit.json"), "utf8"));
			await writeFile(join(folder, "circuit.json"), JSON.stringify({ ...subject, circuit: { ...subject.circuit, ...change } }));
			await expect(verify(), JSON.stringify(change)).rejects.toMatchObject({
				code: "id" in change ? "ceremony.initial" : "compile.interface",
			});
		}
	});

	it("is told what is missing or unreadable", async () => {
		await expect(verifyCeremony(folder, powers, options)).rejects.toMatchObject({ code: "ceremony.missing" });
		await copyOf(opened);
		await writeFile(join(folder, "0003.sigma"), "something else");
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.format" });
		await rm(join(folder, "0000.zkey"));
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.missing" });
		await writeFile(join(folder, "circuit.json"), "{}");
		await expect(verify()).rejects.toMatchObject({ code: "ceremony.format" });
	});
});

describe("a finished key", () => {
	it("needs a beacon", async () => {
		await expect(finishCeremony(opened, powers, folder, options)).rejects.toMatchObject({ code: "ceremony.beacon" });
		expect(await readdir(folder)).toEqual([]);
	});

	it("is not written over another", async () => {
		await expect(finishCeremony(closed, powers, keys, options)).rejects.toMatchObject({ code: "ceremony.exists" });
	});

	it("is taken for its own circuit alone, whole, and never for a development key", async () => {
		const compiled = await compileCircuit(CIRCUIT, options.compile);
		const { verification } = await verifyFinished(closed, powers, keys, options);
		expect(await readFinished(keys, compiled)).toEqual({
			path: join(keys, `${CIRCUIT.id}.zkey`),
			digest: verification.circuitId.slice(2),
			verification,
		});
		const other = await compileCircuit(toyCircuit(2), options.compile);
		await expect(readFinished(keys, other)).rejects.toMatchObject({ code: "key.missing" });
		await cp(join(keys, `${CIRCUIT.id}.zkey`), join(folder, `${other.circuit.id}.zkey`));
		await expect(readFinished(folder, other)).rejects.toMatchObject({ code: "key.foreign" });
		await cp((await setupDevelopment(other, { root: options.compile.root })).path, join(folder, `${other.circuit.id}.zkey`));
		await expect(readFinished(folder, other)).rejects.toMatchObject({
			code: "key.invalid",
			message: expect.stringContaining("development"),
		});
		for (const [kind, text] of [
			["vkey.json", "{}"],
			["transcript.json", "null"],
		]) {
			const copy = await mkdtemp(join(folder, "keys-"));
			await cp(keys, copy, { recursive: true });
			await writeFile(join(copy, `${CIRCUIT.id}.${kind}`), text as string);
			await expect(readFinished(copy, compiled), kind).rejects.toMatchObject({ code: "key.invalid" });
			await rm(join(copy, `${CIRCUIT.id}.${kind}`));
			await expect(readFinished(copy, compiled), kind).rejects.toMatchObject({ code: "key.missing" });
		}
	});

	it("is compared byte for byte", async () => {
		for (const kind of ["zkey", "vkey.json", "transcript.json"]) {
			await rm(folder, { recursive: true });
			await mkdir(folder);
			await cp(keys, folder, { recursive: true });
			const file = await open(join(folder, `${CIRCUIT.id}.${kind}`), "r+");
			const size = (await file.stat()).size;
			await file.write(Buffer.from("x"), 0, 1, size - 3);
			await file.close();
			await expect(verifyFinished(closed, powers, folder, options), kind).rejects.toMatchObject({ code: "ceremony.key" });
		}
	});
});

describe("multiples", () => {
	it("are those of noble, infinity among them", async () => {
		const k = await section(join(opened, "0000.zkey"), SECTION.commitment);
		const some = Buffer.concat([k.subarray(0, 128), Buffer.alloc(64), k.subarray(k.length - 64)]);
		for (const factor of [1n, 2n, R - 1n, 0x123456789abcdef0123456789abcdefn]) {
			const got = await runSnarkjs({ name: "multiply", points: some, factor });
			for (const offset of [0, 64, 192]) {
				const expected = g1Point(g1Decimals(some, offset)).multiply(factor);
				expect(g1Point(g1Decimals(got, offset)).equals(expected)).toBe(true);
			}
			expect(got.subarray(128, 192).every((byte) => byte === 0)).toBe(true);
		}
	});
});

describe("hashToG2", () => {
	it("draws points of the group, another for each hash", async () => {
		const points = await Promise.all([0, 1, 2].map((byte) => hashToG2(new Uint8Array(64).fill(byte))));
		expect(new Set(points.map((point) => point.toHex())).size).toBe(3);
		for (const point of points) point.assertValidity();
	});
});
