/**
 * Verification on the engine beside snarkjs and @noble/curves, in processes of their own that run one after the other on the same proofs.
 *
 * Proofs are made with the secrets of their keys: what a proof costs to verify does not depend on how it was made.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { R } from "../prover/bn254.ts";
import { loadFfjavascript } from "../prover/engine.ts";
import { Trapdoor } from "../prover/testing/trapdoor.ts";
import type { VerificationKey } from "../prover/verification-key.ts";
import type { Claim } from "../prover/verify.ts";
import { type Case, measure, median } from "./bench.ts";

const SIZES = [1, 8, 64] as const;
const SIGNALS = 4;
const RUNS = 5;
/** Proofs of a run, at least: the clock of CPU time is coarse. */
const LEAST = 32;
/** CPU ms per proof that are asked for in batches of the largest size. */
const BOUND = 2.5;

type Kind = "plain" | "committed";

interface PlainFile {
	readonly key: object;
	readonly publicSignals: readonly string[];
	readonly proof: object;
}

interface CommittedFile {
	readonly key: VerificationKey;
	readonly claim: Claim;
}

/** What a child process reads. */
interface Files {
	readonly plain: readonly PlainFile[];
	readonly committed: readonly CommittedFile[];
}

/** What a child process prints: milliseconds per proof. */
interface Runs {
	/** of the first batch, with loading the verifier; a run that is not counted follows */
	readonly cold: number;
	readonly cpu: readonly number[];
	readonly wall: readonly number[];
	readonly peakMB: number;
}

type Verify = (files: Files, kind: Kind) => Promise<void>;

export async function run(): Promise<Case[]> {
	const folder = await mkdtemp(join(tmpdir(), "openledger-bench-"));
	try {
		const path = join(folder, "proofs.json");
		await writeFile(
			path,
			JSON.stringify(proofs(Math.max(...SIZES)), (_, value) => (typeof value === "bigint" ? `${value}n` : value)),
		);
		const cases: Case[] = [];
		for (const [kind, peer] of [
			["plain", "snarkjs"],
			["plain", "noble"],
			["committed", "noble"],
		] as const) {
			const others = await child(peer, kind, 8, path);
			for (const size of SIZES) cases.push(caseOf(kind, size, await child("engine", kind, size, path), peer, others));
		}
		return cases;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function caseOf(kind: Kind, size: number, ours: Runs, peer: string, others: Runs): Case {
	const [value, peerValue] = [median(ours.cpu), median(others.cpu)];
	const isAsked = kind === "plain" && size === Math.max(...SIZES);
	return {
		name: `verification of ${kind} proofs`,
		size: size === 1 ? "one proof" : `batch of ${size}`,
		value: round(value),
		unit: "CPU ms per proof",
		peer: `${peer} one by one`,
		peerValue: round(peerValue),
		ratio: round(value / peerValue),
		bar: isAsked ? `<= ${BOUND}` : "none",
		holds: !isAsked || value <= BOUND,
		runs: ours.cpu.map(round),
		note:
			`${peer} one by one ${round(peerValue)}; wall ${round(median(ours.wall))} against ${round(median(others.wall))} ms; ` +
			`first batch of a process ${round(ours.cold)} CPU ms per proof; peak ${round(ours.peakMB)} MB against ${round(others.peakMB)}`,
	};
}

function round(value: number): number {
	return Math.round(value * 1000) / 1000;
}

function proofs(count: number): Files {
	const plain = new Trapdoor("bench", SIGNALS);
	const plainKey = plain.plainKey;
	const committed = new Trapdoor("bench", SIGNALS + 1);
	const { key } = committed;
	const signals = (i: number): bigint[] => Array.from({ length: SIGNALS }, (_, j) => 3n ** BigInt(97 * i + j + 150) % R);
	const indices = Array.from({ length: count }, (_, i) => i);
	return {
		plain: indices.map((i) => ({ key: plainKey, ...plain.plainProof(signals(i), `proof ${i}`) })),
		committed: indices.map((i) => ({ key, claim: committed.claim(key, signals(i), `proof ${i}`) })),
	};
}

async function child(verifier: keyof typeof VERIFIERS, kind: Kind, size: number, path: string): Promise<Runs> {
	const { code, stdout } = await measure(process.execPath, [fileURLToPath(import.meta.url), verifier, kind, `${size}`, path]);
	if (code !== 0) throw new Error(`bench verification: expected ${verifier} to accept ${size} ${kind} proofs, got exit code ${code}`);
	return JSON.parse(stdout);
}

/** Each loads its verifier and throws when a proof is refused. */
const VERIFIERS = {
	async engine(): Promise<{ verify: Verify; close(): Promise<void> }> {
		const { Verifier } = await import("../prover/verifier.ts");
		const verifier = await Verifier.open();
		return { verify: async (files, kind) => verifier.verifyBatch(files[kind]), close: async () => {} };
	},
	async snarkjs(): Promise<{ verify: Verify; close(): Promise<void> }> {
		const { buildBn128 } = await loadFfjavascript();
		const { groth16 } = await import("snarkjs");
		const curve = await buildBn128(false);
		return {
			async verify({ plain }) {
				for (const { key, publicSignals, proof } of plain) {
					if (!(await groth16.verify(key, publicSignals, proof))) throw new Error("snarkjs: expected a good proof, got a bad one");
				}
			},
			close: () => curve.terminate(),
		};
	},
	async noble(): Promise<{ verify: Verify; close(): Promise<void> }> {
		const { verifyProof } = await import("../prover/verify.ts");
		const { combine, readEquation, readKey } = await import("../prover/equation.ts");
		const { isProductOne } = await import("../prover/second-opinion.ts");
		return {
			async verify(files, kind) {
				if (kind === "committed") for (const { key, claim } of files.committed) verifyProof(key, claim);
				else {
					for (const candidate of files.plain) {
						const factors = combine([readEquation(candidate, readKey(candidate))]);
						if (!(await isProductOne(factors, async () => {}))) throw new Error("noble: expected a good proof, got a bad one");
					}
				}
			},
			close: async () => {},
		};
	},
};

/** The child process. */
async function main([name, kind, size, path]: readonly string[]): Promise<void> {
	const text = await readFile(path as string, "utf8");
	const count = Number(size);
	const all: Files = JSON.parse(text, (_, value) =>
		typeof value === "string" && /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
	);
	// As a program has them: one key object for all proofs.
	const files: Files = {
		plain: all.plain.slice(0, count).map((file) => ({ ...file, key: all.plain[0]?.key as object })),
		committed: all.committed.slice(0, count).map((file) => ({ ...file, key: all.committed[0]?.key as VerificationKey })),
	};
	const times = Math.ceil(LEAST / count);
	const [cpu, wall]: [number[], number[]] = [[], []];
	let verifier: { verify: Verify; close(): Promise<void> } | undefined;
	let cold = 0;
	for (let run = 0; run < 2 + RUNS; run++) {
		const batches = run === 0 ? 1 : times;
		const [wallStart, cpuStart] = [performance.now(), process.cpuUsage()];
		verifier ??= await VERIFIERS[name as keyof typeof VERIFIERS]();
		for (let i = 0; i < batches; i++) await verifier.verify(files, kind as Kind);
		const { user, system } = process.cpuUsage(cpuStart);
		const perProof = (user + system) / 1000 / (batches * count);
		if (run === 0) cold = perProof;
		if (run < 2) continue;
		cpu.push(perProof);
		wall.push((performance.now() - wallStart) / (batches * count));
	}
	await verifier?.close();
	console.log(JSON.stringify({ cold, cpu, wall, peakMB: process.resourceUsage().maxRSS / 1024 } satisfies Runs));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
