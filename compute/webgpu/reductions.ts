/** Sums over rows and largest magnitudes. */
import type { Device } from "./device.ts";
import { BYTES, eachOf, GROUP, type Kernel, THREADS } from "./kernel.ts";
import type { Memory } from "./memory.ts";

/** Rows that a thread adds up. */
const SEGMENT = 64;

type SumKernel = Kernel<"values" | "sums", "length" | "rows" | "columns">;

function sumKernel(element: "i8" | "i32" | "f32"): SumKernel {
	const type = element === "f32" ? "f32" : "i32";
	return eachOf({
		name: `sums of rows of ${element}`,
		bindings: { values: `read ${element === "i8" ? "u32" : type}`, sums: `read_write ${type}` },
		params: { rows: "u32", columns: "u32" },
		declarations: BYTES,
		body: `
	let segment = i / params.columns;
	let column = i % params.columns;
	let last = min(params.rows, (segment + 1u) * ${SEGMENT}u);
	var sum = ${type}(0);
	for (var row = segment * ${SEGMENT}u; row < last; row++) {
		let at = row * params.columns + column;
		sum += ${element === "i8" ? "signedByte(values[at >> 2u], at)" : "values[at]"};
	}
	sums[i] = sum;`,
	});
}

const SUMS = { i8: sumKernel("i8"), i32: sumKernel("i32"), f32: sumKernel("f32") };

/**
 * Records the sums of the columns, a segment of rows after the other, so that their order depends on the sizes alone.
 * @param sums - 1 x columns, i32 or f32
 */
export function sumRows(device: Device, element: "i8" | "i32" | "f32", values: Memory, rows: number, columns: number, sums: Memory): void {
	const segments = Math.max(1, Math.ceil(rows / SEGMENT));
	const partial = segments === 1 ? sums : device.allocate(4 * segments * columns);
	device.run(SUMS[element], { values, sums: partial }, { rows, columns, length: segments * columns });
	if (segments === 1) return;
	sumRows(device, element === "f32" ? "f32" : "i32", partial, segments, columns, sums);
	device.free(partial);
}

/** The largest |z|, as an unsigned number, of those that count: where the mask is above 0, or all. */
export const LARGEST: Kernel<"z" | "mask" | "largest", "count" | "masked"> = {
	name: "largest magnitude",
	bindings: { z: "read i32", mask: "read u32", largest: "read_write atomic<u32>" },
	params: { count: "u32", masked: "u32" },
	declarations: `${BYTES}\nvar<workgroup> own: atomic<u32>;`,
	body: `
	let first = 4u * (${GROUP} * ${THREADS}u + t);
	let last = min(params.count, first + 4u);
	var most = 0u;
	for (var i = first; i < last; i++) {
		let value = z[i];
		if (params.masked == 1u && signedByte(mask[i >> 2u], i) <= 0) { continue; }
		most = max(most, select(bitcast<u32>(value), 0u - bitcast<u32>(value), value < 0));
	}
	atomicMax(&own, most);
	workgroupBarrier();
	if (t == 0u) { atomicMax(&largest[0], atomicLoad(&own)); }`,
};
