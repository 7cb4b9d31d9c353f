/** The exact kernels between products, in WGSL: see reference/integers.ts for what they mean. */
import { VELOCITY_BOUND } from "../backend.ts";
import { LOGIT_BOUND } from "../reference/integers.ts";
import { BYTES, eachOf, type Kernel } from "./kernel.ts";

/** `roundShift(x, shift)`: x / 2^shift, rounded half up; 0 for shifts from 32 on. */
const ROUND_SHIFT = /* wgsl */ `
fn roundShift(x: i32, shift: u32) -> i32 {
	if (shift == 0u) { return x; }
	if (shift > 31u) { return 0; }
	return (x >> shift) + ((x >> (shift - 1u)) & 1);
}`;

/** `requantised(i)`: clamp((z + bias) / 2^shift). */
const REQUANTISED = /* wgsl */ `${ROUND_SHIFT}
fn requantised(i: u32) -> i32 {
	var sum = z[i];
	if (params.biased == 1u) { sum += bias[i % params.columns]; }
	return clamp(roundShift(sum, params.shift), params.low, params.high);
}`;
const REQUANTISE = {
	bindings: { z: "read i32", bias: "read i32" },
	params: { biased: "u32", columns: "u32", shift: "u32", low: "i32", high: "i32" },
} as const;

export const REQUANTISE_WORDS: Kernel<"z" | "bias" | "result", "length" | keyof typeof REQUANTISE.params> = eachOf({
	name: "requantise to words",
	bindings: { ...REQUANTISE.bindings, result: "read_write i32" },
	params: REQUANTISE.params,
	declarations: REQUANTISED,
	body: "result[i] = requantised(i);",
});

/** Four values a thread; what a word holds beyond the last one is of no account. */
export const REQUANTISE_BYTES: Kernel<"z" | "bias" | "result", "length" | keyof typeof REQUANTISE.params> = eachOf({
	name: "requantise to bytes",
	bindings: { ...REQUANTISE.bindings, result: "read_write u32" },
	params: REQUANTISE.params,
	declarations: BYTES + REQUANTISED,
	body: "result[i] = packBytes(vec4<i32>(requantised(4u * i), requantised(4u * i + 1u), requantised(4u * i + 2u), requantised(4u * i + 3u)));",
});

/** For each row the largest logit and the sum of its weights. Logits were requantised. */
export const SOFTMAX_ROWS: Kernel<"z" | "exponentials" | "rows", "length" | "columns"> = eachOf({
	name: "softmax of integers, rows",
	bindings: { z: "read i32", exponentials: "read i32", rows: "read_write vec2<u32>" },
	params: { columns: "u32" },
	body: /* wgsl */ `
	var largest = ${-LOGIT_BOUND};
	for (var c = 0u; c < params.columns; c++) { largest = max(largest, z[i * params.columns + c]); }
	var total = 0;
	for (var c = 0u; c < params.columns; c++) { total += exponentials[min(255, largest - z[i * params.columns + c])]; }
	rows[i] = vec2<u32>(bitcast<u32>(largest), bitcast<u32>(total));`,
});

export const SOFTMAX_ERRORS: Kernel<"z" | "exponentials" | "rows" | "labels" | "errors", "length" | "columns" | "count"> = eachOf({
	name: "softmax of integers, errors",
	bindings: { z: "read i32", exponentials: "read i32", rows: "read vec2<u32>", labels: "read u32", errors: "read_write u32" },
	params: { columns: "u32", count: "u32" },
	declarations: /* wgsl */ `${BYTES}
fn errorOf(at: u32) -> i32 {
	if (at >= params.count) { return 0; }
	let row = at / params.columns;
	let column = at % params.columns;
	let total = rows[row].y;
	let weight = u32(exponentials[min(255, bitcast<i32>(rows[row].x) - z[at])]);
	let share = i32((127u * weight + (total >> 1u)) / total);
	return share - select(0, 127, unsignedByte(labels[row >> 2u], row) == i32(column));
}`,
	body: "errors[i] = packBytes(vec4<i32>(errorOf(4u * i), errorOf(4u * i + 1u), errorOf(4u * i + 2u), errorOf(4u * i + 3u)));",
});

/** Divides by the power of two that brings the largest magnitude to 127. */
export const NORMALISE: Kernel<"z" | "mask" | "largest" | "result" | "exponents", "length" | "masked"> = eachOf({
	name: "normalise",
	bindings: { z: "read i32", mask: "read u32", largest: "read u32", result: "read_write u32", exponents: "read_write i32" },
	params: { masked: "u32" },
	declarations: /* wgsl */ `${BYTES}${ROUND_SHIFT}
fn normalised(at: u32, exponent: u32) -> i32 {
	if (params.masked == 1u && signedByte(mask[at >> 2u], at) <= 0) { return 0; }
	return clamp(roundShift(z[at], exponent), -127, 127);
}`,
	body: /* wgsl */ `
	let exponent = u32(max(0, 25 - i32(countLeadingZeros(largest[0]))));
	if (i == 0u) { exponents[0] = i32(exponent); }
	let at = 4u * i;
	result[i] = packBytes(vec4<i32>(
		normalised(at, exponent), normalised(at + 1u, exponent), normalised(at + 2u, exponent), normalised(at + 3u, exponent),
	));`,
});

/** Sums stay within 32 bits: what would leave them is beyond the bound that follows anyway. */
export const INTEGER_STEP: Kernel<"master" | "velocity" | "gradient" | "exponents", "length" | "rate" | "momentum" | "bound" | "factors"> =
	eachOf({
		name: "step of integers",
		bindings: { master: "read_write i32", velocity: "read_write i32", gradient: "read i32", exponents: "read i32" },
		params: { rate: "i32", momentum: "u32", bound: "i32", factors: "u32" },
		declarations: /* wgsl */ `${ROUND_SHIFT}
const BOUND = ${VELOCITY_BOUND};
fn scaled(x: i32, shift: i32) -> i32 {
	if (shift >= 0) { return clamp(roundShift(x, u32(shift)), -BOUND, BOUND); }
	let left = u32(min(-shift, 27));
	// The largest magnitude that stays in the bound; none but 0 does from 2^27 on.
	let most = BOUND >> left;
	if (x > most) { return BOUND; }
	if (x < -most) { return -BOUND; }
	return x << left;
}`,
		body: /* wgsl */ `
	var shift = params.rate;
	for (var factor = 0u; factor < params.factors; factor++) { shift -= exponents[factor]; }
	let v = velocity[i];
	let kept = clamp(v - roundShift(v, params.momentum), -2 * BOUND, 2 * BOUND);
	let moved = clamp(kept + scaled(gradient[i], shift), -BOUND, BOUND);
	velocity[i] = moved;
	let reach = params.bound + BOUND;
	master[i] = clamp(clamp(master[i], -reach, reach) - moved, -params.bound, params.bound);`,
	});
