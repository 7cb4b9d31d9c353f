import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileCircuit } from "../compile.ts";
import { setupDevelopment } from "../setup.ts";
import { toyCircuit } from "../toy.ts";
import { defaultMemory, type KeySize, predictMemory, readKeySize } from "./memory.ts";

let root: string;
let path: string;
let size: KeySize;

beforeAll(async () => {
	root = await mkdtemp(join(tmpdir(), "openledger-memory-"));
	const circuit = await compileCircuit(toyCircuit(5), { root });
	path = (await setupDevelopment(circuit, { root })).path;
	const { wires, nPrivateInputs, nonLinear, linear, nPublic } = circuit.counts;
	size = { wires, committed: nPrivateInputs, domain: 2 ** Math.ceil(Math.log2(nonLinear + linear + nPublic + 1)) };
});
afterAll(async () => {
	await rm(root, { recursive: true, force: true });
});

const code = (expected: string): unknown => expect.objectContaining({ code: expected });

describe("readKeySize", () => {
	it("reads the circuit's sizes from a file and from bytes", async () => {
		expect(await readKeySize(path)).toEqual(size);
		expect(await readKeySize(await readFile(path))).toEqual(size);
	});

	it("names what is no key of this curve", async () => {
		const bytes = await readFile(path);
		await expect(readKeySize(join(root, "none.zkey"))).rejects.toEqual(code("key.missing"));
		await expect(readKeySize(bytes.subarray(0, bytes.length - 1))).rejects.toEqual(code("key.truncated"));
		await writeFile(join(root, "empty.zkey"), "");
		await expect(readKeySize(join(root, "empty.zkey"))).rejects.toEqual(code("key.truncated"));
		const other = Buffer.from(bytes);
		// The field of the curve, in the header, which follows a section of 4 bytes.
		const at = other.indexOf(Buffer.from([32, 0, 0, 0])) + 4;
		other.writeUInt8(other.readUInt8(at) ^ 1, at);
		await expect(readKeySize(other)).rejects.toEqual(code("key.format"));
	});
});

describe("predictMemory", () => {
	it("grows with every size, with threads, and with the witness", () => {
		const base = predictMemory(size, 1, true);
		for (const name of ["wires", "domain", "committed"] as const) {
			expect(predictMemory({ ...size, [name]: 2 * size[name] }, 1, true)).toBeGreaterThan(base);
		}
		expect(predictMemory(size, 2, true)).toBeGreaterThan(base);
		expect(predictMemory(size, 1, false)).toBeLessThan(base);
	});

	it("does not charge a plain proof for committed inputs", () => {
		expect(predictMemory({ ...size, committed: 1e6 }, 1, false)).toBe(predictMemory(size, 1, false));
	});
});

describe("defaultMemory", () => {
	it("leaves a part of the machine to others", () => {
		expect(defaultMemory()).toBeGreaterThan(100e6);
		expect(defaultMemory()).toBeLessThan(0.8 * (process.constrainedMemory() || Number.POSITIVE_INFINITY));
	});
});
