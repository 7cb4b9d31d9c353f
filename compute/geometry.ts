/** Images as rows, and the patches that a convolution looks at. */
import { DataError } from "./errors.ts";
import { checkShape, type Tensor } from "./tensor.ts";

/** A convolution: a square kernel over images of height x width x channels, stored in that order (channels fastest). */
export interface Geometry {
	readonly height: number;
	readonly width: number;
	readonly channels: number;
	/** Side of the kernel. */
	readonly kernel: number;
	/** Steps between neighbouring patches. */
	readonly stride: number;
	/** Zeros around the image. */
	readonly padding: number;
}

/** What a convolution gives: a patch for each place, outHeight x outWidth of them, of kernel x kernel x channels values each. */
export interface Patches {
	readonly outHeight: number;
	readonly outWidth: number;
	readonly places: number;
	readonly values: number;
}

/**
 * Sizes of the patches.
 * @throws {DataError} PARAMETER_OUT_OF_RANGE if a size is no positive integer (padding: at least 0), the padding is not below the kernel,
 *   or the kernel is larger than the padded image
 */
export function patchesOf({ height, width, channels, kernel, stride, padding }: Geometry): Patches {
	const sizes = [height, width, channels, kernel, stride, padding + 1];
	const fits = kernel <= Math.min(height, width) + 2 * padding && padding < kernel;
	if (!sizes.every((size) => Number.isInteger(size) && size > 0) || !fits) {
		throw new DataError(
			"PARAMETER_OUT_OF_RANGE",
			`convolution: expected positive sizes and padding < kernel <= image, got ${height} x ${width} x ${channels}, kernel ${kernel}, stride ${stride}, padding ${padding}`,
			"Choose a smaller kernel or a larger image.",
		);
	}
	const along = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
	const [outHeight, outWidth] = [along(height), along(width)];
	return { outHeight, outWidth, places: outHeight * outWidth, values: kernel * kernel * channels };
}

/** Shape of the images of patches. @throws {DataError} SHAPE_MISMATCH */
export function imagesOf(patches: Tensor, geometry: Geometry): { rows: number; columns: number } {
	const { places, values } = patchesOf(geometry);
	const rows = Math.floor(patches.rows / places);
	checkShape("unpatches", patches, { rows: rows * places, columns: values });
	return { rows, columns: geometry.height * geometry.width * geometry.channels };
}
