import { describe, expect, test } from "vitest";
import { type Architecture, inputsOf, layerShapes } from "./architecture.ts";
import { patchesOf } from "./geometry.ts";
import { defaultShifts } from "./integer-network.ts";
import { refusal } from "./testing.ts";

const input = { height: 8, width: 6, channels: 2 };
const convolution = { kind: "convolution", channels: 4, kernel: 3, stride: 2, padding: 1 } as const;
const dense = (outputs: number) => ({ kind: "dense", outputs }) as const;

test("sizes follow from layer to layer", () => {
	const architecture: Architecture = { input, layers: [convolution, dense(5), dense(3)] };
	expect(inputsOf(architecture)).toBe(96);
	expect(layerShapes(architecture)).toEqual([
		{ geometry: { ...input, kernel: 3, stride: 2, padding: 1 }, inputs: 18, outputs: 4, features: 4 * 3 * 4 },
		{ geometry: undefined, inputs: 48, outputs: 5, features: 5 },
		{ geometry: undefined, inputs: 5, outputs: 3, features: 3 },
	]);
});

describe("refused", () => {
	const geometry = { ...input, kernel: 3, stride: 1, padding: 0 };
	const message = (kernel: number, stride: number, padding: number) =>
		`convolution: expected positive sizes and padding < kernel <= image, got 8 x 6 x 2, kernel ${kernel}, stride ${stride}, padding ${padding}`;

	test.each<[string, () => unknown, string]>([
		["no layers", () => layerShapes({ input, layers: [] }), "1 to 32 layers, the last one dense, got 8 x 6 x 2 and 0 layers ()"],
		["a convolution at the end", () => layerShapes({ input, layers: [convolution] }), "got 8 x 6 x 2 and 1 layers (convolution)"],
		[
			"a picture of no width",
			() => layerShapes({ input: { ...input, width: 0 }, layers: [dense(3)] }),
			"got 8 x 0 x 2 and 1 layers (dense)",
		],
		[
			"no outputs",
			() => layerShapes({ input, layers: [dense(4), dense(0)] }),
			"architecture: layer 1: expected outputs in [1, 1048576], got 0",
		],
		[
			"half an output",
			() => layerShapes({ input, layers: [dense(1.5)] }),
			"architecture: layer 0: expected outputs in [1, 1048576], got 1.5",
		],
		["a kernel larger than the picture", () => patchesOf({ ...geometry, kernel: 7 }), message(7, 1, 0)],
		["no stride", () => patchesOf({ ...geometry, stride: 0 }), message(3, 0, 0)],
		["patches of zeros alone", () => patchesOf({ ...geometry, padding: 3 }), message(3, 1, 3)],
	])("%s", async (_, action, text) => {
		const { code, message: got } = await refusal(action);
		expect([code, got]).toEqual(["PARAMETER_OUT_OF_RANGE", expect.stringContaining(text)]);
	});
});

test("shifts go with the square root of what is added up, rounded", () => {
	expect(defaultShifts({ input: { height: 28, width: 28, channels: 1 }, layers: [dense(128), dense(64), dense(10)] })).toEqual([10, 8, 8]);
	expect(defaultShifts({ input, layers: [convolution, dense(3)] })).toEqual([7, 8]);
});
