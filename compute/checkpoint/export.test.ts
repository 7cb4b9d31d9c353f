import { afterAll, expect, test } from "vitest";
import { layerShapes } from "../architecture.ts";
import { type IntegerLayer, integerForward, layerOf } from "../integer-network.ts";
import { openReference } from "../reference/backend.ts";
import { refusal } from "../testing.ts";
import { floatManifest, integerManifest } from "../training/defaults.ts";
import { beginTraining, trainSegment } from "../training/segment.ts";
import { CONVOLUTIONAL, pictures } from "../training/testing.ts";
import { exportNetwork } from "./export.ts";

const backend = openReference();
afterAll(() => backend.close());
const data = pictures(21);

test("the exported network is the one that was trained", async () => {
	const manifest = integerManifest({ architecture: CONVOLUTIONAL, data, seed: 1n, batch: 8, rate: 50 });
	const checkpoint = await trainSegment({ checkpoint: await beginTraining(manifest, data, backend), data, to: 9, backend });
	const { architecture, layers } = exportNetwork(checkpoint);
	expect(architecture).toEqual(manifest.architecture);
	const shapes = layerShapes(architecture);
	const exported = layers.map(({ weights, bias }, l): IntegerLayer => {
		const shape = shapes[l] as (typeof shapes)[0];
		return {
			shape,
			weights: backend.upload("i8", weights, shape.inputs, shape.outputs),
			bias: backend.upload("i32", bias, 1, shape.outputs),
			shift: architecture.shifts[l] as number,
		};
	});
	const master = (name: string) => {
		const { values, rows, columns } = checkpoint.state.find((tensor) => tensor.name === name) as (typeof checkpoint.state)[0];
		return backend.upload("i32", values as Int32Array, rows, columns);
	};
	const trained = shapes.map((shape, l) => {
		const masters = { weights: master(`layers.${l}.weights`), bias: master(`layers.${l}.bias`) };
		return layerOf(backend, masters, shape, architecture.shifts[l] as number);
	});
	for (const l of shapes.keys()) {
		expect(await backend.download((exported[l] as IntegerLayer).bias)).toEqual(await backend.download((trained[l] as IntegerLayer).bias));
	}
	const x = backend.upload("u8", data.train.x as Uint8Array, 21, 30);
	const [one, other] = [exported, trained].map((network) => integerForward(backend, network, x).at(-1)?.sums);
	expect(await backend.download(one!)).toEqual(await backend.download(other!));
	// At this rate some weights are at the end of their range.
	expect(Math.max(...layers.flatMap(({ weights }) => Array.from(weights, Math.abs)))).toBe(127);
});

test("a run of floats is refused", async () => {
	const manifest = floatManifest({ architecture: CONVOLUTIONAL, data, seed: 1n, rule: { kind: "sgd", rate: 0.1, weightDecay: 0 } });
	const checkpoint = await beginTraining(manifest, data, backend);
	expect(await refusal(() => exportNetwork(checkpoint))).toEqual({
		code: "CHECKPOINT_MISMATCH",
		message: "export: expected a run of mode integer, got one of mode float",
	});
});
