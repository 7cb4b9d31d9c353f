/**
 * The process of a prover that bench/prover.ts measures: `prover-process.ts PROVER ZKEY WTNS PROOFS`. Prints what the proofs took as JSON.
 *
 * The first proof is cold: it includes loading the engine, starting threads and reading the key.
 */
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { LoadedKey } from "../prover/engine/key.ts";

/** What the process prints. */
export interface ProverRuns {
	/** of each proof */
	readonly cpuSeconds: readonly number[];
	readonly wallSeconds: readonly number[];
	readonly peakMB: number;
}

export type ProverName = "engine" | "snarkjs";

type Prove = (zkey: string, witness: string) => Promise<unknown>;

const PROVERS: Record<ProverName, () => Promise<{ prove: Prove; close(): Promise<void> }>> = {
	/** The key is loaded once, as the pool does. */
	async engine() {
		const { Helpers } = await import("../prover/engine/helpers.ts");
		const helpers = availableParallelism() > 1 ? new Helpers(availableParallelism() - 1) : undefined;
		helpers?.start();
		const [{ prove }, { loadKey }] = await Promise.all([import("../prover/engine/groth16.ts"), import("../prover/engine/key.ts")]);
		const options = helpers ? { helpers } : {};
		let key: LoadedKey | undefined;
		return {
			prove: async (zkey, witness) => {
				key ??= await loadKey(zkey, options);
				return prove(key, witness, options);
			},
			close: async () => helpers?.close(),
		};
	},
	async snarkjs() {
		const { loadFfjavascript } = await import("../prover/engine.ts");
		const { buildBn128 } = await loadFfjavascript();
		const { groth16 } = await import("snarkjs");
		const curve = await buildBn128(false);
		return { prove: (zkey, witness) => groth16.prove(zkey, witness), close: () => curve.terminate() };
	},
};

async function prover(name: ProverName, zkey: string, witness: string, proofs: number): Promise<ProverRuns> {
	const cpuSeconds: number[] = [];
	const wallSeconds: number[] = [];
	let opened: { prove: Prove; close(): Promise<void> } | undefined;
	for (let i = 0; i < proofs; i++) {
		const [wall, cpu] = [performance.now(), process.cpuUsage()];
		opened ??= await PROVERS[name]();
		await opened.prove(zkey, witness);
		const { user, system } = process.cpuUsage(cpu);
		cpuSeconds.push((user + system) / 1e6);
		wallSeconds.push((performance.now() - wall) / 1000);
	}
	await opened?.close();
	return { cpuSeconds, wallSeconds, peakMB: process.resourceUsage().maxRSS / 1024 };
}

async function main([name, zkey, witness, proofs]: readonly string[]): Promise<void> {
	const files = [zkey as string, witness as string, Number(proofs)] as const;
	// The file is in the system's cache for every prover.
	await readFile(zkey as string);
	console.log(JSON.stringify(await prover(name as ProverName, ...files)));
}

await main(process.argv.slice(2));
