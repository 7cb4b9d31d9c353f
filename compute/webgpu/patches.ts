/** Patches of images, and images of patches. */
import { type Geometry, imagesOf, patchesOf } from "../geometry.ts";
import { type Byte, checkShape, isByte, type Tensor } from "../tensor.ts";
import type { Device } from "./device.ts";
import { BYTES, eachOf, type Kernel } from "./kernel.ts";
import type { Tensors } from "./tensors.ts";

const GEOMETRY = {
	height: "u32",
	width: "u32",
	channels: "u32",
	kernel: "u32",
	stride: "u32",
	padding: "u32",
	outHeight: "u32",
	outWidth: "u32",
} as const;

/** `sourceOf(at)`: where in the images value `at` of the patches comes from; NOWHERE for the zeros around them. */
const SOURCE = /* wgsl */ `
const NOWHERE = 0xffffffffu;
fn sourceOf(at: u32) -> u32 {
	let channel = at % params.channels;
	let tap = (at / params.channels) % (params.kernel * params.kernel);
	let patchNumber = at / (params.channels * params.kernel * params.kernel);
	let place = patchNumber % (params.outHeight * params.outWidth);
	let image = patchNumber / (params.outHeight * params.outWidth);
	// Below 0 is above any size, without sign.
	let y = (place / params.outWidth) * params.stride + tap / params.kernel - params.padding;
	let x = (place % params.outWidth) * params.stride + tap % params.kernel - params.padding;
	if (y >= params.height || x >= params.width) { return NOWHERE; }
	return ((image * params.height + y) * params.width + x) * params.channels + channel;
}`;

type PatchKernel = Kernel<"images" | "patches", "length" | "count" | keyof typeof GEOMETRY>;

const PATCHES_OF_WORDS: PatchKernel = eachOf({
	name: "patches of words",
	bindings: { images: "read u32", patches: "read_write u32" },
	params: { ...GEOMETRY, count: "u32" },
	declarations: SOURCE,
	body: /* wgsl */ `
	let source = sourceOf(i);
	if (source == NOWHERE) { patches[i] = 0u; } else { patches[i] = images[source]; }`,
});

const PATCHES_OF_BYTES: PatchKernel = eachOf({
	name: "patches of bytes",
	bindings: { images: "read u32", patches: "read_write u32" },
	params: { ...GEOMETRY, count: "u32" },
	declarations: BYTES + SOURCE,
	body: /* wgsl */ `
	var values = vec4<i32>();
	for (var b = 0u; b < 4u; b++) {
		let at = 4u * i + b;
		if (at >= params.count) { break; }
		let source = sourceOf(at);
		if (source != NOWHERE) { values[b] = unsignedByte(images[source >> 2u], source); }
	}
	patches[i] = packBytes(values);`,
});

/** Each value of an image adds up what its copies in the patches hold. */
function unpatchKernel(type: "i32" | "f32"): Kernel<"patches" | "images", "length" | keyof typeof GEOMETRY> {
	return eachOf({
		name: `images of patches of ${type}`,
		bindings: { patches: `read ${type}`, images: `read_write ${type}` },
		params: GEOMETRY,
		body: /* wgsl */ `
	let channel = i % params.channels;
	let x = (i / params.channels) % params.width + params.padding;
	let y = (i / (params.channels * params.width)) % params.height + params.padding;
	let image = i / (params.channels * params.width * params.height);
	var sum = ${type}(0);
	for (var ky = 0u; ky < params.kernel; ky++) {
		let row = (y - ky) / params.stride;
		if (ky > y || (y - ky) % params.stride != 0u || row >= params.outHeight) { continue; }
		for (var kx = 0u; kx < params.kernel; kx++) {
			let column = (x - kx) / params.stride;
			if (kx > x || (x - kx) % params.stride != 0u || column >= params.outWidth) { continue; }
			let place = (image * params.outHeight + row) * params.outWidth + column;
			sum += patches[((place * params.kernel + ky) * params.kernel + kx) * params.channels + channel];
		}
	}
	images[i] = sum;`,
	});
}

const UNPATCHES = { i32: unpatchKernel("i32"), f32: unpatchKernel("f32") };

/** Patches and images of all elements. */
export interface PatchKernels {
	patches<E extends Byte | "f32">(images: Tensor<E>, geometry: Geometry): Tensor<E>;
	unpatches<E extends "i32" | "f32">(patches: Tensor<E>, geometry: Geometry): Tensor<E>;
}

export function patchKernels(device: Device, tensors: Tensors): PatchKernels {
	return {
		patches(images, geometry) {
			const { places, values, outHeight, outWidth } = patchesOf(geometry);
			checkShape("patches", images, { columns: geometry.height * geometry.width * geometry.channels });
			const given = tensors.memoryOf(images);
			const { tensor, memory } = tensors.create(images.element, images.rows * places, values);
			const count = tensor.rows * tensor.columns;
			const [kernel, length] = isByte(images.element) ? [PATCHES_OF_BYTES, Math.ceil(count / 4)] : [PATCHES_OF_WORDS, count];
			device.run(kernel, { images: given, patches: memory }, { ...geometry, outHeight, outWidth, count, length });
			return tensor;
		},
		unpatches(patches, geometry) {
			const { rows, columns } = imagesOf(patches, geometry);
			const { outHeight, outWidth } = patchesOf(geometry);
			const given = tensors.memoryOf(patches);
			const { tensor, memory } = tensors.create(patches.element, rows, columns);
			device.run(
				UNPATCHES[patches.element],
				{ patches: given, images: memory },
				{ ...geometry, outHeight, outWidth, length: rows * columns },
			);
			return tensor;
		},
	};
}
