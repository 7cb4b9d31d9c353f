import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadedBytes } from "../engine/key.ts";
import { CHAIN_INPUTS, chainWitness, makeChain, makePlainKey } from "./chain.ts";
import { predictMemory, readKeySize } from "./memory.ts";

let root: string;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-peak-"));
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

/** How far a peak may be above the prediction, and the prediction above the peak: garbage is collected when V8 likes. */
const [ABOVE, BELOW] = [1.2, 2.2];

/** What a fresh process takes for three jobs, one after the other, above what it took before them: bytes. */
async function peak(call: string): Promise<number> {
	const script = `
		import { ProverPool } from ${JSON.stringify(new URL("./pool.ts", import.meta.url).href)};
		const pool = new ProverPool({ workers: 1 });
		const before = process.resourceUsage().maxRSS;
		for (let i = 0; i < 3; i++) await pool.${call};
		console.log(process.resourceUsage().maxRSS - before);
	`;
	const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
	return Number(stdout) * 1024;
}

describe("predictMemory", () => {
	it.each([10, 14, 16])("is near the peaks of proofs of 2^%i wires", async (log) => {
		const { circuit, key } = await makeChain(log, { root });
		const files = { zkey: (await makePlainKey(log, { root })).zkey, wtns: join(root, `${log}.wtns`) };
		await writeFile(files.wtns, await chainWitness(circuit));
		const inputs = `{ start: ${CHAIN_INPUTS.start}n }`;
		const statement = `circuit: ${JSON.stringify(circuit)}, key: ${JSON.stringify(key)}, inputs: ${inputs}, context: "0x${"00".repeat(32)}", words: []`;
		const size = await readKeySize(key.path);
		for (const threads of [1, 2]) {
			for (const isStatement of [false, true]) {
				const call = isStatement
					? `prove({ ${statement}, threads: ${threads} })`
					: `groth16({ ...${JSON.stringify(files)}, threads: ${threads} })`;
				const measured = (await peak(call)) - (await loadedBytes(key.path));
				const predicted = predictMemory(size, threads, isStatement);
				const what = `${isStatement ? "statement" : "plain"}, ${threads} threads: peak ${measured}, predicted ${predicted}`;
				expect(measured, what).toBeLessThan(ABOVE * predicted);
				expect(predicted, what).toBeLessThan(BELOW * measured);
			}
		}
	});
});
