import type { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import type { Backend } from "../backend.ts";
import { below, generator } from "../random.ts";
import { refusal } from "../testing.ts";
import { openWasm } from "./backend.ts";
import { byteProduct } from "./byte-product.ts";
import { awaitTiles, makeTiles } from "./tiles.ts";

const next = generator(22n);
type Fill = (at: number) => number;
const FILLS: Readonly<Record<string, Fill>> = {
	random: () => below(next, 256),
	largest: () => 255,
	smallest: () => 0,
	alternating: (at) => 255 * (at % 2),
};
const bytes = (length: number, fill: Fill = FILLS.random as Fill) => Uint8Array.from({ length }, (_, at) => fill(at));

/** Every thread that this process starts, so that a test can end one. */
const workers: Worker[] = [];
process.on("worker", (worker) => workers.push(worker));

const opened: Backend[] = [];
function open(options: Parameters<typeof openWasm>[0]): Backend {
	const backend = openWasm(options);
	opened.push(backend);
	return backend;
}
afterEach(async () => {
	await Promise.all(opened.splice(0).map((backend) => backend.close()));
});

describe.each([2, 3])("products on %i threads are those of one", (threads) => {
	const shapes = [
		[128, 9, 1],
		[131, 40, 37],
		[300, 1, 70],
		[700, 33, 64],
	] as const;
	const turns = [{}, { left: true }, { right: true }, { left: true, right: true }];
	const sizes = (rows: number, columns: number, turned = false) => (turned ? ([columns, rows] as const) : ([rows, columns] as const));

	test.each(Object.entries(FILLS))("bytes that are %s", async (_, fill) => {
		const [one, many] = [open({ threads: 1 }), open({ threads, shareFrom: 0 })];
		for (const [rows, inner, columns] of shapes) {
			const [left, right] = [bytes(rows * inner, fill), Int8Array.from(bytes(inner * columns, fill), (value) => value - 128)];
			for (const turn of turns) {
				// One after the other in the same turn of the event loop, as kernels of a network are.
				const results = [one, many, many].map((backend) => {
					const [a, b] = [
						backend.upload("u8", left, ...sizes(rows, inner, turn.left)),
						backend.upload("i8", right, ...sizes(inner, columns, turn.right)),
					];
					return backend.download(backend.integers.product(a, b, turn));
				});
				const [expected, ...others] = await Promise.all(results);
				for (const other of others) expect(other).toEqual(expected);
			}
		}
	});

	test("floats, to the last bit", async () => {
		const [one, many] = [open({ threads: 1 }), open({ threads, shareFrom: 0 })];
		for (const [rows, inner, columns] of [...shapes, [130, 1100, 20]] as const) {
			const [left, right] = [rows * inner, inner * columns].map((length) => Float32Array.from({ length }, () => next() / 2 ** 31 - 1));
			for (const turn of turns) {
				const [expected, other] = await Promise.all(
					[one, many].map((backend) => {
						const a = backend.upload("f32", left as Float32Array, ...sizes(rows, inner, turn.left));
						const b = backend.upload("f32", right as Float32Array, ...sizes(inner, columns, turn.right));
						return backend.download(backend.floats.product(a, b, turn));
					}),
				);
				expect(other).toEqual(expected);
			}
		}
	});

	test("whatever becomes of the threads", async () => {
		const [one, many] = [open({ threads: 1 }), open({ threads, shareFrom: 0 })];
		const [left, right] = [bytes(400 * 30), bytes(30 * 50)];
		const product = (backend: Backend) =>
			backend.download(backend.integers.product(backend.upload("u8", left, 400, 30), backend.upload("u8", right, 30, 50)));
		const expected = await product(one);
		const before = workers.length;
		expect(await product(many)).toEqual(expected);
		const ends = workers.slice(before).map((worker) => worker.terminate());
		expect(await product(many)).toEqual(expected);
		await Promise.all(ends);
		expect(await product(many)).toEqual(expected);
		const end = many.close();
		expect((await refusal(() => product(many))).code).toBe("BACKEND_CLOSED");
		await end;
	});
});

describe("a tile that a thread claimed", () => {
	const shape = { rows: 8, inner: 3, columns: 5 };
	const [left, right] = [bytes(24), bytes(15)];
	const shared = () => ({
		...{ kind: "bytes" as const, shape, transposed: {}, left, right, result: new Int32Array(40) },
		tiles: new Int32Array(new SharedArrayBuffer(4 * 4)),
	});

	test("and does not finish is made by the caller, who says so", () => {
		const product = shared();
		product.tiles[2] = 1;
		makeTiles(product);
		expect(product.result.subarray(20, 30).every((sum) => sum === 0)).toBe(true);
		expect(awaitTiles(product, 20)).toBe(false);
		expect(product.result).toEqual(byteProduct(left, right, shape, {}));
		expect(awaitTiles(product, 20)).toBe(true);
	});

	test("and gave back is made by the caller", () => {
		const product = shared();
		expect(awaitTiles(product, 20)).toBe(true);
		expect(product.result).toEqual(byteProduct(left, right, shape, {}));
	});

	test("and fails is given back", () => {
		const product = { ...shared(), transposed: undefined as never };
		expect(() => makeTiles(product)).toThrow(TypeError);
		expect([...product.tiles]).toEqual([0, 0, 0, 0]);
	});
});
