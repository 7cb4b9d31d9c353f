/** Rows of tensors by number. */
import { checkRow, type Element, isByte, type Tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { BYTES, bytesOf, eachOf, type Kernel } from "./kernel.ts";
import type { Tensors } from "./tensors.ts";

type GatherKernel = Kernel<"values" | "rows" | "result", "length" | "columns" | "count">;

const GATHER_WORDS: GatherKernel = eachOf({
	name: "rows by number, of words",
	bindings: { values: "read u32", rows: "read u32", result: "read_write u32" },
	params: { columns: "u32", count: "u32" },
	body: "result[i] = values[rows[i / params.columns] * params.columns + i % params.columns];",
});

const GATHER_BYTES: GatherKernel = eachOf({
	name: "rows by number, of bytes",
	bindings: { values: "read u32", rows: "read u32", result: "read_write u32" },
	params: { columns: "u32", count: "u32" },
	declarations: BYTES,
	body: /* wgsl */ `
	var bytes = vec4<i32>();
	for (var b = 0u; b < 4u; b++) {
		let at = 4u * i + b;
		if (at >= params.count) { break; }
		let source = rows[at / params.columns] * params.columns + at % params.columns;
		bytes[b] = unsignedByte(values[source >> 2u], source);
	}
	result[i] = packBytes(bytes);`,
});

/** See `Backend.gather`. */
export function gather<E extends Element>(device: Device, tensors: Tensors, from: Tensor<E>, rows: Uint32Array): Tensor<E> {
	const values = tensors.memoryOf(from);
	for (const row of rows) checkRow(row, from);
	const { element, columns } = from;
	const { tensor, memory: result } = tensors.create(element, rows.length, columns);
	const numbers = device.upload(bytesOf(rows));
	const count = rows.length * columns;
	if (isByte(element) && columns % 4 !== 0) {
		device.run(GATHER_BYTES, { values, rows: numbers, result }, { columns, count, length: Math.ceil(count / 4) });
	} else {
		const perWord = isByte(element) ? 4 : 1;
		device.run(GATHER_WORDS, { values, rows: numbers, result }, { columns: columns / perWord, count, length: count / perWord });
	}
	device.free(numbers);
	return tensor;
}
