import { afterEach, describe, expect, it, vi } from "vitest";
import { pair } from "../../webassembly/emitter.ts";
import { inverse, Q, R } from "../bn254.ts";
import { PAIR_BYTES } from "./field.ts";
import { collectGarbage } from "./garbage.ts";
import { buildKernels, buildTangents } from "./kernels.ts";
import { allocateMemory, Machine } from "./machine.ts";

afterEach(() => {
	vi.restoreAllMocks();
});

type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Makes the first `count` instances give wrong products modulo q. */
function breakInstances(count: number): void {
	let instances = 0;
	class Broken extends WebAssembly.Instance {
		readonly #isBroken = instances++ < count;
		readonly #memory: WebAssembly.Memory;

		constructor(module: WebAssembly.Module, imports: Imports) {
			super(module, imports);
			this.#memory = imports.env?.memory as WebAssembly.Memory;
		}

		override get exports(): Readonly<Record<string, unknown>> {
			const kernels = super.exports as Record<string, (...operands: number[]) => number>;
			if (!this.#isBroken) return kernels;
			const wrong = (out: number, x: number, y: number, pairs: number): number => {
				kernels.fq_multiply?.(out, x, y, pairs);
				const view = new Float64Array(this.#memory.buffer, out, 1);
				view[0] = (view[0] as number) + 1;
				return 0;
			};
			return { ...kernels, fq_multiply: wrong };
		}
	}
	vi.spyOn(WebAssembly, "Instance").mockImplementation(Broken);
}

describe("Machine.open", () => {
	it("takes the fast arithmetic where it is right", async () => {
		const fastest = await Machine.open("fma").then(
			() => "fma",
			() => "plain",
		);
		expect((await Machine.open()).program.arithmetic).toBe(fastest);
	});

	it("takes the plain one where the engine does not know the instruction", async () => {
		vi.spyOn(WebAssembly, "validate").mockReturnValue(false);
		expect((await Machine.open()).program.arithmetic).toBe("plain");
	});

	it("has a plain one without the instruction", () => {
		const madd = vi.spyOn(pair, "fRelaxedMadd");
		buildTangents(false, buildKernels(false).constants);
		expect(madd).not.toHaveBeenCalled();
		buildKernels(true);
		expect(madd).toHaveBeenCalled();
	});

	it("takes the plain one where known answers come out wrong", async () => {
		breakInstances(1);
		expect((await Machine.open()).program.arithmetic).toBe("plain");
	});

	it("refuses to work when both are wrong", async () => {
		breakInstances(2);
		await expect(Machine.open()).rejects.toMatchObject({ code: "engine.failed" });
	});

	it("refuses to work when the one that was asked for is wrong", async () => {
		breakInstances(1);
		await expect(Machine.open("fma")).rejects.toMatchObject({ code: "engine.failed" });
	});
});

describe.each(["fma", "plain"] as const)("a machine with %s arithmetic", (arithmetic) => {
	it("keeps elements", async () => {
		const machine = await Machine.open(arithmetic);
		const place = machine.alloc(PAIR_BYTES);
		for (const value of [0n, 1n, R - 1n, R >> 1n, 2n ** 200n]) {
			machine.putPair(place, value, R - 1n - value, R);
			expect(machine.pair(place, R)).toEqual([value, R - 1n - value]);
		}
		machine.putSingle(place, Q - 1n, Q);
		machine.putSingle(place + 40, 5n, Q);
		expect(machine.coordinates(place)).toEqual([Q - 1n, 5n]);
	});

	it("inverts, and gives zero for zero", async () => {
		const machine = await Machine.open(arithmetic);
		const place = machine.alloc(PAIR_BYTES);
		for (const value of [1n, 2n, Q - 1n, Q >> 1n, 3n ** 150n % Q]) {
			machine.putPair(place, value, 0n, Q);
			machine.invertPair(place, place);
			expect(machine.pair(place, Q)).toEqual([inverse(value, Q), 0n]);
		}
	});

	it("hands memory out as a stack and grows", async () => {
		const machine = await Machine.open(arithmetic);
		const mark = machine.mark();
		const first = machine.alloc(1);
		const second = machine.alloc(300_000);
		expect([first % 64, second % 64]).toEqual([0, 0]);
		expect(second).toBeGreaterThan(first);
		expect(machine.bytes.length).toBeGreaterThanOrEqual(second + 300_000);
		machine.release(mark);
		expect(machine.alloc(1)).toBe(first);
	});

	it("names what is wrong when memory runs out, and goes on", async () => {
		const { program } = await Machine.open(arithmetic);
		const machine = Machine.of(program, 2);
		const mark = machine.mark();
		expect(() => machine.alloc(3 * 65536)).toThrow(
			expect.objectContaining({ code: "engine.memory", hint: expect.stringContaining("fewer threads") }),
		);
		expect(machine.mark()).toBe(mark);
		expect(machine.alloc(65536)).toBe(mark);
		expect(() => machine.alloc(2 ** 33)).toThrow(expect.objectContaining({ code: "engine.memory" }));
	});
});

describe("a machine that is given back", () => {
	it("is taken again while it is small, in the arithmetic that is asked for", async () => {
		const machine = await Machine.take();
		machine.alloc(100_000);
		machine.giveBack();
		const again = await Machine.take();
		expect(again).toBe(machine);
		expect(again.mark()).toBe(again.program.heap);
		expect(await Machine.take()).not.toBe(again);
		again.giveBack();
		const { program } = await Machine.open("plain");
		expect((await Machine.take(program)).program.arithmetic).toBe("plain");
	});

	it("loses its memory when that is large", async () => {
		const large = async (): Promise<WeakRef<WebAssembly.Memory>> => {
			const machine = await Machine.take();
			machine.alloc(2 ** 28 + 1);
			machine.giveBack();
			return new WeakRef(machine.memory);
		};
		const memory = await large();
		// A compilation in the background holds what it is about until it ends, which a busy machine delays: then a later collection frees it.
		for (let turn = 0; turn < 500 && memory.deref() !== undefined; turn++) {
			await collectGarbage();
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
		expect(memory.deref()).toBeUndefined();
	});
});

describe("allocateMemory", () => {
	it("names what is wrong when the system refuses", () => {
		class Refused {
			constructor() {
				throw new RangeError("could not allocate memory");
			}
		}
		vi.spyOn(WebAssembly, "Memory").mockImplementation(Refused as never);
		expect(() => allocateMemory(1, 1)).toThrow(expect.objectContaining({ code: "engine.memory" }));
	});

	it("refuses more than 4 GB", () => {
		expect(() => allocateMemory(65537, 65537)).toThrow(expect.objectContaining({ code: "engine.memory" }));
	});
});
